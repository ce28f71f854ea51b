//! A second value that is shown to one honest node, late: why there must be one round more than liars, and
//! why a value needs as many signatures as rounds have passed.
//!
//! In an instance with a held sender, all honest nodes get its value, and the held ones collect their signatures
//! under the other, from node to node. The chain then has as many signatures as there are held nodes, f of
//! them: too few for round f + 1. In round f it counts, and whoever gets it passes it on in time.

use anthill_protocol::behaviour::{Act, Behaviour};
use anthill_protocol::{Bodies as _, Context as _, NodeId, Protocol as _, Shared};

use super::{DolevStrong, Tap, chain_of};
use crate::chain;
use crate::node::{ChainMessage, Node, RoundEnds};
use crate::schedule::{Schedule, sender_of};

pub(super) struct LateChain {
    held: u32,
    /// In whose course the chain is to arrive.
    round: u32,
    schedule: Schedule,
    /// The chain with all signatures, at the last signer; retained until it is shown.
    ready: Option<Shared>,
}

impl LateChain {
    pub(super) fn new(held: u32, round: u32, schedule: Schedule) -> Self {
        Self { held, round, schedule, ready: None }
    }

    fn attacks(&self, instance: u32, nodes: u32) -> bool {
        sender_of(instance, nodes).0 < self.held
    }

    /// Does what an honest handler would, but passes nothing on where the sender is held; such a sender
    /// begins the second chain.
    fn act(&mut self, acts: Vec<Act<DolevStrong>>, cx: &mut Tap<'_, '_>) {
        let mut begins = None;
        for act in acts {
            if let Act::Send { message, .. } = act {
                let bodies = cx.bodies();
                let link = bodies.get(chain_of(message));
                let is_attacked = self.attacks(link.instance, cx.nodes());
                match message {
                    ChainMessage::Proposal { .. } => begins = Some((link.instance, link.value)),
                    ChainMessage::Relay { .. } if is_attacked => continue,
                    ChainMessage::Relay { .. } => {}
                }
            }
            cx.act(act);
        }
        if let Some((instance, value)) = begins {
            let second = chain::begin((instance, 1 - value.min(1)), cx);
            self.pass_on(second, cx);
        }
    }

    /// Hands a chain to the next signer, or keeps it for its moment if there is none left.
    fn pass_on(&mut self, second: Shared, cx: &mut Tap<'_, '_>) {
        let bodies = cx.bodies();
        let link = bodies.get(second);
        if link.length < self.held {
            let next = NodeId((cx.id().0 + 1) % self.held);
            return cx.send(next, ChainMessage::Relay { chain: second });
        }
        let moment = self.schedule.end_of(link.instance, self.round.saturating_sub(1));
        self.drop_ready(cx);
        cx.retain(second);
        self.ready = Some(second);
        cx.wake_after(moment.since(cx.now()));
    }

    fn drop_ready(&mut self, cx: &mut Tap<'_, '_>) {
        if let Some(old) = self.ready.take() {
            cx.release(old);
        }
    }
}

impl Behaviour<DolevStrong> for LateChain {
    fn start(&mut self, honest: &DolevStrong, cx: &mut Tap<'_, '_>) -> Node {
        let (node, acts) = cx.honestly(|cx| honest.start(cx));
        self.act(acts, cx);
        node
    }

    fn on_message(
        &mut self,
        honest: &DolevStrong,
        node: &mut Node,
        from: NodeId,
        message: &ChainMessage,
        cx: &mut Tap<'_, '_>,
    ) {
        let bodies = cx.bodies();
        let link = bodies.get(chain_of(*message));
        if !self.attacks(link.instance, cx.nodes()) {
            return honest.on_message(node, from, message, cx);
        }
        let is_second = link.value != honest.input(link.instance);
        if is_second && from.0 < self.held && link.length < self.held {
            let longer = chain::extend(chain_of(*message), cx);
            self.pass_on(longer, cx);
        }
    }

    fn on_timer(
        &mut self,
        honest: &DolevStrong,
        node: &mut Node,
        timer: RoundEnds,
        cx: &mut Tap<'_, '_>,
    ) {
        let ((), acts) = cx.honestly(|cx| honest.on_timer(node, timer, cx));
        self.act(acts, cx);
    }

    /// The moment has come.
    fn on_wake(&mut self, _: &DolevStrong, _: &mut Node, cx: &mut Tap<'_, '_>) {
        if let Some(chain) = self.ready {
            cx.send(NodeId(cx.nodes() - 1), ChainMessage::Relay { chain });
        }
        self.drop_ready(cx);
    }
}
