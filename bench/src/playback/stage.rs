//! What the page knows of one run, as columns and a header.
//!
//! Messages are in the order of sending and refer to nodes by their place among those that are drawn: all of
//! a small network, of a large one those that a message of the trace joins. Whatever is left out is counted,
//! and the header says so in words.

use std::collections::BTreeMap;
use std::io;

use anthill_engine::History;
use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::Scenario;
use anthill_engine::trace::{Cause, Fate, TraceRecord, What};
use anthill_protocol::{Cell, Column, NodeId, Time};
use serde_json::{Map, Value, json};

use super::pack::Columns;
use crate::engines::Prepared;
use crate::export::{history, summary};
use crate::map::{self, Layout};
use crate::setting::Setting;
use crate::units;

/// Nodes up to which all are drawn.
pub(crate) const MOST_OF_ALL: u32 = 20_000;
/// Nodes that are drawn at most, of a large network.
const MOST_NODES: usize = 200_000;
/// Outputs that are played at most.
pub(crate) const MOST_OUTPUTS: usize = 200_000;
/// Different contents of outputs, and the length to which one is cut.
const MOST_VALUES: (usize, usize) = (20_000, 120);
/// Downtimes of a node.
const MOST_DOWNTIMES: usize = 64;
/// Steps of the curve of all messages.
const STEPS: u64 = 240;
/// Faults that are listed.
const MOST_FAULTS: usize = 500;
/// In place of a node, message or text that there is not.
const NONE: u32 = u32::MAX;

/// Outputs that say that a node came to its end: what it decided stands.
const DECISIVE: [&str; 11] = [
    "decided",
    "committed",
    "executed",
    "final",
    "confirmed",
    "applied",
    "concluded",
    "extracted",
    "accepted",
    "found",
    "done",
];

/// A run that was repeated to be played.
#[derive(Debug)]
pub(crate) struct Played<'a> {
    /// What it is called on the page.
    pub label: String,
    pub scenario: &'a Scenario,
    pub prepared: &'a Prepared,
    pub outcome: &'a Outcome,
    /// Kinds of messages.
    pub kinds: &'a [&'static str],
    /// Kinds of outputs.
    pub outputs: &'a [&'static str],
    pub history: Option<&'a History>,
    /// Nodes that an adversary holds.
    pub held: &'a [NodeId],
    /// What the cells of a row are.
    pub columns: &'a [Column],
    /// The rows of all nodes at the end; none of a large network.
    pub rows: &'a [Vec<Cell>],
    /// What was asked for.
    pub range: (Time, Time),
}

/// The run, packed.
///
/// # Errors
/// Never on memory; the compressor's type has one.
pub(super) fn pack(played: &Played<'_>) -> io::Result<String> {
    let mut left_out = LeftOut::default();
    let (drawn, messages) = choose(played, &mut left_out);
    let layout = map::of(played.prepared.network(), &drawn);
    let mut columns = Columns::default();
    nodes(&mut columns, played, &drawn, &layout);
    message_columns(&mut columns, &drawn, &messages);
    let values = outputs(&mut columns, played, &drawn, &mut left_out);
    downtimes(&mut columns, played, &drawn);
    columns.words("edge_from", layout.edges.iter().map(|edge| edge.0));
    columns.words("edge_to", layout.edges.iter().map(|edge| edge.1));
    let mut header = header(played, &layout);
    header.insert("values".to_owned(), json!(values));
    header.insert(
        "left_out".to_owned(),
        json!(left_out.sentences(played, drawn.len(), messages.len())),
    );
    columns.pack(header)
}

/// What is not on the page.
#[derive(Debug, Default)]
struct LeftOut {
    messages: u64,
    outputs: u64,
    values: u64,
}

impl LeftOut {
    fn sentences(&self, played: &Played<'_>, drawn: usize, messages: usize) -> Vec<String> {
        let mut all = Vec::new();
        let matched = played.outcome.trace.as_ref().map_or(0, |trace| trace.matched);
        let nodes = played.scenario.population();
        if (messages as u64) < matched {
            all.push(format!(
                "{} of {} messages are played, an even sample; a node counts as reached by the first of them \
                 that it handled",
                units::count(messages as u64),
                units::count(matched)
            ));
        }
        if self.messages > 0 {
            all.push(format!(
                "{} messages of the sample are not, because they join more nodes than are drawn",
                units::count(self.messages)
            ));
        }
        if drawn < nodes as usize {
            all.push(format!(
                "{} of {} nodes are drawn: those that send or receive one of these messages",
                units::count(drawn as u64),
                units::count(nodes.into())
            ));
        }
        if self.outputs > 0 {
            all.push(format!("{} outputs of nodes are left out", units::count(self.outputs)));
        }
        if self.values > 0 {
            all.push(format!("what {} outputs hold is left out", units::count(self.values)));
        }
        all
    }
}

