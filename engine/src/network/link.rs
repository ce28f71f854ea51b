//! The delay of one link: `base + unit · e^(σ·x)`, in integers, where x is drawn from the network's
//! one table of quantiles.
//!
//! Owns the record of a link ([`Link`]) and the fixed-point exponential; how one is fitted to measured
//! figures is in `fit`. What differs between kinds of jitter is the table and the record, never the
//! arithmetic, so that a draw has no branch on them:
//!
//! | jitter | x | base | unit | σ |
//! |---|---|---|---|---|
//! | lognormal | standard normal | floor | median excess | as fitted or stated |
//! | gamma, empirical | ln(excess / median excess) | floor | median excess | 1 |
//! | Pareto | Exp(1) | 0 | scale, which is the floor | 1 / shape |
//! | none | any | the delay | 0 | 0 |
//!
//! A record is 24 bytes, so a table of regions stays in the nearest cache.

use super::quantile::{FRACTION, Quantile};

/// σ of the excess over the floor where a table gives no spread: the median of the values fitted
/// to the p50 and p90 of the AWS tables (0.23 over ten regions, 0.27 over all 33).
pub(crate) const DEFAULT_SIGMA: f64 = 0.25;
/// Least σ: even a link measured as constant varies a little.
pub(crate) const MIN_SIGMA: f64 = 0.01;
/// Greatest σ, which puts p99.9 at 200,000 times the median.
pub(crate) const MAX_SIGMA: f64 = 4.0;
/// Greatest excess over the floor, in ns: 18 minutes. Keeps arithmetic far from overflow.
pub(crate) const MAX_EXCESS: u64 = 1 << 40;
/// Share of the median that is floor where a table has no minimum.
pub(crate) const FLOOR_SHARE: f64 = 0.9;

/// Fraction bits of `sigma`.
pub(crate) const SIGMA_FRACTION: u32 = 24;
/// Binary logarithm of the unit of `most`, in ns: 32 bits then hold [`MAX_EXCESS`].
const MOST_SHIFT: u32 = 10;
/// `most` of a link without a maximum of its own.
const NO_MOST: u32 = (MAX_EXCESS >> MOST_SHIFT) as u32;
/// SimBlock's Pareto scale is the mean less this, its shape the mean over this; in ns.
const PARETO_STEP: u64 = 5_000_000;
/// The exponent is cut at 2^±20, beyond which only [`MAX_EXCESS`] matters.
pub(crate) const MAX_EXPONENT: i64 = 20;

/// How long messages over one link take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// What every delay contains, in ns; 0 for Pareto.
    pub(crate) base: u64,
    /// What is multiplied and added, in ns; at most [`MAX_EXCESS`], and 0 only without jitter.
    pub(crate) unit: u64,
    /// Factor from x to the binary logarithm of the multiplier, fixed point.
    pub(crate) sigma: u32,
    /// The most that is added to the base, in 2¹⁰ ns.
    most: u32,
}

impl Link {
    /// A link whose delays are Pareto distributed with this mean in ns, as SimBlock draws them: scale
    /// `mean − 5 ms` and shape `mean / 5 ms`, which give just this mean. Below 10 ms, where that
    /// shape has no variance and then no mean, scale `mean / 2` and shape 2, which give it too. A
    /// scale below `min_delay` is raised to it.
    #[inline]
    pub(crate) fn pareto(mean: u64, min_delay: u64) -> Self {
        // σ = 1 / shape in bits = PARETO / mean.
        const PARETO: u64 =
            (PARETO_STEP as f64 / std::f64::consts::LN_2 * (1u32 << SIGMA_FRACTION) as f64) as u64;
        let unit = pareto_scale(mean).clamp(min_delay, MAX_EXCESS);
        let sigma = (PARETO / mean.max(2 * PARETO_STEP)) as u32;
        Self { base: 0, unit, sigma, most: NO_MOST }
    }

    /// A link of which nothing is known but that it exists: at least `min_delay`, twice that in the
    /// median.
    pub(crate) fn assumed(min_delay: u64, sigma: f64) -> Self {
        Self::new(min_delay, min_delay as f64, sigma)
    }

    pub(crate) fn new(floor: u64, median: f64, sigma: f64) -> Self {
        let median = (libm::round(median) as u64).clamp(1, MAX_EXCESS);
        Self::of_bits(floor.max(1), median, sigma_bits(sigma))
    }

