//! Whole payments under the mini-simulation.

use super::*;
use crate::Time;
use crate::parameter::Value;
use crate::recording::Pump;

fn witness(nodes: u32, settings: &[(&'static str, Value)]) -> Witness {
    let mut values = Values::of::<Witness>();
    values.set("verifiers", Value::Share(0.5));
    values.set("witnesses", Value::Count(20));
    values.set("redundancy", Value::Count(13));
    for (name, value) in settings {
        values.set(name, *value);
    }
    let mut witness = Witness::configure(&values).expect("consistent values");
    witness.fit(nodes, 0).expect("enough verifiers");
    witness
}

/// A run of nothing but attempts on 400 users, half of them verifiers.
fn attacked(settings: &[(&'static str, Value)], adversary: &str) -> (Witness, RunFacts) {
    let mut values = Values::of::<Witness>();
    values.set("verifiers", Value::Share(0.5));
    values.set("witnesses", Value::Count(20));
    values.set("redundancy", Value::Count(13));
    values.set("workload.rate", Value::Number(0.0));
    let kind = adversary::KINDS.iter().find(|kind| kind.name == adversary).expect("known");
    values.set_adversary(kind);
    values.set("adversary.attempts", Value::Count(40));
    for (name, value) in settings {
        values.set(name, *value);
    }
    let mut witness = Witness::configure(&values).expect("consistent values");
    witness.fit(400, 0).expect("enough users");
    let mut pump = Pump::new(witness.clone(), 400).delay(Span::from_millis(50));
    let facts = pump.run(Time::MAX);
    assert_eq!(facts.totals.of(WitnessMetric::Attempts), 40);
    assert_eq!(facts.totals.of(WitnessMetric::Decided), 40);
    for check in witness.checks(&facts) {
        assert!(check.ok || check.expected_violation, "{check:?}\n{:?}", facts.totals);
    }
    (witness, facts)
}

#[test]
fn collusion_succeeds_when_enough_witnesses_are_corrupt() {
    let successes = |fraction| {
        let (_, facts) =
            attacked(&[("adversary.fraction", Value::Share(fraction))], "colluding-witnesses");
        facts.totals.of(WitnessMetric::DoubleSpends)
    };
    // 2·13 − 20 = 6 of 20 are needed: none, some, all attempts.
    assert_eq!(successes(0.0), 0);
    assert!((1..40).contains(&successes(0.3)));
    assert_eq!(successes(1.0), 40);
}

#[test]
fn signing_twice_is_stopped_by_r4_alone() {
    let successes = |settings: &[_]| {
        attacked(settings, "double-signer").1.totals.of(WitnessMetric::DoubleSpends)
    };
    let off = Value::Choice("off");
    assert_eq!(successes(&[]), 0);
    assert_eq!(successes(&[("r4", off)]), 40);
    assert_eq!(successes(&[("r5", off)]), 0);
    assert_eq!(successes(&[("rules", Value::Choice("seed"))]), 40);
    let on = Value::Choice("on");
    assert_eq!(successes(&[("rules", Value::Choice("seed")), ("r4", on)]), 0);
}

#[test]
fn fractions_are_stopped_by_r5_alone() {
    let successes = |settings: &[_]| {
        attacked(settings, "fractional-overspend").1.totals.of(WitnessMetric::DoubleSpends)
    };
    let off = Value::Choice("off");
    assert_eq!(successes(&[]), 0);
    assert_eq!(successes(&[("r4", off)]), 0);
    assert_eq!(successes(&[("r5", off)]), 40);
    assert_eq!(successes(&[("rules", Value::Choice("seed"))]), 40);
}

fn assert_conserved(facts: &RunFacts) {
    let protocol = witness(200, &[]);
    for check in protocol.checks(facts) {
        assert!(check.ok, "{check:?}\n{:?}", facts.totals);
    }
}

#[test]
fn payments_run_from_the_draw_to_the_hand_over() {
    let protocol = witness(200, &[("workload.rate", Value::Number(36.0))]);
    let mut pump = Pump::new(protocol, 200).delay(Span::from_millis(50));
    let facts = pump.run(Time::ZERO + Span::from_secs(300));
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    assert!(of(WitnessMetric::Started) > 400, "{:?}", facts.totals);
    assert!(of(WitnessMetric::Final) + 10 >= of(WitnessMetric::Started), "{:?}", facts.totals);
    assert!(of(WitnessMetric::HandedOver) + 10 >= of(WitnessMetric::Final));
    assert_eq!(of(WitnessMetric::Rejected) + of(WitnessMetric::Refused), 0, "{:?}", facts.totals);
    assert_conserved(&facts);
}
