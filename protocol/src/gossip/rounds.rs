//! The periodic exchange: push and push-pull with one random neighbour per round.
//!
//! In lock-step, round k is the interval [k, k+1) · `round`: nodes act at its start, and what
//! arrives within it was sent in it as long as delays are shorter (push-pull: round trips). A
//! request is answered on arrival, also by a node that learnt the rumour earlier in the same
//! round, so push-pull here is slightly faster than with answers from the state at the round's
//! start. Time is the true one, not the node's clock: lock-step is the textbook's idealisation.

use super::{GossipMessage, GossipMetric, GossipNode, Rumour, Spread, Wake};
use crate::{Context, Span, Time};

impl<R: Rumour> Spread<R> {
    /// The round to which an instant belongs.
    pub(super) fn round_of(&self, now: Time) -> u64 {
        now.0 / self.round.0
    }

    /// Wakes the node for its first round: at the next common start, or at a phase of its own.
    pub(super) fn wake_first(&self, cx: &mut impl Context<Self>) {
        if self.lock_step {
            self.wake_next_round(cx);
        } else {
            let phase = cx.random_below(self.round.0);
            cx.set_timer(Span(phase), Wake);
        }
    }

    /// Wakes the node at the next multiple of a round, also if a busy CPU made it late for this.
    pub(super) fn wake_next_round(&self, cx: &mut impl Context<Self>) {
        let late = cx.now().0 % self.round.0;
        cx.set_timer(Span(self.round.0 - late), Wake);
    }

    /// A round begins: the informed push; in push-pull the others ask.
    pub(super) fn round(&self, node: &GossipNode<R::Held>, cx: &mut impl Context<Self>) {
        if self.lock_step {
            let to_next = self.round.0 - cx.now().0 % self.round.0;
            // A fast clock wakes the node a little before the round that it then acts in.
            let early = to_next < self.round.0 / 2;
            cx.set_timer(Span(to_next + if early { self.round.0 } else { 0 }), Wake);
        } else {
            cx.set_timer(self.round, Wake);
        }
        let degree = u64::from(cx.degree());
        if degree == 0 {
            return;
        }
        let slot = cx.random_below(degree) as u32;
        if node.is_informed() {
            cx.record(GossipMetric::Sends, 1);
            cx.send_slot(slot, R::wrap(GossipMessage::Data, node.held));
        } else {
            cx.send_slot(slot, R::wrap(GossipMessage::GetData, node.held));
        }
    }
}
