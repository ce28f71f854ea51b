//! The flags of the commands that make many runs.

use std::path::PathBuf;

use clap::Args;

use super::{Format, ProgressChoice, ScenarioArgs, not_a_flag};

pub(super) const SCALE_EXAMPLES: &str = "\
Examples:
  anthill scale gossip --nodes 1k,10k,100k,1M     CPU, memory and messages against nodes
  anthill scale gossip --nodes 100k --shards 1,2  strong scaling: the same on more shards
  anthill scale my.toml --nodes 1k,10k --repeat 5 --out scaling

After an interruption, or with a larger --repeat, the same command with the same --out makes only the
runs that are missing.";

pub(super) const SWEEP_EXAMPLES: &str = "\
Examples:
  anthill sweep gossip --nodes 10k --vary protocol.fanout=4,6,8 --seeds 10 --out fanout
  anthill sweep gossip --vary nodes=1k,10k --vary network.loss=0,0.1 --seeds 5
  anthill sweep my.toml --vary 'network.topology=\"complete\",{kind=\"random-regular\",degree=8}' --seeds 3

Several --vary make a grid. Values are TOML, else taken as text, and are separated by commas that
are not inside quotes, brackets or braces. After an interruption, or with more --seeds, the same
command with the same --out makes only the runs that are missing.";

pub(super) const COMPARE_EXAMPLES: &str = "\
Examples:
  anthill compare old.toml new.toml --seeds 20
  anthill compare gossip gossip --set network.loss=0.1 --set-b protocol.fanout=6 --seeds 20

Both run under the same seeds. Only [protocol], [engine] and the name may differ, so that both meet
the same network, workload and faults.";

pub(super) const COMPLEXITY_EXAMPLES: &str = "\
Examples:
  anthill complexity --protocol pbft,hotstuff --n 4,7,10,13,16,31   messages per decision, and the power
  anthill complexity --protocol dolev-strong --n 10,20,40 --f 1,3   over a grid of nodes and faults
  anthill complexity --protocol streamlet --n 7 --delta 500ms,1s,2s

Each cell is the protocol's preset with another number of nodes. Exit code 1 if a law does not hold.";

pub(super) const DEMO_EXAMPLES: &str = "\
Examples:
  anthill demo --out demo          then open demo/report.html

Under a minute. Every act is an `anthill run` that the page prints.";

/// Where many runs are saved, and how they are made.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct BatchArgs {
    /// Where to save; a new or empty directory, or the one in which the same command was
    /// interrupted, or finished with fewer runs [default: anthill-runs/<name>-<command>-<seed>-<n>].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Save every CSV as Parquet too.
    #[arg(long)]
    pub parquet: bool,
    /// What to print at the end: text to read, or the JSON file alone.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// A line on stderr per finished run if that is a terminal, or none.
    #[arg(long, value_enum, default_value_t)]
    pub progress: ProgressChoice,
}

/// The flags of `anthill scale`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ScaleArgs {
    /// A scenario file, or the name of a preset (see `anthill protocols`) [default: the main job].
    #[arg(value_name = "SCENARIO.toml|PRESET")]
    pub scenario: Option<String>,
    /// Which protocol; without a scenario, starts from that protocol's preset.
    #[arg(long, value_name = "NAME")]
    pub protocol: Option<String>,
    /// Numbers of nodes, separated by commas (`1k,10k,100k,1M`).
    #[arg(long, value_name = "N,...", required = true, allow_negative_numbers = true)]
    pub nodes: String,
    /// Runs of each size, in turns.
    #[arg(long, value_name = "R", default_value = "3", allow_negative_numbers = true)]
    pub repeat: String,
    /// Units of ownership; several, separated by commas, for strong scaling. There are as many
    /// threads, but no more than cores, unless --threads is given.
    #[arg(long, value_name = "K,...", allow_negative_numbers = true)]
    pub shards: Option<String>,
    /// Worker threads.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub threads: Option<String>,
    /// Virtual time at which a run ends (`60s`).
    #[arg(long, value_name = "DURATION", value_parser = not_a_flag, allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Seed of every run.
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// Set any key of the scenario; repeatable. The value is TOML, else taken as a string.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Where and how.
    #[command(flatten)]
    pub batch: BatchArgs,
}

