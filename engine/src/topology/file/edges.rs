//! The edges of a file in any format, on their way to a graph.
//!
//! Owns the policy that all formats share. What public graphs are full of is left out, counted and
//! said: edges from a node to itself, and edges that repeat another. Two edges from the same node to the same
//! other with different latencies are an error, since neither is right. An edge and its reverse are
//! two; as undirected neighbours they are merged, each direction keeping its own latency.

use std::path::{Path, PathBuf};

use super::super::EdgeDirection;
use super::super::csr::Csr;
use super::names::{Ids, NodeNames, shortened};
use crate::network::lines::line_error;
use crate::network::table::one_way_ns;
use crate::network::{LatencyKind, NetworkError};

/// Most edges read: 4 GB of them.
const MAX_EDGES: u64 = 1 << 28;

/// What is asked of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Nodes of the network.
    pub(crate) nodes: u32,
    /// What the latencies are; `None`: they are not used.
    pub(crate) latency: Option<LatencyKind>,
    /// How edges become neighbours.
    pub(crate) direction: EdgeDirection,
    /// Whether ids are mapped to numbers.
    pub(crate) mapped: bool,
}

/// What was read.
pub(crate) struct Graph {
    pub(crate) csr: Csr,
    pub(crate) names: Option<NodeNames>,
    /// What is to be said of the file.
    pub(crate) notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: u32,
    to: u32,
    line: u32,
    latency: u32,
}

/// The edges so far.
pub(super) struct Edges {
    path: PathBuf,
    wanted: Wanted,
    ids: Ids,
    edges: Vec<Edge>,
    loops: u64,
    first_loop: u64,
    /// Whether the file has latencies that are not used.
    unused_latency: bool,
    /// What the format calls an edge: row or edge.
    called: [&'static str; 2],
    notes: Vec<String>,
}

impl Edges {
    pub(super) fn of_rows(path: &Path, wanted: Wanted) -> Self {
        Self {
            path: path.to_owned(),
            wanted,
            ids: Ids::new(wanted.mapped, wanted.nodes),
            edges: Vec::new(),
            loops: 0,
            first_loop: 0,
            unused_latency: false,
            called: ["row", "rows"],
            notes: Vec::new(),
        }
    }

    pub(super) fn new(path: &Path, wanted: Wanted) -> Self {
        Self { called: ["edge", "edges"], ..Self::of_rows(path, wanted) }
    }

    /// Whether latencies are used.
    pub(super) fn wants_latency(&self) -> bool {
        self.wanted.latency.is_some()
    }

    /// Whether each edge makes both ends neighbours.
    pub(super) fn reads_undirected(&self) -> bool {
        self.wanted.direction == EdgeDirection::Undirected
    }

    /// Says something of the file.
    pub(super) fn note(&mut self, what: impl std::fmt::Display) {
        self.notes.push(format!("{}: {what}", self.path.display()));
    }

    /// An error about a line.
    pub(super) fn wrong(&self, line: u64, problem: impl Into<String>) -> NetworkError {
        line_error(&self.path, line, problem)
    }

    /// An error about the file as a whole.
    pub(super) fn failed(&self, problem: impl Into<String>) -> NetworkError {
        NetworkError::File { path: self.path.clone(), problem: problem.into() }
    }

    /// Adds a node, which may have no edge.
    pub(super) fn node(
        &mut self,
        id: &str,
        label: Option<&str>,
        line: u64,
    ) -> Result<(), NetworkError> {
        self.ids.list(id, label).map_err(|problem| self.wrong(line, problem))
    }

    /// Adds an edge whose latency, if it has one, stands as text: a number of milliseconds, or one
    /// with a unit.
    pub(super) fn add_text(
        &mut self,
        (from, to): (&str, &str),
        latency: Option<&str>,
        line: u64,
    ) -> Result<(), NetworkError> {
        let ms = match (latency, self.wants_latency()) {
            (None, true) => {
                let problem = "the edge has no latency or latency_ms; give it one, or remove \
                               network.topology.latency";
                return Err(self.wrong(line, problem));
            }
            (Some(_), false) => {
                self.unused_latency = true;
                None
            }
            (None, false) => None,
            (Some(text), true) => {
                Some(milliseconds(text).map_err(|problem| self.wrong(line, problem))?)
            }
        };
        self.add((from, to), ms, line)
    }

    /// Adds an edge. The latency is that in ms, if latencies are used.
    pub(super) fn add(
        &mut self,
        (from, to): (&str, &str),
        latency_ms: Option<f64>,
        line: u64,
    ) -> Result<(), NetworkError> {
        let edge = self.edge(from, to, latency_ms, line);
        let edge = edge.map_err(|problem| self.wrong(line, problem))?;
        let nodes = self.wanted.nodes;
        match edge {
            edge if edge.from == edge.to => {
                self.first_loop = if self.loops == 0 { line } else { self.first_loop };
                self.loops += 1;
            }
            // Of too many nodes, which is an error in the end.
            edge if edge.from >= nodes || edge.to >= nodes => {}
            edge => self.edges.push(edge),
        }
        let most = u64::from(nodes) * u64::from(nodes.saturating_sub(1));
        if self.edges.len() as u64 > most.min(MAX_EDGES) {
            let rows = self.called[1];
            return Err(self.wrong(
                line,
                match most > MAX_EDGES {
                    true => format!("more than {MAX_EDGES} edges, the most that are read"),
                    false => format!(
                        "more edges than the {most} that {nodes} nodes can have: {rows} are repeated, \
                         or `nodes` is too small"
                    ),
                },
            ));
        }
        Ok(())
    }

