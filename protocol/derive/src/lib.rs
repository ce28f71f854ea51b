//! Derives for `anthill-protocol`: what a protocol declares once, and what follows from it.
//!
//! | derive | from | gives |
//! |---|---|---|
//! | `Snapshot` | a struct or enum of such | state as bytes, and back |
//! | `Wire` | the same | a codec of fixed widths, its length, a hash, the shared bodies in it |
//! | `Message` | the same | all of that, and the kinds of messages by the names of the variants |
//! | `Output` | the same | a codec, and the kinds of outputs by the names of the variants |
//! | `Metric` | a fieldless enum | the table of metrics, described by the variants' documentation |
//! | `Parameters` | a struct | the declared keys of `[protocol]` and `[workload]`, and how they are read |
//!
//! Use them through `anthill_protocol`, which exports them beside the traits and documents the
//! attributes. A mistake is a compile error at the place where it was made.

mod codec;
mod configure;
mod kinds;
mod message;
mod metric;
mod names;
mod output;
mod parameters;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

fn expand(
    input: TokenStream,
    derive: fn(&DeriveInput) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// State as bytes: field after field; an enum begins with a byte, the number of its variant.
#[proc_macro_derive(Snapshot)]
pub fn snapshot(input: TokenStream) -> TokenStream {
    expand(input, codec::snapshot)
}

/// A part of messages: its fields in order; an enum begins with a byte, the number of its variant.
#[proc_macro_derive(Wire)]
pub fn wire(input: TokenStream) -> TokenStream {
    expand(input, |input| codec::wire(input, 0))
}

/// A message whose kinds are its variants and whose wire form is its fields in order.
///
/// `#[message(header = 8)]` adds so many zero bytes of headers; `fingerprint = path` and
/// `claims = path` name functions that take the place of what is derived. `#[kind("pre-prepare")]`
/// on a variant names its kind; by default `PrePrepare` is `pre-prepare`.
#[proc_macro_derive(Message, attributes(message, kind))]
pub fn message(input: TokenStream) -> TokenStream {
    expand(input, message::derive)
}

/// What nodes tell the outside world; its kinds are its variants, named as those of messages.
#[proc_macro_derive(Output, attributes(kind))]
pub fn output(input: TokenStream) -> TokenStream {
    expand(input, output::derive)
}

/// One metric per variant, described by its documentation. `#[metric(latency)]`, `max`, `per_node` and
/// `per = Other`, a ratio to another variant, say how records become a figure, by default their sum; `higher` or `lower` which way it
/// gets better, if that is beyond dispute; `name = "rtt"` names it.
#[proc_macro_derive(Metric, attributes(metric))]
pub fn metric(input: TokenStream) -> TokenStream {
    expand(input, metric::derive)
}

/// Declared parameters, described by the fields' documentation.
///
/// `#[param(default = 5, range = 1..=64)]` for `[protocol]`, `#[workload(..)]` for `[workload]`. The type
/// says what values it takes: integers a count, `f64` a number (with `share` one within 0 to 1),
/// `bool` a flag, `Option<&'static TextFile>` a text file, `Span` a length of time, at least `min`; with `choice = ["a", "b"]` a word, into a
/// `&'static str`. `above = field` and `at_least = field` relate two lengths of time or counts. Fields
/// without an attribute begin with their default.
///
/// With `#[configure]` on the struct, also `impl Configure`: its name is the struct's, `PushPull` as
/// `push-pull`, unless `name = ".."` is given, and what it is about is the struct's documentation.
/// `fit`, `checks`, `asks`, `complexity`, `most_faults`, `pending`, `row`, `signatures` and `swarm` = path name methods for the
/// trait's functions of those names, `columns`, `diagrams`, `adversaries` and `situations` its tables.
#[proc_macro_derive(Parameters, attributes(param, workload, configure))]
pub fn parameters(input: TokenStream) -> TokenStream {
    expand(input, parameters::derive)
}
