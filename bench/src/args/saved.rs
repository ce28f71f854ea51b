//! The flags of saved runs.

use std::path::PathBuf;

use clap::Args;

use super::{ExecutionArgs, not_a_flag};

pub(super) const FORK_EXAMPLES: &str = "\
Examples:
  anthill fork DIR --at 30s --set network.loss=0.05       what if a twentieth were lost from then on
  anthill fork DIR --at 30s --future 'slow: protocol.timeout_propose=9s' \\
      --future 'cut: fault=[{ at = \"40s\", heal = \"60s\", kind = \"partition\", nodes = [\"0-9\"] }]'

All futures have one past: the run of DIR up to --at, from its last checkpoint before that, or from the
start. Each is saved as a run of its own, beside the one in which nothing changes.";

/// The arguments of `anthill fork`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ForkArgs {
    /// A run directory, as `anthill run` saved it; with --checkpoint-keep the past is there sooner.
    #[arg(value_name = "RUN_DIR")]
    pub directory: PathBuf,
    /// The virtual time from which on the futures differ (`30s`).
    #[arg(long, value_name = "TIME", value_parser = not_a_flag, allow_hyphen_values = true)]
    pub at: String,
    /// A key that has another value from then on; repeatable: all of them make one future.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// A future by its name and its keys, separated by `;`; repeatable.
    #[arg(long = "future", value_name = "NAME: PATH=VALUE; …")]
    pub futures: Vec<String>,
    /// Who executes them, and what becomes of them.
    #[command(flatten)]
    pub execution: ExecutionArgs,
}

/// Saving a run while it goes on, and going on with it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Saved runs")]
pub(crate) struct SavedArgs {
    /// Save the run so often, by this machine's clock, and at Ctrl-C (`10min`); --resume goes on with it.
    #[arg(long, value_name = "DURATION", value_parser = not_a_flag, allow_hyphen_values = true)]
    pub checkpoint_every: Option<String>,
    /// Keep the last so many of them, also when the run is done [default: the last, until it is].
    #[arg(
        long,
        value_name = "N",
        requires = "checkpoint_every",
        value_parser = not_a_flag,
        allow_hyphen_values = true
    )]
    pub checkpoint_keep: Option<String>,
    /// Go on with the run that was saved in this directory; it is saved in a new one when it is done.
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
}
