//! When an owner looks after its funds, and what becomes of them then.

use super::*;
use crate::node::WitnessNode;
use crate::tests::malformed::kit::START;

const PERIOD: u64 = 30 * 86_400_000_000_000;

/// The instant for which a node with nothing else sets its timer.
fn scheduled(witness: &Witness, id: NodeId, now: Time) -> Vec<Time> {
    let mut world = Recording::new(id, NODES).at(now);
    let mut node = WitnessNode::default();
    witness.schedule_maintenance(&mut node, &mut world);
    assert_eq!(node.next_maintenance, world.timers().first().copied().unwrap_or(Time::MAX));
    world.timers()
}

/// Between a half and nine tenths of the period, each fund at a moment of its own.
#[test]
fn funds_roll_over_at_moments_of_their_own() {
    let mut witness = Net::new().witness;
    let moments = |witness: &Witness| -> Vec<u64> {
        (2..NODES).map(|id| scheduled(witness, NodeId(id), Time::ZERO)[0].0).collect()
    };
    let found = moments(&witness);
    let (half, end) = (PERIOD / 2, PERIOD / 10 * 9);
    assert!(found.iter().all(|moment| (half..end).contains(moment)));
    let thirds = [0, 1, 2].map(|third| {
        let from = half + (end - half) / 3 * third;
        found.iter().filter(|moment| (from..from + (end - half) / 3).contains(*moment)).count()
    });
    assert!(thirds.iter().all(|count| *count > 40), "{thirds:?}");
    witness.rollovers = 0.0;
    assert!(moments(&witness).iter().all(|moment| *moment == PERIOD), "they expire");
    witness.rollovers = 0.5;
    let some = moments(&witness).iter().filter(|moment| **moment == PERIOD).count();
    assert!((70..130).contains(&some), "{some}");
    for id in [0, 1] {
        assert_eq!(scheduled(&witness, NodeId(id), Time::ZERO), [], "it has none");
    }
    // What was due and is not done is tried again later, but not beyond the end.
    witness.rollovers = 1.0;
    let soon = PERIOD / 64 + 1;
    let late = Time(PERIOD / 10 * 9);
    assert_eq!(scheduled(&witness, PAYER, late), [Time(late.0 + soon)]);
    let later = Time(PERIOD - 5);
    assert_eq!(scheduled(&witness, PAYER, later), [Time(PERIOD)]);
    assert_eq!(scheduled(&witness, PAYER, Time(PERIOD + 7)), [Time(PERIOD + 7)], "at once");
}

#[test]
fn a_timer_is_set_for_what_is_due_first() {
    let net = Net::new();
    let mut world = Recording::new(PAYER, NODES).bodies_of(net.bodies.clone());
    let mut node = WitnessNode { next_maintenance: Time(9), ..WitnessNode::default() };
    net.witness.schedule_maintenance(&mut node, &mut world);
    assert_eq!(
        (world.timers(), node.next_maintenance),
        (vec![], Time(9)),
        "there is an earlier one"
    );
    node.next_maintenance = Time::MAX;
    net.witness.schedule_maintenance(&mut node, &mut world);
    let first = node.next_maintenance;
    assert_eq!(world.timers(), [first]);
    world.clear();
    // A fund of another moment, and one that is locked until then.
    node.next_maintenance = Time::MAX;
    net.witness.open_wallet(&mut node, &mut world);
    let fund = node.wallet.funds[0];
    let ready = Time(first.0 - 1);
    let locked = crate::book::Locked { fund, reserved: 0, void: None, ready };
    node.wallet.locked.push(locked);
    net.witness.schedule_maintenance(&mut node, &mut world);
    assert_eq!(world.timers(), [ready]);
    world.clear();
    node.wallet.funds.clear();
    node.wallet.locked[0].ready = Time::MAX;
    node.next_maintenance = Time::MAX;
    net.witness.schedule_maintenance(&mut node, &mut world);
    assert_eq!(world.timers(), [Time(PERIOD)], "it can only expire");
}

/// At its moment a fund rolls over, at its end it is gone; before that nothing happens.
#[test]
fn a_fund_is_looked_after_at_its_moment() {
    let moment = scheduled(&Net::new().witness, PAYER, Time::ZERO)[0];
    let at = |now: Time, is_open: bool, rollovers: f64| {
        let mut net = Net::at(START);
        net.witness.rollovers = rollovers;
        if is_open {
            let (node, world) = (&mut net.nodes[PAYER.index()], &mut net.worlds[PAYER.index()]);
            net.witness.open_wallet(node, world);
        }
        net.fire(PAYER, WitnessTimer::Maintain, now);
        net.assert_conserved();
        let of = |metric| net.of(metric);
        (of(WitnessMetric::RolloversStarted), of(WitnessMetric::ExpiredFunds))
    };
    for is_open in [false, true] {
        assert_eq!(at(Time(moment.0 - 1), is_open, 1.0), (0, 0));
        assert_eq!(at(moment, is_open, 1.0), (1, 0));
        assert_eq!(at(Time(PERIOD - 1), is_open, 1.0), (1, 0));
        assert_eq!(at(Time(PERIOD), is_open, 1.0), (0, 1));
        assert_eq!(at(Time(PERIOD - 1), is_open, 0.0), (0, 0), "it is not to roll over");
        assert_eq!(at(Time(PERIOD), is_open, 0.0), (0, 1));
    }
    // By when it was entrusted to its witnesses, not by the beginning.
    let mut net = Net::at(START);
    net.pay(PAYER, PAYEE, 500_000);
    net.run(|_, _| {});
    let fund = net.nodes[PAYEE.index()].wallet.funds[0];
    net.nodes[PAYEE.index()].wallet.opened = true;
    net.nodes[PAYEE.index()].wallet.funds = vec![fund];
    net.fire(PAYEE, WitnessTimer::Maintain, Time(START.0 + PERIOD / 2 - 1));
    assert_eq!(net.of(WitnessMetric::RolloversStarted), 0);
    net.fire(PAYEE, WitnessTimer::Maintain, Time(START.0 + PERIOD / 10 * 9));
    assert_eq!(net.of(WitnessMetric::RolloversStarted), 1);
}

/// What is locked begins to roll over when it may, and is gone with what was reserved at the end.
#[test]
fn what_is_locked_waits_until_it_may_be_voided() {
    let locked = |now: Time| {
        let mut net = Net::at(START);
        net.pay(PAYER, PAYEE, 500_000);
        net.hold(|message| matches!(message, WitnessMessage::Promise { .. }));
        let timer = WitnessTimer::Payer { payment: 0, step: 2, tries: 4 };
        net.fire(PAYER, timer, START);
        let before = (net.of(WitnessMetric::Held), net.of(WitnessMetric::Reserved));
        net.fire(PAYER, WitnessTimer::Maintain, now);
        net.assert_conserved();
        let after = (net.of(WitnessMetric::Held), net.of(WitnessMetric::Reserved));
        let lost = (before.0 - after.0, before.1 - after.1);
        (net.of(WitnessMetric::RolloversStarted), net.of(WitnessMetric::ExpiredFunds), lost)
    };
    let terms = Net::new().witness.terms;
    let ready = START + terms.time_to_consistency + terms.timeout;
    assert_eq!(locked(Time(ready.0 - 1)), (0, 0, (0, 0)));
    assert_eq!(locked(ready), (1, 0, (0, 0)));
    let endowment = Net::new().witness.endowment;
    assert_eq!(locked(Time(PERIOD)), (0, 1, (endowment - 501_000, 501_000)));
}
