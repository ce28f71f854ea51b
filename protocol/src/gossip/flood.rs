//! Flooding: over every slot but one towards the node it came from.

use super::{GossipMessage, GossipMetric, Rumour, Spread};
use crate::{Context, NodeId};

impl<R: Rumour> Spread<R> {
    /// Sends over all slots except the first that leads to `from`. Exactly one, so that between
    /// two nodes with parallel edges the others are used, and every informed node but the origin
    /// sends degree − 1 messages.
    pub(super) fn flood(
        &self,
        kind: GossipMessage,
        held: R::Held,
        from: Option<NodeId>,
        cx: &mut impl Context<Self>,
    ) {
        let mut back = from;
        let mut sent = 0;
        for slot in 0..cx.degree() {
            if back == Some(cx.peer(slot)) {
                back = None;
            } else {
                cx.send_slot(slot, R::wrap(kind, held));
                sent += 1;
            }
        }
        if kind == GossipMessage::Data {
            cx.record(GossipMetric::Sends, sent);
        }
    }
}
