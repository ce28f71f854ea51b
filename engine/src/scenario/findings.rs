//! What was found wrong while reading: every problem with its place, up to a limit, and all
//! missing keys in one message.

use std::cell::RefCell;
use std::fmt::Display;

use super::document::{Data, Document, Entry, Item, Place, position};
use super::error::{Problem, Problems, ScenarioError};
use super::excerpt::shorten;
use crate::input::{Input, InputFile};

/// Problems listed before the rest is only counted.
const MOST_PROBLEMS: usize = 20;

/// What was found wrong so far.
pub(super) struct Findings<'d> {
    document: &'d Document<'d>,
    found: RefCell<Problems>,
    missing: RefCell<Vec<(String, String)>>,
    /// Every file that was named.
    inputs: RefCell<Vec<Input>>,
}

impl<'d> Findings<'d> {
    pub(super) fn new(document: &'d Document<'d>) -> Self {
        Self {
            document,
            found: RefCell::default(),
            missing: RefCell::default(),
            inputs: RefCell::default(),
        }
    }

    pub(super) fn document(&self) -> &'d Document<'d> {
        self.document
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How much was found wrong or missing so far.
    pub(super) fn count(&self) -> usize {
        let found = self.found.borrow();
        found.list.len() + found.omitted + self.missing.borrow().len()
    }

    /// Records a problem with a value.
    pub(super) fn value(&self, field: &str, item: &Item, problem: impl Display) {
        let nested = matches!(item.data, Data::List(_) | Data::Table(_));
        self.add(field, item.place, !nested, &problem);
    }

    /// Records a problem with a key.
    pub(super) fn key(&self, field: &str, entry: &Entry, problem: impl Display) {
        self.add(field, entry.key, false, &problem);
    }

    /// Records a problem with a value that was not given.
    pub(super) fn default(&self, field: &str, problem: &str) {
        let place = self.document.label.clone();
        let (field, problem) = (field.to_owned(), problem.to_owned());
        self.push(Problem { place, field, value: String::new(), problem });
    }

    /// Records a key that is missing, with an example of it.
    pub(super) fn missing(&self, field: String, example: String) {
        self.missing.borrow_mut().push((field, example));
    }

    /// Records a file that a key names.
    pub(super) fn input(&self, key: String, file: &InputFile) {
        self.inputs.borrow_mut().push(Input { key, file: file.clone() });
    }

    /// The files that were named so far.
    pub(super) fn inputs(&self) -> Vec<Input> {
        self.inputs.borrow().clone()
    }

    fn add(&self, field: &str, place: Place, show_value: bool, problem: &dyn Display) {
        if self.is_full() {
            // Finding the line of a place takes time.
            self.found.borrow_mut().omitted += 1;
            return;
        }
        let document = self.document;
        let value = match place {
            Place::Text { start, end } => {
                document.text.get(start..end).filter(|_| show_value).unwrap_or("")
            }
            // The argument shows the value.
            Place::Override(_) => "",
        };
        self.push(Problem {
            place: self.place_text(place),
            field: shorten(field),
            value: shorten(value),
            problem: problem.to_string(),
        });
    }

    /// `file:line`, or the argument as typed. Finding the line takes time.
    pub(super) fn place_text(&self, place: Place) -> String {
        match place {
            Place::Text { start, .. } => {
                let (line, _) = position(&self.document.text, start);
                format!("{}:{line}", self.document.label)
            }
            Place::Override(index) => self.document.overrides[index].argument().to_owned(),
        }
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
            let mut list: Vec<String> = missing
                .iter()
                .take(MOST_PROBLEMS)
                .map(|(field, example)| format!("{} (such as {example})", shorten(field)))
                .collect();
            if missing.len() > list.len() {
                list.push(format!("and {} more", missing.len() - list.len()));
            }
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
