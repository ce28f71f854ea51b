//! The flags of saved runs.

use std::path::PathBuf;

use clap::Args;

use super::not_a_flag;

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
