//! The flags of `anthill export`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ScenarioArgs;

pub(super) const EXPORT_EXAMPLES: &str = "\
Examples:
  anthill export topology my.toml --to graphml --out net.graphml   who is whose neighbour
  anthill export shadow my.toml --out shadow --process '/usr/bin/node --id {id}'
  anthill export pcapng anthill-runs/gossip-1-1 --out run.pcapng   after run --trace: for Wireshark

Histories for Knossos and Elle: anthill run --history. Trace for ui.perfetto.dev: anthill run --trace.";

/// The flags of `anthill export`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExportArgs {
    /// What to write.
    #[command(subcommand)]
    pub command: ExportCommand,
}

/// What to write for another tool.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// Write the neighbours of a scenario's nodes as a graph.
    Topology(TopologyArgs),
    /// Write a scenario's network for Shadow: shadow.yaml, and network.gml with medians of delays.
    Shadow(ShadowArgs),
    /// Write the saved trace of a run as packets for Wireshark: IPv6, a port for each kind of message.
    Pcapng(PcapngArgs),
}

/// Formats of graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphTo {
    /// For Shadow, NetworkX, igraph, Gephi.
    Gml,
    /// XML, for the same but Shadow.
    Graphml,
    /// Rows of source,target[,latency_ms].
    Csv,
}

/// The flags of `anthill export topology`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TopologyArgs {
    /// Whose network.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// In which format.
    #[arg(long, value_enum)]
    pub to: GraphTo,
    /// A file that is not there yet.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// The flags of `anthill export shadow`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ShadowArgs {
    /// Whose network.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// What each host runs; `{id}`, `{nodes}` and `{seed}` stand for the node's number, their number and the
    /// seed.
    #[arg(long, value_name = "COMMAND", default_value = "/bin/true")]
    pub process: String,
    /// A directory that is not there yet.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// The flags of `anthill export pcapng`.
#[derive(Args, Clone, Debug)]
pub(crate) struct PcapngArgs {
    /// A directory in which `anthill run --trace` or `anthill trace --out` saved trace.jsonl.
    #[arg(value_name = "RUN_DIR")]
    pub directory: PathBuf,
    /// A file that is not there yet.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
