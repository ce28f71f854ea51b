//! The arguments of `anthill ledger`.

use std::path::PathBuf;

use clap::Args;

use super::Format;
use crate::ledger::Kind;

pub(super) const LEDGER_EXAMPLES: &str = "\
Examples:
  anthill run pos-bft --ledger --out r      saves it
  anthill ledger r                          what there is
  anthill ledger r block 3                  a block, by height or hash, with its transactions
  anthill ledger r tx 9f3c                  a transaction, by its id or the beginning of it
  anthill ledger r account 17               an account, by its node or address, and what it sent";

/// The arguments of `anthill ledger`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LedgerArgs {
    /// A run directory, as `anthill run --ledger` saved it.
    #[arg(value_name = "RUN_DIR")]
    pub directory: PathBuf,
    /// What is looked for; without it, how much there is of each.
    #[arg(value_enum, requires = "id")]
    pub kind: Option<Kind>,
    /// Its name: a height, a hash, a node's number, an address; or the beginning of it.
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// What to print: text to read, or JSON alone.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
