//! `trace.jsonl`: one JSON object a line, every line with the same keys. The schema stands in
//! `docs/traces.md`.

use anthill_engine::trace::{Fate, TraceRecord, What};
use serde_json::json;

use super::kind;

/// The most the file may take, in bytes; leaves room for the rest of a run directory.
pub(crate) const MAX_BYTES: usize = 20_000_000;

/// The file's content, and how many records it holds: the first ones.
pub(crate) fn text(records: &[TraceRecord], kinds: &[&'static str]) -> (String, usize) {
    let mut text = String::new();
    for (count, record) in records.iter().enumerate() {
        let line = line(record, kinds);
        if text.len() + line.len() >= MAX_BYTES {
            return (text, count);
        }
        text.push_str(&line);
        text.push('\n');
    }
    (text, records.len())
}

fn line(record: &TraceRecord, kinds: &[&'static str]) -> String {
    let (fate, start) = match record.fate {
        Fate::Handled(start) => ("handled", Some(start.0)),
        Fate::Dropped => ("dropped", None),
        Fate::Lost => ("lost", None),
        Fate::Pending => ("pending", None),
    };
    let timer = match &record.what {
        What::Timer(timer) => Some(timer),
        What::Message(_) | What::Restart => None,
    };
    json!({
        "id": record.name().to_string(),
        "at_ns": (record.fate != Fate::Lost).then_some(record.key.time.0),
        "from": record.key.source.0,
        "to": record.key.target.0,
        "kind": kind(&record.what, kinds),
        "bytes": record.bytes,
        "sent_ns": record.sent.0,
        "latency_ns": record.latency().map(|latency| latency.0),
        "start_ns": start,
        "cause": record.cause.map(|cause| cause.to_string()),
        "fate": fate,
        "timer": timer,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::chain::tests::record;

    #[test]
    fn a_line_has_every_key() {
        let mut lost = record(2_500, (3, 17), 1_000, None);
        let message = record(9_000, (17, 4), 2_600, Some(&lost));
        let (found, saved) = text(std::slice::from_ref(&message), &["push"]);
        assert_eq!(
            found,
            "{\"id\":\"9000-17-7\",\"at_ns\":9000,\"from\":17,\"to\":4,\"kind\":\"push\",\
             \"bytes\":5,\"sent_ns\":2600,\"latency_ns\":6400,\"start_ns\":9000,\
             \"cause\":\"2500-3-7\",\"fate\":\"handled\",\"timer\":null}\n"
        );
        assert_eq!(saved, 1);
        lost.fate = Fate::Lost;
        let (found, _) = text(&[lost], &["push"]);
        assert!(found.contains("\"at_ns\":null") && found.contains("\"fate\":\"lost\""), "{found}");
    }

    #[test]
    fn a_full_file_ends_with_a_whole_line() {
        let many = vec![record(9_000, (17, 4), 2_600, None); 200_000];
        let (found, saved) = text(&many, &["push"]);
        assert!(found.len() <= MAX_BYTES && found.len() > MAX_BYTES - 1_000);
        assert!(found.ends_with("}\n") && found.lines().count() == saved && saved < many.len());
    }
}
