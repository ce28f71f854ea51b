//! The state after a block: accounts, pots, weights, associations. A copy shares what does not change.

use std::collections::BTreeMap;
use std::sync::Arc;

use anthill_contracts::State;
use anthill_protocol::Digest;

use crate::accounts::{AccountId, Accounts};
use crate::associations::Association;
use crate::contracts::Contracts;
use crate::lottery::Table;
use crate::output;
use crate::root::{self, Parts};
use crate::scheduled::Scheduled;

/// Money that is in no account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pots {
    pub(crate) genesis: u64,
    pub(crate) minted: u64,
    pub(crate) burnt: u64,
    /// Stakes that will be returned, and fees of calls that wait.
    pub(crate) escrow: u64,
    /// What is among contracts.
    pub(crate) inside: u64,
}

/// The state after a block.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) slot: u32,
    pub(crate) height: u32,
    /// The window of its slot.
    pub(crate) window: u32,
    pub(crate) accounts: Accounts,
    pub(crate) pots: Pots,
    /// The weights of its window and of the next.
    pub(crate) tables: [Arc<Table>; 2],
    /// Whether they were bid for, and not those of an earlier window or of the scenario.
    pub(crate) fresh: [bool; 2],
    /// What was bid so far for the window after these.
    pub(crate) bids: Arc<BTreeMap<AccountId, u64>>,
    /// The hashes of the last blocks of the window before the last, of the last, and so far of this one.
    pub(crate) ends: [u64; 3],
    pub(crate) associations: Arc<Vec<Association>>,
    /// The last window in which a forger gave a sign of life, plus one.
    pub(crate) signs: Arc<BTreeMap<AccountId, u32>>,
    /// Keys that may not forge, and from which window on they may again.
    pub(crate) bans: Arc<BTreeMap<AccountId, u32>>,
    /// Who calls a block false, by key and block.
    pub(crate) accusers: Arc<BTreeMap<(AccountId, u64), Vec<AccountId>>>,
    pub(crate) scheduled: Arc<Scheduled>,
    pub(crate) contracts: Arc<Contracts>,
    /// Of contracts with code.
    pub(crate) state: State,
    /// Given to associations so far, and of it by association.
    pub(crate) donated: u64,
    /// What all of it hashes to, part by part, once it is committed.
    pub(crate) parts: Parts,
}

impl Ledger {
    /// All the money that there is, wherever it is.
    pub(crate) fn held(&self) -> u64 {
        let Pots { burnt, escrow, inside, .. } = self.pots;
        self.accounts.sum().wrapping_add(burnt).wrapping_add(escrow).wrapping_add(inside)
    }

    /// All that was ever issued.
    pub(crate) fn issued(&self) -> u64 {
        self.pots.genesis.wrapping_add(self.pots.minted)
    }

    /// Adds money that was not there.
    pub(crate) fn mint(&mut self, to: AccountId, amount: u64, cap: Option<u64>) -> u64 {
        let left = cap.map_or(u64::MAX, |cap| cap.saturating_sub(self.issued()));
        let amount = amount.min(left);
        self.accounts.credit(to, amount);
        self.pots.minted = self.pots.minted.saturating_add(amount);
        amount
    }

    /// Whether a key may not forge in a window.
    pub(crate) fn is_banned(&self, key: AccountId, window: u32) -> bool {
        self.bans.get(&key).is_some_and(|until| window < *until)
    }

    /// A forger has given a sign of life.
    pub(crate) fn note_sign(&mut self, of: AccountId) {
        let now = self.window.saturating_add(1);
        if self.signs.get(&of) != Some(&now) {
            Arc::make_mut(&mut self.signs).insert(of, now);
        }
    }

    /// A forger with weight in this window that gave a sign of life in it or in the one before.
    pub(crate) fn is_live(&self, forger: AccountId) -> bool {
        self.tables[0].weight(forger) > 0
            && self.signs.get(&forger).is_some_and(|sign| *sign >= self.window)
    }
}

/// Why a transaction in a block did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// Its number is not the account's next one.
    Nonce,
    /// The account has not so much.
    Funds,
    /// Whoever signed it has no right to the account.
    Key,
    /// A bid: for another window than the one that is bid for now, or too little.
    Bid,
    /// An association that is not approved, or does not exist.
    Association,
    /// A forger gives to itself.
    Own,
    /// No valid credential.
    Credential,
    /// No right to vote.
    Vote,
    /// It proves nothing, or nothing new.
    Evidence,
    /// A contract that does not exist, or exists already, or allows no more calls; or too little is paid.
    Contract,
    /// Code that may not be deployed.
    Code,
    /// A schedule that cannot be.
    Schedule,
}

/// What came of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) id: u64,
    pub(crate) refused: Option<Refusal>,
}

/// What is worth counting of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) minted: u64,
    pub(crate) fees: u64,
    pub(crate) donated: u64,
    pub(crate) kickback: u64,
    pub(crate) admitted: u32,
    pub(crate) admitted_scams: u32,
    pub(crate) vetoed: u32,
    pub(crate) revoked: u32,
    pub(crate) bans: u32,
    pub(crate) burnt: u64,
    pub(crate) cron_fired: u32,
    pub(crate) cron_late: u64,
    pub(crate) dead_man_fired: u32,
    pub(crate) starved: u32,
    /// Calls that were run, of them those that were halted, and the slots that they waited.
    pub(crate) calls: u32,
    pub(crate) halted: u32,
    pub(crate) call_waits: u64,
    /// Attacks that came off, as far as the state shows it.
    pub(crate) attacks: u32,
    /// Bids that counted, by whether their association was approved: the judges' business.
    pub(crate) unapproved: u32,
}

/// What a block comes to.
#[derive(Clone)]
pub(crate) struct Outcome {
    pub(crate) ledger: Ledger,
    pub(crate) receipts: Box<[Receipt]>,
    pub(crate) tally: Tally,
    /// Of state and receipts.
    pub(crate) root: Digest,
    /// Tokens that have changed hands, and to whom.
    pub(crate) owners: Box<[(u64, u64)]>,
    /// Assets that were bought or passed on.
    pub(crate) assets: Box<[output::Asset]>,
}

impl core::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "root {:?}", self.root)
    }
}

impl Outcome {
    /// Of a ledger that is committed.
    pub(crate) fn new(ledger: Ledger, receipts: Vec<Receipt>, tally: Tally) -> Self {
        let root = root::of_both(&ledger.root(), &root::of_receipts(&receipts));
        Self {
            ledger,
            receipts: receipts.into(),
            tally,
            root,
            owners: Box::default(),
            assets: Box::default(),
        }
    }
}