/// The nodes that are drawn, in the order of ids, and the messages, in that of sending.
fn choose<'a>(
    played: &'a Played<'_>,
    left_out: &mut LeftOut,
) -> (Vec<NodeId>, Vec<&'a TraceRecord>) {
    let population = played.scenario.population();
    let records = played.outcome.trace.iter().flat_map(|trace| &trace.records);
    let mut messages: Vec<&TraceRecord> =
        records.filter(|record| matches!(record.what, What::Message(_))).collect();
    messages.sort_by_key(|record| record.sent);
    if population <= MOST_OF_ALL {
        return ((0..population).map(NodeId).collect(), messages);
    }
    let mut drawn = std::collections::BTreeSet::new();
    messages.retain(|record| {
        let ends = [record.key.source, record.key.target];
        if drawn.len() + 2 > MOST_NODES && ends.iter().any(|end| !drawn.contains(end)) {
            left_out.messages += 1;
            return false;
        }
        drawn.extend(ends);
        true
    });
    (drawn.into_iter().collect(), messages)
}

fn nodes(columns: &mut Columns, played: &Played<'_>, drawn: &[NodeId], layout: &Layout) {
    columns.words("node_id", drawn.iter().map(|id| id.0));
    columns.shorts("node_x", map::positions(layout).map(|at| at.0));
    columns.shorts("node_y", map::positions(layout).map(|at| at.1));
    columns.shorts("node_region", layout.region_of.iter().copied());
    let held = |id: &NodeId| u8::from(played.held.binary_search(id).is_ok());
    columns.bytes("node_held", drawn.iter().map(held));
}

fn place(drawn: &[NodeId], id: NodeId) -> u32 {
    drawn.binary_search(&id).map_or(NONE, |place| place as u32)
}

fn message_columns(columns: &mut Columns, drawn: &[NodeId], messages: &[&TraceRecord]) {
    let way = |record: &TraceRecord| record.latency().map_or(0, |latency| latency.0);
    let wait = |record: &TraceRecord| match record.fate {
        Fate::Handled(start) => start.since(record.key.time).0,
        Fate::Dropped | Fate::Lost | Fate::Pending => 0,
    };
    let kind = |record: &TraceRecord| match record.what {
        What::Message(kind) => kind,
        What::Timer(_) | What::Restart => u16::MAX,
    };
    let fate = |record: &TraceRecord| match record.fate {
        Fate::Handled(_) => 0,
        Fate::Dropped => 1,
        Fate::Lost => 2,
        Fate::Pending => 3,
    };
    let mut names: Vec<(Cause, u32)> =
        messages.iter().zip(0..).map(|(record, at)| (record.name(), at)).collect();
    names.sort_unstable();
    let cause = |record: &&TraceRecord| {
        let name = record.cause?;
        let at = names.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        Some(names[at].1)
    };
    let all = || messages.iter();
    columns.longs("sent", all().map(|record| record.sent.0));
    columns.longs("way", all().map(|record| way(record)));
    columns.longs("wait", all().map(|record| wait(record)));
    columns.words("from", all().map(|record| place(drawn, record.key.source)));
    columns.words("to", all().map(|record| place(drawn, record.key.target)));
    columns.shorts("kind", all().map(|record| kind(record)));
    columns.bytes("fate", all().map(|record| fate(record)));
    columns.words("bytes", all().map(|record| record.bytes));
    columns.words("sequence", all().map(|record| record.key.sequence));
    columns.words("cause", all().map(|record| cause(record).unwrap_or(NONE)));
}

