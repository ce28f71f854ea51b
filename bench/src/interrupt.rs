//! Ctrl-C: the first asks the run to end at the next window, the second ends the process.

use std::process;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;

use crate::command::Exit;
use crate::engines::Control;
use crate::terminal;

/// Connects Ctrl-C with a run; once per process.
///
/// # Errors
/// If the signal handler cannot be installed.
pub(crate) fn connect(control: &Arc<Control>) -> anyhow::Result<()> {
    let control = Arc::clone(control);
    ctrlc::set_handler(move || {
        if control.interrupt.swap(true, Ordering::Relaxed) {
            process::exit(i32::from(Exit::Interrupted.code()));
        }
        terminal::complain("interrupted", "saving what is finished; Ctrl-C again ends at once");
    })
    .context("cannot watch for Ctrl-C")
}
