//! Typed access to the tables of a document.
//!
//! A [`Section`] is one table beside the declaration of its keys. It remembers which keys were
//! read, so at the end it can tell an unknown key from one that has no effect here. Whatever is
//! wrong goes to the [`Findings`] and reading goes on: one run shows all mistakes, and all
//! missing keys stand in one message.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;

use anthill_protocol::Span;
use anthill_protocol::parameter::{Kind, Value};

use super::document::{Data, Document, Entry, Item, Place, Table, position};
use super::error::{Problem, Problems, ScenarioError};
use super::excerpt::shorten;
use super::keys::{Key, Shape};
use super::nearest::suggestion;
use super::plain;

/// Problems listed before the rest is only counted.
const MOST_PROBLEMS: usize = 20;

/// What was found wrong so far.
pub(super) struct Findings<'d> {
    document: &'d Document<'d>,
    found: RefCell<Problems>,
    missing: RefCell<Vec<(String, String)>>,
}

impl<'d> Findings<'d> {
    pub(super) fn new(document: &'d Document<'d>) -> Self {
        Self { document, found: RefCell::default(), missing: RefCell::default() }
    }

    pub(super) fn document(&self) -> &'d Document<'d> {
        self.document
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.borrow().list.is_empty() && self.missing.borrow().is_empty()
    }

    /// Records a problem with a value.
    pub(super) fn value(&self, field: &str, item: &Item, problem: impl Display) {
        let nested = matches!(item.data, Data::List(_) | Data::Table(_));
        self.add(field, item.place, !nested, &problem);
    }

    /// Records a problem with a key.
    fn key(&self, field: &str, entry: &Entry, problem: impl Display) {
        self.add(field, entry.key, false, &problem);
    }

    /// Records a problem with a value that was not given.
    fn default(&self, field: &str, problem: &str) {
        let place = self.document.label.clone();
        let (field, problem) = (field.to_owned(), problem.to_owned());
        self.push(Problem { place, field, value: String::new(), problem });
    }

    /// Records a key that is missing, with an example of it.
    fn missing(&self, field: String, example: String) {
        self.missing.borrow_mut().push((field, example));
    }

    fn add(&self, field: &str, place: Place, show_value: bool, problem: &dyn Display) {
        if self.is_full() {
            // Finding the line of a place takes time.
            self.found.borrow_mut().omitted += 1;
            return;
        }
        let document = self.document;
        let (place, value) = match place {
            Place::Text { start, end } => {
                let (line, _) = position(&document.text, start);
                let value = document.text.get(start..end).filter(|_| show_value).unwrap_or("");
                (format!("{}:{line}", document.label), shorten(value))
            }
            // The argument shows the value.
            Place::Override(index) => (document.overrides[index].argument().into(), String::new()),
        };
        self.push(Problem { place, field: shorten(field), value, problem: problem.to_string() });
    }

    /// Whether further problems are only counted, so that their words may be empty.
    pub(super) fn is_full(&self) -> bool {
        self.found.borrow().list.len() == MOST_PROBLEMS
    }

    fn push(&self, problem: Problem) {
        if self.is_full() {
            self.found.borrow_mut().omitted += 1;
        } else {
            self.found.borrow_mut().list.push(problem);
        }
    }

    /// The end of reading: nothing, or everything that is wrong.
    pub(super) fn into_result(self) -> Result<(), ScenarioError> {
        let mut found = self.found.into_inner();
        let missing = self.missing.into_inner();
        if !missing.is_empty() {
            let list: Vec<String> = missing
                .iter()
                .map(|(field, example)| format!("{field} (such as {example})"))
                .collect();
            let problem = Problem {
                place: self.document.label.clone(),
                field: String::new(),
                value: String::new(),
                problem: format!("missing {}", list.join(", ")),
            };
            found.list.insert(0, problem);
        }
        if found.list.is_empty() { Ok(()) } else { Err(ScenarioError::Invalid(found)) }
    }
}

