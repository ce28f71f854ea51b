//! A link fitted to measured figures: where its floor is, and how its delays vary above it.
//!
//! Two figures (median and 90th percentile, or mean and standard deviation) leave one thing open,
//! the floor, and everything beyond the figures follows from it: the higher the floor, the wider
//! the excess above it has to be, and the longer the tail. So a floor is assumed only as high as
//! the tail allows ([`TAIL`]), and no delay is above a maximum that the table states.

use super::link::{DEFAULT_SIGMA, FLOOR_SHARE, Link, MAX_SIGMA, MIN_SIGMA};

/// How many times the 99.9th percentile of a lognormal without a floor, through the same figures,
/// an assumed floor may make of it. A p90 of up to 1.2 medians then has the whole [`FLOOR_SHARE`].
const TAIL: f64 = 1.5;
/// z of the 90th percentile.
const Z90: f64 = 1.281_551_565_544_600_5;
/// z of the 99.9th percentile.
const Z999: f64 = 3.090_232_306_167_813_5;
/// Halvings in the search for a floor: it is found to a millionth of the median.
const HALVINGS: u32 = 20;
/// Median times σ of an excess that still tells any two messages apart, in ns.
const LEAST_WIDTH: f64 = 1_000.0;

/// What is known about the delays over one link, one way, in ns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    /// Where the middle of the delays is.
    pub(crate) centre: Centre,
    /// The least delay seen.
    pub(crate) min: Option<f64>,
    /// The greatest delay seen.
    pub(crate) max: Option<f64>,
}

/// The middle and the spread of measured delays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Centre {
    /// Median and, where known, 90th percentile.
    Percentiles {
        /// Median.
        p50: f64,
        /// 90th percentile.
        p90: Option<f64>,
    },
    /// Mean and, where known, standard deviation.
    Moments {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        deviation: Option<f64>,
    },
}

impl Figures {
    /// The median, or the mean where that is what is known.
    pub(crate) fn middle(&self) -> f64 {
        match self.centre {
            Centre::Percentiles { p50, .. } => p50,
            Centre::Moments { mean, .. } => mean,
        }
    }

    /// The link with these figures and a floor of at least `min_delay`; `sigma` overrides the
    /// fitted spread. Returns it with whether its floor had to be raised.
    ///
    /// The floor is the table's minimum, or [`FLOOR_SHARE`] of its centre, lowered as far as
    /// [`TAIL`] asks; only a minimum beside mean and deviation is taken as it is, since a mean
    /// bounds the tail. The excess has the table's median and 90th percentile, or mean and standard
    /// deviation, but is wide enough that no two messages share a delay by accident.
    pub(crate) fn fit(self, min_delay: u64, sigma: Option<f64>) -> (Link, bool) {
        let least = min_delay as f64;
        let measured = self.min.unwrap_or(FLOOR_SHARE * self.middle());
        let floor = match (self.centre, self.min) {
            (Centre::Moments { .. }, Some(min)) => min,
            _ => self.floor_below(measured),
        };
        let (raised, floor) = (floor < least, floor.max(least));
        let (median, fitted) = self.excess(floor, self.min.unwrap_or(0.0));
        let (median, fitted) = match (self.centre, raised, sigma) {
            (Centre::Percentiles { p50, p90: Some(p90) }, true, None) => {
                tamed((floor, median, fitted), (p50.max(floor), p90))
            }
            _ => (median, fitted),
        };
        let sigma = sigma.unwrap_or(fitted).clamp(MIN_SIGMA, MAX_SIGMA);
        let link = Link::new(libm::round(floor) as u64, median, sigma);
        let most = self.greatest().filter(|max| *max > floor);
        (most.map_or(link, |max| link.capped(max)), measured < least || raised)
    }

    /// The table's maximum, unless it says nothing: that of a single ping is its mean.
    pub(crate) fn greatest(&self) -> Option<f64> {
        self.max.filter(|max| *max > self.middle())
    }

