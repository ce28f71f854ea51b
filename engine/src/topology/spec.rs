//! The topology of a scenario as plain data.

use std::path::Path;

use anthill_engine_derive::{Keys, Words};

use crate::input::InputFile;
use crate::network::LatencyKind;
use crate::scenario::declare::*;

/// How neighbours are chosen.
///
/// Whether a degree fits the number of nodes is for the one who builds it.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(
    example = "complete", absent = Self::Complete, context = u32, check = is_possible, also = [P],
    later = ["bitcoin-like", "hierarchical", "kademlia"]
)]
pub enum TopologySpec {
    /// Everyone knows everyone; never stored.
    Complete,
    /// Every node has exactly `degree` neighbours.
    RandomRegular {
        /// Neighbours per node, a whole number from 1.
        #[key(example = "8", shape = DEGREE, read = whole_degree)]
        degree: u32,
        /// For even degrees: peers are computed, none stored.
        ///
        /// From random Hamiltonian cycles (no memory, always connected, a peer may fill two slots)
        /// rather than stored (simple, degree up to 1024).
        #[key(default = false)]
        implicit: bool,
    },
    /// Each pair is joined with equal probability; some nodes may know nobody.
    #[keys(read = erdos_renyi)]
    ErdosRenyi {
        /// Mean degree, p·(n−1).
        #[key(shape = DEGREE)]
        degree: f64,
    },
    /// Preferential attachment: newcomers prefer nodes that have many neighbours.
    BarabasiAlbert {
        /// Edges per newcomer.
        #[key(example = "8", shape = count(1, u32::MAX as u64))]
        m: u32,
    },
    /// A ring lattice of degree `k`, each edge rewired with probability `beta`.
    WattsStrogatz {
        /// Degree of the ring lattice, even.
        #[key(example = "8", shape = count(2, u32::MAX as u64), read = even_degree)]
        k: u32,
        /// Probability of rewiring an edge.
        #[key(example = "0.1")]
        beta: f64,
    },
    /// A graph from a file, plain or gzip.
    ///
    /// Self-loops and repeated edges are left out and counted.
    File {
        /// The graph; CSV has the columns `source,target[,latency_ms]`.
        #[key(example = "\"edges.csv\"")]
        path: InputFile,
        /// Its format; by default by the name: `.gml`, `.graphml` or `.xml`, `.yaml` or `.yml` (Leios),
        /// `.as-rel.txt`; else CSV.
        format: Option<GraphFormat>,
        /// What the latencies are; without the key they are not used.
        latency: Option<LatencyKind>,
        /// How edges become neighbours.
        #[key(default = EdgeDirection::Undirected)]
        direction: EdgeDirection,
        /// What the ids are; by default `numbers` in CSV, else `mapped`.
        ids: Option<IdKind>,
    },
}

/// Whole or not by kind.
const DEGREE: Shape = bounded(0.0, u32::MAX as f64);
const P: Key =
    Key::new("p", SHARE, "probability of each pair, instead of `degree`").with(&["erdos-renyi"]);

impl TopologySpec {
    /// Neighbours per node on average; for a file, which is not read here, a guess of 32.
    pub fn mean_degree(&self, nodes: u32) -> f64 {
        match self {
            Self::Complete => f64::from(nodes) - 1.0,
            Self::RandomRegular { degree, .. } => f64::from(*degree),
            Self::ErdosRenyi { degree } => *degree,
            Self::BarabasiAlbert { m } => 2.0 * f64::from(*m),
            Self::WattsStrogatz { k, .. } => f64::from(*k),
            Self::File { .. } => 32.0,
        }
    }
}

/// How the directed rows of an edge list become neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Words)]
pub enum EdgeDirection {
    /// Each row makes both ends neighbours.
    Undirected,
    /// The source may send to the target.
    SourceToTarget,
    /// The target feeds the source.
    TargetToSource,
}

/// Formats of graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Words)]
pub enum GraphFormat {
    /// Rows with the columns `source,target[,latency_ms]`, by their names.
    Csv,
    /// Two ids a line between tabs or blanks, comments behind `#`, as SNAP and KONECT publish them.
    Snap,
    /// Two autonomous systems and their relation a row, between bars, as CAIDA publishes them.
    AsRel,
    /// `graph [ node [ id 0 ] edge [ source 0 target 1 latency "10 ms" ] ]`, as Shadow, NetworkX and
    /// igraph write it.
    Gml,
    /// XML with `<node id="…"/>` and `<edge source="…" target="…"/>`, as NetworkX, igraph and Gephi
    /// write it.
    #[key(name = "graphml")]
    GraphMl,
    /// YAML of the simulators of Ouroboros Leios: `nodes: NAME: producers: NAME: latency-ms: 12.0`.
    Leios,
}

impl GraphFormat {
    /// The format that a file's name tells.
    pub(crate) fn of_name(path: &Path) -> Self {
        let name =
            path.file_name().map_or_else(String::new, |n| n.to_string_lossy().to_lowercase());
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        match () {
            () if ends(&[".gml"]) => Self::Gml,
            () if ends(&[".graphml", ".xml"]) => Self::GraphMl,
            () if ends(&[".yaml", ".yml"]) => Self::Leios,
            () if name.contains(".as-rel") => Self::AsRel,
            () => Self::Csv,
        }
    }

    /// At least so many bytes of text stand for an edge.
    pub(crate) fn bytes_per_edge(self, with_latency: bool) -> u64 {
        match self {
            Self::Csv | Self::Snap | Self::AsRel => {
                if with_latency {
                    24
                } else {
                    10
                }
            }
            Self::Gml | Self::GraphMl | Self::Leios => 32,
        }
    }
}

/// What the ids of a graph's file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Words)]
pub enum IdKind {
    /// The nodes' own numbers, `0..nodes`; nodes that the file does not name have no neighbour.
    Numbers,
    /// Any numbers or names. Whole numbers are given out in ascending order, else ids in the order in
    /// which they appear; `node_ids.csv` of the run directory has the map.
    Mapped,
}
