//! Least squares on logarithms: the exponent of a power law.

use super::reach;

/// `y = factor · x^exponent`, fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    /// How many points it goes through.
    pub points: usize,
    /// The slope on logarithms.
    pub exponent: f64,
    /// Where the true exponent lies with 95 % confidence; needs three points that do not all lie on
    /// the law: without a residual there is nothing to tell how far off the exponent may be.
    pub interval: Option<[f64; 2]>,
    /// `y` at `x = 1`.
    pub factor: f64,
    /// Share of the variance of the logarithms that the law explains; none if `y` is constant, nor
    /// of two points, through which a law always goes.
    pub r_squared: Option<f64>,
    /// Whether three or more points lie on the law, as far as numbers are kept.
    pub is_exact: bool,
}

/// A residual below this share of the largest logarithm is the rounding of its computation.
const ROUNDING: f64 = 1e-12;

/// Fits a power law through `(x, y)`. Points without a logarithm are left out; `None` if fewer
/// than two different `x` remain.
pub(crate) fn power_law(points: &[(f64, f64)]) -> Option<Fit> {
    let logs: Vec<(f64, f64)> = points
        .iter()
        .filter(|(x, y)| *x > 0.0 && *y > 0.0 && x.is_finite() && y.is_finite())
        .map(|(x, y)| (libm::log(*x), libm::log(*y)))
        .collect();
    let n = logs.len();
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / n as f64;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / n as f64;
    let sum = |of: fn(f64, f64) -> f64| -> f64 {
        logs.iter().map(|(x, y)| of(x - mean_x, y - mean_y)).sum()
    };
    let (xx, xy, yy) = (sum(|x, _| x * x), sum(|x, y| x * y), sum(|_, y| y * y));
    if n < 2 || logs.iter().all(|(x, _)| *x == logs[0].0) {
        return None;
    }
    let exponent = xy / xx;
    // From the residuals themselves: the difference of the sums would leave only their rounding.
    let residual = |(x, y): &(f64, f64)| y - mean_y - exponent * (x - mean_x);
    let left: f64 = logs.iter().map(|point| residual(point).powi(2)).sum();
    let largest = logs.iter().map(|(_, y)| y.abs()).fold(1.0, f64::max);
    let is_exact = n > 2 && logs.iter().all(|point| residual(point).abs() <= ROUNDING * largest);
    let half = (n > 2 && !is_exact)
        .then(|| reach(n - 2).map(|reach| reach * (left / (n - 2) as f64 / xx).sqrt()))
        .flatten();
    Some(Fit {
        points: n,
        exponent,
        interval: half.map(|half| [exponent - half, exponent + half]),
        factor: libm::exp(mean_y - exponent * mean_x),
        r_squared: (n > 2 && yy > 0.0).then(|| 1.0 - left / yy),
        is_exact,
    })
}

#[cfg(test)]
mod tests {
    use super::super::near;
    use super::*;

    #[test]
    fn an_exact_law_is_found_exactly() {
        let cubic: Vec<(f64, f64)> = [1.0, 10.0, 100.0].map(|x| (x, 2.0 * x * x * x)).to_vec();
        let fit = power_law(&cubic).expect("three points");
        assert!(near(fit.exponent, 3.0) && near(fit.factor, 2.0), "{fit:?}");
        assert!(fit.r_squared.is_some_and(|r| near(r, 1.0)));
        // Three points without residual do not make the exponent certain.
        assert!(fit.is_exact && fit.interval.is_none(), "{fit:?}");
        let nearly =
            power_law(&[(1.0, 2.0), (10.0, 2_000.0), (100.0, 2_000_001.0)]).expect("three");
        assert!(!nearly.is_exact && nearly.interval.is_some(), "{nearly:?}");
    }

    /// On the logarithms to base ten, (0, 0), (1, 1), (2, 3): slope 1.5, residual 1/6, Sxx 2,
    /// standard error √(1/12), t(1) = 12.7062047; R² = 1 − (1/6)/(14/3) = 27/28.
    #[test]
    fn the_interval_of_an_exponent_by_hand() {
        let fit = power_law(&[(1.0, 1.0), (10.0, 10.0), (100.0, 1000.0)]).expect("three points");
        assert!(near(fit.exponent, 1.5), "{fit:?}");
        assert!(fit.r_squared.is_some_and(|r| near(r, 27.0 / 28.0)), "{fit:?}");
        let [low, high] = fit.interval.expect("three points");
        let half = 12.706_204_736 / 12.0f64.sqrt();
        assert!((high - 1.5 - half).abs() < 1e-6 && (1.5 - low - half).abs() < 1e-6);
    }

    #[test]
    fn too_few_points_have_no_interval_and_one_size_no_exponent() {
        let two = power_law(&[(1.0, 5.0), (2.0, 10.0), (4.0, 0.0)]).expect("two points");
        assert_eq!((two.points, two.interval, two.r_squared, two.is_exact), (2, None, None, false));
        assert!(near(two.exponent, 1.0));
        assert_eq!(power_law(&[(3.0, 1.0), (3.0, 2.0)]), None);
        assert_eq!(power_law(&[]), None);
        let constant = power_law(&[(1.0, 5.0), (2.0, 5.0), (4.0, 5.0)]).expect("three points");
        assert_eq!((constant.exponent, constant.r_squared), (0.0, None));
        assert_eq!((constant.interval, constant.is_exact), (None, true));
    }
}
