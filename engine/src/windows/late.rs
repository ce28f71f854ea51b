//! Events of the open slot that are caused while it runs: the next of them on top of a heap.
//!
//! Where a slot is a window these are a node's own events (timers, self-sends), and few. Where a slot is many
//! windows ([`Slots`](crate::windows::slots::Slots)) they may be anybody's.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use anthill_protocol::{NodeId, Time};

use crate::event::Event;
use crate::mode::Ranked;
use crate::refusal::granted;
use crate::windows::slots::Slots;

/// The late events of a worker.
pub(crate) struct Late<L> {
    heap: BinaryHeap<Entry<L>>,
    by_time: bool,
    seed: u64,
}

/// An event and its place in the order of its slot.
struct Entry<L> {
    rank: u64,
    tie: u64,
    event: Event<L>,
}

impl<L> Entry<L> {
    fn key(&self) -> (u64, u64, NodeId, u32) {
        (self.rank, self.tie, self.event.source(), self.event.sequence())
    }
}

impl<L> PartialEq for Entry<L> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<L> Eq for Entry<L> {}

impl<L> PartialOrd for Entry<L> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reversed, so that the earliest is on top of a heap.
impl<L> Ord for Entry<L> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank.cmp(&self.rank).then_with(|| other.key().cmp(&self.key()))
    }
}

impl<L: Ranked> Late<L> {
    pub(crate) fn new(slots: &Slots, seed: u64) -> Self {
        Self { heap: BinaryHeap::with_capacity(64), by_time: slots.is_wide(), seed }
    }

    /// Whether the earliest event may come before `next`, an event of the same slot: not if their ranks say so.
    #[inline(always)]
    pub(crate) fn may_precede(&self, next: Option<&Event<L>>) -> bool {
        match (self.heap.peek(), next) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(first), Some(next)) => first.rank <= self.rank(next),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.heap.clear();
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> u64 {
        (self.heap.capacity() * size_of::<Entry<L>>()) as u64
    }

    #[inline(always)]
    fn rank(&self, event: &Event<L>) -> u64 {
        if self.by_time { event.rank_by_time() } else { event.rank() }
    }

    /// Adds an event of an instant.
    #[inline(never)]
    pub(crate) fn push(&mut self, time: Time, event: Event<L>) {
        if self.heap.len() == self.heap.capacity() {
            let entries = self.heap.len() + 1;
            granted::<Entry<L>>(self.heap.try_reserve(1), entries, "pending events");
        }
        let (rank, tie) = (self.rank(&event), event.payload.tie(self.seed, time, event.source()));
        self.heap.push(Entry { rank, tie, event });
    }

    /// Takes the earliest event out if it comes before `next`, an event of the same slot that begins at
    /// an instant.
    #[inline(never)]
    pub(crate) fn pop_before(&mut self, next: Option<&Event<L>>, begin: u64) -> Option<Event<L>> {
        let first = self.heap.peek()?;
        if let Some(next) = next {
            let rank = self.rank(next);
            if rank < first.rank {
                return None;
            }
            if rank == first.rank {
                let time = Time(begin | u64::from(next.time_offset()));
                let tie = next.payload.tie(self.seed, time, next.source());
                if (rank, tie, next.source(), next.sequence()) < first.key() {
                    return None;
                }
            }
        }
        self.heap.pop().map(|entry| entry.event)
    }
}
