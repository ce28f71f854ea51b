//! Streamlet as a whole, on the pump.

mod attacks;
mod honest;
mod judging;

use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Check, Configure, Span, Time};

use crate::Streamlet;
use crate::messages::Said;

const MS: Span = Span(1_000_000);
/// Above the pump's delay of 10 ms.
const DELTA: u64 = 12_000_000;
const EPOCH: u64 = 2 * (DELTA + 1);
const END: Time = Time::MAX;

fn count(name: &'static str, value: u64) -> (&'static str, Value) {
    (name, Value::Count(value))
}

const ECHO: (&str, Value) = ("echo", Value::Flag(true));
const UNSIGNED: (&str, Value) = ("signed", Value::Flag(false));

/// A protocol for so many nodes, under an adversary.
fn held(
    kind: Option<&str>,
    (nodes, faults): (u32, u32),
    seed: u64,
    settings: &[(&str, Value)],
) -> Streamlet {
    let mut values = Values::of::<Streamlet>();
    values.set("faults", Value::Count(faults.into()));
    values.set("delta", Value::Span(Span(DELTA)));
    if let Some(kind) = kind {
        let known = Streamlet::ADVERSARIES.iter().find(|known| known.name == kind);
        values.set_adversary(known.expect("a known kind"));
    }
    settings.iter().for_each(|(name, value)| values.set(name, *value));
    let mut streamlet = Streamlet::configure(&values).expect("consistent");
    streamlet.fit(nodes, seed).expect("fits");
    streamlet
}

fn honest(nodes: u32, seed: u64, settings: &[(&str, Value)]) -> Streamlet {
    held(None, (nodes, 0), seed, settings)
}

fn judged(pump: &mut Pump<Streamlet>) -> Vec<Check> {
    let checks = pump.judged();
    assert_eq!(checks.len(), 4);
    checks
}

/// All of them hold, within their bounds; liveness may have had no row to look at.
fn is_judged_well(pump: &mut Pump<Streamlet>) -> bool {
    judged(pump).iter().all(|check| {
        let lacks_rows = check.name.starts_with("a new block") && check.not_judged.is_some();
        check.ok && !check.expected_violation && check.not_judged.is_none() || lacks_rows
    })
}

/// Final blocks of a node, in order.
fn finals(pump: &Pump<Streamlet>, node: u32) -> Vec<(u32, u64)> {
    let said = pump.outputs().iter().filter(|said| said.node.0 == node);
    let is_final = |output| match output {
        Said::Final { block, height, .. } => Some((height, block)),
        Said::Notarised { .. } => None,
    };
    said.filter_map(|said| is_final(said.output)).collect()
}
