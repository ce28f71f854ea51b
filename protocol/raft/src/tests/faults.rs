//! Crashes, losses, cuts, and replicas that are replaced.

use super::*;
use crate::messages::RaftMetric;
use anthill_protocol::behaviour::twins;
use anthill_protocol::recording::Recording;
use anthill_protocol::{Protocol as _, draw};

/// The judges of safety: what a run may not break, whatever happens to it.
const SAFETY: [&str; 5] =
    ["election safety", "votes are kept", "one log", "done once", "leader completeness"];

/// What judges of safety have found.
pub(super) fn unsafe_in(pump: &Pump<Raft>) -> Vec<Finding> {
    pump.findings().into_iter().filter(|it| SAFETY.contains(&it.judge)).collect()
}

/// A small run in which replicas crash, leaders above all, and come up again; messages are lost,
/// doubled and overtake each other, and groups are cut in two. All of it from the seed.
pub(super) fn storm(edit: impl Fn(&mut Raft), seed: u64) -> Pump<Raft> {
    let mut drawn = 0;
    let mut below = |bound: u64| {
        drawn += 1;
        draw::below(draw::mix(seed, drawn), bound)
    };
    let n = [3u32, 3, 4, 5, 5, 7][below(6) as usize];
    let set = [
        ("batch", Value::Count([1, 1, 4][below(3) as usize])),
        ("snapshot_interval", Value::Count([0, 0, 4, 20][below(4) as usize])),
        ("pre_vote", Value::Flag(below(3) == 0)),
        ("election_timeout", Value::Span(millis(101 + below(300)))),
        ("workload.interval", Value::Span(millis(100 + below(2_000)))),
    ];
    let mut raft = raft_of(n.into(), 1, &set);
    edit(&mut raft);
    let most = millis(2 + below(80));
    let from = below(8_000);
    let side: Vec<NodeId> = (0..n).filter(|_| below(2) == 0).map(NodeId).collect();
    let mut pump = Pump::new(raft, n)
        .seed(seed)
        .delays(millis(1), most)
        .loss([0.0, 0.05, 0.2, 0.4][below(4) as usize])
        .duplicate([0.0, 0.1][below(2) as usize])
        .cut(&side, below(2) == 0, seconds(0) + millis(from), seconds(0) + millis(from + 2_000));
    let mut down: Vec<Option<_>> = vec![None; n as usize];
    for step in 0..400u64 {
        pump.run(seconds(0) + millis(25 * step));
        let place = below(n.into()) as usize;
        if let Some(state) = down[place].take_if(|_| below(12) == 0) {
            pump.restart(NodeId(place as u32), state, true);
        }
        let victim = match below(20) {
            0 => leader(&pump, n),
            1 if below(4) == 0 => Some(NodeId(place as u32)),
            _ => None,
        };
        if let Some(state) = victim.and_then(|id| Some((id, pump.crash(id)?))) {
            down[state.0.index()] = Some(state.1);
        }
    }
    pump
}

#[test]
fn storms_break_nothing() {
    let (mut leaders_seen, mut commits, mut snapshots) = (0, 0, 0);
    for seed in 0..300 {
        let mut pump = storm(|_| (), seed);
        let totals = pump.run(seconds(10)).totals;
        leaders_seen += totals.of(RaftMetric::Leaders);
        commits += totals.of(RaftMetric::Committed);
        snapshots += totals.of(RaftMetric::Snapshots);
        assert_eq!(unsafe_in(&pump), [], "seed {seed}");
    }
    assert!(
        leaders_seen > 1_500 && commits > 3_000 && snapshots > 80,
        "{leaders_seen} {commits} {snapshots}"
    );
}

#[test]
fn a_log_survives_its_leader_and_the_old_one_catches_up() {
    let mut pump = Pump::new(raft(3), 3).seed(5);
    pump.run(seconds(10));
    let old = leader(&pump, 3).expect("there is one");
    let before = applied(&pump, old.0);
    let state = pump.crash(old).expect("up");
    pump.run(seconds(30));
    let other = (0..3).find(|node| NodeId(*node) != old).expect("two more");
    assert!(applied(&pump, other) > before + 20, "a new leader goes on");
    pump.restart(old, state, true);
    pump.run(seconds(40));
    let logs = [0, 1, 2].map(|node| applied(&pump, node));
    assert!(logs.iter().max().expect("three") - logs.iter().min().expect("three") < 5, "{logs:?}");
    assert_eq!(found(&pump), []);
}

