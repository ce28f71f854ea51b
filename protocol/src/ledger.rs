//! What a chain tells anybody who asks: its blocks, transactions, accounts and contracts.
//!
//! A protocol with a ledger says how long a node's chain is ([`crate::Protocol::ledger_height`]), and at the
//! end of a run one node with the longest tells its own ([`crate::Protocol::ledger`]). `anthill run --ledger`
//! saves that, `anthill ledger` and the report look things up in it.

use crate::Time;

/// One thing in a ledger. Names are what users type to find it: hexadecimal for hashes, decimal for
/// nodes' accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerEntry {
    /// A block of the chain, told after its parent and before its transactions.
    Block(LedgerBlock),
    /// A transaction, told after its block.
    Transaction(LedgerTransaction),
    /// An account as the last block leaves it.
    Account(LedgerAccount),
    /// A contract as the last block leaves it.
    Contract(LedgerContract),
}

/// A block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerBlock {
    /// Blocks before it, the genesis being 0.
    pub height: u64,
    /// Its name.
    pub hash: String,
    /// The name of the block before; empty where there is none.
    pub parent: String,
    /// The account that made it.
    pub proposer: String,
    /// When, as it says itself.
    pub time: Time,
    /// How many transactions it has.
    pub transactions: u64,
}

/// A transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerTransaction {
    /// Its name.
    pub id: String,
    /// The height of its block.
    pub block: u64,
    /// The account that pays.
    pub sender: String,
    /// What it is: `transfer`, `call`.
    pub kind: &'static str,
    /// What it says, in a line.
    pub summary: String,
    /// What it paid for being done, in the chain's smallest unit.
    pub fee: u64,
    /// What became of it: `done`, or why not.
    pub status: String,
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerAccount {
    /// Its name: a node's number where a node owns it.
    pub id: String,
    /// Another name that it goes by in transactions; empty if there is none.
    pub address: String,
    /// What it holds, in the chain's smallest unit.
    pub balance: u64,
    /// How many transactions it has sent.
    pub nonce: u64,
    /// What it has at stake, or its weight in whatever decides who makes blocks.
    pub stake: u64,
}

/// A contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerContract {
    /// Its name.
    pub id: String,
    /// The hash of its code; empty if it has none.
    pub code_hash: String,
    /// How long its code is, in bytes.
    pub code_bytes: u64,
    /// Slots of storage that it has; `None`: the chain does not keep them apart.
    pub slots: Option<u64>,
}
