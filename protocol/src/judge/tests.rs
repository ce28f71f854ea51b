//! A stream with one violation each is caught; the same stream without it passes.

use super::*;
use crate::{Check, Key, Output};

#[derive(Clone, Copy, Debug, Output)]
enum Log {
    Leader { term: u32 },
    Proposed { value: u64 },
    Committed { index: u64, value: u64 },
}

use Log::{Committed, Leader, Proposed};

fn said(time: u64, node: u32, output: Log) -> Said<Log> {
    let node = NodeId(node);
    Said {
        at: Key { time: Time(time), target: node, tie: 0, source: node, sequence: 0 },
        node,
        output,
    }
}

fn leaders() -> impl Rule<Log> {
    one_per(|output: &Log| match output {
        Leader { term } => Some(*term),
        _ => None,
    })
}

fn committed(output: &Log) -> Option<(u64, u64)> {
    match output {
        Committed { index, value } => Some((*index, *value)),
        _ => None,
    }
}

fn log(voices: u32) -> impl Rule<Log> {
    prefix(voices, |output: &Log| committed(output).map(|(index, value)| ((), index, value)))
}

fn proposals() -> impl Rule<Log> {
    let proposed = |output: &Log| match output {
        Proposed { value } => Some(*value),
        _ => None,
    };
    validity(proposed, |output: &Log| committed(output).map(|(_, value)| value))
}

/// What one judge says of a stream of (time, node, output).
fn judged(rule: impl Rule<Log> + 'static, stream: &[(u64, u32, Log)]) -> (Vec<Finding>, Check) {
    let mut panel = Panel::new(vec![Judge::new("rule", rule)]);
    for (time, node, output) in stream {
        panel.hear(&said(*time, *node, *output));
    }
    let mut checks = panel.end(&RunEnd { time: Time(1_000), nodes: 3, excused: &[NodeId(2)] });
    (panel.findings(), checks.remove(0))
}

#[track_caller]
fn passes(rule: impl Rule<Log> + 'static, stream: &[(u64, u32, Log)]) {
    let (findings, check) = judged(rule, stream);
    assert!(findings.is_empty() && check.ok && check.not_judged.is_none(), "{findings:?}");
}

#[track_caller]
fn fails(rule: impl Rule<Log> + 'static, stream: &[(u64, u32, Log)], about: &str) {
    let (findings, check) = judged(rule, stream);
    assert_eq!(findings[0].about, about);
    assert_eq!((check.ok, check.measured), (false, findings[0].breaches as f64));
    assert!(!check.expected_violation);
}

#[test]
fn one_leader_a_term() {
    let (a, b) = (Leader { term: 1 }, Leader { term: 2 });
    passes(leaders(), &[(1, 0, a), (2, 0, a), (3, 1, b)]);
    let about = "n0: Leader { term: 1 } at 1ns; n1: Leader { term: 1 } at 3ns";
    fails(leaders(), &[(1, 0, a), (2, 0, b), (3, 1, a)], about);
}

#[test]
fn one_value_a_key() {
    let (a, b) = (Committed { index: 5, value: 1 }, Committed { index: 5, value: 2 });
    passes(agreement(committed), &[(1, 0, a), (2, 1, a), (3, 1, a)]);
    let about =
        "n0: Committed { index: 5, value: 1 } at 1ns; n1: Committed { index: 5, value: 2 } at 2ns";
    fails(agreement(committed), &[(1, 0, a), (2, 1, b)], about);
}

