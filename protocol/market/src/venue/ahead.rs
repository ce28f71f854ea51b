//! Reading ahead: the lines that a command is going to touch are asked for in three steps, each of
//! which needs what the one before has brought: the order's place in the index, the order and its
//! links, its neighbours' links. Orders that trade at once ask for two orders each, further back in the
//! queue than its front will have come until then. Nothing here changes a venue, or waits for memory
//! for long: what is read has been asked for before.

use super::Venue;
use crate::command::{Command, Kind, Order};
use crate::slab::NONE;

/// So many commands lie between two steps, and between the last one and the command's turn.
const STRIDE: usize = 8;
/// A venue with fewer open orders is in cache anyway, and has nothing to gain.
const FEW: u32 = 2_000;
/// How far behind the front of its queue an order is that is asked for.
const BEHIND: u32 = 8;

/// What is known of the commands that come next.
pub(super) struct Ahead {
    is_near: bool,
    /// Hashes of the orders of commands, by which the index has them.
    hashes: [u32; 2 * STRIDE],
    /// The slots that orders probably have.
    slots: [u32; 2 * STRIDE],
    /// Two orders to be traded with, asked for at the last turn of this kind.
    makers: [u32; 2],
}

impl Ahead {
    /// Reads ahead for the first commands.
    #[inline]
    pub(super) fn new(venue: &Venue, commands: &[Command]) -> Self {
        let is_near = venue.slab.used() < FEW;
        let (hashes, slots) = ([1; 2 * STRIDE], [NONE; 2 * STRIDE]);
        let mut ahead = Self { is_near, hashes, slots, makers: [NONE; 2] };
        if !is_near {
            for at in 0..3 * STRIDE {
                ahead.take_steps(venue, commands, at);
            }
        }
        ahead
    }

    /// Reads ahead at the turn of the command `at`.
    #[inline(always)]
    pub(super) fn step(&mut self, venue: &Venue, commands: &[Command], at: usize) {
        if !self.is_near {
            self.take_steps(venue, commands, at + 3 * STRIDE);
        }
    }

    /// The first step of the command `first`, the second of one before it, the third of one before that.
    #[inline(always)]
    fn take_steps(&mut self, venue: &Venue, commands: &[Command], first: usize) {
        const RING: usize = 2 * STRIDE;
        let third = self.slots[(first + RING - 2 * STRIDE) % RING];
        venue.slab.read_ahead_beside(third);
        let slot = venue.index.guess(self.hashes[(first + RING - STRIDE) % RING]);
        venue.slab.read_ahead(slot);
        self.slots[(first + RING - STRIDE) % RING] = slot;
        let Some(command) = commands.get(first) else { return };
        let id = match command {
            Command::Place(order) => {
                self.place(venue, order);
                order.id
            }
            Command::Cancel { id } | Command::Reduce { id, .. } | Command::Replace { id, .. } => {
                *id
            }
            _ => return,
        };
        self.hashes[first % RING] = venue.index.read_ahead(id);
        venue.accounts.read_ahead(id.account);
    }

    /// Asks for the end of the queue that an order joins, or for what it may come to trade with.
    #[inline(always)]
    fn place(&mut self, venue: &Venue, order: &Order) {
        let book = &venue.books[0];
        let there = book.ladder(order.side.other());
        let trades = order.kind == Kind::Market || order.side.accepts(order.price, there.best());
        if !trades {
            return book.ladder(order.side).read_ahead(&venue.slab, order.price);
        }
        let mut maker = there.level(there.best()).head;
        for _ in 0..BEHIND {
            if maker == NONE {
                break;
            }
            maker = venue.slab.link(maker).next;
        }
        venue.slab.read_ahead(maker);
        let [before, behind] = self.makers;
        venue.slab.read_ahead_link(venue.read_ahead_maker(behind));
        let behind = venue.read_ahead_maker(before);
        venue.slab.read_ahead(behind);
        self.makers = [maker, behind];
    }
}

impl Venue {
    /// Asks for what the index has of an order, and for its account; returns the order behind it.
    #[inline(always)]
    fn read_ahead_maker(&self, at: u32) -> u32 {
        if at == NONE {
            return NONE;
        }
        let id = self.slab.id(at);
        self.index.read_ahead(id);
        self.accounts.read_ahead(id.account);
        self.slab.link(at).next
    }
}
