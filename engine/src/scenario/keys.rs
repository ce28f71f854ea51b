//! Every key of a scenario, declared once: the reader, its error messages and the JSON Schema all
//! work from these tables.

use anthill_protocol::Span;
use anthill_protocol::parameter::{Kind, Value};

use super::parse_adversary::ADVERSARY;
use super::parse_fault::FAULT;
use super::parse_links::Links;
use super::{CryptoSpec, EngineOptions, MeasureSpec};
use crate::conditions::{ChurnSpec, ClockSpec, CpuSpec};
use crate::network::NetworkSpec;

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// Its value when the scenario says nothing, if that is a plain value.
    pub(crate) default: Option<Value>,
    /// Words of a choice that a later version will know.
    pub(crate) later: &'static [&'static str],
    pub(crate) about: &'static str,
    /// Whether it has to be given: in every table, or with the kinds that use it.
    pub(crate) required: bool,
    /// The kinds that use it, if not all of them do.
    pub(crate) with: &'static [&'static str],
    /// What the words of a choice mean, in the order of the choice.
    pub(crate) words: &'static [&'static str],
}

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A plain value, declared the way protocols declare theirs.
    Plain(Kind),
    /// A length of time within bounds.
    Span { least: Span, most: Span },
    /// A number from `least` (not allowed itself if `open`) to `most`.
    Number { least: f64, open: bool, most: f64 },
    /// Bits per second, above 0.
    Rate,
    /// Bytes, above 0.
    Size,
    /// Any text.
    Text,
    /// The path of a file.
    Path,
    /// A list of distinct texts.
    Names,
    /// A square list of lists of milliseconds.
    Matrix,
    /// A table from names to shares that sum to 1.
    Shares,
    /// A list of ids of nodes and ranges of them.
    NodeIds,
    /// A list of pairs: probability and rate.
    Quantiles,
    /// One of two shapes, told apart by the reader.
    Either(&'static Shape, &'static Shape),
    /// A table from free names to values of one shape.
    Named(&'static Shape),
    /// A table with keys of its own.
    Table(&'static [Key]),
    /// A list of tables with keys of their own.
    Tables { keys: &'static [Key], required: &'static [&'static str] },
    /// A table with a `kind`, which it may leave out unless it `needs_kind`; the kind's name alone
    /// stands for a table with nothing else.
    Kinded { keys: &'static [Key], needs_kind: bool },
}

impl Key {
    pub(crate) const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        let (later, with, words) = (&[], &[], &[]);
        Self { name, shape, default: None, later, about, required: false, with, words }
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn with(mut self, kinds: &'static [&'static str]) -> Self {
        self.with = kinds;
        self
    }

    pub(crate) const fn words(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }

    pub(crate) const fn or(mut self, default: Value) -> Self {
        self.default = Some(default);
        self
    }

    pub(crate) const fn later(mut self, words: &'static [&'static str]) -> Self {
        self.later = words;
        self
    }

    /// A protocol's parameter as a key of its section.
    pub(crate) const fn parameter(parameter: &anthill_protocol::parameter::Parameter) -> Self {
        Self::new(parameter.name, Shape::Plain(parameter.kind), parameter.about)
            .or(parameter.default)
    }
}

pub(crate) const fn count(min: u64, max: u64) -> Shape {
    Shape::Plain(Kind::Count { min, max })
}

pub(crate) const fn choice(words: &'static [&'static str]) -> Shape {
    Shape::Plain(Kind::Choice(words))
}

/// The longest delay or cost that can be stated: 13 days.
pub(crate) const LONGEST: Span = Span(1 << 50);

/// Bounded like the delays of the network, so that sums stay far from the end of time.
pub(crate) const DELAY: Shape = Shape::Span { least: Span(1), most: LONGEST };
pub(crate) const DELAY_OR_ZERO: Shape = Shape::Span { least: Span::ZERO, most: LONGEST };

/// Far beyond any real cost or slow-down, and far from overflow.
pub(crate) const COST: Shape = Shape::Span { least: Span::ZERO, most: Span::from_secs(3_600) };
pub(crate) const FACTOR: Shape = positive(1e3);

/// A number within bounds, both included.
pub(crate) const fn bounded(least: f64, most: f64) -> Shape {
    Shape::Number { least, open: false, most }
}

/// A number above 0.
pub(crate) const fn positive(most: f64) -> Shape {
    Shape::Number { least: 0.0, open: true, most }
}

pub(crate) const fn kinded(keys: &'static [Key]) -> Shape {
    Shape::Kinded { keys, needs_kind: true }
}

/// How many keys there are in all parts of a table.
pub(crate) const fn length(parts: &[&[Key]]) -> usize {
    let (mut sum, mut part) = (0, 0);
    while part < parts.len() {
        sum += parts[part].len();
        part += 1;
    }
    sum
}

/// The keys of all parts of a table, `N` in number.
pub(crate) const fn join<const N: usize>(parts: &[&[Key]]) -> [Key; N] {
    let mut keys = [PROTOCOL_NAME; N];
    let (mut filled, mut part) = (0, 0);
    while part < parts.len() {
        let mut at = 0;
        while at < parts[part].len() {
            keys[filled] = parts[part][at];
            (filled, at) = (filled + 1, at + 1);
        }
        part += 1;
    }
    keys
}

pub(crate) const FLAG: Shape = Shape::Plain(Kind::Flag);
pub(crate) const SHARE: Shape = Shape::Plain(Kind::Share);
pub(crate) const POSITIVE_SPAN: Shape = Shape::Plain(Kind::Span { min: Span(1) });
pub(crate) const ANY_SPAN: Shape = Shape::Plain(Kind::Span { min: Span(0) });

/// The name of a protocol, whose other keys are its parameters.
pub(crate) const PROTOCOL_NAME: Key =
    Key::new("name", Shape::Text, "the protocol to run; the other keys are its parameters");

pub(crate) const ROOT: &[Key] = &[
    Key::new(
        "name",
        Shape::Text,
        "short name of the runs, which names their folders: starts with a letter or digit; letters, \
         digits, `-`, `_`, `.`; at most 64. By default the file's or preset's name",
    ),
    Key::new(
        "seed",
        count(0, u64::MAX),
        "seed of every draw, 64 bits; above 2⁶³ − 1 in quotes, because TOML's integers end there",
    )
    .or(Value::Count(1)),
    Key::new("nodes", count(1, u32::MAX as u64), "number of nodes, 1 to 2³² − 1").required(),
    Key::new("until", POSITIVE_SPAN, "virtual time to run: events *before* it are handled")
        .required(),
    Key::new("engine", EngineOptions::TABLE, "how to execute the run; never changes a result"),
    Key::new("protocol", Shape::Table(&[PROTOCOL_NAME]), "what every node runs"),
    Key::new("workload", Shape::Table(&[]), "what the nodes are asked to do"),
    Key::new("network", Shape::Table(NETWORK), "delays, and who talks to whom"),
    Key::new("cpu", CpuSpec::TABLE, "virtual CPU of every node; without it handlers are free"),
    Key::new("churn", ChurnSpec::TABLE, "sessions and downtimes; without it nodes stay up"),
    Key::new("clock", ClockSpec::TABLE, "error of the nodes' own clocks"),
    Key::new("adversary", Shape::Table(ADVERSARY), "whom an adversary holds, and what they do"),
    Key::new("fault", Shape::Tables { keys: FAULT, required: &["at", "kind"] }, "the timeline"),
    Key::new("crypto", CryptoSpec::TABLE, "how signatures are made and checked"),
    Key::new("measure", MeasureSpec::TABLE, "what to measure beside the protocol's metrics"),
];

const NETWORK: &[Key] = {
    const PARTS: &[&[Key]] = &[NetworkSpec::KEYS, Links::KEYS];
    const ALL: [Key; length(PARTS)] = join(PARTS);
    &ALL
};
