//! Without faults: exact counts and times.

use super::*;
use crate::messages::RaftMetric;
use anthill_protocol::complexity::{Cost, Relation};
use anthill_protocol::laws;

#[test]
fn parameters_are_lawful_and_groups_whole() {
    laws::parameters::<Raft>();
    assert_eq!((Raft::NAME, Raft::WORKLOAD.len()), ("raft", 2));
    let refused = raft(5).fit(16, 1).expect_err("one too many");
    assert_eq!(
        refused.to_string(),
        "protocol.group: 16 nodes are no whole groups of 5; give 15 or 20 nodes"
    );
}

#[test]
fn each_group_elects_one_leader_and_answers_every_request() {
    for group in [1, 2, 3, 4, 5, 6, 7] {
        let mut pump = Pump::new(raft_of(group, 3, &[]), 3 * group as u32).seed(1);
        let facts = pump.run(seconds(60));
        let of = |metric| facts.totals.of(metric);
        assert!(of(RaftMetric::Leaders) >= 3);
        // Poisson: 60 a client; those of the last moments are on their way.
        let expected = 180 * group;
        assert!(of(RaftMetric::Requests).abs_diff(expected) < 5 * expected.isqrt(), "{facts:?}");
        assert!(of(RaftMetric::Answer) + 15 > of(RaftMetric::Requests), "{facts:?}");
        assert!(of(RaftMetric::Committed) >= of(RaftMetric::Answer));
        is_sound(&mut pump, &facts);
    }
}

/// 2(n − 1) messages an entry: each is sent once to each follower, and answered.
#[test]
fn an_entry_takes_two_messages_for_each_follower() {
    for group in [1u64, 2, 3, 4, 5, 7, 9] {
        // The last answer ends the run, when all acknowledgements are there or on their way.
        let set =
            [("requests", Value::Count(200)), ("workload.interval", Value::Span(millis(700)))];
        let mut pump = Pump::new(raft_of(group, 1, &set), group as u32).seed(group);
        let facts = pump.run(seconds(10_000));
        let (of, totals) = (|metric| facts.totals.of(metric), &facts.totals);
        assert_eq!(of(RaftMetric::Leaders), 1);
        assert_eq!((of(RaftMetric::Answer), of(RaftMetric::Appended)), (200, 201));
        assert_eq!(sent(totals, "append"), (group - 1) * 201);
        let answered = sent(totals, "append") + sent(totals, "heartbeat") - sent(totals, "ack");
        assert!(answered <= 2 * (group - 1), "{answered} on their way");
        assert_eq!((sent(totals, "refuse"), sent(totals, "batch")), (0, 0));
        let theory = pump.protocol().complexity(group as u32);
        let law = theory.law(Cost::Messages).expect("a law");
        assert_eq!((law.relation, law.expected), (Relation::AtLeast, 2.0 * (group - 1) as f64));
        let entries = theory.decisions::<RaftMetric>(totals, group as u32).expect("some");
        assert_eq!(entries, 201.0);
        // Acknowledgements of heartbeats carry no entry.
        let acks = sent(totals, "ack") - sent(totals, "heartbeat").min(sent(totals, "ack"));
        let of_entries = (sent(totals, "append") + acks) as f64 / entries;
        assert!((of_entries - law.expected).abs() < 0.1, "{of_entries}, not {}", law.expected);
        assert!(totals.messages as f64 / entries >= law.expected);
        is_sound(&mut pump, &facts);
    }
}

/// Committed two delays after the leader has it, and the client knows after four.
#[test]
fn a_commit_takes_two_delays_and_a_reply_four() {
    let delay = millis(37);
    let set = [("requests", Value::Count(300)), ("heartbeat", Value::Span(millis(200)))];
    for group in [2u64, 3, 4, 5, 8] {
        let mut pump =
            Pump::new(raft_of(group, 1, &set), group as u32).seed(9).delay(delay).traced(1 << 20);
        pump.run(seconds(10_000));
        let (mut commits, mut replies) = (0, 0);
        for said in pump.outputs() {
            if let RaftOutput::Committed { took, .. } = said.output {
                assert_eq!(took, Some(delay * 2));
                commits += 1;
            }
        }
        let asked: Vec<_> = pump
            .outputs()
            .iter()
            .filter(|said| matches!(said.output, RaftOutput::Asked { .. }))
            .filter(|said| said.at.time > leaders_since(&pump) && pump.node(said.node).is_some())
            .collect();
        use anthill_protocol::Message as _;
        let reply = RaftMessage::KINDS.iter().position(|kind| *kind == "reply");
        for said in asked {
            let at = said.at.time + delay * 4;
            replies += u32::from(
                pump.trace()
                    .iter()
                    .any(|it| Some(it.kind) == reply && (it.to, it.at) == (said.node, at)),
            );
        }
        assert!(commits > 290, "{commits}");
        // All but those of the leader's own client, those before there was one, and the last.
        let expected = 300 * (group as u32 - 1) / group as u32;
        assert!(replies + 20 > expected, "{replies} of {expected}");
    }
}

/// Since when everybody knows the leader.
fn leaders_since(pump: &Pump<Raft>) -> Time {
    let leads = pump.outputs().iter().find(|said| matches!(said.output, RaftOutput::Leader { .. }));
    leads.map_or(Time::MAX, |said| said.at.time + millis(37))
}

#[test]
fn what_comes_while_others_are_on_their_way_is_one_batch() {
    let set = [
        ("batch", Value::Count(16)),
        ("requests", Value::Count(2_000)),
        ("workload.interval", Value::Span(millis(20))),
    ];
    let mut pump = Pump::new(raft_of(5, 1, &set), 5).seed(2).delay(millis(30));
    let facts = pump.run(seconds(1_000));
    let (of, totals) = (|metric| facts.totals.of(metric), &facts.totals);
    assert_eq!((of(RaftMetric::Answer), of(RaftMetric::Appended)), (2_000, 2_001));
    let appends = sent(totals, "append") + sent(totals, "batch");
    // 250 requests a second, 60 ms a batch: about 15 each.
    assert!(appends < 4 * 2_001 / 8, "{appends}");
    is_sound(&mut pump, &facts);
}

#[test]
fn logs_are_cut_and_nobody_needs_a_snapshot() {
    let set = [("snapshot_interval", Value::Count(20)), ("requests", Value::Count(500))];
    let mut pump = Pump::new(raft_of(5, 1, &set), 5).seed(3);
    let facts = pump.run(seconds(10_000));
    assert_eq!(facts.totals.of(RaftMetric::Answer), 500);
    assert_eq!(facts.totals.of(RaftMetric::Snapshots), 0);
    for node in 0..5 {
        let log = &pump.node(NodeId(node)).expect("up").log;
        assert!(log.base() > 450 && log.from(0).count() < 25, "{}", log.base());
    }
    is_sound(&mut pump, &facts);
}
