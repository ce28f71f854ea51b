//! Differences between runs that share a seed, and how many of them are not chance.

use super::{Mean, two_sided};

/// Paired differences, second less first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Paired {
    /// Their mean and its interval.
    pub difference: Mean,
    /// Mean of the firsts.
    pub first: f64,
    /// Mean of the seconds.
    pub second: f64,
    /// Probability, if there were no difference, of a mean at least this far from zero: paired t,
    /// two-sided. None for fewer than two pairs.
    pub p: Option<f64>,
    /// Mean difference in standard deviations of the differences (Cohen's d for pairs); none where
    /// they do not vary.
    pub effect: Option<f64>,
}

impl Paired {
    /// The differences of some pairs; `None` if there are none.
    pub(crate) fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let differences: Vec<f64> = pairs.iter().map(|(first, second)| second - first).collect();
        let difference = Mean::of(&differences)?;
        let mean = |part: fn(&(f64, f64)) -> f64| -> f64 {
            pairs.iter().map(part).sum::<f64>() / pairs.len() as f64
        };
        let deviation = difference.deviation;
        let p = deviation.and_then(|deviation| {
            if difference.mean == 0.0 {
                return Some(1.0);
            }
            let error = deviation / (difference.n as f64).sqrt();
            two_sided(difference.mean / error, difference.n - 1)
        });
        Some(Self {
            difference,
            first: mean(|pair| pair.0),
            second: mean(|pair| pair.1),
            p,
            effect: deviation.filter(|d| *d > 0.0).map(|deviation| difference.mean / deviation),
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

#[cfg(test)]
mod tests {
    use super::super::near;
    use super::*;

    /// Differences 1, 2, 3: mean 2, s = 1, t = 2√3 = 3.4641 with two degrees, for which
    /// p = 1 − t/√(t² + 2) = 1 − √(12/14); t(2) = 4.302652730.
    #[test]
    fn paired_differences_by_hand() {
        let paired = Paired::of(&[(10.0, 11.0), (20.0, 22.0), (30.0, 33.0)]).expect("pairs");
        assert_eq!((paired.first, paired.second, paired.difference.mean), (20.0, 22.0, 2.0));
        assert_eq!(paired.effect, Some(2.0));
        assert!(paired.p.is_some_and(|p| near(p, 1.0 - (12.0f64 / 14.0).sqrt())), "{paired:?}");
        let [low, high] = paired.difference.interval.expect("three pairs");
        let half = 4.302_652_730 / 3.0f64.sqrt();
        assert!((low - 2.0 + half).abs() < 1e-6 && (high - 2.0 - half).abs() < 1e-6);
    }

    #[test]
    fn equal_and_constant_differences() {
        let equal = Paired::of(&[(1.0, 1.0), (2.0, 2.0)]).expect("pairs");
        assert!(equal.is_equal() && equal.p == Some(1.0) && equal.effect.is_none());
        let shifted = Paired::of(&[(1.0, 2.0), (2.0, 3.0)]).expect("pairs");
        assert!(!shifted.is_equal() && shifted.p == Some(0.0), "{shifted:?}");
        let one = Paired::of(&[(1.0, 2.0)]).expect("a pair");
        assert_eq!((one.p, one.difference.interval), (None, None));
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
