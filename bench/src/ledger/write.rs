//! Saving a ledger.

use std::io::Write as _;

use anthill_engine::{Ledger, LedgerLimits};
use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{FILE, FORMAT, Kind};
use crate::run_directory::RunDirectory;
use crate::{terminal, units};

/// The most that is saved: packed, less than half of what a run directory may hold, so that the report
/// that carries it fits, too.
pub(crate) const LIMITS: LedgerLimits =
    LedgerLimits { blocks: 40_000, transactions: 80_000, accounts: 100_000, contracts: 10_000 };

/// Integers beyond it are other numbers in a browser.
const MOST_EXACT: u64 = (1 << 53) - 1;

/// Saves what a node told.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn save(ledger: &Ledger, run: &mut RunDirectory) -> anyhow::Result<()> {
    if ledger.node.is_none() {
        let note = "no honest node holds a chain at the end of the run: the ledger is empty";
        terminal::complain("note", note);
    }
    let packed = pack(ledger).context("cannot pack the ledger")?;
    run.write(FILE, &packed)?;
    for (kind, missed) in Kind::ALL.into_iter().zip(ledger.missed) {
        if missed > 0 {
            let which = if matches!(kind, Kind::Block | Kind::Tx) { "last" } else { "first" };
            let note = format!(
                "the ledger has the {which} {} {}, and leaves out {}",
                units::count(kept(ledger, kind)),
                kind.plural(),
                units::count(missed)
            );
            terminal::complain("note", &note);
        }
    }
    Ok(())
}

fn kept(ledger: &Ledger, kind: Kind) -> u64 {
    let kept = match kind {
        Kind::Block => ledger.blocks.len(),
        Kind::Tx => ledger.transactions.len(),
        Kind::Account => ledger.accounts.len(),
        Kind::Contract => ledger.contracts.len(),
    };
    kept as u64
}

fn pack(ledger: &Ledger) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    let count = |kind: Kind| (kind.plural().to_owned(), json!(kept(ledger, kind)));
    let left_out = Kind::ALL.into_iter().zip(ledger.missed);
    let left_out = left_out.map(|(kind, missed)| (kind.plural().to_owned(), json!(missed)));
    let header = json!({
        "format": FORMAT,
        "node": ledger.node.map(|node| node.0),
        "kept": Kind::ALL.into_iter().map(count).collect::<serde_json::Map<_, _>>(),
        "left_out": left_out.collect::<serde_json::Map<_, _>>(),
    });
    writeln!(packer, "{header}")?;
    for it in &ledger.blocks {
        let line = json!({
            "entry": Kind::Block.name(), "height": it.height, "hash": it.hash, "parent": it.parent,
            "proposer": it.proposer, "time_s": it.time.0 as f64 / 1e9,
            "transactions": it.transactions,
        });
        writeln!(packer, "{line}")?;
    }
    for it in &ledger.transactions {
        let line = json!({
            "entry": Kind::Tx.name(), "id": it.id, "block": it.block, "sender": it.sender,
            "kind": it.kind, "summary": it.summary, "fee": exact(it.fee), "status": it.status,
        });
        writeln!(packer, "{line}")?;
    }
    for it in &ledger.accounts {
        let line = json!({
            "entry": Kind::Account.name(), "id": it.id, "address": it.address,
            "balance": exact(it.balance), "nonce": exact(it.nonce), "stake": exact(it.stake),
        });
        writeln!(packer, "{line}")?;
    }
    for it in &ledger.contracts {
        let line = json!({
            "entry": Kind::Contract.name(), "id": it.id, "code_hash": it.code_hash,
            "code_bytes": it.code_bytes, "slots": it.slots,
        });
        writeln!(packer, "{line}")?;
    }
    packer.finish()
}

/// A number, as text where a browser would take it for another one.
fn exact(number: u64) -> Value {
    if number > MOST_EXACT { json!(number.to_string()) } else { json!(number) }
}

#[cfg(test)]
mod tests {
    use anthill_protocol::ledger::{
        LedgerAccount, LedgerBlock, LedgerContract, LedgerEntry, LedgerTransaction,
    };

    use super::*;
    use crate::ledger::SavedLedger;

    #[test]
    fn what_was_told_is_read_again() {
        let mut ledger = Ledger::of_at_most(LedgerLimits { blocks: 1, ..LIMITS });
        let block = LedgerBlock { height: 7, hash: "ab".into(), ..LedgerBlock::default() };
        let evil = "</script>\n{\"entry\":\"block\"}".to_owned();
        for entry in [
            LedgerEntry::Block(LedgerBlock::default()),
            LedgerEntry::Block(block),
            LedgerEntry::Transaction(LedgerTransaction {
                summary: evil.clone(),
                fee: u64::MAX,
                ..LedgerTransaction::default()
            }),
            LedgerEntry::Account(LedgerAccount::default()),
            LedgerEntry::Contract(LedgerContract::default()),
        ] {
            ledger.hear(entry);
        }
        let packed = pack(&ledger).expect("in memory");
        let saved = SavedLedger::unpack(&packed).expect("whole");
        assert_eq!((saved.missed(Kind::Block), saved.missed(Kind::Tx)), (1, 0));
        let blocks: Vec<Value> = saved.entries(Kind::Block).collect();
        assert_eq!((blocks.len(), &blocks[0]["height"]), (1, &json!(7)));
        let transaction = saved.entries(Kind::Tx).next().expect("one");
        assert_eq!(transaction["summary"], json!(evil), "a line stays one");
        assert_eq!(transaction["fee"], "18446744073709551615", "exactly");
        assert_eq!(saved.lines(Kind::Account).count() + saved.lines(Kind::Contract).count(), 2);
        assert!(SavedLedger::unpack(&packed[..packed.len() - 9]).is_err(), "cut off");
        assert!(SavedLedger::unpack(b"something else").is_err());
    }
}
