//! The places of a pool: a queue with gaps, in which the transactions of a sender are a list.

#[cfg(test)]
mod tests;

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::VecDeque;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::Waiting;

/// In no place: its transaction left, or it is the sender's first.
const GAP: u32 = u32::MAX;
const NONE: u32 = u32::MAX - 1;

/// A place, with the number of that of the same sender before it.
#[derive(Clone, Copy, Debug)]
struct Place {
    nonce: u64,
    price: u64,
    spends: u64,
    body: anthill_protocol::Shared,
    sender: u32,
    before: u32,
}

/// Transactions in the order in which they came, by numbers that rise.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    queue: VecDeque<Place>,
    /// The number of the queue's first place.
    first: u32,
    /// How many are no gaps.
    len: usize,
    /// The number of each sender's last. Nobody goes through it.
    last_of: HashMap<u32, u32, BuildHasherDefault<Spread>>,
}

/// A hash of a number that nobody chose.
#[derive(Clone, Copy, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        let product = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }
}

impl Places {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn index(&self, number: u32) -> usize {
        number.wrapping_sub(self.first) as usize
    }

    fn at(&self, number: u32) -> Option<&Place> {
        self.queue.get(self.index(number)).filter(|it| it.before != GAP)
    }

    /// All, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Waiting)> + '_ {
        let numbered = (self.first..).zip(&self.queue);
        numbered.filter(|(_, it)| it.before != GAP).map(|(number, it)| (number, it.waiting()))
    }

    /// A sender's, the last one first.
    pub(super) fn of(&self, sender: u32) -> impl Iterator<Item = (u32, Waiting)> + '_ {
        let mut next = self.last_of.get(&sender).copied();
        core::iter::from_fn(move || {
            let number = next?;
            let it = self.at(number)?;
            next = Some(it.before).filter(|before| *before != NONE);
            Some((number, it.waiting()))
        })
    }

    /// A sender's, if it is the only one.
    pub(super) fn only(&self, sender: u32) -> Option<(u32, Waiting)> {
        let last = *self.last_of.get(&sender)?;
        let it = self.at(last).filter(|it| it.before == NONE)?;
        Some((last, it.waiting()))
    }

    /// Whether more than half are gaps, or numbers run out.
    pub(super) fn is_sparse(&self) -> bool {
        self.queue.len() > 2 * self.len + 64 || self.first > u32::MAX / 2
    }

    /// Gives all that are there new numbers, in the same order.
    pub(super) fn close_gaps(&mut self) {
        let all: Vec<Waiting> = self.iter().map(|(_, it)| it).collect();
        *self = Self::default();
        all.into_iter().for_each(|it| {
            self.push(it);
        });
    }

    /// Puts one at the end; its number.
    pub(super) fn push(&mut self, it: Waiting) -> u32 {
        let number = self.first + self.queue.len() as u32;
        let before = self.last_of.insert(it.sender, number).unwrap_or(NONE);
        let Waiting { sender, nonce, price, spends, body } = it;
        if self.queue.len() == self.queue.capacity() {
            // Pools are many and large: twice as much as they need would be most of the memory.
            self.queue.reserve_exact(self.queue.len() / 4 + 4);
        }
        self.queue.push_back(Place { nonce, price, spends, body, sender, before });
        self.len += 1;
        number
    }

    /// Lets the list that ends in `last` go past one of its places.
    fn unlink(&mut self, last: u32, number: u32, before: u32) {
        let mut at = last;
        while let Some(it) = self.at(at) {
            if it.before == number {
                let after = self.index(at);
                self.queue[after].before = before;
                return;
            }
            at = it.before;
        }
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, number: u32) -> Option<Waiting> {
        let it = *self.at(number)?;
        if let Entry::Occupied(mut last) = self.last_of.entry(it.sender) {
            let end = *last.get();
            if end != number {
                self.unlink(end, number, it.before);
            } else if it.before == NONE {
                last.remove();
            } else {
                last.insert(it.before);
            }
        }
        let index = self.index(number);
        self.queue[index].before = GAP;
        self.len -= 1;
        while self.queue.front().is_some_and(|it| it.before == GAP) {
            self.queue.pop_front();
            self.first += 1;
        }
        Some(it.waiting())
    }
}

impl Place {
    fn waiting(&self) -> Waiting {
        let Self { nonce, price, spends, body, sender, .. } = *self;
        Waiting { sender, nonce, price, spends, body }
    }
}
