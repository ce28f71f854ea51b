//! Open orders, half a cache line each, in one array; freed places are used again, last first. The links
//! of their queues are an array of their own: taking an order out touches its neighbours' links only,
//! and eight of those share a line. What only icebergs, stops and held orders have is apart, too.

use crate::amount::{Lots, MAX_PRICE, Ticks};
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

/// An order as it lies in the array.
#[repr(align(32))]
#[derive(Clone, Copy, Debug)]
struct Packed {
    id: OrderId,
    stamp: u64,
    remaining: Lots,
    /// From above: price (41 bits, up to [`MAX_PRICE`]), instrument (16), whether it is [`Rare`], whether
    /// it is dying, force (2), state (2), side.
    place: u64,
}

const RARE: u64 = 1 << 6;
const FREE: u64 = (State::Free as u64) << 1;

/// What few orders have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rare {
    visible: Lots,
    display: Lots,
    holds: u32,
}

impl Packed {
    #[inline(always)]
    fn new(slot: &Slot, is_rare: bool) -> Self {
        debug_assert!((0..=MAX_PRICE).contains(&slot.price), "{slot:?}");
        let place = (slot.price as u64) << 23
            | u64::from(slot.instrument) << 7
            | (u64::from(is_rare) * RARE)
            | u64::from(slot.dying) << 5
            | (slot.force as u64) << 3
            | (slot.state as u64) << 1
            | u64::from(slot.side == Side::Ask);
        Self { id: slot.id, stamp: slot.stamp, remaining: slot.remaining, place }
    }

    #[inline(always)]
    fn slot(self, rare: Rare) -> Slot {
        let Self { id, stamp, remaining, place } = self;
        let Rare { visible, display, holds } = rare;
        Slot {
            id,
            price: (place >> 23) as Ticks,
            remaining,
            stamp,
            visible,
            display,
            holds,
            instrument: (place >> 7) as u16,
            side: if place & 1 == 0 { Side::Bid } else { Side::Ask },
            state: match place >> 1 & 3 {
                0 => State::Book,
                1 => State::Stop,
                2 => State::Held,
                _ => State::Free,
            },
            force: match place >> 3 & 3 {
                0 => Force::Rest,
                1 => Force::Immediate,
                2 => Force::Fill,
                _ => Force::Post,
            },
            dying: place >> 5 & 1 == 1,
        }
    }
}

/// The array.
#[derive(Clone, Debug)]
pub(crate) struct Slab {
    slots: Vec<Packed>,
    /// As far as any order needed it.
    rare: Vec<Rare>,
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
        Self { slots: Vec::new(), rare: Vec::new(), links, free: NONE, used: 0 }
    }

    /// Slots in use.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    #[inline(always)]
    pub(crate) fn insert(&mut self, slot: Slot) -> u32 {
        self.used += 1;
        let mut at = self.free;
        if at == NONE {
            at = self.slots.len() as u32;
            self.slots.push(Packed::new(&slot, false));
            self.links.push(Link { next: NONE, prev: NONE });
        } else {
            self.free = self.link(at).next;
        }
        self.set(at, &slot);
        at
    }

    #[inline(always)]
    pub(crate) fn remove(&mut self, at: u32) {
        self.used -= 1;
        self.slots[at as usize].place = FREE;
        self.link_mut(at).next = self.free;
        self.free = at;
    }

    /// The open orders, in no particular order.
    pub(crate) fn open(&self) -> impl Iterator<Item = (u32, Slot)> {
        let all = (0..self.slots.len() as u32).map(|at| (at, self.get(at)));
        all.filter(|(_, slot)| slot.state != State::Free)
    }

    /// An order.
    #[inline(always)]
    pub(crate) fn get(&self, at: u32) -> Slot {
        let packed = self.slots[at as usize];
        let is_rare = packed.place & RARE != 0;
        packed.slot(if is_rare { self.rare[at as usize] } else { Rare::default() })
    }

    /// An order's name.
    #[inline(always)]
    pub(crate) fn id(&self, at: u32) -> OrderId {
        self.slots[at as usize].id
    }

    /// An order's lots in the book.
    #[inline(always)]
    pub(crate) fn remaining(&self, at: u32) -> Lots {
        self.slots[at as usize].remaining
    }

    #[inline(always)]
    pub(crate) fn set_remaining(&mut self, at: u32, lots: Lots) {
        self.slots[at as usize].remaining = lots;
    }

    /// Changes an order.
    #[inline(always)]
    pub(crate) fn change(&mut self, at: u32, change: impl FnOnce(&mut Slot)) {
        let mut slot = self.get(at);
        change(&mut slot);
        self.set(at, &slot);
    }

    #[inline(always)]
    fn set(&mut self, at: u32, slot: &Slot) {
        let rare = Rare { visible: slot.visible, display: slot.display, holds: slot.holds };
        let is_rare = rare != Rare::default();
        if is_rare {
            self.set_rare(at, rare);
        }
        self.slots[at as usize] = Packed::new(slot, is_rare);
    }

    #[inline(never)]
    fn set_rare(&mut self, at: u32, rare: Rare) {
        if self.rare.len() <= at as usize {
            self.rare.resize(self.slots.len(), Rare::default());
        }
        self.rare[at as usize] = rare;
    }

    #[inline]
    pub(crate) fn link(&self, at: u32) -> Link {
        self.links[at.wrapping_add(1) as usize]
    }

    #[inline]
    pub(crate) fn link_mut(&mut self, at: u32) -> &mut Link {
        &mut self.links[at.wrapping_add(1) as usize]
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

#[cfg(test)]
mod tests;
