//! Persistent differences: a factor that each pair of nodes has, and one that each node has.
//!
//! Each factor is lognormal with median 1 and the scenario's σ, cut at [`MOST`] σ, and drawn once
//! by the seed: from the two ids of a pair, whichever sends (a path is mostly the same in both
//! directions), or from the id of a node. A message between two nodes has the factor of the pair
//! and those of both nodes, and they stretch what its delay has above `min_delay`. So no delay
//! falls below `min_delay`, and the least delay is known without looking at all pairs.

use anthill_protocol::NodeId;
use anthill_protocol::draw::{Purpose, Streams, draw};

use super::link::{Powers, scaled, sigma_bits};
use super::quantile::{FRACTION, Quantile};
use super::{NetworkError, SpreadSpec};

/// A factor is within this many σ of 1, on the scale of its logarithm.
const MOST: i64 = 3;
/// Greatest σ: factors of 1/20 to 20.
const MAX_SIGMA: f64 = 1.0;
/// Longest delay that a factor makes, in ns: 36 years. Keeps sums far from the end of time.
const LONGEST: u64 = 1 << 60;

/// The factors of all pairs and nodes.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    /// σ as binary logarithms, as links have it; 0: no such factor.
    pairs: u32,
    nodes: u32,
    pair_draws: u64,
    node_draws: Streams,
    normal: Quantile,
    min_delay: u64,
    /// What no factor may exceed: Δ of the synchronous model.
    longest: u64,
}

impl Spread {
    /// `None` if nodes and pairs do not differ. `delta` bounds all delays.
    pub(crate) fn build(
        spec: &SpreadSpec,
        min_delay: u64,
        delta: Option<u64>,
        seed: u64,
    ) -> Result<Option<Self>, NetworkError> {
        for (field, sigma) in
            [("network.pair_spread", spec.pairs), ("network.node_spread", spec.nodes)]
        {
            if !(0.0..=MAX_SIGMA).contains(&sigma) {
                let problem = format!("{sigma}; give 0 to {MAX_SIGMA}");
                return Err(NetworkError::field(field, problem));
            }
        }
        let (pairs, nodes) = (sigma_bits(spec.pairs), sigma_bits(spec.nodes));
        let draws = Streams::new(seed, Purpose::Spread);
        Ok((pairs > 0 || nodes > 0).then(|| Self {
            pairs,
            nodes,
            // No node has this id.
            pair_draws: draws.of(NodeId(u32::MAX)),
            node_draws: draws,
            normal: Quantile::normal(),
            min_delay,
            longest: delta.unwrap_or(LONGEST),
        }))
    }

    /// The delay of a message between two nodes that would take `delay` ns without differences.
    pub(crate) fn between(&self, from: NodeId, to: NodeId, delay: u64, powers: &Powers) -> u64 {
        let exponent = self.of_pair(from, to) + self.of_node(from) + self.of_node(to);
        self.stretch(delay, exponent, powers)
    }

    /// What a node's access link adds, if it adds `delay` ns without differences.
    pub(crate) fn at(&self, node: NodeId, delay: u64, powers: &Powers) -> u64 {
        scaled(delay, self.of_node(node), powers).min(LONGEST)
    }

    /// The least that becomes of a delay of at least `floor` ns.
    pub(crate) fn least(&self, floor: u64, powers: &Powers) -> u64 {
        let exponent =
            exponent(-MOST << FRACTION, self.pairs) + 2 * exponent(-MOST << FRACTION, self.nodes);
        self.stretch(floor, exponent, powers)
    }

    /// Bytes of heap memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        size_of::<Self>() as u64 + self.normal.memory_bytes()
    }

    fn stretch(&self, delay: u64, exponent: i64, powers: &Powers) -> u64 {
        let above = delay.saturating_sub(self.min_delay);
        let longest = self.longest.max(self.min_delay);
        (delay - above).saturating_add(scaled(above, exponent, powers)).min(longest)
    }

    fn of_pair(&self, a: NodeId, b: NodeId) -> i64 {
        let (low, high) = (a.0.min(b.0), a.0.max(b.0));
        self.drawn(self.pairs, draw(self.pair_draws, u64::from(low) << 32 | u64::from(high)))
    }

    fn of_node(&self, node: NodeId) -> i64 {
        self.drawn(self.nodes, draw(self.node_draws.of(node), 0))
    }

    fn drawn(&self, sigma: u32, bits: u64) -> i64 {
        if sigma == 0 {
            return 0;
        }
        exponent(self.normal.at(bits).clamp(-MOST << FRACTION, MOST << FRACTION), sigma)
    }
}

/// σ·z as a binary logarithm.
fn exponent(z: i64, sigma: u32) -> i64 {
    (z * i64::from(sigma)) >> super::link::SIGMA_FRACTION
}