#[test]
fn nothing_is_committed_by_a_minority() {
    for n in [3u32, 4, 5, 6] {
        let mut pump = Pump::new(raft(n.into()), n).seed(5);
        pump.run(seconds(10));
        let led = leader(&pump, n).expect("there is one");
        for node in (0..n).map(NodeId).filter(|node| *node != led).take(n.div_ceil(2) as usize) {
            pump.crash(node);
        }
        pump.run(seconds(11));
        let before = applied(&pump, led.0);
        pump.run(seconds(60));
        assert_eq!(applied(&pump, led.0), before);
    }
}

/// After a cut, with whatever terms and logs both sides have come to: a leader, and commits, in time.
#[test]
fn a_group_that_was_cut_in_two_goes_on_in_time() {
    for (n, seed) in [3u32, 4, 5, 6, 7].into_iter().flat_map(|n| (0..12).map(move |s| (n, s))) {
        let pre_vote = seed % 2 == 0;
        let set = [("pre_vote", Value::Flag(pre_vote)), ("heartbeat", Value::Span(millis(50)))];
        let side: Vec<NodeId> = (0..1 + (n - 2) * seed / 11).map(NodeId).collect();
        let mut pump = Pump::new(raft_of(n.into(), 1, &set), n)
            .seed(seed.into())
            .delays(millis(5), millis(50))
            .cut(&side, seed % 3 == 0, seconds(5), seconds(15));
        let before = pump.run(seconds(15)).totals.of(RaftMetric::Committed);
        let window = millis(if pre_vote { 150 } else { 50 });
        let rounds = crate::judges::liveness::rounds(n, window, Span::from_secs(1), false);
        let after = pump.run(seconds(15) + millis(2_200) * rounds).totals.of(RaftMetric::Committed);
        assert!(after > before, "n {n}, seed {seed}: nothing in {rounds} rounds");
        assert!(leader(&pump, n).is_some());
        assert_eq!(unsafe_in(&pump), []);
    }
}

/// What is on disk is term, vote, log and what was applied; all else a crash takes.
#[test]
fn a_restart_keeps_what_figure_two_says() {
    let mut pump = Pump::new(raft(3), 3).seed(5);
    pump.run(seconds(10));
    let led = leader(&pump, 3).expect("there is one");
    let state = pump.crash(led).expect("up");
    let kept = (state.term, state.voted, state.log.clone(), state.applied, state.digest);
    pump.restart(led, state, true);
    let now = pump.node(led).expect("up");
    assert_eq!((now.term, now.voted, now.log.clone(), now.applied, now.digest), kept);
    assert!(now.lead.is_none() && now.leader.is_none());
    let said = pump.outputs().last().expect("something").output;
    let RaftOutput::Persisted { term, voted, last, .. } = said else { panic!("{said:?}") };
    assert_eq!((term, voted, last), (kept.0, kept.1, kept.2.last()));
    assert!(term > 0 && voted.is_some() && last.1 > 0);
}

/// Whoever was away for longer than logs go back gets a snapshot, and goes on from there.
#[test]
fn who_lags_behind_the_logs_gets_a_snapshot() {
    let set = [("snapshot_interval", Value::Count(10))];
    let mut pump = Pump::new(raft_of(3, 1, &set), 3).seed(5);
    pump.run(seconds(10));
    let follower = (0..3).map(NodeId).find(|id| Some(*id) != leader(&pump, 3)).expect("two");
    let state = pump.crash(follower).expect("up");
    pump.run(seconds(60));
    pump.restart(follower, state, true);
    let totals = pump.run(seconds(70)).totals;
    assert!(totals.of(RaftMetric::Snapshots) > 0);
    let installed = |said: &RaftOutput| matches!(said, RaftOutput::Installed { .. });
    assert!(pump.outputs().iter().any(|said| said.node == follower && installed(&said.output)));
    let ahead = applied(&pump, leader(&pump, 3).expect("one").0);
    assert!(ahead - applied(&pump, follower.0) < 3);
    assert_eq!(unsafe_in(&pump), []);
}

/// Requests are asked for again after losses and crashes of leaders, and done once.
#[test]
fn every_request_is_done_once_whatever_is_lost() {
    for seed in 0..30 {
        let set = [("requests", Value::Count(100)), ("snapshot_interval", Value::Count(8))];
        let mut pump = Pump::new(raft_of(5, 1, &set), 5)
            .seed(seed)
            .delays(millis(1), millis(60))
            .loss(0.15)
            .duplicate(0.15);
        let mut facts = pump.run(seconds(5));
        for second in 6..200 {
            facts = pump.run(seconds(second));
            if second % 5 == 0
                && let Some(led) = leader(&pump, 5)
            {
                let state = pump.crash(led).expect("up");
                pump.run(seconds(second) + millis(700));
                pump.restart(led, state, true);
            }
        }
        assert_eq!(facts.totals.of(RaftMetric::Answer), 100, "seed {seed}");
        let fresh = |said: &RaftOutput| matches!(said, RaftOutput::Applied { fresh: true, .. });
        for node in 0..5 {
            let done =
                pump.outputs().iter().filter(|it| it.node.0 == node && fresh(&it.output)).count();
            assert!(done <= 100, "{done}");
        }
        assert_eq!(unsafe_in(&pump), [], "seed {seed}");
    }
}

