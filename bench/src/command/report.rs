//! `anthill report`: read → draw → write whole or not at all.

use std::path::PathBuf;

use super::Exit;
use crate::args::ReportArgs;
use crate::interrupt::Interrupts;
use crate::{page, report, terminal};

/// The name of a report beside the files it is made from.
pub(crate) const FILE: &str = "report.html";

/// Makes one page of the given directories.
pub(super) fn report(args: &ReportArgs, interrupts: &Interrupts) -> anyhow::Result<Exit> {
    let loaded = report::load(&args.directories)?;
    let out = match (&args.out, &args.directories[..]) {
        (Some(out), _) => out.clone(),
        // Experiments have a page of their own there.
        (None, [only]) if loaded.is_one_run() => only.join(FILE),
        (None, _) => PathBuf::from(FILE),
    };
    let is_beside = out.parent() == args.directories.first().map(PathBuf::as_path);
    page::save(&out, &report::document(&loaded, is_beside), interrupts)?;
    terminal::show(&format!("Saved in {}\n", out.display()))?;
    Ok(Exit::Done)
}
