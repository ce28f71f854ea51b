//! `/metrics`: the same counters in Prometheus' text format.

use std::fmt::{Display, Write as _};

use anthill_protocol::MetricKind;

use super::sample::{QUANTILES, Sample, Subject};

/// The page.
pub(super) fn text(subject: &Subject, sample: &Sample) -> String {
    let mut text = Text(String::new());
    let (glimpse, totals) = (&sample.glimpse, &sample.glimpse.totals);
    text.family("anthill_info", "gauge", "What runs.");
    let seed = subject.seed.to_string();
    let labels = [
        ("name", subject.name.as_str()),
        ("protocol", &subject.protocol),
        ("seed", &seed),
        ("program", crate::build::name()),
        ("version", crate::build::version()),
    ];
    text.sample("anthill_info", &labels, 1);
    let seconds = |ns: u64| ns as f64 / 1e9;
    text.one("anthill_nodes", "gauge", "Nodes.", subject.nodes);
    let reached = seconds(glimpse.virtual_ns);
    text.one("anthill_virtual_seconds", "gauge", "Virtual time reached.", reached);
    let until = seconds(subject.until_ns);
    text.one("anthill_until_seconds", "gauge", "Virtual time at which the run ends.", until);
    text.one("anthill_events_total", "counter", "Events handled.", totals.events);
    text.one("anthill_messages_total", "counter", "Messages sent.", totals.messages);
    text.one("anthill_wire_bytes_total", "counter", "Bytes sent.", totals.bytes_on_wire);
    let peak = sample.peak_rss_bytes;
    text.one("anthill_peak_resident_bytes", "gauge", "Greatest resident memory.", peak);

    text.family("anthill_shard_events_total", "counter", "Events handled by each shard.");
    for (shard, events) in glimpse.shard_events.iter().enumerate() {
        text.sample("anthill_shard_events_total", &[("shard", &shard.to_string())], events);
    }
    text.family("anthill_kind_messages_total", "counter", "Messages sent, by kind.");
    for (kind, messages) in glimpse.kinds.iter().zip(&totals.messages_by_kind) {
        text.sample("anthill_kind_messages_total", &[("kind", kind)], messages);
    }
    text.family("anthill_metric", "gauge", "The protocol's metrics, summed over nodes, or maxima.");
    for (metric, value) in glimpse.metrics.iter().zip(&totals.values) {
        if metric.kind != MetricKind::Latency {
            text.sample("anthill_metric", &[("metric", metric.name)], value);
        }
    }
    text.family("anthill_latency_seconds", "summary", "Latencies, in virtual time.");
    for (name, latency) in &sample.latencies {
        for (quantile, ns) in QUANTILES.iter().zip(latency.at_ns) {
            let value = if latency.count == 0 { f64::NAN } else { seconds(ns) };
            let labels = [("metric", *name), ("quantile", &quantile.to_string())];
            text.sample("anthill_latency_seconds", &labels, value);
        }
        let sum = latency.sum_ns / 1e9;
        text.sample("anthill_latency_seconds_sum", &[("metric", name)], sum);
        text.sample("anthill_latency_seconds_count", &[("metric", name)], latency.count);
    }
    text.0
}

struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, about: &str) {
        let _ = writeln!(self.0, "# HELP {name} {about}\n# TYPE {name} {kind}");
    }

    fn one(&mut self, name: &str, kind: &str, about: &str, value: impl Display) {
        self.family(name, kind, about);
        self.sample(name, &[], value);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let safe = |v: &str| v.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", safe(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dashboard asks for nothing that is not served: every family is declared above.
    #[test]
    fn the_dashboard_shows_what_is_served() {
        let dashboard = include_str!("../../../docs/grafana.json");
        let served = include_str!("prometheus.rs").split("mod tests").next().expect("some");
        let words = dashboard.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let asked: Vec<&str> = words.filter(|word| word.starts_with("anthill_")).collect();
        assert!(asked.len() > 8, "{asked:?}");
        for family in asked {
            assert!(served.contains(&format!("\"{family}\", \"")), "{family} is not served");
        }
    }

    #[test]
    fn labels_cannot_break_a_line() {
        let mut text = Text(String::new());
        text.sample("a", &[("name", "x\"} 1\ny\\")], 2.5);
        assert_eq!(text.0, "a{name=\"x\\\"} 1\\ny\\\\\"} 2.5\n");
    }
}
