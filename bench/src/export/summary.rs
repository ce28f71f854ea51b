//! `summary.json`: the figures of a run under the names that scripts rely on.
//!
//! Two parts, `result` (identical for any shards, threads, processes and engine) and `host` (what
//! it cost here), then every name of both again at the top level. Keys keep this order; floats
//! print as the shortest text that reads back to them, so equal results are equal bytes.

use anthill_engine::Key;
use anthill_engine::conditions::{ConditionTotals, LateMessage};
use anthill_engine::outcome::{Ended, RunResult, Violation};
use anthill_protocol::{MetricInfo, MetricKind};
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::Record;
use super::checks;
use crate::external;

/// The file's content.
pub(crate) fn text(record: &Record<'_>) -> String {
    let result = result(record);
    let host = host(record);
    let mut summary = Map::new();
    summary.insert("result".to_owned(), Value::Object(result.clone()));
    summary.insert("host".to_owned(), Value::Object(host.clone()));
    let (verified, remembered) = (host["verified"].clone(), host["remembered"].clone());
    summary.extend(result);
    summary.extend(host);
    if let Some(Value::Object(signatures)) = summary.get_mut("signatures") {
        signatures.insert("verified".to_owned(), verified);
        signatures.insert("remembered".to_owned(), remembered);
    }
    super::pretty(&Value::Object(summary))
}

/// The part that no execution changes.
pub(crate) fn result(record: &Record<'_>) -> Map<String, Value> {
    let result = &record.outcome.result;
    let mut latencies = Map::new();
    for (name, histogram) in &result.latencies {
        latencies.insert((*name).to_owned(), latency(histogram));
    }
    let mut part = object(json!({
        "protocol": record.scenario.protocol,
        "nodes": record.scenario.nodes,
        "seed": record.scenario.seed,
        "digest": digest(result.digest),
        "virtual_s": result.virtual_ns as f64 / 1e9,
        "events": result.totals.events,
        "messages": result.totals.messages,
        "bytes_on_wire": result.totals.bytes_on_wire,
        "bytes_by_kind": by_kind(result, &result.totals.honest_bytes()),
        "w_ns": result.w_ns,
        "l_ns": result.l_ns,
        "crypto_mode": record.scenario.crypto.mode.name(),
        "signatures": {
            "made": result.signatures.made,
            "checked": result.signatures.checked,
            "failed": result.signatures.failed,
        },
        "latency_ns": latencies,
        "checks": checks::json(&result.checks),
        "metrics": metrics(result),
    }));
    let ratios = ratios(result.metrics);
    if !ratios.is_empty() {
        part.insert("ratios".to_owned(), Value::Object(ratios));
    }
    if !result.violations.is_empty() {
        part.insert("violations".to_owned(), violations(&result.violations));
    }
    if let Some(totals) = &result.conditions {
        part.insert("conditions".to_owned(), Value::Object(conditions(totals)));
    }
    part
}

/// What events have violated, each with the key of the first.
fn violations(all: &[Violation]) -> Value {
    let key = |first: &Key| {
        json!({
            "time_ns": first.time.0,
            "target": first.target.0,
            "source": first.source.0,
            "sequence": first.sequence,
        })
    };
    let one = |Violation { invariant, events, first, about, expected }: &Violation| {
        let first = first.as_ref().map(key);
        let mut json = json!({ "invariant": invariant, "events": events, "first": first });
        if let Some(about) = about {
            (json["about"], json["expected"]) = (json!(about), json!(expected));
        }
        json
    };
    Value::Array(all.iter().map(one).collect())
}

/// The digest as it is written everywhere: 16 hexadecimal digits.
pub(crate) fn digest(digest: u64) -> String {
    format!("{digest:016x}")
}

/// Counts of messages, or bytes, under the names of their kinds.
fn by_kind(result: &RunResult, counts: &[u64]) -> Map<String, Value> {
    let named = result.kinds.iter().zip(counts);
    named.map(|(kind, n)| ((*kind).to_owned(), json!(n))).collect()
}

fn metrics(result: &RunResult) -> Map<String, Value> {
    let nodes = f64::from(result.facts.nodes.max(1));
    let mut metrics = Map::new();
    for (metric, value) in result.metrics.iter().zip(&result.totals.values) {
        let shown = match metric.kind {
            MetricKind::Sum | MetricKind::Max => json!(value),
            MetricKind::PerNode | MetricKind::Per(_) => {
                json!(metric.figure(*value, &result.totals.values, nodes))
            }
            MetricKind::Latency => continue,
        };
        metrics.insert(metric.name.to_owned(), shown);
    }
    if result.kinds.len() > 1 {
        let counts = by_kind(result, &result.totals.honest_messages());
        metrics.insert("messages_by_kind".to_owned(), Value::Object(counts));
    }
    if result.facts.adversary {
        let counts = by_kind(result, &result.totals.adversary_messages_by_kind);
        metrics.insert("messages_by_adversary".to_owned(), Value::Object(counts));
    }
    let judged = result.checks.iter().filter(|check| check.not_judged.is_none()).count();
    metrics.insert("judged".to_owned(), json!(judged));
    metrics
}

