//! Names and descriptions that follow from those in the source.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// `PrePrepare` as words with `by` between them: `pre-prepare`.
pub(crate) fn words(name: &str, by: char) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.char_indices() {
        if c.is_uppercase() && i > 0 {
            out.push(by);
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// The documentation in one line, as descriptions are written: without the stop at its end.
///
/// # Errors
/// If there is none: whatever a user is shown has to be described.
pub(crate) fn description(attributes: &[Attribute], of: &syn::Ident) -> syn::Result<String> {
    let line = |attribute: &Attribute| {
        let Meta::NameValue(pair) = &attribute.meta else { return None };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else { return None };
        pair.path.is_ident("doc").then(|| text.value().trim().to_owned())
    };
    // Only the first paragraph is for users.
    let lines = attributes.iter().filter_map(line).take_while(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join(" ");
    let text = text.trim_end_matches('.');
    if text.is_empty() {
        return Err(syn::Error::new(of.span(), format!("document `{of}`: users are shown it")));
    }
    // A sentence's capital, but not that of a name: `MAC` and `RipeNcc` stay.
    let word = text.split(' ').next().unwrap_or_default();
    let begins_a_name = !word.is_ascii() || word.chars().skip(1).any(|c| c.is_ascii_uppercase());
    let capital = if begins_a_name { 0 } else { 1 };
    Ok(text[..capital].to_ascii_lowercase() + &text[capital..])
}
