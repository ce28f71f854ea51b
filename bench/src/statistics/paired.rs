//! Differences between runs that share a seed, and how many of them are not chance.

use super::{Mean, Range, sign_flip};

/// Paired differences, second less first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Paired {
    /// Their mean and its interval.
    pub difference: Mean,
    /// Mean of the firsts.
    pub first: f64,
    /// Mean of the seconds.
    pub second: f64,
    /// Probability, if there were no difference, of a mean at least this far from zero: exact
    /// sign-flip test, two-sided. Never 0.
    pub p: f64,
    /// Mean difference in standard deviations of the differences (Cohen's d for pairs); none where
    /// they do not vary.
    pub effect: Option<f64>,
}

impl Paired {
    /// The differences of some pairs of a quantity; `None` if there are none.
    pub(crate) fn of(pairs: &[(f64, f64)], range: Range) -> Option<Self> {
        let differences: Vec<f64> = pairs.iter().map(|(first, second)| second - first).collect();
        let difference = Mean::of(&differences, range.of_differences())?;
        let mean = |part: fn(&(f64, f64)) -> f64| -> f64 {
            pairs.iter().map(part).sum::<f64>() / pairs.len() as f64
        };
        let deviation = difference.deviation.filter(|deviation| *deviation > 0.0);
        Some(Self {
            difference,
            first: mean(|pair| pair.0),
            second: mean(|pair| pair.1),
            p: sign_flip::sign_flip(&differences),
            effect: deviation.map(|deviation| difference.mean / deviation),
        })
    }

    /// Whether no pair differs at all.
    pub(crate) fn is_equal(&self) -> bool {
        self.difference.mean == 0.0 && self.difference.deviation.unwrap_or(0.0) == 0.0
    }
}

/// Probabilities corrected for looking at all of them (Holm): the chance that one or more of those
/// below 0.05 is wrong stays below 0.05, whatever they depend on each other.
pub(crate) fn adjusted(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let mut adjusted = vec![1.0; ps.len()];
    let mut least = 0.0f64;
    for (rank, index) in order.into_iter().enumerate() {
        least = least.max((ps.len() - rank) as f64 * ps[index]).min(1.0);
        adjusted[index] = least;
    }
    adjusted
}

/// How many pairs it takes until the sign-flip test of one metric of so many can reach a level after
/// Holm's correction.
pub(crate) fn pairs_needed(metrics: usize, level: f64) -> usize {
    let can = |pairs: &usize| metrics.max(1) as f64 * sign_flip::least(*pairs) < level;
    // No family is so large that 2/2³² times its size were not below a level worth stating.
    (1..=32).find(can).unwrap_or(32)
}

#[cfg(test)]
mod tests {
    use super::super::near;
    use super::*;

    /// Differences 1, 2, 3: mean 2, s = 1, t(2) = 4.302652730. Of the eight assignments of signs two
    /// are as far from 0.
    #[test]
    fn paired_differences_by_hand() {
        let paired =
            Paired::of(&[(10.0, 11.0), (20.0, 22.0), (30.0, 33.0)], Range::FREE).expect("pairs");
        assert_eq!((paired.first, paired.second, paired.difference.mean), (20.0, 22.0, 2.0));
        assert_eq!(paired.effect, Some(2.0));
        assert_eq!(paired.p, 0.25);
        let [low, high] = paired.difference.interval.expect("three pairs");
        let half = 4.302_652_730 / 3.0f64.sqrt();
        assert!((low - 2.0 + half).abs() < 1e-6 && (high - 2.0 - half).abs() < 1e-6);
    }

    /// Means of A and B in a family without a difference: what the seeds share, and what they do not.
    type Law = fn(&mut dyn FnMut() -> f64) -> f64;

    /// Laws that a t-test of few pairs takes for differences: counts with ties, rare events, heavy
    /// tails, and what hardly varies.
    const LAWS: [Law; 6] = [
        |unit| unit(),
        |unit| (unit() * 4.0).floor(),
        |unit| f64::from(u8::from(unit() < 0.1)),
        |unit| 1.0 / unit().max(1e-9).powi(2),
        |unit| if unit() < 0.5 { 1.0 } else { 1.0 + 1e-9 * unit() },
        |unit| 300.0 * unit().powi(20),
    ];

