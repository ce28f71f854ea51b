//! A stored graph: compressed sparse rows.
//!
//! Four bytes per directed edge, eight per node, and four more per edge where edges have latencies.
//! Rows are sorted by neighbour, so a graph has one representation whatever order its edges were
//! generated in, and an edge is found by binary search.

use anthill_protocol::NodeId;

use crate::network::NetworkError;

/// Most directed edges a stored topology may have: 17 GB.
pub(crate) const MAX_EDGES: u64 = 1 << 32;

/// Neighbours of every node.
#[derive(Clone, Debug)]
pub(crate) struct Csr {
    /// Where each node's row starts, and the end of the last.
    offsets: Box<[u64]>,
    targets: Box<[u32]>,
    /// One-way latency in ns of each edge.
    latencies: Option<Box<[u32]>>,
}

impl Csr {
    /// From undirected edges without repetition. `edges` is called twice and must yield the same
    /// edges: counting first saves a list of them.
    pub(crate) fn undirected<I>(nodes: u32, edges: impl Fn() -> I) -> Result<Self, NetworkError>
    where
        I: Iterator<Item = (u32, u32)>,
    {
        let mut offsets = zeroed::<u64>(u64::from(nodes) + 1)?;
        let mut total = 0u64;
        for (a, b) in edges() {
            offsets[a as usize] += 1;
            offsets[b as usize] += 1;
            total += 2;
        }
        let mut targets = zeroed::<u32>(total)?;
        let mut end = 0;
        for offset in &mut offsets {
            end += *offset;
            *offset = end;
        }
        // Filling each row from its end leaves every offset at its row's start.
        for (a, b) in edges() {
            for (from, to) in [(a, b), (b, a)] {
                let position = &mut offsets[from as usize];
                *position -= 1;
                targets[*position as usize] = to;
            }
        }
        let mut csr = Self { offsets: offsets.into(), targets: targets.into(), latencies: None };
        csr.sort_rows();
        Ok(csr)
    }

    /// From rows of equal length, one after the other.
    pub(crate) fn regular(
        nodes: u32,
        degree: u32,
        targets: Vec<u32>,
    ) -> Result<Self, NetworkError> {
        let mut offsets = zeroed::<u64>(u64::from(nodes) + 1)?;
        for (node, offset) in offsets.iter_mut().enumerate() {
            *offset = node as u64 * u64::from(degree);
        }
        let mut csr = Self { offsets: offsets.into(), targets: targets.into(), latencies: None };
        csr.sort_rows();
        Ok(csr)
    }

    /// From directed edges with latencies, sorted by source and target without repetition.
    pub(crate) fn directed(
        nodes: u32,
        edges: &[(u32, u32, u32)],
        with_latency: bool,
    ) -> Result<Self, NetworkError> {
        let mut offsets = zeroed::<u64>(u64::from(nodes) + 1)?;
        let mut targets = zeroed::<u32>(edges.len() as u64)?;
        let mut latencies = zeroed::<u32>(if with_latency { edges.len() as u64 } else { 0 })?;
        for (i, (from, to, latency)) in edges.iter().enumerate() {
            offsets[*from as usize + 1] += 1;
            targets[i] = *to;
            if with_latency {
                latencies[i] = *latency;
            }
        }
        for node in 0..nodes as usize {
            offsets[node + 1] += offsets[node];
        }
        let latencies = with_latency.then(|| latencies.into());
        Ok(Self { offsets: offsets.into(), targets: targets.into(), latencies })
    }

    fn sort_rows(&mut self) {
        for node in 0..self.offsets.len() - 1 {
            let row = self.offsets[node] as usize..self.offsets[node + 1] as usize;
            self.targets[row].sort_unstable();
        }
    }

    #[inline]
    fn row(&self, node: NodeId) -> std::ops::Range<usize> {
        self.offsets[node.index()] as usize..self.offsets[node.index() + 1] as usize
    }

    /// The neighbours of a node, ascending.
    #[inline]
    pub(crate) fn neighbours(&self, node: NodeId) -> &[u32] {
        &self.targets[self.row(node)]
    }

    /// The latency of the edge in a slot.
    #[inline]
    pub(crate) fn latency(&self, node: NodeId, slot: u32) -> Option<u32> {
        Some(self.latencies.as_deref()?[self.row(node)][slot as usize])
    }

    /// The latency of the edge between two nodes: of that direction, else of the other.
    pub(crate) fn latency_between(&self, from: NodeId, to: NodeId) -> Option<u32> {
        let latencies = self.latencies.as_deref()?;
        let along = |a: NodeId, b: NodeId| {
            let slot = self.neighbours(a).binary_search(&b.0).ok()?;
            Some(latencies[self.row(a)][slot])
        };
        along(from, to).or_else(|| along(to, from))
    }

