//! The keys of a section as a table of Markdown, for `docs/scenario.md`.

use super::keys::{Key, ROOT, Shape};
use super::resolved::plain;
use crate::conditions::SelectionSpec;

/// The table of a section by its dotted path, such as `network.topology`; that of the keys outside
/// sections by an empty one. `None` if there is no such section.
pub fn key_table(path: &str) -> Option<String> {
    let mut keys = ROOT;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        keys = inside(&keys.iter().find(|key| key.name == name)?.shape)?;
    }
    // Who is selected is told once.
    let selects = matches!(path, "adversary" | "fault");
    let has_kinds = keys.iter().any(|key| !key.with.is_empty());
    let mut out = String::from(if has_kinds {
        "| key | default | with | |\n|---|---|---|---|\n"
    } else {
        "| key | default | |\n|---|---|---|\n"
    });
    let mut row = |key: &str, default: &str, with: &[&str], about: &str| {
        let cells = [key.to_owned(), default.to_owned(), with.join(", "), about.to_owned()];
        for (column, cell) in
            cells.iter().enumerate().filter(|(column, _)| has_kinds || *column != 2)
        {
            let blank = if column == 0 || !cell.is_empty() { " " } else { "" };
            out.push_str(&format!("|{blank}{cell} "));
        }
        out.push_str("|\n");
    };
    for key in keys {
        if path.is_empty() && inside(&key.shape).is_some() || selects && is_selection(key) {
            continue;
        }
        let default = match (key.required, key.default) {
            (true, _) => "required".to_owned(),
            (false, Some(value)) => format!("`{}`", plain(value)),
            (false, None) => String::new(),
        };
        let unexplained = if key.words.is_empty() { words(key) } else { &[] };
        let one_of: Vec<String> = unexplained.iter().map(|word| format!("`\"{word}\"`")).collect();
        let about = match &one_of[..] {
            [] => key.about.to_owned(),
            words => format!("{} ({})", key.about, words.join(", ")),
        };
        row(&format!("`{}`", key.name), &default, key.with, &about);
        for (word, about) in words(key).iter().zip(key.words) {
            row(&format!("· `\"{word}\"`"), "", &[], about);
        }
    }
    Some(out)
}

/// The keys of the table that a key takes, if it takes one.
fn inside(shape: &Shape) -> Option<&'static [Key]> {
    match *shape {
        Shape::Table(keys) | Shape::Kinded { keys, .. } | Shape::Tables { keys, .. } => Some(keys),
        Shape::Named(inner) | Shape::Either(_, inner) => inside(inner),
        _ => None,
    }
}

fn is_selection(key: &Key) -> bool {
    SelectionSpec::KEYS.iter().any(|other| other.name == key.name)
}

fn words(key: &Key) -> &'static [&'static str] {
    match key.shape {
        Shape::Plain(anthill_protocol::parameter::Kind::Choice(words)) => words,
        _ => &[],
    }
}
