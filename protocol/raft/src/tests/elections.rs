//! How elections go after a leader's crash, against their closed forms.

use anthill_protocol::Cell;

use super::*;
use crate::judges::liveness::{at_least, rounds};
use std::collections::BTreeMap;

/// What happened in many groups after their leaders crashed.
struct Outcome {
    groups: f64,
    /// From the last heartbeat to the first timeout, on average, in election timeouts.
    first: f64,
    /// Share of groups whose first election had no winner.
    failed: f64,
}

/// Timeouts are U[T, 2T] after a heartbeat that all followers have heard at once; delay T/10.
fn after_a_crash(group: u32, groups: u32, seed: u64) -> Outcome {
    let quiet = Value::Span(Span::from_secs(1_000_000));
    let set = [("workload.interval", quiet), ("heartbeat", Value::Span(millis(450)))];
    let nodes = groups * group;
    let mut pump =
        Pump::new(raft_of(group.into(), groups, &set), nodes).seed(seed).delay(millis(100));
    pump.run(seconds(5));
    let led: Vec<NodeId> = (0..nodes)
        .map(NodeId)
        .filter(|id| pump.node(*id).is_some_and(|node| node.lead.is_some()))
        .collect();
    led.iter().for_each(|id| drop(pump.crash(*id)));
    pump.run(seconds(5) + millis(101));
    let heard = |group_of: u32| {
        let members = group_of * group..(group_of + 1) * group;
        let states: Vec<_> = members.filter_map(|id| pump.node(NodeId(id))).collect();
        let heard = states[0].heard;
        let calm = states.len() == group as usize - 1 && states.iter().all(|s| s.heard == heard);
        calm.then_some(heard)
    };
    let crashed: BTreeMap<u32, Time> =
        led.iter().filter_map(|id| Some((id.0 / group, heard(id.0 / group)?))).collect();
    let before = pump.outputs().len();
    pump.run(seconds(5) + millis(2_700));
    let mut first: BTreeMap<u32, (Time, u32)> = BTreeMap::new();
    let mut won: BTreeMap<u32, u32> = BTreeMap::new();
    for said in &pump.outputs()[before..] {
        match said.output {
            RaftOutput::Voted { term, candidate } if candidate == said.node => {
                first.entry(said.node.0 / group).or_insert((said.at.time, term));
            }
            RaftOutput::Leader { group, term, .. } => {
                won.entry(group).or_insert(term);
            }
            _ => {}
        }
    }
    let groups = crashed.len() as f64;
    let wait = |(group, heard): (&u32, &Time)| first[group].0.since(*heard).as_secs_f64();
    let lost = |group: &&u32| won.get(*group) != Some(&first[*group].1);
    Outcome {
        groups,
        first: crashed.iter().map(wait).sum::<f64>() / groups,
        failed: crashed.keys().filter(lost).count() as f64 / groups,
    }
}

#[test]
fn first_timeouts_and_failed_elections_follow_their_closed_forms() {
    let cases = [
        (3u32, 3_000, 0.19),
        (4, 1_500, 0.271),
        (5, 3_000, 0.0523),
        (7, 3_000, 0.01585),
        (9, 1_500, 0.00502),
    ];
    for (n, groups, fails) in cases {
        let outcome = after_a_crash(n, groups, u64::from(n));
        let live = f64::from(n - 1);
        assert!(outcome.groups > 0.9 * f64::from(groups), "{}", outcome.groups);
        // The least of n − 1 uniform draws.
        let sd = (live / ((live + 1.0).powi(2) * (live + 2.0) * outcome.groups)).sqrt();
        let mean = 1.0 + 1.0 / f64::from(n);
        assert!((outcome.first - mean).abs() < 4.9 * sd, "n {n}: {} for {mean}", outcome.first);
        let sd = (fails * (1.0 - fails) / outcome.groups).sqrt();
        let failed = outcome.failed;
        assert!((failed - fails).abs() < 4.9 * sd, "n {n}: {failed} for {fails}");
        // As the judge of liveness has it: I_{d/T}(k − 1, n − k + 1), k = n + 1 − (⌊n/2⌋ + 1).
        let k = n + 1 - (n / 2 + 1);
        assert!((at_least(k - 1, n - 1, 0.1) - fails).abs() < 5e-5);
    }
}

