//! Whole networks, on the pump.

use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Check, Configure, NodeId, RunFacts, Span, Time, laws};

use crate::Nakamoto;
use crate::metric::NakamotoMetric as M;

/// A protocol for so many nodes, with some values set; `kind=…` turns an adversary on.
pub(crate) fn nakamoto(nodes: u32, kind: Option<&str>, set: &[(&str, Value)]) -> Nakamoto {
    let mut values = Values::of::<Nakamoto>();
    if let Some(kind) = kind {
        let kind = Nakamoto::ADVERSARIES.iter().find(|one| one.name == kind).expect("known");
        values.set_adversary(kind);
    }
    set.iter().for_each(|(name, value)| values.set(name, *value));
    let mut protocol = Nakamoto::configure(&values).expect("consistent");
    protocol.fit(nodes, 1).expect("enough nodes");
    protocol
}

pub(crate) fn days(days: u64) -> Time {
    Time::ZERO + Span::from_secs(86_400 * days)
}

/// The checks of a run, by the beginnings of their names.
pub(crate) fn checked(protocol: &Nakamoto, facts: &RunFacts, name: &str) -> Check {
    let checks = protocol.checks(facts);
    checks.into_iter().find(|check| check.name.starts_with(name)).expect("made")
}

#[test]
fn parameters_are_lawful() {
    laws::parameters::<Nakamoto>();
    assert_eq!(Nakamoto::NAME, "nakamoto");
}

#[test]
fn all_nodes_have_the_same_chain_in_the_end() {
    for relay in ["inv", "compact", "direct"] {
        let set = [("relay", Value::Choice(relay)), ("miners", Value::Count(5))];
        let mut pump = Pump::new(nakamoto(20, None, &set), 20).seed(3);
        let facts = pump.run(days(30));
        assert!(facts.quiescent);
        assert_eq!(facts.totals.of(M::ChainGrowth), 100, "{relay}");
        let tips: Vec<u64> =
            (0..20).map(|id| pump.node(NodeId(id)).expect("up").tip.id()).collect();
        assert!(tips.iter().all(|tip| *tip == tips[0]), "{relay}");
        let mined = facts.totals.of(M::Mined);
        assert_eq!(mined, 100 + facts.totals.of(M::StaleRate));
        assert_eq!(pump.findings(), []);
        let checks = pump.judged();
        assert!(checks.iter().all(|check| check.ok && !check.expected_violation), "{checks:?}");
    }
}
