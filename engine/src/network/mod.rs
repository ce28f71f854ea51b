//! How long a message takes.
//!
//! [`Network`] is a pure function: the delay of a message follows from the scenario, the seed, its
//! two ends and its sequence number, so any shard, process or tool computes the same. Draws are
//! counter-based and integer; floats appear only at set-up, through `libm`.
//!
//! Reading order: [`NetworkSpec`] → `table` with its sources `presets` and `load` (measured
//! figures) → `jitter`, `fit` and `link` (a link fitted to them) → `regional` and `edge_delay` (which link
//! a message takes) → `model` (the delay model as a whole) → `spread` (how pairs and nodes differ).
//! `quantile`, `gamma` and `alias` turn uniform bits into values; `tails` says what came of it all.
//!
//! Invariant: no delay between distinct nodes is below [`Network::lookahead`], which is positive.

mod alias;
pub(crate) mod columns;
mod edge_delay;
mod error;
mod fit;
pub(crate) mod gamma;
mod gaps;
mod jitter;
pub(crate) mod lines;
mod link;
mod load;
mod model;
mod node_table;
mod presets;
mod quantile;
pub mod rates;
mod regional;
mod spec;
mod spread;
pub(crate) mod table;
mod tails;
#[cfg(test)]
mod tests;
mod timing;

use anthill_protocol::draw::{Purpose, Streams, below, draw};
use anthill_protocol::{NodeId, RegionId, Span};

use crate::topology::{self, Topology};
use edge_delay::EdgeDelay;
pub use error::NetworkError;
pub(crate) use error::suggestion;
pub(crate) use jitter::Jitter;
pub(crate) use link::{Link, MAX_SIGMA, MIN_SIGMA, Powers};
pub(crate) use load::stakes;
use model::{MAX_STATED, Model, Parts, bounded};
pub use node_table::NodeTable;
pub use presets::PRESETS;
use quantile::FRACTION;
pub(crate) use quantile::Quantile;
use regional::Regional;
pub use spec::{
    JitterSpec, LatencyKind, ModelSpec, NetworkSpec, NodeFileSpec, RegionFormat, RegionsSpec,
    SpreadSpec,
};
use spread::Spread;
pub use tails::Tail;
pub use timing::Timing;

/// Greatest `min_delay`: 18 minutes.
const MAX_MIN_DELAY: Span = Span(1 << 40);
/// Links listed as limiting the lookahead.
const LISTED_LINKS: usize = 10;
/// Messages sampled for the horizon.
const HORIZON_SAMPLES: u64 = 4096;
/// Pairs of nodes between which round trips are sampled.
const ROUND_TRIPS: u64 = 1 << 14;

/// The delays and the topology of a scenario.
#[derive(Clone, Debug)]
pub struct Network {
    draws: Streams,
    model: Model,
    timing: Timing,
    /// How edges with latencies of their own delay; `None` if there are none.
    edge_delay: Option<EdgeDelay>,
    /// How pairs and nodes differ; `None` if they do not.
    spread: Option<Box<Spread>>,
    /// Whether all delays are the model's: neither of the two.
    is_plain: bool,
    /// What links and edges draw from.
    quantiles: Quantile,
    powers: Powers,
    nodes: Option<NodeTable>,
    loopback: Span,
    topology: Topology,
    regions: Vec<String>,
    limiting: Vec<LimitingLink>,
    lookahead: Span,
    horizon: Span,
    clamped: u64,
    notes: Vec<String>,
}

/// A link whose floor limits the lookahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitingLink {
    /// Where it starts: a region, a node, or any node.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// Its least delay.
    pub floor: Span,
}

impl Network {
    /// Builds the network of `nodes` nodes, checking everything about it.
    pub fn build(spec: &NetworkSpec, nodes: u32, seed: u64) -> Result<Self, NetworkError> {
        bounded("network.min_delay", spec.min_delay, Span(1), MAX_MIN_DELAY)?;
        bounded("network.loopback", spec.loopback, Span::ZERO, MAX_STATED)?;
        let topology = Topology::build(&spec.topology, nodes, seed)?;
        let parts = Parts::build(spec, (nodes, topology.names()), seed)?;
        let Parts { model, timing, nodes: node_table, jitter, quantiles, mut notes } = parts;
        notes.extend_from_slice(topology.notes());
        let edge_delay =
            topology.with_latencies().map(|_| EdgeDelay::new(spec.min_delay.0, jitter));
        let delta = match timing {
            Timing::Synchronous { delta } => Some(delta.0),
            _ => None,
        };
        let spread = Spread::build(&spec.spread, spec.min_delay.0, delta, seed)?;
        let mut network = Self {
            draws: Streams::new(seed, Purpose::Delay),
            regions: match model.regional() {
                Some(regional) => regional.names().to_vec(),
                None => vec!["everywhere".into()],
            },
            model,
            timing,
            is_plain: edge_delay.is_none() && spread.is_none(),
            edge_delay,
            spread: spread.map(Box::new),
            quantiles,
            powers: Powers::new(),
            nodes: node_table,
            loopback: spec.loopback,
            topology,
            limiting: Vec::new(),
            lookahead: Span::ZERO,
            horizon: Span::ZERO,
            clamped: 0,
            notes,
        };
        network.clamped = network.count_clamped();
        network.limiting = network.find_limiting();
        network.lookahead = network.limiting[0].floor;
        network.horizon = network.sample_horizon(nodes).max(network.lookahead);
        Ok(network)
    }

