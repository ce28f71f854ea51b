//! Which sub-shard and shard a node lives in: a pure function of its id.
//!
//! A *sub-shard* is 2^k consecutive nodes: the unit that is sorted and handled as one, sized so that
//! a window's events of it stay in the cache. A *shard* is a run of consecutive sub-shards: the unit
//! of ownership. Neither changes a result. Each of several processes has a run of the sub-shards, of which
//! all know where they lie, and divides its own among shards.

use anthill_protocol::NodeId;

/// The stored form of an event has 24 bits for a node's index in its sub-shard; four are kept free.
const MAX_SHIFT: u32 = 20;
/// A window's events of one sub-shard should number about this many.
const EVENTS_PER_WINDOW: f64 = 16_384.0;
/// Bounds of the matrix of mailboxes.
const MAX_SUBSHARDS: u32 = 8_192;
/// Fewer nodes than this in a sub-shard never pay.
const MIN_SHIFT: u32 = 8;
/// Sub-shards that a large network has at least, so that threads can share them out evenly.
const ENOUGH_SUBSHARDS: u32 = 16;
/// Sub-shards with fewer events a window are not divided further for that: opening one costs more.
const MIN_EVENTS_PER_WINDOW: f64 = 64.0;
/// Sub-shards this small are not divided further for that.
const SMALL_SHIFT: u32 = 10;

/// How the nodes are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) nodes: u32,
    /// log2 of the nodes per sub-shard.
    pub(crate) shift: u32,
    /// The bits of an id that are its index in its sub-shard.
    mask: u32,
    pub(crate) subshards: u32,
    /// This process's shards, its first sub-shard, and how many it has.
    pub(crate) shards: u32,
    first: u32,
    own: u32,
}

impl Placement {
    /// Divides `nodes` among `shards`. `events_per_window` is the expected number of events per
    /// node and window; `wanted` nodes per sub-shard overrule it.
    pub(crate) fn new(
        nodes: u32,
        shards: u32,
        events_per_window: f64,
        wanted: Option<u32>,
    ) -> Self {
        let ideal = match wanted {
            Some(nodes) => u64::from(nodes.max(1)),
            None => (EVENTS_PER_WINDOW / events_per_window.clamp(1e-6, 16.0)) as u64,
        };
        let per_shard = nodes.div_ceil(shards).max(1);
        let smallest = nodes.div_ceil(MAX_SUBSHARDS).next_power_of_two().trailing_zeros();
        let shift = match wanted {
            Some(_) => ceil_log2(ideal),
            None => {
                let worthwhile =
                    ceil_log2((MIN_EVENTS_PER_WINDOW / events_per_window.max(1e-6)) as u64);
                let even =
                    (nodes / ENOUGH_SUBSHARDS).max(1).ilog2().max(SMALL_SHIFT).max(worthwhile);
                ceil_log2(ideal).max(MIN_SHIFT).min(even)
            }
        };
        // Every shard needs a sub-shard of its own, as far as the nodes go.
        let widest = if shards == 1 { ceil_log2(nodes.into()) } else { per_shard.ilog2() };
        let shift = shift.min(widest).max(smallest).min(MAX_SHIFT);
        let subshards = nodes.div_ceil(1 << shift).max(1);
        let mask = (1 << shift) - 1;
        Self { nodes, shift, mask, subshards, shards, first: 0, own: subshards }
    }

    /// The part of one of `size` processes, in so many shards.
    pub(crate) fn part(self, rank: u32, size: u32, shards: u32) -> Self {
        let first = self.first_of(rank, size);
        Self { first, own: self.first_of(rank + 1, size) - first, shards, ..self }
    }

    /// The first sub-shard of one of `size` processes.
    pub(crate) fn first_of(&self, rank: u32, size: u32) -> u32 {
        (u64::from(self.subshards) * u64::from(rank) / u64::from(size)) as u32
    }

    /// The sub-shards of this process.
    pub(crate) fn own_subshards(&self) -> core::ops::Range<u32> {
        self.first..self.first + self.own
    }

