//! Who compared timelines first is asked again, and only for what it has not answered, and not for
//! ever; whose settled timeline turns out to be another draws anew.

use super::*;
use crate::roles::payer::Step;
use crate::tests::malformed::kit::{OTHER, START};
use crate::timeline::{self, Batch, EventKind, Tip};

type M = WitnessMessage;
/// As often as one is put off, at most: four times for each witness.
const MOST: usize = 80;

impl Net {
    /// The end of a comparison of timelines in which nothing was missing.
    fn compared(&mut self, with: NodeId, of: NodeId) -> Vec<M> {
        let batch = self.share(WitnessBody::Batch(Batch { known: 0, events: [].into() }));
        self.says(with, of, M::Rest { batch })
    }

    /// Asked again each time, until it is enough.
    fn assert_asked_for_a_while(&mut self, with: NodeId, of: NodeId, expected: M) {
        let answers: Vec<_> = (0..2 * MOST).map(|_| self.compared(with, of)).collect();
        let asked = answers.iter().filter(|answer| **answer == [expected]).count();
        assert!((MOST - 3..=MOST).contains(&asked), "{asked}: {expected:?}");
        assert!(answers[asked..].iter().all(Vec::is_empty), "and then no more");
    }
}

#[test]
fn a_payer_asks_again_what_was_not_answered() {
    let paying = |kind: &'static str| {
        let mut net = Net::at(START);
        net.pay(PAYER, PAYEE, 500_000);
        let held = net.hold(|message| M::KINDS[message.kind()] == kind);
        (net, held)
    };
    let (mut net, held) = paying("here");
    assert_eq!(net.compared(held[0].0, PAYER), []);
    let (mut net, held) = paying("agree");
    let M::Agree { contract, .. } = held[0].2 else { panic!("{held:?}") };
    assert_eq!(net.compared(OTHER, PAYER), []);
    net.assert_asked_for_a_while(PAYEE, PAYER, M::Propose { contract });

    let (mut net, held) = paying("promise");
    let M::Promise { contract, .. } = held[0].2 else { panic!("{held:?}") };
    net.deliver(held[0].0, PAYER, held[0].2);
    assert_eq!(net.compared(held[0].0, PAYER), [], "it has promised");
    assert_eq!(net.compared(PAYEE, PAYER), []);
    net.assert_asked_for_a_while(held[1].0, PAYER, M::Ask { contract, source: 0 });

    let (mut net, held) = paying("accept");
    let M::Accept { receipt } = held[0].2 else { panic!("{held:?}") };
    assert_eq!(net.compared(OTHER, PAYER), []);
    net.assert_asked_for_a_while(PAYEE, PAYER, M::Pay { receipt });
}

#[test]
fn an_owner_asks_again_those_who_have_not_signed() {
    for (kind, old) in [("renewed", true), ("carried", false)] {
        let mut net = Net::at(START);
        let (node, world) = (&mut net.nodes[PAYER.index()], &mut net.worlds[PAYER.index()]);
        net.witness.open_wallet(node, world);
        let fund = node.wallet.funds.pop().expect("its first");
        net.witness.begin_rollover(node, (fund, 0), None, world);
        net.take_effects(PAYER);
        let held = net.hold(|message| M::KINDS[message.kind()] == kind);
        net.deliver(held[0].0, PAYER, held[0].2);
        assert_eq!(net.compared(held[0].0, PAYER), [], "it has answered");
        assert_eq!(net.compared(PAYEE, PAYER), [], "no witness");
        let expected = match held[1].2 {
            M::Renewed { rollover, .. } if old => M::Renew { rollover },
            M::Carried { rollover } => M::Carry { rollover },
            other => panic!("{other:?}"),
        };
        net.assert_asked_for_a_while(held[1].0, PAYER, expected);
    }
}

/// Somebody learns of an event that was settled when the payment began.
#[test]
fn a_payer_that_lacked_something_settled_draws_anew() {
    for (kind, redraws) in [("here", 1), ("agree", 1), ("promise", 0)] {
        let mut net = Net::at(START);
        let author = net.witness.genesis.verifier(60);
        let old = net.stamped_event(author, EventKind::Pause, Time(START.0 / 2), None);
        let old = net.share(WitnessBody::Event(old));
        let tip: Tip = net.timeline(&[old]);
        net.pay(PAYER, PAYEE, 500_000);
        let held = net.hold(|message| M::KINDS[message.kind()] == kind);
        let batch = net.share(WitnessBody::Batch(Batch { known: 0, events: [old].into() }));
        let from = if kind == "agree" { PAYEE } else { held[0].0 };
        net.deliver(from, PAYER, M::Rest { batch });
        assert_eq!(net.nodes[PAYER.index()].timeline, tip);
        // While it draws it looks only once the draw is complete.
        if kind == "here" {
            for (from, to, message) in held {
                net.deliver(from, to, message);
            }
        }
        assert_eq!(net.of(WitnessMetric::Redraws), redraws, "{kind}");
        let step = &net.nodes[PAYER.index()].paying[0].step;
        assert_eq!(matches!(step, Step::Choosing(_)), redraws > 0, "{kind}");
        if redraws > 0 {
            // On the other timeline, with all that it has to be asked.
            let order = net.drawn((PAYER, PAYEE), [tip; 2], &[], 20);
            let greeted: Vec<NodeId> = net.queue.iter().map(|(_, to, _)| *to).collect();
            assert_eq!(greeted[greeted.len() - 20..], order, "{kind}");
            for node in &mut net.nodes {
                node.timeline = tip;
            }
            net.run(|_, _| {});
            assert_eq!(net.of(WitnessMetric::HandedOver), 1, "{kind}");
            net.assert_conserved();
        }
    }
}

