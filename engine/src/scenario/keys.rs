//! Every key of a scenario, declared once: the reader, its error messages and the JSON Schema all
//! work from these tables.

use anthill_protocol::Span;
use anthill_protocol::parameter::{Kind, Value};

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
    /// A number from 0 (allowed only if `zero`) to `most`.
    Number { zero: bool, most: f64 },
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
    /// A table with keys of its own.
    Table(&'static [Key]),
    /// A table with a `kind`; the kind's name alone stands for a table with nothing else.
    Kinded(&'static [Key]),
}

impl Key {
    const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, default: None, later: &[], about }
    }

    const fn or(mut self, default: Value) -> Self {
        self.default = Some(default);
        self
    }

    const fn later(mut self, words: &'static [&'static str]) -> Self {
        self.later = words;
        self
    }

    /// A protocol's parameter as a key of `[protocol]`.
    pub(super) const fn parameter(parameter: &anthill_protocol::parameter::Parameter) -> Self {
        Self::new(parameter.name, Shape::Plain(parameter.kind), parameter.about)
            .or(parameter.default)
    }
}

const fn count(min: u64, max: u64) -> Shape {
    Shape::Plain(Kind::Count { min, max })
}

const fn choice(words: &'static [&'static str]) -> Shape {
    Shape::Plain(Kind::Choice(words))
}

const FLAG: Shape = Shape::Plain(Kind::Flag);
const SHARE: Shape = Shape::Plain(Kind::Share);
const POSITIVE_SPAN: Shape = Shape::Plain(Kind::Span { min: Span(1) });
const ANY_SPAN: Shape = Shape::Plain(Kind::Span { min: Span(0) });

/// Sections of later versions, refused by name.
pub(super) const LATER_SECTIONS: &[&str] = &["workload", "crypto", "adversary", "fault"];

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
    Key::new("network", Shape::Table(NETWORK), "delays, and who talks to whom"),
    Key::new("measure", Shape::Table(MEASURE), "what to measure beside the protocol's metrics"),
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
        "memory_limit",
        Shape::Number { zero: false, most: 1.0 },
        "share of the machine's memory at which the run stops cleanly; 0.9 by default",
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
];

/// Tables of regions that ship with the engine.
pub(super) const REGION_PRESETS: &[&str] = &["aws-p50", "bitcoin-2019"];

pub(super) const NETWORK: &[Key] = &[
    Key::new("preset", choice(REGION_PRESETS), "table of regions; aws-p50 by default")
        .later(&["ethereum-2022", "solana-2025"]),
    Key::new(
        "model",
        choice(&["regional", "uniform", "exponential"]),
        "delay model; replaces the preset by the model's own defaults",
    )
    .later(&["synchronous", "asynchronous", "partial"]),
    Key::new(
        "min_delay",
        POSITIVE_SPAN,
        "floor of every delay between distinct nodes; 250us by default, or the model's own least \
         delay if that is lower",
    ),
    Key::new("loopback", POSITIVE_SPAN, "delay of a message that a node sends itself")
        .or(Value::Span(Span::from_micros(20))),
    Key::new("min", POSITIVE_SPAN, "uniform: the least delay")
        .or(Value::Span(Span::from_millis(10))),
    Key::new("max", POSITIVE_SPAN, "uniform: the greatest delay")
        .or(Value::Span(Span::from_millis(100))),
    Key::new(
        "floor",
        POSITIVE_SPAN,
        "exponential: the least delay; by default protocol.lookahead if there is one, else 1ms",
    ),
    Key::new(
        "mean",
        ANY_SPAN,
        "exponential: mean of what is added to the floor; by default protocol.mean_delay if there \
         is one, else 1ms",
    ),
    Key::new("regions", Shape::Table(REGIONS), "regional: a table of your own, here or in a file"),
    Key::new("shares", Shape::Shares, "regional: share of the nodes per region"),
    Key::new(
        "jitter",
        Shape::Kinded(JITTER),
        "regional: variation of the delay; fitted by default",
    ),
    Key::new("topology", Shape::Kinded(TOPOLOGY), "who is whose neighbour; complete by default"),
];

const LATENCY: Shape = choice(&["rtt", "one-way"]);

pub(super) const REGIONS: &[Key] = &[
    Key::new("latency", LATENCY, "what the figures are: round trips or one-way delays"),
    Key::new("file", Shape::Path, "a file with the table"),
    Key::new("format", choice(&["aws-json", "ripe-country", "city-pairs"]), "the file's format"),
    Key::new("p90_file", Shape::Path, "a second aws-json file with the 90th percentiles"),
    Key::new("names", Shape::Names, "names of the regions of an inline table"),
    Key::new("p50_ms", Shape::Matrix, "medians in ms, a row per sender"),
    Key::new("p90_ms", Shape::Matrix, "90th percentiles in ms, a row per sender"),
];

pub(super) const JITTER: &[Key] = &[
    Key::new("kind", choice(&["fitted", "lognormal"]), "fitted to the table, or of given width"),
    Key::new("sigma", Shape::Number { zero: false, most: 10.0 }, "lognormal: σ of the logarithm"),
];

pub(super) const TOPOLOGY: &[Key] = &[
    Key::new(
        "kind",
        choice(&[
            "complete",
            "random-regular",
            "erdos-renyi",
            "barabasi-albert",
            "watts-strogatz",
            "file",
        ]),
        "how neighbours are chosen",
    )
    .later(&["bitcoin-like", "hierarchical", "kademlia"]),
    Key::new(
        "degree",
        Shape::Number { zero: true, most: u32::MAX as f64 },
        "random-regular: neighbours per node; erdos-renyi: their mean",
    ),
    Key::new("implicit", FLAG, "random-regular of even degree: compute peers, store none")
        .or(Value::Flag(false)),
    Key::new("p", SHARE, "erdos-renyi: probability of each pair, instead of degree"),
    Key::new("m", count(1, u32::MAX as u64), "barabasi-albert: edges per newcomer"),
    Key::new("k", count(2, u32::MAX as u64), "watts-strogatz: even degree of the ring lattice"),
    Key::new("beta", SHARE, "watts-strogatz: probability of rewiring an edge"),
    Key::new("path", Shape::Path, "file: an edge list, CSV source,target[,latency_ms], or .gz"),
    Key::new("latency", LATENCY, "file: what the latency column holds; absent: it is not used"),
    Key::new(
        "direction",
        choice(&["undirected", "source-to-target", "target-to-source"]),
        "file: how rows become neighbours",
    )
    .or(Value::Choice("undirected")),
];
