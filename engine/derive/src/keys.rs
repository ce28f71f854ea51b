//! Sections: the table of their keys, their reader and their writer.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DeriveInput, Error, Fields, Result};

use crate::attributes::Said;
use crate::fields::{Declared, Form};
use crate::names;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let said = Said::of_keys(&input.attrs)?;
    let body = match &input.data {
        Data::Struct(data) => of_struct(&said, &data.fields)?,
        Data::Enum(data) => of_enum(input, &said, data)?,
        Data::Union(_) => return Err(Error::new_spanned(&input.ident, "a struct or an enum")),
    };
    let name = &input.ident;
    let brief = said.has("brief").then(|| {
        quote!(if let [(_, kind)] = &entries[..] {
            return kind.clone();
        })
    });
    let default = match (&input.data, said.has("defaults")) {
        (Data::Struct(data), true) => {
            let defaults = Form::of(&data.fields)?.defaults;
            Some(quote!(impl Default for #name {
                fn default() -> Self {
                    Self { #(#defaults),* }
                }
            }))
        }
        _ => None,
    };
    Ok(quote!(const _: () = {
        use crate::scenario::declare::{
            Entries, Field, Key, Section, Shape, Text, Value, choice, join, kinded, length, quoted,
            table,
        };

        #[allow(dead_code, unused_imports, unused_variables)]
        impl #name {
            #body

            /// Its table as a value.
            pub(crate) fn text(&self) -> String {
                let entries = self.written();
                #brief
                table(entries)
            }
        }

        #default
    };))
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

