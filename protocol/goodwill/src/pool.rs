//! Transactions that wait for a block.

use anthill_protocol::{Shared, Snapshot};

/// So many wait at a node at most; more it does not take.
pub(crate) const MOST: usize = 20_000;

/// A transaction that waits, in the order in which an account's come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Waiting {
    pub(crate) from: u32,
    pub(crate) nonce: u32,
    pub(crate) id: u64,
    pub(crate) handle: Shared,
}

/// Those of a node. It holds on to their bodies.
#[derive(Clone, Debug, Default, Snapshot)]
pub(crate) struct Pool {
    waiting: Vec<Waiting>,
}

impl Pool {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter()
    }

    fn place(&self, key: (u32, u32, u64)) -> Result<usize, usize> {
        self.waiting.binary_search_by_key(&key, |one| (one.from, one.nonce, one.id))
    }

    /// Whether this very transaction waits, or with `one_per_nonce` another one in its place.
    pub(crate) fn has(&self, (from, nonce, id): (u32, u32, u64), one_per_nonce: bool) -> bool {
        match self.place((from, nonce, id)) {
            Ok(_) => true,
            Err(place) if one_per_nonce => {
                let is_rival = |one: &Waiting| (one.from, one.nonce) == (from, nonce);
                self.waiting.get(place).is_some_and(is_rival)
                    || place.checked_sub(1).is_some_and(|before| is_rival(&self.waiting[before]))
            }
            Err(_) => false,
        }
    }

    /// The caller has made sure that it is not there, and retains the body if this is true.
    pub(crate) fn add(&mut self, one: Waiting) -> bool {
        match self.place((one.from, one.nonce, one.id)) {
            Err(place) if self.waiting.len() < MOST => {
                self.waiting.insert(place, one);
                true
            }
            _ => false,
        }
    }

    /// Takes an account's transactions out that cannot come any more: all up to a nonce, or just this
    /// one.
    pub(crate) fn drop_up_to(&mut self, from: u32, nonce: u32) -> Vec<Shared> {
        let first = self.waiting.partition_point(|one| one.from < from);
        let last = self.waiting.partition_point(|one| (one.from, one.nonce) <= (from, nonce));
        self.waiting.drain(first..last.max(first)).map(|one| one.handle).collect()
    }

    pub(crate) fn remove(&mut self, key: (u32, u32, u64)) -> Option<Shared> {
        let place = self.place(key).ok()?;
        Some(self.waiting.remove(place).handle)
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Shared> + '_ {
        self.waiting.drain(..).map(|one| one.handle)
    }
}
