//! The arguments of `anthill playback`.

use std::path::PathBuf;

use clap::Args;

use super::{EventArgs, ProgressChoice};

pub(super) const PLAYBACK_EXAMPLES: &str = "\
Examples:
  anthill playback anthill-runs/gossip-1-1          playback.html in that directory
  anthill playback DIR --from 1s --to 2s            one second of it, more closely
  anthill playback attacked --beside honest         two runs side by side, on one clock

The run is repeated to see its messages, so nothing has to be recorded before it is wanted.";

/// The arguments of `anthill playback`.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaybackArgs {
    /// A run directory, as `anthill run` saved it.
    #[arg(value_name = "RUN_DIR")]
    pub directory: PathBuf,
    /// Another run directory, played beside the first on the same clock.
    #[arg(long, value_name = "RUN_DIR")]
    pub beside: Option<PathBuf>,
    /// Where to save the page [default: playback.html in the run directory, of two runs here].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Which messages are played.
    #[command(flatten)]
    pub events: EventArgs,
    /// A progress bar on stderr if that is a terminal, or none.
    #[arg(long, value_enum, default_value_t)]
    pub progress: ProgressChoice,
}
