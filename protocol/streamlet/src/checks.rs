//! Counts of finished runs beside their closed forms.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};
use anthill_protocol::{Check, RunFacts};

use crate::Streamlet;
use crate::attacks::{Attack, optimal};
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

/// The same mean for so many in a row.
fn wait_for(row: i32, p: f64) -> f64 {
    let all = p.powi(row);
    (1.0 - all) / (all * (1.0 - p))
}

/// What an epoch costs whose leader is honest and whose messages come in time. Every node notarises its block.
pub(crate) fn theory(streamlet: &Streamlet, nodes: u32) -> Theory {
    let n = f64::from(nodes);
    let (messages, source) = match streamlet.echo {
        true => {
            (n * n * n - n, "n^3 - n an epoch, as all is passed on (Chan and Shi 2020, section 3)")
        }
        false => (n * n - 1.0, "n^2 - 1 an epoch: n - 1 proposals, n(n - 1) votes"),
    };
    let mut laws = vec![
        Law::new(
            Cost::Rounds,
            Relation::Exactly,
            2.0,
            "a block is final with the next epoch's (Chan and Shi 2020, section 3)",
        ),
        Law::new(Cost::Messages, Relation::Exactly, messages, source),
        Law::new(Cost::Bits, Relation::Grows, messages, "all messages are of constant length"),
    ];
    if streamlet.signed {
        let source = "n + 1 an epoch: n votes and the block";
        laws.push(Law::new(Cost::Signatures, Relation::Exactly, n + 1.0, source));
    }
    Theory::of_decisions("notarised", 1, laws)
}

pub(crate) fn checks(streamlet: &Streamlet, facts: &RunFacts) -> Vec<Check> {
    if !facts.quiescent || facts.nodes == 0 {
        return Vec::new();
    }
    let mut checks = honest(streamlet, facts);
    checks.extend(streamlet.attack.as_ref().map(|attack| waits(streamlet, attack, facts)));
    checks
}

/// How long nodes wait for three new epochs in a row, where some lie.
fn waits(streamlet: &Streamlet, attack: &Attack, facts: &RunFacts) -> Check {
    let of = |metric: StreamletMetric| facts.totals.of(metric) as f64;
    let (nodes, held) = (f64::from(facts.nodes), attack.held(streamlet));
    let p = (nodes - f64::from(held)) / nodes;
    let measured = of(StreamletMetric::WaitEpochs) / of(StreamletMetric::Waits).max(1.0);
    let (mean, variance) = wait_for_three(p);
    // All nodes wait for the same epochs, and a last wait is cut off: finished ones are shorter for it.
    let waits = (of(StreamletMetric::Waits) / nodes).max(1.0);
    let cut = (variance + mean * mean) / (2.0 * mean * waits);
    let sd = (variance / waits).sqrt() + cut / 4.9;
    let few = 3 * u64::from(held) < u64::from(facts.nodes) && !facts.disturbed;
    if attack.is_mute() {
        let in_time = facts.totals.of(StreamletMetric::Late) == 0;
        let (name, bound) = ("mean wait for three new epochs", "some are mute, the rest in time");
        return Check::normal(name, bound, measured, mean, sd).only_if(few && in_time);
    }
    // Of one liar among four the worst is known.
    let is_least = facts.nodes == optimal::NODES && held == 1;
    let most = if is_least { optimal::WAIT.0 } else { wait_for(5, p) };
    let check = Check {
        ok: measured <= most + 4.9 * sd * most / mean,
        interval: (mean.min(most), most),
        ..Check::exact(
            if is_least {
                "mean wait for three new epochs: at most what the worst liar makes it"
            } else {
                "mean wait for three new epochs: at most that for five honest ones"
            },
            "fewer than a third lie; echo",
            measured,
            most,
        )
    };
    check.only_if(few && streamlet.echo && attack.keeps_one_state())
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
        exact(
            "final: all blocks but the last",
            of(StreamletMetric::Finalized),
            (epochs - 1.0) * nodes,
        ),
    ]
}