/// A verifier that says it knows another settled timeline is compared with before the draw counts.
#[test]
fn a_payer_compares_before_it_draws_up_the_contract() {
    let mut net = Net::at(START);
    net.pay(PAYER, PAYEE, 500_000);
    let mut held = net.hold(|message| matches!(message, M::Here { .. }));
    let M::Here { settled, .. } = &mut held[3].2 else { panic!("{held:?}") };
    *settled += 1;
    let other = held[3].0;
    for (from, to, message) in &held {
        net.deliver(*from, *to, *message);
    }
    let [(PAYER, to, M::Probe { .. })] = net.queue.make_contiguous() else {
        panic!("one probe: {:?}", net.queue)
    };
    assert_eq!(*to, other);
    net.queue.clear();
    let batch = net.share(WitnessBody::Batch(Batch { known: 0, events: [].into() }));
    let said = net.says(held[0].0, PAYER, M::Since { batch });
    assert!(matches!(said[..], [M::Rest { .. }]), "of another: {said:?}");
    let said = net.says(other, PAYER, M::Since { batch });
    assert!(matches!(said[..], [M::Rest { .. }, M::Propose { .. }]), "{said:?}");
    // Or the comparison has its time.
    let mut net = Net::at(START);
    net.pay(PAYER, PAYEE, 500_000);
    let held = net.hold(|message| matches!(message, M::Here { .. }));
    for (from, to, mut message) in held {
        if let (true, M::Here { settled, .. }) = (from == other, &mut message) {
            *settled += 1;
        }
        net.deliver(from, to, message);
    }
    net.queue.clear();
    let timer = |payment, group| WitnessTimer::Greeting { payment, group };
    net.fire(PAYER, timer(1, u16::MAX), START);
    assert!(net.queue.is_empty());
    net.fire(PAYER, timer(0, u16::MAX), START);
    assert!(matches!(net.queue.make_contiguous(), [(PAYER, PAYEE, M::Propose { .. })]));
    net.queue.clear();
    net.fire(PAYER, timer(0, u16::MAX), START);
    assert!(net.queue.is_empty(), "it is over");
    // Another tip alone is repaired beside the payment, once.
    let mut net = Net::at(START);
    net.pay(PAYER, PAYEE, 500_000);
    for (from, to, mut message) in net.hold(|message| matches!(message, M::Here { .. })) {
        if let M::Here { tip, .. } = &mut message {
            *tip += 1;
        }
        net.deliver(from, to, message);
    }
    let [(_, _, one), (_, _, two)] = net.queue.make_contiguous() else { panic!("two") };
    assert!(matches!((one, two), (M::Probe { .. }, M::Propose { .. })));
}

/// Who has paused or left since is passed over; who was convicted since is not.
#[test]
fn a_payer_passes_over_who_is_away() {
    let mut net = Net::at(START);
    let order = net.drawn((PAYER, PAYEE), [None; 2], &[], 24);
    let lately = Time(START.0 - 3_600_000_000_000);
    let mut events = Vec::new();
    for (at, kind) in [(2, EventKind::Pause), (5, EventKind::Leave), (9, EventKind::Resume)] {
        let event = net.stamped_event(order[at], kind, lately, None);
        events.push(net.share(WitnessBody::Event(event)));
    }
    let tip = net.timeline(&events);
    net.nodes.iter_mut().for_each(|node| node.timeline = tip);
    net.pay(PAYER, PAYEE, 500_000);
    let greeted: Vec<NodeId> = net.queue.iter().map(|(_, to, _)| *to).collect();
    let expected = [&order[..2], &order[3..5], &order[6..22]].concat();
    assert_eq!((greeted, net.of(WitnessMetric::PassedOver)), (expected, 2));
    net.run(|_, _| {});
    assert_eq!((net.of(WitnessMetric::HandedOver), net.of(WitnessMetric::Skips)), (1, 0));
    let fund = net.nodes[PAYEE.index()].wallet.funds[0];
    let history = net.selection(fund.selection).history;
    assert_eq!((history.passed.len(), history.list, history.time), (2, None, START));
    assert!(history.passed.iter().all(|event| events.contains(event)));
    assert_eq!(timeline::length(tip, &net.bodies.clone()), 3);
}
