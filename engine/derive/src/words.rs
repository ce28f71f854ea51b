//! Choices of words.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Ident, Result};

use crate::attributes::Said;
use crate::names;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(name, "words are the variants of an enum"));
    };
    let variants: Vec<&Ident> = data.variants.iter().map(|variant| &variant.ident).collect();
    let (mut words, mut abouts) = (Vec::new(), Vec::new());
    for variant in &data.variants {
        let name = Said::of_key(&variant.attrs)?.text("name")?;
        words.push(name.unwrap_or_else(|| names::words(&variant.ident.to_string(), '-')));
        abouts.push(names::description(&variant.attrs, &variant.ident)?);
    }
    Ok(quote!(
        impl #name {
            /// The word for it in a scenario.
            pub(crate) const fn word(self) -> &'static str {
                match self { #(Self::#variants => #words),* }
            }
        }

        const _: () = {
            use crate::scenario::declare::*;

            impl Text for #name {
                fn text(&self, _: Shape) -> Option<String> {
                    Some(quoted(self.word()))
                }
            }

            impl Field for #name {
                const SHAPE: Shape = choice(&[#(#words),*]);
                const WORDS: &'static [&'static str] = &[#(#abouts),*];

                fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
                    match section.choice(key)? { #(#words => Some(Self::#variants),)* _ => None }
                }
            }
        };
    ))
}