    /// The highest floor up to `most` that the tail allows.
    fn floor_below(&self, most: f64) -> f64 {
        let tail = |floor: f64| {
            let (median, sigma) = self.excess(floor, 0.0);
            floor + median * libm::exp(Z999 * sigma.max(MIN_SIGMA))
        };
        let limit = TAIL * tail(0.0);
        if !self.has_spread() || tail(most) <= limit {
            return most;
        }
        let (mut low, mut high) = (0.0, most);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            *if tail(middle) <= limit { &mut low } else { &mut high } = middle;
        }
        low
    }

    fn has_spread(&self) -> bool {
        match self.centre {
            Centre::Percentiles { p90, .. } => p90.is_some(),
            Centre::Moments { deviation, .. } => deviation.is_some(),
        }
    }

    /// Median and σ of the excess over a floor; `min` is the least delay that the table knows.
    fn excess(&self, floor: f64, min: f64) -> (f64, f64) {
        let max = self.greatest();
        let room = max.map_or(f64::MAX, |max| max - floor);
        let least = if room > 0.0 { (floor / 64.0).min(0.5 * room) } else { floor / 64.0 };
        match self.centre {
            Centre::Percentiles { p50, p90 } => {
                let median = (p50 - floor).max(least);
                let spread = |p90: f64| libm::log((p90 - floor).max(1.0) / median) / Z90;
                (median, p90.map_or(DEFAULT_SIGMA, spread))
            }
            Centre::Moments { mean, deviation } => {
                // No values within two bounds deviate more from their mean (Bhatia and Davis 2000).
                let bound = max.filter(|_| mean > min);
                let bound = bound.map_or(f64::MAX, |max| libm::sqrt((mean - min) * (max - mean)));
                match deviation {
                    Some(deviation) if mean > floor => {
                        moments(mean - floor, deviation.min(bound), least)
                    }
                    _ => {
                        let median =
                            (mean - floor) * libm::exp(-0.5 * DEFAULT_SIGMA * DEFAULT_SIGMA);
                        (median.max(least), DEFAULT_SIGMA)
                    }
                }
            }
        }
    }
}

/// Median and σ of a lognormal of the given mean and standard deviation, or of one of that mean
/// that is as wide as it has to be; `least`: a median that is enough for any σ.
fn moments(mean: f64, deviation: f64, least: f64) -> (f64, f64) {
    let ratio = deviation / mean;
    let sigma = libm::sqrt(libm::log1p(ratio * ratio)).clamp(MIN_SIGMA, MAX_SIGMA);
    let median = mean * libm::exp(-0.5 * sigma * sigma);
    let least = least.min(LEAST_WIDTH / sigma);
    if median >= least {
        return (median, sigma);
    }
    let keeps_mean = libm::sqrt(2.0 * libm::log((mean / least).max(1.0)));
    (least, if mean > least { keeps_mean.min(sigma) } else { sigma.min(DEFAULT_SIGMA) })
}

