//! Intervals of proportions.

use statrs::function::beta::beta_reg;

/// The 95 % interval of a proportion of which `successes` in `trials` were measured, after
/// Clopper and Pearson (1934): the values that neither tail of the binomial rejects at 2.5 %.
///
/// Not Wilson's, which is shorter but covers rare events too seldom: one success in 10,000 trials
/// would exclude a probability of 1e-5, under which it happens in every tenth series.
///
/// # Panics
/// If `successes > trials`.
pub(crate) fn proportion_interval(successes: u32, trials: u32) -> (f64, f64) {
    assert!(successes <= trials, "{successes} successes in {trials} trials");
    const TAIL: f64 = 0.025;
    let low = if successes == 0 { 0.0 } else { bisect(|p| at_least(successes, trials, p) >= TAIL) };
    let high = if successes == trials {
        1.0
    } else {
        bisect(|p| 1.0 - at_least(successes + 1, trials, p) < TAIL)
    };
    (low, high)
}

/// P(X ≥ k) of a binomial variable, for k from 1 to n: the regularised incomplete beta function.
fn at_least(k: u32, n: u32, p: f64) -> f64 {
    beta_reg(f64::from(k), f64::from(n - k) + 1.0, p)
}

/// Where `reached` turns true between 0 and 1, within 1e-18.
fn bisect(reached: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if reached(middle) { high = middle } else { low = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{Binomial, Discrete as _};

    use super::*;

    fn assert_near(value: f64, expected: f64) {
        assert!((value / expected - 1.0).abs() < 5e-5, "{value} and {expected}");
    }

    #[test]
    fn intervals_are_those_of_clopper_and_pearson() {
        // No success: 1 - high is the n-th root of 2.5 %.
        let (low, high) = proportion_interval(0, 10_000);
        assert!(low == 0.0 && (libm::pow(1.0 - high, 10_000.0) / 0.025 - 1.0).abs() < 1e-9);
        let (low, high) = proportion_interval(10, 10);
        assert!(high == 1.0 && (low.powi(10) / 0.025 - 1.0).abs() < 1e-12);
        // Tables: 1 of 10 and 5 of 10.
        let (low, high) = proportion_interval(1, 10);
        assert_near(low, 2.5286e-3);
        assert_near(high, 0.44502);
        let (low, high) = proportion_interval(5, 10);
        assert_near(low, 0.18709);
        assert_near(high, 0.81291);
        let (low, high) = proportion_interval(1, 1_000_000);
        assert_near(low, 2.5318e-8);
        assert_near(high, 5.5716e-6);
    }

    #[test]
    fn intervals_cover_what_they_claim() {
        let trials = 60;
        let intervals: Vec<_> = (0..=trials).map(|x| proportion_interval(x, trials)).collect();
        for p in [0.001, 0.02, 0.3, 0.5, 0.97] {
            let law = Binomial::new(p, u64::from(trials)).expect("a law");
            let covered: f64 = (0..=trials)
                .filter(|x| (intervals[*x as usize].0..=intervals[*x as usize].1).contains(&p))
                .map(|x| law.pmf(u64::from(x)))
                .sum();
            assert!(covered >= 0.95, "{p}: {covered}");
        }
    }
}
