//! The fields of a struct or a variant: how each is declared, read and written.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Error, Expr, Field, Fields, Ident, Result, Type};

use crate::attributes::Key;
use crate::names;

/// All fields of a struct or a variant.
#[derive(Default)]
pub(crate) struct Form {
    pub(crate) names: Vec<Ident>,
    pub(crate) reads: Vec<TokenStream>,
    pub(crate) writes: Vec<TokenStream>,
    pub(crate) keys: Vec<Declared>,
    /// What `default` states, or the type's own default.
    pub(crate) defaults: Vec<TokenStream>,
    is_tuple: bool,
}

/// What a field adds to the table of keys.
pub(crate) enum Declared {
    /// One key: its name, what it is about, and the rest of its declaration.
    Key { name: String, about: String, shape: TokenStream, more: TokenStream },
    /// The keys of its type.
    Flat(TokenStream),
}

impl Form {
    pub(crate) fn of(fields: &Fields) -> Result<Self> {
        let mut form = Self { is_tuple: matches!(fields, Fields::Unnamed(_)), ..Self::default() };
        for field in fields {
            let key = Key::read(&field.attrs)?;
            let named = key.name.as_ref().map(|name| Ident::new(name, field.span()));
            let Some(name) = field.ident.clone().or(named) else {
                return Err(Error::new_spanned(field, "keys have names"));
            };
            form.add(field, &name, key)?;
            form.names.push(name);
        }
        Ok(form)
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

    fn add(&mut self, field: &Field, name: &Ident, key: Key) -> Result<()> {
        let ty = &field.ty;
        let with = key.with.as_ref().map_or(quote!(()), |with| quote!(#with));
        let word = key.name.clone().unwrap_or_else(|| name.to_string());
        let shape = match (&key.shape, key.table) {
            (Some(shape), _) => quote!(#shape),
            (None, true) => quote!(<#ty>::TABLE),
            (None, false) => quote!(<#ty as Field>::SHAPE),
        };
        let read = match (&key.read, key.flatten, key.table) {
            (Some(read), ..) => quote!(#read(section, context)),
            (None, true, _) => quote!(<#ty>::read_keys(section, #with)),
            (None, false, true) => quote!(<#ty>::read(section.section(#word), #with)),
            (None, false, false) => {
                let default = otherwise(&key);
                quote!(<#ty as Field>::read_or(section, #word, || #default))
            }
        };
        let require = key.example.as_ref().map(|example| quote!(section.require(#word, #example);));
        let read = quote!({ #require #read });
        let write = match (&key.write, key.flatten, key.table) {
            (Some(write), ..) => quote!(entries.extend(#write(#name).map(|text| (#word, text)));),
            (None, true, _) => quote!(entries.extend(#name.entries());),
            (None, false, true) => quote!(entries.push((#word, #name.text()));),
            (None, false, false) => {
                quote!(entries.extend(Text::text(#name, #shape).map(|text| (#word, text)));)
            }
        };
        let (read, write) = match &key.only {
            None => (read, write),
            Some((above, holds)) => {
                let default = otherwise(&key);
                let read =
                    quote!(if #above.as_ref().is_none_or(#holds) { #read } else { #default });
                (read, quote!(if #holds(#above) { #write }))
            }
        };
        self.reads.push(quote!(let #name: Option<#ty> = #read;));
        self.writes.push(write);
        self.defaults.push(match &key.default {
            Some(default) => quote!(#name: #default),
            None => quote!(#name: Default::default()),
        });
        self.keys.push(match key.flatten {
            true => Declared::Flat(quote!(<#ty>::KEYS)),
            false => {
                let about = names::description(&field.attrs, name)?;
                Declared::Key { name: word, about, shape, more: declaration(&key, ty) }
            }
        });
        Ok(())
    }
}

/// The value that stands where the key is not given.
fn otherwise(key: &Key) -> TokenStream {
    match (&key.default, &key.or) {
        (Some(value), _) | (None, Some(value)) => quote!(Some(#value)),
        (None, None) => quote!(None),
    }
}

/// What is declared beside name, shape and description.
fn declaration(key: &Key, ty: &Type) -> TokenStream {
    let required = key.example.as_ref().map(|_| quote!(.required()));
    let words = key.shape.is_none() && key.read.is_none() && !key.table;
    let words = words.then(|| quote!(.words(<#ty as Field>::WORDS)));
    let default = key.default.as_ref().map(|default| {
        let value = value(default, ty);
        quote!(.or(#value))
    });
    quote!(#required #words #default)
}

/// A default as the schema states it.
fn value(default: &Expr, ty: &Type) -> TokenStream {
    match quote!(#ty).to_string().as_str() {
        "bool" => quote!(Value::Flag(#default)),
        "u32" | "u64" => quote!(Value::Count(#default as u64)),
        "f64" => quote!(Value::Number(#default)),
        "Span" => quote!(Value::Span(#default)),
        _ => quote!(Value::Choice(#default.word())),
    }
}
