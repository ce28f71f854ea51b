//! A table of single nodes: their stakes and rates.

use anthill_protocol::NodeId;

/// What a node file says of each node.
#[derive(Clone, Debug, Default)]
pub struct NodeTable {
    stakes: Vec<f64>,
    rates: Vec<(u64, u64)>,
}

impl NodeTable {
    /// From one entry per node, or none at all where the file has no such column.
    pub(crate) fn new(stakes: Vec<f64>, rates: Vec<(u64, u64)>) -> Self {
        Self { stakes, rates }
    }

    /// A node's stake, in the file's unit; `None`: the file has no such column.
    pub fn stake(&self, node: NodeId) -> Option<f64> {
        self.stakes.get(node.index()).copied()
    }

    /// A node's rates up and down, in bit/s; `None`: the file has no such columns.
    pub fn rates(&self, node: NodeId) -> Option<(u64, u64)> {
        self.rates.get(node.index()).copied()
    }

    /// Bytes of heap memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        (size_of_val(&*self.stakes) + size_of_val(&*self.rates)) as u64
    }
}
