//! Logs and machines, and the exchange as a whole.

mod absurd;
mod arbitrage;
mod flows;
mod hunted;
mod insiders;
mod normal;
mod oracle;
mod saved;
mod store;

use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, NodeId, RunFacts, Span, Time};

use crate::exchange::{Exchange, Node, ReplicaNode};
use crate::messages::ExchangeMetric;
use crate::state::State;

/// An exchange with some parameters set, fitted to so many replicas.
fn exchange(nodes: u32, set: &[(&str, Value)]) -> Exchange {
    let mut values = Values::of::<Exchange>();
    set.iter().for_each(|(name, value)| values.set(name, *value));
    let mut exchange = Exchange::configure(&values).expect("consistent");
    exchange.fit(nodes, 1).expect("fits");
    exchange
}

fn at(millis: u64) -> Time {
    Time::ZERO + Span::from_millis(millis)
}

fn millis(millis: u64) -> Span {
    Span::from_millis(millis)
}

/// The state of a chain at one of its replicas.
fn state(pump: &Pump<Exchange>, node: u32) -> &State {
    match pump.node(NodeId(node)) {
        Some(Node::Replica(ReplicaNode { chain, .. })) => &chain.state,
        _ => panic!("n{node} is no replica that is up"),
    }
}

/// Judges and checks have found nothing that they did not expect.
#[track_caller]
fn is_sound(pump: &mut Pump<Exchange>, facts: &RunFacts) {
    let found: Vec<_> = pump.findings().into_iter().filter(|it| !it.expected).collect();
    assert!(found.is_empty(), "{found:?}");
    for check in pump.judged().into_iter().chain(pump.protocol().checks(facts)) {
        assert!(check.ok || check.expected_violation, "{check:?}");
    }
}

/// The value of a metric.
fn of(facts: &RunFacts, metric: ExchangeMetric) -> u64 {
    facts.totals.of(metric)
}