/// The flags of `anthill sweep`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SweepArgs {
    /// What to run; its seed is the base of all others.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// A key of the scenario and the values to give it; repeatable.
    #[arg(long, value_name = "PATH=A,B,...", required = true)]
    pub vary: Vec<String>,
    /// Runs of each combination of values, each with a seed of its own.
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub seeds: String,
    /// Runs at a time [default: as many as cores and memory allow].
    #[arg(long, value_name = "J", allow_negative_numbers = true)]
    pub jobs: Option<String>,
    /// Where and how.
    #[command(flatten)]
    pub batch: BatchArgs,
}

/// The flags of `anthill compare`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct CompareArgs {
    /// What to compare with: a scenario file or a preset.
    #[arg(value_name = "A.toml|PRESET")]
    pub a: String,
    /// What to compare: a scenario file or a preset.
    #[arg(value_name = "B.toml|PRESET")]
    pub b: String,
    /// Pairs of runs, each with a seed of its own; at least 2.
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub seeds: String,
    /// Set any key of both scenarios; repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Set any key of A alone; repeatable.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set_a: Vec<String>,
    /// Set any key of B alone; repeatable.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set_b: Vec<String>,
    /// Number of nodes of both (`1M`).
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub nodes: Option<String>,
    /// Virtual time at which both end (`60s`).
    #[arg(long, value_name = "DURATION", value_parser = not_a_flag, allow_hyphen_values = true)]
    pub until: Option<String>,
    /// The base of all seeds [default: the seed of A].
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// Worker threads of each run.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub threads: Option<String>,
    /// Runs at a time [default: as many as cores and memory allow].
    #[arg(long, value_name = "J", allow_negative_numbers = true)]
    pub jobs: Option<String>,
    /// Compare even if network, workload, faults, nodes or times differ; the differences are
    /// printed with the result.
    #[arg(long)]
    pub allow_difference: bool,
    /// Where and how.
    #[command(flatten)]
    pub batch: BatchArgs,
}

/// The flags of `anthill complexity`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ComplexityArgs {
    /// Which protocols, separated by commas or repeated.
    #[arg(long, value_name = "NAME,...", required = true)]
    pub protocol: Vec<String>,
    /// Numbers of nodes, separated by commas.
    #[arg(long, value_name = "N,...", required = true, allow_negative_numbers = true)]
    pub n: String,
    /// Faults that the protocol is told to tolerate: numbers, or `max` for what its nodes allow.
    #[arg(long, value_name = "F,...", default_value = "max", allow_negative_numbers = true)]
    pub f: String,
    /// Bounds on delays that the protocol assumes (`100ms,200ms`).
    #[arg(long, value_name = "DURATION,...", value_parser = not_a_flag, allow_hyphen_values = true)]
    pub delta: Option<String>,
    /// Runs of each cell, each with a seed of its own.
    #[arg(long, value_name = "R", default_value = "3", allow_negative_numbers = true)]
    pub seeds: String,
    /// Virtual time at which a run ends (`60s`).
    #[arg(long, value_name = "DURATION", value_parser = not_a_flag, allow_hyphen_values = true)]
    pub until: Option<String>,
    /// The base of all seeds.
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// Set any key of every scenario; repeatable. The value is TOML, else taken as a string.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Runs at a time [default: as many as cores and memory allow].
    #[arg(long, value_name = "J", allow_negative_numbers = true)]
    pub jobs: Option<String>,
    /// Where and how.
    #[command(flatten)]
    pub batch: BatchArgs,
}

/// The flags of `anthill demo`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DemoArgs {
    /// Where and how.
    #[command(flatten)]
    pub batch: BatchArgs,
}
