//! Raft as a whole, on the pump.

use super::*;
use anthill_protocol::behaviour::twins;
use anthill_protocol::judge::Finding;
use anthill_protocol::kit::{Embeds, Within};
use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, Time, laws};

fn raft(group: u64) -> Raft {
    let mut values = Values::of::<Raft>();
    values.set("group", Value::Count(group));
    Raft::configure(&values).expect("consistent")
}

fn seconds(s: u64) -> Time {
    Time::ZERO + Span::from_secs(s)
}

fn leaders(pump: &Pump<Raft>) -> Vec<(u32, u32)> {
    let leads = judge::on!(RaftOutput::Leader { group, term } => (group, term));
    pump.outputs().iter().filter_map(|said| leads(&said.output)).collect()
}

/// What node 0 has applied.
fn applied(pump: &Pump<Raft>, node: u32) -> u32 {
    pump.node(NodeId(node)).expect("up").applied
}

#[test]
fn parameters_are_lawful_and_groups_whole() {
    laws::parameters::<Raft>();
    assert_eq!((Raft::NAME, Raft::WORKLOAD.len()), ("raft", 1));
    assert_eq!(raft(5).fit(15, 1), Ok(()));
    let refused = raft(5).fit(16, 1).expect_err("one too many");
    assert_eq!(
        refused.to_string(),
        "protocol.group: 16 nodes are no whole groups of 5; give 15 or 20 nodes"
    );
}

#[test]
fn each_group_elects_one_leader_and_answers_every_request() {
    let mut pump = Pump::new(raft(5), 15).seed(1);
    let facts = pump.run(seconds(60));
    let mut led = leaders(&pump);
    led.sort_unstable();
    led.dedup_by_key(|(group, _)| *group);
    assert_eq!(led.len(), 3);
    let of = |metric| facts.totals.of(metric);
    // Poisson: 15 clients, 60 s, one request a second.
    assert!((750..1_050).contains(&of(RaftMetric::Requests)), "{facts:?}");
    // Those of the last moments are on their way.
    assert!(of(RaftMetric::Answer) > of(RaftMetric::Requests) - 15, "{facts:?}");
    assert!(of(RaftMetric::Committed) >= of(RaftMetric::Answer));
    assert_eq!(pump.findings(), []);
    assert!(pump.judged().iter().all(|check| check.ok && !check.expected_violation));
}

#[test]
fn a_log_survives_its_leader_and_the_old_one_catches_up() {
    let mut pump = Pump::new(raft(3), 3).seed(5);
    pump.run(seconds(10));
    let leader = pump.node(NodeId(0)).expect("up").leader.expect("there is one");
    let before = applied(&pump, leader.0);
    let old = pump.crash(leader).expect("up");
    pump.run(seconds(30));
    let others = (0..3).map(NodeId).find(|node| *node != leader).expect("two more");
    assert!(applied(&pump, others.0) > before + 20, "a new leader goes on");
    pump.restart(leader, old, true);
    pump.run(seconds(40));
    let logs = [0, 1, 2].map(|node| applied(&pump, node));
    assert!(logs.iter().max().expect("three") - logs.iter().min().expect("three") < 5, "{logs:?}");
    assert_eq!(pump.findings(), []);
}

#[test]
fn nothing_is_committed_by_a_minority() {
    let mut pump = Pump::new(raft(3), 3).seed(5);
    pump.run(seconds(10));
    let leader = pump.node(NodeId(0)).expect("up").leader.expect("there is one");
    for node in (0..3).map(NodeId).filter(|node| *node != leader) {
        pump.crash(node);
    }
    pump.run(seconds(11));
    let before = applied(&pump, leader.0);
    pump.run(seconds(60));
    assert_eq!(applied(&pump, leader.0), before);
}

#[test]
fn lost_messages_cost_time_and_no_safety() {
    for seed in 0..20 {
        let mut pump = Pump::new(raft(5), 5).seed(seed).loss(0.2);
        let facts = pump.run(seconds(60));
        assert!(facts.totals.of(RaftMetric::Answer) > 100, "{facts:?}");
        assert_eq!(pump.findings(), [], "seed {seed}");
    }
}

/// Elections at any moment.
fn hasty() -> Raft {
    Raft { election_timeout: Span::from_millis(101), ..raft(5) }
}

/// Raft with a planted error: a replica forgets whom it has voted for.
struct Forgetful(Raft);

