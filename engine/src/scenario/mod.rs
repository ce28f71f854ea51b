//! What to run: from TOML text to the checked [`Scenario`], and back.
//!
//! The way of a scenario: [`Source`] and [`Override`]s → a tree of values that know where they
//! were written (`document`, `overrides`) → typed fields that match their declarations
//! (`reader`, `findings`, `plain`, `quantity`) → [`Scenario`], plain data which the engines take.
//! `resolved` writes it back with every default filled in; `schema` and `tables` describe the format.
//!
//! A key is declared once, where the type that holds its value is: `#[derive(Keys)]` makes of the fields of
//! a struct, or of the variants of an enum, the table of keys, the reader and the writer (`declare`). What
//! a declaration cannot say, rules between keys and sections above all, stands in `parse_*`.
//!
//! Invariant: whatever the text, the result is a scenario within all stated bounds or a
//! [`ScenarioError`]; never a panic, and never more than a few hundred megabytes or a few seconds.

mod cost_table;
pub(crate) mod declare;
mod document;
mod error;
mod excerpt;
mod findings;
mod in_words;
mod key_kind;
mod keys;
mod nearest;
mod nested;
mod overrides;
mod parse;
mod parse_adversary;
mod parse_bandwidth;
mod parse_churn;
mod parse_classes;
mod parse_conditions;
mod parse_cpu;
mod parse_crypto;
mod parse_declared;
mod parse_fault;
mod parse_links;
mod parse_network;
mod parse_regions;
mod parse_schedule;
mod parse_selection;
mod parse_topology;
mod plain;
mod protocol_info;
mod quantity;
mod reader;
mod resolved;
mod resolved_fault;
mod schema;
mod tables;
#[cfg(test)]
mod tests;
mod text_file;

pub use cost_table::CostTable;
pub use document::Source;
pub use error::{Problem, Problems, ScenarioError};
pub use key_kind::{KeyKind, key_kind};
pub use nearest::nearest;
pub use overrides::Override;
pub use parse::parse_text;
pub use protocol_info::{CheckValues, ProtocolInfo};
pub use quantity::{
    QuantityError, TIME_UNIT_NAMES, number_bounds, parse_count, parse_rate, parse_span, span_text,
};
pub use schema::json_schema;
pub use tables::key_table;

use anthill_engine_derive::Keys;
use anthill_protocol::parameter::Values;
use anthill_protocol::{RunScale, Span, Time};

use crate::conditions::ConditionsSpec;
use crate::crypto::{KeyFile, Mode};
use crate::input::Input;
use crate::network::NetworkSpec;
use declare::{Key, POSITIVE_SPAN};
use parse::suits_the_run;
use parse_crypto::read_keys;

/// A checked scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// A short name: the file's stem or the preset's name.
    pub name: String,
    /// Seed of every draw.
    pub seed: u64,
    /// Number of nodes, 1 to 2³²−1.
    pub nodes: u32,
    /// Nodes that its protocol has beside them, such as clients; their ids follow.
    pub extra_nodes: u32,
    /// Events with time below this run.
    pub until: Time,
    /// How to execute it; never changes a result.
    pub engine: EngineOptions,
    /// The protocol's registered name.
    pub protocol: String,
    /// Its checked parameters.
    pub values: Values,
    /// Delays and topology.
    pub network: NetworkSpec,
    /// Everything else that befalls messages and nodes.
    pub conditions: ConditionsSpec,
    /// Signatures.
    pub crypto: CryptoSpec,
    /// What to measure.
    pub measure: MeasureSpec,
    /// The files that it names, each with the hash of its content.
    pub inputs: Vec<Input>,
}

impl Scenario {
    /// All nodes that run: those of the scenario, and the protocol's own.
    pub fn population(&self) -> u32 {
        self.nodes.saturating_add(self.extra_nodes)
    }

