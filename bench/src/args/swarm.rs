//! The flags of `anthill swarm`.

use std::path::PathBuf;

use clap::Args;

use super::Format;

pub(super) const SWARM_EXAMPLES: &str = "\
Examples:
  anthill swarm --protocol raft --runs 1k --seed 1     a thousand random runs of Raft, all judged
  anthill swarm --runs 2k --seed 7 --out found         all protocols in turn; a find is saved
  anthill swarm --protocol raft --seconds 60           as many as a minute allows

Each run is a protocol's preset with random changes: 4 to 12 nodes, another network, lost and doubled
messages, crashes, partitions, adversaries. What is wrong with one (a judge's statement broken inside
its bound, a panic, engines that disagree) is shrunk and printed as a command that shows it again.

Exit codes: 0 nothing found, and what was exercised; 1 a find, or a situation that the protocol names
and 200 runs of it never met; 2 bad input; 130 interrupted.";

/// The flags of `anthill swarm`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SwarmArgs {
    /// Which protocol; repeatable [default: all, in turn].
    #[arg(long, value_name = "NAME")]
    pub protocol: Vec<String>,
    /// How many runs [default: 200, or without end if --seconds is given].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub runs: Option<String>,
    /// Seed of every draw.
    #[arg(long, value_name = "SEED", default_value = "1", allow_negative_numbers = true)]
    pub seed: String,
    /// Wall time after which no more runs are begun.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub seconds: Option<String>,
    /// Runs at once; never changes a result [default: cores].
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub threads: Option<String>,
    /// Where to save swarm.json, and a find as the run directory `find`; a directory that is not there
    /// yet, or empty.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What to print at the end: text to read, or swarm.json alone.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
