//! From the name of an open order to its slot: open addressing with linear probing, eight bytes an
//! entry (32 bits of hash, 32 of slot), at most half full. A removal closes its gap, so the table
//! never fills with tombstones; it grows from its own hashes without reading an order.

use crate::command::OrderId;
use crate::hash::fold;
use crate::slab::Slab;
use prefetch_index::prefetch_index;

#[derive(Clone, Debug)]
pub(crate) struct Index {
    /// Hash in the high half, slot + 1 in the low; 0 is empty.
    entries: Vec<u64>,
    shift: u32,
    used: usize,
}

/// A hash whose low three bits are the number's: eight numbers in a row of one account share a line of
/// the table, so that a new order's entry lies where the account's last one does.
#[inline]
fn hash_of(id: OrderId) -> u32 {
    let word = id.word() >> 3;
    let group = fold(word ^ 0xa076_1d64_78bd_642f, 0x9e37_79b9_7f4a_7c15 ^ word.rotate_left(32));
    group as u32 & !7 | id.number & 7
}

impl Index {
    pub(crate) fn new() -> Self {
        Self { entries: vec![0; 64], shift: 32 - 6, used: 0 }
    }

    #[inline]
    fn home(&self, entry_hash: u32) -> usize {
        ((entry_hash >> self.shift) & !7 | entry_hash & 7) as usize
    }

    /// The slot of an open order.
    #[inline]
    pub(crate) fn get(&self, id: OrderId, slab: &Slab) -> Option<u32> {
        let hash = hash_of(id);
        let mask = self.entries.len() - 1;
        let mut at = self.home(hash);
        loop {
            let entry = self.entries[at];
            if entry == 0 {
                return None;
            }
            if (entry >> 32) as u32 == hash {
                let slot = entry as u32 - 1;
                if slab[slot].id == id {
                    return Some(slot);
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Asks for the line where an order is looked for. Its hash and place, for [`Index::guess`].
    #[inline]
    pub(crate) fn read_ahead(&self, id: OrderId) -> (u32, u32) {
        let hash = hash_of(id);
        let home = self.home(hash);
        prefetch_index(&self.entries[..], home);
        (hash, home as u32)
    }

    /// The slot that an order probably has, without a branch that depends on memory; reads no order.
    #[inline]
    pub(crate) fn guess(&self, hash: u32, home: u32) -> u32 {
        let mask = self.entries.len() - 1;
        let mut hit = 0;
        for step in (0..4).rev() {
            let entry = self.entries[(home as usize + step) & mask];
            hit = if (entry >> 32) as u32 == hash { entry } else { hit };
        }
        (hit as u32).wrapping_sub(1)
    }

    /// Adds an order that is not in the table.
    #[inline(always)]
    pub(crate) fn insert(&mut self, id: OrderId, slot: u32) {
        if self.used * 2 >= self.entries.len() {
            self.grow();
        }
        self.used += 1;
        self.put(u64::from(hash_of(id)) << 32 | u64::from(slot + 1));
    }

    fn put(&mut self, entry: u64) {
        let mask = self.entries.len() - 1;
        let mut at = self.home((entry >> 32) as u32);
        while self.entries[at] != 0 {
            at = (at + 1) & mask;
        }
        self.entries[at] = entry;
    }

    #[cold]
    fn grow(&mut self) {
        let wider = vec![0; self.entries.len() * 2];
        let entries = std::mem::replace(&mut self.entries, wider);
        self.shift -= 1;
        for entry in entries {
            if entry != 0 {
                self.put(entry);
            }
        }
    }

    /// Removes the order in a slot.
    #[inline(always)]
    pub(crate) fn remove(&mut self, id: OrderId, slot: u32) {
        let entry = u64::from(hash_of(id)) << 32 | u64::from(slot + 1);
        let mut gap = self.home((entry >> 32) as u32);
        while self.entries[gap] != entry {
            if self.entries[gap] == 0 {
                debug_assert!(false, "removes only what is there");
                return;
            }
            gap = (gap + 1) & (self.entries.len() - 1);
        }
        self.used -= 1;
        let mask = self.entries.len() - 1;
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let entry = self.entries[at];
            if entry == 0 {
                break;
            }
            let home = self.home((entry >> 32) as u32);
            // The entry may move into the gap unless its home lies behind the gap, cyclically.
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(gap) & mask) {
                self.entries[gap] = entry;
                gap = at;
            }
        }
        self.entries[gap] = 0;
    }
}

#[cfg(test)]
mod tests;
