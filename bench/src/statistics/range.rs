//! Which values a quantity can have, so that no interval leaves them.

/// The least and the greatest possible value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    least: f64,
    most: f64,
}

/// The metrics that are shares of a whole or probabilities: a declared list, like the directions of a
/// comparison. All other numbers of a summary are counts, times or sizes.
const SHARES: [&str; 6] = [
    "metrics.coverage",
    "metrics.chain_quality",
    "metrics.stale_rate",
    "metrics.double_spend_success",
    "metrics.selfish_revenue",
    "metrics.races_on_pool",
];

/// Shares, too, by the number of rounds.
const SHARES_AFTER: &str = "metrics.undecided_after_";

impl Range {
    /// A share or a probability.
    pub(crate) const SHARE: Self = Self { least: 0.0, most: 1.0 };
    /// What can be counted or measured: nothing negative.
    pub(crate) const COUNT: Self = Self { least: 0.0, most: f64::INFINITY };
    /// Any number.
    #[cfg(test)]
    pub(crate) const FREE: Self = Self { least: f64::NEG_INFINITY, most: f64::INFINITY };

    /// Of a metric by its path in `summary.json`.
    pub(crate) fn of(metric: &str) -> Self {
        let is_share = SHARES.contains(&metric) || metric.starts_with(SHARES_AFTER);
        if is_share { Self::SHARE } else { Self::COUNT }
    }

    /// Of the difference of two such quantities.
    pub(crate) fn of_differences(self) -> Self {
        Self { least: self.least - self.most, most: self.most - self.least }
    }

    /// An interval without what lies outside.
    pub(crate) fn clamped(self, interval: [f64; 2]) -> [f64; 2] {
        interval.map(|end| end.clamp(self.least, self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_end_at_one_and_nothing_is_negative_but_a_difference() {
        assert_eq!(Range::of("metrics.coverage").clamped([-0.2, 1.3]), [0.0, 1.0]);
        assert_eq!(Range::of("messages").clamped([-2.0, 3.0]), [0.0, 3.0]);
        let share = Range::of("metrics.coverage").of_differences();
        assert_eq!(share.clamped([-1.2, 1.3]), [-1.0, 1.0]);
        let count = Range::of("metrics.sends").of_differences();
        assert_eq!(count.clamped([-12.0, 13.0]), [-12.0, 13.0]);
    }
}
