//! Signed transactions, and those of the chain's own: stake that is bonded and unbonded.

use core::cell::RefCell;
use std::sync::OnceLock;

use anthill_contracts::{
    Account, Address, Environment, Extension, Journal, Machine, Outcome, Payload, Transaction, Trap,
};
use anthill_protocol::{
    Claim, Context, Digest, Keys, NodeId, Shared, Signature, Snapshot, SnapshotError, Time,
};

use crate::ledger::{Economy, Ledger};
use crate::protocol::PosBft;

/// [`Payload::Other`]: its value becomes the sender's stake.
pub(crate) const BOND: u8 = 1;
/// So much of the sender's stake as its value says is unbonded.
pub(crate) const UNBOND: u8 = 2;

/// A transaction with the node that sent it, and its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub sender: u32,
    pub transaction: Transaction,
    signature: Signature,
    /// Bytes that it has beside, which mean nothing.
    padding: u32,
    /// Whether the account it spends from is its sender's.
    is_own: bool,
    pub asked: Asked,
}

/// The sender's account in the state that somebody asked for first, with the beginning of that state's root: looking it up
/// waits for memory many times. All are equal: it is no part of the transaction.
#[derive(Debug, Default)]
pub struct Asked(OnceLock<(u64, Account)>);

impl Asked {
    /// The account in the state of that root.
    pub fn get(&self, root: Digest, look: impl Fn() -> Account) -> Account {
        let root = word(&root, 0);
        match self.0.get_or_init(|| (root, look())) {
            (known, account) if *known == root => *account,
            _ => look(),
        }
    }
}

impl Clone for Asked {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Asked {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Asked {}

/// Eight bytes of a digest.
fn word(digest: &Digest, at: usize) -> u64 {
    u64::from_le_bytes(digest.0[at..at + 8].try_into().expect("8 bytes"))
}

fn owns(sender: u32, transaction: &Transaction) -> bool {
    transaction.sender == Address::of_node(NodeId(sender))
}

/// Without what follows.
impl Snapshot for Signed {
    fn save(&self, out: &mut Vec<u8>) {
        let Self { sender, transaction, signature, padding, .. } = self;
        (*sender, *signature, *padding).save(out);
        transaction.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let (sender, signature, padding) = Snapshot::load(bytes)?;
        let transaction = Transaction::load(bytes)?;
        let is_own = owns(sender, &transaction);
        let asked = Asked::default();
        Ok(Self { sender, transaction, signature, padding, is_own, asked })
    }
}

impl Signed {
    /// Signs a transaction of this node.
    pub fn new(transaction: Transaction, cx: &mut impl Context<PosBft>) -> Self {
        let id = transaction.id();
        let signature = cx.sign(&Self::digest(&id, cx.scenario()));
        let sender = cx.id().0;
        let is_own = owns(sender, &transaction);
        Self { sender, transaction, signature, padding: 0, is_own, asked: Asked::default() }
    }

    /// The same with at least so many bytes.
    pub fn padded(mut self, least: u32) -> Self {
        self.padding = least.saturating_sub(self.encoded_len());
        self
    }

    /// The same with a signature that does not hold.
    #[cfg(test)]
    pub(crate) fn forged(mut self) -> Self {
        self.signature = Signature([7; 64]);
        self
    }

    /// What is signed, of a transaction's hash.
    fn digest(id: &Digest, scenario: u64) -> Digest {
        Digest::of("pos-bft", scenario, 16, &id.0)
    }

    /// Whether the account it spends from is its sender's.
    pub fn is_own(&self) -> bool {
        self.is_own
    }

    pub fn words(&self) -> [u64; 3] {
        let id = self.transaction.id();
        [word(&id, 0), word(&id, 8), u64::from(self.sender)]
    }

    pub fn encoded_len(&self) -> u32 {
        let own = (self.transaction.encoded_len() + Transaction::SIGNATURE_LEN) as u32;
        own.saturating_add(self.padding).min(Shared::MAX_LEN)
    }

    pub fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let digest = Self::digest(&self.transaction.id(), keys.scenario());
        let key = keys.public_key(NodeId(self.sender));
        announce(Claim { key, digest, signature: self.signature });
    }
}

/// A transaction that bonds or unbonds.
pub(crate) fn staking(kind: u8, node: NodeId) -> Payload {
    Payload::Other { kind, data: node.0.to_le_bytes().into() }
}

/// The chain's own transactions, on the ledger of the block that they are in.
pub(crate) struct Staking<'a> {
    pub(crate) ledger: RefCell<&'a mut Ledger>,
    pub(crate) economy: &'a Economy,
    pub(crate) time: Time,
}

impl Staking<'_> {
    /// What the chain says to a transaction that it refuses: it is another's stake, there is not so much
    /// of it, the validator is out for ever.
    const OTHERS: Trap = Trap::Chain(1);
    const TOO_LITTLE: Trap = Trap::Chain(2);
    const IS_OUT: Trap = Trap::Chain(3);

    fn run(&self, journal: &mut Journal, transaction: &Transaction) -> Result<(), Trap> {
        let Payload::Other { kind, data } = &transaction.payload else { return Err(Trap::NoEntry) };
        let id = u32::from_le_bytes((**data).try_into().map_err(|_| Self::OTHERS)?);
        let (sender, value) = (&transaction.sender, transaction.value);
        let mut ledger = self.ledger.borrow_mut();
        let candidate = ledger.candidates.get_mut(id as usize).ok_or(Self::OTHERS)?;
        if Address::of_node(NodeId(id)) != *sender {
            return Err(Self::OTHERS);
        }
        if *kind == BOND {
            if candidate.is_out {
                return Err(Self::IS_OUT);
            }
            let stake = candidate.stake.checked_add(value).ok_or(Trap::Money)?;
            journal.debit(sender, value).map_err(|_| Trap::Money)?;
            candidate.stake = stake;
            return Ok(());
        }
        if candidate.stake < value {
            return Err(Self::TOO_LITTLE);
        }
        ledger.unbond(id, value, self.time + self.economy.unbonding);
        Ok(())
    }
}

impl Extension for Staking<'_> {
    fn apply(
        &self,
        _: &Machine,
        journal: &mut Journal,
        _: &Environment,
        transaction: &Transaction,
        _: u64,
    ) -> Outcome {
        match self.run(journal, transaction) {
            Ok(()) => Outcome::done(0),
            Err(trap) => Outcome::trapped(trap, 0),
        }
    }

    fn knows(&self, kind: u8, data: &[u8]) -> bool {
        matches!(kind, BOND | UNBOND) && data.len() == 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_remembered_for_the_state_that_was_asked_first_and_for_no_other() {
        let (asked, looked) = (Asked::default(), core::cell::Cell::new(0));
        let of = |root: u8, balance: u64| {
            asked.get(Digest([root; 32]), || {
                looked.set(looked.get() + 1);
                Account { balance, nonce: 0 }
            })
        };
        assert_eq!([of(1, 5).balance, of(1, 6).balance, of(2, 7).balance], [5, 5, 7]);
        assert_eq!((of(1, 8).balance, looked.get()), (5, 2));
    }
}