    /// Every edge with its latency; empty without latencies.
    pub(crate) fn with_latencies(&self) -> impl Iterator<Item = (NodeId, NodeId, u32)> + '_ {
        let nodes = if self.latencies.is_some() { self.offsets.len() as u32 - 1 } else { 0 };
        (0..nodes).map(NodeId).flat_map(move |node| {
            let targets = self.neighbours(node).iter();
            targets.enumerate().filter_map(move |(slot, to)| {
                Some((node, NodeId(*to), self.latency(node, slot as u32)?))
            })
        })
    }

    /// Directed edges.
    pub(crate) fn edges(&self) -> u64 {
        self.targets.len() as u64
    }

    /// Whether edges have latencies.
    pub(crate) fn has_latencies(&self) -> bool {
        self.latencies.is_some()
    }

    /// In how many pieces the graph is, wherever its edges lead.
    pub(crate) fn pieces(&self) -> Pieces {
        let nodes = self.offsets.len() - 1;
        // Disjoint sets: each node's way to the least node of its piece.
        let mut way: Vec<u32> = (0..nodes as u32).collect();
        fn least(way: &mut [u32], mut node: u32) -> u32 {
            while way[node as usize] != node {
                way[node as usize] = way[way[node as usize] as usize];
                node = way[node as usize];
            }
            node
        }
        for node in 0..nodes as u32 {
            for neighbour in self.neighbours(NodeId(node)) {
                let (a, b) = (least(&mut way, node), least(&mut way, *neighbour));
                way[a.max(b) as usize] = a.min(b);
            }
        }
        let mut sizes = vec![0u32; nodes];
        for node in 0..nodes as u32 {
            sizes[least(&mut way, node) as usize] += 1;
        }
        let count = |wanted: fn(u32) -> bool| sizes.iter().filter(|s| wanted(**s)).count() as u32;
        Pieces {
            nodes: nodes as u32,
            count: count(|size| size > 0),
            isolated: count(|size| size == 1),
            largest: sizes.iter().copied().max().unwrap_or(0),
            mute: (0..nodes as u32).filter(|n| self.neighbours(NodeId(*n)).is_empty()).count()
                as u32,
        }
    }

    /// Bytes of heap memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let latencies = self.latencies.as_deref().map_or(0, size_of_val);
        (size_of_val(&*self.offsets) + size_of_val(&*self.targets) + latencies) as u64
    }
}

/// How a graph falls apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pieces {
    pub(crate) nodes: u32,
    /// Parts between which there is no edge, single nodes included.
    pub(crate) count: u32,
    /// Nodes without any edge.
    pub(crate) isolated: u32,
    /// Nodes of the largest piece.
    pub(crate) largest: u32,
    /// Nodes without a neighbour to send to, isolated ones included.
    pub(crate) mute: u32,
}

impl Pieces {
    /// What is to be said of a graph that is not connected.
    pub(crate) fn notes(&self) -> Vec<String> {
        let Self { nodes, count, isolated, largest, mute } = *self;
        let mut notes = Vec::new();
        if isolated > 0 {
            notes.push(format!("isolated: {isolated} of {nodes} nodes have no edge"));
        }
        if count > 1 {
            notes.push(format!(
                "not connected: {count} components, the largest of {largest} of {nodes} nodes"
            ));
        }
        if mute > isolated {
            let others = mute - isolated;
            notes
                .push(format!("{others} of {nodes} nodes have edges, but no neighbour to send to"));
        }
        notes
    }
}

/// A vector of zeros, or an error where the machine does not give the memory.
pub(crate) fn zeroed<T: Copy + Default>(len: u64) -> Result<Vec<T>, NetworkError> {
    let bytes = len.saturating_mul(size_of::<T>() as u64);
    let refused = NetworkError::Memory { edges: len, bytes };
    let mut all = Vec::new();
    match usize::try_from(len) {
        Ok(len) if len as u64 <= MAX_EDGES + 1 && all.try_reserve_exact(len).is_ok() => {
            all.resize(len, T::default());
            Ok(all)
        }
        _ => Err(refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_hold_both_directions_in_order() {
        let edges = [(3, 0), (0, 1), (2, 3)];
        let csr = Csr::undirected(5, || edges.into_iter()).unwrap();
        let rows: Vec<&[u32]> = (0..5).map(|n| csr.neighbours(NodeId(n))).collect();
        assert_eq!(rows, [&[1, 3][..], &[0], &[3], &[0, 2], &[]]);
        assert_eq!(csr.edges(), 6);
        assert_eq!(csr.latency_between(NodeId(0), NodeId(1)), None);
    }

    #[test]
    fn latencies_are_found_against_the_direction() {
        let csr = Csr::directed(3, &[(0, 1, 10), (1, 0, 20), (1, 2, 30)], true).unwrap();
        assert_eq!(csr.latency(NodeId(1), 1), Some(30));
        assert_eq!(csr.latency_between(NodeId(0), NodeId(1)), Some(10));
        assert_eq!(csr.latency_between(NodeId(1), NodeId(0)), Some(20));
        assert_eq!(csr.latency_between(NodeId(2), NodeId(1)), Some(30));
        assert_eq!(csr.latency_between(NodeId(0), NodeId(2)), None);
        assert_eq!(csr.with_latencies().count(), 3);
    }

    #[test]
    fn pieces_are_counted_whatever_the_direction() {
        let csr = Csr::directed(6, &[(1, 0, 0), (4, 2, 0), (4, 5, 0)], false).unwrap();
        let pieces = csr.pieces();
        assert_eq!(pieces, Pieces { nodes: 6, count: 3, isolated: 1, largest: 3, mute: 4 });
        assert_eq!(
            pieces.notes(),
            [
                "isolated: 1 of 6 nodes have no edge",
                "not connected: 3 components, the largest of 3 of 6 nodes",
                "3 of 6 nodes have edges, but no neighbour to send to",
            ]
        );
        let ring = Csr::undirected(3, || [(0, 1), (1, 2), (2, 0)].into_iter()).unwrap();
        assert_eq!((ring.pieces().count, ring.pieces().notes()), (1, vec![]));
    }

    #[test]
    fn more_edges_than_the_limit_are_refused_without_allocating() {
        assert!(matches!(zeroed::<u32>(u64::MAX), Err(NetworkError::Memory { .. })));
    }
}