    /// The nodes of this process.
    pub(crate) fn own_nodes(&self) -> core::ops::Range<u32> {
        let at =
            |subshard: u32| (u64::from(subshard) << self.shift).min(u64::from(self.nodes)) as u32;
        at(self.first)..at(self.first + self.own)
    }

    /// The sub-shards of a shard; empty if there are more shards than sub-shards.
    pub(crate) fn subshards_of(&self, shard: u32) -> core::ops::Range<u32> {
        let at = |s: u32| {
            self.first + (u64::from(self.own) * u64::from(s) / u64::from(self.shards)) as u32
        };
        at(shard)..at(shard + 1)
    }

    /// The shard that has a sub-shard of this process.
    pub(crate) fn shard_of(&self, subshard: u32) -> u32 {
        let (own, shards) = (u64::from(self.own), u64::from(self.shards));
        ((shards * (u64::from(subshard - self.first) + 1)).div_ceil(own) - 1) as u32
    }

    /// The nodes of a sub-shard.
    pub(crate) fn nodes_of(&self, subshard: u32) -> core::ops::Range<u32> {
        let first = u64::from(subshard) << self.shift;
        let end = (first + (1 << self.shift)).min(u64::from(self.nodes));
        first as u32..end as u32
    }

    /// The node of an index in a sub-shard.
    pub(crate) fn node(&self, subshard: u32, local: u32) -> NodeId {
        NodeId(subshard << self.shift | local)
    }

    #[inline]
    pub(crate) fn subshard_of(&self, node: NodeId) -> u32 {
        node.0 >> self.shift
    }

    #[inline]
    pub(crate) fn local(&self, node: NodeId) -> u32 {
        node.0 & self.mask
    }
}

fn ceil_log2(n: u64) -> u32 {
    n.max(1).next_power_of_two().trailing_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_is_in_exactly_one_sub_shard_and_shard() {
        for nodes in [1, 2, 7, 255, 256, 257, 10_000, 1_000_000] {
            for shards in [1, 2, 3, 7, 64] {
                let placement = Placement::new(nodes, shards, 0.3, None);
                let mut next = 0;
                for shard in 0..shards {
                    for subshard in placement.subshards_of(shard) {
                        assert_eq!(placement.shard_of(subshard), shard);
                        let range = placement.nodes_of(subshard);
                        assert_eq!(range.start, next);
                        assert!(range.end > range.start, "{placement:?}");
                        for node in [range.start, range.end - 1] {
                            assert_eq!(placement.subshard_of(NodeId(node)), subshard);
                            assert_eq!(placement.local(NodeId(node)), node - range.start);
                        }
                        next = range.end;
                    }
                }
                assert_eq!(next, nodes, "{placement:?}");
            }
        }
    }

    #[test]
    fn every_sub_shard_is_in_one_process_and_one_of_its_shards() {
        for nodes in [1, 256, 10_000, 1_000_000] {
            for (size, shards) in [(1, 3), (2, 1), (3, 2), (4, 2), (64, 1)] {
                let whole = Placement::new(nodes, size * shards, 0.3, None);
                let (mut next, mut next_node) = (0, 0);
                for rank in 0..size {
                    let part = whole.part(rank, size, shards);
                    assert_eq!(part.own_subshards().start, next);
                    assert_eq!(part.own_nodes().start, next_node);
                    for shard in 0..shards {
                        for subshard in part.subshards_of(shard) {
                            assert_eq!((part.shard_of(subshard), subshard), (shard, next));
                            next += 1;
                        }
                    }
                    assert_eq!(part.own_subshards().end, next);
                    next_node = part.own_nodes().end;
                }
                assert_eq!((next, next_node), (whole.subshards, nodes), "{whole:?}");
            }
        }
    }

    #[test]
    fn the_matrix_stays_bounded_at_the_largest_networks() {
        let placement = Placement::new(u32::MAX, 1, 8.0, Some(16));
        assert!(placement.subshards <= MAX_SUBSHARDS, "{placement:?}");
    }
}
