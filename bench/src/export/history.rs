//! `history.jsonl` and `history.edn`: what nodes said, and the operations of clients.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anthill_engine::{History, HistoryEntry};
use anthill_protocol::history::{Operation, Step, Value as Datum};
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
    for (key, operations) in registers(&history.entries) {
        run.write(&format!("register-{key}.edn"), operations.as_bytes())?;
    }
    if let Some(transactions) = transactions(&history.entries) {
        run.write("elle.edn", transactions.as_bytes())?;
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
pub(crate) fn value(debug: &str) -> Value {
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
    for (index, (time, step)) in steps(entries).enumerate() {
        line(&mut text, index, time, &step, step.function, &step.value.to_string());
    }
    text
}

/// The most keys with a file each.
const MOST_KEYS: usize = 100;

/// The steps of operations, with their instants, each by a process of its own.
fn steps(entries: &[HistoryEntry]) -> impl Iterator<Item = (u64, Operation)> {
    let operations =
        || entries.iter().filter_map(|entry| Some((entry.at.time.0, entry.operation?)));
    let clients = operations().map(|(_, step)| step.process + 1).max().unwrap_or(0);
    let mut processes = Processes { clients, open: BTreeMap::new() };
    operations().map(move |(time, mut step)| {
        step.process = processes.of(&step);
        (time, step)
    })
}

/// Gives operations to processes. A process of a history does one thing at a time, and none after one of which nobody
/// knows how it ended. A client that has k things open is k processes: its own number, and that with multiples of the
/// number of clients added.
struct Processes {
    clients: u64,
    /// By client, what each of its processes is at.
    open: BTreeMap<u64, Vec<Doing>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Doing {
    Nothing,
    One(Operation),
    /// Nobody knows.
    Lost,
}

impl Processes {
    fn of(&mut self, step: &Operation) -> u64 {
        let slots = self.open.entry(step.process).or_default();
        let place = match step.step {
            Step::Invoke => {
                let free = slots.iter().position(|doing| *doing == Doing::Nothing);
                free.unwrap_or_else(|| {
                    slots.push(Doing::Nothing);
                    slots.len() - 1
                })
            }
            // What never began ends nothing.
            _ => match ended(slots, step) {
                Some(place) => place,
                None => return step.process,
            },
        };
        slots[place] = match step.step {
            Step::Invoke => Doing::One(*step),
            Step::Ok | Step::Fail => Doing::Nothing,
            Step::Info => Doing::Lost,
        };
        step.process + self.clients * place as u64
    }
}

/// Which of a client's operations a step ends: the one of its value, or else the first of its key. What was read is not
/// known when it is asked.
fn ended(slots: &[Doing], step: &Operation) -> Option<usize> {
    let find = |fits: &dyn Fn(&Operation) -> bool| {
        slots.iter().position(|doing| matches!(doing, Doing::One(one) if fits(one)))
    };
    let same = |one: &Operation| one.function == step.function;
    find(&|one| same(one) && one.value == step.value)
        .or_else(|| find(&|one| same(one) && one.value.key() == step.value.key()))
}

fn line(text: &mut String, index: usize, time: u64, step: &Operation, function: &str, value: &str) {
    let (process, kind) = (step.process, step.step.name());
    let _ = writeln!(
        text,
        "{{:index {index}, :time {time}, :process {process}, :type :{kind}, :f :{function}, :value {value}}}"
    );
}

/// The history of each key of a store by itself, as Knossos checks it against a `cas-register`.
fn registers(entries: &[HistoryEntry]) -> BTreeMap<i64, String> {
    let mut all = BTreeMap::<i64, (usize, String)>::new();
    for (time, step) in steps(entries) {
        let Some(key) = step.value.key() else { continue };
        if all.len() >= MOST_KEYS && !all.contains_key(&key) {
            continue;
        }
        let value = match step.value {
            Datum::Keyed(_, Some(value)) => value.to_string(),
            Datum::Swapped(_, from, to) => format!("[{from} {to}]"),
            _ => "nil".to_owned(),
        };
        let (count, text) = all.entry(key).or_default();
        line(text, *count, time, &step, step.function, &value);
        *count += 1;
    }
    all.into_iter().map(|(key, (_, text))| (key, text)).collect()
}

/// The history as transactions of one read or write each, as Elle checks it as `rw-register`; `None`: there are
/// operations that are neither.
fn transactions(entries: &[HistoryEntry]) -> Option<String> {
    let mut text = String::new();
    for (index, (time, step)) in steps(entries).enumerate() {
        let Datum::Keyed(key, value) = step.value else { return None };
        let of = match step.function {
            "read" => "r",
            "write" => "w",
            _ => return None,
        };
        let value = value.map_or_else(|| "nil".to_owned(), |value| value.to_string());
        line(&mut text, index, time, &step, "txn", &format!("[[:{of} {key} {value}]]"));
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
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
        let entries = [entry(1, Step::Invoke, Datum::Number(7)), entry(3, Step::Ok, Datum::Nil)];
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

    #[test]
    fn a_client_with_several_open_operations_is_several_processes() {
        let entry = |process, step, value| HistoryEntry {
            at: Key { time: Time(1), target: NodeId(4), tie: 0, source: NodeId(4), sequence: 0 },
            node: NodeId(4),
            kind: "said",
            fields: Vec::new(),
            operation: Some(Operation {
                process,
                step,
                function: "append",
                value: Datum::Number(value),
            }),
        };
        let of = |entries: &[HistoryEntry]| -> Vec<u64> {
            steps(entries).map(|(_, step)| step.process).collect()
        };
        let one_by_one = [
            entry(2, Step::Invoke, 1),
            entry(2, Step::Ok, 1),
            entry(2, Step::Invoke, 2),
            entry(2, Step::Ok, 2),
        ];
        assert_eq!(of(&one_by_one), [2, 2, 2, 2]);
        let side_by_side = [
            entry(2, Step::Invoke, 1),
            entry(2, Step::Invoke, 2),
            entry(0, Step::Invoke, 1),
            entry(2, Step::Invoke, 3),
            entry(2, Step::Ok, 2),
            entry(2, Step::Invoke, 4),
            entry(2, Step::Info, 1),
            entry(2, Step::Ok, 3),
            entry(2, Step::Invoke, 5),
            entry(0, Step::Ok, 1),
            entry(2, Step::Ok, 4),
        ];
        // Three clients' numbers; that of which nobody knows is never used again.
        assert_eq!(of(&side_by_side), [2, 5, 0, 8, 5, 5, 2, 8, 8, 0, 5]);
    }

    #[test]
    fn a_store_has_a_history_for_each_key() {
        let entry = |time, step, function, value| HistoryEntry {
            at: Key { time: Time(time), target: NodeId(4), tie: 0, source: NodeId(4), sequence: 0 },
            node: NodeId(4),
            kind: "said",
            fields: Vec::new(),
            operation: Some(Operation { process: 2, step, function, value }),
        };
        let mut entries = vec![
            entry(1, Step::Invoke, "write", Datum::Keyed(7, Some(3))),
            entry(2, Step::Ok, "read", Datum::Keyed(8, None)),
            entry(3, Step::Ok, "write", Datum::Keyed(7, Some(3))),
        ];
        let elle = transactions(&entries).expect("reads and writes");
        let first = "{:index 0, :time 1, :process 2, :type :invoke, :f :txn, :value [[:w 7 3]]}\n";
        assert!(elle.starts_with(first), "{elle}");
        entries.push(entry(4, Step::Fail, "cas", Datum::Swapped(7, 1, 2)));
        assert_eq!(transactions(&entries), None);
        assert_eq!(
            registers(&entries)[&7],
            "{:index 0, :time 1, :process 2, :type :invoke, :f :write, :value 3}\n\
             {:index 1, :time 3, :process 2, :type :ok, :f :write, :value 3}\n\
             {:index 2, :time 4, :process 2, :type :fail, :f :cas, :value [1 2]}\n"
        );
        assert!(edn(&entries).contains(":f :cas, :value [7 [1 2]]"));
    }
}
