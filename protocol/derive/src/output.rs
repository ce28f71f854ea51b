//! Outputs: a codec, and the kinds by which they are told apart.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Result};

use crate::{codec, names};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let codec = codec::wire(input, 0)?;
    let (mut kinds, mut arms) = (Vec::new(), Vec::new());
    match &input.data {
        Data::Enum(data) => {
            for (place, variant) in data.variants.iter().enumerate() {
                let ident = &variant.ident;
                kinds.push(names::words(&ident.to_string(), '-'));
                arms.push(quote!(Self::#ident { .. } => #place));
            }
        }
        _ => {
            kinds.push(names::words(&name.to_string(), '-'));
            arms.push(quote!(_ => 0));
        }
    }
    Ok(quote!(
        #codec
        impl ::anthill_protocol::Output for #name {
            const KINDS: &'static [&'static str] = &[#(#kinds),*];

            #[inline]
            fn kind(&self) -> usize {
                match self { #(#arms,)* }
            }
        }
    ))
}
