//! Derives for `anthill-engine`: every key of a scenario declared once, as a field.
//!
//! From the type that a section is read into follow the table of its keys (which the reader, its
//! error messages, the JSON Schema and the tables of `docs/scenario.md` work from), the reader and
//! the writer. What a user is told about a key is the first paragraph of its field's documentation.

mod attributes;
mod fields;
mod keys;
// One file for both crates of derives, by a link: such a crate exports nothing but derives.
mod names;
mod words;

use proc_macro::TokenStream;
use syn::{DeriveInput, Result, parse_macro_input};

/// A section, or a part of one: a struct has its fields as keys, an enum also has a `kind`, whose
/// word decides which other keys there are.
///
/// On the type, `#[keys(..)]`:
/// - `context = Type`: what readers and expressions are given besides, as `context`;
/// - `tag = "model"`: the key that takes the kind, `example = "fitted"`: one of the kinds, which is
///   suggested to whoever gives none;
/// - `absent = expr`: what a section that is not there means;
/// - `off = "off"`: a further kind, named last (or `first`), which switches the section off: `read` then
///   returns an option;
/// - `later = [".."]`: kinds of later versions;
/// - `before = [KEY]`, `also = [KEY]`: keys that no field holds, before and after those of the fields;
/// - `check = path`: `fn(&mut Section, &Self, context) -> bool`, which reports what is wrong;
/// - `brief`: in a value, a kind without other keys stands alone;
/// - `defaults`: implements `Default` by the keys' constants, on a struct.
///
/// On a variant, `name = ".."` (by default `PrePrepare` is `pre-prepare`) and `read = path`, a reader
/// of the whole variant. On a field (one of a tuple needs a `name`), `#[key(..)]`:
/// - `name`, `shape`: of the key, by default the field's name and the shape of its type;
/// - `default = value`: a constant, stated in the schema; `or = expr`: one that depends on the context
///   or on the fields above, each of which is an option there; `example = ".."`: the key is required.
///   An `Option` needs none of them;
/// - `only = function(field)`: the key is used only if the function finds so of that field above; else it
///   has its default;
/// - `read = path`: `fn(&mut Section, context) -> Option<T>`, or an expression that gives an `Option<T>`;
///   `write = path`: `fn(&T) -> Option<String>`; `last`: is read after all other fields;
/// - `declared = KEY`: the declaration of the key, in place of what follows from the field;
/// - `flatten`: the field's type has keys of the same table; `table`: of a table of its own under this
///   key; `with = expr`: their context;
/// - `skip = expr`: no key, but this value.
#[proc_macro_derive(Keys, attributes(keys, key))]
pub fn keys(input: TokenStream) -> TokenStream {
    expand(input, keys::derive)
}

/// A choice of words: an enum without fields. `#[key(name = "..")]` on a variant names its word.
#[proc_macro_derive(Words, attributes(key))]
pub fn words(input: TokenStream) -> TokenStream {
    expand(input, words::derive)
}

fn expand(
    input: TokenStream,
    derive: fn(&DeriveInput) -> Result<proc_macro2::TokenStream>,
) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