/// Whatever a new leader has in its log is there once, also if its client asks again.
#[test]
fn a_leader_takes_a_request_once() {
    use crate::messages::{Command, Entry};
    let raft = raft(3);
    let mut cx = Recording::new(NodeId(0), 3);
    let mut node = raft.start(&mut cx);
    let request = Command::Request { client: NodeId(2), number: 1 };
    let entry = Entry { term: 1, command: request };
    let messages = [
        RaftMessage::Append { term: 1, prev: (0, 0), commit: 0, entry },
        RaftMessage::Ask { number: 1 },
        RaftMessage::Ask { number: 2 },
        RaftMessage::Ask { number: 2 },
        RaftMessage::Ask { number: 3 },
    ];
    for (message, length) in messages.into_iter().zip([1, 2, 3, 3, 4]) {
        raft.on_message(&mut node, NodeId(2), &message, &mut cx);
        if length == 1 {
            raft.time_out(&mut node, &mut cx);
            let vote = RaftMessage::Vote { term: 2, granted: true };
            raft.on_message(&mut node, NodeId(1), &vote, &mut cx);
        }
        assert_eq!(node.log.end(), length.max(2), "{message:?}");
    }
    // Once it is done, the answer is lost, and its client asks again: the reply alone is repeated.
    let ack = RaftMessage::Ack { term: 2, index: 4 };
    raft.on_message(&mut node, NodeId(1), &ack, &mut cx);
    cx.clear();
    raft.on_message(&mut node, NodeId(2), &RaftMessage::Ask { number: 2 }, &mut cx);
    assert_eq!(cx.messages(), [RaftMessage::Reply { number: 2 }]);
}

/// Leaders keep requests that are in their logs from getting there again; should one be there twice all
/// the same, the state machine does it once.
#[test]
fn a_request_that_is_in_the_log_twice_is_done_once() {
    use crate::messages::{Command, Entry};
    let raft = raft(3);
    let mut cx = Recording::new(NodeId(0), 3);
    let mut node = raft.start(&mut cx);
    for (index, number) in [(0, 2), (1, 1), (2, 2), (3, 1), (4, 3)] {
        let entry = Entry { term: 1, command: Command::Request { client: NodeId(2), number } };
        let (prev, commit) = ((u32::from(index > 0), index), index + 1);
        let message = RaftMessage::Append { term: 1, prev, commit, entry };
        raft.on_message(&mut node, NodeId(1), &message, &mut cx);
    }
    let fresh = cx.outputs().into_iter().filter_map(|said| match said {
        RaftOutput::Applied { fresh, .. } => Some(fresh),
        _ => None,
    });
    assert_eq!(fresh.collect::<Vec<_>>(), [true, true, false, false, true]);
}

/// Elections at any moment.
fn hasty() -> Raft {
    raft_of(5, 1, &[("election_timeout", Value::Span(millis(101)))])
}

/// Beyond the bound: a replica that loses its state votes again, and there are two leaders of a term.
#[test]
fn lost_state_breaks_election_safety() {
    let found = (0..500).find_map(|seed| {
        let mut pump = Pump::new(hasty(), 5).seed(seed).delay(millis(30));
        for step in 1..200 {
            pump.run(seconds(0) + millis(50 * step));
            let place = NodeId((draw::mix(seed, step) % 5) as u32);
            let state = pump.crash(place).expect("up");
            pump.restart(place, state, false);
        }
        unsafe_in(&pump).into_iter().find(|finding| finding.judge == "election safety")
    });
    let Finding { about, event, .. } = found.expect("in one of the runs");
    assert!(about.contains(": Leader { group: 0, term: ") && about.contains("; n"), "{about}");
    assert!(event.is_some());
}

/// Raft trusts its replicas: two that are twins elect two leaders of a term, which is measured.
#[test]
fn twins_break_election_safety_beyond_the_bound() {
    let found = (0..200).find_map(|seed| {
        let mut pump = Pump::new(hasty(), 5)
            .seed(seed)
            .delay(millis(30))
            .hold(NodeId(0), twins(|node| node.0 < 3))
            .hold(NodeId(1), twins(|node| node.0 < 3));
        pump.run(seconds(20));
        pump.findings().into_iter().find(|finding| finding.judge == "election safety")
    });
    assert!(found.expect("in one of the runs").expected);
}
