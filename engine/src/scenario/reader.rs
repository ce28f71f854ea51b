//! Typed access to the tables of a document.
//!
//! A [`Section`] is one table beside the declaration of its keys. It remembers which keys were
//! read, so at the end it can tell an unknown key from one that has no effect here. Whatever is
//! wrong goes to the [`Findings`] (in `findings`) and reading goes on: one run shows all mistakes, and all
//! missing keys stand in one message.

use std::collections::BTreeSet;
use std::fmt::Display;

use anthill_protocol::Span;
use anthill_protocol::parameter::{Kind, Value};

use super::document::{Data, Entry, Item, Place, Table};
use super::excerpt::shorten;
use super::findings::Findings;
use super::keys::{Key, Shape};
use super::nearest::suggestion;
use super::plain;
use super::text_file;
use crate::input::InputFile;

/// One table of the document; an absent one is empty.
pub(crate) struct Section<'d, 'f> {
    findings: &'f Findings<'d>,
    path: String,
    keys: Vec<Key>,
    table: Option<&'d Table>,
    /// A kind's name that stands for the whole table.
    kind_alone: Option<&'d Entry>,
    /// Whether the key of this section exists, whatever stands there.
    given: bool,
    /// What stands there.
    item: Option<&'d Item>,
    read: BTreeSet<&'static str>,
    ignored: Vec<&'static str>,
}

impl<'d, 'f> Section<'d, 'f> {
    pub(super) fn root(findings: &'f Findings<'d>, keys: &[Key]) -> Self {
        let table = Some(&findings.document().root);
        Self { table, given: true, ..Self::new(findings, String::new(), keys) }
    }

    /// The table under a key declared as one.
    pub(crate) fn section(&mut self, name: &'static str) -> Self {
        let (keys, alone_allowed) = match self.declared(name).shape {
            Shape::Table(keys) => (keys, false),
            Shape::Kinded { keys, .. } => (keys, true),
            other => unreachable!("{name} is declared as {other:?}"),
        };
        let given = self.has(name);
        let (mut table, mut kind_alone) = (None, None);
        if let Some(entry) = self.find(name) {
            match &entry.item.data {
                Data::Table(inner) => table = Some(inner),
                Data::Text(_) if alone_allowed => kind_alone = Some(entry),
                other => self.wrong(name, format!("expected a table, found {}", other.kind())),
            }
        }
        let item = self.entry(name).map(|entry| &entry.item);
        let path = self.field(name);
        Self { table, kind_alone, given, item, ..Self::new(self.findings, path, keys) }
    }

