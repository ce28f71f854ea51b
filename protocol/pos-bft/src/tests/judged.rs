//! Each judge on a stream of outputs that is right, and on the same with one thing wrong.

use anthill_protocol::judge::{Judge, Panel, RunEnd, Said, Setting};
use anthill_protocol::parameter::Value;
use anthill_protocol::{Key, NodeId, Span, Time};

use super::normal::chain;
use crate::judges;
use crate::messages::ChainOutput::{
    self as Says, Committed, Evidence, Locked, Proposed, Slashed, Trusted, Unlocked,
};

/// A block of a chain in which nothing is minted.
fn block(height: u32, name: u64, parent: u64) -> Says {
    let (state, held, issued) = (name + 5, 4_000_000, 4_000_000);
    Committed { height, round: 0, block: name, parent, state, held, issued }
}

/// What four validators and a light client (node 4) say, at seconds: two blocks, of which the second costs
/// validator 3 its absence, and validator 2 a change of mind that it accounts for.
fn stream() -> Vec<(u64, u32, Says)> {
    let mut all = vec![
        (0, 0, Proposed { height: 1, round: 0, block: 10 }),
        (1, 2, Locked { height: 1, round: 0, block: 9 }),
        (2, 2, Unlocked { height: 1, round: 2, block: 10, proof: 1 }),
    ];
    all.extend((0..4).map(|node| (3, node, block(1, 10, 7))));
    all.push((3, 1, Proposed { height: 2, round: 0, block: 20 }));
    all.extend((0..4).map(|node| (4, node, block(2, 20, 10))));
    all.push((4, 0, Slashed { height: 2, accused: 3, amount: 5, for_absence: true }));
    all.push((5, 4, Trusted { height: 2, block: 20 }));
    all
}

/// The judges that find something, and those that cannot say anything, at the end of a run of 100 s.
fn found(stream: &[(u64, u32, Says)]) -> Vec<&'static str> {
    let until = Time::ZERO + Span::from_secs(100);
    let setting = Setting { delta: Some(Span::from_millis(100)), ..Setting::of(5, until) };
    let protocol = chain(5, &[("heights", Value::Count(2)), ("users", Value::Count(1))]);
    heard(judges::of(&protocol, &setting), stream)
}

/// The same of some judges.
fn heard(judges: Vec<Judge<Says>>, stream: &[(u64, u32, Says)]) -> Vec<&'static str> {
    let until = Time::ZERO + Span::from_secs(100);
    let mut panel = Panel::new(judges);
    for (second, node, output) in stream {
        let (time, node) = (Time::ZERO + Span::from_secs(*second), NodeId(*node));
        let at = Key { time, target: node, tie: 0, source: node, sequence: 0 };
        panel.hear(&Said { at, node, output: *output });
    }
    let checks = panel.end(&RunEnd { time: until, nodes: 5, excused: &[] });
    assert!(checks.iter().all(|it| it.not_judged.is_none()), "{checks:?}");
    checks.into_iter().filter(|it| !it.ok).map(|it| it.name).collect()
}

/// The stream with the last output of a kind in another way.
fn with(is_it: impl Fn(&Says, u32) -> bool, other: Says) -> Vec<&'static str> {
    let mut all = stream();
    let place = all.iter().rposition(|it| is_it(&it.2, it.1)).expect("one");
    all[place].2 = other;
    found(&all)
}

/// The stream with more at its end.
fn and(more: &[(u64, u32, Says)]) -> Vec<&'static str> {
    found(&[stream(), more.to_vec()].concat())
}

fn is_second_of(node: u32) -> impl Fn(&Says, u32) -> bool {
    move |it, by| by == node && matches!(it, Committed { height: 2, .. })
}

#[test]
fn what_is_right_is_found_right() {
    assert!(found(&stream()).is_empty());
}

#[test]
fn another_block_is_found() {
    // Nobody proposed it, and after the fork nobody is accused.
    let all = with(is_second_of(3), block(2, 21, 10));
    let expected =
        ["agreement", "prefix order", "validity", "light clients", "forks are accounted for"];
    assert_eq!(all, expected);
}

