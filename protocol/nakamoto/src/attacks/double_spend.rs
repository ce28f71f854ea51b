//! Double spending: a payment in the public chain, and a branch without it that overtakes
//! (Rosenfeld 2014).
//!
//! An attempt begins once the adversary has found a block on the public tip; if others find one first,
//! it begins anew. That block has a twin of the payment. Then it pays, and mines on its own block. When
//! the payee has delivered and the branch is longer, it publishes: the payment is gone. If it lies
//! too far behind, it gives up.

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Context, NodeId, Protocol, Shared, Span};

use super::branch::{Branch, height};
use super::mine;
use crate::message::NakamotoMessage;
use crate::metric::NakamotoMetric;
use crate::node::Node;
use crate::transaction::Transaction;
use crate::{Nakamoto, Timer};

/// After an attempt the adversary rests for so many intervals, so that all nodes have the same chain.
const REST: u64 = 1;

#[derive(Debug)]
pub(super) struct DoubleSpend {
    give_up: u32,
    branch: Branch,
    phase: Phase,
    attempt: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Mines a block before it pays.
    Before,
    /// Has paid; `base`: the height below the branch.
    Race {
        base: u32,
        is_shipped: bool,
    },
    Rest,
}

impl DoubleSpend {
    pub(super) fn new(give_up: u32) -> Self {
        Self { give_up, branch: Branch::default(), phase: Phase::Before, attempt: 0 }
    }

    fn payment(&self, is_twin: bool, cx: &Tap<'_, '_, Nakamoto>) -> Transaction {
        Transaction { payer: cx.id(), number: self.attempt, is_twin, made: cx.now() }
    }

    fn find(&mut self, honest: &Nakamoto, node: &mut Node, cx: &mut Tap<'_, '_, Nakamoto>) {
        match self.phase {
            Phase::Before => {
                self.attempt += 1;
                let base = height(node.tip, cx);
                let twin = self.payment(true, cx);
                self.branch.extend(honest, node.tip, &[twin], cx);
                self.phase = Phase::Race { base, is_shipped: false };
                honest.on_tx(node, None, self.payment(false, cx), cx);
            }
            Phase::Race { .. } => {
                let last: Shared = self.branch.last().unwrap_or(node.tip);
                self.branch.extend(honest, last, &[], cx);
                self.look(honest, node, cx);
            }
            Phase::Rest => {}
        }
    }

    /// Whether the race has ended.
    fn look(&mut self, honest: &Nakamoto, node: &mut Node, cx: &mut Tap<'_, '_, Nakamoto>) {
        let Phase::Race { base, is_shipped } = self.phase else { return };
        let public = height(node.tip, cx).saturating_sub(base);
        // The payee may be ahead of what the adversary has heard.
        let is_shipped = is_shipped && public >= honest.confirmations();
        if is_shipped && self.branch.len() > public {
            self.branch.publish(honest, node, cx);
        } else if public < self.branch.len().saturating_add(self.give_up) {
            return;
        }
        self.branch.abandon(cx);
        self.phase = Phase::Rest;
        cx.wake_after(Span(honest.interval.0.saturating_mul(REST)));
    }
}

impl Behaviour<Nakamoto> for DoubleSpend {
    fn on_message(
        &mut self,
        honest: &Nakamoto,
        node: &mut Node,
        from: NodeId,
        message: &NakamotoMessage,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        match (*message, &mut self.phase) {
            (NakamotoMessage::Shipped { transaction }, Phase::Race { is_shipped, .. })
                if honest.payee() == Some(from) && transaction.number == self.attempt =>
            {
                *is_shipped = true;
            }
            _ => honest.on_message(node, from, message, cx),
        }
        self.look(honest, node, cx);
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
            self.phase = Phase::Before;
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
        self.phase = Phase::Before;
        honest.restart(node, keep_state, cx);
    }
}
