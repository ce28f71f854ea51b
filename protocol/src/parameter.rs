//! How a scenario configures a protocol: declared parameters, checked values.
//!
//! One declaration serves the parser, its error messages, `anthill protocols` and the JSON Schema.

use thiserror::Error;

use crate::Span;

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number within bounds, both included.
    Count {
        /// The least value.
        min: u64,
        /// The greatest value.
        max: u64,
    },
    /// A fraction within `0..=1`.
    Share,
    /// A length of time of at least `min`.
    Span {
        /// The least length.
        min: Span,
    },
    /// One of some words.
    Choice(&'static [&'static str]),
}

/// A checked value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Of [`Kind::Flag`].
    Flag(bool),
    /// Of [`Kind::Count`].
    Count(u64),
    /// Of [`Kind::Share`].
    Share(f64),
    /// Of [`Kind::Span`].
    Span(Span),
    /// Of [`Kind::Choice`].
    Choice(&'static str),
}

/// One declared parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its key under `[protocol]`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Its value when the scenario says nothing.
    pub default: Value,
    /// What it means, with its unit.
    pub about: &'static str,
}

/// Values that contradict each other.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("protocol.{name}: {problem}")]
pub struct ParameterError {
    /// The parameter to change.
    pub name: &'static str,
    /// What is wrong and how to fix it.
    pub problem: String,
}

/// One checked value per declared parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(Vec<(&'static str, Value)>);

impl Values {
    /// The defaults of the given parameters.
    pub fn defaults(parameters: &'static [Parameter]) -> Self {
        Self(parameters.iter().map(|p| (p.name, p.default)).collect())
    }

    /// Replaces one value.
    ///
    /// # Panics
    /// If no such parameter was declared.
    pub fn set(&mut self, name: &str, value: Value) {
        let slot = self.0.iter_mut().find(|(n, _)| *n == name);
        slot.unwrap_or_else(|| panic!("no parameter {name}")).1 = value;
    }

    /// All values in order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        self.0.iter().copied()
    }

    fn get(&self, name: &str) -> Value {
        let found = self.0.iter().find(|(n, _)| *n == name);
        found.unwrap_or_else(|| panic!("parameter {name} was not declared")).1
    }

    /// A [`Kind::Flag`] value.
    ///
    /// # Panics
    /// Here and below: if no such parameter of that kind was declared (a bug of the protocol).
    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Value::Flag(v) => v,
            other => panic!("{name} is {other:?}, not a flag"),
        }
    }

    /// A [`Kind::Count`] value.
    pub fn count(&self, name: &str) -> u64 {
        match self.get(name) {
            Value::Count(v) => v,
            other => panic!("{name} is {other:?}, not a count"),
        }
    }

    /// A [`Kind::Share`] value.
    pub fn share(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::Share(v) => v,
            other => panic!("{name} is {other:?}, not a share"),
        }
    }

    /// A [`Kind::Span`] value.
    pub fn span(&self, name: &str) -> Span {
        match self.get(name) {
            Value::Span(v) => v,
            other => panic!("{name} is {other:?}, not a span"),
        }
    }

    /// A [`Kind::Choice`] value.
    pub fn choice(&self, name: &str) -> &'static str {
        match self.get(name) {
            Value::Choice(v) => v,
            other => panic!("{name} is {other:?}, not a choice"),
        }
    }
}
