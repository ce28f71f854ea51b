//! Every key of a scenario, declared once: the reader, its error messages and the JSON Schema all
//! work from these tables.

use anthill_protocol::Span;
use anthill_protocol::parameter::{Kind, Value};

use super::keys_conditions::{ADVERSARY, CHURN, CLOCK, CPU, FAULT};
use super::keys_network::NETWORK;

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// Its value when the scenario says nothing, if that is a plain value.
    pub(super) default: Option<Value>,
    /// Words of a choice that a later version will know.
    pub(super) later: &'static [&'static str],
    pub(super) about: &'static str,
}

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
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
    pub(super) const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, default: None, later: &[], about }
    }

    pub(super) const fn or(mut self, default: Value) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn later(mut self, words: &'static [&'static str]) -> Self {
        self.later = words;
        self
    }

    /// A protocol's parameter as a key of its section.
    pub(super) const fn parameter(parameter: &anthill_protocol::parameter::Parameter) -> Self {
        Self::new(parameter.name, Shape::Plain(parameter.kind), parameter.about)
            .or(parameter.default)
    }
}

pub(super) const fn count(min: u64, max: u64) -> Shape {
    Shape::Plain(Kind::Count { min, max })
}

pub(super) const fn choice(words: &'static [&'static str]) -> Shape {
    Shape::Plain(Kind::Choice(words))
}

/// The longest delay or cost that can be stated: 13 days.
pub(super) const LONGEST: Span = Span(1 << 50);

/// A number above 0.
pub(super) const fn positive(most: f64) -> Shape {
    Shape::Number { least: 0.0, open: true, most }
}

pub(super) const fn kinded(keys: &'static [Key]) -> Shape {
    Shape::Kinded { keys, needs_kind: true }
}

pub(super) const FLAG: Shape = Shape::Plain(Kind::Flag);
pub(super) const SHARE: Shape = Shape::Plain(Kind::Share);
pub(super) const POSITIVE_SPAN: Shape = Shape::Plain(Kind::Span { min: Span(1) });
pub(super) const ANY_SPAN: Shape = Shape::Plain(Kind::Span { min: Span(0) });

/// The name of a protocol, whose other keys are its parameters.
pub(super) const PROTOCOL_NAME: Key =
    Key::new("name", Shape::Text, "the protocol to run; the other keys are its parameters");

pub(super) const ROOT: &[Key] = &[
    Key::new("name", Shape::Text, "short name of the runs; by default the file's name"),
    Key::new("seed", count(0, u64::MAX), "seed of every draw").or(Value::Count(1)),
    Key::new("nodes", count(1, u32::MAX as u64), "number of nodes"),
    Key::new("until", POSITIVE_SPAN, "virtual time to run: events before it are handled"),
    Key::new("engine", Shape::Table(ENGINE), "how to execute the run; never changes a result"),
    Key::new("protocol", Shape::Table(&[PROTOCOL_NAME]), "what every node runs"),
    Key::new("workload", Shape::Table(&[]), "what the nodes are asked to do"),
    Key::new("network", Shape::Table(NETWORK), "delays, and who talks to whom"),
    Key::new("cpu", Shape::Table(CPU), "virtual CPU of every node; without it handlers are free"),
    Key::new("churn", Shape::Table(CHURN), "sessions and downtimes; without it nodes stay up"),
    Key::new("clock", Shape::Table(CLOCK), "error of the nodes' own clocks"),
    Key::new("adversary", Shape::Table(ADVERSARY), "whom an adversary holds, and what they do"),
    Key::new("fault", Shape::Tables { keys: FAULT, required: &["at", "kind"] }, "the timeline"),
    Key::new("crypto", Shape::Table(CRYPTO), "how signatures are made and checked"),
    Key::new("measure", Shape::Table(MEASURE), "what to measure beside the protocol's metrics"),
];

pub(super) const CRYPTO: &[Key] = &[
    Key::new(
        "mode",
        choice(&["real", "modelled"]),
        "real: ed25519 by ZIP-215, executed; modelled: tags of the same size and outcome",
    )
    .or(Value::Choice("real")),
    Key::new(
        "verdicts",
        count(1, 1 << 32),
        "verdicts of signatures that each worker remembers, up to 40 bytes each",
    )
    .or(Value::Count(1_000_000)),
    Key::new(
        "budget",
        ANY_SPAN,
        "CPU time that executed signatures may take on this machine; above it a run warns",
    )
    .or(Value::Span(Span::from_secs(600))),
    Key::new(
        "keys",
        Shape::Path,
        "secret keys of nodes 0, 1, 2, ...: lines of 64 hexadecimal digits (RFC 8032 seeds); nodes \
         without a line derive theirs from the seed",
    ),
];

pub(super) const ENGINE: &[Key] = &[
    Key::new("shards", count(1, 64), "units of ownership; by default as many as threads"),
    Key::new("threads", count(1, 64), "worker threads; by default min(shards, cores)"),
    Key::new("stealing", FLAG, "idle threads take over sub-shards of other shards")
        .or(Value::Flag(true)),
    Key::new("huge_pages", FLAG, "ask for transparent huge pages").or(Value::Flag(true)),
    Key::new(
        "subshard_nodes",
        count(1, 65_536),
        "nodes per sub-shard, rounded up to a power of two; by default from the event rate",
    ),
    Key::new(
        "alone_below",
        count(0, 1 << 20),
        "windows with fewer events are run by one thread, all others by all; by default whatever is \
         faster, measured during the run",
    ),
    Key::new(
        "memory_limit",
        positive(1.0),
        "share of the memory that the machine and its control groups grant at which the run stops cleanly; 0.9 by default",
    ),
];

pub(super) const MEASURE: &[Key] = &[
    Key::new("warmup", ANY_SPAN, "latencies before this instant are left out")
        .or(Value::Span(Span(0))),
    Key::new(
        "interval",
        POSITIVE_SPAN,
        "length of a row of series.csv; by default 256 to 512 rows",
    ),
    Key::new(
        "bound",
        POSITIVE_SPAN,
        "a delay that the protocol assumes no message exceeds: those beyond it are reported; by \
         default network.delta where the model has one",
    ),
];
