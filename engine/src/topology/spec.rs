//! The topology of a scenario as plain data.

use crate::input::InputFile;
use crate::network::LatencyKind;

/// A topology, by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum TopologySpec {
    /// Everyone knows everyone; never stored.
    Complete,
    /// Every node has exactly `degree` neighbours.
    RandomRegular {
        /// Neighbours per node.
        degree: u32,
        /// Computed on the fly from random Hamiltonian cycles (even degrees; no memory, always
        /// connected, a peer may fill two slots) rather than stored (simple, degree up to 1024).
        implicit: bool,
    },
    /// Each pair is joined with equal probability; some nodes may know nobody.
    ErdosRenyi {
        /// Mean degree, p·(n−1).
        degree: f64,
    },
    /// Preferential attachment with `m` edges per newcomer.
    BarabasiAlbert {
        /// Edges per newcomer.
        m: u32,
    },
    /// A ring lattice of degree `k`, each edge rewired with probability `beta`.
    WattsStrogatz {
        /// Even degree of the lattice.
        k: u32,
        /// Rewiring probability.
        beta: f64,
    },
    /// An edge list, plain or gzip, with the columns `source`, `target` and `latency_ms` and ids in
    /// `0..nodes`. Self-loops and repeated rows are left out and counted.
    File {
        /// Its path, already relative to the working directory.
        path: InputFile,
        /// What the latency column holds; `None`: there is none, or it is not used.
        latency: Option<LatencyKind>,
        /// How edges become neighbours.
        direction: EdgeDirection,
    },
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeDirection {
    /// Each row makes both ends neighbours.
    Undirected,
    /// The source may send to the target.
    SourceToTarget,
    /// The target feeds the source.
    TargetToSource,
}
