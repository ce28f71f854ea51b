//! What theory says of a run.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};
use anthill_protocol::{Check, RunFacts};

use crate::Chord;
use crate::messages::ChordMetric;
use crate::ring::log2;

/// Below this the constant is another one.
const LEAST_NODES: u32 = 64;

/// Mean hops to the predecessor: ½ log₂ n − 0.137, less what a node saves that owns the key itself:
/// it would walk around the ring, log₂ n hops, and knows better. (ToN section IV-D says ½ log₂ n.)
pub(crate) fn mean_hops(nodes: u32) -> f64 {
    let log = log2(nodes);
    log / 2.0 - 0.137 - log / f64::from(nodes)
}

/// Rings differ with variance ¼ / n, lookups on a ring with ¼ log₂ n.
pub(crate) fn deviation(nodes: u32, lookups: u64) -> f64 {
    (0.25 / f64::from(nodes) + 0.25 * log2(nodes) / lookups.max(1) as f64).sqrt()
}

/// Messages of a lookup on a built ring, in the mean: every hop is asked and answers, and so does the owner, unless
/// it is the asker itself.
pub(crate) fn messages(nodes: u32) -> f64 {
    2.0 * (mean_hops(nodes) + 1.0 - 1.0 / f64::from(nodes))
}

/// What a lookup costs. A run has also the messages that keep the ring, which depend on its length and on how
/// many lookups there are, so only the growth can be compared.
pub(crate) fn theory(nodes: u32) -> Theory {
    let grows = |cost, source| Law::new(cost, Relation::Grows, messages(nodes.max(2)), source);
    let laws = vec![
        grows(
            Cost::Messages,
            "2(1/2 log2 n + 1) a lookup, each hop asked in turn, beside what keeps the ring (Stoica et al. 2003, IV-D)",
        ),
        grows(Cost::Bits, "all messages of a lookup are of constant length"),
    ];
    Theory::of_decisions("found", 1, laws)
}

pub(crate) fn all(chord: &Chord, facts: &RunFacts) -> Vec<Check> {
    let of = |metric| facts.totals.of(metric);
    let found = of(ChordMetric::Found);
    let nodes = facts.nodes;
    if !chord.uses_fingers_only() || found == 0 || nodes < 2 {
        return Vec::new();
    }
    let quiet = "ring built at the start, nobody leaves";
    let mut checks = Vec::new();
    if nodes >= LEAST_NODES && u64::from(nodes) < 1 << chord.bits.saturating_sub(8) {
        let measured = of(ChordMetric::MeanHops) as f64 / found as f64;
        let (expected, sd) = (mean_hops(nodes), deviation(nodes, found));
        let name = "mean_hops: log2 n / 2 - 0.137";
        checks.push(Check::normal(name, quiet, measured, expected, sd));
    }
    let longest = of(ChordMetric::Longest) as f64;
    let most = log2(nodes) + 6.0;
    checks.push(Check {
        ok: longest <= most,
        interval: (0.0, most),
        ..Check::exact("longest lookup: <= log2 n + 6", quiet, longest, most)
    });
    let failed = of(ChordMetric::Failed) as f64;
    checks.push(Check::exact("lookups given up", quiet, failed, 0.0));
    checks.into_iter().map(|check| check.if_undisturbed(facts)).collect()
}
