//! How a scenario configures a protocol: declared parameters, checked values.
//!
//! One declaration serves the parser, its error messages, `anthill protocols` and the JSON Schema.
//! A protocol declares the keys of three sections of a scenario: `[protocol]`, `[workload]`, and what
//! each of its own adversaries takes under `[adversary]`. All arrive as one [`Values`].

use thiserror::Error;

use crate::{Configure, Span};

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
    /// A finite number within bounds, both included; an infinite bound is none.
    Number {
        /// The least value.
        min: f64,
        /// The greatest value.
        max: f64,
    },
    /// A length of time of at least `min`.
    Span {
        /// The least length.
        min: Span,
    },
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A text file, or none.
    File,
}

/// A text file that a scenario names, as it was when the scenario was read.
#[derive(Debug, PartialEq, Eq)]
pub struct TextFile {
    /// Where it is, as errors name it.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl Kind {
    /// Whether a value is of this kind and within its bounds.
    pub fn allows(&self, value: Value) -> bool {
        match (*self, value) {
            (Self::Flag, Value::Flag(_)) => true,
            (Self::Count { min, max }, Value::Count(count)) => (min..=max).contains(&count),
            (Self::Share, Value::Share(share)) => (0.0..=1.0).contains(&share),
            (Self::Number { min, max }, Value::Number(number)) => {
                number.is_finite() && (min..=max).contains(&number)
            }
            (Self::Span { min }, Value::Span(span)) => span >= min,
            (Self::Choice(words), Value::Choice(word)) => words.contains(&word),
            (Self::File, Value::File(_)) => true,
            _ => false,
        }
    }
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
    /// Of [`Kind::Number`].
    Number(f64),
    /// Of [`Kind::Span`].
    Span(Span),
    /// Of [`Kind::Choice`].
    Choice(&'static str),
    /// Of [`Kind::File`]. It stays in memory until the program ends.
    File(Option<&'static TextFile>),
}

/// One declared parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its key in the section that it is declared for. Taken already: `name` in `[protocol]`, `kind`
    /// and `schedule` in `[adversary]`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Its value when the scenario says nothing.
    pub default: Value,
    /// What it means, with its unit.
    pub about: &'static str,
}

impl Parameter {
    /// A whole number up to `max`, 0 unless it is given: what 0 stands for is for `about` to say.
    pub const fn count(name: &'static str, max: u64, about: &'static str) -> Self {
        Self { name, kind: Kind::Count { min: 0, max }, default: Value::Count(0), about }
    }
}

/// What nodes that a protocol's own adversary holds do.
///
/// The protocol decides which nodes those are, and plays them; the engine only reads the section.
#[derive(Clone, Copy, Debug)]
pub struct AdversaryKind {
    /// Its name as `[adversary] kind`; none of the kinds that every protocol has.
    pub name: &'static str,
    /// What its nodes do, in a line.
    pub about: &'static str,
    /// Its parameters, the other keys of `[adversary]`.
    pub parameters: &'static [Parameter],
}

/// The sections of a scenario whose keys a protocol declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `[protocol]`: [`Configure::PARAMETERS`].
    Protocol,
    /// `[workload]`: [`Configure::WORKLOAD`].
    Workload,
    /// `[adversary]`: the parameters of one of [`Configure::ADVERSARIES`].
    Adversary,
}

impl Part {
    /// The section's name in a scenario.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::Workload => "workload",
            Self::Adversary => "adversary",
        }
    }

    /// Section and key of a parameter's full name: `workload.rate`; one without a section is of
    /// `[protocol]`.
    pub fn split(name: &str) -> (Self, &str) {
        let part = |part: Self| Some((part, name.strip_prefix(part.name())?.strip_prefix('.')?));
        let parts = [Self::Protocol, Self::Workload, Self::Adversary];
        parts.into_iter().find_map(part).unwrap_or((Self::Protocol, name))
    }
}

/// Values that contradict each other, or cannot work in this scenario.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}: {problem}", field(.name))]
pub struct ParameterError {
    /// The parameter to change: `fanout`, or of another section `workload.rate`.
    pub name: &'static str,
    /// What is wrong and how to fix it.
    pub problem: String,
}

