//! Transactions that wait for a block.

use anthill_protocol::{Shared, Snapshot};

/// So many wait at a node at most; more it does not take.
pub(crate) const MOST: usize = 20_000;
/// And so many bytes of them: code travels in transactions.
const MOST_BYTES: u64 = 64 << 20;

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
    /// The sum of their lengths.
    bytes: u64,
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
        let len = u64::from(one.handle.encoded_len());
        match self.place((one.from, one.nonce, one.id)) {
            Err(place) if self.waiting.len() < MOST && self.bytes + len <= MOST_BYTES => {
                self.bytes += len;
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
        let gone: Vec<Shared> =
            self.waiting.drain(first..last.max(first)).map(|one| one.handle).collect();
        self.bytes -= gone.iter().map(|one| u64::from(one.encoded_len())).sum::<u64>();
        gone
    }

    pub(crate) fn remove(&mut self, key: (u32, u32, u64)) -> Option<Shared> {
        let place = self.place(key).ok()?;
        let gone = self.waiting.remove(place).handle;
        self.bytes -= u64::from(gone.encoded_len());
        Some(gone)
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Shared> + '_ {
        self.bytes = 0;
        self.waiting.drain(..).map(|one| one.handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(nonce: u32, len: u32) -> Waiting {
        let handle = Shared::new(nonce.into(), 0, len);
        Waiting { from: 1, nonce, id: nonce.into(), handle }
    }

    /// A pool takes so many, and so many bytes; what leaves makes room.
    #[test]
    fn a_pool_is_bounded() {
        let mut pool = Pool::default();
        let large = 8 << 20;
        assert!((0..8).all(|nonce| pool.add(one(nonce, large))));
        assert!(!pool.add(one(8, large)) && !pool.add(one(8, 24)));
        assert_eq!(pool.remove((1, 5, 5)).map(|one| one.id()), Some(5));
        assert_eq!(pool.drop_up_to(1, 0).len(), 1);
        assert!(pool.add(one(8, large)) && pool.add(one(9, large)) && !pool.add(one(10, 24)));
        assert_eq!(pool.drain().count(), 8);
        let most = MOST as u32;
        assert!((0..most).all(|nonce| pool.add(one(nonce, 24))) && !pool.add(one(most, 24)));
        assert_eq!(pool.bytes, 24 * MOST as u64);
    }
}
