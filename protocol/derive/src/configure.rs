//! `impl Configure` for a struct of parameters, where it asks for one.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Expr, LitStr, Result};

use crate::names;

/// The functions of the trait that a path may stand for, with their signatures.
fn function(name: &str, path: &Expr) -> Option<TokenStream> {
    Some(match name {
        "fit" => quote!(
            fn fit(&mut self, nodes: u32, seed: u64) -> ::core::result::Result<(), ParameterError> {
                (#path)(self, nodes, seed)
            }
        ),
        "asks" => quote!(fn asks(&self, facts: &RunFacts) -> Questions { (#path)(self, facts) }),
        "checks" => {
            quote!(fn checks(&self, facts: &RunFacts) -> Vec<Check> { (#path)(self, facts) })
        }
        "complexity" => quote!(
            fn complexity(&self, nodes: u32) -> Theory { (#path)(self, nodes) }
        ),
        "most_faults" => quote!(
            fn most_faults(&self, nodes: u32) -> Option<u32> { (#path)(self, nodes) }
        ),
        "pending" => {
            quote!(fn pending_per_node(&self, degree: f64) -> f64 { (#path)(self, degree) })
        }
        "row" => quote!(
            fn row(&self, id: NodeId, node: &<Self as Protocol>::Node) -> Vec<Cell> {
                (#path)(self, id, node)
            }
        ),
        "signatures" => quote!(
            fn signatures(&self, scale: &RunScale) -> Option<SignatureEstimate> {
                (#path)(self, scale)
            }
        ),
        "columns" => quote!(const COLUMNS: &'static [Column] = #path;),
        "diagrams" => quote!(const DIAGRAMS: &'static [Diagram] = #path;),
        "situations" => quote!(const SITUATIONS: &'static [&'static str] = #path;),
        "swarm" => quote!(
            fn swarm(dice: &mut Dice, nodes: u32) -> Vec<(&'static str, String)> {
                (#path)(dice, nodes)
            }
        ),
        "adversaries" => quote!(const ADVERSARIES: &'static [AdversaryKind] = #path;),
        _ => return None,
    })
}

/// Nothing without `#[configure]`.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Some(attribute) = input.attrs.iter().find(|a| a.path().is_ident("configure")) else {
        return Ok(quote!());
    };
    let ident = &input.ident;
    let mut name = names::words(&ident.to_string(), '-');
    let mut functions = Vec::new();
    if !matches!(attribute.meta, syn::Meta::Path(_)) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                name = meta.value()?.parse::<LitStr>()?.value();
                return Ok(());
            }
            let key = meta.path.require_ident()?.to_string();
            match function(&key, &meta.value()?.parse::<Expr>()?) {
                Some(function) => functions.push(function),
                None => return Err(meta.error("no such function or table of `Configure`")),
            }
            Ok(())
        })?;
    }
    let about = names::description(&input.attrs, ident)?;
    Ok(quote!(
        const _: () = {
            #[allow(unused_imports)]
            use ::anthill_protocol::{
                Cell, Check, Column, Configure, Diagram, Dice, NodeId, Protocol, Questions, RunFacts, RunScale,
                SignatureEstimate, complexity::Theory, parameter::{AdversaryKind, Parameter, ParameterError, Values},
            };

            impl Configure for #ident {
                const NAME: &'static str = #name;
                const ABOUT: &'static str = #about;
                const PARAMETERS: &'static [Parameter] = Self::DECLARED;
                const WORKLOAD: &'static [Parameter] = Self::DECLARED_WORKLOAD;

                fn configure(values: &Values) -> ::core::result::Result<Self, ParameterError> {
                    Self::read(values)
                }

                #(#functions)*
            }
        };
    ))
}
