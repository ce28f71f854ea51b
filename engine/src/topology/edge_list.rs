//! A topology from a file: the columns `source`, `target` and, if wanted, `latency_ms`.
//!
//! Ids are dense, `0..nodes`. What public edge lists are full of is left out, counted and said:
//! edges from a node to itself, and rows that repeat another. Two rows with different latencies are an error,
//! since neither is right. A row and its reverse are two rows; as undirected neighbours they are
//! merged, each direction keeping its own latency.

use crate::network::columns::{Column, Layout, Row, Rows};
use crate::network::lines::{Lines, line_error};
use crate::network::table::one_way_ns;
use crate::network::{LatencyKind, NetworkError};

use super::EdgeDirection;
use super::csr::Csr;

/// Most rows read: 4 GB of them.
const MAX_ROWS: u64 = 1 << 28;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: u32,
    to: u32,
    line: u32,
    latency: u32,
}

/// Reads the graph of `nodes` nodes from the lines of a file; with what is to be said of it.
pub(crate) fn load(
    lines: Lines<'_>,
    latency: Option<LatencyKind>,
    direction: EdgeDirection,
    nodes: u32,
) -> Result<(Csr, Vec<String>), NetworkError> {
    let layout = if latency.is_some() { WITH_LATENCY } else { PLAIN };
    let mut rows = Rows::read(lines, layout)?;
    if latency.is_none() && rows.has(LATENCY) {
        let column = rows.called(LATENCY);
        let fix = "set network.topology.latency to \"rtt\" or \"one-way\" to use it";
        rows.note(format!("{column} has no effect: {fix}"));
    }
    let edges = read(&mut rows, latency, nodes)?;
    let edges = distinct(&mut rows, edges)?;
    let edges = neighbours(edges, direction);
    let csr = Csr::directed(nodes, &edges, latency.is_some())?;
    drop(edges);
    for note in csr.pieces().notes() {
        rows.note(note);
    }
    Ok((csr, rows.into_notes()))
}

/// All rows but those from a node to itself.
fn read(
    rows: &mut Rows<'_>,
    latency: Option<LatencyKind>,
    nodes: u32,
) -> Result<Vec<Edge>, NetworkError> {
    let most = u64::from(nodes) * u64::from(nodes.saturating_sub(1));
    let mut edges: Vec<Edge> = Vec::new();
    let (mut loops, mut first_loop) = (0u64, 0);
    while let Some(row) = rows.next()? {
        let line = row.line();
        let edge = edge(&row, latency, nodes);
        match edge.map_err(|problem| rows.wrong(problem))? {
            edge if edge.from != edge.to => edges.push(edge),
            _ => {
                first_loop = if loops == 0 { line } else { first_loop };
                loops += 1;
            }
        }
        if edges.len() as u64 > most.min(MAX_ROWS) {
            return Err(rows.wrong(match most > MAX_ROWS {
                true => format!("more than {MAX_ROWS} edges, the most that are read"),
                false => format!(
                    "more edges than the {most} that {nodes} nodes can have: rows are repeated, or \
                     `nodes` is too small"
                ),
            }));
        }
    }
    if loops > 0 {
        let plural = if loops == 1 { "row joins" } else { "rows join" };
        rows.note(format!(
            "{loops} {plural} a node to itself, left out; first in line {first_loop}"
        ));
    }
    if edges.is_empty() {
        return Err(rows.failed("no edges; expected rows of source,target[,latency_ms]"));
    }
    Ok(edges)
}

/// The edges in order, each once.
fn distinct(rows: &mut Rows<'_>, mut edges: Vec<Edge>) -> Result<Vec<Edge>, NetworkError> {
    edges.sort_unstable();
    let repeats = |pair: &&[Edge]| (pair[0].from, pair[0].to) == (pair[1].from, pair[1].to);
    let mut count = 0u64;
    let mut first: Option<(u32, u32)> = None;
    for pair in edges.windows(2).filter(repeats) {
        let (earlier, later) = (pair[0].line, pair[1].line);
        if pair[0].latency != pair[1].latency {
            let Edge { from, to, .. } = pair[1];
            let problem = format!("{from},{to} has another latency in line {earlier}; delete one");
            return Err(line_error(rows.path(), later.into(), problem));
        }
        count += 1;
        first = Some(first.map_or((later, earlier), |first| first.min((later, earlier))));
    }
    if let Some((later, earlier)) = first {
        edges.dedup_by_key(|edge| (edge.from, edge.to));
        let plural = if count == 1 { "row repeats" } else { "rows repeat" };
        rows.note(format!(
            "{count} {plural} another, left out; first line {later}, which repeats line {earlier}"
        ));
    }
    Ok(edges)
}

/// Who is whose neighbour: node, neighbour and latency, in order.
fn neighbours(edges: Vec<Edge>, direction: EdgeDirection) -> Vec<(u32, u32, u32)> {
    let mut edges: Vec<(u32, u32, u32)> = edges
        .into_iter()
        .map(|edge| match direction {
            EdgeDirection::TargetToSource => (edge.to, edge.from, edge.latency),
            _ => (edge.from, edge.to, edge.latency),
        })
        .collect();
    if direction == EdgeDirection::Undirected {
        let one_way = |edge: &&(u32, u32, u32)| {
            edges.binary_search_by_key(&(edge.1, edge.0), |e| (e.0, e.1)).is_err()
        };
        let reversed: Vec<_> = edges.iter().filter(one_way).map(|e| (e.1, e.0, e.2)).collect();
        edges.extend(reversed);
    }
    edges.sort_unstable();
    edges
}

fn edge(row: &Row<'_>, latency: Option<LatencyKind>, nodes: u32) -> Result<Edge, String> {
    let (from, to) = (row.node(0, nodes)?, row.node(1, nodes)?);
    let line = u32::try_from(row.line()).map_err(|_| "too many lines".to_owned())?;
    let Some(kind) = latency else { return Ok(Edge { from, to, line, latency: 0 }) };
    let ms = row.number(LATENCY)?;
    let ns = libm::round(one_way_ns(ms, kind)?);
    if ns > f64::from(u32::MAX) {
        return Err(format!("latency {ms} ms is above 4.29 s one way; is the unit ms?"));
    }
    Ok(Edge { from, to, line, latency: ns as u32 })
}
