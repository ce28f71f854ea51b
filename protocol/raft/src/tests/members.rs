//! Voters that are replaced while the group works.

use super::faults::{storm, unsafe_in};
use super::*;
use crate::messages::RaftMetric;
use anthill_protocol::Protocol as _;
use anthill_protocol::recording::Recording;

/// Single changes are safe only once a leader has committed something of its own term (Ongaro 2015).
#[test]
fn a_leader_changes_nothing_before_it_has_committed_something() {
    let set = [("spares", Value::Count(2)), ("workload.replace", Value::Span(millis(100)))];
    let raft = raft_of(6, 1, &set);
    let mut cx = Recording::new(NodeId(0), 6);
    let mut node = raft.start(&mut cx);
    cx.set_now(seconds(0) + millis(150));
    raft.time_out(&mut node, &mut cx);
    for voter in [1, 2] {
        raft.on_message(
            &mut node,
            NodeId(voter),
            &RaftMessage::Vote { term: 1, granted: true },
            &mut cx,
        );
    }
    assert!(
        node.lead.is_some()
            && raft.planned(raft.group(NodeId(0)), seconds(0) + millis(150)) != node.config.voters
    );
    raft.change(&mut node, &mut cx);
    assert_eq!((node.log.end(), node.applied), (1, 0));
    for voter in [1, 2] {
        raft.on_message(&mut node, NodeId(voter), &RaftMessage::Ack { term: 1, index: 1 }, &mut cx);
    }
    // The newcomer has not caught up.
    raft.change(&mut node, &mut cx);
    assert_eq!((node.log.end(), node.applied), (1, 1));
    raft.on_message(&mut node, NodeId(4), &RaftMessage::Ack { term: 1, index: 1 }, &mut cx);
    raft.change(&mut node, &mut cx);
    assert_eq!((node.log.end(), node.config.voters.len()), (2, 5));
    // And one change at a time: three of five have to have it.
    raft.change(&mut node, &mut cx);
    assert_eq!(node.log.end(), 2);
    raft.on_message(&mut node, NodeId(1), &RaftMessage::Ack { term: 1, index: 2 }, &mut cx);
    assert_eq!(node.applied, 1);
    raft.on_message(&mut node, NodeId(4), &RaftMessage::Ack { term: 1, index: 2 }, &mut cx);
    assert_eq!(node.applied, 2);
    raft.change(&mut node, &mut cx);
    assert_eq!((node.log.end(), node.config.voters.len()), (3, 4));
}

/// A configuration goes with its entry, also if it was in force.
#[test]
fn a_configuration_that_is_overwritten_is_none() {
    use crate::membership::Voters;
    use crate::messages::{Command, Entry};
    let raft = raft_of(4, 1, &[("spares", Value::Count(1))]);
    let mut cx = Recording::new(NodeId(0), 4);
    let mut node = raft.start(&mut cx);
    let first = node.config;
    let mut append = |term, prev, command| {
        let message = RaftMessage::Append { term, prev, commit: 0, entry: Entry { term, command } };
        raft.on_message(&mut node, NodeId(1), &message, &mut cx);
        (node.config, node.log.last())
    };
    assert_eq!(append(1, (0, 0), Command::Noop), (first, (1, 1)));
    let voters = Voters::window(0, 4, 4);
    let (config, _) = append(1, (1, 1), Command::Voters { voters });
    assert_eq!((config.voters, config.index), (voters, 2));
    assert_eq!(append(2, (1, 1), Command::Noop), (first, (2, 2)));
}

#[test]
fn replicas_are_replaced_one_at_a_time_or_jointly() {
    for (membership, spares) in [("single", 1), ("single", 2), ("joint", 1), ("joint", 2)] {
        let set = [
            ("membership", Value::Choice(membership)),
            ("spares", Value::Count(spares)),
            ("pre_vote", Value::Flag(true)),
            ("workload.replace", Value::Span(Span::from_secs(10))),
            ("snapshot_interval", Value::Count(20)),
        ];
        for seed in 0..8 {
            let raft = raft_of(6, 1, &set);
            let mut pump = Pump::new(raft, 6).seed(seed);
            let totals = pump.run(seconds(118)).totals;
            // Eleven replacements are due, each of one replica, which others by joint consensus take
            // one entry for, and two if added and removed.
            let expected = if membership == "joint" { 11 } else { 22 };
            let changes = totals.of(RaftMetric::Changes);
            assert!((expected - 1..=expected).contains(&changes), "{membership} {seed}: {changes}");
            let led = leader(&pump, 6).expect("one");
            let config = pump.node(led).expect("up").config;
            let planned = pump.protocol().planned(pump.protocol().group(led), seconds(118));
            assert_eq!((config.voters, config.next), (planned, None));
            let open = totals.of(RaftMetric::Requests) - totals.of(RaftMetric::Answer);
            assert!(open < 12, "{membership} {seed}: {open} requests are not answered");
            assert_eq!(unsafe_in(&pump), [], "{membership} {seed}");
        }
    }
}

#[test]
fn replacements_in_a_storm_break_nothing() {
    let mut changes = 0;
    for seed in 0..300 {
        let joint = if seed % 2 == 0 { "joint" } else { "single" };
        let edit = |raft: &mut Raft| {
            (raft.spares, raft.membership) = (1 + u32::from(raft.group > 4), joint);
            raft.replace = millis(700);
        };
        let mut pump = storm(edit, seed);
        changes += pump.run(seconds(10)).totals.of(RaftMetric::Changes);
        assert_eq!(unsafe_in(&pump), [], "seed {seed}");
    }
    assert!(changes > 160, "{changes}");
}
