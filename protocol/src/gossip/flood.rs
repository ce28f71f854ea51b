//! Flooding: over every slot but one towards the node it came from.

use super::{Gossip, GossipMessage, GossipMetric};
use crate::{Context, NodeId};

impl Gossip {
    /// Sends over all slots except the first that leads to `from`. Exactly one, so that between
    /// two nodes with parallel edges the others are used, and every informed node but the origin
    /// sends degree − 1 messages.
    pub(super) fn flood(
        &self,
        message: GossipMessage,
        from: Option<NodeId>,
        cx: &mut impl Context<Self>,
    ) {
        let mut back = from;
        let mut sent = 0;
        for slot in 0..cx.degree() {
            if back == Some(cx.peer(slot)) {
                back = None;
            } else {
                cx.send_slot(slot, message);
                sent += 1;
            }
        }
        if message == GossipMessage::Data {
            cx.record(GossipMetric::Sends, sent);
        }
    }
}
