//! What to run: from TOML text to the checked [`Scenario`], and back.
//!
//! The way of a scenario: [`Source`] and [`Override`]s → a tree of values that know where they
//! were written (`document`, `overrides`) → typed fields that match the declarations of `keys`
//! (`reader`, `findings`, `plain`, `quantity`) → [`Scenario`] (`parse*`), plain data which the engines take.
//! `resolved` writes it back with every default filled in; `schema` describes the format.
//!
//! Invariant: whatever the text, the result is a scenario within all stated bounds or a
//! [`ScenarioError`]; never a panic, and never more than a few hundred megabytes or a few seconds.

mod cost_table;
mod document;
mod error;
mod excerpt;
mod findings;
mod key_kind;
mod keys;
mod keys_conditions;
mod keys_links;
mod keys_network;
mod nearest;
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
mod parse_model;
mod parse_network;
mod parse_regions;
mod parse_selection;
mod parse_topology;
mod plain;
mod protocol_info;
mod quantity;
mod reader;
mod resolved;
mod resolved_conditions;
mod resolved_fault;
mod schema;
#[cfg(test)]
mod tests;

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

use anthill_protocol::parameter::Values;
use anthill_protocol::{RunScale, Span, Time};

use crate::conditions::ConditionsSpec;
use crate::crypto::{KeyFile, Mode};
use crate::input::Input;
use crate::network::NetworkSpec;

/// A checked scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// A short name: the file's stem or the preset's name.
    pub name: String,
    /// Seed of every draw.
    pub seed: u64,
    /// Number of nodes, 1 to 2³²−1.
    pub nodes: u32,
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
    /// How large it is, for what protocols estimate before a run.
    pub fn scale(&self) -> RunScale {
        let degree = self.network.topology.mean_degree(self.nodes);
        RunScale { nodes: self.nodes, until: self.until, degree }
    }
}

/// How to execute a scenario; nothing here changes a result.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineOptions {
    /// Units of ownership, 1 to 64; `None`: as many as threads, else as cores, or one if windows are
    /// expected to hold few events.
    pub shards: Option<u32>,
    /// Worker threads, 1 to 64; `None`: min(shards, cores).
    pub threads: Option<u32>,
    /// Whether an idle thread takes sub-shards of another's shard.
    pub stealing: bool,
    /// Whether to ask for transparent huge pages.
    pub huge_pages: bool,
    /// Nodes per sub-shard, rounded up to a power of two; `None`: from the expected event rate.
    pub subshard_nodes: Option<u32>,
    /// Windows with fewer events are run by one thread, all others by all; `None`: whatever is
    /// faster, measured while the run goes on.
    pub alone_below: Option<u32>,
    /// Share of the machine's memory at which the run stops cleanly, in `0..=1`.
    pub memory_limit: f64,
}

impl EngineOptions {
    /// Whether the number of threads is left to the engine.
    pub fn is_unstated(&self) -> bool {
        self.shards.is_none() && self.threads.is_none()
    }
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            shards: None,
            threads: None,
            stealing: true,
            huge_pages: true,
            subshard_nodes: None,
            alone_below: None,
            memory_limit: 0.9,
        }
    }
}

/// How signatures are made and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CryptoSpec {
    /// Executed, or modelled with the same outcome.
    pub mode: Mode,
    /// Verdicts that each worker remembers, some 20 to 40 bytes each.
    pub verdicts: u64,
    /// CPU time of this machine that executed signatures may take before there is a warning.
    pub budget: Span,
    /// Secret keys of the first nodes; the others derive theirs.
    pub keys: Option<KeyFile>,
}

impl Default for CryptoSpec {
    fn default() -> Self {
        let budget = Span::from_secs(600);
        Self { mode: Mode::Real, verdicts: 1_000_000, budget, keys: None }
    }
}

/// What to measure beside the protocol's metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeasureSpec {
    /// Records of latencies before this instant are left out of the histograms.
    pub warmup: Span,
    /// Length of a row of `series.csv`; `None`: about 200 rows. Rounded up to whole windows.
    pub interval: Option<Span>,
}
