//! A stream with one violation each is caught; the same stream without it passes.

use anthill_protocol::judge::{Finding, Panel, RunEnd, Said, Setting};
use anthill_protocol::{Configure as _, Key, NodeId, Span, Time};

use super::judges;
use crate::Raft;
use crate::messages::{Command, Entry, RaftOutput};
use anthill_protocol::parameter::Values;

use RaftOutput::*;

fn said(time: u64, node: u32, output: RaftOutput) -> Said<RaftOutput> {
    let node = NodeId(node);
    Said {
        at: Key { time: Time(time), target: node, tie: 0, source: node, sequence: 0 },
        node,
        output,
    }
}

/// Ten nodes in two groups of five; node 9 restarts with its state after the first half.
fn judged(stream: &[(u32, RaftOutput)]) -> Vec<Finding> {
    let raft = Raft::configure(&Values::of::<Raft>()).expect("defaults");
    let setting = Setting { delta: Some(Span(100)), ..Setting::of(10, Time::MAX) };
    let mut panel = Panel::new(judges(&raft, &setting));
    for (time, (node, output)) in stream.iter().enumerate() {
        panel.hear(&said(time as u64, *node, *output));
    }
    panel.end(&RunEnd { time: Time(1_000), nodes: 10, excused: &[] });
    panel.findings()
}

#[track_caller]
fn passes(stream: &[(u32, RaftOutput)]) {
    assert_eq!(judged(stream), []);
}

#[track_caller]
fn fails(stream: &[(u32, RaftOutput)], judge: &str, about: &str) {
    let findings = judged(stream);
    let finding = findings.iter().find(|finding| finding.judge == judge);
    let finding = finding.unwrap_or_else(|| panic!("{findings:?}"));
    assert!(finding.about.ends_with(about), "{}", finding.about);
    assert!(!finding.expected && finding.breaches == 1, "{finding:?}");
}

fn applied(index: u32, term: u32) -> RaftOutput {
    let entry = Entry { term, command: Command::Noop };
    Applied { group: 0, index, entry, fresh: false, digest: u64::from(index * 100 + term) }
}

fn done(index: u32, client: u32, number: u32, fresh: bool) -> RaftOutput {
    let entry = Entry { term: 1, command: Command::Request { client: NodeId(client), number } };
    Applied { group: 0, index, entry, fresh, digest: u64::from(index) }
}

fn voted(term: u32, candidate: u32) -> RaftOutput {
    Voted { term, candidate: NodeId(candidate) }
}

fn persisted(term: u32, voted: Option<u32>, last: (u32, u32)) -> RaftOutput {
    Persisted { group: 0, term, voted: voted.map(NodeId), last }
}

fn leader(term: u32, applied: u32, last: u32) -> RaftOutput {
    Leader { group: 0, term, applied, last }
}

fn committed(index: u32, term: u32, took: Option<u64>) -> RaftOutput {
    Committed { group: 0, index, term, took: took.map(Span) }
}

#[test]
fn one_leader_a_term() {
    let other = Leader { group: 1, term: 1, applied: 0, last: 0 };
    passes(&[(0, leader(1, 0, 0)), (5, other), (1, leader(2, 0, 0))]);
    fails(&[(0, leader(1, 0, 0)), (1, leader(1, 0, 0))], "election safety", "at 1ns");
}

#[test]
fn one_vote_a_term_and_terms_never_fall() {
    passes(&[(0, voted(1, 2)), (0, persisted(1, Some(2), (0, 0))), (0, voted(2, 1))]);
    passes(&[(0, voted(1, 0)), (0, leader(1, 0, 0)), (0, persisted(3, None, (0, 0)))]);
    let twice = [(0, voted(1, 2)), (0, voted(1, 3))];
    fails(&twice, "votes are kept", "it votes otherwise than before, for n2");
    let forgot = [(0, voted(1, 2)), (0, persisted(1, None, (0, 0)))];
    fails(&forgot, "votes are kept", "it remembers otherwise than before, for n2");
    let fell = [(0, voted(4, 2)), (0, persisted(3, Some(2), (0, 0)))];
    fails(&fell, "votes are kept", "it was in term 4 before");
}

