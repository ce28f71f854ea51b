//! `history.jsonl` and `history.edn`: what nodes said, and the operations of clients.

use std::fmt::Write as _;

use anthill_engine::{History, HistoryEntry};
use serde_json::{Map, Value, json};

use crate::run_directory::RunDirectory;
use crate::terminal;

/// The most outputs that are kept: about 40 MB of text.
pub(crate) const MOST: usize = 200_000;

/// Saves a history.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn save(history: &History, run: &mut RunDirectory) -> anyhow::Result<()> {
    run.write("history.jsonl", lines(&history.entries).as_bytes())?;
    let operations = edn(&history.entries);
    if !operations.is_empty() {
        run.write("history.edn", operations.as_bytes())?;
    }
    if history.missed > 0 {
        let note = format!(
            "history.jsonl has the first {} outputs of the run, and not the {} after them",
            history.entries.len(),
            history.missed
        );
        terminal::complain("note", &note);
    }
    Ok(())
}

/// An object a line: instant, node, kind of output, and its fields.
fn lines(entries: &[HistoryEntry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let mut line = Map::new();
        line.insert("time_ns".to_owned(), json!(entry.at.time.0));
        line.insert("node".to_owned(), json!(entry.node.0));
        line.insert("output".to_owned(), json!(entry.kind));
        for (name, field) in &entry.fields {
            line.insert((*name).to_owned(), value(field));
        }
        let _ = writeln!(text, "{}", Value::Object(line));
    }
    text
}

/// What `Debug` wrote as JSON: numbers, flags and options of such as themselves, a newtype as what
/// it holds, everything else as text.
fn value(debug: &str) -> Value {
    if debug == "None" {
        return Value::Null;
    }
    let inside = debug.split_once('(').and_then(|(name, rest)| {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric());
        rest.strip_suffix(')').filter(|_| plain && !name.is_empty())
    });
    let content = inside.unwrap_or(debug);
    match (content.parse::<u64>(), content.parse::<bool>()) {
        (Ok(number), _) => json!(number),
        (_, Ok(flag)) => json!(flag),
        _ => json!(debug),
    }
}

/// A map a line, as Jepsen's checkers read histories.
fn edn(entries: &[HistoryEntry]) -> String {
    let mut text = String::new();
    let operations = entries.iter().filter_map(|entry| Some((entry.at.time.0, entry.operation?)));
    for (index, (time, operation)) in operations.enumerate() {
        let value = operation.value.map_or_else(|| "nil".to_owned(), |value| value.to_string());
        let _ = writeln!(
            text,
            "{{:index {index}, :time {time}, :process {}, :type :{}, :f :{}, :value {value}}}",
            operation.process,
            operation.step.name(),
            operation.function,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use anthill_protocol::history::{Operation, Step};
    use anthill_protocol::{Key, NodeId, Time};

    use super::*;

    #[test]
    fn values_are_what_debug_means() {
        for (debug, expected) in [
            ("17", json!(17)),
            ("true", json!(true)),
            ("None", Value::Null),
            ("Some(5)", json!(5)),
            ("NodeId(3)", json!(3)),
            ("Pair(1, 2)", json!("Pair(1, 2)")),
            ("Entry { term: 1 }", json!("Entry { term: 1 }")),
        ] {
            assert_eq!(value(debug), expected, "{debug}");
        }
    }

    #[test]
    fn histories_are_lines() {
        let key = |time| {
            let node = NodeId(4);
            Key { time: Time(time), target: node, tie: 0, source: node, sequence: 0 }
        };
        let operation = |step, value| Operation { process: 9, step, function: "append", value };
        let entry = |time, step, value| HistoryEntry {
            at: key(time),
            node: NodeId(4),
            kind: "accepted",
            fields: vec![("number", "7".to_owned())],
            operation: Some(operation(step, value)),
        };
        let entries = [entry(1, Step::Invoke, Some(7)), entry(3, Step::Ok, None)];
        assert_eq!(
            lines(&entries[..1]),
            "{\"time_ns\":1,\"node\":4,\"output\":\"accepted\",\"number\":7}\n"
        );
        assert_eq!(
            edn(&entries),
            "{:index 0, :time 1, :process 9, :type :invoke, :f :append, :value 7}\n\
             {:index 1, :time 3, :process 9, :type :ok, :f :append, :value nil}\n"
        );
    }
}
