//! Anything that keys allow, at random: for hunts.

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::{Bodies as _, Context as _, NodeId, Protocol as _, Shared, Span};

use super::{DolevStrong, Tap, chain_of};
use crate::chain;
use crate::node::{ChainMessage, Node, RoundEnds};
use crate::schedule::sender_of;

/// Chains that a node keeps for later at most.
const MOST_KEPT: usize = 32;

/// Signs both values as a sender; signs chains that other held nodes show it. Half of what it
/// signs goes to another held node, the rest at a moment of the instance to some of all nodes.
pub(super) struct RandomChains {
    held: u32,
    /// Chains that wait for their moment; retained.
    kept: Vec<Shared>,
}

impl RandomChains {
    pub(super) fn new(held: u32) -> Self {
        Self { held, kept: Vec::new() }
    }

    /// As the sender of an instance: either value, or both, or none.
    fn propose(&mut self, honest: &DolevStrong, instance: u32, cx: &mut Tap<'_, '_>) {
        if cx.id() == sender_of(instance, cx.nodes()) {
            for value in 0..2 {
                let copies = cx.random_below(3);
                for _ in 0..copies {
                    let chain = chain::begin((instance, value), cx);
                    self.use_chain(honest, chain, cx);
                }
            }
        }
    }

    fn use_chain(&mut self, honest: &DolevStrong, chain: Shared, cx: &mut Tap<'_, '_>) {
        if cx.random_below(2) == 0 {
            let next = NodeId(cx.random_below(self.held.into()) as u32);
            cx.send(next, ChainMessage::Relay { chain });
        } else if self.kept.len() < MOST_KEPT {
            cx.retain(chain);
            self.kept.push(chain);
            let schedule = honest.schedule();
            let moment = cx.random_below((schedule.round * schedule.rounds.into()).0);
            cx.wake_after(Span(moment));
        }
    }
}

impl Behaviour<DolevStrong> for RandomChains {
    fn start(&mut self, honest: &DolevStrong, cx: &mut Tap<'_, '_>) -> Node {
        let (node, acts) = cx.honestly(|cx| honest.start(cx));
        acts.into_iter().filter(|act| !is_send(act)).for_each(|act| {
            cx.act(act);
        });
        self.propose(honest, 0, cx);
        node
    }

    fn on_message(
        &mut self,
        honest: &DolevStrong,
        _: &mut Node,
        from: NodeId,
        message: &ChainMessage,
        cx: &mut Tap<'_, '_>,
    ) {
        let bodies = cx.bodies();
        let signers =
            core::iter::successors(Some(chain_of(*message)), |link| bodies.get(*link).previous);
        let is_signed = signers.map(|link| bodies.get(link).signer).any(|signer| signer == cx.id());
        if from.0 < self.held && !is_signed {
            let longer = chain::extend(chain_of(*message), cx);
            self.use_chain(honest, longer, cx);
        }
    }

    fn on_timer(
        &mut self,
        honest: &DolevStrong,
        node: &mut Node,
        timer: RoundEnds,
        cx: &mut Tap<'_, '_>,
    ) {
        let before = node.instance;
        let ((), acts) = cx.honestly(|cx| honest.on_timer(node, timer, cx));
        acts.into_iter().filter(|act| !is_send(act)).for_each(|act| {
            cx.act(act);
        });
        if node.instance != before {
            self.propose(honest, node.instance, cx);
        }
    }

    fn on_wake(&mut self, _: &DolevStrong, _: &mut Node, cx: &mut Tap<'_, '_>) {
        if self.kept.is_empty() {
            return;
        }
        let place = cx.random_below(self.kept.len() as u64) as usize;
        let chain = self.kept.swap_remove(place);
        for to in (0..cx.nodes()).map(NodeId) {
            if cx.random_below(2) == 0 {
                cx.send(to, ChainMessage::Relay { chain });
            }
        }
        cx.release(chain);
    }
}

fn is_send(act: &anthill_protocol::behaviour::Act<DolevStrong>) -> bool {
    matches!(act, anthill_protocol::behaviour::Act::Send { .. })
}
