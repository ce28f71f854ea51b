//! Funds over several of their periods.

use crate::tests::witness;
use crate::{Witness, WitnessMetric};
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, NodeId, RunFacts, Span, Time};

const NODES: u32 = 120;
/// Of a fund's period.
const PERIOD: Span = Span::from_secs(600);
const SHORT: [(&str, Value); 4] = [
    ("rollover_period", Value::Span(PERIOD)),
    ("time_to_consistency", Value::Span(Span::from_secs(60))),
    ("timeout", Value::Span(Span::from_secs(2))),
    ("leniency", Value::Span(Span::from_secs(60))),
];

fn run(settings: &[(&'static str, Value)], loss: f64, periods: u64) -> (Pump<Witness>, RunFacts) {
    let all: Vec<_> = SHORT.iter().chain(settings).copied().collect();
    let mut pump = Pump::new(witness(NODES, &all), NODES).delay(Span::from_millis(50)).loss(loss);
    let facts = pump.run(Time::ZERO + PERIOD * periods);
    for check in pump.protocol().checks(&facts) {
        let rejections = check.name == "honest selections rejected";
        assert!(check.ok || rejections, "{check:?}\n{:?}", facts.totals);
    }
    (pump, facts)
}

fn rate(per_hour: f64) -> (&'static str, Value) {
    ("workload.rate", Value::Number(per_hour))
}

/// Without a payment every fund rolls over again and again, and none is lost.
#[test]
fn funds_at_rest_roll_over() {
    let (pump, facts) = run(&[rate(0.0)], 0.0, 4);
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    // Four periods of rollovers after a half to nine tenths of one.
    let users = u64::from(NODES - 2);
    assert!((3 * users..8 * users).contains(&of(WitnessMetric::Rollovers)), "{:?}", facts.totals);
    assert_eq!((of(WitnessMetric::ExpiredFunds), of(WitnessMetric::Refused)), (0, 0));
    assert_eq!(of(WitnessMetric::RolloversFailed), 0);
    for id in 2..NODES {
        let node = pump.node(NodeId(id)).expect("up");
        assert_eq!(node.wallet.funds.len() + node.paying.len(), 1);
        // About 20 of 59 verifiers watch each of 118 funds, and as many did before.
        assert!(node.book.len() <= 118);
    }
}

/// Payments go on from funds that have rolled over, their withdrawals carried along.
#[test]
fn what_rolled_over_can_be_spent() {
    let (_, facts) = run(&[rate(60.0)], 0.0, 4);
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    assert!(of(WitnessMetric::Rollovers) > 500, "{:?}", facts.totals);
    let (begun, done) = (of(WitnessMetric::Started), of(WitnessMetric::Final));
    assert!(begun > 4_000 && done * 100 > begun * 99, "{:?}", facts.totals);
    assert_eq!(of(WitnessMetric::ExpiredFunds), 0);
    assert!(of(WitnessMetric::Earned) > 0);
}

/// Nobody rolls over: at the end of its period everything expires, exactly once.
#[test]
fn what_is_not_rolled_over_expires() {
    let settings = [rate(20.0), ("workload.rollovers", Value::Share(0.0))];
    let (pump, facts) = run(&settings, 0.0, 4);
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    assert!(of(WitnessMetric::ExpiredFunds) >= u64::from(NODES - 2));
    assert_eq!(of(WitnessMetric::Rollovers), 0);
    // What is left is in funds that were paid with others shortly before those expired, and so on.
    let wallets = (2..NODES).map(|id| &pump.node(NodeId(id)).expect("up").wallet);
    let left: u64 = wallets.flat_map(|w| w.funds.iter().map(|fund| fund.amount)).sum();
    assert_eq!(of(WitnessMetric::Held), left + of(WitnessMetric::Earned), "{:?}", facts.totals);
    let endowed = of(WitnessMetric::Issued) - of(WitnessMetric::Staked);
    assert!(of(WitnessMetric::Expired) > endowed / 100 * 99);
}

/// With losses payments fail and leave promises; what they locked comes back when it rolls over.
#[test]
fn losses_are_survived_and_locks_end() {
    let (pump, facts) = run(&[rate(60.0)], 0.25, 3);
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    assert!(of(WitnessMetric::Rollovers) > 100, "{:?}", facts.totals);
    assert!(of(WitnessMetric::Rejected) > 0, "{:?}", facts.totals);
    let reserved = of(WitnessMetric::Reserved);
    assert!(reserved < of(WitnessMetric::Issued), "not below zero: {reserved}");
    drop(pump);
}

/// Some roll over and others do not, under the original's rules too.
#[test]
fn the_rules_of_the_seed_roll_over_too() {
    let some = ("workload.rollovers", Value::Share(0.7));
    let (_, facts) = run(&[rate(30.0), some, ("rules", Value::Choice("seed"))], 0.02, 3);
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    assert!(of(WitnessMetric::Rollovers) > 100 && of(WitnessMetric::ExpiredFunds) > 30);
    assert!(of(WitnessMetric::Held) < of(WitnessMetric::Issued), "{:?}", facts.totals);
}