#[test]
fn one_log_in_order_and_each_entry_once() {
    let installed = Installed { group: 0, index: 2, digest: 201 };
    let good = [(0, applied(1, 1)), (0, applied(2, 1)), (1, applied(1, 1)), (2, installed)];
    passes(&good);
    fails(&[(0, applied(2, 1)), (0, applied(3, 1))], "one log", "position 1 was to come");
    let again = [(0, applied(1, 1)), (0, applied(1, 1))];
    fails(&again, "one log", "position 2 was to come");
    let other = [(0, applied(1, 1)), (1, applied(1, 2))];
    fails(&other, "one log", "digest: 102 } at 1ns");
    let wrong = Installed { group: 0, index: 2, digest: 9 };
    fails(&[good[0], good[1], (2, wrong)], "one log", "digest: 9 } at 2ns");
    fails(&[good[0], good[1], (0, installed)], "one log", "it has applied 2 positions");
    fails(&[good[0], (2, installed)], "one log", "nobody has applied that");
    let lost = [good[0], good[1], (0, persisted(1, None, (1, 1)))];
    fails(&lost, "one log", "it has applied 2 positions");
    passes(&[good[0], good[1], (0, persisted(1, None, (1, 2)))]);
}

#[test]
fn requests_are_done_once_and_only_if_made() {
    let asked = |number| (3, Asked { number });
    passes(&[
        asked(1),
        (0, done(1, 3, 1, true)),
        (0, done(2, 3, 1, false)),
        (1, done(1, 3, 1, true)),
    ]);
    let twice = [asked(1), (0, done(1, 3, 1, true)), (0, done(2, 3, 1, true))];
    fails(&twice, "done once", "it was done before");
    let never = [asked(1), (0, done(1, 3, 1, false))];
    fails(&never, "done once", "it was not done before");
    fails(&[asked(1), (0, done(1, 3, 2, true))], "done once", "nobody has asked for it");
    fails(&[asked(1), (0, done(1, 8, 1, true))], "done once", "nobody has asked for it");
    fails(&[(0, done(1, 99, 1, true))], "done once", "there is no such client");
}

#[test]
fn a_later_leader_holds_what_was_committed() {
    let start =
        [(0, leader(1, 0, 0)), (0, committed(2, 1, None)), (0, applied(1, 1)), (0, applied(2, 1))];
    let with = |more: &[(u32, RaftOutput)]| [&start[..], more].concat();
    let holds = |index, of| (1, Holds { index, of });
    passes(&with(&[holds(1, 1), (1, leader(2, 0, 2))]));
    passes(&with(&[holds(2, 1), holds(3, 3), (1, leader(4, 1, 3))]));
    let about = "it lacks the committed entry 2";
    fails(&with(&[holds(1, 1), (1, leader(2, 0, 1))]), "leader completeness", about);
    fails(&with(&[holds(1, 1), holds(2, 2), (1, leader(3, 0, 2))]), "leader completeness", about);
    // Who leads an older term, and says so late, need not.
    let late = [(0, leader(5, 0, 0)), (0, committed(1, 5, None)), (0, applied(1, 5))];
    passes(&[&late[..], &[(1, leader(4, 0, 0))]].concat());
}

#[test]
fn commits_take_two_delays() {
    passes(&[(0, committed(1, 1, Some(200))), (0, committed(2, 1, None))]);
    let slow = [(0, committed(1, 1, Some(201)))];
    fails(&slow, "commit in two delays", "it took 201ns, two delays are 200ns");
}

#[test]
fn a_group_without_a_leader_is_found_at_its_deadline() {
    let raft = Raft::configure(&Values::of::<Raft>()).expect("defaults");
    let delta = Span::from_millis(100);
    let setting = Setting { delta: Some(delta), ..Setting::of(10, Time::MAX) };
    // Ten elections of 2.4 s, after at most one delay.
    for (end, judged, breaches) in [(20, false, 0.0), (60, true, 1.0)] {
        let mut panel = Panel::new(judges(&raft, &setting));
        panel.hear(&said(5, 0, leader(1, 0, 0)));
        let time = Time::ZERO + Span::from_secs(end);
        let checks = panel.end(&RunEnd { time, nodes: 10, excused: &[] });
        let check = checks.iter().find(|check| check.name == "a leader in time").expect("one");
        assert_eq!((check.not_judged.is_none(), check.measured), (judged, breaches), "{check:?}");
    }
}

#[test]
fn a_leader_from_before_the_network_was_stable_has_to_commit_something() {
    let raft = Raft::configure(&Values::of::<Raft>()).expect("defaults");
    let at = |seconds| Time::ZERO + Span::from_secs(seconds);
    let delta = Some(Span::from_millis(100));
    let setting = Setting { delta, stable_from: at(100), ..Setting::of(5, Time::MAX) };
    for (time, breaches) in [(50, 1.0), (101, 0.0)] {
        let mut panel = Panel::new(judges(&raft, &setting));
        panel.hear(&said(5, 0, leader(1, 0, 0)));
        panel.hear(&said(at(time).0, 0, committed(1, 1, None)));
        let checks = panel.end(&RunEnd { time: at(1_000), nodes: 5, excused: &[] });
        let check = checks.iter().find(|check| check.name == "a leader in time").expect("one");
        assert_eq!((check.measured, check.expected_violation), (breaches, false), "{check:?}");
    }
}