    /// The delay of a message between two distinct nodes. `sequence` numbers the sender's messages.
    ///
    /// Where edges have latencies, that of the edge between the two counts, else that of the edge
    /// in the other direction, else the model.
    #[inline(always)]
    pub fn delay(&self, from: NodeId, to: NodeId, sequence: u32) -> Span {
        let bits = self.bits(from, sequence);
        if self.is_plain { self.model_delay(from, to, bits) } else { self.edge(from, to, bits) }
    }

    /// The delay where not only the model decides.
    #[inline(never)]
    fn edge(&self, from: NodeId, to: NodeId, bits: u64) -> Span {
        let stored = self.topology.with_latencies();
        let latency = stored.and_then(|stored| stored.latency_between(from, to));
        self.particular_delay(from, to, latency, bits)
    }

    /// The delay of a message to the neighbour in a slot; `to` is that neighbour.
    #[inline]
    pub fn delay_via(&self, from: NodeId, slot: u32, to: NodeId, sequence: u32) -> Span {
        debug_assert_eq!(self.topology.peer(from, slot), to);
        let bits = self.bits(from, sequence);
        if self.is_plain {
            return self.model_delay(from, to, bits);
        }
        let stored = self.topology.with_latencies();
        let latency = stored.and_then(|stored| stored.latency(from, slot));
        self.particular_delay(from, to, latency, bits)
    }

    /// The delay of a message that a node sends itself: the loopback, or for the exponential model
    /// (but no timing model) the delay to any other node.
    #[inline(never)]
    pub fn self_delay(&self, node: NodeId, sequence: u32) -> Span {
        match (&self.model, self.timing) {
            (Model::Exponential { .. }, Timing::Realistic) => {
                self.model_delay(node, node, self.bits(node, sequence))
            }
            _ => self.loopback,
        }
    }

    /// What a node's access link adds to a message, given what it adds to that of an ordinary node.
    #[inline]
    pub(crate) fn access_delay(&self, node: NodeId, delay_ns: u64) -> u64 {
        match &self.spread {
            None => delay_ns,
            Some(spread) => spread.at(node, delay_ns, &self.powers),
        }
    }

    /// The region a node is in; the only one in models without regions.
    #[inline]
    pub fn region_of(&self, node: NodeId) -> RegionId {
        match &self.model {
            Model::Regional(regional) => regional.region_of(node),
            Model::Listed(listed) => listed.by_node[node.index()],
            Model::Uniform { .. } | Model::Exponential { .. } => RegionId(0),
        }
    }

    /// Names of the regions that hold nodes.
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// The least delay of every link between regions, row by row of the sending region; `None` in
    /// models without regions.
    pub fn region_floors(&self) -> Option<Vec<Span>> {
        let links = self.model.regional()?.links();
        Some(links.map(|(_, _, link)| self.least(link.floor())).collect())
    }

    /// Regions of a table with gaps that hold no node because the scenario gave no shares.
    pub fn left_out(&self) -> &[String] {
        self.model.regional().map_or(&[], |regional| regional.left_out())
    }

    /// The topology.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// L: no message between two distinct nodes takes less. Positive.
    pub fn lookahead(&self) -> Span {
        self.lookahead
    }

    /// A delay that about 99 % of messages to neighbours stay under. Sizes the near calendar and
    /// changes no result.
    pub fn horizon(&self) -> Span {
        self.horizon
    }

    /// The links that limit the lookahead, least floor first; at least one, up to ten.
    pub fn limiting_links(&self) -> Vec<LimitingLink> {
        self.limiting.clone()
    }

    /// What is to be said of the files that it was read from, each by its name: columns without
    /// effect, an order that was assumed, rows that were left out, components of a graph.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Entries of tables and edges whose floor was raised to `min_delay`.
    pub fn clamped(&self) -> u64 {
        self.clamped
    }

