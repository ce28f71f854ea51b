//! Distributions as integer quantile tables: 64 uniform bits in, a fixed-point value out.
//!
//! Owns the tables and fills those of the standard normal and of Exp(1). They are filled at set-up by `libm`
//! (the same on every machine); a draw then is a load, an interpolation and no float.
//!
//! The top bit picks the half of the distribution and the other 63 bits are the distance `u` to
//! that half's end, so both tails are exact down to 2⁻⁶⁴. Knots are spaced like floats, 64 to each
//! power of two of `u`: a tail gets the relative resolution that the middle has, and since half of
//! all draws fall into the topmost power of two, the part of the table in use is a few cache lines.

/// Fraction bits of every value drawn.
pub(crate) const FRACTION: u32 = 32;

const ONE: f64 = 4_294_967_296.0;
/// Binary logarithm of the knots per power of two.
const STEPS: u32 = 6;
/// Knots per half: 63 powers of two of 64 knots, rounded up.
const HALF: usize = 64 << STEPS;

/// The quantile function of a distribution, in fixed point.
#[derive(Clone, Debug)]
pub(crate) struct Quantile {
    /// Knots below the median (from p = 0 up), then above it (from p = 1 down), then one that is
    /// never used but saves checking an index.
    knots: Box<[i64; 2 * HALF + 1]>,
}

impl Quantile {
    /// The standard normal distribution.
    pub(crate) fn normal() -> Self {
        let mut z = -9.1;
        Self::from_tails(|p| {
            z = normal_quantile(p, z);
            (z, -z)
        })
    }

    /// The exponential distribution of mean 1.
    pub(crate) fn exponential() -> Self {
        Self::from_tails(|p| (-libm::log1p(-p), -libm::log(p)))
    }

    /// `tails(p)` gives the quantiles at `p` and at `1 − p`, for growing `p ≤ 1/2`.
    pub(crate) fn from_tails(mut tails: impl FnMut(f64) -> (f64, f64)) -> Self {
        let mut knots = Box::new([0i64; 2 * HALF + 1]);
        for octave in 0..64u32 {
            for step in 0..1u32 << STEPS {
                // The knots above p = 1/2 pad the table and repeat the median.
                let knot = libm::ldexp(1.0 + f64::from(step) / 64.0, octave as i32 - 64).min(0.5);
                let (low, high) = tails(knot);
                let index = ((octave << STEPS) + step) as usize;
                knots[index] = libm::round(low * ONE) as i64;
                knots[HALF + index] = libm::round(high * ONE) as i64;
            }
        }
        knots[2 * HALF] = knots[2 * HALF - 1];
        Self { knots }
    }

    /// The value at a uniform position, with [`FRACTION`] fraction bits.
    #[inline]
    pub(crate) fn at(&self, bits: u64) -> i64 {
        let half = (bits >> 63) as usize * HALF;
        // Twice the distance; never zero, so that it has a leading one.
        let u = bits << 1 | 2;
        let above = u.leading_zeros();
        let from_leading_one = u << above;
        // The leading one itself stands for one octave more.
        let octave = (61 - i64::from(above)) as usize;
        let step = (from_leading_one >> (63 - STEPS)) as usize;
        let within = i64::from((from_leading_one >> (31 - STEPS)) as u32);
        let index = half.wrapping_add((octave << STEPS).wrapping_add(step)) % (2 * HALF);
        let (from, to) = (self.knots[index], self.knots[index + 1]);
        from + (((to - from) * within) >> 32)
    }

    /// Bytes of heap memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.knots) as u64
    }
}

/// Solves Φ(z) = `p ≤ 1/2` by Newton's method on log Φ, which is concave, from a `z` that is near.
fn normal_quantile(p: f64, near: f64) -> f64 {
    let target = libm::log(p);
    let mut z = near;
    for _ in 0..12 {
        let cumulative = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
        let density = 0.398_942_280_401_432_7 * libm::exp(-0.5 * z * z);
        let step = (libm::log(cumulative) - target) * cumulative / density;
        z -= step;
        if step.abs() < 1e-13 {
            break;
        }
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::draw::draw;

    fn value(table: &Quantile, bits: u64) -> f64 {
        table.at(bits) as f64 / ONE
    }

    /// Positions in both tails, from the middle out to `deepest`, that fall between knots.
    fn probabilities(deepest: f64) -> Vec<f64> {
        let mut p = 0.4999;
        let mut all = Vec::new();
        while p > deepest {
            all.push(p);
            p *= 0.9871;
        }
        all
    }

    #[test]
    fn normal_quantiles_are_exact_to_a_thousandth_in_both_tails() {
        let table = Quantile::normal();
        for p in probabilities(1e-12) {
            let bits = (p * 18_446_744_073_709_551_616.0) as u64;
            let z = value(&table, bits);
            let exact = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
            // dz = dp / density; the error is wanted in z.
            let density = 0.398_942_280_401_432_7 * libm::exp(-0.5 * z * z);
            let error = (exact - p) / density;
            assert!(error.abs() <= 1e-3 * z.abs() + 1e-9, "p = {p}: z = {z} is off by {error}");
            let mirrored = value(&table, (1 << 63) | bits);
            assert!((mirrored + z).abs() < 1e-9, "p = {p}: {mirrored} is not −{z}");
        }
    }

    #[test]
    fn exponential_quantiles_are_exact_to_a_thousandth_in_both_tails() {
        let table = Quantile::exponential();
        for p in probabilities(1e-9) {
            let bits = (p * 18_446_744_073_709_551_616.0) as u64;
            let (low, exact_low) = (value(&table, bits), -libm::log1p(-p));
            assert!((low / exact_low - 1.0).abs() < 1e-3 || (low - exact_low).abs() < 1e-9);
            let (high, exact_high) = (value(&table, (1 << 63) | bits), -libm::log(p));
            assert!((high / exact_high - 1.0).abs() < 1e-3, "1 − {p}: {high} for {exact_high}");
        }
    }

    #[test]
    fn quantiles_rise_with_position_and_reach_the_ends() {
        for table in [Quantile::normal(), Quantile::exponential()] {
            for half in table.knots[..2 * HALF].chunks(HALF) {
                let rising = half.windows(2).all(|w| w[0] <= w[1]);
                let falling = half.windows(2).all(|w| w[0] >= w[1]);
                assert!(rising || falling);
            }
            // The ends of the uniform range: u = 0 of each half.
            assert!(table.at(0) < table.at(1 << 62));
            assert!(table.at(1 << 63) > table.at(u64::MAX));
        }
        assert!((value(&Quantile::normal(), 1 << 63) - 9.08).abs() < 0.01);
    }

    #[test]
    fn sampled_moments_are_those_of_the_distributions() {
        let n = 4_000_000u64;
        let (normal, exponential) = (Quantile::normal(), Quantile::exponential());
        let (mut z1, mut z2, mut e1) = (0.0, 0.0, 0.0);
        for i in 0..n {
            let bits = draw(0x1234, i);
            let z = value(&normal, bits);
            z1 += z;
            z2 += z * z;
            e1 += value(&exponential, bits);
        }
        let n = n as f64;
        let sd = libm::sqrt(1.0 / n);
        assert!((z1 / n).abs() < 5.0 * sd);
        assert!((z2 / n - 1.0).abs() < 5.0 * sd * std::f64::consts::SQRT_2);
        assert!((e1 / n - 1.0).abs() < 5.0 * sd);
    }
}