    /// The tables of the list of tables under a key; an element that is none is reported and left
    /// out.
    pub(crate) fn tables(&mut self, name: &'static str, most: usize) -> Vec<Self> {
        let Shape::Tables { keys, .. } = self.declared(name).shape else {
            unreachable!("{name} is not declared as a list of tables")
        };
        let Some(entry) = self.find(name) else { return Vec::new() };
        let Data::List(items) = &entry.item.data else {
            let found = entry.item.data.kind();
            self.wrong(name, format!("expected tables, each headed [[{name}]], found {found}"));
            return Vec::new();
        };
        if items.len() > most {
            self.wrong(name, format!("has {} entries: the most are {most}", items.len()));
            return Vec::new();
        }
        let path = self.field(name);
        let table =
            |(index, item): (usize, &'d Item)| self.element(format!("{path}[{index}]"), item, keys);
        items.iter().enumerate().filter_map(table).collect()
    }

    /// The table under a free key of a table.
    pub(super) fn inner(
        &self,
        name: &str,
        key: &str,
        item: &'d Item,
        keys: &[Key],
    ) -> Option<Self> {
        self.element(format!("{}.{}", self.field(name), shorten(key)), item, keys)
    }

    fn element(&self, path: String, item: &'d Item, keys: &[Key]) -> Option<Self> {
        let Data::Table(table) = &item.data else {
            let problem = format!("expected a table, found {}", item.data.kind());
            self.findings.value(&path, item, problem);
            return None;
        };
        let section = Self::new(self.findings, path, keys);
        Some(Self { table: Some(table), given: true, item: Some(item), ..section })
    }

    /// An absent section.
    fn new(findings: &'f Findings<'d>, path: String, keys: &[Key]) -> Self {
        Self {
            findings,
            path,
            keys: keys.to_vec(),
            table: None,
            kind_alone: None,
            given: false,
            item: None,
            read: BTreeSet::new(),
            ignored: Vec::new(),
        }
    }

    /// Declares more keys, such as a protocol's parameters.
    pub(crate) fn declare(&mut self, keys: impl IntoIterator<Item = Key>) {
        self.keys.extend(keys);
    }

    /// Forgets all declarations but this one.
    pub(crate) fn declare_only(&mut self, name: &str) {
        self.keys.retain(|key| key.name == name);
    }

    /// Leaves this key out of [`Section::finish`]: it was reported already.
    pub(crate) fn ignore(&mut self, name: &'static str) {
        self.ignored.push(name);
    }

    /// Whether the section was not given at all.
    pub(crate) fn is_absent(&self) -> bool {
        !self.given
    }

    /// Whether the section is a table, given or empty by default; else that was reported.
    pub(crate) fn is_table(&self) -> bool {
        !self.given || self.table.is_some() || self.kind_alone.is_some()
    }

    /// The full path of a key.
    pub(crate) fn field(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn declared(&self, name: &str) -> Key {
        let found = self.keys.iter().find(|key| key.name == name);
        *found.unwrap_or_else(|| unreachable!("{} is not declared", self.field(name)))
    }

    /// What a key takes.
    pub(crate) fn shape(&self, name: &str) -> Shape {
        self.declared(name).shape
    }

    pub(crate) fn declares(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name == name)
    }

    /// The declared keys that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> + use<> {
        let given = self.keys.iter().map(|key| key.name).filter(|name| self.has(name));
        given.collect::<Vec<_>>().into_iter()
    }

