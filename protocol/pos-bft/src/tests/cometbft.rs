//! Beside what CometBFT's developers report of 200 machines in one data centre (`docs/references/qa`, v0.38 and v1):
//! default configuration, 175 validators and 20 full nodes that dial ten others, transactions of 1 kB.
//!
//! `cargo test --release -p anthill-pos-bft --lib -- --ignored --nocapture cometbft` prints the figures.

use anthill_protocol::parameter::Value;
use anthill_protocol::{NodeId, Span, Time};

use super::normal::{decisions, fitted, pump, raw};
use crate::messages::ChainMetric;
use crate::node::Node;

/// Blocks a minute, the mean time from a transaction to its receipt in seconds, and which part of the
/// transactions had one.
fn measured(
    (validators, full_nodes): (u64, u64),
    rate: u64,
    heights: u64,
) -> (f64, Option<f64>, f64) {
    let users = 4 * rate;
    let changes = [
        ("heights", Value::Count(heights)),
        ("relay", Value::Choice("gossip")),
        ("full_nodes", Value::Count(full_nodes)),
        ("users", Value::Count(users)),
        ("max_validators", Value::Count(validators)),
        ("execution", Value::Choice("transfer")),
        ("workload.rate", Value::Number(rate as f64)),
        ("workload.bytes", Value::Count(1_024)),
    ];
    let protocol = fitted(raw(&changes), (validators + full_nodes + users) as u32);
    let mut pump = pump(protocol).delay(Span::from_millis(1));
    let facts = pump.run(Time::ZERO + Span::from_secs(heights * 10));
    let all = decisions(&pump, 3);
    // The first heights have fewer transactions than come later.
    let first = all.len() / 3;
    let between = (all[all.len() - 1].0 - all[first].0) / 1_000.0;
    let blocks = (all.len() - 1 - first) as f64 * 60.0 / between;
    let ids =
        (validators + full_nodes..validators + full_nodes + users).map(|id| NodeId(id as u32));
    let took: Vec<f64> = ids
        .filter_map(|id| match pump.node(id) {
            Some(Node::User(user)) => Some(user.took.iter().map(|it| it.as_secs_f64())),
            _ => None,
        })
        .flatten()
        .collect();
    let latency = (!took.is_empty()).then(|| took.iter().sum::<f64>() / took.len() as f64);
    let made = facts.totals.of(ChainMetric::Transactions);
    (blocks, latency, took.len() as f64 / made.max(1) as f64)
}

/// Whether a figure is within a quarter of another.
fn is_near(figure: f64, reported: f64) -> bool {
    (figure / reported - 1.0).abs() < 0.25
}

/// 41 blocks a minute.
#[test]
fn ten_validators_are_as_fast_as_those_of_cometbft() {
    let (blocks, ..) = measured((10, 0), 0, 30);
    eprintln!("10 validators: {blocks:.1} blocks a minute, reported 41");
    assert!(is_near(blocks, 41.0), "{blocks}");
}

/// 1.441 s at 25 transactions a second.
#[test]
#[ignore = "minutes: 20 million messages"]
fn a_little_load_takes_as_long_as_in_cometbft() {
    let (blocks, latency, _) = measured((175, 20), 25, 12);
    let latency = latency.expect("receipts");
    eprintln!("175 validators, 25/s: {blocks:.1} blocks a minute; {latency:.3} s, reported 1.441");
    assert!(is_near(latency, 1.441), "{latency}");
}

/// At 400 transactions a second v1 makes 20 to 40 blocks a minute, v0.38 19.5, and no more are taken: those
/// machines are busy, and ours are not.
#[test]
#[ignore = "minutes: 50 million messages"]
fn a_full_load_is_taken_as_by_cometbft() {
    let (blocks, latency, done) = measured((175, 20), 400, 10);
    let latency = latency.expect("receipts");
    eprintln!("175 validators, 400/s: {blocks:.1} blocks a minute, {latency:.3} s, {done:.3} done");
    assert!(is_near(blocks, 30.0), "{blocks}");
    // Those of the last two blocks' time are on their way.
    assert!(done > 0.7, "{done}");
}
