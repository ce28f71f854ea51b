//! Parameters: the fields of a struct as declared keys, and how they are read and related.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprArray, ExprRange, Field, Ident, Result, Type,
};

use crate::{configure, names};

/// The sections, by attribute: the prefix of full names.
const SECTIONS: [(&str, &str); 2] = [("param", ""), ("workload", "workload.")];

/// What an attribute says of a field.
#[derive(Default)]
struct Options {
    default: Option<Expr>,
    range: Option<ExprRange>,
    min: Option<Expr>,
    share: bool,
    choice: Option<ExprArray>,
    /// Of another field, and whether equal is enough.
    relation: Option<(Ident, bool)>,
}

impl Options {
    fn read(attribute: &Attribute) -> Result<Self> {
        let mut options = Self::default();
        attribute.parse_nested_meta(|meta| {
            let word = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
            match word.as_str() {
                "default" => options.default = Some(meta.value()?.parse()?),
                "range" => options.range = Some(meta.value()?.parse()?),
                "min" => options.min = Some(meta.value()?.parse()?),
                "share" => options.share = true,
                "choice" => options.choice = Some(meta.value()?.parse()?),
                "above" => options.relation = Some((meta.value()?.parse()?, false)),
                "at_least" => options.relation = Some((meta.value()?.parse()?, true)),
                _ => {
                    return Err(
                        meta.error("give default, range, min, share, choice, above or at_least")
                    );
                }
            }
            Ok(())
        })?;
        Ok(options)
    }

    /// The bounds given, or those of the type; both included.
    fn bounds(&self, least: TokenStream, most: TokenStream) -> Result<(TokenStream, TokenStream)> {
        let Some(range) = &self.range else { return Ok((least, most)) };
        if matches!(range.limits, syn::RangeLimits::HalfOpen(_)) && range.end.is_some() {
            return Err(Error::new_spanned(range, "both bounds are included: write `..=`"));
        }
        let or =
            |bound: &Option<Box<Expr>>, other| bound.as_ref().map_or(other, |bound| quote!(#bound));
        Ok((or(&range.start, least), or(&range.end, most)))
    }
}

/// A declared field.
struct Declared {
    parameter: TokenStream,
    read: TokenStream,
    relation: Option<TokenStream>,
}

fn declared(field: &Field, name: &Ident, attribute: &Attribute, prefix: &str) -> Result<Declared> {
    let options = Options::read(attribute)?;
    let Some(default) = &options.default else {
        return Err(Error::new_spanned(attribute, "give the default: `default = ...`"));
    };
    let key = name.to_string();
    let full = format!("{prefix}{key}");
    let (kind, value, read) = kind_of(&field.ty, &options, default, &full)?;
    let about = names::description(&field.attrs, name)?;
    let parameter = quote!(Parameter { name: #key, kind: #kind, default: #value, about: #about });
    let relation = options.relation.as_ref().map(|(other, or_equal)| {
        let (words, holds) = match or_equal {
            true => ("at least", quote!(read.#name >= read.#other)),
            false => ("above", quote!(read.#name > read.#other)),
        };
        let problem = format!("must be {words} {other} = {{}}");
        quote!(if !(#holds) {
            return Err(ParameterError { name: #full, problem: format!(#problem, read.#other) });
        })
    });
    Ok(Declared { parameter, read: quote!(#name: #read), relation })
}

/// Kind, default and reader of a field by its type.
fn kind_of(
    ty: &Type,
    options: &Options,
    default: &Expr,
    full: &str,
) -> Result<(TokenStream, TokenStream, TokenStream)> {
    if let Some(words) = &options.choice {
        return Ok((
            quote!(Kind::Choice(&#words)),
            quote!(Value::Choice(#default)),
            quote!(values.choice(#full)),
        ));
    }
    let word = match ty {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    };
    Ok(match word.as_deref() {
        Some("bool") => {
            (quote!(Kind::Flag), quote!(Value::Flag(#default)), quote!(values.flag(#full)))
        }
        Some("f64") if options.share => {
            (quote!(Kind::Share), quote!(Value::Share(#default)), quote!(values.share(#full)))
        }
        Some("f64") => {
            let (least, most) = options.bounds(quote!(f64::NEG_INFINITY), quote!(f64::INFINITY))?;
            let kind = quote!(Kind::Number { min: #least, max: #most });
            (kind, quote!(Value::Number(#default)), quote!(values.number(#full)))
        }
        Some("u8" | "u16" | "u32" | "u64") => {
            let (least, most) = options.bounds(quote!(0), quote!(#ty::MAX))?;
            let kind = quote!(Kind::Count { min: #least as u64, max: #most as u64 });
            (kind, quote!(Value::Count(#default as u64)), quote!(values.count(#full) as #ty))
        }
        Some("Option") => {
            (quote!(Kind::File), quote!(Value::File(#default)), quote!(values.file(#full)))
        }
        Some("Span") => {
            let least = options.min.as_ref().map_or(quote!(Span(1)), |least| quote!(#least));
            let kind = quote!(Kind::Span { min: #least });
            (kind, quote!(Value::Span(#default)), quote!(values.span(#full)))
        }
        _ => {
            return Err(Error::new_spanned(
                ty,
                "a parameter is a bool, u8, u16, u32, u64, f64, Span or Option<&'static TextFile>, or has `choice = [..]`",
            ));
        }
    })
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(name, "parameters are the fields of a struct"));
    };
    let mut tables = SECTIONS.map(|_| Vec::new());
    let (mut reads, mut relations) = (Vec::new(), Vec::new());
    for field in &data.fields {
        let Some(ident) = &field.ident else {
            return Err(Error::new_spanned(field, "parameters have names"));
        };
        let section = SECTIONS.iter().enumerate().find_map(|(place, (word, prefix))| {
            let attribute = field.attrs.iter().find(|a| a.path().is_ident(word))?;
            Some((place, attribute, *prefix))
        });
        let Some((place, attribute, prefix)) = section else {
            reads.push(quote!(#ident: Default::default()));
            continue;
        };
        let Declared { parameter, read, relation } = declared(field, ident, attribute, prefix)?;
        tables[place].push(parameter);
        reads.push(read);
        relations.extend(relation);
    }
    let [own, workload] = tables;
    let configure = configure::derive(input)?;
    Ok(quote!(
        #configure
        impl #name {
            /// The keys of `[protocol]`.
            const DECLARED: &'static [::anthill_protocol::parameter::Parameter] = {
                #[allow(unused_imports)]
                use ::anthill_protocol::{Span, parameter::{Kind, Parameter, Value}};
                &[#(#own),*]
            };

            /// The keys of `[workload]`.
            #[allow(dead_code)]
            const DECLARED_WORKLOAD: &'static [::anthill_protocol::parameter::Parameter] = {
                #[allow(unused_imports)]
                use ::anthill_protocol::{Span, parameter::{Kind, Parameter, Value}};
                &[#(#workload),*]
            };

            /// Reads checked values.
            ///
            /// # Errors
            /// When two of them are not related as they were declared to be.
            fn read(
                values: &::anthill_protocol::parameter::Values,
            ) -> Result<Self, ::anthill_protocol::parameter::ParameterError> {
                #[allow(unused_imports)]
                use ::anthill_protocol::parameter::ParameterError;
                let read = Self { #(#reads),* };
                #(#relations)*
                Ok(read)
            }
        }
    ))
}