/// Adds what nodes said; returns the different contents.
fn outputs(
    columns: &mut Columns,
    played: &Played<'_>,
    drawn: &[NodeId],
    left_out: &mut LeftOut,
) -> Vec<String> {
    let (mut times, mut nodes, mut kinds, mut contents) = (vec![], vec![], vec![], vec![]);
    let mut values = BTreeMap::<String, u32>::new();
    left_out.outputs += played.history.map_or(0, |history| history.missed);
    let (from, to) = played.range;
    for entry in played.history.iter().flat_map(|history| &history.entries) {
        let kind = played.outputs.iter().position(|kind| *kind == entry.kind);
        let (node, Some(kind)) = (place(drawn, entry.node), kind) else { continue };
        if node == NONE || entry.at.time < from || entry.at.time >= to {
            continue;
        }
        let text = content(&entry.fields);
        let next = values.len() as u32;
        let value = match values.get(&text) {
            Some(value) => *value,
            None if values.len() < MOST_VALUES.0 => *values.entry(text).or_insert(next),
            None => {
                left_out.values += 1;
                NONE
            }
        };
        times.push(entry.at.time.0);
        nodes.push(node);
        kinds.push(kind.min(255) as u8);
        contents.push(value);
    }
    columns.longs("said_at", times.into_iter());
    columns.words("said_by", nodes.into_iter());
    columns.bytes("said_kind", kinds.into_iter());
    columns.words("said_value", contents.into_iter());
    let mut ordered: Vec<(String, u32)> = values.into_iter().collect();
    ordered.sort_by_key(|(_, at)| *at);
    ordered.into_iter().map(|(text, _)| text).collect()
}

/// `term 3, value 17`.
fn content(fields: &[(&'static str, String)]) -> String {
    let field = |(name, debug): &(&str, String)| match history::value(debug) {
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    };
    let text = fields.iter().map(field).collect::<Vec<_>>().join(", ");
    text.chars().take(MOST_VALUES.1).collect()
}

fn downtimes(columns: &mut Columns, played: &Played<'_>, drawn: &[NodeId]) {
    let mut all = Vec::new();
    if let Some(conditions) = played.prepared.conditions() {
        for (id, node) in drawn.iter().zip(0u32..) {
            for (start, end) in conditions.downtimes(*id, MOST_DOWNTIMES) {
                all.push((start.0, end.0, node));
            }
        }
    }
    all.sort_unstable();
    columns.longs("down_from", all.iter().map(|down| down.0));
    columns.longs("down_to", all.iter().map(|down| down.1));
    columns.words("down_node", all.iter().map(|down| down.2));
}

fn header(played: &Played<'_>, layout: &Layout) -> Map<String, Value> {
    let (scenario, result) = (played.scenario, &played.outcome.result);
    let (from, to) = played.range;
    let setting = Setting::of(scenario, played.prepared.conditions());
    let fault = |fault: &crate::setting::Fault| json!({ "from": fault.entry.at.0, "to": fault.entry.heal.map(|heal| heal.0), "text": fault.text });
    let decisive = |name: &&str| DECISIVE.contains(name);
    let names: Vec<&str> = played.columns.iter().map(|column| column.name).collect();
    let cell = |cell: &Cell| match cell {
        Cell::Count(count) => json!(units::count(*count)),
        Cell::Word(word) => json!(word),
    };
    let rows = played.rows.iter().map(|row| row.iter().map(cell).collect::<Value>());
    let check = |check: &anthill_protocol::Check| json!({ "name": check.name, "ok": check.ok, "expected": check.expected_violation });
    let header = json!({
        "label": played.label,
        "name": scenario.name,
        "protocol": scenario.protocol,
        "seed": scenario.seed,
        "nodes": scenario.population(),
        "digest": summary::digest(result.digest),
        "from": from.0,
        "to": to.0,
        "kinds": played.kinds,
        "outputs": played.outputs,
        "decisive": played.outputs.iter().map(decisive).collect::<Vec<bool>>(),
        "conditions": setting.on,
        "faults": setting.faults.iter().take(MOST_FAULTS).map(fault).collect::<Vec<_>>(),
        "row_columns": names,
        "rows": rows.collect::<Vec<_>>(),
        "checks": result.checks.iter().map(check).collect::<Vec<_>>(),
        "activity": activity(played),
    });
    let mut all = map::facts(layout);
    if let Value::Object(header) = header {
        all.extend(header);
    }
    all
}

/// Messages sent per step of the time that is played, of all nodes and none left out.
fn activity(played: &Played<'_>) -> Vec<u64> {
    let (from, to) = played.range;
    let series = &played.outcome.series;
    let length = to.since(from).0.max(1);
    // Several rows to a step, so that none looks empty between two.
    let steps = (length / series.interval_ns.max(1) / 2).clamp(1, STEPS);
    let mut all = vec![0; steps as usize];
    for row in &series.rows {
        let Some(since) = row.start_ns.checked_sub(from.0) else { continue };
        let step = u128::from(since) * u128::from(steps) / u128::from(length);
        if let Some(sum) = all.get_mut(step as usize) {
            *sum += row.messages;
        }
    }
    all
}
