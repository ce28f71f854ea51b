//! Measured rates beside closed forms.

use anthill_protocol::{Check, Message, NodeId, Questions, RunFacts};

use crate::attacks::Plan;
use crate::chain::BATCH;
use crate::message::NakamotoMessage;
use crate::metric::NakamotoMetric as M;
use crate::{Nakamoto, theory};

/// Shorter chains say nothing.
const LEAST_BLOCKS: f64 = 30.0;
/// Up to here the first order is good enough for delays that vary, and the error is of the second.
const LIGHT_LOAD: f64 = 0.02;
/// The standard deviation of a selfish pool's revenue is this over √N, or less.
const WIDEST: f64 = 3.6;
/// Batches from which on their variance is used.
const LEAST_BATCHES: f64 = 30.0;

/// Whether all delays are equal is seen from round trips; whether all nodes are connected, from a walk.
pub(crate) fn asks(facts: &RunFacts) -> Questions {
    let is_plain = !facts.disturbed && !facts.adversary;
    let is_complete = facts.topology == "complete";
    let reach_of = (is_plain && !is_complete && !facts.directed).then_some(NodeId(0));
    Questions { round_trips: is_plain && is_complete, reach_of }
}

/// All checks that make sense for a run.
pub(crate) fn all(protocol: &Nakamoto, facts: &RunFacts) -> Vec<Check> {
    let run = Run { protocol, facts };
    let plan = protocol.attack.as_ref().map(|attack| (attack.plan, attack.share));
    let mut checks = match plan {
        None => vec![run.stale_rate(), run.growth(1.0), run.blocks_sent()],
        Some((Plan::Withheld { hold }, share)) if hold.0 == 0 => vec![run.growth(1.0 - share)],
        Some((Plan::Selfish { gamma }, share)) => run.selfish(share, gamma.is_some()),
        Some((Plan::DoubleSpend { give_up, .. }, share)) => {
            vec![run.double_spend(share, give_up)]
        }
        Some((Plan::Eclipse { .. }, _)) => vec![run.eclipse()],
        Some((Plan::Withheld { .. }, _)) => Vec::new(),
    };
    if let Some((_, share)) = plan {
        checks.extend([run.quality(share), run.least_growth(1.0 - share)]);
    }
    checks.into_iter().flatten().collect()
}

/// A finished run, in figures.
struct Run<'a> {
    protocol: &'a Nakamoto,
    facts: &'a RunFacts,
}

