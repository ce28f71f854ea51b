//! Sections: the table of their keys, their reader and their writer.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DeriveInput, Error, Fields, Ident, Result};

use crate::attributes::Said;
use crate::fields::{Declared, Form};
use crate::names;

/// What structs and enums differ in.
struct Section {
    keys: Vec<TokenStream>,
    /// Its shape, and further items.
    items: TokenStream,
    /// Reads the keys from `section`, which may hold others.
    read: TokenStream,
    /// Of a whole section: what precedes `read`, and what `finish` says.
    kind: TokenStream,
    here: TokenStream,
    /// Adds keys and values of `self` to `entries`.
    write: TokenStream,
    default: Option<TokenStream>,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let said = Said::of_keys(&input.attrs)?;
    let Section { mut keys, items, read, kind, here, write, default } = match &input.data {
        Data::Struct(data) => of_struct(input, &said, &data.fields)?,
        Data::Enum(data) => of_enum(input, &said, data)?,
        Data::Union(_) => return Err(Error::new_spanned(&input.ident, "a struct or an enum")),
    };
    keys.splice(0..0, said.get("before").map(|before| quote!(&#before)));
    keys.extend(said.get("also").map(|also| quote!(&#also)));
    let name = &input.ident;
    let context = said.get("context").cloned().unwrap_or(quote!(()));
    let absent = said.get("absent").map(|absent| {
        quote!(if section.is_absent() {
            return Some(#absent);
        })
    });
    let text = text(name, &said);
    let (result, spec) = match said.has("off") {
        true => (quote!(Option<Option<Self>>), quote!(spec.map(Some))),
        false => (quote!(Option<Self>), quote!(spec)),
    };
    Ok(quote!(const _: () = {
        use crate::scenario::declare::*;

        #[allow(dead_code, unused_variables)]
        impl #name {
            #items

            /// Its keys.
            pub(crate) const KEYS: &'static [Key] = {
                const PARTS: &[&[Key]] = &[#(#keys),*];
                const ALL: [Key; length(PARTS)] = join(PARTS);
                &ALL
            };

            /// Reads its keys from a table that may hold others; `None` only beside a finding.
            pub(crate) fn read_keys(
                section: &mut Section<'_, '_>,
                context: #context,
            ) -> Option<Self> {
                #read
            }

            /// Reads its section; `None` only beside a finding.
            pub(crate) fn read(mut section: Section<'_, '_>, context: #context) -> #result {
                #absent
                if !section.is_table() {
                    return None;
                }
                #kind
                let spec = Self::read_keys(&mut section, context);
                section.finish(#here);
                #spec
            }

            /// Its keys with their values.
            pub(crate) fn written(&self) -> Entries {
                let mut entries = Entries::new();
                #write
                entries
            }
        }

        #text

        #default
    };))
}

/// The section as a value of another table.
fn text(name: &Ident, said: &Said) -> TokenStream {
    let brief = said.has("brief").then(|| {
        quote!(if let [(_, kind)] = &entries[..] {
            return Some(kind.clone());
        })
    });
    quote!(
        impl Text for #name {
            fn text(&self, _: Shape) -> Option<String> {
                let entries = self.written();
                #brief
                Some(table(entries))
            }
        }
    )
}

/// The end of a reader: `read`, unless the check finds something wrong.
fn checked(said: &Said, read: TokenStream) -> TokenStream {
    match said.get("check") {
        Some(check) => quote!({
            let spec: Option<Self> = #read;
            spec.filter(|spec| #check(section, spec, context))
        }),
        None => read,
    }
}

fn of_struct(input: &DeriveInput, said: &Said, fields: &Fields) -> Result<Section> {
    let form = Form::of(fields)?;
    let (pattern, made, reads) = (form.pattern(), form.made(), form.reads());
    let Form { writes, keys, defaults, .. } = form;
    let read = checked(said, quote!(Some(Self #made)));
    let name = &input.ident;
    let default = said.has("defaults").then(|| {
        quote!(impl Default for #name {
            fn default() -> Self {
                Self { #(#defaults),* }
            }
        })
    });
    Ok(Section {
        keys: keys.iter().map(Declared::tokens).collect(),
        items: quote!(
            pub(crate) const TABLE: Shape = Shape::Table(Self::KEYS);
        ),
        read: quote!(#reads #read),
        kind: TokenStream::new(),
        here: quote!("here"),
        write: quote!(let Self #pattern = self; #(#writes)*),
        default,
    })
}

fn of_enum(input: &DeriveInput, said: &Said, data: &DataEnum) -> Result<Section> {
    let tag = said.text("tag")?.unwrap_or_else(|| "kind".to_owned());
    let (mut words, mut abouts, mut arms, mut writes) = (vec![], vec![], vec![], vec![]);
    let mut keys: Vec<Declared> = Vec::new();
    for variant in &data.variants {
        let (ident, own) = (&variant.ident, Said::of_keys(&variant.attrs)?);
        let word = own.text("name")?.unwrap_or_else(|| names::words(&ident.to_string(), '-'));
        let form = Form::of(&variant.fields)?;
        let (pattern, made, reads) = (form.pattern(), form.made(), form.reads());
        arms.push(match own.get("read") {
            Some(read) => quote!(#word => #read(section, context),),
            None => quote!(#word => { #reads Some(Self::#ident #made) }),
        });
        let own = &form.writes;
        writes.push(quote!(Self::#ident #pattern => {
            entries.push((#tag, quoted(#word)));
            #(#own)*
        }));
        form.keys.into_iter().for_each(|key| key.merge(&mut keys, &word));
        abouts.push(names::description(&variant.attrs, ident)?);
        words.push(word);
    }
    let off = said.text("off")?;
    if let Some(off) = &off {
        let place = if said.has("first") { 0 } else { words.len() };
        words.insert(place, off.clone());
        abouts.insert(place, "as without the section".to_owned());
    }
    let name = &input.ident;
    let later = said.get("later").map(|later| quote!(.later(&#later)));
    // A `model` has a default.
    let required = (tag == "kind").then(|| quote!(.required()));
    let about = names::description(&input.attrs, name)?;
    let kind = quote!(&[Key::new(#tag, choice(<#name>::KINDS), #about).words(&[#(#abouts),*])#later #required]);
    let read = checked(said, quote!(match kind { #(#arms)* _ => None }));
    Ok(Section {
        keys: std::iter::once(kind).chain(keys.iter().map(Declared::tokens)).collect(),
        items: kinds(input, said, &tag, &words, read)?,
        read: quote!(let kind = Self::read_kind(section)?; Self::read_as(section, kind, context)),
        kind: match off {
            Some(off) => quote!(
                let kind = Self::read_kind(&mut section)?;
                if kind == #off {
                    section.finish_switched_off();
                    return Some(None);
                }
            ),
            None => quote!(let kind = Self::read_kind(&mut section)?;),
        },
        here: quote!(&format!("with {} = \"{kind}\"", #tag)),
        write: quote!(match self { #(#writes)* }),
        default: None,
    })
}

/// What an enum has beside other sections: its kinds.
fn kinds(
    input: &DeriveInput,
    said: &Said,
    tag: &str,
    words: &[String],
    read: TokenStream,
) -> Result<TokenStream> {
    let Some(example) = said.text("example")? else {
        return Err(Error::new_spanned(&input.ident, "give an example of a kind"));
    };
    let example = format!("\"{example}\"");
    let context = said.get("context").cloned().unwrap_or(quote!(()));
    Ok(quote!(
        pub(crate) const TABLE: Shape = kinded(Self::KEYS);

        /// Its kinds.
        pub(crate) const KINDS: &'static [&'static str] = &[#(#words),*];

        /// The kind, if one is given that there is.
        pub(crate) fn read_kind(section: &mut Section<'_, '_>) -> Option<&'static str> {
            section.require(#tag, #example);
            section.choice(#tag)
        }

        /// Reads the other keys of a kind; `None` only beside a finding.
        pub(crate) fn read_as(
            section: &mut Section<'_, '_>,
            kind: &str,
            context: #context,
        ) -> Option<Self> {
            #read
        }
    ))
}
