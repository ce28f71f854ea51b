//! A topology from a file: `source,target[,latency_ms]` per line, plain or gzip.
//!
//! The first line may be a header. Ids are dense, `0..nodes`. A self-loop or a row that repeats
//! another is an error: both are signs of a wrong file. A row and its reverse are two rows; as
//! undirected neighbours they are merged, each direction keeping its own latency.

use crate::network::lines::{Lines, line_error};
use crate::network::table::one_way_ns;
use crate::network::{LatencyKind, NetworkError};

use super::EdgeDirection;
use super::csr::Csr;

/// Most rows read: 4 GB of them.
const MAX_ROWS: usize = 1 << 28;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    from: u32,
    to: u32,
    line: u32,
    latency: u32,
}

/// Reads the graph of `nodes` nodes from the lines of a file.
pub(crate) fn load(
    mut lines: Lines<'_>,
    latency: Option<LatencyKind>,
    direction: EdgeDirection,
    nodes: u32,
) -> Result<Csr, NetworkError> {
    let mut rows = read(&mut lines, latency, nodes)?;
    rows.sort_unstable();
    if let Some(pair) = rows.windows(2).find(|w| (w[0].from, w[0].to) == (w[1].from, w[1].to)) {
        let Row { from, to, line, .. } = pair[1];
        let problem = format!("{from},{to} repeats line {}; delete one", pair[0].line);
        return Err(line_error(lines.path(), u64::from(line), problem));
    }
    let mut edges: Vec<(u32, u32, u32)> = rows
        .into_iter()
        .map(|row| match direction {
            EdgeDirection::TargetToSource => (row.to, row.from, row.latency),
            _ => (row.from, row.to, row.latency),
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
    Csr::directed(nodes, &edges, latency.is_some())
}

fn read(
    lines: &mut Lines<'_>,
    latency: Option<LatencyKind>,
    nodes: u32,
) -> Result<Vec<Row>, NetworkError> {
    let mut rows: Vec<Row> = Vec::new();
    let mut first = true;
    while let Some((number, line)) = lines.next()? {
        if std::mem::take(&mut first) && is_header(line) {
            continue;
        }
        let parsed = row(line, latency, nodes).and_then(|(from, to, latency)| {
            let line = u32::try_from(number).map_err(|_| "too many lines".to_owned())?;
            Ok(Row { from, to, line, latency })
        });
        rows.push(parsed.map_err(|problem| line_error(lines.path(), number, problem))?);
        if rows.len() > MAX_ROWS {
            return Err(line_error(lines.path(), number, format!("more than {MAX_ROWS} edges")));
        }
    }
    if rows.is_empty() {
        let problem = "no edges; expected lines of source,target[,latency_ms]".into();
        return Err(NetworkError::File { path: lines.path().to_owned(), problem });
    }
    Ok(rows)
}

/// A first line whose fields all begin with letters names the columns.
fn is_header(line: &str) -> bool {
    line.split(',').all(|field| {
        field.trim().trim_matches('"').starts_with(|c: char| c.is_alphabetic() || c == '_')
    })
}

fn row(line: &str, latency: Option<LatencyKind>, nodes: u32) -> Result<(u32, u32, u32), String> {
    let mut fields = line.split(',').map(str::trim);
    let mut node = |column: &str| {
        let field = fields.next().unwrap_or_default();
        let id: u64 = field
            .parse()
            .map_err(|_| format!("\"{field}\" in column {column} is not a node's number"))?;
        match u32::try_from(id) {
            Ok(id) if id < nodes => Ok(id),
            _ => Err(format!("{column} {id} is no node: ids are 0 to {}; set `nodes`", nodes - 1)),
        }
    };
    let (from, to) = (node("source")?, node("target")?);
    if from == to {
        return Err(format!("node {from} to itself; delete the line"));
    }
    let Some(kind) = latency else { return Ok((from, to, 0)) };
    let field = fields.next().ok_or("no latency; add a third column or set latency to none")?;
    let ms: f64 =
        field.parse().map_err(|_| format!("\"{field}\" in column latency is not a number"))?;
    let ns = libm::round(one_way_ns(ms, kind)?);
    if ns > f64::from(u32::MAX) {
        return Err(format!("latency {ms} ms is above 4.29 s one way; is the unit ms?"));
    }
    Ok((from, to, ns as u32))
}
