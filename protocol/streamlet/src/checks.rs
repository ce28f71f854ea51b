//! Counts of finished runs beside their closed forms.

use anthill_protocol::{Check, RunFacts};

use crate::Streamlet;
use crate::messages::StreamletMetric;

/// Mean and variance of the number of epochs until three in a row have an honest leader, if each has one
/// with probability `p` (Feller 1968, XIII.7).
pub(crate) fn wait_for_three(p: f64) -> (f64, f64) {
    let (q, p3) = (1.0 - p, p * p * p);
    if q <= 0.0 {
        return (3.0, 0.0);
    }
    let mean = (1.0 - p3) / (q * p3);
    let variance = (1.0 / (q * p3)).powi(2) - 7.0 / (q * p3) - p / (q * q);
    (mean, variance.max(0.0))
}

pub(crate) fn checks(streamlet: &Streamlet, facts: &RunFacts) -> Vec<Check> {
    if !facts.quiescent || facts.nodes == 0 {
        return Vec::new();
    }
    let of = |metric: StreamletMetric| facts.totals.of(metric) as f64;
    let mut checks = honest(streamlet, facts);
    let held = streamlet.attack.as_ref().map(|attack| (attack.is_mute(), attack.held(streamlet)));
    if let Some((true, held)) = held {
        let nodes = f64::from(facts.nodes);
        let (mean, variance) = wait_for_three((nodes - f64::from(held)) / nodes);
        // All nodes wait for the same epochs.
        let waits = (of(StreamletMetric::Waits) / nodes).max(1.0);
        // The last wait is cut off: what is finished is shorter by about mean / waits.
        let cut = (variance + mean * mean) / (2.0 * mean * waits);
        let measured = of(StreamletMetric::WaitEpochs) / of(StreamletMetric::Waits).max(1.0);
        let sd = (variance / waits).sqrt() + cut / 4.9;
        let (name, bound) = ("mean wait for three new honest epochs", "some are mute, all else in time");
        let check = Check::normal(name, bound, measured, mean, sd);
        let in_time = of(StreamletMetric::Late) == 0.0 && 3 * u64::from(held) < u64::from(facts.nodes);
        checks.push(check.only_if(!facts.disturbed && in_time));
    }
    checks
}


/// Where nobody lies and every message comes within its epoch.
fn honest(streamlet: &Streamlet, facts: &RunFacts) -> Vec<Check> {
    let (nodes, epochs) = (f64::from(facts.nodes), f64::from(streamlet.epochs));
    let in_time = facts.totals.of(StreamletMetric::Late) == 0;
    let exact = |name, measured: u64, expected: f64| {
        let bound = "honest nodes, all messages within their epoch";
        let check = Check::exact(name, bound, measured as f64, expected);
        check.if_undisturbed(facts).only_if(in_time)
    };
    let (name, an_epoch) = if streamlet.echo {
        ("messages: n^3-n an epoch", nodes * nodes * nodes - nodes)
    } else {
        ("messages: n^2-1 an epoch", nodes * nodes - 1.0)
    };
    let of = |metric: StreamletMetric| facts.totals.of(metric);
    vec![
        exact(name, facts.totals.messages, epochs * an_epoch),
        exact("notarised: every epoch's block", of(StreamletMetric::Notarised), epochs * nodes),
        exact("final: all blocks but the last", of(StreamletMetric::Finalized), (epochs - 1.0) * nodes),
    ]
}
