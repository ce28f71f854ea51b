//! Reading ahead: the lines that a command is going to touch are asked for in three steps, each of
//! which needs what the one before has brought: the order's place in the index, the order and its
//! links, its neighbours' links. Nothing here changes a venue or waits for memory.

use super::Venue;
use crate::command::Command;
use crate::slab::NONE;

/// So many commands lie between two steps, and between the last one and the command's turn.
const STRIDE: usize = 8;
/// A venue with fewer open orders is in cache anyway, and has nothing to gain.
const FEW: u32 = 2_000;

/// What is known of the commands that come next.
pub(super) struct Ahead {
    is_near: bool,
    /// Hashes of the orders of commands, by which the index has them.
    hashes: [u32; 2 * STRIDE],
    /// The slots that orders probably have.
    slots: [u32; 2 * STRIDE],
}

impl Ahead {
    /// Reads ahead for the first commands.
    #[inline]
    pub(super) fn new(venue: &Venue, commands: &[Command]) -> Self {
        let is_near = venue.slab.used() < FEW;
        let mut ahead = Self { is_near, hashes: [1; 2 * STRIDE], slots: [NONE; 2 * STRIDE] };
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
                venue.books[0].ladder(order.side).read_ahead(&venue.slab, order.price);
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
}