/// The beginning of a reader of a whole section.
fn opening(said: &Said) -> TokenStream {
    let absent = said.get("absent").map(|absent| {
        quote!(if section.is_absent() {
            return Some(#absent);
        })
    });
    quote!(
        #absent
        if !section.is_table() {
            return None;
        }
    )
}

fn of_struct(said: &Said, fields: &Fields) -> Result<TokenStream> {
    let form = Form::of(fields)?;
    let (pattern, made, reads) = (form.pattern(), form.made(), form.reads());
    let Form { writes, keys, .. } = form;
    let table = joined(said, keys.iter().map(declare).collect());
    let context = said.get("context").cloned().unwrap_or(quote!(()));
    let read = checked(said, quote!(Some(Self #made)));
    let opening = opening(said);
    Ok(quote!(
        #table

        pub(crate) const TABLE: Shape = Shape::Table(Self::KEYS);

        /// Reads its keys from a table that may hold others; `None` only beside a finding.
        pub(crate) fn read_keys(section: &mut Section<'_, '_>, context: #context) -> Option<Self> {
            #reads
            #read
        }

        /// Reads its section; `None` only beside a finding.
        pub(crate) fn read(mut section: Section<'_, '_>, context: #context) -> Option<Self> {
            #opening
            let spec = Self::read_keys(&mut section, context);
            section.finish("here");
            spec
        }

        /// Its keys with their values.
        pub(crate) fn written(&self) -> Entries {
            let Self #pattern = self;
            let mut entries = Entries::new();
            #(#writes)*
            entries
        }
    ))
}

fn of_enum(input: &DeriveInput, said: &Said, data: &DataEnum) -> Result<TokenStream> {
    let tag = said.text("tag")?.unwrap_or_else(|| "kind".to_owned());
    let Some(example) = said.text("example")? else {
        return Err(Error::new_spanned(&input.ident, "give an example of a kind"));
    };
    let example = format!("\"{example}\"");
    let context = said.get("context").cloned().unwrap_or(quote!(()));
    let (mut words, mut abouts, mut arms, mut texts) = (vec![], vec![], vec![], vec![]);
    let mut merged = Vec::new();
    for variant in &data.variants {
        let (ident, own) = (&variant.ident, Said::of_keys(&variant.attrs)?);
        let word = own.text("name")?.unwrap_or_else(|| names::words(&ident.to_string(), '-'));
        let form = Form::of(&variant.fields)?;
        let (pattern, made, reads) = (form.pattern(), form.made(), form.reads());
        let Form { writes, keys, .. } = form;
        arms.push(match own.get("read") {
            Some(read) => quote!(#word => #read(section, context),),
            None => quote!(#word => { #reads Some(Self::#ident #made) }),
        });
        texts.push(quote!(Self::#ident #pattern => {
            entries.push((#tag, quoted(#word)));
            #(#writes)*
        }));
        keys.into_iter().for_each(|key| merge(&mut merged, key, &word));
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
    let about = names::description(&input.attrs, &input.ident)?;
    let kind =
        quote!(&[Key::new(#tag, choice(<#name>::KINDS), #about).words(&[#(#abouts),*])#later]);
    let kinds = merged.iter().map(Merged::declare);
    let table = joined(said, std::iter::once(kind).chain(kinds).collect());
    let read = checked(said, quote!(match kind { #(#arms)* _ => None }));
    let opening = opening(said);
    let (result, off) = match off {
        None => (quote!(Option<Self>), None),
        Some(off) => (
            quote!(Option<Option<Self>>),
            Some(quote!(if kind == #off {
                section.finish_switched_off();
                return Some(None);
            })),
        ),
    };
    let spec = if off.is_some() { quote!(spec.map(Some)) } else { quote!(spec) };
    Ok(quote!(
        #table

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

        /// Reads its keys from a table that may hold others; `None` only beside a finding.
        pub(crate) fn read_keys(section: &mut Section<'_, '_>, context: #context) -> Option<Self> {
            let kind = Self::read_kind(section)?;
            Self::read_as(section, kind, context)
        }

        /// Reads its section; `None` only beside a finding.
        pub(crate) fn read(mut section: Section<'_, '_>, context: #context) -> #result {
            #opening
            let kind = Self::read_kind(&mut section)?;
            #off
            let spec = Self::read_as(&mut section, kind, context);
            section.finish(&format!("with {} = \"{kind}\"", #tag));
            #spec
        }

        /// Its keys with their values.
        pub(crate) fn written(&self) -> Entries {
            let mut entries = Entries::new();
            match self { #(#texts)* }
            entries
        }
    ))
}

/// A key of some of the kinds.
struct Merged {
    key: Declared,
    /// The kinds, each with what the key is about there.
    kinds: Vec<(String, String)>,
}

/// Adds a key of a kind; one that another kind has too is the same key.
fn merge(merged: &mut Vec<Merged>, key: Declared, kind: &str) {
    let about = match &key {
        Declared::Key { about, .. } => about.clone(),
        Declared::Flat(_) => String::new(),
    };
    let same = merged.iter_mut().find(|other| match (&other.key, &key) {
        (Declared::Key { name, .. }, Declared::Key { name: other, .. }) => name == other,
        _ => false,
    });
    match same {
        Some(same) => same.kinds.push((kind.to_owned(), about)),
        None => merged.push(Merged { key, kinds: vec![(kind.to_owned(), about)] }),
    }
}

impl Merged {
    fn declare(&self) -> TokenStream {
        let Declared::Key { name, about, shape, more } = &self.key else {
            return declare(&self.key);
        };
        if self.kinds.iter().all(|(_, other)| other == about) {
            let kinds = self.kinds.iter().map(|(kind, _)| kind);
            return quote!(&[Key::new(#name, #shape, #about)#more.with(&[#(#kinds),*])]);
        }
        let about: Vec<String> =
            self.kinds.iter().map(|(kind, about)| format!("{kind}: {about}")).collect();
        let about = about.join("; ");
        quote!(&[Key::new(#name, #shape, #about)#more])
    }
}

fn declare(key: &Declared) -> TokenStream {
    match key {
        Declared::Flat(keys) => quote!(#keys),
        Declared::Key { name, about, shape, more } => {
            quote!(&[Key::new(#name, #shape, #about)#more])
        }
    }
}

/// The table of all keys.
fn joined(said: &Said, parts: Vec<TokenStream>) -> TokenStream {
    let also = said.get("also").map(|also| quote!(&#also));
    quote!(
        /// Its keys.
        pub(crate) const KEYS: &'static [Key] = {
            const PARTS: &[&[Key]] = &[#(#parts,)* #also];
            const ALL: [Key; length(PARTS)] = join(PARTS);
            &ALL
        };
    )
}