#[test]
fn the_deadline_for_a_leader_is_that_of_a_thousand_million_runs() {
    let of = |n, delta, fresh| rounds(n, millis(delta), Span::from_secs(1), fresh);
    // n = 3: two more within a tenth, .1³·... = .028 of all; five of them make less than 1e-9.
    assert!((at_least(2, 3, 0.1) - 0.028).abs() < 1e-12);
    assert_eq!(of(3, 100, true), 6);
    assert_eq!(of(1, 100, true), 1);
    // Even groups: two candidates may share the votes.
    assert!(of(4, 100, true) > of(3, 100, true) && of(4, 100, true) > of(5, 100, true));
    assert!(of(5, 100, false) > of(5, 100, true) && of(5, 300, true) > of(5, 100, true));
}

/// A leader is elected two delays after the first timeout.
#[test]
fn an_election_takes_two_delays() {
    for seed in 0..20 {
        let mut pump = Pump::new(raft(5), 5).seed(seed).delay(millis(20));
        pump.run(seconds(10));
        let said = pump.outputs();
        let leads = said.iter().find(|it| matches!(it.output, RaftOutput::Leader { .. }));
        let leads = leads.expect("a leader");
        let voted = said.iter().find(|it| {
            it.node == leads.node
                && matches!(it.output, RaftOutput::Voted { candidate, .. } if candidate == it.node)
        });
        assert_eq!(leads.at.time, voted.expect("it voted for itself").at.time + millis(40));
    }
}

/// A replica that was cut off comes back with a high term, and deposes a leader that nobody missed;
/// not if it has to ask first.
#[test]
fn a_pre_vote_keeps_a_leader_that_nobody_misses() {
    for (pre_vote, deposed) in [(false, true), (true, false)] {
        let set = [("pre_vote", Value::Flag(pre_vote))];
        let mut changes = 0;
        for seed in 0..10 {
            let cut = [NodeId(0)];
            let mut pump = Pump::new(raft_of(5, 1, &set), 5).seed(seed).cut(
                &cut,
                false,
                seconds(10),
                seconds(20),
            );
            pump.run(seconds(10));
            let led = leader(&pump, 5).expect("one");
            pump.run(seconds(40));
            if led != NodeId(0) {
                changes += u32::from(leader(&pump, 5) != Some(led) || leaders(&pump).len() > 1);
            }
            assert!(applied(&pump, 0).abs_diff(applied(&pump, 1)) < 3);
            let safety = found(&pump).into_iter().filter(|it| it.judge != "commit in two delays");
            assert_eq!(safety.count(), 0);
        }
        assert_eq!(changes > 3, deposed, "{changes}");
    }
}

/// A leader that is heard but hears nobody would keep a group waiting for ever. (Without pre-votes
/// it would go on to depose whoever comes after it.)
#[test]
fn a_leader_that_is_not_answered_gives_up() {
    for n in [3u32, 5] {
        let others: Vec<NodeId> = (1..n).map(NodeId).collect();
        let set = [("pre_vote", Value::Flag(true))];
        for seed in 0..30 {
            let mut pump = Pump::new(raft_of(n.into(), 1, &set), n).seed(seed).cut(
                &others,
                true,
                seconds(10),
                seconds(40),
            );
            pump.run(seconds(10));
            if leader(&pump, n) != Some(NodeId(0)) {
                continue;
            }
            let before = applied(&pump, 1);
            pump.run(seconds(40));
            assert!(applied(&pump, 1) > before + 20, "seed {seed}");
            assert!(leader(&pump, n).is_some_and(|it| it != NodeId(0)), "seed {seed}");
        }
    }
}

#[test]
fn the_table_shows_who_leads() {
    let mut pump = Pump::new(raft_of(5, 1, &[]), 5).seed(3).delay(millis(10));
    pump.run(seconds(20));
    let row = |id| pump.protocol().row(NodeId(id), pump.node(NodeId(id)).expect("up"));
    let of = |role| (0..5).filter(|id| row(*id)[0] == Cell::Word(role)).count();
    assert_eq!((of("leader"), of("follower")), (1, 4));
    assert!((0..5).all(|id| row(id)[1] >= Cell::Count(1) && row(id)[2] > Cell::Count(10)));
    assert_eq!(row(0).len(), Raft::COLUMNS.len());
}
