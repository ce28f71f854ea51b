//! From text to a tree of values that know where they were written.
//!
//! Owns the limits on what is read at all (size, encoding, regular files, depth) and the merging
//! of overrides. The tree is our own rather than `toml`'s because a value may come from the file
//! or from any override, and errors must name the one it came from.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ScenarioError;
use super::overrides::Override;
use crate::input::{InputFile, OpenError};

/// The most that is read of a scenario: an inline table of 1,740 sites has half of it.
const MAX_BYTES: u64 = 64 << 20;

/// The most values that are parsed. The TOML parser and the tree need some 300 bytes for each, however
/// short its text, so that this many stay near a gigabyte. 1,740 sites have three million.
const MAX_VALUES: usize = 4_000_000;

/// The deepest nesting; a region table in a scenario has 4.
const MAX_DEPTH: usize = 16;

/// Where a scenario comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file; paths in it are relative to its folder.
    File(PathBuf),
    /// A text, such as a preset that ships with the program; paths in it are relative to the
    /// working directory.
    Text {
        /// Its name in errors, and the scenario's name unless the text gives one.
        name: String,
        /// The text.
        text: String,
    },
}

/// Where a value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Bytes of the text.
    Text {
        /// First byte.
        start: usize,
        /// After the last byte.
        end: usize,
    },
    /// The override of this index.
    Override(usize),
}

impl Place {
    pub(super) fn text(range: Range<usize>) -> Self {
        Self::Text { start: range.start, end: range.end }
    }

    pub(super) fn is_override(self) -> bool {
        matches!(self, Self::Override(_))
    }
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) place: Place,
    pub(super) data: Data,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Text(String),
    /// Saturated: no valid value is near the ends of 128 bits.
    Integer(i128),
    Float(f64),
    Flag(bool),
    /// Kept only to be refused by name.
    Date,
    List(Vec<Item>),
    Table(Table),
}

/// A table in order of its keys.
pub(super) type Table = BTreeMap<String, Entry>;

/// A value under its key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Place,
    pub(super) item: Item,
}

impl Data {
    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Flag(_) => "true or false",
            Self::Date => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A scenario's text with its overrides merged in.
#[derive(Debug)]
pub(super) struct Document<'s> {
    /// The name in errors.
    pub(super) label: String,
    /// What relative paths of the text start from; empty: the working directory.
    pub(super) folder: PathBuf,
    /// The scenario's name unless a key gives one.
    pub(super) name: String,
    /// The text, for lines and excerpts.
    pub(super) text: String,
    /// The overrides, for their arguments.
    pub(super) overrides: &'s [Override],
    /// The merged values.
    pub(super) root: Table,
}

impl<'s> Document<'s> {
    /// Reads a source and merges overrides into it, the last one winning.
    pub(super) fn read(source: &Source, overrides: &'s [Override]) -> Result<Self, ScenarioError> {
        let (label, folder, name, text) = match source {
            Source::File(path) => {
                let label = path.display().to_string();
                let text = read_file(&path.clone().into())?;
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
                (label, folder, safe_name(&stem), text)
            }
            Source::Text { name, text } => {
                (name.clone(), PathBuf::new(), safe_name(name), text.clone())
            }
        };
        let mut root = parse(&label, &text)?;
        for (index, given) in overrides.iter().enumerate() {
            given.merge_into(&mut root, index)?;
        }
        Ok(Self { label, folder, name, text, overrides, root })
    }
}

/// The text of a file of TOML: a scenario or a table of costs.
pub(super) fn read_file(file: &InputFile) -> Result<String, ScenarioError> {
    let unreadable =
        |problem: io::Error| ScenarioError::Unreadable { path: file.to_path_buf(), problem };
    let reader = file.open().map_err(|error| match error {
        OpenError::Unreadable(problem) => unreadable(problem),
        OpenError::NotAFile => ScenarioError::NotAFile { path: file.to_path_buf() },
    })?;
    let name = file.display().to_string();
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ScenarioError::TooLarge { name, limit: MAX_BYTES });
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|b| **b == b'\n').count();
        ScenarioError::NotUtf8 { name, line }
    })
}

/// Names become parts of file names: letters, digits, `-`, `_` and `.` stay, the rest becomes `-`.
fn safe_name(name: &str) -> String {
    let safe = |c: char| if is_name_char(c) { c } else { '-' };
    let name: String = name.chars().take(64).map(safe).collect();
    match name.trim_start_matches(['.', '-']) {
        "" => "scenario".to_owned(),
        name => name.to_owned(),
    }
}

