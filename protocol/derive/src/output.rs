//! Outputs: a codec, and the kinds by which they are told apart.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, Ident, Result};

use crate::{codec, kinds};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let (codec, kinds, fields) = (codec::wire(input, 0)?, kinds::items(input)?, fields(input));
    Ok(quote!(
        #codec
        impl ::anthill_protocol::Output for #name {
            #kinds

            #fields
        }
    ))
}

/// `fields`: the name and text of each. Those without a name are numbered.
fn fields(input: &DeriveInput) -> TokenStream {
    let arm = |path: TokenStream, fields: &Fields| {
        let binding = |place: usize| Ident::new(&format!("field_{place}"), input.ident.span());
        let patterns = fields.iter().enumerate().map(|(place, field)| {
            let binding = binding(place);
            match &field.ident {
                Some(name) => quote!(#name: #binding),
                None => quote!(#binding),
            }
        });
        let pattern = match fields {
            Fields::Named(_) => quote!(#path { #(#patterns),* }),
            Fields::Unnamed(_) => quote!(#path(#(#patterns),*)),
            Fields::Unit => path,
        };
        let texts = fields.iter().enumerate().map(|(place, field)| {
            let name = field.ident.as_ref().map_or_else(|| place.to_string(), Ident::to_string);
            let binding = binding(place);
            quote!((#name, ::std::format!("{:?}", #binding)))
        });
        quote!(#pattern => ::std::vec![#(#texts),*])
    };
    let arms: Vec<TokenStream> = match &input.data {
        Data::Enum(data) => {
            let arms = data.variants.iter().map(|variant| {
                let ident = &variant.ident;
                arm(quote!(Self::#ident), &variant.fields)
            });
            arms.collect()
        }
        Data::Struct(data) => vec![arm(quote!(Self), &data.fields)],
        Data::Union(_) => Vec::new(),
    };
    quote!(
        fn fields(&self) -> ::std::vec::Vec<(&'static str, ::std::string::String)> {
            match self { #(#arms,)* }
        }
    )
}