impl Embeds<Raft> for Forgetful {
    fn message(message: RaftMessage) -> RaftMessage {
        message
    }

    fn timer(timer: Timer) -> Timer {
        timer
    }

    fn metric(metric: RaftMetric) -> Option<RaftMetric> {
        Some(metric)
    }
}

impl Protocol for Forgetful {
    type Node = Replica;
    type Message = RaftMessage;
    type Body = NoBody;
    type Timer = Timer;
    type Metric = RaftMetric;
    type Output = RaftOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> Replica {
        Within::run(cx, |cx| self.0.start(cx)).0
    }

    fn on_message(
        &self,
        node: &mut Replica,
        from: NodeId,
        message: &RaftMessage,
        cx: &mut impl Context<Self>,
    ) {
        node.voted_for = None;
        let ((), said) = Within::run(cx, |cx| self.0.on_message(node, from, message, cx));
        said.into_iter().for_each(|output| cx.output(output));
    }

    fn on_timer(&self, node: &mut Replica, timer: Timer, cx: &mut impl Context<Self>) {
        let ((), said) = Within::run(cx, |cx| self.0.on_timer(node, timer, cx));
        said.into_iter().for_each(|output| cx.output(output));
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<RaftOutput>> {
        self.0.judges(setting)
    }
}

/// Two leaders of one term: the judge names both, and the term.
#[test]
fn a_double_vote_breaks_election_safety() {
    let found = (0..200).find_map(|seed| {
        let mut pump = Pump::new(Forgetful(hasty()), 5).seed(seed).delay(Span::from_millis(30));
        pump.run(seconds(20));
        pump.findings().into_iter().find(|finding| finding.judge == "election safety")
    });
    let Finding { about, event, expected, .. } = found.expect("in one of the runs");
    assert!(about.contains(": Leader { group: 0, term: ") && about.contains("; n"), "{about}");
    assert!(event.is_some() && !expected);
    // Without the error it never happens.
    for seed in 0..200 {
        let mut pump = Pump::new(hasty(), 5).seed(seed).delay(Span::from_millis(30));
        pump.run(seconds(20));
        assert_eq!(pump.findings(), [], "seed {seed}");
    }
}

/// Raft trusts its replicas: two that are twins elect two leaders of a term, which is measured.
#[test]
fn twins_break_election_safety_beyond_the_bound() {
    let found = (0..200).find_map(|seed| {
        let mut pump = Pump::new(hasty(), 5)
            .seed(seed)
            .delay(Span::from_millis(30))
            .hold(NodeId(0), twins(|node| node.0 < 3))
            .hold(NodeId(1), twins(|node| node.0 < 3));
        pump.run(seconds(20));
        pump.findings().into_iter().find(|finding| finding.judge == "election safety")
    });
    assert!(found.expect("in one of the runs").expected);
}

/// Messages of a damaged or lying replica: nothing that decodes makes another one panic.
#[test]
fn numbers_out_of_range_are_survived() {
    let huge = u32::MAX;
    let mut pump = Pump::new(raft(3), 6).seed(5);
    pump.run(seconds(10));
    let protocol = raft(3);
    let entry = Some(Entry { term: huge, request: Some((NodeId(huge), huge)) });
    for term in [0, 1, 2, 3, huge] {
        for message in [
            RaftMessage::RequestVote { term, last: (huge, huge) },
            RaftMessage::Vote { term },
            RaftMessage::Append { term, prev: (huge, huge), entry, commit: huge },
            RaftMessage::Append { term, prev: (0, 0), entry, commit: huge },
            RaftMessage::Ack { term, ok: true, index: huge },
            RaftMessage::Ack { term, ok: false, index: huge },
            RaftMessage::Ack { term, ok: false, index: 0 },
            RaftMessage::Ask { request: (NodeId(huge), huge) },
        ] {
            for (node, from) in [(0, 1), (1, 0), (2, 5)] {
                let mut state = pump.node(NodeId(node)).expect("up").clone();
                let mut cx =
                    anthill_protocol::recording::Recording::new(NodeId(node), 6).at(seconds(11));
                protocol.on_message(&mut state, NodeId(from), &message, &mut cx);
                laws::state(&state);
                // Of another group: not heard.
                assert!(from != 5 || cx.effects().is_empty(), "{message:?}");
            }
        }
    }
}