/// The parameter's full path in a scenario, section first.
fn field(name: &str) -> String {
    let (part, key) = Part::split(name);
    format!("{}.{key}", part.name())
}

/// One checked value per declared parameter.
///
/// Parameters of `[protocol]` go by their names, those of the other sections by `workload.NAME` and
/// `adversary.NAME`. The choice `adversary.kind` is always there: one of the protocol's own
/// adversaries, or `"none"`. Of the adversaries' parameters only those of that one are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    list: Vec<(Part, &'static str, Value)>,
    adversary: Option<&'static str>,
}

/// The full name of the choice among a protocol's own adversaries.
const ADVERSARY_KIND: (Part, &str) = (Part::Adversary, "kind");

impl Values {
    /// The defaults of a protocol's parameters and of its workload, without an adversary.
    pub fn of<P: Configure>() -> Self {
        let mut values = Self::defaults(P::PARAMETERS);
        values.declare(Part::Workload, P::WORKLOAD);
        values
    }

    /// The defaults of the given parameters of `[protocol]`.
    pub fn defaults(parameters: &'static [Parameter]) -> Self {
        let mut values = Self::default();
        values.declare(Part::Protocol, parameters);
        values
    }

    /// Adds the defaults of more parameters.
    pub fn declare(&mut self, part: Part, parameters: &'static [Parameter]) {
        self.list.extend(parameters.iter().map(|p| (part, p.name, p.default)));
    }

    /// Turns an adversary of the protocol's on, with the defaults of its parameters, in place of
    /// the one there was.
    pub fn set_adversary(&mut self, kind: &AdversaryKind) {
        self.list.retain(|(part, ..)| *part != Part::Adversary);
        self.adversary = Some(kind.name);
        self.declare(Part::Adversary, kind.parameters);
    }

