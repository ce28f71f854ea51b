//! Whatever happens to a dialogue, in the end a node retains what its state has handles of, and
//! nothing else.

use super::*;
use crate::rules::MAX_TRIES;
use crate::tests::malformed::kit::START;
use crate::timeline::EventKind;

type M = WitnessMessage;

impl Net {
    /// Nodes with nothing under way retain what their states have.
    fn assert_kept(&self, name: &str) {
        let mut busy = 0;
        for (node, world) in self.nodes.iter().zip(&self.worlds) {
            let claims = node.guilt.as_ref().map_or(0, |guilt| guilt.claiming.len());
            if node.paying.len() + node.receiving.len() + claims > 0 || node.authoring.is_some() {
                busy += 1;
            } else {
                let (found, id) = (world.retained(), world.id());
                assert_eq!(found, node.handles() as i64, "{name}: {id}, {node:?}");
            }
        }
        assert!(busy <= 1, "{name}: {busy} are busy");
        self.assert_conserved();
    }

    /// Some messages never arrive; then the timers of a node fire until it gives up.
    fn lose(&mut self, kind: &str, of: NodeId) {
        let lost = self.hold(|message| M::KINDS[message.kind()] == kind);
        assert!(!lost.is_empty(), "{kind}");
        let late = self.now() + self.witness.terms.leniency + Span(1);
        let steps = (0..6).map(|step| WitnessTimer::Payer { payment: 0, step, tries: MAX_TRIES });
        let node = &self.nodes[of.index()];
        let mut timers: Vec<WitnessTimer> = steps.collect();
        timers.extend(node.receiving.first().into_iter().flat_map(|receiving| {
            let fund = receiving.fund;
            [0, 1].map(|step| WitnessTimer::Payee { fund, step, tries: MAX_TRIES })
        }));
        let event = node.authoring.as_ref().map(|authoring| authoring.event().id());
        timers.extend(event.map(|event| WitnessTimer::Stamps { event, tries: MAX_TRIES }));
        timers.into_iter().for_each(|timer| self.fire(of, timer, late));
        self.queue.clear();
    }
}

fn paying() -> Net {
    let mut net = Net::at(START);
    net.pay(PAYER, PAYEE, 500_000);
    net
}

#[test]
fn payments_keep_what_they_made() {
    let mut net = paying();
    net.run(|_, _| {});
    net.assert_kept("paid");
    // From two funds, of which one is used up.
    net.pay(PAYEE, NodeId(7), net.witness.endowment);
    net.run(|_, _| {});
    assert_eq!(net.of(WitnessMetric::HandedOver), 2);
    net.assert_kept("paid from two");
    // Three withdrawals cost gas, of which witnesses have some already.
    assert_eq!(net.of(WitnessMetric::Reserved), 0);
    let earned = net.of(WitnessMetric::Earned);
    assert_eq!(net.of(WitnessMetric::Gas) + earned, 3_000);
    net.pay(PAYER, PAYEE, net.witness.endowment - 502_000);
    net.run(|_, _| {});
    assert_eq!(net.of(WitnessMetric::HandedOver), 3);
    net.assert_kept("used up");
    for (kind, of) in [
        ("agree", PAYER),
        ("promise", PAYER),
        ("accept", PAYER),
        ("settled", PAYEE),
        ("kept", PAYEE),
    ] {
        let mut net = paying();
        net.lose(kind, of);
        net.assert_kept(kind);
    }
    for why in [Refusal::State, Refusal::Time] {
        let mut net = paying();
        for (_, _, message) in net.hold(|message| matches!(message, M::Accept { .. })) {
            let M::Accept { receipt } = message else { panic!("{message:?}") };
            let contract = net.bodies.get(receipt).receipt().expect("one").contract;
            net.deliver(PAYEE, PAYER, M::Refuse { contract, source: u8::MAX, why });
        }
        net.assert_kept("refused");
    }
    // Signatures that do not hold are asked for again, by payer and payee.
    let mut net = paying();
    let fund = net.first_fund_of(PAYER);
    let bad = net.selection(fund.selection).witnesses[4];
    net.run(|from, message| {
        if let M::Promise { signature, .. } | M::Settled { signature, .. } = message
            && from == bad
        {
            *signature = Signature([7; 64]);
        }
    });
    assert_eq!(net.of(WitnessMetric::HandedOver), 1);
    net.assert_kept("signed badly");
}