/// Which metrics are ratios, and to which other metric.
fn ratios(metrics: &[MetricInfo]) -> Map<String, Value> {
    let ratio = |metric: &MetricInfo| match metric.kind {
        MetricKind::Per(other) => Some((metric.name.to_owned(), json!(metrics.get(other)?.name))),
        _ => None,
    };
    metrics.iter().filter_map(ratio).collect()
}

/// Sums of time over many nodes may pass 64 bits, beyond which JSON's readers take floats anyway.
fn conditions(totals: &ConditionTotals) -> Map<String, Value> {
    let figure = |value: u128| u64::try_from(value).map_or(json!(value as f64), |n| json!(n));
    let mut part: Map<String, Value> = totals
        .rows()
        .into_iter()
        .map(|(name, value, _)| (name.to_owned(), figure(value)))
        .collect();
    let late = |message: &LateMessage| {
        json!({
            "sent_ns": message.sent.0,
            "due_ns": message.due.0,
            "arrival_ns": message.arrival.0,
            "from": message.from.0,
            "to": message.to.0,
        })
    };
    if totals.late > 0 {
        let messages = totals.first_late.messages().iter().map(late).collect();
        part.insert("first_late".to_owned(), Value::Array(messages));
    }
    part
}

fn latency(histogram: &Histogram<u64>) -> Value {
    json!({
        "p50": histogram.value_at_quantile(0.5),
        "p90": histogram.value_at_quantile(0.9),
        "p99": histogram.value_at_quantile(0.99),
        "p999": histogram.value_at_quantile(0.999),
        "max": histogram.max(),
        "count": histogram.len(),
    })
}

/// The part that belongs to this execution on this host.
fn host(record: &Record<'_>) -> Map<String, Value> {
    let (host, cost) = (&record.outcome.host, &record.cost);
    let seconds = |ns: u64| ns as f64 / 1e9;
    let phases: Map<String, Value> = cost
        .phases_ns()
        .iter()
        .map(|(name, ns)| (format!("{name}_s"), json!(seconds(*ns))))
        .collect();
    let mut all = object(json!({
        "engine": record.engine.name(),
        "run_directory": record.directory.display().to_string(),
        "ended": ended(record.outcome.ended),
        "shards": host.shards,
        "threads": host.threads,
        "subshards": host.subshards,
        "setup_s": seconds(host.setup_ns),
        "loop_s": seconds(host.loop_ns),
        "loop_cpu_s": seconds(host.loop_cpu_ns),
        "wall_s": cost.wall_s,
        "cpu_s": cost.cpu_s,
        "peak_rss_bytes": cost.peak_rss_bytes,
        "bytes_per_node": cost.bytes_per_node,
        "state_bytes": host.state_bytes,
        "calendar_bytes": host.calendar_bytes,
        "events_per_s": cost.events_per_s,
        "ns_per_event": cost.ns_per_event,
        "windows": host.windows,
        "sparse_windows": host.sparse_windows,
        "window_events_log2": host.window_events_log2,
        "idle_share": cost.idle_share,
        "imbalance": cost.imbalance,
        "shard_events": host.shard_events,
        "phases": phases,
        "verified": host.crypto.verified,
        "remembered": host.crypto.remembered,
        "verified_singly": host.crypto.singly,
        "verdicts_evicted": host.crypto.evicted,
        "batches": host.crypto.batches,
        "bodies": {
            "made": host.bodies.made,
            "reclaimed": host.bodies.reclaimed,
            "most_bytes": host.bodies.most_bytes,
        },
    }));
    if let Some(report) = &host.external {
        all.insert("external".to_owned(), external::json(report));
    }
    if let Some(processes) = host.processes {
        // Times are of all processes, which wait at once.
        let each = |ns: u64| seconds(ns) / f64::from(processes.processes.max(1));
        let sent = json!({
            "processes": processes.processes,
            "votes": processes.votes,
            "exchanges": processes.exchanges,
            "messages": processes.messages,
            "bytes": processes.bytes,
            "events": processes.events,
            "bodies": processes.bodies,
            "vote_s": each(processes.vote_ns),
            "exchange_s": each(processes.exchange_ns),
            "wait_s": each(processes.wait_ns),
        });
        all.insert("processes".to_owned(), sent);
    }
    all
}

fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Finished => "finished",
        Ended::Violated => "violation",
        Ended::Interrupted => "interrupted",
        Ended::MemoryLimit => "memory-limit",
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::args::EngineChoice;
    use crate::cost::Cost;
    use crate::fabricated;
    use crate::setting::Setting;

    #[test]
    fn the_result_has_exactly_these_names_and_values() {
        let (scenario, outcome) = (fabricated::scenario(), fabricated::outcome());
        let record = fabricated::record(&scenario, &outcome);
        let expected = concat!(
            r#"{"protocol":"phold","nodes":1000,"seed":7,"digest":"00000000deadbeef","#,
            r#""virtual_s":2.0,"events":20000,"messages":10000,"bytes_on_wire":1000000,"#,
            r#""bytes_by_kind":{"push":990000,"pull":10000},"#,
            r#""w_ns":131072,"l_ns":250000,"crypto_mode":"real","signatures":{"made":5,"checked":9,"failed":1},"#,
            r#""latency_ns":{"hop":{"p50":50003967,"p90":90046463,"p99":99024895,"#,
            r#""p999":100007935,"max":100007935,"count":100}},"#,
            r#""checks":[{"name":"sends","bound":"always","ok":true,"#,
            r#""expected_violation":false,"measured":10000.0,"expected":10000.0,"#,
            r#""interval":[10000.0,10000.0]}],"#,
            r#""metrics":{"coverage":0.999,"sends":10000,"depth":7,"#,
            r#""messages_by_kind":{"push":9000,"pull":1000},"judged":1}}"#
        );
        assert_eq!(Value::Object(result(&record)).to_string(), expected);
    }

    #[test]
    fn ratios_are_named_with_what_they_are_ratios_to() {
        let (scenario, mut outcome) = (fabricated::scenario(), fabricated::outcome());
        assert!(!result(&fabricated::record(&scenario, &outcome)).contains_key("ratios"));
        let mut metrics = outcome.result.metrics.to_vec();
        let hops = MetricKind::Per(metrics.iter().position(|m| m.name == "sends").expect("sends"));
        metrics[0] = MetricInfo::new("hops", hops, "of a lookup");
        outcome.result.metrics = metrics.leak();
        let result = result(&fabricated::record(&scenario, &outcome));
        assert_eq!(result["ratios"], json!({ "hops": "sends" }));
        assert_eq!(result["metrics"]["hops"], json!(0.0999));
    }

    #[test]
    fn conditions_are_there_if_the_scenario_has_some() {
        let (scenario, mut outcome) = (fabricated::scenario(), fabricated::outcome());
        let before = result(&fabricated::record(&scenario, &outcome));
        assert!(!before.contains_key("conditions"));
        let down_ns = u128::from(u64::MAX) + 1;
        outcome.result.conditions =
            Some(ConditionTotals { lost: 7, down_ns, ..ConditionTotals::default() });
        let after = result(&fabricated::record(&scenario, &outcome));
        assert!(after.iter().zip(&before).all(|(a, b)| a == b));
        let conditions = &after["conditions"];
        assert_eq!(conditions["lost"].as_u64(), Some(7));
        assert_eq!(conditions["cut"].as_u64(), Some(0));
        assert_eq!(conditions["down_ns"].as_f64(), Some(18_446_744_073_709_551_616.0));
        let names = ConditionTotals::default().rows().len();
        assert_eq!(conditions.as_object().map(Map::len), Some(names));
    }

    #[test]
    fn what_it_cost_does_not_reach_the_result() {
        let (scenario, outcome) = (fabricated::scenario(), fabricated::outcome());
        let mut elsewhere = outcome.clone();
        elsewhere.host = Default::default();
        let there = Record {
            scenario: &scenario,
            setting: &Setting::default(),
            engine: EngineChoice::Sequential,
            outcome: &elsewhere,
            cost: Cost::default(),
            directory: Path::new("elsewhere"),
        };
        assert_eq!(result(&fabricated::record(&scenario, &outcome)), result(&there));
    }

    #[test]
    fn every_name_is_also_at_the_top_level() {
        let (scenario, outcome) = (fabricated::scenario(), fabricated::outcome());
        let text = text(&fabricated::record(&scenario, &outcome));
        let summary: Value = serde_json::from_str(&text).expect("JSON");
        for part in ["result", "host"] {
            for (name, value) in summary[part].as_object().expect("an object") {
                if name != "signatures" {
                    assert_eq!(&summary[name], value, "{name}");
                }
            }
        }
        let host = "shards threads setup_s loop_s loop_cpu_s wall_s cpu_s peak_rss_bytes \
                    bytes_per_node events_per_s ns_per_event windows idle_share imbalance phases \
                    verified remembered verified_singly";
        for name in host.split_whitespace() {
            assert!(!summary["host"][name].is_null(), "{name}");
        }
        assert_eq!(summary["signatures"]["remembered"], 2);
        assert_eq!(summary["ns_per_event"], 100.0);
        assert_eq!(summary["phases"]["idle_s"], 0.0005);
    }
}
