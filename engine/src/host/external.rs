//! What a handler call adds at a node that a program plays.

use anthill_protocol::kit::Erased;
use anthill_protocol::{Protocol, fingerprint_bytes};

use super::{Host, Sink};
use crate::event::trace_word;
use crate::mode::{Mode, StampedOf};

impl<P: Protocol, M: Mode, S: Sink<StampedOf<P, M>>> Host<'_, P, M, S> {
    /// Whether an event of the node's own, by its number, is a line of the program that plays it.
    pub(super) fn is_line(&self, number: u32) -> bool {
        self.world.outside.is_some_and(|outside| outside.is_line(self.id, number))
    }

    /// Lets the node hear the line that an event stands for; false: it stands for none.
    pub(super) fn hear_line(&mut self, state: &mut P::Node, number: u32) -> bool {
        let outside = self.world.outside.filter(|_| M::HAS_CONDITIONS);
        let Some(line) = outside.and_then(|outside| outside.take(self.id, number)) else {
            return false;
        };
        let content = fingerprint_bytes(line.as_bytes());
        let word = trace_word(self.now, self.id, self.id, number, content);
        self.tally.digest = self.tally.digest.wrapping_add(word);
        let protocol = self.world.protocol;
        Erased::run(self, |cx| protocol.on_line(state, &line, cx));
        true
    }
}
