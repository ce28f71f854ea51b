//! Lengths of sessions and downtimes: Weibull, of which the exponential is shape 1.
//!
//! Heavy-tailed shapes of 0.34 to 0.59 are what measurements of BitTorrent found (Stutzbach and
//! Rejaie, IMC 2006).

use anthill_protocol::Span;

use super::error::ConditionsError;

/// Greatest length, in ns: 146 years.
const LONGEST: f64 = 4.6e18;
/// Knots of the table of residual lengths.
const KNOTS: usize = 4096;

/// A Weibull distribution of lengths of time.
#[derive(Clone, Debug)]
pub(super) struct Lengths {
    mean_ns: f64,
    scale_ns: f64,
    shape: f64,
    /// Quantiles of what is left of a length at a random moment; empty for the exponential, of
    /// which as much is left as there was.
    residual_ns: Vec<f64>,
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
        // At a random moment the length left has the distribution function
        // ∫₀ˣ (1 − F) / mean = P(1/k, (x/λ)ᵏ), the regularised incomplete gamma function.
        let residual_ns = if shape == 1.0 {
            Vec::new()
        } else {
            let mut low = 0.0;
            let knot = |i: usize| {
                // The last knot stands for everything beyond the one before.
                let p = (i as f64).min(KNOTS as f64 - 0.25) / KNOTS as f64;
                low = gamma_quantile(1.0 / shape, p, low);
                scale_ns * libm::pow(low, 1.0 / shape)
            };
            (0..=KNOTS).map(knot).collect()
        };
        Ok(Self { mean_ns, scale_ns, shape, residual_ns })
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
        if self.residual_ns.is_empty() {
            return self.length(bits);
        }
        let at = (1.0 - uniform(bits)) * KNOTS as f64;
        let knot = (at as usize).min(KNOTS - 1);
        let (from, to) = (self.residual_ns[knot], self.residual_ns[knot + 1]);
        (from + (to - from) * (at - knot as f64)).min(LONGEST) as u64
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        (self.residual_ns.len() * size_of::<f64>()) as u64
    }
}

/// In (0, 1].
fn uniform(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / 9_007_199_254_740_992.0
}

/// The regularised lower incomplete gamma function P(a, x): its series below a + 1, Legendre's
/// continued fraction above (Abramowitz and Stegun 6.5.29, 6.5.31).
fn gamma_p(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let scale = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-16 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return (scale * sum).min(1.0);
    }
    // Evaluated from the far end, where its tail no longer matters.
    let mut fraction = 0.0;
    for i in (1..=200).rev() {
        let i = f64::from(i);
        fraction = i * (i - a) / (x + 2.0 * i + 1.0 - a - fraction);
    }
    (1.0 - scale / (x + 1.0 - a - fraction)).max(0.0)
}

/// Solves P(a, x) = p by bisection, from a lower bound.
fn gamma_quantile(a: f64, p: f64, low: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (low, low.max(1e-12) * 2.0);
    while gamma_p(a, high) < p {
        low = high;
        high *= 2.0;
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if gamma_p(a, middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use anthill_protocol::draw::draw;

    use super::*;

    const HOUR: Span = Span(3_600_000_000_000);

    #[test]
    fn the_incomplete_gamma_function_has_its_closed_forms() {
        for x in [0.01, 0.3, 1.0, 1.9, 2.1, 7.0, 40.0] {
            let exponential = -libm::expm1(-x);
            assert!((gamma_p(1.0, x) - exponential).abs() < 1e-12, "P(1, {x})");
            let half = libm::erf(libm::sqrt(x));
            assert!((gamma_p(0.5, x) - half).abs() < 1e-10, "P(1/2, {x})");
            let two = 1.0 - (1.0 + x) * libm::exp(-x);
            assert!((gamma_p(2.0, x) - two).abs() < 1e-10, "P(2, {x})");
        }
        assert!((gamma_quantile(1.0, 0.5, 0.0) - std::f64::consts::LN_2).abs() < 1e-12);
    }

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

    #[test]
    fn shapes_out_of_range_are_refused() {
        for shape in [0.1, 11.0, f64::NAN] {
            assert!(Lengths::weibull(HOUR, shape).is_err());
        }
        assert!(Lengths::weibull(Span::ZERO, 1.0).is_err());
    }
}
