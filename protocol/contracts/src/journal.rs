//! Changes on top of a state that can be undone: what a block, a transaction, a call has written.
//!
//! Writes go to an overlay and leave a note of what was there before. A [`Mark`] is a length of that
//! list of notes: going back to one undoes what came after, which is how a trap undoes its call and
//! no more. [`Journal::commit`] turns all that is left into the next state, hashing once.

#[cfg(test)]
mod tests;

use core::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use anthill_protocol::Digest;
use hashbrown::HashMap;

use crate::code::Code;
use crate::state::{Entry, account_key, code_key, slot_key};
use crate::{Account, Address, State};

/// Changes on top of a state.
#[derive(Clone, Default)]
pub struct Journal {
    base: State,
    overlay: HashMap<Digest, Option<Entry>, KeyBits>,
    /// What the overlay held before each write: nothing, or an entry or its removal.
    undo: Vec<(Digest, Option<Option<Entry>>)>,
    /// The contract that was asked for last and its code: calls of one contract follow each other.
    called: Option<(Address, Arc<Code>)>,
    /// The slot that was named last: what is read is often written next.
    named: Option<Named>,
}

/// A slot and its key.
#[derive(Clone)]
struct Named {
    contract: Address,
    name: Vec<u8>,
    key: Digest,
}

/// A point to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

/// Money that is not there, or more than 2⁶⁴ − 1 of it.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum MoneyError {
    /// The payer has less.
    #[error("a balance of {balance} does not cover {amount}")]
    TooLittle {
        /// What the payer has.
        balance: u64,
        /// What it should pay.
        amount: u64,
    },
    /// The payee's balance would pass 2⁶⁴ − 1.
    #[error("a balance of {balance} and {amount} pass 2^64 - 1")]
    TooMuch {
        /// What the payee has.
        balance: u64,
        /// What it should get.
        amount: u64,
    },
}

impl Journal {
    /// No changes yet.
    pub fn new(base: State) -> Self {
        Self { base, ..Self::default() }
    }

    /// Makes room for so many more changes.
    pub(crate) fn reserve(&mut self, changes: usize) {
        self.overlay.reserve(changes);
    }

    /// The state beneath the changes.
    pub fn base(&self) -> &State {
        &self.base
    }

    /// An address's account as changed; an empty one if it has none.
    pub fn account(&self, address: &Address) -> Account {
        self.account_at(&account_key(address))
    }

    /// Writes an account.
    pub fn set_account(&mut self, address: &Address, account: Account) {
        self.set_account_at(account_key(address), account);
    }

    /// Adds money to an account: new money, or what was taken elsewhere.
    ///
    /// # Errors
    /// When the balance would pass 2⁶⁴ − 1; nothing changes.
    pub fn credit(&mut self, address: &Address, amount: u64) -> Result<(), MoneyError> {
        self.credit_at(account_key(address), amount)
    }

    /// The same by an account's key.
    pub(crate) fn credit_at(&mut self, key: Digest, amount: u64) -> Result<(), MoneyError> {
        let account = self.account_at(&key);
        let Some(balance) = account.balance.checked_add(amount) else {
            return Err(MoneyError::TooMuch { balance: account.balance, amount });
        };
        self.set_account_at(key, Account { balance, ..account });
        Ok(())
    }

    /// Takes money from an account.
    ///
    /// # Errors
    /// When it has less; nothing changes.
    pub fn debit(&mut self, address: &Address, amount: u64) -> Result<(), MoneyError> {
        let key = account_key(address);
        let account = self.account_at(&key);
        let Some(balance) = account.balance.checked_sub(amount) else {
            return Err(MoneyError::TooLittle { balance: account.balance, amount });
        };
        self.set_account_at(key, Account { balance, ..account });
        Ok(())
    }

    /// Moves money.
    ///
    /// # Errors
    /// When the payer has less or the payee's balance would pass 2⁶⁴ − 1; nothing changes.
    pub fn transfer(
        &mut self,
        from: &Address,
        to: &Address,
        amount: u64,
    ) -> Result<(), MoneyError> {
        let mark = self.mark();
        self.debit(from, amount)?;
        self.credit(to, amount).inspect_err(|_| self.undo_to(mark))
    }

    /// The code of a contract as changed.
    pub fn code(&self, address: &Address) -> Option<&Arc<Code>> {
        match self.entry(&code_key(address)) {
            Some(Entry::Code(code)) => Some(code),
            _ => None,
        }
    }

