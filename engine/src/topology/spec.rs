//! The topology of a scenario as plain data.

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
    /// An edge list, plain or gzip, with ids from 0.
    ///
    /// Self-loops and repeated rows are left out and counted.
    File {
        /// Columns `source,target[,latency_ms]`.
        #[key(example = "\"edges.csv\"")]
        path: InputFile,
        /// What the latency column holds; without the key it is not used.
        latency: Option<LatencyKind>,
        /// How rows become neighbours.
        #[key(default = EdgeDirection::Undirected)]
        direction: EdgeDirection,
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
