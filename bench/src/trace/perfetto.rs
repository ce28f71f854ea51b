//! `trace.perfetto.json`: the first messages of a trace in Chrome's trace format, for
//! ui.perfetto.dev and chrome://tracing. Nodes are tracks; a message is a slice where it leaves, a
//! slice where it is handled, and an arrow between them.

use std::collections::BTreeSet;

use anthill_engine::trace::{Fate, TraceRecord, What};
use serde_json::{Value, json};

use super::kind;

/// The most records that are drawn: more is slow to look at.
pub(crate) const MOST_RECORDS: usize = 5_000;
/// How long a slice is drawn, in ns: a handler takes no virtual time unless CPU is modelled.
const SLICE_NS: u64 = 1_000;

/// The file's content.
pub(crate) fn text(records: &[TraceRecord], kinds: &[&'static str]) -> String {
    let drawn = &records[..records.len().min(MOST_RECORDS)];
    let mut events = vec![json!({
        "ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": { "name": "nodes" },
    })];
    let nodes: BTreeSet<u32> =
        drawn.iter().flat_map(|record| [record.key.source.0, record.key.target.0]).collect();
    for node in nodes {
        let args = json!({ "name": format!("node {node}") });
        events.push(json!({
            "ph": "M", "name": "thread_name", "pid": 1, "tid": node, "args": args,
        }));
        let args = json!({ "sort_index": node });
        events.push(json!({
            "ph": "M", "name": "thread_sort_index", "pid": 1, "tid": node, "args": args,
        }));
    }
    for (record, flow) in drawn.iter().zip(1u64..) {
        draw(&mut events, record, kinds, flow);
    }
    // Unlike `pretty`, a line an event: the format is for tools, and files are half the size.
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    format!("{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{}\n]}}\n", lines.join(",\n"))
}

fn draw(events: &mut Vec<Value>, record: &TraceRecord, kinds: &[&'static str], flow: u64) {
    let (from, to) = (record.key.source.0, record.key.target.0);
    let kind = kind(&record.what, kinds);
    let args = json!({
        "id": record.name().to_string(),
        "from": from,
        "to": to,
        "bytes": record.bytes,
        "latency_ns": record.latency().map(|latency| latency.0),
    });
    let slice = |name: &str, node: u32, ns: u64| {
        json!({
            "ph": "X", "name": name, "cat": kind, "pid": 1, "tid": node,
            "ts": micros(ns), "dur": micros(SLICE_NS), "args": args,
        })
    };
    let arrow = |phase: &str, node: u32, ns: u64| {
        let mut arrow = json!({
            "ph": phase, "name": kind, "cat": "message", "id": flow, "pid": 1, "tid": node,
            "ts": micros(ns),
        });
        if phase == "f" {
            // It ends at the slice that begins there, not at the next one.
            arrow["bp"] = json!("e");
        }
        arrow
    };
    let is_message = matches!(record.what, What::Message(_)) && from != to;
    let handled = match record.fate {
        Fate::Handled(start) => Some(start.0),
        Fate::Dropped | Fate::Lost | Fate::Pending => None,
    };
    if is_message {
        let name = match record.fate {
            Fate::Handled(_) => format!("send {kind}"),
            Fate::Dropped | Fate::Lost => format!("send {kind} (lost)"),
            Fate::Pending => format!("send {kind} (under way at the end)"),
        };
        events.push(slice(&name, from, record.sent.0));
    }
    if let Some(start) = handled {
        events.push(slice(kind, to, start));
        if is_message {
            events.push(arrow("s", from, record.sent.0));
            events.push(arrow("f", to, start));
        }
    }
}

/// Microseconds, the format's unit, exact to the nanosecond up to three months.
fn micros(ns: u64) -> f64 {
    ns as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::chain::tests::record;

    /// What the format demands: every event its phase's fields, every arrow two ends, each of which
    /// lies at the beginning of a slice on its track.
    #[test]
    fn arrows_join_slices() {
        let first = record(2_500, (3, 17), 1_000, None);
        let mut lost = record(9_000, (17, 4), 2_600, Some(&first));
        lost.fate = Fate::Lost;
        let own = record(9_500, (4, 4), 2_600, None);
        let file: Value =
            serde_json::from_str(&text(&[first, lost, own], &["push"])).expect("JSON");
        let events = file["traceEvents"].as_array().expect("an array");
        let of = |phase: &str| -> Vec<&Value> {
            events.iter().filter(|event| event["ph"] == phase).collect()
        };
        for event in events {
            assert!(event["pid"] == 1 && event["tid"].is_u64() && event["name"].is_string());
        }
        let slices = of("X");
        assert_eq!(slices.len(), 4, "sent and handled, lost, its own");
        assert!(slices.iter().all(|slice| slice["ts"].is_number() && slice["dur"] == 1.0));
        let (starts, ends) = (of("s"), of("f"));
        assert_eq!((starts.len(), ends.len()), (1, 1));
        for (start, end) in starts.iter().zip(&ends) {
            assert_eq!((&start["id"], &end["bp"]), (&end["id"], &json!("e")));
            for arrow in [start, end] {
                let holds =
                    |slice: &&&Value| slice["tid"] == arrow["tid"] && slice["ts"] == arrow["ts"];
                assert_eq!(slices.iter().filter(holds).count(), 1, "{arrow}");
            }
        }
        let named: Vec<_> =
            of("M").iter().filter_map(|event| event["args"]["name"].as_str()).collect();
        assert_eq!(named, ["nodes", "node 3", "node 4", "node 17"]);
        assert_eq!(of("X")[0]["ts"], 1.0);
    }
}
