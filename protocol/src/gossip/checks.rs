//! What theory says of a gossip run.
//!
//! Whether the scenario disturbs its network, a run says; how much, its counters do: every message
//! that carried the rumour was a first receipt, a duplicate, or is missing ([`unaccounted`]: lost,
//! addressed to a node that was down, still under way, or received again after a crash without
//! state). On a disturbed network a deviation is a measurement, and checks that losses would
//! falsify are made only when the counters exclude them.

use super::GossipMetric;
use crate::{Check, NodeId, Questions, Reach, RunFacts, Span};

/// Below this the approximations for many nodes are not claimed.
const LEAST_NODES: u32 = 1_000;

/// The positive solution of r = 1 − e^(−F·r), for a mean number of sends `fanout` > 1 per informed
/// node: the share that infect-and-die reaches on a complete topology.
pub fn fixed_point(fanout: f64) -> f64 {
    // From above the iteration falls monotonically, by the factor F(1 − r) < 1 at the end.
    let mut reached = 1.0;
    for _ in 0..1_000 {
        reached = 1.0 - libm::exp(-fanout * reached);
    }
    reached
}

/// The standard deviation of the share reached among `nodes`.
///
/// Let informed nodes send one after the other. After m sends to uniform targets, the share not
/// yet hit is e^(−c), c = m/n, with the variance of classical occupancy,
/// e^(−c)·(1 − (1 + c)e^(−c))/n. (That the targets of one node are distinct changes it only in
/// order 1/n².) The process stops where the senders are used up, m = F·n·r, so at c = F·r and
/// e^(−c) = 1 − r; an excess there is amplified by 1/(1 − F(1 − r)), because those hit
/// additionally send as well.
pub fn share_deviation(fanout: f64, nodes: u32) -> f64 {
    let reached = fixed_point(fanout);
    let missed = 1.0 - reached;
    let occupancy = missed * (1.0 - (1.0 + fanout * reached) * missed);
    (occupancy / f64::from(nodes)).sqrt() * amplification(fanout)
}

fn amplification(fanout: f64) -> f64 {
    1.0 / (1.0 - fanout * (1.0 - fixed_point(fanout)))
}

/// Messages with the rumour that were neither a first receipt nor a duplicate.
fn unaccounted(facts: &RunFacts) -> u64 {
    let of = |metric| facts.totals.of(metric);
    let received = of(GossipMetric::Coverage).saturating_sub(1) + of(GossipMetric::Duplicates);
    of(GossipMetric::Sends).saturating_sub(received)
}

/// Infect-and-die against its fixed point, with the measured share p of lost messages:
/// r = 1 − e^(−F(1−p)r).
///
/// Without loss a fan-out of two or more dies out with a probability of order 1/n² only (the
/// first nodes would have to choose each other), so any coverage is checked. With loss a run may
/// die out early by chance, and whether the losses were independent is not known here: below 10 %
/// nothing is checked.
pub(super) fn infect_and_die(fanout: u32, facts: &RunFacts) -> Option<Check> {
    let sends = facts.totals.of(GossipMetric::Sends);
    // Where nothing loses messages, missing ones are no excuse.
    let lost = if facts.disturbed || facts.adversary { unaccounted(facts) } else { 0 };
    let mean_sends = f64::from(fanout) * (1.0 - lost as f64 / sends.max(1) as f64);
    let complete = facts.topology == "complete" && facts.nodes >= LEAST_NODES;
    let claimed = facts.quiescent && complete && sends > 0;
    if !claimed || mean_sends < 1.5 {
        return None;
    }
    let nodes = f64::from(facts.nodes);
    let measured = facts.totals.of(GossipMetric::Coverage) as f64 / nodes;
    if lost > 0 && measured <= 0.1 {
        return None;
    }
    let (name, bound) = if lost == 0 {
        ("coverage: 1 - e^(-F r)", "infect-and-die, complete topology, nothing lost")
    } else {
        ("coverage: 1 - e^(-F(1-p) r)", "infect-and-die, complete topology, independent losses")
    };
    let expected = fixed_point(mean_sends);
    let sd = share_deviation(mean_sends, facts.nodes);
    // A high fan-out misses a handful of nodes: about Poisson, not normal. Cornish and Fisher's
    // term for the skewness adds (4.9² − 1)/6 < 4 nodes to the limit, counting in whole nodes one.
    let skew = 5.0 * amplification(mean_sends).powi(2) / nodes;
    let ok = (measured - expected).abs() <= 4.9 * sd + skew;
    let interval = (expected - 1.96 * sd, (expected + 1.96 * sd).min(1.0));
    let check = Check {
        name,
        bound,
        ok,
        expected_violation: false,
        measured,
        expected,
        interval,
        not_judged: None,
    };
    Some(check.if_undisturbed(facts))
}