    /// The protocol's own adversary that is on.
    pub fn adversary(&self) -> Option<&'static str> {
        self.adversary
    }

    /// Replaces one value.
    ///
    /// # Panics
    /// If no such parameter was declared.
    pub fn set(&mut self, name: &str, value: Value) {
        let wanted = Part::split(name);
        let slot = self.list.iter_mut().find(|(part, key, _)| (*part, *key) == wanted);
        slot.unwrap_or_else(|| panic!("no parameter {name}")).2 = value;
    }

    /// All values of a section in order of declaration, without `adversary.kind`.
    pub fn iter(&self, part: Part) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        let of_part = move |(found, ..): &&(Part, &str, Value)| *found == part;
        self.list.iter().filter(of_part).map(|(_, name, value)| (*name, *value))
    }

    fn get(&self, name: &str) -> Value {
        let wanted = Part::split(name);
        if wanted == ADVERSARY_KIND {
            return Value::Choice(self.adversary.unwrap_or("none"));
        }
        let found = self.list.iter().find(|(part, key, _)| (*part, *key) == wanted);
        found.unwrap_or_else(|| panic!("parameter {name} was not declared")).2
    }

    /// A [`Kind::Flag`] value.
    ///
    /// # Panics
    /// Here and below: if no such parameter of that kind was declared (a bug of the protocol), or only
    /// by an adversary that is not on.
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

    /// A [`Kind::Number`] value.
    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::Number(v) => v,
            other => panic!("{name} is {other:?}, not a number"),
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

    /// A [`Kind::File`] value.
    ///
    /// # Panics
    /// As the others.
    pub fn file(&self, name: &str) -> Option<&'static TextFile> {
        match self.get(name) {
            Value::File(v) => v,
            other => panic!("{name} is {other:?}, not a file"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: &[Parameter] = &[Parameter {
        name: "rate",
        kind: Kind::Number { min: 0.0, max: 10.0 },
        default: Value::Number(0.5),
        about: "a test",
    }];

    fn values() -> Values {
        let mut values = Values::defaults(RATE);
        values.declare(Part::Workload, RATE);
        values
    }

    #[test]
    fn sections_are_apart() {
        let mut values = values();
        values.set("workload.rate", Value::Number(0.25));
        assert_eq!((values.number("rate"), values.number("workload.rate")), (0.5, 0.25));
        assert_eq!(values.number("protocol.rate"), 0.5);
        let workload: Vec<_> = values.iter(Part::Workload).collect();
        assert_eq!(workload, [("rate", Value::Number(0.25))]);
    }

    #[test]
    fn an_adversary_brings_its_parameters() {
        let mut values = values();
        assert_eq!((values.choice("adversary.kind"), values.adversary()), ("none", None));
        values.set_adversary(&AdversaryKind { name: "idle", about: "waits", parameters: &[] });
        assert_eq!(values.choice("adversary.kind"), "idle");
        values.set_adversary(&AdversaryKind { name: "busy", about: "acts", parameters: RATE });
        values.set("adversary.rate", Value::Number(1.0));
        assert_eq!((values.number("adversary.rate"), values.number("rate")), (1.0, 0.5));
        values.set_adversary(&AdversaryKind { name: "idle", about: "waits", parameters: &[] });
        assert_eq!(values.iter(Part::Adversary).count(), 0);
    }

    #[test]
    #[should_panic(expected = "parameter adversary.rate was not declared")]
    fn parameters_of_another_adversary_are_not_there() {
        values().number("adversary.rate");
    }

    #[test]
    fn kinds_allow_their_own_values_within_bounds() {
        let number = Kind::Number { min: -1.0, max: f64::INFINITY };
        for (value, allowed) in [(-1.0, true), (1e300, true), (-1.5, false), (f64::NAN, false)] {
            assert_eq!(number.allows(Value::Number(value)), allowed, "{value}");
        }
        assert!(!number.allows(Value::Number(f64::INFINITY)));
        assert!(!number.allows(Value::Share(0.5)) && Kind::Share.allows(Value::Share(0.5)));
        assert!(!Kind::Count { min: 1, max: 9 }.allows(Value::Count(0)));
        assert!(!Kind::Span { min: Span(1) }.allows(Value::Span(Span(0))));
        assert!(!Kind::Choice(&["a"]).allows(Value::Choice("b")));
        assert!(Kind::Flag.allows(Value::Flag(false)));
    }

    #[test]
    fn errors_name_section_and_key() {
        let error = |name| ParameterError { name, problem: "is odd".to_owned() }.to_string();
        assert_eq!(error("fanout"), "protocol.fanout: is odd");
        assert_eq!(error("workload.rate"), "workload.rate: is odd");
        assert_eq!(error("adversary.fraction"), "adversary.fraction: is odd");
    }

    #[test]
    fn bounds_are_included() {
        let count = Kind::Count { min: 2, max: 9 };
        let allowed = |kind: Kind, value| kind.allows(value);
        assert_eq!(
            [1, 2, 9, 10].map(|n| allowed(count, Value::Count(n))),
            [false, true, true, false]
        );
        let shares = [-0.1, 0.0, 1.0, 1.1].map(|share| allowed(Kind::Share, Value::Share(share)));
        assert_eq!(shares, [false, true, true, false]);
        let number = Kind::Number { min: 1.0, max: 2.0 };
        let numbers = [0.9, 1.0, 2.0, 2.1].map(|n| allowed(number, Value::Number(n)));
        assert_eq!(numbers, [false, true, true, false]);
        let spans = [4, 5, 6].map(|n| allowed(Kind::Span { min: Span(5) }, Value::Span(Span(n))));
        assert_eq!(spans, [false, true, true]);
        assert!(allowed(Kind::Choice(&["a", "b"]), Value::Choice("b")));
        // And no kind takes a value of another.
        let kinds = [Kind::Flag, count, Kind::Share, number, Kind::Span { min: Span(0) }];
        let kinds = [&kinds[..], &[Kind::Choice(&["a"]), Kind::File]].concat();
        let values = [
            Value::Flag(true),
            Value::Count(2),
            Value::Share(1.0),
            Value::Number(1.0),
            Value::Span(Span(5)),
            Value::Choice("a"),
            Value::File(None),
        ];
        for (i, kind) in kinds.iter().enumerate() {
            for (j, value) in values.iter().enumerate() {
                assert_eq!(kind.allows(*value), i == j, "{kind:?} {value:?}");
            }
        }
    }
}
