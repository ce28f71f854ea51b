//! A distribution over whole numbers, with both tails accurate.

use core::ops::RangeInclusive;

/// Weights below this share of the largest are left out: a tail so deep is reported as 0.
const NEGLIGIBLE: f64 = 1e-300;

/// The probabilities of a random whole number.
///
/// Built outwards from a value near the mode by the ratio of successive probabilities, then
/// normalised. No factorial or logarithm of one is taken, so nothing large cancels: probabilities
/// and both tails have a relative error below 1e-10, whatever the size of the population. A tail
/// is summed from its small end; probabilities below 1e-300 are 0.
#[derive(Clone, Debug)]
pub struct Distribution {
    least: u32,
    center: u32,
    probabilities: Box<[f64]>,
}

impl Distribution {
    /// Marked ones among `drawn` of a `population` of which `marked` are, without replacement.
    ///
    /// # Panics
    ///
    /// If more are drawn or marked than there are.
    pub fn hypergeometric(population: u32, marked: u32, drawn: u32) -> Self {
        assert!(drawn <= population, "{drawn} cannot be drawn from {population}");
        assert!(marked <= population, "{marked} cannot be marked among {population}");
        let (size, good, count) = (f64::from(population), f64::from(marked), f64::from(drawn));
        let least = drawn.saturating_sub(population - marked);
        let mode = (count + 1.0) * (good + 1.0) / (size + 2.0);
        Self::from_ratios(least..=drawn.min(marked), mode, |x| {
            (good - x) * (count - x) / ((x + 1.0) * (size - good - count + x + 1.0))
        })
    }

    /// Successes in `trials` independent ones, each with probability `p`.
    ///
    /// # Panics
    ///
    /// Unless `0 <= p <= 1`.
    pub fn binomial(trials: u32, p: f64) -> Self {
        assert!((0.0..=1.0).contains(&p), "{p} is no probability");
        if p == 1.0 {
            return Self { least: trials, center: trials, probabilities: [1.0].into() };
        }
        let (count, odds) = (f64::from(trials), p / (1.0 - p));
        Self::from_ratios(0..=trials, (count + 1.0) * p, |x| (count - x) / (x + 1.0) * odds)
    }

    /// The number that did not answer before the `answers`-th that did, if each does with
    /// probability `availability`. Memory grows as 1/`availability`.
    ///
    /// # Panics
    ///
    /// Unless `answers > 0` and `0 < availability <= 1`.
    pub fn negative_binomial(answers: u32, availability: f64) -> Self {
        assert!(answers > 0, "a draw ends with an answer");
        let possible = availability > 0.0 && availability <= 1.0;
        assert!(possible, "an availability of {availability} is not above 0 and at most 1");
        let (count, missing) = (f64::from(answers), 1.0 - availability);
        let mode = (count - 1.0) * missing / availability;
        Self::from_ratios(0..=u32::MAX, mode, |x| (count + x) / (x + 1.0) * missing)
    }

    /// P(X = `x`).
    pub fn exactly(&self, x: u32) -> f64 {
        let index = x.checked_sub(self.least).map(|i| i as usize);
        index.and_then(|i| self.probabilities.get(i)).copied().unwrap_or(0.0)
    }

    /// P(X >= `x`).
    pub fn at_least(&self, x: u32) -> f64 {
        if x > self.center { self.above(x) } else { 1.0 - self.below(x) }
    }

    /// P(X <= `x`).
    pub fn at_most(&self, x: u32) -> f64 {
        let next = x.saturating_add(1);
        if next > self.center { 1.0 - self.above(next) } else { self.below(next) }
    }

    /// The least x with P(X >= x) < `tail`.
    pub fn threshold(&self, tail: f64) -> u32 {
        let mut sum = 0.0;
        let beyond = self.probabilities.iter().rev().take_while(|p| {
            sum += **p;
            sum < tail
        });
        self.end() - beyond.count() as u32
    }

    /// The mean of `f(X)`.
    pub fn mean_of(&self, f: impl Fn(u32) -> f64) -> f64 {
        self.iter().map(|(x, p)| p * f(x)).sum()
    }

