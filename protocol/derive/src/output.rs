//! Outputs: a codec, and the kinds by which they are told apart.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

use crate::{codec, kinds};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let (codec, kinds) = (codec::wire(input, 0)?, kinds::items(input)?);
    Ok(quote!(
        #codec
        impl ::anthill_protocol::Output for #name {
            #kinds
        }
    ))
}
