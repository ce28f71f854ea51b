//! Stolen names: greetings with what others have signed, old or asked for under a pretext.

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Context, NodeId, Protocol as _, Signature};

use super::full;
use crate::message::GoodwillMessage;
use crate::metric::GoodwillMetric as M;
use crate::node::Node;
use crate::{Goodwill, Timer};

/// A node that goes by its victim's name.
#[derive(Debug, Default)]
pub(super) struct Thief {
    /// What a victim has signed.
    overheard: Option<(NodeId, Signature)>,
    /// Whom it lies to now.
    target: Option<NodeId>,
    /// Attempts so far.
    count: u32,
}

impl Thief {
    fn hello(
        honest: &Goodwill,
        who: NodeId,
        challenge: u64,
        proof: Signature,
        to: NodeId,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        let (chain, clock) = (honest.chain(cx), cx.local_clock().0);
        cx.send(to, GoodwillMessage::Hello { chain, who, clock, challenge, proof });
    }

    /// Asks a victim for its signature by greeting it under its own name, or lies to a target with what
    /// it has overheard.
    fn next(&mut self, honest: &Goodwill, node: &mut Node, cx: &mut Tap<'_, '_, Goodwill>) {
        let others = u64::from(honest.forgers() - 1);
        match self.overheard {
            None => {
                let victim = NodeId(cx.random_below(others) as u32);
                if let Some(full) = full(node) {
                    honest.say_hello(full, victim, 0, cx);
                }
            }
            Some((victim, proof)) => {
                let target = NodeId(cx.random_below(others) as u32);
                if target == victim {
                    return;
                }
                self.count += 1;
                cx.record(M::Attacks, 1);
                self.target = Some(target);
                Self::hello(honest, victim, self.count.into(), proof, target, cx);
            }
        }
    }
}

impl Behaviour<Goodwill> for Thief {
    fn start(&mut self, honest: &Goodwill, cx: &mut Tap<'_, '_, Goodwill>) -> Node {
        cx.wake_after(honest.slot);
        honest.start(cx)
    }

    fn on_message(
        &mut self,
        honest: &Goodwill,
        node: &mut Node,
        from: NodeId,
        message: &GoodwillMessage,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        match (*message, self.overheard) {
            (GoodwillMessage::Hello { who, proof, .. }, None) => {
                self.overheard = Some((who, proof));
            }
            // The target gives a challenge: lets the victim sign it, as if it were its own.
            (GoodwillMessage::Hello { challenge, .. }, Some((victim, proof)))
                if self.target == Some(from) =>
            {
                Self::hello(honest, cx.id(), challenge, proof, victim, cx);
            }
            // The victim's answer goes to the target.
            (GoodwillMessage::Hello { proof, .. }, Some((victim, _))) if victim == from => {
                if let Some(target) = self.target.take() {
                    cx.send(target, GoodwillMessage::GetLedgerInfos { proof });
                }
            }
            _ => honest.on_message(node, from, message, cx),
        }
    }

    fn on_timer(
        &mut self,
        honest: &Goodwill,
        node: &mut Node,
        timer: Timer,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        honest.on_timer(node, timer, cx);
    }

    fn on_wake(&mut self, honest: &Goodwill, node: &mut Node, cx: &mut Tap<'_, '_, Goodwill>) {
        if honest.slot_at(cx.now()) < honest.last_slot() {
            cx.wake_after(anthill_protocol::Span((honest.slot.0 / 10).max(1)));
            self.next(honest, node, cx);
        }
    }
}