/// One table of the document; an absent one is empty.
pub(super) struct Section<'d, 'f> {
    findings: &'f Findings<'d>,
    path: String,
    keys: Vec<Key>,
    table: Option<&'d Table>,
    /// A kind's name that stands for the whole table.
    kind_alone: Option<&'d Entry>,
    /// Whether the key of this section exists, whatever stands there.
    given: bool,
    read: BTreeSet<&'static str>,
    ignored: &'static [&'static str],
}

impl<'d, 'f> Section<'d, 'f> {
    pub(super) fn root(findings: &'f Findings<'d>, keys: &[Key]) -> Self {
        Self {
            findings,
            path: String::new(),
            keys: keys.to_vec(),
            table: Some(&findings.document.root),
            kind_alone: None,
            given: true,
            read: BTreeSet::new(),
            ignored: &[],
        }
    }

    /// The table under a key declared as one.
    pub(super) fn section(&mut self, name: &'static str) -> Self {
        let (keys, alone_allowed) = match self.declared(name).shape {
            Shape::Table(keys) => (keys.to_vec(), false),
            Shape::Kinded(keys) => (keys.to_vec(), true),
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
        Self {
            findings: self.findings,
            path: self.field(name),
            keys,
            table,
            kind_alone,
            given,
            read: BTreeSet::new(),
            ignored: &[],
        }
    }

    /// Declares more keys, such as a protocol's parameters.
    pub(super) fn declare(&mut self, keys: impl IntoIterator<Item = Key>) {
        self.keys.extend(keys);
    }

    /// Leaves these keys out of [`Section::finish`]: they were reported already.
    pub(super) fn ignore(&mut self, names: &'static [&'static str]) {
        self.ignored = names;
    }

    /// Whether the section was not given at all.
    pub(super) fn is_absent(&self) -> bool {
        !self.given
    }

    /// Whether the section is a table, given or empty by default; else that was reported.
    pub(super) fn is_table(&self) -> bool {
        !self.given || self.table.is_some() || self.kind_alone.is_some()
    }

