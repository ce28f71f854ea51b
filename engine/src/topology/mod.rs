//! Who is whose neighbour.
//!
//! A node's neighbours are numbered by *slots*, `0..degree`. Large topologies are computed
//! (complete, implicit random regular) or stored in four bytes per directed edge; either way a
//! topology is a pure function of its spec, the number of nodes and the seed.

mod barabasi_albert;
mod csr;
mod cycles;
mod erdos_renyi;
mod file;
mod permutation;
mod random_regular;
mod reach;
mod spec;
#[cfg(test)]
mod tests;
mod watts_strogatz;

use std::io::BufRead;

use anthill_protocol::draw::{Purpose, draw, stream};
use anthill_protocol::{NodeId, Span};
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::network::lines::unpacked;
use crate::network::{LatencyKind, NetworkError};
use csr::{Csr, MAX_EDGES};
use cycles::Cycles;
pub use file::NodeNames;
pub(crate) use file::{Finder, shortened};
pub use spec::{EdgeDirection, GraphFormat, IdKind, TopologySpec};

/// Greatest degree of a stored random regular graph; repairing it takes time of its cube.
const MAX_STORED_DEGREE: u32 = 1024;
const DEGREE: &str = "network.topology.degree";

/// The neighbours of every node.
#[derive(Clone, Debug)]
pub struct Topology {
    nodes: u32,
    kind: &'static str,
    /// Whether a node may have a neighbour that does not have it.
    directed: bool,
    shape: Shape,
    /// What its file calls the nodes, if that is not their numbers.
    names: Option<NodeNames>,
    notes: Vec<String>,
}

#[derive(Clone, Debug)]
enum Shape {
    Complete,
    Cycles(Cycles),
    Stored(Csr),
}

impl Topology {
    /// Builds the topology of `nodes` nodes.
    pub fn build(spec: &TopologySpec, nodes: u32, seed: u64) -> Result<Self, NetworkError> {
        check(spec, nodes)?;
        // The draws of implicit cycles are counted from 0 in the same stream.
        let key = draw(stream(seed, Purpose::Topology, NodeId(0)), u64::MAX / 2);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(key);
        let shape = match spec {
            TopologySpec::Complete => Shape::Complete,
            TopologySpec::RandomRegular { degree, implicit: true } => {
                Shape::Cycles(Cycles::new(nodes, *degree, seed))
            }
            TopologySpec::RandomRegular { degree, implicit: false } => {
                Shape::Stored(random_regular::build(nodes, *degree, &mut rng)?)
            }
            TopologySpec::ErdosRenyi { degree } => {
                Shape::Stored(erdos_renyi::build(nodes, *degree, &rng)?)
            }
            TopologySpec::BarabasiAlbert { m } => {
                Shape::Stored(barabasi_albert::build(nodes, *m, &mut rng)?)
            }
            TopologySpec::WattsStrogatz { k, beta } => {
                Shape::Stored(watts_strogatz::build(nodes, *k, *beta, &mut rng)?)
            }
            TopologySpec::File { path, .. } => {
                let (format, wanted) = reading(spec, nodes);
                return Ok(Self::of_file(spec, nodes, file::load(path, format, wanted)?));
            }
        };
        let names = None;
        Ok(Self {
            nodes,
            kind: kind(spec),
            directed: is_directed(spec),
            shape,
            names,
            notes: vec![],
        })
    }

    fn of_file(spec: &TopologySpec, nodes: u32, graph: file::Graph) -> Self {
        let file::Graph { csr, names, notes } = graph;
        let (kind, directed) = (kind(spec), is_directed(spec));
        Self { nodes, kind, directed, shape: Shape::Stored(csr), names, notes }
    }

