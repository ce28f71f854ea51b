//! Metrics: a fieldless enum and the table that describes it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Data, DeriveInput, Error, Ident, LitStr, Result, Variant};

use crate::names;

/// Which way it gets better.
const DIRECTIONS: [(&str, &str); 2] = [("higher", "Higher"), ("lower", "Lower")];
/// The ways in which records become a figure, beside the sum.
const KINDS: [(&str, &str); 3] = [("latency", "Latency"), ("max", "Max"), ("per_node", "PerNode")];

fn info(variant: &Variant) -> Result<TokenStream> {
    if !variant.fields.is_empty() {
        return Err(Error::new_spanned(&variant.fields, "a metric has no fields"));
    }
    if let Some((_, number)) = &variant.discriminant {
        return Err(Error::new_spanned(number, "metrics are numbered in order"));
    }
    let mut name = names::words(&variant.ident.to_string(), '_');
    let mut kind = quote!(Sum);
    let mut better = None;
    for attribute in variant.attrs.iter().filter(|a| a.path().is_ident("metric")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                name = meta.value()?.parse::<LitStr>()?.value();
                return Ok(());
            }
            if let Some((_, name)) = DIRECTIONS.iter().find(|(word, _)| meta.path.is_ident(word)) {
                let name = Ident::new(name, Span::call_site());
                better = Some(quote!(.better(Better::#name)));
                return Ok(());
            }
            if meta.path.is_ident("per") {
                let other = meta.value()?.parse::<Ident>()?;
                kind = quote!(Per(Self::#other as usize));
                return Ok(());
            }
            let known = KINDS.iter().find(|(word, _)| meta.path.is_ident(word));
            let unknown = "give latency, max, per_node, per = .., higher, lower or name";
            let known = Ident::new(known.ok_or_else(|| meta.error(unknown))?.1, Span::call_site());
            kind = quote!(#known);
            Ok(())
        })?;
    }
    let about = names::description(&variant.attrs, &variant.ident)?;
    Ok(quote!(MetricInfo::new(#name, MetricKind::#kind, #about) #better))
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(name, "metrics are the variants of an enum"));
    };
    let infos = data.variants.iter().map(info).collect::<Result<Vec<_>>>()?;
    Ok(quote!(const _: () = {
        #[allow(unused_imports)]
        use ::anthill_protocol::{Better, Metric, MetricInfo, MetricKind};

        impl Metric for #name {
            const ALL: &'static [MetricInfo] = &[#(#infos),*];

            #[inline]
            fn index(self) -> usize {
                self as usize
            }
        }
    };))
}