    /// The full path of a key.
    pub(super) fn field(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn declared(&self, name: &str) -> Key {
        let found = self.keys.iter().find(|key| key.name == name);
        *found.unwrap_or_else(|| unreachable!("{} is not declared", self.field(name)))
    }

    fn entry(&self, name: &str) -> Option<&'d Entry> {
        if name == "kind" && self.kind_alone.is_some() {
            return self.kind_alone;
        }
        self.table?.get(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// The entry of a key, which from now on counts as read.
    pub(super) fn find(&mut self, name: &'static str) -> Option<&'d Entry> {
        self.read.insert(name);
        self.entry(name)
    }

    /// Records what is wrong with the value of a key that is present.
    pub(super) fn wrong(&self, name: &str, problem: impl Display) {
        if let Some(entry) = self.entry(name) {
            self.findings.value(&self.field(name), &entry.item, problem);
        }
    }

    /// See [`Findings::is_full`].
    pub(super) fn is_full(&self) -> bool {
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
    pub(super) fn blame(&self, name: &str, problem: &str) {
        match self.entry(name) {
            Some(entry) => self.findings.value(&self.field(name), &entry.item, problem),
            None => self.findings.default(&self.field(name), problem),
        }
    }

    /// Records a key as missing if it is.
    pub(super) fn require(&mut self, name: &'static str, example: &str) {
        if !self.has(name) {
            self.findings.missing(self.field(name), format!("{name} = {example}"));
        }
    }

    /// Of two keys that exclude each other, whether `second` was given after `first`: overrides
    /// come after the text, later overrides after earlier ones. `None`: within the same text, or
    /// one of them is absent.
    pub(super) fn is_later(&self, first: &str, second: &str) -> Option<bool> {
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
    pub(super) fn plain(&mut self, name: &'static str) -> Option<Value> {
        let key = self.declared(name);
        let Shape::Plain(kind) = key.shape else {
            unreachable!("{name} is declared as {:?}", key.shape)
        };
        let Some(entry) = self.find(name) else { return key.default };
        if let (Kind::Choice(_), Data::Text(word)) = (kind, &entry.item.data)
            && key.later.contains(&word.as_str())
        {
            self.wrong(name, format!("{word} is not available yet in this version of anthill"));
            return None;
        }
        plain::read(&kind, &entry.item.data).map_err(|problem| self.wrong(name, problem)).ok()
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.plain(name).map(|value| matches!(value, Value::Flag(true)))
    }

    pub(super) fn count(&mut self, name: &'static str) -> Option<u64> {
        match self.plain(name)? {
            Value::Count(count) => Some(count),
            other => unreachable!("{name} is {other:?}"),
        }
    }

    /// A count whose declaration keeps it within 32 bits.
    pub(super) fn count32(&mut self, name: &'static str) -> Option<u32> {
        self.count(name).and_then(|count| u32::try_from(count).ok())
    }

    pub(super) fn share(&mut self, name: &'static str) -> Option<f64> {
        match self.plain(name)? {
            Value::Share(share) => Some(share),
            other => unreachable!("{name} is {other:?}"),
        }
    }

    pub(super) fn span(&mut self, name: &'static str) -> Option<Span> {
        match self.plain(name)? {
            Value::Span(span) => Some(span),
            other => unreachable!("{name} is {other:?}"),
        }
    }

    pub(super) fn choice(&mut self, name: &'static str) -> Option<&'static str> {
        match self.plain(name)? {
            Value::Choice(word) => Some(word),
            other => unreachable!("{name} is {other:?}"),
        }
    }

    /// A number within the declared bounds.
    pub(super) fn number(&mut self, name: &'static str) -> Option<f64> {
        let Shape::Number { zero, most } = self.declared(name).shape else {
            unreachable!("{name} is not declared as a number")
        };
        let entry = self.find(name)?;
        match plain::number(&entry.item.data) {
            Ok(number) if (0.0..=most).contains(&number) && (zero || number > 0.0) => {
                Some(number.abs())
            }
            Ok(_) => {
                let least = if zero { "at least 0" } else { "above 0" };
                self.wrong(name, format!("must be {least} and at most {most}"));
                None
            }
            Err(problem) => {
                self.wrong(name, problem);
                None
            }
        }
    }

    /// Any text.
    pub(super) fn text(&mut self, name: &'static str) -> Option<&'d str> {
        let entry = self.find(name)?;
        match &entry.item.data {
            Data::Text(text) => Some(text),
            other => {
                self.wrong(name, format!("expected text in quotes, found {}", other.kind()));
                None
            }
        }
    }

    /// A list of anything.
    pub(super) fn list(&mut self, name: &'static str) -> Option<&'d [Item]> {
        match &self.find(name)?.item.data {
            Data::List(items) => Some(items),
            other => {
                self.wrong(name, format!("expected a list, found {}", other.kind()));
                None
            }
        }
    }

    /// A table of free keys.
    pub(super) fn table(&mut self, name: &'static str) -> Option<&'d Table> {
        match &self.find(name)?.item.data {
            Data::Table(table) => Some(table),
            other => {
                self.wrong(name, format!("expected a table, found {}", other.kind()));
                None
            }
        }
    }

    /// A path: relative to the file's folder if written there, to the working directory if given
    /// as an override.
    pub(super) fn path(&mut self, name: &'static str) -> Option<PathBuf> {
        let text = self.text(name)?;
        if text.is_empty() || text.contains('\0') {
            self.wrong(name, "expected the path of a file");
            return None;
        }
        let from_override = self.entry(name)?.item.place.is_override();
        Some(match from_override {
            true => PathBuf::from(text),
            false => self.findings.document.folder.join(text),
        })
    }

    /// Ends the section: reports keys that are unknown, and known ones that nothing reads `here`
    /// (such as "with model = \"uniform\"").
    pub(super) fn finish(self, here: &str) {
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
