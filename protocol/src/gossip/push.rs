//! Infect-and-die: a node that learns the rumour sends it on once.

use super::{GossipMessage, GossipMetric, Rumour, Spread};
use crate::Context;

/// The largest fan-out: what keeps the sample of a node on the stack.
pub const MAX_FANOUT: u32 = 64;

impl<R: Rumour> Spread<R> {
    /// Sends to `fanout` distinct slots, uniformly drawn; to all if there are no more. The node
    /// that told us is as likely as any other: the fixed point of the theory assumes so.
    ///
    /// Rejection rather than a shuffle: on a complete topology of 10^6 nodes a repetition is rare,
    /// and the worst case (degree `fanout` + 1) takes degree · ln degree draws.
    pub(super) fn push_once(&self, held: R::Held, cx: &mut impl Context<Self>) {
        let degree = cx.degree();
        if degree <= self.fanout {
            cx.record(GossipMetric::Sends, u64::from(degree));
            cx.broadcast(R::wrap(GossipMessage::Data, held));
            return;
        }
        cx.record(GossipMetric::Sends, u64::from(self.fanout));
        let mut slots = [0; MAX_FANOUT as usize];
        let mut count = 0;
        while count < self.fanout as usize {
            let slot = cx.random_below(u64::from(degree)) as u32;
            if !slots[..count].contains(&slot) {
                slots[count] = slot;
                count += 1;
                cx.send_slot(slot, R::wrap(GossipMessage::Data, held));
            }
        }
    }
}