    /// `base` plus an excess of this median, in ns; constant for σ = 0.
    pub(crate) fn above(base: u64, median: u64, sigma: f64) -> Self {
        Self::of_bits(base, median.min(MAX_EXCESS), sigma_bits(sigma))
    }

    /// The same with σ as [`sigma_bits`] has it.
    #[inline]
    pub(crate) fn of_bits(base: u64, unit: u64, sigma: u32) -> Self {
        Self { base, unit, sigma, most: NO_MOST }
    }

    /// Exactly `delay` ns for every message.
    #[inline]
    pub(crate) fn constant(delay: u64) -> Self {
        Self::of_bits(delay.max(1), 0, 0)
    }

    /// The same link with no delay above a maximum in ns, which is above its base.
    pub(crate) fn capped(self, max: f64) -> Self {
        // What is put below the maximum must stay above a floor that is no base.
        let least = if self.base == 0 { self.unit + self.unit / 32 } else { 0 };
        let most = ((max as u64).saturating_sub(self.base).max(least) >> MOST_SHIFT) as u32;
        Self { most: most.clamp(1, NO_MOST), ..self }
    }

    /// No delay is below this, in ns; positive.
    pub(crate) fn floor(&self) -> u64 {
        // Without a base the multiplier is at least 1: the table of Exp(1) has nothing below zero.
        if self.base == 0 { self.unit } else { self.base }
    }

    /// The delay for 64 uniform bits, in ns. `table` is the one that the link was made for.
    #[inline]
    pub(crate) fn delay(&self, bits: u64, table: &Quantile, powers: &Powers) -> u64 {
        let excess = excess(self.unit, self.sigma, bits, table, powers);
        let most = u64::from(self.most) << MOST_SHIFT;
        self.base + if excess <= most { excess } else { below_most(excess, most) }
    }

    /// The greatest delay there can be, in ns.
    pub(crate) fn greatest(&self, table: &Quantile, powers: &Powers) -> u64 {
        let excess = excess(self.unit, self.sigma, 1 << 63, table, powers);
        self.base + excess.min(u64::from(self.most) << MOST_SHIFT)
    }
}

/// An excess beyond the most there is. A link's own maximum takes the uppermost 1/64 below it, so
/// that such messages do not share one delay.
#[cold]
fn below_most(excess: u64, most: u64) -> u64 {
    if most == MAX_EXCESS { most } else { most - excess % (most / 64) }
}

/// Scale of the Pareto distribution of a mean, both in ns.
pub(crate) fn pareto_scale(mean: u64) -> u64 {
    mean.saturating_sub(PARETO_STEP).max(mean / 2)
}

/// A σ of the natural logarithm as `Link::sigma`.
pub(crate) fn sigma_bits(sigma: f64) -> u32 {
    libm::round(sigma / std::f64::consts::LN_2 * f64::from(1u32 << SIGMA_FRACTION)) as u32
}

/// `unit · 2^(σ·x)` in ns, below 2⁶¹.
#[inline]
fn excess(unit: u64, sigma: u32, bits: u64, table: &Quantile, powers: &Powers) -> u64 {
    // Normal: |x| < 2^3.2 and σ < 2^2.6. Exponential: x < 2^5.5 and σ < 1. Others: |x| < 2^3.8 and
    // σ < 2^0.6. At least one bit of room.
    let exponent = (table.at(bits) * i64::from(sigma)) >> SIGMA_FRACTION;
    scaled(unit, exponent, powers)
}

/// `value · 2^exponent`, the exponent with [`FRACTION`] fraction bits and cut at 2^±20.
#[inline]
pub(crate) fn scaled(value: u64, exponent: i64, powers: &Powers) -> u64 {
    ((u128::from(value) * u128::from(powers.of(exponent))) >> FRACTION) as u64
}

/// Powers of two with fractional exponents, by a table of 256 knots (error below 10⁻⁶).
#[derive(Clone, Debug)]
pub(crate) struct Powers {
    /// 2^(i/256) with [`FRACTION`] fraction bits.
    knots: Box<[u64; 257]>,
}

impl Powers {
    pub(crate) fn new() -> Self {
        let knot = |i: usize| libm::round(libm::exp2(i as f64 / 256.0 + 32.0)) as u64;
        Self { knots: Box::new(std::array::from_fn(knot)) }
    }

