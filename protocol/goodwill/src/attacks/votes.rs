//! Bought votes and captured associations.

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Context as _, Protocol as _};

use super::full;
use crate::associations::Status;
use crate::block::Item;
use crate::chain::block_of;
use crate::ledger::Ledger;
use crate::message::GoodwillMessage;
use crate::metric::GoodwillMetric as M;
use crate::node::{Full, Node};
use crate::transaction::{Payload, Payment, Transaction};
use crate::{Goodwill, Timer};

/// A key that bids the least, says yes to scams and no to all others.
#[derive(Debug)]
pub(super) struct Sybil;

impl Behaviour<Goodwill> for Sybil {
    fn on_timer(
        &mut self,
        honest: &Goodwill,
        node: &mut Node,
        timer: Timer,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        honest.on_timer(node, timer, cx);
        let (Timer::Window { window }, Some(full)) = (timer, full(node)) else { return };
        let bodies = cx.bodies();
        let Some(outcome) = honest.outcome(block_of(&bodies, full.tip), &bodies) else { return };
        for (one, place) in outcome.ledger.associations.iter().zip(0u32..) {
            if matches!(one.status, Status::Asked { .. }) && !one.votes.contains_key(&cx.id().0) {
                cx.record(M::Attacks, 1);
                honest.make(full, Payload::Vote { association: place, yes: one.is_scam }, cx);
            }
        }
        // And gives to a scam that nobody has approved.
        let all = || outcome.ledger.associations.iter().zip(0u32..);
        let scam = all().find(|(one, _)| one.is_scam && !one.is_admitted());
        if let Some((_, association)) = scam {
            cx.record(M::Attacks, 1);
            let window = window.saturating_add(2);
            let payload = Payload::Bid { association, amount: honest.least_bid, window };
            let mut bid = Transaction::new(cx.id().0, full.nonce, payload, honest.law.covers_all);
            bid.is_attack = true;
            full.nonce = full.nonce.saturating_add(1);
            let handle = honest.sign_and_share(bid, cx);
            honest.on_transaction(full, None, handle, cx);
        }
    }
}

/// A forger that gives to itself, by an association of its own key and by one of its accomplice's.
#[derive(Debug)]
pub(super) struct Captor {
    kickback: f64,
}

impl Captor {
    pub(super) fn new(kickback: f64) -> Self {
        Self { kickback }
    }

    /// The two associations that it holds: the last two that were there from the start.
    fn captured(honest: &Goodwill) -> (u32, u32) {
        (honest.associations, honest.associations + 1)
    }

    /// The best reply of a forger that gets a part back: √(VX/c) − X.
    fn best_bid(&self, honest: &Goodwill, ledger: &Ledger, own: u32) -> u64 {
        let table = &ledger.tables[1];
        let others = (table.total() - table.weight(own)) as f64;
        let value = f64::from(honest.window) * honest.reward as f64;
        let cost = (1.0 - self.kickback).max(1e-6);
        ((value * others / cost).sqrt() - others).max(honest.least_bid as f64).round() as u64
    }

    fn bid(&self, honest: &Goodwill, node: &mut Full, window: u32, cx: &mut Tap<'_, '_, Goodwill>) {
        let bodies = cx.bodies();
        let Some(outcome) = honest.outcome(block_of(&bodies, node.tip), &bodies) else { return };
        let own = cx.id().0;
        node.nonce = outcome.ledger.accounts.get(own).nonce.max(node.nonce);
        let (of_own_key, of_accomplice) = Self::captured(honest);
        let amount = self.best_bid(honest, &outcome.ledger, own);
        let window = window.saturating_add(2);
        let payload = Payload::Bid { association: of_accomplice, amount, window };
        honest.make(node, payload, cx);
        // And once to itself, openly.
        cx.record(M::Attacks, 1);
        let payload = Payload::Bid { association: of_own_key, amount: honest.least_bid, window };
        let mut own_key = Transaction::new(own, node.nonce, payload, honest.law.covers_all);
        own_key.is_attack = true;
        node.nonce = node.nonce.saturating_add(1);
        let handle = honest.sign_and_share(own_key, cx);
        honest.tell_neighbours(None, GoodwillMessage::Transaction { transaction: handle }, cx);
        honest.on_transaction(node, None, handle, cx);
    }

    /// The accomplice gives back a part of what the association was given.
    fn give_back(&self, honest: &Goodwill, node: &mut Full, cx: &mut Tap<'_, '_, Goodwill>) {
        let bodies = cx.bodies();
        let Some(outcome) = honest.outcome(block_of(&bodies, node.tip), &bodies) else { return };
        let (_, association) = Self::captured(honest);
        let account = honest.account_of(association);
        let held = outcome.ledger.accounts.get(account);
        let amount = (held.balance as f64 * self.kickback) as u64;
        if amount == 0 {
            return;
        }
        let mut back = Transaction::new(account, held.nonce, Payload::None, honest.law.covers_all);
        back.signer = cx.id();
        // The rest is spent where nobody asks: destroyed, so that what comes back is this part of each gift.
        let rest = held.balance - amount;
        let last = honest.forgers() - 1;
        back.outputs = Box::new([
            Payment { to: last, amount },
            Payment { to: honest.account_of(0), amount: rest },
        ]);
        back.made = cx.now();
        back.signature = cx.sign(&back.digest(cx.scenario()));
        let handle = cx.share(Item::Transaction(back.into()));
        honest.tell_neighbours(None, GoodwillMessage::Transaction { transaction: handle }, cx);
        honest.on_transaction(node, None, handle, cx);
    }
}

impl Behaviour<Goodwill> for Captor {
    fn on_timer(
        &mut self,
        honest: &Goodwill,
        node: &mut Node,
        timer: Timer,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        let is_last = cx.id().0 + 1 == honest.forgers();
        match (timer, full(node)) {
            (Timer::Window { window }, Some(full)) => {
                honest.await_window(window.saturating_add(1), cx);
                if is_last {
                    self.bid(honest, full, window, cx);
                } else {
                    self.give_back(honest, full, cx);
                }
            }
            _ => honest.on_timer(node, timer, cx),
        }
    }
}
