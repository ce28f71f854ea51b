//! Transactions in the chain: which block they are in, and how many lie on top of it.

use anthill_protocol::kit::Arrivals;
use anthill_protocol::{Bodies, Context, NodeId, Shared, Span};

use crate::chain::ancestor;
use crate::message::NakamotoMessage;
use crate::metric::NakamotoMetric;
use crate::node::Node;
use crate::output::NakamotoOutput;
use crate::transaction::Transaction;
use crate::{Nakamoto, Timer};

/// Nodes that make transactions: the first so many.
const PAYERS: u32 = 1_000;

impl Nakamoto {
    /// Whether there are any transactions.
    fn has_payments(&self) -> bool {
        self.rate > 0.0 || self.payee().is_some()
    }

    /// A payer waits for its next transaction.
    pub(crate) fn await_payment(&self, cx: &mut impl Context<Self>) {
        let payers = PAYERS.min(cx.nodes());
        if self.rate > 0.0 && cx.id().0 < payers && !self.is_attacker(cx.id()) {
            let mean = Span((f64::from(payers) / self.rate * 1e9) as u64);
            Arrivals::poisson(mean).await_next(cx, Timer::Pay);
        }
    }

    /// A payer makes a transaction; none once the run is to end.
    pub(crate) fn pay(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        if self.is_over(node) {
            return;
        }
        node.made += 1;
        let (payer, made) = (cx.id(), cx.now());
        let transaction = Transaction { payer, number: node.made, is_twin: false, made };
        cx.record(NakamotoMetric::Transactions, 1);
        self.on_tx(node, None, transaction, cx);
        self.await_payment(cx);
    }

    /// The node's chain has changed: what was in blocks waits again, what is in blocks waits no more.
    pub(crate) fn move_transactions(
        &self,
        node: &mut Node,
        dropped: &[Shared],
        joined: &[Shared],
        cx: &mut impl Context<Self>,
    ) {
        let (bodies, now) = (cx.bodies(), cx.now());
        let of = |blocks: &[Shared]| -> Vec<(Transaction, u32)> {
            let blocks = blocks.iter().map(|block| bodies.get(*block));
            blocks
                .flat_map(|block| block.transactions.iter().map(|one| (*one, block.header.height)))
                .collect()
        };
        for (transaction, _) in of(dropped) {
            let was_confirmed = node.pool.unmined(&transaction, now);
            let is_attack = self.is_attacker(transaction.payer) && !transaction.is_twin;
            if was_confirmed && is_attack && self.payee() == Some(cx.id()) {
                cx.record(NakamotoMetric::DoubleSpendSuccess, 1);
            }
        }
        for (transaction, height) in of(joined) {
            if node.pool.mined(transaction, height) && transaction.payer == cx.id() {
                cx.record(NakamotoMetric::Inclusion, now.since(transaction.made).0);
            }
        }
        if !node.pool.is_empty() {
            node.pool.forget(node.height, now);
        }
    }

    /// What has the confirmations asked for in the new chain and had not in the old one; `old`: its
    /// height, and that of the block that both chains have.
    pub(crate) fn confirm(&self, node: &mut Node, old: (u32, u32), cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let height = node.height;
        let below = self.confirmations().saturating_sub(1);
        let from = old.0.saturating_sub(below).min(old.1);
        let to = height.saturating_sub(below);
        if !self.has_payments() || to <= from {
            return;
        }
        let mut blocks = Vec::new();
        let mut at = ancestor(node.tip, height - to, &bodies);
        for _ in from..to {
            blocks.push(at);
            at = ancestor(at, 1, &bodies);
        }
        for block in blocks.into_iter().rev() {
            for transaction in &bodies.get(block).transactions {
                if node.pool.confirm(transaction) {
                    self.is_confirmed(*transaction, block, cx);
                }
            }
        }
    }

    fn is_confirmed(&self, transaction: Transaction, block: Shared, cx: &mut impl Context<Self>) {
        if self.observes(cx.id()) {
            cx.output(NakamotoOutput::Confirmed { transaction, block: block.id() });
        }
        if transaction.payer == cx.id() {
            let took = cx.now().since(transaction.made);
            cx.record(NakamotoMetric::Confirmation, took.0);
        }
        let is_attack = self.is_attacker(transaction.payer) && !transaction.is_twin;
        if self.payee() == Some(cx.id()) && is_attack {
            self.ship(transaction, cx);
        }
    }

    /// The payee of an attack delivers what was paid for.
    fn ship(&self, transaction: Transaction, cx: &mut impl Context<Self>) {
        let NodeId(payer) = transaction.payer;
        if payer < cx.nodes() {
            cx.send(transaction.payer, NakamotoMessage::Shipped { transaction });
        }
    }
}
