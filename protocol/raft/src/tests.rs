//! Raft as a whole, on the pump.

mod elections;
mod faults;
mod figure8;
mod forgetful;
mod history;
mod logs;
mod members;
mod normal;
mod numbers;

use anthill_protocol::judge::Finding;
use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, NodeId, RunFacts, Span, Time, Totals};

use crate::Raft;
use crate::messages::{RaftMessage, RaftOutput};

/// Raft with some parameters set, fitted to so many groups.
fn raft_of(group: u64, groups: u32, set: &[(&str, Value)]) -> Raft {
    let mut values = Values::of::<Raft>();
    values.set("group", Value::Count(group));
    set.iter().for_each(|(name, value)| values.set(name, *value));
    let mut raft = Raft::configure(&values).expect("consistent");
    raft.fit(groups * group as u32, 1).expect("whole groups");
    raft
}

fn raft(group: u64) -> Raft {
    raft_of(group, 1, &[])
}

fn seconds(s: u64) -> Time {
    Time::ZERO + Span::from_secs(s)
}

fn millis(ms: u64) -> Span {
    Span::from_millis(ms)
}

/// Messages of a kind.
fn sent(totals: &Totals, kind: &str) -> u64 {
    use anthill_protocol::Message as _;
    let place = RaftMessage::KINDS.iter().position(|name| *name == kind).expect("a kind");
    totals.messages_by_kind[place]
}

/// Who has led in which term, in order.
fn leaders(pump: &Pump<Raft>) -> Vec<(NodeId, u32)> {
    let leads = |said: &anthill_protocol::judge::Said<RaftOutput>| match said.output {
        RaftOutput::Leader { term, .. } => Some((said.node, term)),
        _ => None,
    };
    pump.outputs().iter().filter_map(leads).collect()
}

/// The replica that leads now, of those that are up.
fn leader(pump: &Pump<Raft>, nodes: u32) -> Option<NodeId> {
    let state = |id: NodeId| pump.node(id);
    let leads = |id: &NodeId| state(*id).is_some_and(|node| node.lead.is_some());
    (0..nodes).map(NodeId).filter(leads).max_by_key(|id| state(*id).map(|node| node.term))
}

fn applied(pump: &Pump<Raft>, node: u32) -> u32 {
    pump.node(NodeId(node)).expect("up").applied
}

/// What judges have found that they did not expect.
fn found(pump: &Pump<Raft>) -> Vec<Finding> {
    pump.findings().into_iter().filter(|finding| !finding.expected).collect()
}

/// Nothing was found, and all checks are met.
#[track_caller]
fn is_sound(pump: &mut Pump<Raft>, facts: &RunFacts) {
    assert_eq!(found(pump), []);
    for check in pump.judged().into_iter().chain(pump.protocol().checks(facts)) {
        assert!(check.ok || check.expected_violation, "{check:?}");
    }
    assert_eq!(found(pump), []);
}
