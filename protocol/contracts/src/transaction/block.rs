//! A block of transactions, run one after the other.

use std::sync::Arc;

use anthill_protocol::Digest;

use super::{AHEAD, Extension, Transaction, read_ahead};
use crate::{Address, Environment, Journal, Machine, Receipt, State, merkle};

/// What running a block's transactions yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The state after it.
    pub state: State,
    /// What became of each transaction, in order.
    pub receipts: Arc<[Receipt]>,
    /// The Merkle root of the receipts.
    pub receipts_root: Digest,
    /// The fuel that all of it used.
    pub fuel: u64,
    /// The fees, in the account they were credited to.
    pub fees: u64,
}

/// Entries that a transaction changes, most often at most.
const CHANGES: usize = 3;

/// Runs transactions on a state; their fees go to `fees_to`, after the last one.
///
/// A state that nobody else holds is changed in place, which costs less than the copies of paths that
/// keeping the old one takes.
///
/// A chain that does more with its blocks (rewards, slashing) works on a [`Journal`] itself and calls
/// [`Transaction::execute`].
///
/// # Panics
/// If there is more money than 2⁶⁴ − 1.
pub fn execute_block<'a>(
    machine: &Machine,
    state: State,
    chain: u64,
    env: &Environment,
    transactions: impl IntoIterator<Item = &'a Transaction>,
    extension: &dyn Extension,
    fees_to: &Address,
) -> Block {
    let transactions: Vec<&Transaction> = transactions.into_iter().collect();
    let mut journal = Journal::new(state);
    journal.reserve(CHANGES * transactions.len());
    let (mut fuel, mut fees) = (0_u64, 0_u64);
    let mut receipts = Vec::with_capacity(transactions.len());
    for some in transactions.chunks(AHEAD) {
        read_ahead(journal.base(), some.iter().copied());
        for transaction in some {
            let receipt = transaction.execute(machine, &mut journal, chain, env, extension);
            journal.settle();
            fuel = fuel.saturating_add(receipt.fuel);
            fees += receipt.fee(transaction.price);
            receipts.push(receipt);
        }
    }
    if fees > 0 {
        journal.credit(fees_to, fees).expect("no more money than 2^64 - 1");
    }
    let digests: Vec<_> = receipts.iter().map(Receipt::digest).collect();
    Block {
        state: journal.commit(),
        receipts: receipts.into(),
        receipts_root: merkle::root(&digests),
        fuel,
        fees,
    }
}