    /// Regions whose table has no latency within them, so that `min_delay` and a median of twice
    /// that were assumed.
    pub fn assumed(&self) -> u64 {
        self.model.regional().map_or(0, |regional| regional.assumed())
    }

    /// Floor and mean of the exponential part, if the delay between distinct nodes is
    /// `floor + Exp(mean)` for all; `None` in a timing model, which may bound or schedule it.
    pub fn exponential_delay(&self) -> Option<(Span, Span)> {
        match (&self.model, self.timing, self.is_plain) {
            (Model::Exponential { floor, mean, .. }, Timing::Realistic, true) => {
                Some((Span(*floor), Span(*mean)))
            }
            _ => None,
        }
    }

    /// What the timing model promises about messages between distinct nodes. [`Self::delay`] keeps
    /// the promise of the synchronous model; that of partial synchrony depends on when a message is
    /// sent, so the caller has to bound the arrival by [`Timing::latest`].
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Rates up and down in bit/s by [`RegionId`], if the preset has some (`bitcoin-2019`).
    pub fn preset_rates(&self) -> Option<&[(u64, u64)]> {
        self.model.regional()?.rates()
    }

    /// Greatest rate of one transfer between different regions in bit/s, if the preset has one
    /// (`bitcoin-2019`).
    pub fn preset_cap(&self) -> Option<u64> {
        self.model.regional()?.cap()
    }

    /// The table of single nodes, if the scenario has one.
    pub fn node_table(&self) -> Option<&NodeTable> {
        self.nodes.as_ref()
    }

    /// Bytes of heap memory, topology included.
    pub fn memory_bytes(&self) -> u64 {
        let shapes = self.quantiles.memory_bytes() + self.powers.memory_bytes();
        let nodes = self.nodes.as_ref().map_or(0, NodeTable::memory_bytes)
            + self.spread.as_ref().map_or(0, |spread| spread.memory_bytes());
        self.model.memory_bytes() + shapes + nodes + self.topology.memory_bytes()
    }

    #[inline]
    fn bits(&self, from: NodeId, sequence: u32) -> u64 {
        draw(self.draws.of(from), u64::from(sequence))
    }

    #[inline(always)]
    fn model_delay(&self, from: NodeId, to: NodeId, bits: u64) -> Span {
        Span(match &self.model {
            Model::Regional(regional) => {
                let link = regional.link(regional.region_of(from), regional.region_of(to));
                link.delay(bits, &self.quantiles, &self.powers)
            }
            Model::Exponential { floor, mean, table } => {
                let excess = u128::from(table.at(bits) as u64) * u128::from(*mean);
                floor + (excess >> FRACTION) as u64
            }
            // Out of line: two comparisons take less than a table of jumps.
            _ => self.other_delay(from, to, bits),
        })
    }

    /// The delay in the models that are neither of the two commonest.
    #[inline(never)]
    fn other_delay(&self, from: NodeId, to: NodeId, bits: u64) -> u64 {
        match &self.model {
            Model::Listed(listed) => {
                listed.link(from, to).delay(bits, &self.quantiles, &self.powers)
            }
            Model::Uniform { min, values } => min + below(bits, *values),
            _ => unreachable!("drawn inline"),
        }
    }

    /// Round trips between random pairs of `nodes` nodes, shortest first: without what a scenario's
    /// conditions add. Empty if there are no pairs.
    pub fn round_trips(&self, nodes: u32) -> Box<[Span]> {
        if nodes < 2 {
            return Box::default();
        }
        // No node has this id, and horizons use other numbers.
        let key = self.draws.of(NodeId(u32::MAX));
        let node = |i: u64, bound: u32| below(draw(key, (1 << 32) + i), bound.into()) as u32;
        let round_trip = |i: u64| {
            let (from, other) = (node(2 * i, nodes), node(2 * i + 1, nodes - 1));
            let (from, to) = (NodeId(from), NodeId(other + u32::from(other >= from)));
            let sequence = i as u32;
            self.delay(from, to, sequence) + self.delay(to, from, sequence)
        };
        let mut found: Box<[Span]> = (0..ROUND_TRIPS).map(round_trip).collect();
        found.sort_unstable();
        found
    }