    fn entry(&self, name: &str) -> Option<&'d Entry> {
        if name == "kind" && self.kind_alone.is_some() {
            return self.kind_alone;
        }
        self.table?.get(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// The entry of a key, which from now on counts as read.
    pub(super) fn find(&mut self, name: &'static str) -> Option<&'d Entry> {
        self.read.insert(name);
        self.entry(name)
    }

    /// Records what is wrong with the value of a key that is present.
    pub(crate) fn wrong(&self, name: &str, problem: impl Display) {
        if let Some(entry) = self.entry(name) {
            self.findings.value(&self.field(name), &entry.item, problem);
        }
    }

    /// Records what is wrong with the section as a whole.
    pub(crate) fn wrong_here(&self, problem: impl Display) {
        match self.item {
            Some(item) => self.findings.value(&self.path, item, problem),
            None => self.findings.default(&self.path, &problem.to_string()),
        }
    }

    /// The section's path and where it was written.
    pub(crate) fn whereabouts(&self) -> String {
        match self.item {
            Some(item) => format!("{} ({})", self.path, self.findings.place_text(item.place)),
            None => self.path.clone(),
        }
    }

    /// How much was found wrong so far.
    pub(crate) fn problems(&self) -> usize {
        self.findings.count()
    }

    /// See [`Findings::is_full`].
    pub(crate) fn is_full(&self) -> bool {
        self.findings.is_full()
    }

    /// Records a problem with an element of a list under a key.
    pub(super) fn wrong_at(&self, name: &str, at: &[usize], item: &Item, problem: impl Display) {
        let mut field = self.field(name);
        for index in at {
            field.push_str(&format!("[{index}]"));
        }
        self.findings.value(&field, item, problem);
    }

    /// Records a problem with a value of a table of free keys.
    pub(super) fn wrong_inside(&self, name: &str, key: &str, item: &Item, problem: impl Display) {
        self.findings.value(&format!("{}.{key}", self.field(name)), item, problem);
    }

    /// Records a problem with a key that may have its default.
    pub(crate) fn blame(&self, name: &str, problem: &str) {
        match self.entry(name) {
            Some(entry) => self.findings.value(&self.field(name), &entry.item, problem),
            None => self.findings.default(&self.field(name), problem),
        }
    }

    /// The entry of a key of the table under a key, if there is such a table.
    fn entry_inside(&self, table: &str, name: &str) -> Option<&'d Entry> {
        match &self.entry(table)?.item.data {
            Data::Table(table) => table.get(name),
            _ => None,
        }
    }

    /// The text under a key of a table, if it is text; counts as nothing read.
    pub(crate) fn text_inside(&self, table: &str, name: &str) -> Option<&'d str> {
        match &self.entry_inside(table, name)?.item.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Records a problem with a key of the table under a key; it may have its default.
    pub(crate) fn blame_inside(&self, table: &str, name: &str, problem: &str) {
        let field = format!("{}.{name}", self.field(table));
        match self.entry_inside(table, name) {
            Some(entry) => self.findings.value(&field, &entry.item, problem),
            None => self.findings.default(&field, problem),
        }
    }

    /// Records a key as missing if it is.
    pub(crate) fn require(&mut self, name: &'static str, example: &str) {
        if !self.has(name) {
            self.findings.missing(self.field(name), format!("{name} = {example}"));
        }
    }

    /// Of two keys that exclude each other, whether `second` was given after `first`: overrides
    /// come after the text, later overrides after earlier ones. `None`: within the same text, or
    /// one of them is absent.
    pub(crate) fn is_later(&self, first: &str, second: &str) -> Option<bool> {
        let rank = |name| {
            Some(match self.entry(name)?.key {
                Place::Text { .. } => 0,
                Place::Override(index) => 1 + index,
            })
        };
        let (first, second) = (rank(first)?, rank(second)?);
        (first != second).then_some(second > first)
    }

    /// A plain value: the one given, else the default.
    pub(crate) fn plain(&mut self, name: &'static str) -> Option<Value> {
        let key = self.declared(name);
        let Some(entry) = self.find(name) else { return key.default };
        if let Shape::Plain(Kind::File) = key.shape {
            let file = self.path(name)?;
            let read = text_file::read(&file).map_err(|problem| self.wrong(name, problem)).ok();
            return read.map(|file| Value::File(Some(file)));
        }
        let read = match key.shape {
            Shape::Plain(kind) => match (kind, later(&key, &entry.item.data)) {
                (Kind::Choice(words), Some(word)) => Err(format!(
                    "`{word}` is not available yet in this version of anthill; take one of {}",
                    words.join(", ")
                )),
                _ => plain::read(&kind, &entry.item.data),
            },
            Shape::Span { .. } => plain::span_within(&key.shape, &entry.item.data).map(Value::Span),
            other => unreachable!("{name} is declared as {other:?}"),
        };
        read.map_err(|problem| self.wrong(name, problem)).ok()
    }

    /// A count whose declaration keeps it within 32 bits.
    pub(crate) fn count32(&mut self, name: &'static str) -> Option<u32> {
        self.count(name).and_then(|count| u32::try_from(count).ok())
    }

    /// A value that is given, by its reader.
    fn given_value<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'d Data) -> Result<T, String>,
    ) -> Option<T> {
        let item = &self.find(name)?.item;
        read(&item.data).map_err(|problem| self.wrong(name, problem)).ok()
    }

    /// A number within the declared bounds.
    pub(crate) fn number(&mut self, name: &'static str) -> Option<f64> {
        let shape = self.declared(name).shape;
        self.given_value(name, |data| plain::number_within(&shape, data))
    }

    /// A rate in bit/s.
    pub(crate) fn rate(&mut self, name: &'static str) -> Option<u64> {
        self.given_value(name, plain::rate)
    }

    /// A number of bytes.
    pub(crate) fn size(&mut self, name: &'static str) -> Option<u64> {
        self.given_value(name, plain::size)
    }