/// A crash without state ends what is under way; with it nothing changes.
#[test]
fn crashes_let_go_of_what_was_under_way() {
    for kind in ["here", "agree", "promise", "accept", "settled", "kept"] {
        let mut net = paying();
        net.hold(|message| M::KINDS[message.kind()] == kind);
        for of in [PAYER, PAYEE] {
            for keep in [true, false] {
                let (node, world) = (&mut net.nodes[of.index()], &mut net.worlds[of.index()]);
                net.witness.restart(node, keep, world);
                net.take_effects(of);
                net.queue.clear();
                let is_busy = !net.nodes[PAYER.index()].paying.is_empty()
                    || !net.nodes[PAYEE.index()].receiving.is_empty();
                assert!(is_busy || !keep || of == PAYEE, "{kind}");
            }
        }
        assert!(net.nodes.iter().all(|node| node.paying.is_empty() && node.receiving.is_empty()));
        net.assert_kept(kind);
    }
}

#[test]
fn rollovers_keep_what_they_made() {
    let rolling = || {
        let mut net = Net::at(START);
        let (node, world) = (&mut net.nodes[PAYER.index()], &mut net.worlds[PAYER.index()]);
        net.witness.open_wallet(node, world);
        let fund = node.wallet.funds.pop().expect("its first");
        net.witness.begin_rollover(node, (fund, 0), None, world);
        net.take_effects(PAYER);
        net
    };
    let mut net = rolling();
    net.run(|_, _| {});
    assert_eq!(net.of(WitnessMetric::Rollovers), 1);
    net.assert_kept("rolled over");
    for kind in ["renewed", "carried"] {
        let mut net = rolling();
        net.lose(kind, PAYER);
        assert_eq!(net.of(WitnessMetric::RolloversFailed), 1);
        net.assert_kept(kind);
    }
    // What was promised in vain is voided.
    let mut net = paying();
    let terms = net.witness.terms;
    net.lose("promise", PAYER);
    net.assert_kept("locked");
    net.set_now(START + terms.time_to_consistency + terms.timeout);
    let now = net.now();
    net.fire(PAYER, WitnessTimer::Maintain, now);
    net.run(|_, _| {});
    assert_eq!(net.of(WitnessMetric::Rollovers), 1);
    net.assert_kept("voided");
    net.fire(PAYER, WitnessTimer::Maintain, START + terms.rollover_period * 2);
    assert_eq!(net.of(WitnessMetric::ExpiredFunds), 1);
    net.assert_kept("expired");
}

#[test]
fn joins_and_leaves_keep_what_they_made() {
    let joining = || {
        let mut net = Net::at(START);
        let (node, world) = (&mut net.nodes[PAYER.index()], &mut net.worlds[PAYER.index()]);
        net.witness.begin_join(node, world);
        net.take_effects(PAYER);
        net
    };
    let mut net = joining();
    net.run(|_, _| {});
    assert_eq!(net.of(WitnessMetric::Joins), 1);
    net.assert_kept("joined");
    for kind in ["promise", "settled"] {
        let mut net = joining();
        net.lose(kind, PAYER);
        assert_eq!(net.of(WitnessMetric::JoinsFailed), 1, "{kind}");
        net.assert_kept(kind);
    }
    let mut net = joining();
    net.lose("stamped", PAYER);
    let late = net.now() + net.witness.terms.leniency + Span(1);
    net.assert_kept("not stamped");
    net.fire(PAYER, WitnessTimer::Stake, late);
    assert_eq!(net.of(WitnessMetric::JoinsFailed), 1);
    net.assert_kept("too late to join");
    let mut net = Net::at(START);
    let leaver = net.witness.genesis.verifier(3);
    let (node, world) = (&mut net.nodes[leaver.index()], &mut net.worlds[leaver.index()]);
    net.witness.announce(node, EventKind::Leave, world);
    net.take_effects(leaver);
    net.run(|_, _| {});
    assert_eq!(net.of(WitnessMetric::Leaves), 1);
    net.assert_kept("left");
}
