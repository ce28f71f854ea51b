//! Announce, ask, deliver: bodies travel only to those who want them, as in Bitcoin's relay.
//!
//! A lost request or answer must not stall a node whose neighbours all know, and none of them
//! announces twice. So a request that stays unanswered for `retry` is repeated: to one further
//! announcer if there was one, else to a random neighbour (most of them know by then). After
//! [`MAX_REQUESTS`] the node gives up until the next announcement, so that a run among dead
//! neighbours ends.

use super::node::Knowledge;
use super::{GossipMessage, GossipMetric, GossipNode, Rumour, Spread, Wake};
use crate::{Context, NodeId, Protocol};

/// Requests before a node gives up.
pub(super) const MAX_REQUESTS: u8 = 16;

/// Nodes with more slots than this do not search them for a neighbour: they answer to the node's
/// address instead of over the edge, which only matters to topologies with a latency per edge.
/// Searching a hub of 10^6 slots for each answer would cost more than everything else.
const SEARCHED_DEGREE: u32 = 256;

impl<R: Rumour> Spread<R> {
    /// An announcement arrived.
    pub(super) fn announced(
        &self,
        node: &mut GossipNode<R::Held>,
        from: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        match node.knowledge {
            Knowledge::Informed => {}
            Knowledge::Unaware => {
                node.knowledge = Knowledge::Wanting;
                node.requests = 1;
                node.backup = 0;
                self.send_back(from, R::wrap(GossipMessage::GetData, node.held), cx);
                cx.set_timer(self.retry, Wake);
            }
            Knowledge::Wanting if node.backup == 0 => {
                let slot = slot_of(from, cx).and_then(|slot| u8::try_from(slot + 1).ok());
                node.backup = slot.unwrap_or(0);
            }
            Knowledge::Wanting => {}
        }
    }

    /// Hands the rumour to a node that asked.
    pub(super) fn answer(&self, held: R::Held, to: NodeId, cx: &mut impl Context<Self>) {
        cx.record(GossipMetric::Sends, 1);
        self.send_back(to, R::wrap(GossipMessage::Data, held), cx);
    }

    /// The timer of a request fired.
    pub(super) fn unanswered(&self, node: &mut GossipNode<R::Held>, cx: &mut impl Context<Self>) {
        if node.knowledge != Knowledge::Wanting {
            return;
        }
        if node.requests == MAX_REQUESTS || cx.degree() == 0 {
            node.knowledge = Knowledge::Unaware;
            return;
        }
        node.requests += 1;
        let slot = match node.backup {
            0 => cx.random_below(u64::from(cx.degree())) as u32,
            slot_plus_one => u32::from(slot_plus_one) - 1,
        };
        node.backup = 0;
        cx.send_slot(slot, R::wrap(GossipMessage::GetData, node.held));
        cx.set_timer(self.retry, Wake);
    }

    /// Sends over the edge to a neighbour, if it is found.
    fn send_back(&self, to: NodeId, message: R::Message, cx: &mut impl Context<Self>) {
        match slot_of(to, cx) {
            Some(slot) => cx.send_slot(slot, message),
            None => cx.send(to, message),
        }
    }
}

fn slot_of<P: Protocol>(node: NodeId, cx: &impl Context<P>) -> Option<u32> {
    let degree = cx.degree();
    if degree > SEARCHED_DEGREE {
        return None;
    }
    (0..degree).find(|slot| cx.peer(*slot) == node)
}
