//! Lengths of sessions and downtimes: Weibull, of which the exponential is shape 1.
//!
//! Heavy-tailed shapes of 0.34 to 0.59 are what measurements of BitTorrent found (Stutzbach and
//! Rejaie, IMC 2006).

use anthill_protocol::Span;

use super::error::ConditionsError;
use crate::network::{Quantile, gamma};

/// Greatest length, in ns: 146 years.
const LONGEST: f64 = 4.6e18;

/// A Weibull distribution of lengths of time.
#[derive(Clone, Debug)]
pub(super) struct Lengths {
    mean_ns: f64,
    scale_ns: f64,
    shape: f64,
    /// What is left of a length at a random moment; `None` for the exponential, of which as much
    /// is left as there was.
    residual: Option<Residual>,
}

/// At a random moment the length left has the distribution function
/// ∫₀ˣ (1 − F) / mean = P(1/k, (x/λ)ᵏ): its k-th power is gamma distributed with shape 1/k.
#[derive(Clone, Debug)]
struct Residual {
    /// Of ln(that power / its median).
    table: Quantile,
    log_median: f64,
}

impl Lengths {
    /// A distribution of the given mean and shape.
    pub(super) fn weibull(mean: Span, shape: f64) -> Result<Self, ConditionsError> {
        if mean == Span::ZERO || !(0.2..=10.0).contains(&shape) {
            let problem = format!("a mean of {mean} with shape {shape}; give 0.2 to 10");
            return Err(ConditionsError::at("churn", problem));
        }
        let mean_ns = mean.0 as f64;
        let scale_ns = mean_ns / libm::tgamma(1.0 + 1.0 / shape);
        let residual = (shape != 1.0).then(|| Residual {
            table: gamma::log_quantiles(1.0 / shape),
            log_median: gamma::log_median(1.0 / shape),
        });
        Ok(Self { mean_ns, scale_ns, shape, residual })
    }

    pub(super) fn mean_ns(&self) -> f64 {
        self.mean_ns
    }

    /// A length for 64 uniform bits, in ns.
    pub(super) fn length(&self, bits: u64) -> u64 {
        let exponential = -libm::log(uniform(bits));
        let length =
            if self.shape == 1.0 { exponential } else { libm::pow(exponential, 1.0 / self.shape) };
        (self.scale_ns * length).min(LONGEST) as u64
    }

    /// What is left of a length at a random moment of it, in ns.
    pub(super) fn residual(&self, bits: u64) -> u64 {
        let Some(residual) = &self.residual else { return self.length(bits) };
        let log = residual.table.at(bits) as f64 / 4_294_967_296.0 + residual.log_median;
        (self.scale_ns * libm::exp(log / self.shape)).min(LONGEST) as u64
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.residual.as_ref().map_or(0, |residual| residual.table.memory_bytes())
    }
}

/// In (0, 1].
fn uniform(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use anthill_protocol::draw::draw;

    use super::*;

    const HOUR: Span = Span(3_600_000_000_000);

    #[test]
    fn lengths_have_the_mean_asked_for() {
        for shape in [0.4, 0.59, 1.0, 3.0] {
            let lengths = Lengths::weibull(HOUR, shape).unwrap();
            let n = 400_000u64;
            let sum: f64 = (0..n).map(|i| lengths.length(draw(7, i)) as f64).sum();
            let second =
                libm::tgamma(1.0 + 2.0 / shape) / libm::pow(libm::tgamma(1.0 + 1.0 / shape), 2.0);
            let deviation = libm::sqrt((second - 1.0) / n as f64);
            let ratio = sum / n as f64 / HOUR.0 as f64;
            assert!((ratio - 1.0).abs() < 5.0 * deviation, "shape {shape}: mean off by {ratio}");
        }
    }

    /// The mean of what is left is E[X²] / 2E[X].
    #[test]
    fn what_is_left_at_a_random_moment_has_the_mean_of_renewal_theory() {
        for shape in [0.59, 1.0, 2.0] {
            let lengths = Lengths::weibull(HOUR, shape).unwrap();
            let n = 400_000u64;
            let sum: f64 = (0..n).map(|i| lengths.residual(draw(9, i)) as f64).sum();
            let first = libm::tgamma(1.0 + 1.0 / shape);
            let expected = libm::tgamma(1.0 + 2.0 / shape) / (2.0 * first * first);
            let ratio = sum / n as f64 / HOUR.0 as f64 / expected;
            assert!((ratio - 1.0).abs() < 0.02, "shape {shape}: {ratio} of the expected mean");
        }
    }

    /// A length for every draw: the longest has probability 2⁻⁵³.
    #[test]
    fn the_ends_of_the_draws_are_lengths() {
        let exponential = Lengths::weibull(HOUR, 1.0).unwrap();
        let longest = 53.0 * core::f64::consts::LN_2 * HOUR.0 as f64;
        assert!((exponential.length(0) as f64 / longest - 1.0).abs() < 1e-9);
        assert_eq!((exponential.length(u64::MAX), exponential.residual(u64::MAX)), (0, 0));
        // Of shape 1/2: the square, over Γ(3).
        let heavy = Lengths::weibull(HOUR, 0.5).unwrap();
        let longest = longest * longest / HOUR.0 as f64 / 2.0;
        assert!((heavy.length(0) as f64 / longest - 1.0).abs() < 1e-9);
        let century = Span(100 * 365 * 24 * HOUR.0);
        let cut = Lengths::weibull(century, 0.5).unwrap();
        assert_eq!((cut.length(0), cut.mean_ns()), (4_600_000_000_000_000_000, century.0 as f64));
    }

    #[test]
    fn only_what_is_not_exponential_keeps_a_table() {
        let bytes = |shape| Lengths::weibull(HOUR, shape).unwrap().memory_bytes();
        assert_eq!(bytes(1.0), 0);
        assert!(bytes(0.5) > 1_000);
    }

    #[test]
    fn shapes_out_of_range_are_refused() {
        for shape in [0.1, 11.0, f64::NAN] {
            assert!(Lengths::weibull(HOUR, shape).is_err());
        }
        assert!(Lengths::weibull(HOUR, 0.2).is_ok() && Lengths::weibull(HOUR, 10.0).is_ok());
        assert!(Lengths::weibull(Span::ZERO, 1.0).is_err());
    }
}
