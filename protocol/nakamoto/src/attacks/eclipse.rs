//! Eclipse: the victim hears nobody but the adversary, which confirms a payment to it on a branch that
//! nobody else sees (Heilman et al. 2015).
//!
//! Between attempts the adversary passes the public chain on to its victim. In an attempt it keeps that
//! back, pays the public network the same in another way, mines as many blocks on its own branch as
//! the victim waits for, and shows them to it. Once the public chain is heavier it lets that through:
//! the victim's payment is gone.

use anthill_protocol::behaviour::{Act, Behaviour, Tap};
use anthill_protocol::{Bodies, Context, NodeId, Protocol, Shared};

use super::branch::Branch;
use super::mine;
use crate::message::{NakamotoMessage, Name};
use crate::metric::NakamotoMetric;
use crate::node::Node;
use crate::transaction::Transaction;
use crate::{Nakamoto, Timer};

/// Blocks beyond the confirmations after which an attempt without success ends.
const PATIENCE: u32 = 20;

#[derive(Debug, Default)]
pub(super) struct Eclipse {
    branch: Branch,
    phase: Phase,
    attempt: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The victim has the public chain.
    #[default]
    Open,
    /// It sees the adversary's branch, and has perhaps delivered.
    Shut { is_shipped: bool },
    /// The public chain is let through.
    Rest,
}

impl Eclipse {
    /// Does what honest handlers ask for, except that the victim hears nothing.
    fn pass(&self, honest: &Nakamoto, acts: Vec<Act<Nakamoto>>, cx: &mut Tap<'_, '_, Nakamoto>) {
        let is_hidden = |act: &Act<Nakamoto>| matches!(act, Act::Send { to, .. } if honest.victim() == Some(*to));
        for act in acts.into_iter().filter(|act| !is_hidden(act)) {
            cx.act(act);
        }
    }

    /// Tells the victim of a block.
    fn show(&self, honest: &Nakamoto, block: Shared, cx: &mut Tap<'_, '_, Nakamoto>) {
        if let Some(victim) = honest.victim() {
            cx.send(victim, NakamotoMessage::Inv { block: Name(block) });
        }
    }

    fn payment(&self, is_twin: bool, cx: &Tap<'_, '_, Nakamoto>) -> Transaction {
        Transaction { payer: cx.id(), number: self.attempt, is_twin, made: cx.now() }
    }

    fn find(&mut self, honest: &Nakamoto, node: &mut Node, cx: &mut Tap<'_, '_, Nakamoto>) {
        match self.phase {
            Phase::Open => {
                self.attempt += 1;
                let payment = self.payment(false, cx);
                self.branch.extend(honest, node.tip, &[payment], cx);
                self.phase = Phase::Shut { is_shipped: false };
                let twin = self.payment(true, cx);
                let ((), acts) = cx.honestly(|cx| honest.on_tx(node, None, twin, cx));
                self.pass(honest, acts, cx);
            }
            // The victim has not heard of the payment, or its answer was lost.
            Phase::Shut { is_shipped: false }
                if self.branch.len() >= honest.confirmations().saturating_add(PATIENCE) =>
            {
                self.end(honest, node, cx);
                return;
            }
            Phase::Shut { is_shipped: false } => {
                self.branch.extend(honest, node.tip, &[], cx);
            }
            Phase::Shut { is_shipped: true } | Phase::Rest => return,
        }
        if let Some(block) = self.branch.last() {
            // The branch is known to the adversary's honest half, which answers for it.
            node.remember(block, cx);
            self.show(honest, block, cx);
        }
    }

    /// Whether the victim may see the public chain.
    fn look(
        &mut self,
        honest: &Nakamoto,
        node: &Node,
        before: Shared,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        let is_new = node.tip != before;
        match self.phase {
            Phase::Open | Phase::Rest if is_new => self.show(honest, node.tip, cx),
            Phase::Shut { is_shipped: true } => {
                let bodies = cx.bodies();
                let work = |block| bodies.get(block).header.work;
                if self.branch.last().is_some_and(|last| work(node.tip) > work(last)) {
                    self.end(honest, node, cx);
                }
            }
            _ => {}
        }
    }

    /// Lets the victim see the public chain.
    fn end(&mut self, honest: &Nakamoto, node: &Node, cx: &mut Tap<'_, '_, Nakamoto>) {
        self.show(honest, node.tip, cx);
        self.branch.abandon(cx);
        self.phase = Phase::Rest;
        cx.wake_after(honest.interval);
    }
}

impl Behaviour<Nakamoto> for Eclipse {
    fn on_message(
        &mut self,
        honest: &Nakamoto,
        node: &mut Node,
        from: NodeId,
        message: &NakamotoMessage,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        let before = node.tip;
        match (*message, &mut self.phase) {
            (NakamotoMessage::Shipped { transaction }, Phase::Shut { is_shipped })
                if honest.victim() == Some(from) && transaction.number == self.attempt =>
            {
                *is_shipped = true;
            }
            // It asks for what it was shown.
            _ if honest.victim() == Some(from) => honest.on_message(node, from, message, cx),
            _ => {
                let ((), acts) = cx.honestly(|cx| honest.on_message(node, from, message, cx));
                self.pass(honest, acts, cx);
            }
        }
        self.look(honest, node, before, cx);
    }

    fn on_timer(
        &mut self,
        honest: &Nakamoto,
        node: &mut Node,
        timer: Timer,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        mine(honest, node, timer, cx, |node, cx| self.find(honest, node, cx));
    }

    /// The rest is over.
    fn on_wake(&mut self, _: &Nakamoto, _: &mut Node, cx: &mut Tap<'_, '_, Nakamoto>) {
        if self.phase == Phase::Rest {
            cx.record(NakamotoMetric::Attempts, 1);
            self.phase = Phase::Open;
        }
    }

    /// A crash ends the attempt.
    fn restart(
        &mut self,
        honest: &Nakamoto,
        node: &mut Node,
        keep_state: bool,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        self.branch.abandon(cx);
        self.phase = Phase::Open;
        honest.restart(node, keep_state, cx);
    }
}
