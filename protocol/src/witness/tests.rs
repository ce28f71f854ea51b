//! Whole payments under the mini-simulation.

use super::*;
use crate::Time;
use crate::parameter::Value;
use crate::recording::Pump;

fn witness(nodes: u32, settings: &[(&'static str, Value)]) -> Witness {
    let mut values = Values::defaults(Witness::PARAMETERS);
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

fn assert_conserved(facts: &RunFacts) {
    let protocol = witness(200, &[]);
    for check in protocol.checks(facts) {
        assert!(check.ok, "{check:?}\n{:?}", facts.totals);
    }
}

#[test]
fn payments_run_from_the_draw_to_the_hand_over() {
    let protocol = witness(200, &[("interval", Value::Span(Span::from_secs(100)))]);
    let mut pump = Pump::new(protocol, 200).delay(Span::from_millis(50));
    let facts = pump.run(Time::ZERO + Span::from_secs(300));
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    assert!(of(WitnessMetric::Started) > 400, "{:?}", facts.totals);
    assert!(of(WitnessMetric::Final) + 10 >= of(WitnessMetric::Started), "{:?}", facts.totals);
    assert!(of(WitnessMetric::HandedOver) + 10 >= of(WitnessMetric::Final));
    assert_eq!(of(WitnessMetric::Rejected) + of(WitnessMetric::Refused), 0, "{:?}", facts.totals);
    assert_conserved(&facts);
}