#[test]
fn a_gap_is_found() {
    let mut all = stream();
    all.retain(|it| !(it.1 == 3 && matches!(it.2, Committed { height: 1, .. })));
    assert_eq!(found(&all), ["prefix order"]);
}

#[test]
fn another_parent_is_found() {
    assert_eq!(with(is_second_of(3), block(2, 20, 11)), ["one chain"]);
}

#[test]
fn a_block_that_nobody_proposed_is_found() {
    let mut all = stream();
    all.retain(|it| !matches!(it.2, Proposed { height: 2, .. }));
    assert_eq!(found(&all), ["validity"]);
}

#[test]
fn another_state_is_found() {
    let Committed { height, round, block, parent, held, issued, .. } = block(2, 20, 10) else {
        unreachable!()
    };
    let other = Committed { height, round, block, parent, state: 1, held, issued };
    assert_eq!(with(is_second_of(3), other), ["equal roots"]);
    let lost = Committed { height, round, block, parent, state: 25, held: held - 1, issued };
    assert_eq!(with(is_second_of(3), lost), ["supply"]);
}

#[test]
fn a_vote_against_a_lock_is_found() {
    let is_it = |it: &Says, _| matches!(it, Locked { .. });
    assert_eq!(with(is_it, Locked { height: 1, round: 2, block: 9 }), ["locks"]);
    // The round of the lock is enough; the lock of another height is none.
    assert!(with(is_it, Locked { height: 1, round: 1, block: 9 }).is_empty());
    assert!(with(is_it, Locked { height: 2, round: 2, block: 9 }).is_empty());
}

#[test]
fn a_deceived_light_client_is_found() {
    let is_it = |it: &Says, _| matches!(it, Trusted { .. });
    assert_eq!(with(is_it, Trusted { height: 2, block: 21 }), ["light clients"]);
}

#[test]
fn stake_taken_from_the_honest_is_found() {
    let is_it = |it: &Says, _| matches!(it, Slashed { .. });
    let slashed = Slashed { height: 2, accused: 3, amount: 5, for_absence: false };
    assert_eq!(with(is_it, slashed), ["no honest stake slashed"]);
}

/// After a fork more than a third of the stake has to be accused, within a minute.
#[test]
fn a_fork_without_culprits_is_found() {
    let fork = (6, 3, block(3, 30, 20));
    let other = (6, 2, block(3, 31, 20));
    let accused = |share| (7, 1, Evidence { height: 3, accused: 0, share });
    let is_open = |all: Vec<&str>| all.contains(&"forks are accounted for");
    assert!(is_open(and(&[fork, other])));
    assert!(is_open(and(&[fork, other, accused(3_333_333)])));
    assert!(!is_open(and(&[fork, other, accused(3_333_334)])));
    // The same accused twice is one.
    assert!(is_open(and(&[fork, other, accused(2_000_000), accused(2_000_000)])));
    assert!(!is_open(and(&[fork])));
}

#[test]
fn whoever_stays_behind_is_found() {
    let mut all = stream();
    all.retain(|it| !(it.1 == 3 && matches!(it.2, Committed { height: 2, .. })));
    assert_eq!(found(&all), ["progress"]);
    let late: Vec<_> = all.into_iter().chain([(90, 3, block(2, 20, 10))]).collect();
    assert_eq!(found(&late), ["progress"]);
}

#[test]
fn a_block_that_the_host_executes_twice_is_found() {
    let after = |executions: u32| {
        let protocol = chain(5, &[("heights", Value::Count(2)), ("users", Value::Count(1))]);
        let judges = judges::of(&protocol, &Setting::of(5, Time::ZERO + Span::from_secs(100)));
        (0..executions).for_each(|_| protocol.platform.executions.count(|| ()));
        heard(judges, &stream())
    };
    assert!(after(2).is_empty());
    assert_eq!(after(3), ["executed once"]);
}
