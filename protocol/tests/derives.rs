//! What the derives give, from outside the crate as a protocol of somebody else's would use them.

use anthill_protocol::parameter::{Kind, Value, Values};
use anthill_protocol::{
    Claim, Digest, Keys, Message, Metric, MetricKind, NodeId, Parameters, Shared, Snapshot, Span,
    Time, Wire, laws,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire, Snapshot)]
struct Entry {
    term: u32,
    proposed: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[message(header = 4)]
enum Talk {
    RequestVote {
        term: u32,
        last: (u32, u32),
    },
    Append(u32, Option<Entry>),
    #[kind("NEW-VIEW")]
    NewView {
        from: NodeId,
        proof: Digest,
    },
    Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[message(fingerprint = constant, claims = none)]
struct Block {
    body: Shared,
    height: u64,
}

fn constant(_: &Block) -> u64 {
    42
}

fn none(_: &Block, _: NodeId, _: &mut dyn Keys, _: &mut dyn FnMut(Claim)) {}

#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
enum Role {
    Follower,
    Leader { next: Vec<u32>, since: Time },
}

#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
struct Replica {
    role: Role,
    voted: Option<NodeId>,
    log: Vec<Entry>,
}

#[derive(Clone, Copy, Metric)]
enum Measured {
    /// Elections begun.
    Elections,
    /// Time from proposal to commit,
    /// at the leader.
    ///
    /// Not for users.
    #[metric(latency, name = "commit_time")]
    Commit,
    /// MAC failures at most.
    #[metric(max)]
    LongestQueue,
    /// share of nodes
    #[metric(per_node)]
    Reached,
}

#[derive(Debug, Parameters)]
struct Settings {
    /// Replicas of one log.
    #[param(default = 5, range = 1..=64)]
    group: u32,
    /// How often a leader is heard.
    #[param(default = Span::from_millis(100))]
    heartbeat: Span,
    /// Least silence before an election.
    #[param(default = Span::from_secs(1), min = Span(10), above = heartbeat)]
    election: Span,
    /// Whether to ask first.
    #[param(default = true)]
    pre_vote: bool,
    /// Share of nodes that ask.
    #[param(default = 0.5, share)]
    clients: f64,
    /// What is decided.
    #[param(default = "zero", choice = ["zero", "mixed"])]
    inputs: &'static str,
    /// Requests per second.
    #[workload(default = 10.0, range = 0.0..=1e6)]
    rate: f64,
    quorum: u32,
}

fn examples() -> [Talk; 5] {
    let entry = Entry { term: 9, proposed: Time(77) };
    [
        Talk::RequestVote { term: 1, last: (2, 3) },
        Talk::Append(4, Some(entry)),
        Talk::Append(4, None),
        Talk::NewView { from: NodeId(5), proof: Digest([6; 32]) },
        Talk::Stop,
    ]
}

#[test]
fn messages_are_lawful_and_as_long_as_their_fields() {
    assert_eq!(Talk::KINDS, ["request-vote", "append", "NEW-VIEW", "stop"]);
    let lengths: Vec<u32> = examples().iter().map(Message::encoded_len).collect();
    assert_eq!(lengths, [4 + 1 + 12, 4 + 1 + 4 + 1 + 12, 4 + 1 + 4 + 1, 4 + 1 + 4 + 32, 4 + 1]);
    for message in &examples() {
        laws::message(message);
    }
    assert_eq!(examples().map(|vote| vote.kind()), [0, 1, 1, 2, 3]);
    let mut prints = examples().map(|vote| vote.fingerprint());
    prints.sort_unstable();
    assert!(prints.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn the_wire_form_is_pinned() {
    let mut bytes = Vec::new();
    examples()[1].encode(&mut bytes);
    assert_eq!(bytes, [0, 0, 0, 0, 1, 4, 0, 0, 0, 1, 9, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0]);
    assert!(Talk::decode(&[0, 0, 0, 1, 3]).is_none(), "a header that is not zero");
    assert!(Talk::decode(&[0, 0, 0, 0, 4]).is_none(), "no such variant");
    assert!(Talk::decode(&[0, 0, 0]).is_none());
}

#[test]
fn handles_of_bodies_are_found_and_travel_as_long_as_the_body() {
    const { assert!(Block::CARRIES && Block::SIGNED && !Talk::CARRIES && !Talk::SIGNED) };
    let block = Block { body: Shared::new(11, 3, 500), height: 2 };
    laws::message(&block);
    assert_eq!((block.encoded_len(), block.fingerprint()), (508, 42));
    let mut found = Vec::new();
    Message::bodies(&block, |shared| found.push(shared.id()));
    assert_eq!((found, Block::KINDS), (vec![11], &["block"][..]));
}

#[test]
fn states_are_lawful() {
    let entry = Entry { term: 1, proposed: Time(2) };
    let role = Role::Leader { next: vec![1, 2, 3], since: Time(4) };
    laws::state(&Replica { role, voted: Some(NodeId(5)), log: vec![entry; 3] });
    laws::state(&Replica { role: Role::Follower, voted: None, log: Vec::new() });
    assert!(Role::load(&mut &[2][..]).is_err(), "no such variant");
}

#[test]
fn metrics_are_described_by_their_documentation() {
    let table: Vec<_> = Measured::ALL.iter().map(|m| (m.name, m.kind, m.about)).collect();
    assert_eq!(
        table,
        [
            ("elections", MetricKind::Sum, "elections begun"),
            ("commit_time", MetricKind::Latency, "time from proposal to commit, at the leader"),
            ("longest_queue", MetricKind::Max, "MAC failures at most"),
            ("reached", MetricKind::PerNode, "share of nodes"),
        ]
    );
    assert_eq!([Measured::Elections, Measured::Reached].map(Metric::index), [0, 3]);
    let _ = [Measured::Commit, Measured::LongestQueue];
}

fn values() -> Values {
    let mut values = Values::defaults(Settings::DECLARED);
    values.declare(anthill_protocol::parameter::Part::Workload, Settings::DECLARED_WORKLOAD);
    values
}

#[test]
fn parameters_are_declared_and_read() {
    let names: Vec<_> = Settings::DECLARED.iter().map(|p| (p.name, p.kind)).collect();
    assert_eq!(
        names,
        [
            ("group", Kind::Count { min: 1, max: 64 }),
            ("heartbeat", Kind::Span { min: Span(1) }),
            ("election", Kind::Span { min: Span(10) }),
            ("pre_vote", Kind::Flag),
            ("clients", Kind::Share),
            ("inputs", Kind::Choice(&["zero", "mixed"])),
        ]
    );
    assert_eq!(Settings::DECLARED[0].about, "replicas of one log");
    assert_eq!(Settings::DECLARED_WORKLOAD[0].kind, Kind::Number { min: 0.0, max: 1e6 });
    let read = Settings::read(&values()).expect("defaults go together");
    assert_eq!((read.group, read.heartbeat, read.pre_vote), (5, Span::from_millis(100), true));
    assert_eq!((read.clients, read.inputs, read.rate, read.quorum), (0.5, "zero", 10.0, 0));
    assert_eq!(read.election, Span::from_secs(1));
}

#[test]
fn a_relation_that_does_not_hold_is_an_error_that_names_both() {
    let mut values = values();
    values.set("heartbeat", Value::Span(Span::from_secs(1)));
    let error = Settings::read(&values).expect_err("equal is not above").to_string();
    assert_eq!(error, "protocol.election: must be above heartbeat = 1s");
}

#[test]
fn a_ratio_is_of_two_sums() {
    #[derive(Clone, Copy, Metric)]
    enum Counts {
        /// lookups made
        Lookups,
        /// hops of a lookup in the mean
        #[metric(per = Lookups, lower)]
        MeanHops,
    }
    let info = &Counts::ALL[Counts::MeanHops.index()];
    assert_eq!(info.kind, MetricKind::Per(Counts::Lookups as usize));
    assert_eq!(info.figure(14, &[4, 14], 100.0), Some(3.5));
    assert_eq!(info.figure(0, &[0, 0], 100.0), None);
}
