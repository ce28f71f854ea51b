//! A row per check of an owner whose fund rolls over.

use super::*;
use crate::roles::payer::Step;
use crate::tests::malformed::rollovers::{LATER, Rolling};

type M = WitnessMessage;
const BAD: Signature = Signature([7; 64]);

/// How the owner's rollover stands.
fn step(net: &Net) -> (&'static str, usize) {
    let Some(paying) = net.nodes[PAYEE.index()].paying.first() else { return ("ended", 0) };
    match &paying.step {
        Step::Choosing(_) => ("choosing", 0),
        Step::Renewing(_) => ("renewing", 0),
        Step::Carrying { kept, .. } => ("carrying", kept.count_ones() as usize),
        _ => ("paying", 0),
    }
}

fn rolling_over() -> Net {
    let Rolling { mut net, .. } = Rolling::new();
    let (node, world) = (&mut net.nodes[PAYEE.index()], &mut net.worlds[PAYEE.index()]);
    let fund = node.wallet.funds.pop().expect("one");
    net.witness.begin_rollover(node, (fund, 0), None, world);
    net.take_effects(PAYEE);
    net
}

#[test]
fn an_owner_counts_each_old_and_new_witness_once() {
    let mut net = rolling_over();
    let held = net.hold(|message| matches!(message, M::Renewed { .. }));
    assert_eq!((held.len(), step(&net)), (20, ("renewing", 0)));
    let ignored = |net: &mut Net, name: &str, from: NodeId, message: M| {
        let before = step(net);
        assert_eq!(net.says(from, PAYEE, message), [], "{name}");
        assert_eq!(step(net), before, "{name}");
    };
    let (first, _, M::Renewed { rollover, signature }) = held[0] else { panic!("{held:?}") };
    let contract = net.contract(|_| {});
    let stranger = (0..99).map(|rank| net.witness.genesis.verifier(rank));
    let stranger = { stranger }.find(|id| held.iter().all(|(from, ..)| from != id)).expect("one");
    let renewed = |signature| M::Renewed { rollover, signature };
    for _ in 0..13 {
        ignored(&mut net, "a forged one", first, renewed(BAD));
        ignored(&mut net, "of another", held[1].0, renewed(signature));
    }
    ignored(&mut net, "no witness", stranger, renewed(signature));
    ignored(&mut net, "nothing of this", first, M::Renewed { rollover: contract, signature });
    ignored(&mut net, "not yet carried", first, M::Carried { rollover });
    for (from, _, message) in &held[..12] {
        ignored(&mut net, "twelve", *from, *message);
        ignored(&mut net, "twice", *from, *message);
    }
    // Too young or too late is no refusal; the others of twenty are not enough to end it.
    let refuse = |why| M::Refuse { contract: rollover, source: u8::MAX, why };
    for (from, ..) in &held[12..] {
        ignored(&mut net, "later", *from, refuse(Refusal::Promised));
        ignored(&mut net, "late", *from, refuse(Refusal::Time));
    }
    for (from, ..) in &held[13..] {
        for _ in 0..2 {
            ignored(&mut net, "seven", *from, refuse(Refusal::State));
        }
    }
    ignored(&mut net, "no witness", stranger, refuse(Refusal::State));
    net.deliver(held[12].0, PAYEE, held[12].2);
    assert_eq!(step(&net), ("carrying", 0));
    let asked: Vec<_> = net.queue.drain(..).collect();
    assert_eq!(asked.len(), 20);
    let M::Carry { rollover: signed } = asked[0].2 else { panic!("{asked:?}") };
    assert_eq!(net.bodies.get(signed).rollover().expect("one").signed.len(), 13);
    ignored(&mut net, "too late", held[13].0, held[13].2);
    ignored(&mut net, "no witness", stranger, M::Carried { rollover: signed });
    ignored(&mut net, "of what was asked", asked[0].1, M::Carried { rollover });
    for (count, (_, new, _)) in (1..).zip(&asked) {
        net.deliver(*new, PAYEE, M::Carried { rollover: signed });
        assert_eq!(step(&net), if count < 20 { ("carrying", count) } else { ("ended", 0) });
        assert_eq!(net.of(WitnessMetric::Rollovers), u64::from(count >= 13), "{count}");
        let has_it = net.nodes[PAYEE.index()].wallet.funds.len();
        assert_eq!(has_it, usize::from(count >= 13));
        ignored(&mut net, "twice", *new, M::Carried { rollover: signed });
    }
    net.assert_conserved();
}

#[test]
fn a_rollover_that_too_many_refuse_or_nobody_answers_is_given_up() {
    let mut net = rolling_over();
    let held = net.hold(|message| matches!(message, M::Renewed { .. }));
    let M::Renewed { rollover, .. } = held[0].2 else { panic!("{held:?}") };
    for (count, (from, ..)) in (1..).zip(&held[..8]) {
        assert_eq!(step(&net), ("renewing", 0), "{count}");
        let why = Refusal::Undeclared;
        net.deliver(*from, PAYEE, M::Refuse { contract: rollover, source: u8::MAX, why });
    }
    assert_eq!((step(&net).0, net.of(WitnessMetric::RolloversFailed)), ("ended", 1));
    let [locked] = net.nodes[PAYEE.index()].wallet.locked[..] else { panic!("locked") };
    assert_eq!((locked.ready, locked.fund.amount), (Time::MAX, 500_000));

    // Nobody is there to be drawn: nobody was asked to sign, and it may be begun anew.
    let Rolling { mut net, .. } = Rolling::new();
    net.witness.availability = 0.0;
    let (node, world) = (&mut net.nodes[PAYEE.index()], &mut net.worlds[PAYEE.index()]);
    let fund = node.wallet.funds.pop().expect("one");
    net.witness.begin_rollover(node, (fund, 7), None, world);
    net.take_effects(PAYEE);
    let payment = net.nodes[PAYEE.index()].paying[0].number;
    for group in 0..10 {
        net.run(|_, _| {});
        net.fire(PAYEE, WitnessTimer::Greeting { payment, group }, LATER);
    }
    assert_eq!((step(&net).0, net.of(WitnessMetric::RolloversFailed)), ("ended", 1));
    let [locked] = net.nodes[PAYEE.index()].wallet.locked[..] else { panic!("locked") };
    let again = Span(net.witness.terms.rollover_period.0 / 64);
    assert_eq!((locked.fund, locked.reserved, locked.ready), (fund, 7, LATER + again));

    let leniency = Net::new().witness.terms.leniency;
    for (until, number) in [("renewed", 4), ("carried", 5)] {
        let mut net = rolling_over();
        let held = net.hold(|message| M::KINDS[message.kind()] == until);
        for (from, to, message) in &held[..5] {
            net.deliver(*from, *to, *message);
        }
        let payment = net.nodes[PAYEE.index()].paying[0].number;
        let timer = |step, tries| WitnessTimer::Payer { payment, step, tries };
        net.fire(PAYEE, timer(9 - number, 1), LATER);
        assert_eq!(net.queue.len(), 0, "of the other step");
        net.fire(PAYEE, timer(number, 77), LATER + leniency);
        let asked: Vec<NodeId> = net.queue.drain(..).map(|(_, to, _)| to).collect();
        let missing: Vec<NodeId> = held[5..].iter().map(|(from, ..)| *from).collect();
        assert_eq!(asked, missing);
        net.fire(PAYEE, timer(number, 1), LATER + leniency + Span(1));
        assert_eq!((step(&net).0, net.of(WitnessMetric::RolloversFailed)), ("ended", 1), "{until}");
        net.assert_conserved();
    }
}
