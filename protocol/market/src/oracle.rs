//! A price from many reports, some of them lies. Every rule works on exact fractions and rounds
//! once, half to even, to a tick.
//!
//! | rule | breaks at |
//! |---|---|
//! | [`vwap`], [`weighted_mean`] | 1 liar: size and confidence are its own claims |
//! | [`weighted_median`], claims capped | liars with half of the weight |
//! | [`trimmed_mean`], f at each end | f + 1 liars |
//! | [`third_trimmed`], ⌊.33 n⌋ in all | more than half of that at one end |

use crate::amount::{Lots, Ticks};

/// What one reporter claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The middle of its quotes, in ticks.
    pub mid: Ticks,
    /// The lots behind it.
    pub size: Lots,
    /// Its confidence, in millionths.
    pub confidence: u32,
}

/// A rule that makes one price of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OracleRule {
    /// [`vwap`].
    Vwap,
    /// [`weighted_mean`].
    WeightedMean,
    /// [`weighted_median`].
    WeightedMedian {
        /// The most confidence that counts.
        cap: u32,
    },
    /// [`trimmed_mean`].
    TrimmedMean {
        /// Reports left out at each end.
        f: usize,
    },
    /// [`third_trimmed`].
    ThirdTrimmed,
}

impl OracleRule {
    /// How many of `n` reporters may lie, whatever they say, without moving the price beyond all that
    /// the others report, provided that those claim as much weight as counts.
    pub fn bears(self, n: usize) -> usize {
        match self {
            OracleRule::Vwap | OracleRule::WeightedMean => 0,
            OracleRule::WeightedMedian { .. } => n.saturating_sub(1) / 2,
            OracleRule::TrimmedMean { f } => f.min(n.saturating_sub(1) / 2),
            OracleRule::ThirdTrimmed => n * 33 / 100 / 2,
        }
    }

    /// The price; `None` if no report has weight.
    pub fn price(self, reports: &[Report]) -> Option<Ticks> {
        match self {
            OracleRule::Vwap => vwap(reports),
            OracleRule::WeightedMean => weighted_mean(reports),
            OracleRule::WeightedMedian { cap } => weighted_median(reports, cap),
            OracleRule::TrimmedMean { f } => trimmed_mean(reports, f),
            OracleRule::ThirdTrimmed => third_trimmed(reports),
        }
    }
}

/// `numerator / denominator` to the nearest whole, half to even; `None` for a denominator that is
/// not positive, or a result that is no price.
pub fn round_half_even(numerator: i128, denominator: i128) -> Option<Ticks> {
    if denominator <= 0 {
        return None;
    }
    let (floor, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let up = match rest.cmp(&(denominator - rest)) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => floor & 1,
    };
    Ticks::try_from(floor + up).ok()
}

fn mean(weighted: impl Iterator<Item = (Ticks, i64)>) -> Option<Ticks> {
    let (mut sum, mut weights) = (0i128, 0i128);
    for (value, weight) in weighted {
        let weight = i128::from(weight.max(0));
        sum = sum.checked_add(i128::from(value) * weight)?;
        weights += weight;
    }
    round_half_even(sum, weights)
}

/// The mean of the reports, weighted by the sizes they claim.
pub fn vwap(reports: &[Report]) -> Option<Ticks> {
    mean(reports.iter().map(|report| (report.mid, report.size)))
}

/// The mean of the reports, weighted by the confidence they claim.
pub fn weighted_mean(reports: &[Report]) -> Option<Ticks> {
    mean(reports.iter().map(|report| (report.mid, i64::from(report.confidence))))
}

/// The median of the reports, weighted by confidence up to `cap`: where half of the weight is below
/// and half above, or midway between the two reports around such a place.
pub fn weighted_median(reports: &[Report], cap: u32) -> Option<Ticks> {
    let mut sorted: Vec<_> =
        reports.iter().map(|report| (report.mid, u64::from(report.confidence.min(cap)))).collect();
    sorted.retain(|&(_, weight)| weight > 0);
    sorted.sort_unstable();
    let all: u64 = sorted.iter().map(|&(_, weight)| weight).sum();
    let mut below = 0;
    for (at, &(mid, weight)) in sorted.iter().enumerate() {
        below += weight;
        if below * 2 > all {
            return Some(mid);
        }
        if below * 2 == all {
            let next = sorted.get(at + 1).map_or(mid, |&(mid, _)| mid);
            return round_half_even(i128::from(mid) + i128::from(next), 2);
        }
    }
    None
}

fn mean_of_middle(reports: &[Report], low: usize, high: usize) -> Option<Ticks> {
    let mut mids: Vec<_> = reports.iter().map(|report| report.mid).collect();
    mids.sort_unstable();
    let kept = mids.get(low..mids.len().checked_sub(high)?)?;
    mean(kept.iter().map(|&mid| (mid, 1)))
}

/// The mean of what remains when the `f` lowest and the `f` highest reports are left out.
pub fn trimmed_mean(reports: &[Report], f: usize) -> Option<Ticks> {
    mean_of_middle(reports, f, f)
}

/// The mean of what remains when ⌊.33 n⌋ reports are left out in all, the lower half of them at the
/// bottom: fewer at each end than there may be liars.
pub fn third_trimmed(reports: &[Report]) -> Option<Ticks> {
    let out = reports.len() * 33 / 100;
    mean_of_middle(reports, out / 2, out - out / 2)
}

#[cfg(test)]
mod tests;
