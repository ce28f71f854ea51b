//! What one node told of its chain at the end of a run, kept for whoever asked for it.

use std::collections::VecDeque;

use anthill_protocol::ledger::{
    LedgerAccount, LedgerBlock, LedgerContract, LedgerEntry, LedgerTransaction,
};
use anthill_protocol::{NodeId, Protocol};

use crate::bodies::{BodiesOf, Store};

/// How much of a ledger is kept: the last blocks and transactions, the first accounts and contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerLimits {
    /// Most blocks.
    pub blocks: usize,
    /// Most transactions.
    pub transactions: usize,
    /// Most accounts.
    pub accounts: usize,
    /// Most contracts.
    pub contracts: usize,
}

/// A ledger, and how much of it was left out.
#[derive(Debug)]
pub struct Ledger {
    /// Whose it is; `None`: no honest node holds one.
    pub node: Option<NodeId>,
    /// Its blocks, from the first that is kept on.
    pub blocks: VecDeque<LedgerBlock>,
    /// Their transactions, in the order of the chain.
    pub transactions: VecDeque<LedgerTransaction>,
    /// Accounts, in the order in which they were told.
    pub accounts: Vec<LedgerAccount>,
    /// Contracts.
    pub contracts: Vec<LedgerContract>,
    /// How many blocks, transactions, accounts and contracts were left out.
    pub missed: [u64; 4],
    limits: LedgerLimits,
}

impl Ledger {
    /// Keeps at most so much.
    pub fn of_at_most(limits: LedgerLimits) -> Self {
        Self {
            node: None,
            blocks: VecDeque::new(),
            transactions: VecDeque::new(),
            accounts: Vec::new(),
            contracts: Vec::new(),
            missed: [0; 4],
            limits,
        }
    }

    /// Keeps an entry, in place of the oldest of its kind if there are too many.
    pub fn hear(&mut self, entry: LedgerEntry) {
        let limits = self.limits;
        let [blocks, transactions, accounts, contracts] = &mut self.missed;
        match entry {
            LedgerEntry::Block(it) => push(&mut self.blocks, it, limits.blocks, blocks),
            LedgerEntry::Transaction(it) => {
                push(&mut self.transactions, it, limits.transactions, transactions);
            }
            LedgerEntry::Account(_) if self.accounts.len() >= limits.accounts => *accounts += 1,
            LedgerEntry::Account(it) => self.accounts.push(it),
            LedgerEntry::Contract(_) if self.contracts.len() >= limits.contracts => *contracts += 1,
            LedgerEntry::Contract(it) => self.contracts.push(it),
        }
    }

    /// Hears the first node of those with the longest chain; `nodes` are all of them, by id.
    pub(crate) fn ask<'n, P: Protocol>(
        &mut self,
        protocol: &P,
        bodies: &Store<P::Body>,
        nodes: impl Fn(NodeId) -> &'n P::Node,
        count: u32,
    ) where
        P::Node: 'n,
    {
        let mut longest: Option<(u64, NodeId)> = None;
        for id in (0..count).map(NodeId) {
            let height = protocol.ledger_height(id, nodes(id));
            if let Some(height) = height.filter(|height| longest.is_none_or(|it| *height > it.0)) {
                longest = Some((height, id));
            }
        }
        self.node = longest.map(|(_, id)| id);
        if let Some(id) = self.node {
            protocol.ledger(nodes(id), &BodiesOf(bodies), &mut |entry| self.hear(entry));
        }
    }
}

fn push<T>(kept: &mut VecDeque<T>, entry: T, most: usize, missed: &mut u64) {
    kept.push_back(entry);
    if kept.len() > most {
        kept.pop_front();
        *missed += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_blocks_the_last_stay_and_of_accounts_the_first() {
        let limits = LedgerLimits { blocks: 2, transactions: 0, accounts: 1, contracts: 9 };
        let mut ledger = Ledger::of_at_most(limits);
        for height in 0..5 {
            ledger.hear(LedgerEntry::Block(LedgerBlock { height, ..LedgerBlock::default() }));
            ledger.hear(LedgerEntry::Transaction(LedgerTransaction::default()));
            let id = height.to_string();
            ledger.hear(LedgerEntry::Account(LedgerAccount { id, ..LedgerAccount::default() }));
            ledger.hear(LedgerEntry::Contract(LedgerContract::default()));
        }
        let heights: Vec<u64> = ledger.blocks.iter().map(|block| block.height).collect();
        assert_eq!((heights, ledger.accounts[0].id.as_str()), (vec![3, 4], "0"));
        assert_eq!((ledger.transactions.len(), ledger.contracts.len()), (0, 5));
        assert_eq!(ledger.missed, [3, 5, 4, 0]);
    }
}
