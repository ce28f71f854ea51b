//! A random regular graph that is computed: the union of random Hamiltonian cycles.
//!
//! Cycle `i` visits the nodes in the order of a keyed [`Permutation`]; slots `2i` and `2i + 1` of a
//! node are its successor and predecessor on it. The graph is connected, has no self-loops, needs
//! no memory, and for degree ≥ 4 is an expander like a uniform random regular graph (the two models
//! are contiguous). Two cycles may share an edge: a node then has the same peer in two slots, about
//! degree² / (2·nodes) of the time.

use anthill_protocol::NodeId;
use anthill_protocol::draw::{Purpose, draw, stream};

use super::permutation::Permutation;

/// Peers on a few cycles.
#[derive(Clone, Debug)]
pub(crate) struct Cycles {
    nodes: u32,
    orders: Box<[Permutation]>,
}

impl Cycles {
    /// `degree / 2` cycles over at least three nodes.
    pub(crate) fn new(nodes: u32, degree: u32, seed: u64) -> Self {
        let key = stream(seed, Purpose::Topology, NodeId(0));
        let cycle = |i| Permutation::new(nodes, draw(key, u64::from(i)));
        Self { nodes, orders: (0..degree / 2).map(cycle).collect() }
    }

    /// Slots per node.
    #[inline]
    pub(crate) fn degree(&self) -> u32 {
        2 * self.orders.len() as u32
    }

    /// The node in a slot.
    #[inline]
    pub(crate) fn peer(&self, node: NodeId, slot: u32) -> NodeId {
        let order = &self.orders[(slot / 2) as usize];
        let place = order.inverse(node.0);
        let next = if slot.is_multiple_of(2) {
            if place + 1 == self.nodes { 0 } else { place + 1 }
        } else if place == 0 {
            self.nodes - 1
        } else {
            place - 1
        };
        NodeId(order.forward(next))
    }

    /// Bytes of heap memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.orders) as u64
    }
}
