//! How even the forgers' wealth is, as node 0's chain has it: measured at every block, so that the last
//! figures are those of the end, and what was gained in an interval is a series.

use anthill_protocol::{Context, NodeId, Snapshot};

use crate::Goodwill;
use crate::chain::block_of;
use crate::ledger::Ledger;
use crate::metric::GoodwillMetric as M;
use crate::node::Full;
use crate::parameters::COIN;

/// Figures in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub(crate) struct Wealth {
    gini: u64,
    /// 1 − Σx².
    monopoly: u64,
    /// Points of Lorenz's curve: what the poorest half, nine tenths, and 99 hundredths have of all.
    lorenz: [u64; 3],
}

/// A share in millionths.
fn millionths(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * COIN as f64).round() as u64
}

impl Wealth {
    /// Of so much each; `None`: nobody has anything.
    pub(crate) fn of(mut all: Vec<u64>) -> Option<Self> {
        all.sort_unstable();
        let sum: u128 = all.iter().map(|one| u128::from(*one)).sum();
        if sum == 0 {
            return None;
        }
        let (n, total) = (all.len() as f64, sum as f64);
        let ranked: f64 =
            all.iter().zip(1u32..).map(|(one, rank)| *one as f64 * f64::from(rank)).sum();
        let gini = 2.0 * ranked / (n * total) - (n + 1.0) / n;
        let squares: f64 = all.iter().map(|one| (*one as f64 / total).powi(2)).sum();
        let lorenz = [50, 90, 99].map(|percent| {
            let poorest = &all[..all.len() * percent / 100];
            let held: u128 = poorest.iter().map(|one| u128::from(*one)).sum();
            millionths(held as f64 / total)
        });
        Some(Self { gini: millionths(gini), monopoly: millionths(1.0 - squares), lorenz })
    }

    /// Each with its metric.
    fn figures(&self) -> [(M, u64); 5] {
        let [half, nine_tenths, but_hundredth] = self.lorenz;
        [
            (M::Gini, self.gini),
            (M::Monopoly, self.monopoly),
            (M::PoorestHalf, half),
            (M::PoorestNineTenths, nine_tenths),
            (M::ButRichestHundredth, but_hundredth),
        ]
    }
}

impl Goodwill {
    /// What honest forgers have.
    pub(crate) fn wealth(&self, ledger: &Ledger) -> Option<Wealth> {
        let honest = self.forgers() - self.held();
        Wealth::of((0..honest).map(|id| ledger.accounts.balance(id)).collect())
    }

    /// Node 0's chain has changed: records what figures have gained.
    pub(crate) fn measure_wealth(&self, node: &mut Full, cx: &mut impl Context<Self>) {
        debug_assert_eq!(cx.id(), NodeId(0), "one node measures for all");
        let bodies = cx.bodies();
        let Some(outcome) = self.outcome(block_of(&bodies, node.tip), &bodies) else { return };
        let Some(now) = self.wealth(&outcome.ledger) else { return };
        for ((metric, new), (_, old)) in now.figures().into_iter().zip(node.measured.figures()) {
            if new != old {
                cx.record(metric, new.wrapping_sub(old));
            }
        }
        node.measured = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{count, goodwill, ledger, number, run};

    #[test]
    fn figures_of_small_lists() {
        assert_eq!(Wealth::of(vec![0, 0]), None);
        let even = Wealth::of(vec![5; 100]).expect("some");
        assert_eq!((even.gini, even.monopoly), (0, 990_000));
        assert_eq!(even.lorenz, [500_000, 900_000, 990_000]);
        // One has all: (n − 1)/n.
        let mut one = vec![0; 100];
        one[3] = 9;
        let one = Wealth::of(one).expect("some");
        assert_eq!((one.gini, one.monopoly, one.lorenz), (990_000, 0, [0; 3]));
        // 1, 2, 3, 4: mean difference over twice the mean is 10/16 / 2.5.
        let four = Wealth::of(vec![4, 2, 3, 1]).expect("some");
        assert_eq!((four.gini, four.lorenz[0]), (250_000, 300_000));
    }

    /// The totals are the figures of the last block's state.
    #[test]
    fn a_run_ends_with_the_figures_of_its_end() {
        let set =
            [count("forgers", 10), count("window", 12), count("windows", 5), number("bid", 20.0)];
        let protocol = goodwill(10, None, &set);
        let (pump, facts) = run(protocol.clone(), 10, 4);
        let last = protocol.wealth(&ledger(&pump, 0)).expect("some");
        assert!(last.gini > 0);
        for (metric, figure) in last.figures() {
            assert_eq!(facts.totals.of(metric), figure, "{metric:?}");
        }
    }
}
