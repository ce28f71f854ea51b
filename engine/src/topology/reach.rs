//! What can be reached from a node: a walk over the graph, for checks that need it.

use anthill_protocol::{NodeId, Reach};

use super::Topology;

/// One bit per node.
struct Marks(Box<[u64]>);

impl Marks {
    fn new(nodes: u32) -> Self {
        Self(vec![0; nodes.div_ceil(64) as usize].into())
    }

    /// Marks a node; false if it was marked before.
    fn mark(&mut self, node: NodeId) -> bool {
        let (word, bit) = (&mut self.0[node.index() / 64], 1 << (node.index() % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

impl Topology {
    /// What can be reached from a node along edges. Takes time and memory of the graph's size, unless
    /// that is complete.
    pub fn reach(&self, from: NodeId) -> Reach {
        let nodes = u64::from(self.nodes);
        if self.kind() == "complete" {
            return Reach { nodes, edges: self.edges(), back: (nodes - 1, nodes - 1) };
        }
        let mut seen = Marks::new(self.nodes);
        seen.mark(from);
        let (mut reached, mut next, mut edges) = (vec![from], 0, 0);
        while let Some(node) = reached.get(next).copied() {
            next += 1;
            for slot in 0..self.degree(node) {
                edges += 1;
                let peer = self.peer(node, slot);
                if seen.mark(peer) {
                    reached.push(peer);
                }
            }
        }
        let others = reached.len() as u64 - 1;
        let back = if self.directed { self.edges_back(&reached) } else { (others, others) };
        Reach { nodes: others + 1, edges, back }
    }

    /// Of the reached nodes but the first, how many have an edge back to each of those that lead to
    /// them, and how many to any.
    fn edges_back(&self, reached: &[NodeId]) -> (u64, u64) {
        let (mut to_some, mut not_to_all) = (Marks::new(self.nodes), Marks::new(self.nodes));
        for node in reached {
            for slot in 0..self.degree(*node) {
                let peer = self.peer(*node, slot);
                if peer == reached[0] {
                    continue;
                }
                let marks = if self.leads(peer, *node) { &mut to_some } else { &mut not_to_all };
                marks.mark(peer);
            }
        }
        (reached.len() as u64 - 1 - not_to_all.count(), to_some.count())
    }

    /// Whether an edge leads from one node to another; slots are in the order of ids if stored.
    fn leads(&self, from: NodeId, to: NodeId) -> bool {
        let (mut low, mut high) = (0, self.degree(from));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.peer(from, middle) < to { low = middle + 1 } else { high = middle }
        }
        low < self.degree(from) && self.peer(from, low) == to
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EdgeDirection, Topology};
    use super::*;

    fn graph(rows: &str, nodes: u32, direction: EdgeDirection) -> Topology {
        Topology::read_edge_list("t", rows.as_bytes(), None, direction, nodes).expect("a graph")
    }

    #[test]
    fn of_a_directed_graph_only_what_edges_lead_to() {
        let directed = EdgeDirection::SourceToTarget;
        let cycle = graph("0,1\n1,2\n2,0\n", 3, directed);
        assert_eq!(cycle.reach(NodeId(1)), Reach { nodes: 3, edges: 3, back: (0, 0) });
        let path = graph("0,1\n1,2\n3,2\n", 4, directed);
        assert_eq!(path.reach(NodeId(1)), Reach { nodes: 2, edges: 1, back: (0, 0) });
        assert_eq!(path.reach(NodeId(2)), Reach { nodes: 1, edges: 0, back: (0, 0) });
        // 2 is told by 0, to which it has no edge, or by 1, to which it has one.
        let either = graph("0,1\n0,2\n1,2\n2,1\n", 3, directed);
        assert_eq!(either.reach(NodeId(0)), Reach { nodes: 3, edges: 4, back: (0, 2) });
        let backwards = graph("0,1\n1,2\n3,2\n", 4, EdgeDirection::TargetToSource);
        assert_eq!(backwards.reach(NodeId(2)), Reach { nodes: 4, edges: 3, back: (0, 0) });
    }

    #[test]
    fn of_an_undirected_one_its_component() {
        let two = graph("0,1\n1,2\n3,4\n", 6, EdgeDirection::Undirected);
        assert_eq!(two.reach(NodeId(2)), Reach { nodes: 3, edges: 4, back: (2, 2) });
        assert_eq!(two.reach(NodeId(5)), Reach { nodes: 1, edges: 0, back: (0, 0) });
        // The same by both rows of each edge.
        let rows = graph("0,1\n1,0\n1,2\n2,1\n", 3, EdgeDirection::SourceToTarget);
        assert_eq!(rows.reach(NodeId(0)), Reach { nodes: 3, edges: 4, back: (2, 2) });
    }
}
