//! Counts of a finished run beside what they must be.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};
use anthill_protocol::{Check, Message, RunFacts};

use crate::Raft;
use crate::messages::{RaftMessage, RaftMetric};

fn messages(facts: &RunFacts, kind: &str) -> u64 {
    let place = RaftMessage::KINDS.iter().position(|name| *name == kind);
    place.and_then(|place| facts.totals.messages_by_kind.get(place)).copied().unwrap_or(0)
}

/// What an entry costs its group. Heartbeats and the clients' messages come on top; several entries of a batch share
/// theirs.
pub(crate) fn theory(raft: &Raft, _nodes: u32) -> Theory {
    let messages = 2.0 * f64::from(raft.group - raft.spares - 1);
    let (relation, source) = match raft.batch {
        1 => (
            Relation::AtLeast,
            "2(n - 1) an entry in a group of n: appends and acks (Ongaro and Ousterhout 2014, 5.3)",
        ),
        _ => (Relation::Grows, "2(n - 1) a batch in a group of n"),
    };
    let grows = |cost, source| Law::new(cost, Relation::Grows, messages, source);
    let laws = vec![
        Law::new(Cost::Messages, relation, messages, source),
        grows(Cost::Bits, "an entry is of constant length"),
    ];
    Theory::of_decisions("committed", 1, laws)
}

pub(crate) fn checks(raft: &Raft, facts: &RunFacts) -> Vec<Check> {
    let of = |metric| facts.totals.of(metric);
    let others = u64::from(raft.group - 1);
    let honest = !facts.adversary;
    let mut checks = Vec::new();
    if raft.spares == 0 && !raft.pre_vote {
        let asked = messages(facts, "request-vote") as f64;
        let expected = others * of(RaftMetric::Elections);
        let bound = "nobody lies, the group stays";
        checks.push(
            Check::exact("requests for votes", bound, asked, expected as f64).only_if(honest),
        );
    }
    let first = of(RaftMetric::Leaders) == u64::from(raft.groups);
    let calm = first && of(RaftMetric::Refused) == 0;
    if raft.spares == 0 && raft.batch == 1 && calm {
        let sent = messages(facts, "append") as f64;
        let expected = (others * of(RaftMetric::Appended)) as f64;
        let bound = "batch 1, one leader a group, nothing out of order, no faults";
        checks.push(Check::exact("appends", bound, sent, expected).if_undisturbed(facts));
    }
    if raft.requests > 0 && of(RaftMetric::Answer) >= of(RaftMetric::Requests) {
        let expected = f64::from(raft.requests) * f64::from(raft.groups);
        let measured = of(RaftMetric::Answer) as f64;
        checks
            .push(Check::exact("requests answered", "always", measured, expected).only_if(honest));
    }
    checks
}
