//! Broadcasts as a whole, on the pump.

mod attacks;
mod honest;
mod judging;

use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, Span, Time};

use crate::DolevStrong;
use crate::node::Said;

const MS: Span = Span(1_000_000);
/// Above the pump's delay.
const DELTA: Value = Value::Span(Span(12_000_000));

/// A protocol for so many nodes, f of them faulty.
fn protocol(nodes: u32, faults: u32, settings: &[(&str, Value)]) -> DolevStrong {
    held(None, nodes, faults, settings)
}

/// The same under an adversary.
fn held(kind: Option<&str>, nodes: u32, faults: u32, settings: &[(&str, Value)]) -> DolevStrong {
    let mut values = Values::of::<DolevStrong>();
    values.set("faults", Value::Count(faults.into()));
    values.set("delta", DELTA);
    if let Some(kind) = kind {
        let known = DolevStrong::ADVERSARIES.iter().find(|known| known.name == kind);
        values.set_adversary(known.expect("a known kind"));
    }
    settings.iter().for_each(|(name, value)| values.set(name, *value));
    let mut protocol = DolevStrong::configure(&values).expect("consistent");
    protocol.fit(nodes, 7).expect("fits");
    protocol
}

/// Decisions in order: instance and value.
fn decisions(pump: &Pump<DolevStrong>) -> Vec<(u32, Option<u32>)> {
    let decided = |said: &anthill_protocol::judge::Said<Said>| match said.output {
        Said::Decided { instance, value } => Some((instance, value)),
        Said::Extracted { .. } => None,
    };
    pump.outputs().iter().filter_map(decided).collect()
}

fn is_judged_well(pump: &mut Pump<DolevStrong>) -> bool {
    let checks = pump.judged();
    assert_eq!(checks.len(), 4);
    checks.iter().all(|check| check.ok && !check.expected_violation && check.not_judged.is_none())
}

const END: Time = Time::MAX;
