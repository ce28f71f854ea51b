//! The cost of an accepted attempt: whether its witnesses were convicted in time, and who gets
//! their stakes.
//!
//! Counted by the attacker, which hears of both. The stake is counted as if this attempt were the only
//! one: attempts of a run share verifiers, each of which has one stake to lose.

use crate::adversary::{Context, NodeId, Witness, WitnessMetric, WitnessNode};
use crate::objects::claim::Case;
use crate::timeline::Event;
use anthill_protocol::{Snapshot, Time};

/// How an attempt was judged so far.
#[derive(Debug, Default, Snapshot)]
pub(super) struct Cost {
    /// When the attacker heard that all payees have accepted.
    accepted: Option<Time>,
    /// The earliest conviction that it has heard of.
    verdict: Option<Verdict>,
    /// The counts so far: attempts convicted, witnesses named, attempts that cost nothing, stake
    /// lost.
    counted: [u64; 4],
}

#[derive(Clone, Copy, Debug, Snapshot)]
struct Verdict {
    /// Its place in the timeline.
    key: (Time, u64),
    /// When any was heard of first.
    heard: Time,
    named: u64,
    /// Stake that the coalition does not get back.
    price: u64,
}

const COUNTERS: [WitnessMetric; 4] = [
    WitnessMetric::Convicted,
    WitnessMetric::GuiltyNamed,
    WitnessMetric::StakesKept,
    WitnessMetric::StakePrice,
];

impl Witness {
    /// Whether a node belongs to the coalition: corrupt, or one that spends twice.
    pub(super) fn is_of_coalition(&self, node: NodeId) -> bool {
        let spends = |adversary: &crate::adversary::Adversary| adversary.payees(node).is_some();
        self.is_corrupt(node) || self.adversary.as_ref().is_some_and(spends)
    }

    /// The attacker hears that its last payee accepted.
    pub(super) fn attempt_accepted(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        node.attempt.get_or_insert_default().cost.accepted = Some(cx.local_clock());
        self.count_cost(node, cx);
    }

    /// The owner of a fund hears of a conviction over it.
    pub(crate) fn attempt_convicted(
        &self,
        node: &mut WitnessNode,
        event: &Event,
        case: &Case,
        cx: &mut impl Context<Self>,
    ) {
        let (bodies, timeline) = (cx.bodies(), node.timeline);
        let Some(attempt) = &mut node.attempt else { return };
        let named = case.guilty.len() as u64;
        let is_left = |who: &&NodeId| !self.is_stake_out(timeline, (**who, event.time), &bodies);
        let stakes = case.guilty.iter().filter(is_left).count() as u64 * self.terms.stake;
        let back = if self.is_of_coalition(event.author) { self.reward(case) } else { 0 };
        let (key, price) = ((event.time, event.id()), stakes.saturating_sub(back));
        let before = attempt.cost.verdict;
        if before.is_some_and(|before| before.key <= key) {
            return;
        }
        let heard = before.map_or(cx.local_clock(), |before| before.heard);
        attempt.cost.verdict = Some(Verdict { key, heard, named, price });
        self.count_cost(node, cx);
    }

    /// Counts what is known, in place of what was counted before.
    fn count_cost(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let Some(attempt) = &mut node.attempt else { return };
        let cost = &mut attempt.cost;
        let (Some(accepted), Some(verdict)) = (cost.accepted, cost.verdict) else { return };
        let waited = verdict.heard.since(accepted);
        let least = 2 * self.terms.redundancy - self.terms.witnesses;
        if waited > self.terms.conviction_time || verdict.named < least.into() {
            return;
        }
        if cost.counted == [0; 4] {
            cx.record(WitnessMetric::Conviction, waited.0);
        }
        let counts = [1, verdict.named, u64::from(verdict.price == 0), verdict.price];
        for ((metric, count), before) in COUNTERS.into_iter().zip(counts).zip(cost.counted) {
            cx.record(metric, count.wrapping_sub(before));
        }
        cost.counted = counts;
    }
}
