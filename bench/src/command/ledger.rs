//! `anthill ledger`: looks something up in the chain of a saved run.

use super::Exit;
use crate::args::{Format, LedgerArgs};
use crate::export::pretty;
use crate::ledger::{Query, SavedLedger, describe};
use crate::terminal;

/// Looks it up.
pub(super) fn ledger(args: LedgerArgs) -> anyhow::Result<Exit> {
    let ledger = SavedLedger::read(&args.directory)?;
    let query = args.kind.zip(args.id).map(|(kind, id)| Query { kind, id });
    let found = query.map(|query| query.find(&ledger)).transpose()?;
    terminal::show(&match args.format {
        Format::Text => describe(&ledger, found.as_ref()),
        Format::Json => pretty(found.as_ref().unwrap_or(&ledger.header)),
    })?;
    Ok(Exit::Done)
}