/// Median and σ of an excess whose floor had to be raised so near to the median that the tail came
/// out of bounds: the 90th percentile stays, the median gives way.
fn tamed((floor, median, sigma): (f64, f64, f64), (p50, p90): (f64, f64)) -> (f64, f64) {
    if p90 <= p50 {
        return (median, sigma);
    }
    let limit = TAIL * p50 * libm::pow(p90 / p50, Z999 / Z90);
    let most = libm::log((limit - floor) / (p90 - floor)) / (Z999 - Z90);
    let tail = floor + median * libm::exp(Z999 * sigma.min(MAX_SIGMA));
    if tail <= limit {
        return (median, sigma);
    }
    ((p90 - floor) * libm::exp(-Z90 * most), most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::link::{MAX_EXCESS, Powers};
    use crate::network::quantile::Quantile;
    use anthill_protocol::draw::draw;

    const MS: f64 = 1e6;

    fn sample(link: Link, n: u64) -> Vec<u64> {
        let (normal, powers) = (Quantile::normal(), Powers::new());
        let mut all: Vec<u64> = (0..n).map(|i| link.delay(draw(99, i), &normal, &powers)).collect();
        all.sort_unstable();
        all
    }

    fn at(sorted: &[u64], p: f64) -> f64 {
        sorted[(p * sorted.len() as f64) as usize] as f64
    }

    fn mean_of(delays: &[u64]) -> f64 {
        delays.iter().map(|d| *d as f64).sum::<f64>() / delays.len() as f64
    }

    fn percentiles(p50_ms: f64, p90_ms: f64) -> Figures {
        let centre = Centre::Percentiles { p50: p50_ms * MS, p90: Some(p90_ms * MS) };
        Figures { centre, min: None, max: None }
    }

    fn measured(mean: f64, min: f64, max: f64, deviation: f64) -> Figures {
        let centre = Centre::Moments { mean: mean * MS, deviation: Some(deviation * MS) };
        Figures { centre, min: Some(min * MS), max: Some(max * MS) }
    }

    #[test]
    fn fitted_percentiles_are_the_tables() {
        let (link, clamped) = percentiles(40.0, 48.0).fit(250_000, None);
        assert!(!clamped);
        assert_eq!(link.floor(), 36_000_000);
        let delays = sample(link, 1_000_000);
        assert!((at(&delays, 0.5) / (40.0 * MS) - 1.0).abs() < 1e-3);
        assert!((at(&delays, 0.9) / (48.0 * MS) - 1.0).abs() < 2e-3);
        let sigma = libm::log(12.0 / 4.0) / Z90;
        let p99 = 36.0 * MS + 4.0 * MS * libm::exp(sigma * 2.326_347_874);
        assert!((at(&delays, 0.99) / p99 - 1.0).abs() < 1e-2);
        assert!(delays[0] > 36_000_000, "nothing at or below the floor");
    }

    /// The floor follows p90 / p50: both stay exact, and the tail stays near that of the lognormal
    /// through both.
    #[test]
    fn no_floor_makes_a_tail_much_longer_than_that_of_the_plain_lognormal() {
        for (p50, p90) in [
            (50.0, 55.0),
            (50.0, 60.0),
            (50.0, 75.0),
            (50.0, 120.0),
            (50.0, 250.0),
            (2.0, 5.95),
            (1.0, 100.0),
            (50.0, 50.0),
        ] {
            let (link, clamped) = percentiles(p50, p90).fit(1_000, None);
            let delays = sample(link, 1_000_000);
            assert!((at(&delays, 0.5) / (p50 * MS) - 1.0).abs() < 5e-3, "{p50} {p90}");
            assert!((at(&delays, 0.9) / (p90 * MS) - 1.0).abs() < 2e-2, "{p50} {p90}");
            let plain = p50 * MS * libm::pow(p90 / p50, Z999 / Z90);
            let found = at(&delays, 0.999);
            assert!(found < 1.7 * plain, "{p50} {p90}: p99.9 {found} for {plain}");
            // As high as that allows: nothing is given away of the lookahead.
            let share = link.floor() as f64 / (p50 * MS);
            assert!((0.2..=0.9).contains(&share) && !clamped, "{share}");
            if p90 > 1.2 * p50 {
                assert!(found > 1.3 * plain && share < 0.9, "{p50} {p90}: {found} for {plain}");
            } else {
                assert_eq!(link.floor() as f64, 0.9 * p50 * MS, "{p90}");
            }
        }
    }

    #[test]
    fn the_floor_falls_steadily_as_the_tail_grows() {
        let floor = |p90: f64| percentiles(50.0, p90).fit(1, None).0.floor();
        let floors: Vec<u64> = (500..3_000).map(|p90| floor(f64::from(p90) / 10.0)).collect();
        assert!(floors.windows(2).all(|w| w[0] >= w[1] && w[0] - w[1] < 1_000_000));
    }

    /// A floor that `min_delay` holds near the median keeps the p90 and the length of the tail.
    #[test]
    fn a_floor_raised_to_the_median_has_no_absurd_tail() {
        for (p50, p90) in
            [(0.27, 2.0), (0.25, 0.3), (0.01, 0.6), (0.0, 0.6), (0.2, 0.26), (0.3, 9.0)]
        {
            let (link, clamped) = percentiles(p50, p90).fit(250_000, None);
            assert!(clamped || p50 > 0.28, "{p50} {p90}");
            assert!(link.floor() >= 250_000);
            let delays = sample(link, 1_000_000);
            assert!((at(&delays, 0.9) / (p90 * MS) - 1.0).abs() < 2e-2, "{p50} {p90}");
            let p50 = f64::max(p50, 0.25) * MS;
            let plain = p50 * libm::pow(p90 * MS / p50, Z999 / Z90);
            assert!(at(&delays, 0.999) < 1.7 * plain, "{p50} {p90}: {}", at(&delays, 0.999));
        }
    }

    #[test]
    fn fitted_moments_are_the_tables() {
        let (link, _) = measured(20.0, 8.0, 200.0, 5.0).fit(250_000, None);
        let delays = sample(link, 1_000_000);
        let mean = mean_of(&delays);
        let n = delays.len() as f64;
        let variance = delays.iter().map(|d| (*d as f64 - mean).powi(2)).sum::<f64>() / n;
        assert!((mean / (20.0 * MS) - 1.0).abs() < 1e-3, "mean {mean}");
        assert!((libm::sqrt(variance) / (5.0 * MS) - 1.0).abs() < 1e-2);
    }

    /// A deviation that no delays between the table's minimum and maximum can have, a minimum just
    /// below the mean or far from it: mean, minimum and maximum are the table's.
    #[test]
    fn mean_minimum_and_maximum_hold_whatever_the_deviation() {
        for (mean, min, max, deviation, tolerance) in [
            (40.0, 39.5, 2_500.0, 200.0, 0.01),
            (40.0, 39.5, 45.0, 1.0, 0.01),
            (40.0, 39.999, 2_500.0, 400.0, 0.01),
            (40.0, 0.5, 41.0, 0.1, 0.01),
            (40.0, 39.5, 40.1, 3.0, 0.01),
            (40.0, 40.0, 40.1, 3.0, 0.01),
            (0.1, 0.05, 0.2, 0.03, 2.0),
            (0.4, 0.3, 900.0, 5.0, 0.06),
            // What lies beyond the maximum is put below it, which this mean feels.
            (40.0, 10.0, 90.0, 1e6, 0.12),
        ] {
            let (link, _) = measured(mean, min, max, deviation).fit(250_000, None);
            assert_eq!(link.floor(), libm::round(f64::max(min, 0.25) * MS) as u64);
            let delays = sample(link, 1_000_000);
            let (found, most) = (mean_of(&delays), delays[delays.len() - 1] as f64);
            assert!((found / (mean * MS) - 1.0).abs() < tolerance, "{mean} {max}: {found}");
            assert!(most <= max * MS || max < 0.25, "{mean} {max}: {most}");
            let mut distinct = delays;
            distinct.dedup();
            assert!(distinct.len() > 500, "{mean} {max}: {} delays", distinct.len());
        }
        // One ping: its maximum is its mean, and says nothing.
        let centre = Centre::Moments { mean: 40.0 * MS, deviation: None };
        let one = Figures { centre, min: Some(40.0 * MS), max: Some(40.0 * MS) };
        let delays = sample(one.fit(250_000, None).0, 100_000);
        assert!((at(&delays, 0.5) / (40.625 * MS) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn entries_near_zero_are_raised_and_still_vary() {
        let centre = Centre::Percentiles { p50: 25.0, p90: None };
        let figures = Figures { centre, min: Some(0.0), max: None };
        let (link, clamped) = figures.fit(250_000, None);
        assert!(clamped);
        assert_eq!((link.base, link.unit), (250_000, 3906));
        let mut delays = sample(link, 1000);
        delays.dedup();
        assert!(delays.len() > 700, "only {} distinct delays", delays.len());
    }

    #[test]
    fn what_lies_beyond_a_maximum_is_spread_below_it() {
        let figures = measured(20.0, 8.0, 24.0, 10.0);
        let (link, _) = figures.fit(250_000, Some(1.0));
        let delays = sample(link, 100_000);
        let near = delays.iter().filter(|d| **d > 23_700_000).count();
        assert!(near > 5_000 && delays[delays.len() - 1] <= 24_000_000, "{near}");
        let mut distinct = delays;
        distinct.dedup();
        assert!(distinct.len() > 90_000, "{}", distinct.len());
        let endless = Figures { max: None, ..figures }.fit(250_000, Some(4.0)).0;
        let delays = sample(endless, 100_000);
        assert!(delays[delays.len() - 1] > 1_000_000_000_000 / 10);
        assert!(delays[delays.len() - 1] <= MAX_EXCESS + 8_000_000);
    }
}
