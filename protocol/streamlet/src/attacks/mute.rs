//! Nodes that listen and say nothing: what waits for finality are told of.

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::{NodeId, Protocol as _};

use super::{Streamlet, Tap};
use crate::messages::{EpochBegins, StreamletMessage};
use crate::node::Node;

/// Follows what is going on, without proposing, voting or forwarding.
pub(super) struct Mute;

impl Behaviour<Streamlet> for Mute {
    fn start(&mut self, honest: &Streamlet, cx: &mut Tap<'_, '_>) -> Node {
        let mut node = Node::default();
        self.on_timer(honest, &mut node, EpochBegins(1), cx);
        node
    }

    fn on_message(
        &mut self,
        honest: &Streamlet,
        node: &mut Node,
        from: NodeId,
        message: &StreamletMessage,
        cx: &mut Tap<'_, '_>,
    ) {
        let ((), _) = cx.honestly(|cx| honest.on_message(node, from, message, cx));
    }

    fn on_timer(
        &mut self,
        honest: &Streamlet,
        node: &mut Node,
        EpochBegins(epoch): EpochBegins,
        cx: &mut Tap<'_, '_>,
    ) {
        honest.enter(node, epoch, cx);
        node.has_voted = true;
    }
}
