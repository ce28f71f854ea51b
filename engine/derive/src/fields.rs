//! The fields of a struct or a variant: how each is declared, read and written.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprCall, Field, Fields, Ident, Result, Type};

use crate::attributes::Said;
use crate::names;

/// All fields of a struct or a variant.
#[derive(Default)]
pub(crate) struct Form {
    names: Vec<Ident>,
    reads: Vec<TokenStream>,
    /// Of the fields that are read after all others.
    last: Vec<TokenStream>,
    pub(crate) writes: Vec<TokenStream>,
    pub(crate) keys: Vec<Declared>,
    /// What `default` states, or the type's own default.
    pub(crate) defaults: Vec<TokenStream>,
    is_tuple: bool,
}

/// What a field adds to the table of keys.
pub(crate) enum Declared {
    /// One key: its name, what it is about with each kind, and the rest of its declaration.
    Key { name: String, abouts: Vec<(String, String)>, shape: TokenStream, more: TokenStream },
    /// A list of keys.
    Flat(TokenStream),
}

impl Declared {
    /// Adds it as a key of a kind; one that another kind has too is the same key.
    pub(crate) fn merge(mut self, all: &mut Vec<Self>, kind: &str) {
        if let Self::Key { name, abouts, .. } = &mut self {
            abouts[0].0 = kind.to_owned();
            for other in &mut *all {
                match other {
                    Self::Key { name: same, abouts: others, .. } if name == same => {
                        return others.append(abouts);
                    }
                    _ => {}
                }
            }
        }
        all.push(self);
    }

    /// A list of keys.
    pub(crate) fn tokens(&self) -> TokenStream {
        let (name, abouts, shape, more) = match self {
            Self::Flat(keys) => return keys.clone(),
            Self::Key { name, abouts, shape, more } => (name, abouts, shape, more),
        };
        let about = &abouts[0].1;
        if abouts.iter().all(|(_, other)| other == about) {
            let kinds = abouts.iter().map(|(kind, _)| kind).filter(|kind| !kind.is_empty());
            return quote!(&[Key::new(#name, #shape, #about)#more.with(&[#(#kinds),*])]);
        }
        let abouts: Vec<String> =
            abouts.iter().map(|(kind, about)| format!("{kind}: {about}")).collect();
        let about = abouts.join("; ");
        quote!(&[Key::new(#name, #shape, #about)#more])
    }
}

impl Form {
    pub(crate) fn of(fields: &Fields) -> Result<Self> {
        let mut form = Self { is_tuple: matches!(fields, Fields::Unnamed(_)), ..Self::default() };
        for field in fields {
            let said = Said::of_key(&field.attrs)?;
            let word = said.text("name")?;
            let named = || word.as_ref().map(|word| Ident::new(word, field.span()));
            let Some(name) = field.ident.clone().or_else(named) else {
                return Err(Error::new_spanned(field, "keys have names"));
            };
            let word = word.unwrap_or_else(|| name.to_string());
            form.add(field, &name, word, &said)?;
            form.names.push(name);
        }
        Ok(form)
    }

    /// The readers in their order.
    pub(crate) fn reads(&self) -> TokenStream {
        let reads = self.reads.iter().chain(&self.last);
        quote!(#(#reads)*)
    }

    /// The fields bound to their names.
    pub(crate) fn pattern(&self) -> TokenStream {
        let names = &self.names;
        if self.is_tuple { quote!((#(#names),*)) } else { quote!({ #(#names),* }) }
    }

    /// The fields from what was read, all of which is needed.
    pub(crate) fn made(&self) -> TokenStream {
        let names = &self.names;
        if self.is_tuple { quote!((#(#names?),*)) } else { quote!({ #(#names: #names?),* }) }
    }

    fn add(&mut self, field: &Field, name: &Ident, word: String, said: &Said) -> Result<()> {
        let ty = &field.ty;
        let default = said.get("default").cloned().unwrap_or(quote!(Default::default()));
        self.defaults.push(quote!(#name: #default));
        if let Some(value) = said.get("skip") {
            self.reads.push(quote!(let #name: Option<#ty> = Some(#value);));
            return Ok(());
        }
        let shape = match said.get("shape") {
            Some(shape) => shape.clone(),
            None if said.has("table") => quote!(<#ty>::TABLE),
            None => quote!(<#ty as Field>::SHAPE),
        };
        let (mut read, mut write) = access(name, ty, &word, &shape, said)?;
        if let Some(only) = said.parse::<ExprCall>("only")? {
            let (holds, above, otherwise) = (&only.func, &only.args, otherwise(said));
            read = quote!(if #above.as_ref().is_none_or(#holds) { #read } else { #otherwise });
            write = quote!(if #only { #write });
        }
        let reads = if said.has("last") { &mut self.last } else { &mut self.reads };
        reads.push(quote!(let #name: Option<#ty> = #read;));
        self.writes.push(write);
        self.keys.push(match said.get("declared") {
            Some(declared) => Declared::Flat(quote!(&[#declared])),
            None if said.has("flatten") => Declared::Flat(quote!(<#ty>::KEYS)),
            None => {
                let about = names::description(&field.attrs, name)?;
                let abouts = vec![(String::new(), about)];
                Declared::Key { name: word, abouts, shape, more: declaration(said, ty) }
            }
        });
        Ok(())
    }
}

/// The reader and the writer of a field.
fn access(
    name: &Ident,
    ty: &Type,
    word: &str,
    shape: &TokenStream,
    said: &Said,
) -> Result<(TokenStream, TokenStream)> {
    let with = said.get("with").cloned().unwrap_or(quote!(()));
    let read = match said.parse::<Expr>("read")? {
        Some(Expr::Path(read)) => quote!(#read(section, context)),
        Some(read) => quote!(#read),
        None if said.has("flatten") => quote!(<#ty>::read_keys(section, #with)),
        None if said.has("table") => quote!(<#ty>::read(section.section(#word), #with)),
        None => {
            let otherwise = otherwise(said);
            quote!(<#ty as Field>::read_or(section, #word, || #otherwise))
        }
    };
    let require = said.get("example").map(|example| quote!(section.require(#word, #example);));
    let write = match said.get("write") {
        Some(write) => quote!(entries.extend(#write(#name).map(|text| (#word, text)));),
        None if said.has("flatten") => quote!(entries.extend(#name.written());),
        None => quote!(entries.extend(Text::text(#name, #shape).map(|text| (#word, text)));),
    };
    Ok((quote!({ #require #read }), write))
}

/// The value that stands where the key is not given.
fn otherwise(said: &Said) -> TokenStream {
    match said.get("or").or(said.get("default")) {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}

/// What is declared beside name, shape and description.
fn declaration(said: &Said, ty: &Type) -> TokenStream {
    let required = said.has("example").then(|| quote!(.required()));
    let has_words = !["shape", "table"].iter().any(|word| said.has(word));
    let words = has_words.then(|| quote!(.words(<#ty as Field>::WORDS)));
    let default = said.get("default").map(|default| match quote!(#ty).to_string().as_str() {
        "bool" => quote!(.or(Value::Flag(#default))),
        "u32" | "u64" => quote!(.or(Value::Count(#default as u64))),
        "f64" => quote!(.or(Value::Number(#default))),
        "Span" => quote!(.or(Value::Span(#default))),
        _ => quote!(.or(Value::Choice(#default.word()))),
    });
    quote!(#required #words #default)
}