    /// 2^`exponent`, both with [`FRACTION`] fraction bits, cut at 2^±20.
    #[inline]
    fn of(&self, exponent: i64) -> u64 {
        let exponent = exponent.clamp(-MAX_EXPONENT << FRACTION, MAX_EXPONENT << FRACTION);
        let fraction = exponent as u32;
        let index = (fraction >> 24) as usize;
        let (from, to) = (self.knots[index], self.knots[index + 1]);
        let power = from + (((to - from) * u64::from(fraction & 0xff_ffff)) >> 24);
        // `power` is below 2^33 or equal to it: 20 bits up and down fit.
        power << MAX_EXPONENT >> (MAX_EXPONENT - (exponent >> FRACTION))
    }

    /// Bytes of heap memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.knots) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::draw::draw;

    const MS: f64 = 1e6;

    fn at(sorted: &[u64], p: f64) -> f64 {
        sorted[(p * sorted.len() as f64) as usize] as f64
    }

    #[test]
    fn powers_of_two_are_exact_to_a_millionth() {
        let powers = Powers::new();
        for i in -19_000..19_000i64 {
            let x = i as f64 / 1000.0;
            let power = powers.of((x * 4_294_967_296.0) as i64) as f64 / 4_294_967_296.0;
            let exact = libm::exp2(x);
            assert!((power - exact).abs() < 1e-6 * exact + 1e-9, "2^{x} = {power}, not {exact}");
        }
        assert_eq!(powers.of(i64::MAX), 1 << 52);
        assert_eq!(powers.of(i64::MIN), 1 << 12);
    }

    #[test]
    fn pareto_delays_have_simblocks_mean_median_and_tail() {
        let (exponential, powers) = (Quantile::exponential(), Powers::new());
        for (mean_ms, scale_ms, shape) in
            [(124.0, 119.0, 24.8), (11.0, 6.0, 2.2), (10.0, 5.0, 2.0), (4.0, 2.0, 2.0)]
        {
            let link = Link::pareto((mean_ms * MS) as u64, 250_000);
            let scale = (scale_ms * MS) as u64;
            assert_eq!(link.floor(), scale);
            let mut delays: Vec<u64> =
                (0..1_000_000).map(|i| link.delay(draw(5, i), &exponential, &powers)).collect();
            delays.sort_unstable();
            assert!(delays[0] >= scale && delays[0] < scale + scale / 1000);
            for p in [0.1, 0.5, 0.9, 0.99, 0.999] {
                let exact = scale_ms * MS * libm::pow(1.0 - p, -1.0 / shape);
                // Six standard errors: √(p q / n) over the density, which is shape · q / value.
                let error = 6e-3 * libm::sqrt(p / (1.0 - p)) / shape;
                assert!((at(&delays, p) / exact - 1.0).abs() < error + 1e-5, "{mean_ms} at {p}");
            }
            // The variance is infinite at shape 2; at 2.2 it is hardly seen in a million draws.
            let mean = delays.iter().map(|d| *d as f64).sum::<f64>() / 1e6 / MS;
            let tolerance = if shape > 4.0 { 1e-3 } else { 2e-2 };
            assert!((mean / mean_ms - 1.0).abs() < tolerance, "mean {mean} for {mean_ms}");
        }
        // The ends of the uniform range, the least and the greatest mean.
        for mean in [0, 1, 499_999, 10_000_000, MAX_EXCESS] {
            let link = Link::pareto(mean, 250_000);
            for bits in [0, 1, 1 << 62, 1 << 63, (1 << 63) + 1, u64::MAX] {
                let delay = link.delay(bits, &exponential, &powers);
                assert!((link.floor()..=MAX_EXCESS).contains(&delay), "{mean}: {delay}");
            }
            assert!(link.floor() >= 250_000);
        }
    }

    #[test]
    fn the_widest_link_stays_under_the_cap() {
        let link = Link::of_bits(1, MAX_EXCESS, sigma_bits(MAX_SIGMA));
        let (normal, powers) = (Quantile::normal(), Powers::new());
        for bits in [0, 1, 1 << 62, 1 << 63, (1 << 63) + 1, u64::MAX] {
            assert!(link.delay(bits, &normal, &powers) <= MAX_EXCESS + 1);
        }
        assert_eq!(link.greatest(&normal, &powers), MAX_EXCESS + 1);
    }

    #[test]
    fn a_record_takes_24_bytes() {
        assert_eq!(size_of::<Link>(), 24);
    }
}
