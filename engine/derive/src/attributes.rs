//! What attributes say.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, LitStr, Result, Token, parse2};

/// The words that `#[keys(..)]` takes, on a type or a variant.
const KEYS: &[&str] = &[
    "name", "context", "tag", "example", "absent", "off", "first", "later", "before", "also",
    "check", "read", "brief", "defaults",
];

/// The words that `#[key(..)]` takes, on a field, or on a variant that is a word.
const KEY: &[&str] = &[
    "name", "shape", "default", "or", "example", "only", "read", "write", "last", "declared",
    "skip", "flatten", "table", "with",
];

/// The words of an attribute, each with what follows its `=`, if anything.
pub(crate) struct Said(BTreeMap<String, TokenStream>);

impl Said {
    /// Of a section.
    pub(crate) fn of_keys(attributes: &[Attribute]) -> Result<Self> {
        Self::read(attributes, "keys", KEYS)
    }

    /// Of a key.
    pub(crate) fn of_key(attributes: &[Attribute]) -> Result<Self> {
        Self::read(attributes, "key", KEY)
    }

    fn read(attributes: &[Attribute], name: &str, known: &[&str]) -> Result<Self> {
        let mut said = BTreeMap::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
            attribute.parse_nested_meta(|meta| {
                let word = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
                if !known.contains(&word.as_str()) {
                    return Err(meta.error(format!("give one of {}", known.join(", "))));
                }
                let value = match meta.input.peek(Token![=]) {
                    true => up_to_comma(meta.value()?)?,
                    false => TokenStream::new(),
                };
                said.insert(word, value);
                Ok(())
            })?;
        }
        Ok(Self(said))
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.0.contains_key(word)
    }

    pub(crate) fn get(&self, word: &str) -> Option<&TokenStream> {
        self.0.get(word)
    }

    /// What follows a word, as syntax.
    pub(crate) fn parse<T: Parse>(&self, word: &str) -> Result<Option<T>> {
        self.get(word).map(|value| parse2(value.clone())).transpose()
    }

    /// The text that follows a word.
    pub(crate) fn text(&self, word: &str) -> Result<Option<String>> {
        Ok(self.parse::<LitStr>(word)?.map(|text| text.value()))
    }
}

fn up_to_comma(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut value = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        value.extend([input.parse::<TokenTree>()?]);
    }
    Ok(value)
}