    /// How many of some families of metrics without a difference get a verdict at 0.05.
    fn wrong(families: u64, pairs: usize, metrics: usize) -> u64 {
        let family = |family: u64| {
            let mut drawn = 0;
            let seed = family << 32 | (pairs as u64) << 16 | metrics as u64;
            let mut unit = move || {
                drawn += 1;
                (anthill_protocol::draw::draw(seed, drawn) >> 11) as f64 / (1u64 << 53) as f64
            };
            let mut tested = Vec::new();
            for metric in 0..metrics {
                let law = LAWS[metric % LAWS.len()];
                let pairs: Vec<(f64, f64)> =
                    (0..pairs).map(|_| (law(&mut unit), law(&mut unit))).collect();
                let paired = Paired::of(&pairs, Range::FREE).expect("pairs");
                tested.extend((!paired.is_equal()).then_some(paired.p));
            }
            u64::from(adjusted(&tested).iter().any(|p| *p < 0.05))
        };
        (0..families).map(family).sum()
    }

    /// With any number of pairs at most 5 % of the families without a difference get a verdict.
    #[test]
    fn what_does_not_differ_gets_no_verdict_in_95_families_of_100() {
        let mut all = (0, 0);
        for pairs in [2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20] {
            for metrics in [1, 6, 15, 60] {
                let found = wrong(200, pairs, metrics);
                // Of 200 at 5 % more than 20 with probability 0.001.
                assert!(found <= 20, "{pairs} pairs, {metrics} metrics: {found} of 200");
                assert!(pairs >= pairs_needed(1, 0.05) || found == 0, "{pairs} pairs: {found}");
                all = (all.0 + found, all.1 + 200);
            }
        }
        assert!(all.0 > 0 && all.0 * 20 <= all.1, "{} of {} families", all.0, all.1);
        // Beyond the pairs whose signs are flipped one by one.
        let found = wrong(30, 48, 6);
        assert!(found <= 6, "{found} of 30");
    }

    /// What differs by a standard deviation or so is found with 20 pairs among sixty metrics.
    #[test]
    fn an_obvious_difference_is_found() {
        let pair = |i: u64| {
            let unit = |n| (anthill_protocol::draw::draw(i, n) >> 11) as f64 / (1u64 << 53) as f64;
            (unit(0), unit(1) + 0.8)
        };
        for pairs in [20, 40, 100] {
            let pairs: Vec<(f64, f64)> = (0..pairs).map(pair).collect();
            let p = Paired::of(&pairs, Range::FREE).expect("pairs").p;
            assert!(adjusted(&[[p].as_slice(), &[0.9; 59]].concat())[0] < 0.05, "{p}");
        }
    }

    #[test]
    fn so_many_pairs_are_needed() {
        // 2/2ⁿ below 0.05: 2/64. Times 15: 30/1024.
        assert_eq!((pairs_needed(1, 0.05), pairs_needed(15, 0.05)), (6, 10));
        assert_eq!((pairs_needed(0, 0.05), pairs_needed(60, 0.05)), (6, 12));
    }

    #[test]
    fn equal_and_constant_differences() {
        let of = |pairs: &[(f64, f64)]| Paired::of(pairs, Range::FREE).expect("pairs");
        let equal = of(&[(1.0, 1.0), (2.0, 2.0)]);
        assert!(equal.is_equal() && equal.p == 1.0 && equal.effect.is_none());
        // That it is the same in both says no more than two pairs can.
        let shifted = of(&[(1.0, 2.0), (2.0, 3.0)]);
        assert!(!shifted.is_equal() && shifted.p == 0.5, "{shifted:?}");
        assert_eq!((shifted.effect, shifted.difference.interval), (None, None));
        let one = of(&[(1.0, 2.0)]);
        assert_eq!((one.p, one.difference.interval), (1.0, None));
    }

    /// Holm's own procedure: sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, never falling.
    #[test]
    fn holm_by_hand() {
        let found = adjusted(&[0.03, 0.01, 0.04, 0.02]);
        let expected = [0.06, 0.04, 0.06, 0.06];
        assert!(found.iter().zip(expected).all(|(a, b)| near(*a, b)), "{found:?}");
        assert_eq!(adjusted(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(adjusted(&[]).is_empty());
    }
}
