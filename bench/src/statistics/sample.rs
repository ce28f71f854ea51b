//! One quantity over several runs: its mean with an interval, or its median with a spread.

use super::reach;

/// A mean, and where the mean of all possible runs lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mean {
    /// How many samples.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (n − 1), if there are two.
    pub deviation: Option<f64>,
    /// Both ends of the interval, if there are two samples.
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
    /// The mean of some samples; `None` if there are none.
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        let n = samples.len();
        if n == 0 {
            return None;
        }
        let mean = samples.iter().sum::<f64>() / n as f64;
        if n == 1 {
            return Some(Self { n, mean, deviation: None, interval: None });
        }
        // Equal samples must not get a deviation from the rounding of their mean.
        let (first, rest) = (samples[0], &samples[1..]);
        if rest.iter().all(|sample| *sample == first) {
            let interval = Some([first, first]);
            return Some(Self { n, mean: first, deviation: Some(0.0), interval });
        }
        let squares: f64 = samples.iter().map(|sample| (sample - mean) * (sample - mean)).sum();
        let deviation = (squares / (n - 1) as f64).sqrt();
        let half = reach(n - 1).map(|reach| reach * deviation / (n as f64).sqrt());
        let interval = half.map(|half| [mean - half, mean + half]);
        Some(Self { n, mean, deviation: Some(deviation), interval })
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
        let mean = Mean::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).expect("samples");
        assert_eq!((mean.n, mean.mean), (8, 5.0));
        assert!(near(mean.deviation.expect("eight samples"), 2.138_089_935_299_395));
        let [low, high] = mean.interval.expect("eight samples");
        assert!((low - 3.212_512_2).abs() < 1e-6 && (high - 6.787_487_8).abs() < 1e-6, "{low}");
    }

    #[test]
    fn one_sample_has_no_interval_and_equal_ones_an_exact_one() {
        assert_eq!(Mean::of(&[]), None);
        assert_eq!(Mean::of(&[3.0]).map(|mean| mean.interval), Some(None));
        let equal = Mean::of(&[0.1, 0.1, 0.1]).expect("samples");
        assert_eq!((equal.mean, equal.deviation), (0.1, Some(0.0)));
        assert_eq!(equal.interval, Some([0.1, 0.1]));
    }

    #[test]
    fn a_median_is_in_the_middle_of_any_order() {
        let spread = |samples: &[f64]| Spread::of(samples);
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(spread(&[4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
    }
}
