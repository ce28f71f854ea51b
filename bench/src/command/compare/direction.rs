//! Which way a metric gets better, where that is beyond dispute.
//!
//! A short declared list, not a guess: of anything else a comparison says "higher" or "lower".

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Nobody said.
    Unknown,
}

/// More is better: what a network exists for.
const HIGHER: [&str; 6] = [
    "metrics.coverage",
    "metrics.payments_final",
    "metrics.committed",
    "metrics.decided",
    "metrics.finalized",
    "metrics.chain_quality",
];

/// Less is better: what it costs, and what goes wrong.
const LOWER: [&str; 14] = [
    "events",
    "messages",
    "bytes_on_wire",
    "signatures.made",
    "signatures.checked",
    "metrics.sends",
    "metrics.duplicates",
    "metrics.rounds_to_all",
    "metrics.double_spend_accepted",
    "metrics.double_spend_success",
    "metrics.counterfeit",
    "metrics.false_rejections",
    "metrics.view_changes",
    "metrics.stale_rate",
];

impl Direction {
    /// Of a metric by its path in `summary.json`.
    pub(super) fn of(metric: &str) -> Self {
        let latency = metric.starts_with("latency_ns.") && !metric.ends_with(".count");
        if HIGHER.contains(&metric) {
            Self::Higher
        } else if LOWER.contains(&metric) || latency {
            Self::Lower
        } else {
            Self::Unknown
        }
    }

    /// Its name in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_declared_has_a_direction() {
        for (metric, direction) in [
            ("metrics.coverage", Direction::Higher),
            ("messages", Direction::Lower),
            ("latency_ns.coverage.p99", Direction::Lower),
            ("latency_ns.coverage.count", Direction::Unknown),
            ("metrics.audience", Direction::Unknown),
            ("conditions.lost", Direction::Unknown),
        ] {
            assert_eq!(Direction::of(metric), direction, "{metric}");
        }
    }
}
