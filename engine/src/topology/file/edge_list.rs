//! CSV: rows with the columns `source`, `target` and, if wanted, `latency_ms`.

use super::edges::{Edges, Graph, Wanted};
use crate::network::NetworkError;
use crate::network::columns::{Column, Layout, Rows};
use crate::network::lines::Lines;

const SOURCE: Column =
    Column::required("source").also(&["from", "src", "fromnodeid", "from_node_id"]);
const TARGET: Column =
    Column::required("target").also(&["to", "dst", "dest", "tonodeid", "to_node_id"]);
/// Where the latencies are not used.
const PLAIN: &Layout =
    &[SOURCE, TARGET, Column::optional("latency_ms").also(&["latency", "rtt_ms", "delay_ms"])];
const WITH_LATENCY: &Layout = &[
    SOURCE,
    TARGET,
    Column::required("latency_ms").also(&["latency"]).like(&[
        "rtt",
        "rtt_ms",
        "delay",
        "delay_ms",
        "ping",
        "latency_s",
        "latency_us",
    ]),
];
const LATENCY: usize = 2;

pub(super) fn read(lines: Lines<'_>, wanted: Wanted) -> Result<Graph, NetworkError> {
    let uses_latency = wanted.latency.is_some();
    let mut rows = Rows::read(lines, if uses_latency { WITH_LATENCY } else { PLAIN })?;
    if !uses_latency && rows.has(LATENCY) {
        let column = rows.called(LATENCY);
        let fix = "set network.topology.latency to \"rtt\" or \"one-way\" to use it";
        rows.note(format!("{column} has no effect: {fix}"));
    }
    let mut edges = Edges::of_rows(rows.path(), wanted);
    while let Some(row) = rows.next()? {
        let line = row.line();
        let ms = match uses_latency {
            true => Some(row.number(LATENCY).map_err(|problem| edges.wrong(line, problem))?),
            false => None,
        };
        edges.add((row.text(0), row.text(1)), ms, line)?;
    }
    let mut graph = edges.finish("rows of source,target[,latency_ms]")?;
    let mut notes = rows.into_notes();
    notes.append(&mut graph.notes);
    Ok(Graph { notes, ..graph })
}
