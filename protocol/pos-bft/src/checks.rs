//! Exact counts of messages, and what a height costs.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};
use anthill_protocol::{Check, Message as _, RunFacts};

use crate::messages::{ChainMessage, ChainMetric};
use crate::protocol::PosBft;

/// How many messages of a kind were sent.
pub(crate) fn sent(facts: &RunFacts, kind: &str) -> u64 {
    let place = ChainMessage::KINDS.iter().position(|name| *name == kind);
    place.and_then(|place| facts.totals.messages_by_kind.get(place)).copied().unwrap_or(0)
}

/// What a finished run is held against: of a height that is decided in round 0 one proposal and two votes
/// of everybody.
pub(crate) fn of(protocol: &PosBft, facts: &RunFacts) -> Vec<Check> {
    let of = |metric| facts.totals.of(metric);
    let servers = u64::from(protocol.servers);
    let n = protocol.genesis.turns[0].set.len() as f64;
    let heights = u64::from(protocol.heights);
    let is_whole = heights > 0 && of(ChainMetric::Decided) == heights * servers;
    let disturbances = [
        ChainMetric::Rounds,
        ChainMetric::Early,
        ChainMetric::Resent,
        ChainMetric::SyncBlocks,
        ChainMetric::Changes,
    ];
    let is_calm = disturbances.map(of).iter().sum::<u64>() == 0;
    if protocol.gossips() {
        return gossiped(protocol, facts, is_whole && is_calm);
    }
    // Along edges everybody sends to all neighbours but the one from which it heard.
    let (copies, is_counted) = match protocol.floods() {
        false => (n - 1.0, true),
        true => (facts.edges as f64 - (servers as f64 - 1.0), !facts.directed),
    };
    let expected = [
        ("proposal: one a height, to all", "proposal", 1.0),
        ("prevote: one of each validator a height, to all", "prevote", n),
        ("precommit: one of each validator a height, to all", "precommit", n),
    ];
    let check = |(name, kind, each): (&'static str, &str, f64)| {
        let bound = "all heights decided in round 0 with the votes of all validators, which stay the same, \
                     nothing sent again";
        Check::exact(name, bound, sent(facts, kind) as f64, each * copies * heights as f64)
            .only_if(is_whole && is_calm && is_counted)
            .if_undisturbed(facts)
    };
    expected.into_iter().map(check).collect()
}

/// Where messages are gossiped: a vote or proposal goes over each link at most once in each direction.
fn gossiped(protocol: &PosBft, facts: &RunFacts, is_calm: bool) -> Vec<Check> {
    let n = protocol.genesis.turns[0].set.len() as f64;
    let copies = protocol.graph.edges() as f64 * f64::from(protocol.heights);
    let expected = [
        ("proposal: over each link once", "proposal", 1.0),
        ("prevote: each over each link once", "prevote", n),
        ("precommit: each over each link once", "precommit", n),
    ];
    let check = |(name, kind, each): (&'static str, &str, f64)| {
        let bound = "at most; all heights decided in round 0, nothing sent again";
        let (measured, most) = (sent(facts, kind) as f64, each * copies);
        Check {
            ok: measured <= most,
            interval: (0.0, most),
            ..Check::exact(name, bound, measured, most)
        }
        .only_if(is_calm)
        .if_undisturbed(facts)
    };
    expected.into_iter().map(check).collect()
}

/// What a height costs without faults.
pub(crate) fn theory(protocol: &PosBft, nodes: u32) -> Theory {
    let n = f64::from(nodes.min(protocol.max_validators));
    let messages = (n - 1.0) * (2.0 * n + 1.0);
    let source = "(n - 1)(2n + 1) a height: a proposal, and two votes of each (arXiv:1807.04938)";
    let relation = if protocol.is_direct() { Relation::Exactly } else { Relation::AtLeast };
    let laws = vec![
        Law::new(Cost::Messages, relation, messages, source),
        Law::new(Cost::Signatures, Relation::Exactly, 2.0 * n + 1.0, "2n + 1 a height"),
    ];
    Theory::of_decisions("decided", protocol.servers.max(1), laws)
}