    /// How large it is, for what protocols estimate before a run.
    pub fn scale(&self) -> RunScale {
        let degree = self.network.topology.mean_degree(self.population());
        RunScale { nodes: self.population(), until: self.until, degree }
    }
}

/// How to execute a scenario; nothing here changes a result.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(defaults)]
pub struct EngineOptions {
    /// Units of ownership, 1 to 64; by default as many as `threads`, else as cores, or one if
    /// windows are expected to hold fewer than 64 events.
    #[key(shape = count(1, 64))]
    pub shards: Option<u32>,
    /// Worker threads, 1 to 64; by default min(shards, cores).
    #[key(shape = count(1, 64))]
    pub threads: Option<u32>,
    /// Nodes per sub-shard, 1 to 65,536, rounded up to a power of two; bent to give every shard one
    /// and to at most 8,192 sub-shards. By default from the expected event rate.
    #[key(shape = count(1, 65_536))]
    pub subshard_nodes: Option<u32>,
    /// Windows with fewer events are run by one thread, all others by all, 0 to 1,048,576. By default
    /// whichever way is faster for windows of that size, measured during the run.
    #[key(shape = count(0, 1 << 20))]
    pub alone_below: Option<u32>,
    /// Idle threads take sub-shards of other shards.
    #[key(default = true)]
    pub stealing: bool,
    /// Ask for transparent huge pages.
    #[key(default = true)]
    pub huge_pages: bool,
    /// Share of the memory that the process may use, above 0 to 1, at which the run stops cleanly: of
    /// the machine's, of what its control groups (versions 1 and 2, nested) grant, or of what is free
    /// when it begins, whichever is least. Compared with node states and event memory.
    #[key(default = 0.9, shape = positive(1.0))]
    pub memory_limit: f64,
}

impl EngineOptions {
    /// Whether the number of threads is left to the engine.
    pub fn is_unstated(&self) -> bool {
        self.shards.is_none() && self.threads.is_none()
    }
}

/// How signatures are made and checked.
#[derive(Clone, Debug, PartialEq, Eq, Keys)]
#[keys(defaults, context = Option<u32>)]
pub struct CryptoSpec {
    /// How signatures are made and checked. The outcome of a protocol is the same in both modes,
    /// unless an adversary plays with the encoding of curve points. `--crypto` sets it.
    #[key(default = Mode::Real)]
    pub mode: Mode,
    /// Verdicts of signatures that each worker remembers, up to 40 bytes each; it changes what a run
    /// costs, never its result.
    #[key(default = 1_000_000, shape = count(1, 1 << 32))]
    pub verdicts: u64,
    /// CPU time that executed signatures may take on this machine; when they are expected to take
    /// more, `run` and `validate` warn.
    #[key(default = Span::from_secs(600))]
    pub budget: Span,
    /// Path of a file with secret keys of nodes 0, 1, 2, …: lines of 64 hexadecimal digits
    /// (RFC 8032 seeds); nodes without a line derive theirs from the seed.
    #[key(shape = Shape::Path, read = read_keys)]
    pub keys: Option<KeyFile>,
}

/// What to measure beside the protocol's metrics.
#[derive(Clone, Debug, Default, PartialEq, Keys)]
#[keys(context = Option<Time>, check = suits_the_run, also = [BOUND])]
pub struct MeasureSpec {
    /// Latencies recorded before this instant are left out; must end before `until`.
    #[key(default = Span::ZERO)]
    pub warmup: Span,
    /// Length of a row of `series.csv`, rounded up to whole windows; beyond 20,000 rows it doubles.
    /// By default rows of one window, which double in length whenever 512 do not suffice.
    #[key(shape = POSITIVE_SPAN)]
    pub interval: Option<Span>,
}

/// Belongs to the conditions.
const BOUND: Key = Key::new(
    "bound",
    POSITIVE_SPAN,
    "a delay that the protocol assumes no message exceeds: those beyond it are reported; by default \
     `network.delta` if the model has one",
);
