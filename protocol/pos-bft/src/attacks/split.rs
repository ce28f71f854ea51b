//! A coalition that shows one block to one half of the honest validators, and another one to the rest.

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Bodies as _, Context as _, NodeId, Shared, Span, Time};

use super::liar::{instead, whole};
use crate::bodies::{Kind, Proposal};
use crate::messages::{ChainMessage, Timer};
use crate::node::Node;
use crate::protocol::PosBft;
use crate::server::Server;

/// The first proposer proposes both; everybody prevotes and precommits each to its half.
pub(super) struct Split {
    count: u32,
}

impl Split {
    pub(super) fn new(count: u32) -> Self {
        Self { count }
    }

    /// Whether an honest validator is of the first half.
    fn is_first(&self, honest: &PosBft, id: u32) -> bool {
        id < self.count + (honest.candidates - self.count).div_ceil(2)
    }

    /// Both votes of this validator for a proposal, to the half that it is for.
    fn back(&self, honest: &PosBft, it: &Proposal, half: bool, cx: &mut Tap<'_, '_, PosBft>) {
        for kind in [Kind::Prevote, Kind::Precommit] {
            let time = cx.local_clock().max(Time::ZERO + Span::from_millis(1));
            let vote = honest.signed_vote((kind, it.height, it.round), (it.value, time), cx);
            let message = match kind {
                Kind::Prevote => ChainMessage::Prevote(vote),
                _ => ChainMessage::Precommit(vote),
            };
            for id in
                (self.count..honest.candidates).filter(|id| self.is_first(honest, *id) == half)
            {
                cx.send(NodeId(id), message);
            }
        }
    }

    /// The first proposer's two proposals; the others of the coalition hear of both.
    fn propose(&self, honest: &PosBft, node: &mut Server, cx: &mut Tap<'_, '_, PosBft>) {
        let Some(block) = honest.make_block(node, cx) else { return };
        let value = block.hash();
        let block = cx.share(crate::bodies::ChainBody::Block(Box::new(block)));
        let first = honest.proposal((node.height, 0, None), (value, block, None), cx);
        let first = whole(first, cx);
        let Some(second) = instead(honest, first, |block| block.salted(1), cx) else { return };
        for (proposal, half) in [(first, true), (second, false)] {
            let Some(it) = cx.bodies().get(proposal).proposal().copied() else { return };
            for id in 0..honest.candidates {
                let is_its_half = id < self.count || self.is_first(honest, id) == half;
                if id != cx.id().0 && is_its_half {
                    cx.send(NodeId(id), ChainMessage::Proposal(proposal));
                }
            }
            self.back(honest, &it, half, cx);
        }
    }

    fn on_proposal(&self, honest: &PosBft, body: Shared, cx: &mut Tap<'_, '_, PosBft>) {
        let Some(it) = cx.bodies().get(body).proposal().copied() else { return };
        let bodies = cx.bodies();
        let is_twin = bodies.get(it.block).block().is_some_and(|it| it.header.salt != 0);
        if it.proposer < self.count && it.height == 1 {
            self.back(honest, &it, !is_twin, cx);
        }
    }
}

impl Behaviour<PosBft> for Split {
    fn start(&mut self, honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) -> Node {
        let mut node = Server { height: 1, ..Server::default() };
        let bodies = cx.bodies();
        if honest.proposer_of(&node, 0, &bodies) == cx.id().0 {
            self.propose(honest, &mut node, cx);
        }
        Node::new(node)
    }

    fn on_message(
        &mut self,
        honest: &PosBft,
        _: &mut Node,
        _: NodeId,
        message: &ChainMessage,
        cx: &mut Tap<'_, '_, PosBft>,
    ) {
        if let ChainMessage::Proposal(body) = *message {
            self.on_proposal(honest, body, cx);
        }
    }

    fn on_timer(&mut self, _: &PosBft, _: &mut Node, _: Timer, _: &mut Tap<'_, '_, PosBft>) {}
}