    /// Reads the topology of `nodes` nodes from an edge list, as [`TopologySpec::File`] does, but
    /// from any reader, plain or gzip. `name` is what errors call it.
    ///
    /// # Errors
    /// Naming the line, on anything but rows with the columns `source`, `target` and, if wanted,
    /// `latency_ms`, whose ids are in `0..nodes`; on more rows than so many nodes can have edges.
    ///
    /// ```
    /// use anthill_engine::topology::{EdgeDirection, Topology};
    ///
    /// let rows = "source,target\n0,1\n1,2\n";
    /// let ring = |nodes| {
    ///     Topology::read_edge_list("a.csv", rows.as_bytes(), None, EdgeDirection::Undirected, nodes)
    /// };
    /// assert_eq!(ring(3).unwrap().edges(), 4);
    /// assert!(ring(2).unwrap_err().to_string().starts_with("a.csv, line 3: target 2 is no node"));
    /// ```
    pub fn read_edge_list(
        name: &str,
        reader: impl BufRead,
        latency: Option<LatencyKind>,
        direction: EdgeDirection,
        nodes: u32,
    ) -> Result<Self, NetworkError> {
        let (format, ids) = (Some(GraphFormat::Csv), None);
        let spec = TopologySpec::File { path: name.into(), format, latency, direction, ids };
        Self::read(&spec, reader, nodes)
    }

    /// Reads the topology of `nodes` nodes as [`Self::build`] does from a [`TopologySpec::File`], but
    /// from any reader, plain or gzip; the spec's path is what errors call it, and tells the format if
    /// the spec does not.
    ///
    /// # Errors
    /// On a spec of another kind, and on what is no graph of that format, naming the line.
    ///
    /// ```
    /// use anthill_engine::topology::{EdgeDirection, Topology, TopologySpec};
    /// use anthill_protocol::NodeId;
    ///
    /// let spec = TopologySpec::File {
    ///     path: "karate.gml".into(),
    ///     format: None,
    ///     latency: None,
    ///     direction: EdgeDirection::Undirected,
    ///     ids: None,
    /// };
    /// let text = "graph [ node [ id 7 ] node [ id 30 ] edge [ source 7 target 30 ] ]";
    /// let topology = Topology::read(&spec, text.as_bytes(), 2).unwrap();
    /// assert_eq!(topology.peer(NodeId(0), 0), NodeId(1));
    /// assert_eq!(topology.names().unwrap().id(NodeId(1)), Some("30"));
    /// ```
    pub fn read(
        spec: &TopologySpec,
        reader: impl BufRead,
        nodes: u32,
    ) -> Result<Self, NetworkError> {
        check(spec, nodes)?;
        let TopologySpec::File { path, .. } = spec else {
            return Err(NetworkError::field("network.topology.kind", "no file is read for it"));
        };
        let reader = unpacked(reader).map_err(|problem| NetworkError::File {
            path: path.to_path_buf(),
            problem: format!("cannot read it: {problem}"),
        })?;
        let (format, wanted) = reading(spec, nodes);
        Ok(Self::of_file(spec, nodes, file::read(path, reader, format, wanted)?))
    }

    /// Number of a node's neighbours.
    #[inline]
    pub fn degree(&self, node: NodeId) -> u32 {
        match &self.shape {
            Shape::Complete => self.nodes - 1,
            Shape::Cycles(cycles) => cycles.degree(),
            Shape::Stored(csr) => csr.neighbours(node).len() as u32,
        }
    }

    /// The neighbour in a slot.
    ///
    /// # Panics
    /// If the node has no such slot.
    #[inline]
    pub fn peer(&self, node: NodeId, slot: u32) -> NodeId {
        match &self.shape {
            Shape::Complete => {
                assert!(slot < self.nodes - 1, "slot {slot} of {} nodes", self.nodes);
                NodeId(if slot < node.0 { slot } else { slot + 1 })
            }
            Shape::Cycles(cycles) => cycles.peer(node, slot),
            Shape::Stored(csr) => NodeId(csr.neighbours(node)[slot as usize]),
        }
    }