/// Whether a scenario's name may contain this.
pub(super) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn parse(label: &str, text: &str) -> Result<Table, ScenarioError> {
    if text.len() as u64 > MAX_BYTES {
        return Err(ScenarioError::TooLarge { name: label.to_owned(), limit: MAX_BYTES });
    }
    if values_at_most(text) > MAX_VALUES {
        return Err(ScenarioError::TooManyValues { name: label.to_owned(), limit: MAX_VALUES });
    }
    let syntax = |at: usize, problem: &str| {
        let (line, column) = position(text, at);
        let problem = problem.replace('\n', " ");
        ScenarioError::Syntax { name: label.to_owned(), line, column, problem }
    };
    let table = DeTable::parse(text).map_err(|error| {
        syntax(error.span().map_or(text.len(), |span| span.start), error.message())
    })?;
    convert_table(table.into_inner(), &Place::text, 0)
        .map_err(|at| syntax(at, "tables and lists are nested too deeply: 16 levels are enough"))
}

/// A bound on the values of a text, found without parsing it: all have one of these marks before them.
/// A key counts too, as does every further part of a dotted one, which is a table.
fn values_at_most(text: &str) -> usize {
    let (mut values, mut dotted) = (0, false);
    for byte in text.bytes() {
        match byte {
            b'.' => values += usize::from(std::mem::replace(&mut dotted, true)),
            b'=' => (values, dotted) = (values + 2, false),
            b',' | b'[' | b'{' => (values, dotted) = (values + 1, false),
            b'\n' => dotted = false,
            _ => {}
        }
    }
    values
}

/// Line and column from 1; columns count characters.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.iter().filter(|b| **b == b'\n').count();
    // Continuation bytes do not start a character.
    let characters = before[line_start..].iter().filter(|b| (**b & 0xC0) != 0x80).count();
    (line, 1 + characters)
}

/// Turns a parsed value into our tree; `place` says where a range of the parsed text lies.
///
/// The error is the byte at which the nesting became too deep.
pub(super) fn convert(
    value: Spanned<DeValue<'_>>,
    place: &dyn Fn(Range<usize>) -> Place,
    depth: usize,
) -> Result<Item, usize> {
    let span = value.span();
    if depth > MAX_DEPTH {
        return Err(span.start);
    }
    let data = match value.into_inner() {
        DeValue::String(text) => Data::Text(text.into_owned()),
        DeValue::Integer(number) => {
            let digits = number.as_str();
            let beyond = if digits.starts_with('-') { i128::MIN } else { i128::MAX };
            Data::Integer(i128::from_str_radix(digits, number.radix()).unwrap_or(beyond))
        }
        DeValue::Float(number) => Data::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Data::Flag(flag),
        DeValue::Datetime(_) => Data::Date,
        DeValue::Array(list) => Data::List(
            list.into_iter()
                .map(|item| convert(item, place, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        DeValue::Table(table) => Data::Table(convert_table(table, place, depth + 1)?),
    };
    Ok(Item { place: place(span), data })
}

fn convert_table(
    table: DeTable<'_>,
    place: &dyn Fn(Range<usize>) -> Place,
    depth: usize,
) -> Result<Table, usize> {
    let entry = |(key, value): (Spanned<_>, _)| {
        let at = place(key.span());
        let name: std::borrow::Cow<'_, str> = key.into_inner();
        Ok((name.into_owned(), Entry { key: at, item: convert(value, place, depth)? }))
    };
    table.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_memory_is_counted_before_it_is_parsed() {
        assert_eq!(values_at_most("x = [[1.5, 2.5],\n[3.5, 4]]"), 2 + 3 + 3);
        assert_eq!(values_at_most("a.b.c.d = 1\na . b . c = 2\n"), 4 + 3);
        assert_eq!(values_at_most("[a]\nk = {}\n# 1.5\n"), 1 + 2 + 1);
        let dotted = "a.".repeat(MAX_VALUES + 2) + "a = 1";
        assert!(matches!(parse("t", &dotted), Err(ScenarioError::TooManyValues { .. })));
    }

    #[test]
    fn names_are_safe_in_file_names() {
        assert_eq!(safe_name("my run/2"), "my-run-2");
        assert_eq!(safe_name("../../etc"), "etc");
        assert_eq!(safe_name("…"), "scenario");
        assert_eq!(safe_name(&"x".repeat(1000)).len(), 64);
    }

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("a\nµs", 4), (2, 2));
        assert_eq!(position("a\nb", 2), (2, 1));
        assert_eq!(position("a\nb", 99), (2, 2));
    }
}