    /// Any text.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<&'d str> {
        self.given_value(name, |data| match data {
            Data::Text(text) => Ok(text.as_str()),
            other => Err(format!("expected text in quotes, found {}", other.kind())),
        })
    }

    /// A list of anything.
    pub(super) fn list(&mut self, name: &'static str) -> Option<&'d [Item]> {
        self.given_value(name, |data| match data {
            Data::List(items) => Ok(items.as_slice()),
            other => Err(format!("expected a list, found {}", other.kind())),
        })
    }

    /// A table of free keys.
    pub(super) fn table(&mut self, name: &'static str) -> Option<&'d Table> {
        self.given_value(name, |data| match data {
            Data::Table(table) => Ok(table),
            other => Err(format!("expected a table, found {}", other.kind())),
        })
    }

    /// A list of distinct names, not empty; `noun`: what they name.
    pub(crate) fn names(
        &mut self,
        name: &'static str,
        noun: &str,
        most: usize,
    ) -> Option<Vec<String>> {
        let items = self.list(name)?;
        if items.is_empty() || items.len() > most {
            self.wrong(name, format!("must name 1 to {most} {noun}"));
            return None;
        }
        let mut names = Vec::with_capacity(items.len());
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            match &item.data {
                Data::Text(text) if text.is_empty() => {
                    self.wrong_at(name, &[index], item, "is empty: it needs a name");
                }
                Data::Text(text) if seen.insert(text) => names.push(text.clone()),
                Data::Text(_) => self.wrong_at(name, &[index], item, "is named twice"),
                other => {
                    let problem = format!("expected a name in quotes, found {}", other.kind());
                    self.wrong_at(name, &[index], item, problem);
                }
            }
        }
        (names.len() == items.len()).then_some(names)
    }

    /// A file, with the hash of what it holds now. Its path is relative to the scenario's folder if
    /// written there, to the working directory if given as an override.
    pub(crate) fn path(&mut self, name: &'static str) -> Option<InputFile> {
        let text = self.text(name)?;
        if text.is_empty() || text.contains('\0') {
            self.wrong(name, "expected the path of a file");
            return None;
        }
        let from_override = self.entry(name)?.item.place.is_override();
        let file = InputFile::now(match from_override {
            true => text.into(),
            false => self.findings.document().folder.join(text),
        });
        self.findings.input(self.field(name), &file);
        Some(file)
    }

    /// Ends a section that its own switch turns off: its other keys may stay, so that one override
    /// is enough to compare with and without.
    pub(crate) fn finish_switched_off(mut self) {
        self.read.extend(self.keys.iter().map(|key| key.name));
        self.finish("here");
    }

    /// Ends the section: reports keys that are unknown, and known ones that nothing reads `here`
    /// (such as "with model = \"uniform\"").
    pub(crate) fn finish(self, here: &str) {
        let known: Vec<&str> = self.keys.iter().map(|key| key.name).collect();
        // A wrong kind or model leaves its companions unread: say only what is certain.
        let report_unread = self.findings.is_empty();
        for (name, entry) in self.table.into_iter().flatten() {
            let field = self.field(name);
            if self.ignored.contains(&name.as_str()) {
                continue;
            }
            if !known.contains(&name.as_str()) {
                let name = shorten(name);
                // A million unknown keys need no million comparisons.
                let full = self.findings.is_full();
                let hint = if full { String::new() } else { suggestion(&name, &known) };
                self.findings.key(&field, entry, format!("unknown key `{name}`; {hint}"));
            } else if report_unread && !self.read.contains(name.as_str()) {
                self.findings.key(&field, entry, format!("has no effect {here}: remove it"));
            }
        }
    }
}

/// Readers of plain values, by the kind of their declaration.
macro_rules! plain_values {
    ($($name:ident, $kind:ident, $type:ty;)*) => {
        impl Section<'_, '_> {$(
            pub(crate) fn $name(&mut self, name: &'static str) -> Option<$type> {
                match self.plain(name)? {
                    Value::$kind(value) => Some(value),
                    other => unreachable!("{name} is {other:?}"),
                }
            }
        )*}
    };
}

plain_values! {
    flag, Flag, bool;
    count, Count, u64;
    share, Share, f64;
    span, Span, Span;
    choice, Choice, &'static str;
}

/// The word, if it is one that a later version will know.
fn later(key: &Key, data: &Data) -> Option<&'static str> {
    let Data::Text(word) = data else { return None };
    key.later.iter().copied().find(|later| later == word)
}