impl Run<'_> {
    fn of(&self, metric: M) -> f64 {
        self.facts.totals.of(metric) as f64
    }

    /// Of blocks of the main chain.
    fn per_block(&self, metric: M) -> f64 {
        self.of(metric) / self.of(M::ChainBlocks).max(1.0)
    }

    /// Blocks that all honest miners find while one is on its way to them: rate times mean delay.
    fn load(&self, honest: f64) -> f64 {
        self.found(honest) * (1.0 - 1.0 / f64::from(self.miners()))
    }

    /// The same, with those of its own miner.
    fn found(&self, honest: f64) -> f64 {
        let mean = self.of(M::MinerDelay) / self.of(M::MinerReceipts).max(1.0) / 1e6;
        self.rate(honest) * mean
    }

    /// By how much blocks come earlier, see [`theory::lead`], and what its first order leaves out.
    fn lead(&self, honest: f64) -> (f64, f64) {
        let lead = theory::lead(self.found(honest), self.miners()).min(self.load(honest));
        (lead, lead * lead)
    }

    /// Blocks per second at the first difficulty.
    fn rate(&self, honest: f64) -> f64 {
        honest * self.protocol.hash_rate / self.protocol.interval.as_secs_f64()
    }

    fn miners(&self) -> u32 {
        self.protocol.honest_miners().min(self.facts.nodes).max(1)
    }

    /// Whether the forms of growth and staleness hold at a load: exactly for equal delays and many
    /// miners, to first order else.
    fn is_claimed(&self, load: f64) -> bool {
        let trips = &self.facts.answers.round_trips;
        let is_fixed = !trips.is_empty() && trips.first() == trips.last() && self.miners() >= 50;
        (is_fixed || load <= LIGHT_LOAD) && self.of(M::Retargets) == 0.0 && !self.facts.disturbed
    }

    fn stale_rate(&self) -> Option<Check> {
        let (load, mined) = (self.load(1.0), self.of(M::Mined));
        let (lead, left_out) = self.lead(1.0);
        let expected = theory::stale_rate(load, lead);
        let sd = (load / mined.max(1.0)).sqrt() / (1.0 + load).powi(3).sqrt();
        // Few stale blocks are about Poisson: Cornish and Fisher's term for its skewness, and the
        // second order of the load.
        let slack = 5.0 / mined.max(1.0)
            + load.min(LIGHT_LOAD).powi(2)
            + left_out * theory::growth(load, lead).powi(2);
        let check = check(
            "stale_rate: 1 - 1 / (1 + load - lead)",
            "honest miners; equal delays and 50 miners or more, or a load of at most 0.02",
            (self.of(M::StaleRate) / mined.max(1.0), expected),
            (sd, slack),
        );
        (mined >= LEAST_BLOCKS).then(|| check.only_if(self.is_claimed(load)))
    }

    /// The growth of the chain that `honest` of the hash rate gives it.
    fn growth(&self, honest: f64) -> Option<Check> {
        let name = "chain_growth: rate / (1 + load - lead), blocks per second";
        self.growth_ahead(name, honest, self.lead(honest))
    }

    fn growth_ahead(
        &self,
        name: &'static str,
        honest: f64,
        (lead, left_out): (f64, f64),
    ) -> Option<Check> {
        let (load, blocks) = (self.load(honest), self.of(M::ChainBlocks));
        let seconds = self.of(M::LastTip) / 1e6;
        let share = theory::growth(load, lead);
        let expected = self.rate(honest) * share;
        let sd = expected * share / blocks.max(1.0).sqrt();
        let slack = load.min(LIGHT_LOAD).powi(2) + 10.0 / blocks.max(1.0) + left_out * share;
        let check = check(
            name,
            "at the first difficulty; equal delays and 50 miners or more, or a load of at most 0.02",
            (blocks / seconds.max(1e-9), expected),
            (sd, expected * slack),
        );
        (blocks >= LEAST_BLOCKS).then(|| check.only_if(self.is_claimed(load)))
    }

    /// Whatever an adversary does, every block of the others makes the chain longer.
    fn least_growth(&self, honest: f64) -> Option<Check> {
        let name = "chain_growth: at least honest rate / (1 + load), blocks per second";
        let check = self.growth_ahead(name, honest, (0.0, 0.0))?;
        let deviation = (check.interval.1 - check.expected) / 1.96;
        Some(Check {
            ok: check.measured >= check.expected - 5.0 * deviation,
            interval: (check.interval.0, self.rate(1.0).max(check.measured)),
            ..check
        })
    }

    /// Of each block, every node but its miner is sent one copy, whatever the topology.
    fn blocks_sent(&self) -> Option<Check> {
        let place = NakamotoMessage::KINDS.iter().position(|kind| *kind == "block")?;
        let sent = *self.facts.totals.messages_by_kind.get(place)? as f64;
        let nodes = f64::from(self.facts.nodes);
        let reached = self.facts.answers.reach.map_or(0, |reach| reach.nodes);
        let is_connected =
            self.facts.topology == "complete" || reached == u64::from(self.facts.nodes);
        let is_plain = !self.facts.disturbed && !self.facts.adversary && self.facts.quiescent;
        // A branch that is not adopted is not announced by those who have another.
        let is_one_chain = self.of(M::StaleRate) == 0.0 && self.of(M::Mined) > 0.0;
        let is_made = self.protocol.relay == "inv" && is_plain && is_connected && is_one_chain;
        let check = Check::exact(
            "blocks sent: mined x (nodes - 1)",
            "relay by inv, nothing lost, no stale block, answers within `retry`",
            sent,
            self.of(M::Mined) * (nodes - 1.0),
        );
        is_made.then_some(check)
    }

    /// Whatever the adversary does.
    fn quality(&self, share: f64) -> Option<Check> {
        let blocks = self.of(M::ChainBlocks);
        let expected = theory::least_quality(share);
        let sd = WIDEST / blocks.max(1.0).sqrt();
        let measured = self.per_block(M::ChainQuality);
        let ok = measured >= expected - 5.0 * sd;
        let interval = ((expected - 1.96 * sd).max(0.0), 1.0);
        let exact = Check::exact(
            "chain_quality: at least 1 - share / (1 - share)",
            "an adversary with less than half of the hash rate",
            measured,
            expected,
        );
        let check = Check { ok, interval, ..exact };
        let is_claimed = share < 0.5 && !self.facts.disturbed;
        (blocks >= LEAST_BLOCKS).then(|| check.only_if(is_claimed))
    }

    fn selfish(&self, share: f64, is_drawn: bool) -> Vec<Option<Check>> {
        let blocks = self.of(M::ChainBlocks);
        if blocks < LEAST_BLOCKS {
            return Vec::new();
        }
        let races = self.of(M::Races);
        let measured_gamma = self.of(M::RacesOnPool) / races.max(1.0);
        let gamma = match self.protocol.drawn_gamma() {
            Some(gamma) => gamma as f64 / u64::MAX as f64,
            None => measured_gamma,
        };
        let retargets = self.protocol.attack.as_ref().is_some_and(|attack| attack.retargets);
        let is_claimed = is_drawn && share < 0.5 && !self.facts.disturbed && !retargets;
        let revenue = check(
            "selfish_revenue: R(share, gamma)",
            "ties drawn, less than half of the hash rate, a constant difficulty, delays far below \
             the interval",
            (self.per_block(M::SelfishRevenue), theory::selfish_revenue(share, gamma)),
            (self.revenue_deviation(blocks), 1.0 / blocks),
        );
        let sd = (gamma * (1.0 - gamma) / races.max(1.0)).sqrt();
        let race = check(
            "races on the pool's branch: gamma",
            "ties drawn, delays far below the interval",
            (measured_gamma, gamma),
            (sd, 0.002),
        );
        let race = (races >= LEAST_BLOCKS).then(|| race.only_if(is_claimed));
        vec![Some(revenue.only_if(is_claimed)), race]
    }

    /// The standard deviation of the pool's share: from batches, else the widest.
    fn revenue_deviation(&self, blocks: f64) -> f64 {
        let n = self.of(M::Batches);
        if n < LEAST_BATCHES {
            return WIDEST / blocks.sqrt();
        }
        let sum = self.of(M::BatchSum);
        let variance = (self.of(M::BatchSquares) - sum * sum / n) / (n - 1.0);
        (variance.max(0.0) / n).sqrt() / f64::from(BATCH)
    }

    fn double_spend(&self, share: f64, give_up: u32) -> Option<Check> {
        let totals = &self.facts.totals;
        let (attempts, successes) = (totals.of(M::Attempts), totals.of(M::DoubleSpendSuccess));
        if attempts == 0 {
            return None;
        }
        let expected = theory::double_spend(share, self.protocol.confirmations());
        let least = (expected - theory::lost_by_giving_up(share, give_up)).max(0.0);
        let (n, measured) = (attempts as f64, successes as f64 / attempts as f64);
        let p = measured.clamp(least, expected);
        let sd = (expected * (1.0 - expected) / n).sqrt();
        // Within the bounds of giving up there is nothing to reject.
        let ok = p == measured || theory::binomial_tail(successes, attempts, p) >= 5e-7;
        let exact = Check::exact(
            "double_spend_success: Rosenfeld",
            "one block before the payment, less than half of the hash rate, delays far below the \
             interval",
            measured,
            expected,
        );
        let interval = ((least - 1.96 * sd).max(0.0), (expected + 1.96 * sd).min(1.0));
        let is_claimed = share < 0.5 && !self.facts.disturbed;
        Some(Check { ok, interval, ..exact }.only_if(is_claimed))
    }

    fn eclipse(&self) -> Option<Check> {
        let attempts = self.of(M::Attempts);
        let check = Check::exact(
            "double_spend_success: a victim without honest peers",
            "delays far below the interval",
            self.of(M::DoubleSpendSuccess) / attempts.max(1.0),
            1.0,
        );
        (attempts > 0.0).then(|| check.only_if(!self.facts.disturbed))
    }
}

/// A statistical check with a systematic error; `figures`: measured and expected, `errors`: standard
/// deviation and slack.
fn check(
    name: &'static str,
    bound: &'static str,
    figures: (f64, f64),
    errors: (f64, f64),
) -> Check {
    let ((measured, expected), (sd, slack)) = (figures, errors);
    let ok = (measured - expected).abs() <= 4.9 * sd + slack;
    Check { ok, ..Check::normal(name, bound, measured, expected, sd) }
}