    /// Directed edges: the sum of all degrees.
    pub fn edges(&self) -> u64 {
        let nodes = u64::from(self.nodes);
        match &self.shape {
            Shape::Complete => nodes * (nodes - 1),
            Shape::Cycles(cycles) => nodes * u64::from(cycles.degree()),
            Shape::Stored(csr) => csr.edges(),
        }
    }

    /// What is to be said of the file that it was read from: rows left out, components.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What the file that it was read from calls the nodes, if that is not their numbers.
    pub fn names(&self) -> Option<&NodeNames> {
        self.names.as_ref()
    }

    /// Whether edges have latencies of their own.
    pub fn has_latencies(&self) -> bool {
        self.with_latencies().is_some()
    }

    /// The latency of the edge to the neighbour in a slot, one way, if edges have some.
    ///
    /// # Panics
    /// If they do and the node has no such slot.
    pub fn latency(&self, node: NodeId, slot: u32) -> Option<Span> {
        self.with_latencies()?.latency(node, slot).map(|ns| Span(ns.into()))
    }

    /// The kind as a scenario names it.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether a node may have a neighbour that does not have it: of edge lists read in one direction.
    pub fn is_directed(&self) -> bool {
        self.directed
    }

    /// Bytes of heap memory.
    pub fn memory_bytes(&self) -> u64 {
        let names = self.names.as_ref().map_or(0, NodeNames::memory_bytes);
        names
            + match &self.shape {
                Shape::Complete => 0,
                Shape::Cycles(cycles) => cycles.memory_bytes(),
                Shape::Stored(csr) => csr.memory_bytes(),
            }
    }

    /// The stored graph, if its edges have latencies of their own.
    #[inline]
    pub(crate) fn with_latencies(&self) -> Option<&Csr> {
        match &self.shape {
            Shape::Stored(csr) if csr.has_latencies() => Some(csr),
            _ => None,
        }
    }
}

fn is_directed(spec: &TopologySpec) -> bool {
    matches!(spec, TopologySpec::File { direction, .. } if *direction != EdgeDirection::Undirected)
}

/// In which format a file is read, and what is asked of it.
fn reading(spec: &TopologySpec, nodes: u32) -> (GraphFormat, file::Wanted) {
    let (format, latency, direction, ids) = match spec {
        TopologySpec::File { path, format, latency, direction, ids } => {
            (format.unwrap_or_else(|| GraphFormat::of_name(path)), *latency, *direction, *ids)
        }
        _ => (GraphFormat::Csv, None, EdgeDirection::Undirected, None),
    };
    let own = if format == GraphFormat::Csv { IdKind::Numbers } else { IdKind::Mapped };
    let mapped = ids.unwrap_or(own) == IdKind::Mapped;
    (format, file::Wanted { nodes, latency, direction, mapped })
}

/// The kind as a scenario names it.
fn kind(spec: &TopologySpec) -> &'static str {
    match spec {
        TopologySpec::Complete => "complete",
        TopologySpec::RandomRegular { .. } => "random-regular",
        TopologySpec::ErdosRenyi { .. } => "erdos-renyi",
        TopologySpec::BarabasiAlbert { .. } => "barabasi-albert",
        TopologySpec::WattsStrogatz { .. } => "watts-strogatz",
        TopologySpec::File { .. } => "file",
    }
}