    /// The same, for a call.
    pub(crate) fn code_to_call(&mut self, address: &Address) -> Option<Arc<Code>> {
        if let Some((last, code)) = &self.called
            && last == address
        {
            return Some(code.clone());
        }
        let code = self.code(address)?.clone();
        self.called = Some((*address, code.clone()));
        Some(code)
    }

    /// Writes the code of a contract.
    pub fn set_code(&mut self, address: &Address, code: Arc<Code>) {
        self.called = None;
        self.write(code_key(address), Some(Entry::Code(code)));
    }

    /// Removes the code of a contract, which leaves its balance and its storage unreachable.
    pub fn remove_code(&mut self, address: &Address) {
        self.called = None;
        self.write(code_key(address), None);
    }

    /// A slot of a contract's storage as changed.
    pub fn slot(&self, contract: &Address, name: &[u8]) -> Option<&[u8]> {
        self.entry(&slot_key(contract, name)).map(Entry::as_slot)
    }

    /// The same, for a call.
    pub(crate) fn slot_to_call(&mut self, contract: &Address, name: &[u8]) -> Option<&[u8]> {
        let key = self.key_of(contract, name);
        self.entry(&key).map(Entry::as_slot)
    }

    /// Writes a slot, or removes it.
    pub fn set_slot(&mut self, contract: &Address, name: &[u8], value: Option<&[u8]>) {
        let key = self.key_of(contract, name);
        self.write(key, value.map(Entry::slot));
    }

    fn key_of(&mut self, contract: &Address, name: &[u8]) -> Digest {
        match &mut self.named {
            Some(last) if last.contract == *contract && last.name == name => last.key,
            Some(last) => {
                last.name.clear();
                last.name.extend(name);
                (last.contract, last.key) = (*contract, slot_key(contract, name));
                last.key
            }
            none => {
                let key = slot_key(contract, name);
                *none = Some(Named { contract: *contract, name: name.to_vec(), key });
                key
            }
        }
    }

    /// The point to go back to in order to undo what follows.
    pub fn mark(&self) -> Mark {
        Mark(self.undo.len())
    }

    /// Undoes all writes since a mark of this journal.
    pub fn undo_to(&mut self, mark: Mark) {
        self.called = None;
        for (key, before) in self.undo.drain(mark.0.min(self.undo.len())..).rev() {
            match before {
                Some(entry) => self.overlay.insert(key, entry),
                None => self.overlay.remove(&key),
            };
        }
    }

    /// Makes what was written so far final: earlier marks undo nothing of it. To be called between
    /// transactions of a long block, so that the notes do not pile up.
    pub fn settle(&mut self) {
        self.undo.clear();
    }

    /// How many entries differ from the base, or were written as they were.
    pub fn changes(&self) -> usize {
        self.overlay.len()
    }

    /// The state with the changes made.
    pub fn commit(self) -> State {
        let mut state = self.base;
        // The trie sorts the batch: the order of the map does not matter.
        state.update(self.overlay.into_iter().collect());
        state
    }

    /// An account by its key.
    pub(crate) fn account_at(&self, key: &Digest) -> Account {
        match self.entry(key) {
            Some(Entry::Account(account)) => *account,
            _ => Account::default(),
        }
    }

    /// Writes an account by its key.
    pub(crate) fn set_account_at(&mut self, key: Digest, account: Account) {
        let entry = (account != Account::default()).then_some(Entry::Account(account));
        self.write(key, entry);
    }

    fn entry(&self, key: &Digest) -> Option<&Entry> {
        match self.overlay.get(key) {
            Some(entry) => entry.as_ref(),
            None => self.base.entry(key),
        }
    }

    fn write(&mut self, key: Digest, entry: Option<Entry>) {
        let before = self.overlay.insert(key, entry);
        self.undo.push((key, before));
    }
}

/// Hashes keys that are hashes already: takes eight bytes of them.
#[derive(Clone, Copy, Default)]
struct KeyBits;

#[derive(Default)]
struct EightBytes(u64);

impl BuildHasher for KeyBits {
    type Hasher = EightBytes;

    fn build_hasher(&self) -> EightBytes {
        EightBytes(0)
    }
}

impl Hasher for EightBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.0 = u64::from_le_bytes(*last);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
