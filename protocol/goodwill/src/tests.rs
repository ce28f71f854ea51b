//! Whole networks, on the pump.

mod basics;
mod deploys;
mod economy;
mod hunt;
mod schedules;

use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Check, Configure, Message, NodeId, RunFacts, Span, Time};

use crate::Goodwill;
use crate::chain::block_of;
use crate::ledger::Ledger;
use crate::message::GoodwillMessage;
use crate::node::{Full, Node};

/// A protocol for so many nodes, with some values set.
pub(crate) fn goodwill(nodes: u32, kind: Option<&str>, set: &[(&str, Value)]) -> Goodwill {
    let mut values = Values::of::<Goodwill>();
    if let Some(kind) = kind {
        let kind = Goodwill::ADVERSARIES.iter().find(|one| one.name == kind).expect("known");
        values.set_adversary(kind);
    }
    set.iter().for_each(|(name, value)| values.set(name, *value));
    let mut protocol = Goodwill::configure(&values).expect("consistent");
    protocol.fit(nodes, 1).expect("enough nodes");
    protocol
}

pub(crate) fn count(name: &'static str, count: u64) -> (&'static str, Value) {
    (name, Value::Count(count))
}

pub(crate) fn number(name: &'static str, number: f64) -> (&'static str, Value) {
    (name, Value::Number(number))
}

pub(crate) fn share(name: &'static str, share: f64) -> (&'static str, Value) {
    (name, Value::Share(share))
}

pub(crate) fn word(name: &'static str, word: &'static str) -> (&'static str, Value) {
    (name, Value::Choice(word))
}

/// Far beyond the end.
pub(crate) const LONG: Time = Time(10_000_000_000_000_000);

/// Runs to the end, with delays of 20 ms; nothing may be wrong.
pub(crate) fn run(protocol: Goodwill, nodes: u32, seed: u64) -> (Pump<Goodwill>, RunFacts) {
    let mut pump = Pump::new(protocol, nodes).seed(seed).delay(Span::from_millis(20));
    let facts = pump.run(LONG);
    assert_eq!(pump.findings(), []);
    (pump, facts)
}

pub(crate) fn full(pump: &Pump<Goodwill>, node: u32) -> &Full {
    match pump.node(NodeId(node)) {
        Some(Node::Full(full)) => full,
        other => panic!("not a full node that is up: {other:?}"),
    }
}

/// The state at a node's tip.
pub(crate) fn ledger(pump: &Pump<Goodwill>, node: u32) -> Ledger {
    let tip = block_of(pump.bodies(), full(pump, node).tip);
    tip.worked.kept().expect("worked out").ledger.clone()
}

/// Messages of a kind.
pub(crate) fn sent(facts: &RunFacts, name: &str) -> u64 {
    let place = GoodwillMessage::KINDS.iter().position(|kind| *kind == name).expect("a kind");
    facts.totals.messages_by_kind[place]
}

pub(crate) fn checked(protocol: &Goodwill, facts: &RunFacts, name: &str) -> Check {
    let checks = protocol.checks(facts);
    checks.into_iter().find(|check| check.name.starts_with(name)).expect("made")
}

/// Who forged in which slot, by a node's chain.
pub(crate) fn chain(pump: &Pump<Goodwill>, node: u32) -> std::collections::BTreeMap<u32, u32> {
    let mut at = Some(full(pump, node).tip);
    let mut slots = std::collections::BTreeMap::new();
    while let Some(handle) = at {
        let block = block_of(pump.bodies(), handle);
        if block.parent.is_some() {
            slots.insert(block.header.slot, block.header.forger.0);
        }
        at = block.parent;
    }
    slots
}
