//! One quantity over several runs: its mean with an interval, or its median with a spread.

use super::proportion::proportion_interval;

use super::{Range, reach};

/// A mean, and where the mean of all possible runs lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mean {
    /// How many samples.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (n − 1), if there are two.
    pub deviation: Option<f64>,
    /// Both ends of the interval, if there are two samples that differ: equal ones do not say how
    /// far others may lie from them.
    pub interval: Option<[f64; 2]>,
}

/// A median, and how far the samples lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The middle sample, or the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Mean {
    /// The mean of some samples of a quantity; `None` if there are none.
    pub(crate) fn of(samples: &[f64], range: Range) -> Option<Self> {
        let n = samples.len();
        if n == 0 {
            return None;
        }
        let mean = samples.iter().sum::<f64>() / n as f64;
        // Equal samples must not get a deviation from the rounding of their mean.
        let (first, rest) = (samples[0], &samples[1..]);
        if rest.iter().all(|sample| *sample == first) {
            let deviation = (n > 1).then_some(0.0);
            return Some(Self { n, mean: first, deviation, interval: None });
        }
        let squares: f64 = samples.iter().map(|sample| (sample - mean) * (sample - mean)).sum();
        let deviation = (squares / (n - 1) as f64).sqrt();
        let interval = if range == Range::SHARE && samples.iter().all(|s| *s == 0.0 || *s == 1.0) {
            let successes = samples.iter().filter(|sample| **sample == 1.0).count();
            let (low, high) = proportion_interval(successes as u32, n as u32);
            Some([low, high])
        } else {
            let half = reach(n - 1).map(|reach| reach * deviation / (n as f64).sqrt());
            half.map(|half| range.clamped([mean - half, mean + half]))
        };
        Some(Self { n, mean, deviation: Some(deviation), interval })
    }

    /// Whether several samples are all the same.
    pub(crate) fn is_constant(&self) -> bool {
        self.deviation == Some(0.0)
    }
}

impl Spread {
    /// The spread of some samples; `None` if there are none.
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        };
        Some(Self { median, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::super::near;
    use super::*;

    /// 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares 32, s² = 32/7, t(7) = 2.364624252.
    #[test]
    fn the_interval_of_a_mean_by_hand() {
        let mean =
            Mean::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0], Range::COUNT).expect("samples");
        assert_eq!((mean.n, mean.mean), (8, 5.0));
        assert!(near(mean.deviation.expect("eight samples"), 2.138_089_935_299_395));
        let [low, high] = mean.interval.expect("eight samples");
        assert!((low - 3.212_512_2).abs() < 1e-6 && (high - 6.787_487_8).abs() < 1e-6, "{low}");
    }

    #[test]
    fn neither_one_sample_nor_equal_ones_have_an_interval() {
        assert_eq!(Mean::of(&[], Range::COUNT), None);
        let one = Mean::of(&[3.0], Range::COUNT).expect("a sample");
        assert_eq!((one.interval, one.is_constant()), (None, false));
        let equal = Mean::of(&[0.1, 0.1, 0.1], Range::SHARE).expect("samples");
        assert_eq!((equal.mean, equal.deviation, equal.interval), (0.1, Some(0.0), None));
        assert!(equal.is_constant());
    }

    #[test]
    fn an_interval_stays_where_the_quantity_can_be() {
        let interval = |samples: &[f64], range| {
            Mean::of(samples, range).and_then(|mean| mean.interval).expect("samples that differ")
        };
        let [low, high] = interval(&[0.9, 0.99, 1.0], Range::SHARE);
        assert!(low < 0.9 && high == 1.0, "{low} {high}");
        let [low, high] = interval(&[0.0, 0.0, 5.0], Range::COUNT);
        assert!(low == 0.0 && high > 5.0, "{low} {high}");
        let [low, high] = interval(&[0.0, 0.0, 5.0], Range::FREE);
        assert!(low < 0.0 && high > 5.0, "{low} {high}");
        // Clopper and Pearson: 3 of 4 have 0.1941 to 0.9937.
        let [low, high] = interval(&[1.0, 0.0, 1.0, 1.0], Range::SHARE);
        assert!((low - 0.194_1).abs() < 1e-4 && (high - 0.993_7).abs() < 1e-4, "{low} {high}");
    }

    #[test]
    fn a_median_is_in_the_middle_of_any_order() {
        let spread = |samples: &[f64]| Spread::of(samples);
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(spread(&[4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
    }
}