    fn edge(&mut self, from: &str, to: &str, ms: Option<f64>, line: u64) -> Result<Edge, String> {
        let (from, to) = (self.ids.number(from, "source")?, self.ids.number(to, "target")?);
        let line = u32::try_from(line).map_err(|_| "too many lines".to_owned())?;
        let (Some(kind), Some(ms)) = (self.wanted.latency, ms) else {
            return Ok(Edge { from, to, line, latency: 0 });
        };
        let ns = libm::round(one_way_ns(ms, kind)?);
        if ns > f64::from(u32::MAX) {
            return Err(format!("latency {ms} ms is above 4.29 s one way; is the unit ms?"));
        }
        Ok(Edge { from, to, line, latency: ns as u32 })
    }

    /// Refuses edges of nodes that the file does not list, of a format that lists them.
    pub(super) fn all_are_listed(&self) -> Result<(), NetworkError> {
        let Ids::Mapped(map) = &self.ids else { return Ok(()) };
        let Some((number, id)) = map.unlisted() else { return Ok(()) };
        let names = |edge: &&Edge| edge.from == number || edge.to == number;
        let line = self.edges.iter().find(names).map(|edge| u64::from(edge.line));
        let problem = format!("an edge names node {}, which the file does not list", shortened(id));
        Err(match line {
            Some(line) => self.wrong(line, problem),
            None => self.failed(problem),
        })
    }

    /// The graph; `expected` says what makes an edge.
    pub(super) fn finish(mut self, expected: &str) -> Result<Graph, NetworkError> {
        if self.unused_latency {
            let fix = "set network.topology.latency to \"rtt\" or \"one-way\" to use it";
            self.note(format!("latency has no effect: {fix}"));
        }
        if self.loops > 0 {
            let [row, rows] = self.called;
            let plural =
                if self.loops == 1 { format!("{row} joins") } else { format!("{rows} join") };
            let (loops, first) = (self.loops, self.first_loop);
            self.note(format!(
                "{loops} {plural} a node to itself, left out; first in line {first}"
            ));
        }
        let ids = std::mem::replace(&mut self.ids, Ids::Numbers(self.wanted.nodes));
        let names = match ids {
            Ids::Numbers(_) => None,
            Ids::Mapped(map) => {
                let mapped = map.finish().map_err(|problem| self.failed(problem))?;
                for edge in &mut self.edges {
                    edge.from = mapped.numbers[edge.from as usize];
                    edge.to = mapped.numbers[edge.to as usize];
                }
                if let Some(names) = &mapped.names {
                    self.note(said_of(names, mapped.ascending));
                }
                mapped.names
            }
        };
        if self.edges.is_empty() {
            return Err(self.failed(format!("no edges; expected {expected}")));
        }
        self.keep_distinct()?;
        let Wanted { nodes, latency, direction, .. } = self.wanted;
        let edges = neighbours(std::mem::take(&mut self.edges), direction);
        let csr = Csr::directed(nodes, &edges, latency.is_some())?;
        drop(edges);
        for note in csr.pieces().notes() {
            self.note(note);
        }
        Ok(Graph { csr, names, notes: self.notes })
    }

    /// Leaves the edges in order, each once.
    fn keep_distinct(&mut self) -> Result<(), NetworkError> {
        self.edges.sort_unstable();
        let repeats = |pair: &&[Edge]| (pair[0].from, pair[0].to) == (pair[1].from, pair[1].to);
        let mut count = 0u64;
        let mut first: Option<(u32, u32)> = None;
        for pair in self.edges.windows(2).filter(repeats) {
            let (earlier, later) = (pair[0].line, pair[1].line);
            if pair[0].latency != pair[1].latency {
                let Edge { from, to, .. } = pair[1];
                let problem =
                    format!("{from},{to} has another latency in line {earlier}; delete one");
                return Err(self.wrong(later.into(), problem));
            }
            count += 1;
            first = Some(first.map_or((later, earlier), |first| first.min((later, earlier))));
        }
        if let Some((later, earlier)) = first {
            self.edges.dedup_by_key(|edge| (edge.from, edge.to));
            let [row, rows] = self.called;
            let plural =
                if count == 1 { format!("{row} repeats") } else { format!("{rows} repeat") };
            self.note(format!(
                "{count} {plural} another, left out; first line {later}, which repeats line {earlier}"
            ));
        }
        Ok(())
    }
}

/// What is to be said of ids that are not numbers.
fn said_of(names: &NodeNames, ascending: bool) -> String {
    let order = if ascending { "in ascending order" } else { "in the order of the file" };
    let id = names.id(anthill_protocol::NodeId(0)).unwrap_or_default();
    let (count, id) = (names.count(), shortened(id));
    format!(
        "{count} ids are mapped to node numbers {order}, {id} to 0; node_ids.csv in the run directory has all"
    )
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

/// A latency as graphs write it: `12.5`, `"12.5 ms"`, `"10 milliseconds"`.
fn milliseconds(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E')));
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let factor = match unit.trim() {
        "" | "ms" | "msec" | "millisecond" | "milliseconds" => 1.0,
        "ns" | "nsec" | "nanosecond" | "nanoseconds" => 1e-6,
        "us" | "μs" | "µs" | "usec" | "microsecond" | "microseconds" => 1e-3,
        "s" | "sec" | "second" | "seconds" => 1e3,
        _ => return Err(not_a_latency(text)),
    };
    number.parse::<f64>().map(|number| number * factor).map_err(|_| not_a_latency(text))
}

fn not_a_latency(text: &str) -> String {
    format!("latency {} is not milliseconds, nor a number with ns, us, ms or s", shortened(text))
}