#[test]
fn a_log_is_said_in_order_and_once() {
    let entry = |index, value| Committed { index, value };
    let whole =
        [(1, 0, entry(1, 7)), (2, 1, entry(1, 7)), (3, 1, entry(2, 8)), (4, 0, entry(2, 8))];
    for voices in [1, 2, 3] {
        passes(log(voices), &whole);
    }
    let about = "n0: Committed { index: 2, value: 7 } at 1ns: position 1 of its log was to come";
    fails(log(2), &[(1, 0, entry(2, 7))], about);
    // Also what all have passed already.
    let again = [(1, 0, entry(1, 7)), (2, 1, entry(1, 7)), (3, 0, entry(1, 7))];
    let about = "n0: Committed { index: 1, value: 7 } at 3ns: position 2 of its log was to come";
    fails(log(2), &again, about);
    let about =
        "n0: Committed { index: 1, value: 7 } at 1ns; n1: Committed { index: 1, value: 9 } at 2ns";
    fails(log(2), &[(1, 0, entry(1, 7)), (2, 1, entry(1, 9))], about);
}

#[test]
fn who_lost_its_state_begins_anew() {
    let entry = |index| Committed { index, value: 7 };
    for (keeps_state, breaches) in [(false, 0), (true, 1)] {
        let mut panel = Panel::new(vec![Judge::new("log", log(2))]);
        panel.hear(&said(1, 0, entry(1)));
        panel.hear(&said(2, 0, entry(2)));
        panel.restarted(NodeId(0), keeps_state);
        panel.hear(&said(3, 0, entry(1)));
        panel.hear(&said(4, 0, entry(2)));
        assert_eq!(panel.findings().len(), breaches, "kept: {keeps_state}");
    }
}

#[test]
fn nothing_is_decided_that_nobody_proposed() {
    let (proposed, decided) = (Proposed { value: 4 }, Committed { index: 1, value: 4 });
    passes(proposals(), &[(1, 0, proposed), (2, 1, decided)]);
    let about = "n1: Committed { index: 1, value: 4 } at 2ns: nobody proposed it";
    fails(proposals(), &[(2, 1, decided), (3, 0, proposed)], about);
}

#[test]
fn a_deadline_is_kept_or_not_judged() {
    let leads = Leader { term: 1 };
    let by = |deadline| {
        eventually_by(Time(deadline), (0..3).map(NodeId), |output: &Log| {
            matches!(output, Leader { .. })
        })
    };
    // Node 2 is excused.
    passes(by(500), &[(1, 0, leads), (500, 1, leads)]);
    fails(by(500), &[(1, 0, leads), (501, 1, leads)], "n1 has not by 500ns");
    let (findings, check) = judged(by(1_000), &[(1, 0, leads)]);
    assert!(findings.is_empty());
    let why = "the run ends at 1us, before the deadline 1us";
    assert_eq!(check.not_judged.as_deref(), Some(why));
}

#[test]
fn outside_its_bound_a_breach_is_a_measurement() {
    for within in [true, false] {
        let judge = Judge::new("election safety", leaders()).bound("no state is lost", within);
        let mut panel = Panel::new(vec![judge]);
        for (time, node) in [(1, 0), (2, 1), (3, 2)] {
            panel.hear(&said(time, node, Leader { term: 1 }));
        }
        assert!(panel.has_findings());
        let finding = panel.findings().remove(0);
        assert_eq!((finding.breaches, finding.expected), (2, !within));
        assert_eq!(finding.event.map(|key| key.time), Some(Time(2)));
        let check = panel.end(&RunEnd { time: Time(9), nodes: 3, excused: &[] }).remove(0);
        assert_eq!((check.bound, check.measured), ("no state is lost", 2.0));
        assert_eq!((check.ok, check.expected_violation), (false, !within));
    }
}

#[test]
fn too_much_to_remember_is_not_judged() {
    let mut panel = Panel::new(vec![Judge::new("agreement", agreement(committed))]);
    for index in 0..=HORIZON as u64 {
        panel.hear(&said(index, 0, Committed { index, value: 0 }));
    }
    let check = panel.end(&RunEnd { time: Time(9), nodes: 3, excused: &[] }).remove(0);
    assert_eq!(check.not_judged.as_deref(), Some("more than 1048576 keys at once"));
}
