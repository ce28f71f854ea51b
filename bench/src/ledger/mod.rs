//! The ledger of a run, saved: `ledger.jsonl.gz`, and what is found in it.
//!
//! The first line says whose it is and how much was left out; each other line is a block, a transaction,
//! an account or a contract, named by its field `entry`. All of it was said by a chain whose users are
//! strangers: it is shown as text, and never as markup.

mod find;
mod write;

use std::io::Read as _;
use std::path::Path;
use std::{fs, io};

use anyhow::{Context as _, bail};
use flate2::read::GzDecoder;
use serde_json::Value;

pub(crate) use find::{Kind, Query, describe, shown};
pub(crate) use write::{LIMITS, save};

/// Its name in a run directory.
pub(crate) const FILE: &str = "ledger.jsonl.gz";
/// Version of its layout.
const FORMAT: u32 = 1;
/// The most that is unpacked, in bytes; what is saved is far less.
const MOST_UNPACKED: u64 = 256 << 20;

/// A ledger that was read.
#[derive(Debug)]
pub(crate) struct SavedLedger {
    /// Whose it is, and what was left out.
    pub header: Value,
    lines: String,
}

impl SavedLedger {
    /// Reads that of a run directory.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub(crate) fn read(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(FILE);
        match fs::read(&path) {
            Ok(packed) => Self::unpack(&packed).with_context(|| format!("{}", path.display())),
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => bail!(
                "{} holds no ledger: give a directory that `anthill run PROTOCOL --ledger` saved",
                directory.display()
            ),
            Err(problem) => Err(problem).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Unpacks one.
    ///
    /// # Errors
    /// If it is damaged.
    pub(crate) fn unpack(packed: &[u8]) -> anyhow::Result<Self> {
        let mut text = String::new();
        let mut unpacked = GzDecoder::new(packed).take(MOST_UNPACKED + 1);
        unpacked.read_to_string(&mut text).context("the ledger is damaged")?;
        if text.len() as u64 > MOST_UNPACKED {
            bail!("the ledger is larger than any that is saved");
        }
        let Some((first, rest)) = text.split_once('\n') else { bail!("the ledger is empty") };
        let header: Value = serde_json::from_str(first).context("the ledger's first line")?;
        if header["format"] != FORMAT {
            bail!("the ledger has format {}, this version reads {FORMAT}", header["format"]);
        }
        let lines = rest.to_owned();
        Ok(Self { header, lines })
    }

    /// The lines of one kind, in their order.
    pub(crate) fn lines(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &str> {
        let start = format!("{{\"entry\":\"{}\"", kind.name());
        self.lines.lines().filter(move |line| line.starts_with(&start))
    }

    /// The same, as values; a line that is none is left out.
    pub(crate) fn entries(&self, kind: Kind) -> impl DoubleEndedIterator<Item = Value> {
        self.lines(kind).filter_map(|line| serde_json::from_str(line).ok())
    }

    /// How many of a kind were left out when it was saved.
    pub(crate) fn missed(&self, kind: Kind) -> u64 {
        self.header["left_out"][kind.plural()].as_u64().unwrap_or(0)
    }
}
