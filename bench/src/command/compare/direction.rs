//! Which way a figure gets better, where that is beyond dispute: protocols say it of their metrics, and
//! here it is said of what all runs have. Of anything else a comparison says "higher" or "lower".

use anthill_protocol::{Better, MetricInfo};

/// What every run costs: less is better.
const COSTS: [&str; 5] =
    ["events", "messages", "bytes_on_wire", "signatures.made", "signatures.checked"];

/// Of a figure by its path in `summary.json`, among the metrics of the protocols that are compared.
pub(super) fn better(path: &str, metrics: &[MetricInfo]) -> Better {
    if COSTS.contains(&path) {
        return Better::Lower;
    }
    if let Some(latency) = path.strip_prefix("latency_ns.") {
        return if latency.ends_with(".count") { Better::Unknown } else { Better::Lower };
    }
    let Some(name) = path.strip_prefix("metrics.") else { return Better::Unknown };
    let is_meant = |info: &&MetricInfo| {
        info.name == name && info.kind != anthill_protocol::MetricKind::Latency
    };
    metrics.iter().find(is_meant).map_or(Better::Unknown, |info| info.better)
}

/// Its name in files.
pub(super) fn name(better: Better) -> &'static str {
    match better {
        Better::Higher => "higher",
        Better::Lower => "lower",
        Better::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use anthill_protocol::Metric as _;
    use anthill_protocol::gossip::GossipMetric;

    use super::*;

    #[test]
    fn only_what_is_declared_has_a_direction() {
        for (metric, direction) in [
            ("metrics.coverage", Better::Higher),
            ("metrics.sends", Better::Lower),
            ("messages", Better::Lower),
            ("latency_ns.coverage.p99", Better::Lower),
            ("latency_ns.coverage.count", Better::Unknown),
            ("metrics.audience", Better::Unknown),
            ("metrics.of_another_protocol", Better::Unknown),
            ("conditions.lost", Better::Unknown),
        ] {
            assert_eq!(better(metric, GossipMetric::ALL), direction, "{metric}");
        }
    }
}