    /// The delay between two nodes where not only the model decides: over an edge with a latency of
    /// its own, or between nodes that differ for good. Out of line, for the same reason.
    #[inline(never)]
    fn particular_delay(&self, from: NodeId, to: NodeId, latency: Option<u32>, bits: u64) -> Span {
        let delay = match (self.edge_delay, latency) {
            (Some(edges), Some(latency)) => {
                Span(edges.link(latency).delay(bits, &self.quantiles, &self.powers))
            }
            _ => self.model_delay(from, to, bits),
        };
        match &self.spread {
            None => delay,
            Some(spread) => Span(spread.between(from, to, delay.0, &self.powers)),
        }
    }

    /// The least that a link's floor becomes for any pair of its nodes.
    fn least(&self, floor: u64) -> Span {
        Span(self.spread.as_ref().map_or(floor, |spread| spread.least(floor, &self.powers)))
    }

    fn count_clamped(&self) -> u64 {
        let pairs = self.model.regional().map_or(0, |regional| regional.clamped());
        let edges =
            self.edge_delay.zip(self.topology.with_latencies()).map_or(0, |(delay, csr)| {
                csr.with_latencies().filter(|(_, _, latency)| delay.clamps(*latency)).count() as u64
            });
        pairs + edges
    }

    fn find_limiting(&self) -> Vec<LimitingLink> {
        let any = |floor: u64| LimitingLink {
            from: "any node".into(),
            to: "any other node".into(),
            floor: self.least(floor),
        };
        let mut links = match &self.model {
            Model::Uniform { min, .. } => vec![any(*min)],
            Model::Exponential { floor, .. } => vec![any(*floor)],
            Model::Regional(regional) => self.limiting_pairs(regional),
            Model::Listed(listed) => self.limiting_pairs(&listed.regional),
        };
        if let (Some(delay), Some(csr)) = (self.edge_delay, self.topology.with_latencies()) {
            let mut least: Vec<(u64, NodeId, NodeId)> = Vec::new();
            for (from, to, latency) in csr.with_latencies() {
                let floor = delay.link(latency).floor();
                if least.len() < LISTED_LINKS || least.last().is_some_and(|l| floor < l.0) {
                    let place = least.partition_point(|l| l.0 <= floor);
                    least.insert(place, (floor, from, to));
                    least.truncate(LISTED_LINKS);
                }
            }
            links.extend(least.into_iter().map(|(floor, from, to)| LimitingLink {
                from: from.to_string(),
                to: to.to_string(),
                floor: self.least(floor),
            }));
            links.sort_by_key(|link| link.floor);
            links.truncate(LISTED_LINKS);
        }
        links
    }

    fn limiting_pairs(&self, regional: &Regional) -> Vec<LimitingLink> {
        let mut links: Vec<(u64, &str, &str)> = Vec::with_capacity(LISTED_LINKS + 1);
        for link in regional.links().map(|(a, b, l)| (l.floor(), a, b)) {
            if links.len() < LISTED_LINKS || links.last().is_some_and(|last| link < *last) {
                links.insert(links.partition_point(|l| *l <= link), link);
                links.truncate(LISTED_LINKS);
            }
        }
        let named = |(floor, from, to): (u64, &str, &str)| LimitingLink {
            from: from.to_owned(),
            to: to.to_owned(),
            floor: self.least(floor),
        };
        links.into_iter().map(named).collect()
    }

    /// Sampled rather than derived: the same for every model, topology and mixture of both.
    fn sample_horizon(&self, nodes: u32) -> Span {
        // No node has this id.
        let key = self.draws.of(NodeId(u32::MAX));
        let mut delays: Vec<Span> = (0..HORIZON_SAMPLES)
            .filter_map(|i| {
                let from = NodeId(below(draw(key, 2 * i), u64::from(nodes)) as u32);
                let degree = self.topology.degree(from);
                if degree == 0 {
                    return None;
                }
                let slot = below(draw(key, 2 * i + 1), u64::from(degree)) as u32;
                Some(self.delay_via(from, slot, self.topology.peer(from, slot), i as u32))
            })
            .collect();
        delays.sort_unstable();
        delays.get(delays.len() * 99 / 100).copied().unwrap_or(self.lookahead)
    }
}

/// Bytes of memory that building a network takes at its peak, estimated without building it.
pub fn estimate_bytes(spec: &NetworkSpec, nodes: u32) -> u64 {
    let model = match &spec.model {
        ModelSpec::Regional { regions, .. } => (1 << 20) + load::estimate_bytes(regions),
        _ => 1 << 18,
    };
    // Which columns a node file has is not known before it is read.
    let per_node = spec.node_file.as_ref().map_or(0, |_| load::NODE_FILE_BYTES_PER_NODE);
    topology::estimate_bytes(&spec.topology, nodes)
        .saturating_add(model)
        .saturating_add(per_node * u64::from(nodes))
}
