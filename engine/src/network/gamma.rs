//! Quantiles of the gamma distribution, for the tables that draws read.
//!
//! With Y = ln X, both the distribution function of Y and its complement are log-concave for every
//! shape, so Newton's method on their logarithms converges from the outer side of a root. A table
//! is filled from its ends inwards, each knot starting from the one before.

use super::link::MAX_EXPONENT;
use super::quantile::Quantile;

/// Terms after which a series or a fraction has long converged (shapes up to 100).
const MAX_TERMS: u32 = 2000;

/// The table of ln(X / median of X) for a gamma distributed X of this shape, 0.1 to 100.
pub(crate) fn log_quantiles(shape: f64) -> Quantile {
    let median = log_median(shape);
    let mut low = left_of(shape, libm::ldexp(1.0, -64));
    // Beyond the quantile at 1 − 2⁻⁶⁴ of every shape allowed.
    let mut high = libm::log(2.0 * shape + 60.0);
    let limit = MAX_EXPONENT as f64 * std::f64::consts::LN_2;
    Quantile::from_tails(|p| {
        low = quantile(p, low, |y| lower(shape, y));
        high = quantile(p, high, |y| upper(shape, y));
        ((low - median).max(-limit), (high - median).min(limit))
    })
}

/// ln of the median of a gamma distributed X of this shape.
pub(crate) fn log_median(shape: f64) -> f64 {
    quantile(0.5, left_of(shape, 0.5), |y| lower(shape, y))
}

/// P(X < x) is below x^k / Γ(k + 1): where that is p, the root is on the right.
fn left_of(shape: f64, p: f64) -> f64 {
    (libm::log(p) + libm::lgamma(shape + 1.0)) / shape
}

/// Solves F(y) = `p` from a `y` on the outer side of the root; `log` gives ln F and its derivative.
fn quantile(p: f64, mut y: f64, log: impl Fn(f64) -> (f64, f64)) -> f64 {
    let target = libm::log(p);
    for _ in 0..100 {
        let (value, slope) = log(y);
        let step = (value - target) / slope;
        y -= step;
        if step.abs() < 1e-12 * (1.0 + y.abs()) {
            break;
        }
    }
    y
}

/// ln P(Y < y) and its derivative.
fn lower(shape: f64, y: f64) -> (f64, f64) {
    let log_density = log_density(shape, y);
    let log_p = log_density + libm::log(series(shape, libm::exp(y)) / shape);
    (log_p, libm::exp(log_density - log_p))
}

/// ln P(Y > y) and its derivative.
fn upper(shape: f64, y: f64) -> (f64, f64) {
    let x = libm::exp(y);
    let log_density = log_density(shape, y);
    let log_q = if x < shape + 1.0 {
        libm::log1p(-libm::exp(lower(shape, y).0))
    } else {
        log_density + libm::log(fraction(shape, x))
    };
    (log_q, -libm::exp(log_density - log_q))
}

/// ln of the density of Y.
fn log_density(shape: f64, y: f64) -> f64 {
    shape * y - libm::exp(y) - libm::lgamma(shape)
}

/// Σ x^n / ((k + 1) ⋯ (k + n)): the power series of the incomplete gamma function, scaled.
fn series(shape: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..MAX_TERMS {
        term *= x / (shape + f64::from(n));
        sum += term;
        if term < 1e-17 * sum {
            break;
        }
    }
    sum
}

/// The continued fraction of the complementary function over its density, for `x ≥ k + 1`:
/// 1 / (x + 1 − k − 1(1 − k) / (x + 3 − k − 2(2 − k) / (x + 5 − k − …))), by Lentz's method.
fn fraction(shape: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - shape;
    let (mut c, mut d) = (f64::INFINITY, 1.0 / b);
    let mut result = d;
    for n in 1..MAX_TERMS {
        let n = f64::from(n);
        let a = -n * (n - shape);
        b += 2.0;
        d = 1.0 / (a * d + b);
        c = b + a / c;
        result *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::link::{Link, Powers, sigma_bits};
    use anthill_protocol::draw::draw;

    const ONE: f64 = 4_294_967_296.0;

    /// The 64 bits whose value is the quantile at p.
    fn bits(p: f64) -> u64 {
        let from_end = |p: f64| ((p * 2.0 * 9_223_372_036_854_775_808.0) as u64).min(u64::MAX >> 1);
        if p < 0.5 { from_end(p) } else { 1 << 63 | from_end(1.0 - p) }
    }

    fn excess_over_median(table: &Quantile, p: f64) -> f64 {
        libm::exp(table.at(bits(p)) as f64 / ONE)
    }

    const PROBABILITIES: [f64; 9] = [1e-4, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999];

    #[test]
    fn shape_one_is_exponential_and_shape_two_and_nine_are_erlang() {
        let ln_2 = std::f64::consts::LN_2;
        let exponential = log_quantiles(1.0);
        for p in PROBABILITIES {
            let exact = -libm::log1p(-p) / ln_2;
            assert!((excess_over_median(&exponential, p) / exact - 1.0).abs() < 1e-4, "{p}");
        }
        for (shape, median) in [(2.0, 1.678_346_990_016_661), (9.0, 8.668_951_184_3)] {
            let table = log_quantiles(shape);
            for p in PROBABILITIES {
                let x = median * excess_over_median(&table, p);
                let mut term = libm::exp(-x);
                let mut above = 0.0;
                for n in 0..shape as u32 {
                    above += term;
                    term *= x / f64::from(n + 1);
                }
                let off = (1.0 - above - p).abs() / p.min(1.0 - p);
                assert!(off < 2e-3, "shape {shape} at {p}: {above}");
            }
        }
    }

    #[test]
    fn shape_one_half_is_half_a_squared_normal() {
        let (table, normal) = (log_quantiles(0.5), Quantile::normal());
        let z = |p: f64| normal.at(bits(0.5 + p / 2.0)) as f64 / ONE;
        for p in PROBABILITIES {
            // The cut.
            let exact = ((z(p) / z(0.5)) * (z(p) / z(0.5))).max(libm::ldexp(1.0, -20));
            let found = excess_over_median(&table, p);
            assert!((found / exact - 1.0).abs() < 2e-3, "{p}: {found} for {exact}");
        }
    }

    #[test]
    fn sampled_moments_are_the_gammas_for_all_shapes() {
        for shape in [0.1, 0.7, 3.0, 100.0] {
            let table = log_quantiles(shape);
            // Of a gamma with scale 1 the mean is the shape, and so is the variance.
            let left = (libm::log(0.5) + libm::lgamma(shape + 1.0)) / shape;
            let median = libm::exp(quantile(0.5, left, |y| lower(shape, y)));
            let unit = 1u64 << 22; // 2¹⁸ of them are not cut
            let link = Link::of_bits(1, unit, sigma_bits(1.0));
            let n = 1_000_000;
            let powers = Powers::new();
            let draw = |i| (link.delay(draw(11, i), &table, &powers) - 1) as f64;
            let excess: Vec<f64> = (0..n).map(|i| draw(i) / unit as f64 * median).collect();
            let mean = excess.iter().sum::<f64>() / n as f64;
            let variance = excess.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
            // Five standard errors of the mean; of the variance with kurtosis 3 + 6/k.
            let error = 5.0 * libm::sqrt(shape / n as f64);
            assert!((mean - shape).abs() < error, "mean {mean} of shape {shape}");
            let error = 5.0 * shape * libm::sqrt((2.0 + 6.0 / shape) / n as f64);
            assert!((variance - shape).abs() < error, "variance {variance} of shape {shape}");
        }
    }
}
