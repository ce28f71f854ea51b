//! The kinds of messages and outputs: the variants of an enum, or the struct itself.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Ident, LitStr, Result};

use crate::names;

/// A kind's name: given by `#[kind("..")]`, or from the variant's.
fn kind(attributes: &[Attribute], name: &Ident) -> Result<String> {
    match attributes.iter().find(|attribute| attribute.path().is_ident("kind")) {
        Some(given) => Ok(given.parse_args::<LitStr>()?.value()),
        None => Ok(names::words(&name.to_string(), '-')),
    }
}

/// `KINDS` and `kind` of a trait that has both.
pub(crate) fn items(input: &DeriveInput) -> Result<TokenStream> {
    let (mut kinds, mut arms) = (Vec::new(), Vec::new());
    match &input.data {
        Data::Enum(data) => {
            for (place, variant) in data.variants.iter().enumerate() {
                let ident = &variant.ident;
                kinds.push(kind(&variant.attrs, ident)?);
                arms.push(quote!(Self::#ident { .. } => #place));
            }
        }
        _ => {
            kinds.push(kind(&input.attrs, &input.ident)?);
            arms.push(quote!(_ => 0));
        }
    }
    Ok(quote!(
        const KINDS: &'static [&'static str] = &[#(#kinds),*];

        #[inline]
        fn kind(&self) -> usize {
            match self { #(#arms,)* }
        }
    ))
}