/// What can be reached from the origin, if checks of flood and inv have to know it: of an undisturbed
/// run that does not simply reach all over edges that lead both ways.
pub(super) fn asks(origin: NodeId, facts: &RunFacts) -> Questions {
    let judged = facts.quiescent && !facts.disturbed && !facts.adversary;
    let is_plain = !facts.directed && reached(facts) == u64::from(facts.nodes);
    Questions { reach_of: (judged && !is_plain).then_some(origin), ..Questions::default() }
}

fn reached(facts: &RunFacts) -> u64 {
    facts.totals.of(GossipMetric::Coverage)
}

/// Flood and inv reach what the topology leads to from the origin, which need not be all: a graph
/// may have several components, and its edges may lead one way.
pub(super) fn nodes_reached(facts: &RunFacts) -> Option<Check> {
    let reach = facts.answers.reach?;
    let (name, bound) = ("nodes reached", "nothing lost: all that edges lead to from the origin");
    Some(Check::exact(name, bound, reached(facts) as f64, reach.nodes as f64))
}

/// Flood: each informed node sends over all its slots, but over none (of parallel ones: one) to the
/// node that told it. So there are as many sends as edges leave the reached nodes, less one for each
/// node but the origin that has an edge back to whoever told it. Where edges lead both ways all have;
/// in a directed graph some may or may not, depending on who tells them first.
pub(super) fn flood_sends(facts: &RunFacts) -> Option<Check> {
    match facts.answers.reach {
        Some(reach) => Some(sends_over(reach, facts)),
        None if facts.directed => None,
        None => sends_to_all(facts),
    }
}

fn sends_over(reach: Reach, facts: &RunFacts) -> Check {
    let measured = facts.totals.of(GossipMetric::Sends) as f64;
    let sends = |back: u64| (reach.edges - back) as f64;
    let (least, most) = (sends(reach.back.1), sends(reach.back.0));
    Check {
        name: "sends: edges of the reached - edges back",
        bound: "flood, nothing lost",
        ok: (least..=most).contains(&measured),
        expected_violation: false,
        measured,
        expected: (least + most) / 2.0,
        interval: (least, most),
        not_judged: None,
    }
}

fn sends_to_all(facts: &RunFacts) -> Option<Check> {
    let nodes = u64::from(facts.nodes);
    let reached_all = reached(facts) == nodes;
    // A node that forgot the rumour floods again, which shows as a receipt of neither kind.
    let may_lose = facts.disturbed || facts.adversary;
    if !facts.quiescent || !reached_all || may_lose && unaccounted(facts) > 0 {
        return None;
    }
    let check = Check::exact(
        "sends: sum of degrees - nodes + 1",
        "flood, all nodes reached, nothing lost",
        facts.totals.of(GossipMetric::Sends) as f64,
        (facts.edges + 1 - nodes) as f64,
    );
    Some(check.if_undisturbed(facts))
}

/// Lock-step push on a complete topology: log2 n + ln n + O(1) rounds (Pittel 1987); on average
/// between ⌊log2 n⌋ + ln n − 1.116 and ⌈log2 n⌉ + ln n + 2.765 + o(1) (Doerr, Künnemann 2014).
///
/// The spread is that of the last phase, a coupon collector's: each further round leaves a node
/// uninformed with 1/e, so k rounds more than the mean have probability about e^(−k), k rounds
/// fewer about e^(−e^k). At p < 1e-6 that is 14 more and 3 fewer; with the width of the mean and
/// the rounding: −5.2 to +17.8. The 95 % interval likewise: −3.5 to +7.5.
///
/// The run ends when all know, with the sends of one round under way: more than n missing mean
/// losses, or delays longer than a round, and nothing is claimed of a disturbed network. Messages that
/// take longer than a round make for more of them, so too many are reported as a measurement unless
/// all sampled round trips fit into one; nothing explains too few.
pub(super) fn rounds_to_all(round: Span, facts: &RunFacts) -> Option<Check> {
    let nodes = u64::from(facts.nodes);
    let claimed = facts.topology == "complete" && facts.nodes >= LEAST_NODES;
    let reached_all = facts.totals.of(GossipMetric::Coverage) == nodes;
    let is_lost = facts.disturbed && unaccounted(facts) > nodes;
    if !claimed || !reached_all || is_lost {
        return None;
    }
    let trips = &facts.answers;
    let is_in_time = !trips.round_trips.is_empty() && trips.longest() <= round;
    let measured = facts.totals.of(GossipMetric::RoundsToAll) as f64;
    let expected = libm::log2(nodes as f64) + libm::log(nodes as f64);
    let check = Check {
        name: "rounds to all: log2 n + ln n + O(1)",
        bound: "push in lock-step, complete topology, delays below a round",
        ok: (expected - 5.2..=expected + 17.8).contains(&measured),
        expected_violation: measured > expected && !is_in_time,
        measured,
        expected,
        interval: (expected - 3.5, expected + 7.5),
        not_judged: None,
    };
    Some(check.if_undisturbed(facts))
}