    /// All values with their probabilities, in increasing order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f64)> {
        (self.least..).zip(self.probabilities.iter().copied())
    }

    /// One more than the largest value.
    fn end(&self) -> u32 {
        self.least + self.probabilities.len() as u32
    }

    /// The probabilities from `x` on, smallest first for an `x` above the centre.
    fn above(&self, x: u32) -> f64 {
        let from = (x.saturating_sub(self.least) as usize).min(self.probabilities.len());
        self.probabilities[from..].iter().rev().sum()
    }

    /// The probabilities below `x`, smallest first for an `x` up to the centre.
    fn below(&self, x: u32) -> f64 {
        let to = (x.saturating_sub(self.least) as usize).min(self.probabilities.len());
        self.probabilities[..to].iter().sum()
    }

    /// From `ratio(x)` = P(X = x + 1) / P(X = x), which is 0 at the largest value, starting at
    /// `mode` rounded down; it need not be exact.
    fn from_ratios(support: RangeInclusive<u32>, mode: f64, ratio: impl Fn(f64) -> f64) -> Self {
        let (least, most) = support.into_inner();
        let center = (mode as u32).clamp(least, most);
        let mut weights = Vec::new();
        let mut weight = 1.0;
        let mut x = center;
        while x > least && weight > NEGLIGIBLE {
            x -= 1;
            weight /= ratio(f64::from(x));
            weights.push(weight);
        }
        weights.reverse();
        weights.push(1.0);
        let (mut upward, mut next) = (center, ratio(f64::from(center)));
        while next > NEGLIGIBLE {
            weights.push(next);
            upward += 1;
            next *= ratio(f64::from(upward));
        }
        let total: f64 = weights.iter().sum();
        let probabilities = weights.iter().map(|weight| weight / total).collect();
        Self { least: x, center, probabilities }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-13 * b.abs()
    }

    #[test]
    fn small_distributions_are_those_counted_by_hand() {
        // Two of four cards are red; three are drawn.
        let red = Distribution::hypergeometric(4, 2, 3);
        assert!(red.exactly(0) == 0.0 && red.exactly(3) == 0.0);
        assert!(close(red.exactly(1), 0.5) && close(red.exactly(2), 0.5));
        let coins = Distribution::binomial(3, 0.5);
        assert!((0..=3).all(|x| close(coins.exactly(x), [0.125, 0.375, 0.375, 0.125][x as usize])));
        let waits = Distribution::negative_binomial(1, 0.25);
        assert!((0..40).all(|x| close(waits.exactly(x), 0.25 * 0.75f64.powi(x as i32))));
    }

    #[test]
    fn tails_agree_with_each_other() {
        for d in [
            Distribution::hypergeometric(1_000_000, 200_000, 100),
            Distribution::hypergeometric(120, 100, 90),
            Distribution::binomial(50, 0.03),
            Distribution::negative_binomial(100, 0.9),
        ] {
            assert_eq!((d.at_least(0), d.at_least(u32::MAX)), (1.0, 0.0));
            assert!(close(d.at_most(u32::MAX), 1.0));
            for (x, p) in d.iter() {
                assert!((d.at_most(x) + d.at_least(x + 1) - 1.0).abs() < 1e-14);
                assert!((d.at_least(x) - d.at_least(x + 1) - p).abs() < 1e-14);
                // A deep tail is not much more than its first term.
                assert!(d.at_least(x) >= p * (1.0 - 1e-14), "at {x}");
            }
            for tail in [0.5, 1e-5, 1e-40] {
                let x = d.threshold(tail);
                assert!(d.at_least(x) < tail && d.at_least(x - 1) >= tail);
            }
        }
    }

    #[test]
    fn certainties_have_one_value() {
        for (d, x) in [
            (Distribution::binomial(9, 0.0), 0),
            (Distribution::binomial(9, 1.0), 9),
            (Distribution::negative_binomial(9, 1.0), 0),
            (Distribution::hypergeometric(9, 9, 4), 4),
            (Distribution::hypergeometric(9, 0, 4), 0),
            (Distribution::hypergeometric(9, 4, 9), 4),
        ] {
            assert_eq!(d.iter().collect::<Vec<_>>(), [(x, 1.0)]);
            assert_eq!((d.at_least(x), d.at_most(x), d.threshold(1e-5)), (1.0, 1.0, x + 1));
        }
    }

    #[test]
    fn a_population_of_a_million_has_exact_tails() {
        // From rational arithmetic.
        let corrupt = Distribution::hypergeometric(1_000_000, 200_000, 100);
        assert!((corrupt.at_least(24) / 0.189_076_122_086_824_78 - 1.0).abs() < 1e-12);
        assert!((corrupt.at_least(60) / 2.503_460_980_620_639_6e-18 - 1.0).abs() < 1e-12);
    }
}
