//! Messages: a codec, and the kinds by which they are counted.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, DeriveInput, LitInt, Path, Result};

use crate::{codec, kinds};

/// What `#[message(..)]` says.
#[derive(Default)]
struct Options {
    header: u32,
    fingerprint: Option<Path>,
    claims: Option<Path>,
}

impl Options {
    fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("message")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("header") {
                    options.header = meta.value()?.parse::<LitInt>()?.base10_parse()?;
                } else if meta.path.is_ident("fingerprint") {
                    options.fingerprint = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("claims") {
                    options.claims = Some(meta.value()?.parse()?);
                } else {
                    return Err(meta.error("give `header`, `fingerprint` or `claims`"));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let options = Options::read(&input.attrs)?;
    let codec = codec::wire(input, options.header)?;
    let kinds = kinds::items(input)?;
    let fingerprint = match &options.fingerprint {
        Some(path) => quote!(#path(self)),
        None => quote!(Wire::fold(self, 0)),
    };
    let (signed, claims) = match &options.claims {
        Some(path) => (quote!(true), quote!(#path(self, from, keys, announce))),
        None => (quote!(false), quote!()),
    };
    Ok(quote!(
        #codec
        const _: () = {
            use ::anthill_protocol::{Claim, Keys, Message, NodeId, Shared, Wire};

            impl Message for #name {
                #kinds

                const SIGNED: bool = #signed;
                const CARRIES: bool = <Self as Wire>::HAS_BODIES;

                #[inline]
                fn bodies(&self, mut visit: impl FnMut(Shared)) {
                    Wire::visit_bodies(self, &mut visit);
                }

                #[inline]
                #[allow(unused_variables)]
                fn claims(&self, from: NodeId, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
                    #claims
                }

                #[inline]
                fn encoded_len(&self) -> u32 {
                    Wire::wire_len(self)
                }

                fn encode(&self, out: &mut Vec<u8>) {
                    Wire::write(self, out);
                }

                fn decode(mut bytes: &[u8]) -> Option<Self> {
                    let message = <Self as Wire>::read(&mut bytes).ok()?;
                    bytes.is_empty().then_some(message)
                }

                #[inline]
                fn fingerprint(&self) -> u64 {
                    #fingerprint
                }
            }
        };
    ))
}
