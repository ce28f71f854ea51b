//! From the name of an open order to its slot: buckets of a cache line each, with seven places and a count
//! of the orders that found them taken and went on to the next bucket. A bucket is compared as a whole,
//! without a branch for each place: where an order lies in it no branch predictor can know. Taking an order
//! out leaves no trace, and the table grows from its own hashes without reading an order.

use crate::command::OrderId;
use crate::hash::fold;
use crate::slab::Slab;
use prefetch_index::prefetch_index;

/// Places of a bucket.
const PLACES: usize = 7;
/// Orders of a bucket, on average, before there are more buckets.
const MOST: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Bucket {
    /// Hashes, 0 where there is no order; then how many have gone on.
    hashes: [u32; PLACES + 1],
    slots: [u32; PLACES + 1],
}

impl Bucket {
    /// The places with a hash, as bits.
    #[inline(always)]
    fn places(&self, hash: u32) -> u32 {
        let mut places = 0;
        for (at, own) in self.hashes.iter().enumerate() {
            places |= u32::from(*own == hash) << at;
        }
        places & ((1 << PLACES) - 1)
    }

    #[inline(always)]
    fn gone_on(&mut self) -> &mut u32 {
        &mut self.hashes[PLACES]
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Index {
    buckets: Vec<Bucket>,
    shift: u32,
    used: usize,
}

/// Not 0, which is no order's.
#[inline(always)]
fn hash_of(id: OrderId) -> u32 {
    let word = id.word();
    fold(word ^ 0xa076_1d64_78bd_642f, word.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15) as u32 | 1
}

impl Index {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![Bucket::default(); 16], shift: 32 - 4, used: 0 }
    }

    #[inline(always)]
    fn home(&self, hash: u32) -> usize {
        (hash >> self.shift) as usize
    }

    #[inline(always)]
    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.buckets.len() - 1)
    }

    /// The slot of an open order.
    #[inline(always)]
    pub(crate) fn get(&self, id: OrderId, slab: &Slab) -> Option<u32> {
        let hash = hash_of(id);
        let mut at = self.home(hash);
        loop {
            let bucket = &self.buckets[at];
            let mut places = bucket.places(hash);
            while places != 0 {
                let slot = bucket.slots[places.trailing_zeros() as usize];
                if slab.id(slot) == id {
                    return Some(slot);
                }
                places &= places - 1;
            }
            if bucket.hashes[PLACES] == 0 {
                return None;
            }
            at = self.next(at);
        }
    }

    /// Asks for the line where an order is looked for. Its hash, for [`Index::guess`].
    #[inline(always)]
    pub(crate) fn read_ahead(&self, id: OrderId) -> u32 {
        let hash = hash_of(id);
        prefetch_index(&self.buckets[..], self.home(hash));
        hash
    }

    /// The slot that an order of a hash probably has; reads no order. Any hash will do.
    #[inline(always)]
    pub(crate) fn guess(&self, hash: u32) -> u32 {
        let bucket = &self.buckets[self.home(hash)];
        let places = bucket.places(hash) | 1 << PLACES;
        bucket.slots[places.trailing_zeros() as usize]
    }

    /// Adds an order that is not in the table.
    #[inline(always)]
    pub(crate) fn insert(&mut self, id: OrderId, slot: u32) {
        if self.used >= MOST * self.buckets.len() {
            self.grow();
        }
        self.used += 1;
        self.put(hash_of(id), slot);
    }

    #[inline(always)]
    fn put(&mut self, hash: u32, slot: u32) {
        let mut at = self.home(hash);
        loop {
            let bucket = &mut self.buckets[at];
            let free = bucket.places(0);
            if free != 0 {
                let place = free.trailing_zeros() as usize;
                (bucket.hashes[place], bucket.slots[place]) = (hash, slot);
                return;
            }
            *bucket.gone_on() += 1;
            at = self.next(at);
        }
    }

    #[cold]
    fn grow(&mut self) {
        let wider = vec![Bucket::default(); self.buckets.len() * 2];
        let buckets = std::mem::replace(&mut self.buckets, wider);
        self.shift -= 1;
        for Bucket { hashes, slots } in buckets {
            for (hash, slot) in hashes.into_iter().zip(slots).take(PLACES) {
                if hash != 0 {
                    self.put(hash, slot);
                }
            }
        }
    }

    /// Removes the order in a slot.
    #[inline(always)]
    pub(crate) fn remove(&mut self, id: OrderId, slot: u32) {
        let hash = hash_of(id);
        let mut at = self.home(hash);
        loop {
            let bucket = &mut self.buckets[at];
            let mut places = bucket.places(hash);
            while places != 0 {
                let place = places.trailing_zeros() as usize;
                if bucket.slots[place] == slot {
                    bucket.hashes[place] = 0;
                    self.used -= 1;
                    return;
                }
                places &= places - 1;
            }
            if bucket.hashes[PLACES] == 0 {
                debug_assert!(false, "removes only what is there");
                return;
            }
            *bucket.gone_on() -= 1;
            at = self.next(at);
        }
    }
}

#[cfg(test)]
mod tests;
