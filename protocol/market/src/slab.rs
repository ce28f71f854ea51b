//! Open orders, one cache line each, in one array; freed lines are used again, last first. The links
//! of their queues are an array of their own: taking an order out touches its neighbours' links only,
//! and eight of those share a line.

use crate::amount::{Lots, Ticks};
use crate::command::{Force, OrderId, Side};
use crate::stored::stored;
use prefetch_index::prefetch_index;

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;

/// What an open order is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Resting in the book.
    Book,
    /// A stop that waits.
    Stop,
    /// Nothing rests; reservations hold what is left.
    Held,
    /// No order: the slot is free.
    Free,
}

/// An open order.
#[repr(align(64))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) id: OrderId,
    pub(crate) price: Ticks,
    /// Lots in the book, hidden ones included; what reservations hold is not counted.
    pub(crate) remaining: Lots,
    /// Its place in time: the log position, renewed with every slice of an iceberg.
    pub(crate) stamp: u64,
    /// An iceberg's slice.
    pub(crate) visible: Lots,
    /// An iceberg's slice when new, 0 for others; a stop's trigger.
    pub(crate) display: Lots,
    /// Reservations that hold some of it.
    pub(crate) holds: u32,
    pub(crate) instrument: u16,
    pub(crate) side: Side,
    pub(crate) state: State,
    pub(crate) force: Force,
    /// Cancelled while held: what is released does not come back.
    pub(crate) dying: bool,
}

impl Slot {
    /// The lots that can trade before it loses its place.
    #[inline]
    pub(crate) fn shown(&self) -> Lots {
        if self.display == 0 { self.remaining } else { self.visible }
    }

    /// Its element of the book's root.
    #[inline]
    pub(crate) fn element(&self) -> u128 {
        let place = (self.price as u64) << 8
            | u64::from(self.force as u8) << 4
            | u64::from(self.dying) << 3
            | (self.state as u64) << 1
            | u64::from(self.side == Side::Ask);
        let stamp = self.stamp ^ (self.display as u64).rotate_left(40);
        crate::hash::order(self.id.word(), place, stamp, self.remaining, self.shown())
    }
}

stored! {
    Slot {
        id, price, remaining, stamp, visible, display, holds, instrument, side, state, force, dying,
    }
}

/// The neighbours of an order in its queue, or [`NONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) next: u32,
    pub(crate) prev: u32,
}

/// The array.
#[derive(Clone, Debug)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
    /// That of slot i is at i + 1; at 0 is one for [`NONE`], which may be written and says nothing: whether
    /// an order has neighbours no branch predictor knows.
    links: Vec<Link>,
    /// The first free slot; the next is its link's `next`.
    free: u32,
    used: u32,
}

impl Slab {
    pub(crate) fn new() -> Self {
        let links = vec![Link { next: NONE, prev: NONE }];
        Self { slots: Vec::new(), links, free: NONE, used: 0 }
    }

    /// Slots in use.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    #[inline(always)]
    pub(crate) fn insert(&mut self, slot: Slot) -> u32 {
        self.used += 1;
        if self.free == NONE {
            self.slots.push(slot);
            self.links.push(Link { next: NONE, prev: NONE });
            return self.slots.len() as u32 - 1;
        }
        let at = self.free;
        self.free = self.link(at).next;
        self.slots[at as usize] = slot;
        at
    }

    #[inline(always)]
    pub(crate) fn remove(&mut self, at: u32) {
        self.used -= 1;
        self.slots[at as usize].state = State::Free;
        self.link_mut(at).next = self.free;
        self.free = at;
    }

    /// The open orders, in no particular order.
    pub(crate) fn open(&self) -> impl Iterator<Item = (u32, &Slot)> {
        (0..).zip(&self.slots).filter(|(_, slot)| slot.state != State::Free)
    }

    #[inline]
    pub(crate) fn link(&self, at: u32) -> Link {
        self.links[at.wrapping_add(1) as usize]
    }

    #[inline]
    pub(crate) fn link_mut(&mut self, at: u32) -> &mut Link {
        &mut self.links[at.wrapping_add(1) as usize]
    }

    #[inline]
    pub(crate) fn get(&self, at: u32) -> Option<&Slot> {
        self.slots.get(at as usize)
    }

    /// Asks for the lines of a slot; any number will do.
    #[inline]
    pub(crate) fn read_ahead(&self, at: u32) {
        prefetch_index(&self.slots[..], (at as usize).min(self.slots.len()));
        self.read_ahead_link(at);
    }

    /// Asks for the links of its neighbours.
    #[inline]
    pub(crate) fn read_ahead_beside(&self, at: u32) {
        let Some(Link { next, prev }) = self.links.get(at.wrapping_add(1) as usize) else { return };
        self.read_ahead_link(*next);
        self.read_ahead_link(*prev);
    }

    /// Asks for the link of a slot; any number will do.
    #[inline]
    pub(crate) fn read_ahead_link(&self, at: u32) {
        prefetch_index(&self.links[..], (at.wrapping_add(1) as usize).min(self.links.len()));
    }
}

impl std::ops::Index<u32> for Slab {
    type Output = Slot;
    #[inline]
    fn index(&self, at: u32) -> &Slot {
        &self.slots[at as usize]
    }
}

impl std::ops::IndexMut<u32> for Slab {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut Slot {
        &mut self.slots[at as usize]
    }
}
