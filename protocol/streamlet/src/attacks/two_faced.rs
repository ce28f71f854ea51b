//! Two chains at once, each shown to one half of the honest nodes: with a third or more, both become final.

use anthill_protocol::behaviour::{Act, Behaviour};
use anthill_protocol::{Bodies as _, Context as _, NodeId, Protocol as _, Shared};

use super::{Streamlet, Tap};
use crate::body::Shown;
use crate::messages::{EpochBegins, StreamletMessage};
use crate::node::Node;

/// An honest node for each half. A block is of the half of its proposer; one of a held node is of the half
/// that the last bit of its payload says.
pub(super) struct TwoFaced {
    held: u32,
    /// The state towards nodes with odd numbers; that towards the others is the node's.
    odd: Node,
}

impl TwoFaced {
    pub(super) fn new(held: u32) -> Self {
        Self { held, odd: Node::default() }
    }

    /// Runs a handler of one half, which is heard by that half and by all held nodes.
    fn run(
        &mut self,
        is_odd: bool,
        node: &mut Node,
        cx: &mut Tap<'_, '_>,
        handler: impl FnOnce(&mut Node, &mut Tap<'_, '_>),
    ) {
        let state = if is_odd { &mut self.odd } else { node };
        let ((), acts) = cx.honestly(|cx| handler(state, cx));
        for act in acts {
            let is_heard = match act {
                Act::Send { to, .. } => to.0 < self.held || (to.0 % 2 == 1) == is_odd,
                Act::Timer { .. } => !is_odd,
            };
            if is_heard {
                cx.act(act);
            }
        }
    }

    /// Whose half a block is of.
    fn is_odd(&self, handle: Shared, cx: &Tap<'_, '_>) -> bool {
        let bodies = cx.bodies();
        let block = match bodies.get(handle) {
            Shown::Vote(vote) => bodies.get(vote.block),
            block @ Shown::Block(_) => block,
        };
        match block {
            Shown::Block(block) if block.proposer.0 < self.held => block.payload % 2 == 1,
            Shown::Block(block) => block.proposer.0 % 2 == 1,
            Shown::Vote(_) => false,
        }
    }
}

impl Behaviour<Streamlet> for TwoFaced {
    fn start(&mut self, honest: &Streamlet, cx: &mut Tap<'_, '_>) -> Node {
        let mut node = Node::default();
        self.odd = Node::default();
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
        let (StreamletMessage::Proposal { block: body } | StreamletMessage::Vote { ballot: body }) =
            *message;
        let is_odd = self.is_odd(body, cx);
        self.run(is_odd, node, cx, |state, cx| honest.on_message(state, from, message, cx));
    }

    fn on_timer(
        &mut self,
        honest: &Streamlet,
        node: &mut Node,
        EpochBegins(epoch): EpochBegins,
        cx: &mut Tap<'_, '_>,
    ) {
        for is_odd in [false, true] {
            self.run(is_odd, node, cx, |state, cx| {
                honest.enter(state, epoch, cx);
                if state.epoch == epoch && honest.leader(epoch, cx.nodes()) == cx.id() {
                    let payload = cx.random() & !1 | u64::from(is_odd);
                    honest.propose(state, payload, cx);
                }
            });
        }
    }
}