/// Bytes that building the topology takes at its peak; an estimate, made without reading a file.
pub(crate) fn estimate_bytes(spec: &TopologySpec, nodes: u32) -> u64 {
    let n = u64::from(nodes);
    let stored = |edges: u64, extra: u64| {
        n.saturating_mul(8).saturating_add(edges.saturating_mul(4)).saturating_add(extra)
    };
    match spec {
        TopologySpec::Complete | TopologySpec::RandomRegular { implicit: true, .. } => 0,
        TopologySpec::RandomRegular { degree, implicit: false } => {
            let edges = n.saturating_mul(u64::from(*degree));
            stored(edges, edges.saturating_mul(4))
        }
        TopologySpec::ErdosRenyi { degree } => stored((degree * n as f64) as u64, 0),
        TopologySpec::BarabasiAlbert { m } => {
            let edges = n.saturating_mul(2 * u64::from(*m));
            stored(edges, edges.saturating_mul(2).saturating_add(n * 4))
        }
        TopologySpec::WattsStrogatz { k, .. } => {
            let edges = n.saturating_mul(u64::from(*k));
            stored(edges, edges.saturating_mul(2))
        }
        TopologySpec::File { path, .. } => {
            let bytes = std::fs::metadata(path.path()).map_or(0, |metadata| metadata.len());
            let packed = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
            let text = bytes.saturating_mul(if packed { 3 } else { 1 });
            let (format, wanted) = reading(spec, nodes);
            let rows = text / format.bytes_per_edge(wanted.latency.is_some());
            let names = if wanted.mapped { n.saturating_mul(40) } else { 0 };
            let whole = if format == GraphFormat::Leios { text } else { 0 };
            stored(rows.saturating_mul(2), rows.saturating_mul(40) + names + whole)
        }
    }
}

/// Refuses what cannot be built, naming field and fix.
fn check(spec: &TopologySpec, nodes: u32) -> Result<(), NetworkError> {
    let wrong = |field, problem: String| Err(NetworkError::field(field, problem));
    if nodes == 0 {
        return wrong("nodes", "0 nodes; give at least 1".into());
    }
    let most = nodes - 1;
    match *spec {
        TopologySpec::Complete | TopologySpec::File { .. } => return Ok(()),
        _ if nodes < 3 => {
            let problem = format!("{nodes} nodes are too few for it; take \"complete\"");
            return wrong("network.topology.kind", problem);
        }
        TopologySpec::RandomRegular { degree, implicit } => {
            if degree == 0 || degree > most {
                return wrong(DEGREE, format!("{degree}; give 1 to {most}, below `nodes`"));
            }
            if implicit && degree % 2 == 1 {
                let problem = format!("{degree}; an implicit topology needs an even degree");
                return wrong(DEGREE, format!("{problem}: give {} or store it", degree + 1));
            }
            if !implicit && u64::from(nodes) * u64::from(degree) % 2 == 1 {
                let problem = format!("{degree} on {nodes} nodes; one of the two must be even");
                return wrong(DEGREE, problem);
            }
            if !implicit && degree > MAX_STORED_DEGREE {
                let fix = "take an implicit topology, or a complete one";
                return wrong(DEGREE, format!("{degree} is above {MAX_STORED_DEGREE}; {fix}"));
            }
            if implicit && degree > 1 << 20 {
                return wrong(DEGREE, format!("{degree} is above {}; take \"complete\"", 1 << 20));
            }
        }
        TopologySpec::ErdosRenyi { degree } => {
            if !(degree > 0.0 && degree <= f64::from(most)) {
                return wrong(DEGREE, format!("{degree}; give a mean above 0 and up to {most}"));
            }
        }
        TopologySpec::BarabasiAlbert { m } => {
            if m == 0 || m > most {
                return wrong("network.topology.m", format!("{m}; give 1 to {most}"));
            }
        }
        TopologySpec::WattsStrogatz { k, beta } => {
            let limit = most.min(watts_strogatz::MAX_K);
            if k == 0 || k % 2 == 1 || k > limit {
                return wrong("network.topology.k", format!("{k}; give an even k of 2 to {limit}"));
            }
            if !(0.0..=1.0).contains(&beta) {
                return wrong("network.topology.beta", format!("{beta}; give 0 to 1"));
            }
        }
    }
    let bytes = estimate_bytes(spec, nodes);
    if bytes / 4 > MAX_EDGES {
        return Err(NetworkError::Memory { edges: bytes / 4, bytes });
    }
    Ok(())
}
