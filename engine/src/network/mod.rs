//! How long a message takes.
//!
//! [`Network`] is a pure function: the delay of a message follows from the scenario, the seed, its
//! two ends and its sequence number, so any shard, process or tool computes the same. Draws are
//! counter-based and integer; floats appear only at set-up, through `libm`.
//!
//! Reading order: [`NetworkSpec`] → `table` with its sources `presets` and `load` (measured
//! figures) → `lognormal` (a link fitted to them) → `regional` and `edge_delay` (which link a
//! message takes). `quantile` and `alias` turn uniform bits into values.
//!
//! Invariant: no delay between distinct nodes is below [`Network::lookahead`], which is positive.

mod alias;
mod edge_delay;
mod error;
mod gaps;
pub(crate) mod lines;
mod load;
mod lognormal;
mod node_table;
mod presets;
mod quantile;
pub mod rates;
mod regional;
mod spec;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod timing;

use anthill_protocol::draw::{Purpose, Streams, below, draw};
use anthill_protocol::{NodeId, RegionId, Span};

use crate::topology::{self, Topology};
use edge_delay::EdgeDelay;
pub use error::NetworkError;
pub(crate) use error::suggestion;
use lognormal::{DEFAULT_SIGMA, MAX_SIGMA, MIN_SIGMA};
pub(crate) use lognormal::{Powers, excess, sigma_bits};
pub use node_table::NodeTable;
pub use presets::PRESETS;
use quantile::FRACTION;
pub(crate) use quantile::Quantile;
use regional::Regional;
pub use spec::{
    JitterSpec, LatencyKind, ModelSpec, NetworkSpec, NodeFileSpec, RegionFormat, RegionsSpec,
};
pub use timing::Timing;

/// Greatest delay a scenario may state: 13 days. Keeps sums far from the end of time.
const MAX_STATED: Span = Span(1 << 50);
/// Greatest `min_delay`: 18 minutes.
const MAX_MIN_DELAY: Span = Span(1 << 40);
/// Links listed as limiting the lookahead.
const LISTED_LINKS: usize = 10;
/// Messages sampled for the horizon.
const HORIZON_SAMPLES: u64 = 4096;

/// The delays and the topology of a scenario.
#[derive(Clone, Debug)]
pub struct Network {
    draws: Streams,
    model: Model,
    /// How edges with latencies of their own delay; `None` if there are none.
    edge_delay: Option<EdgeDelay>,
    normal: Quantile,
    powers: Powers,
    loopback: Span,
    topology: Topology,
    regions: Vec<String>,
    limiting: Vec<LimitingLink>,
    lookahead: Span,
    horizon: Span,
    clamped: u64,
}

/// A delay model, ready to draw from.
#[derive(Clone, Debug)]
enum Model {
    Regional(Regional),
    Uniform { min: u64, values: u64 },
    Exponential { floor: u64, mean: u64, table: Quantile },
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
        let model = Model::new(spec, seed)?;
        let topology = Topology::build(&spec.topology, nodes, seed)?;
        let sigma = match &spec.model {
            ModelSpec::Regional { jitter: JitterSpec::Lognormal { sigma }, .. } => *sigma,
            _ => DEFAULT_SIGMA,
        };
        let edge_delay = topology.with_latencies().map(|_| EdgeDelay::new(spec.min_delay.0, sigma));
        let mut network = Self {
            draws: Streams::new(seed, Purpose::Delay),
            regions: match &model {
                Model::Regional(regional) => regional.names().to_vec(),
                _ => vec!["everywhere".into()],
            },
            model,
            edge_delay,
            normal: Quantile::normal(),
            powers: Powers::new(),
            loopback: spec.loopback,
            topology,
            limiting: Vec::new(),
            lookahead: Span::ZERO,
            horizon: Span::ZERO,
            clamped: 0,
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
    #[inline]
    pub fn delay(&self, from: NodeId, to: NodeId, sequence: u32) -> Span {
        let bits = self.bits(from, sequence);
        if let Some(edges) = self.edge_delay {
            let stored = self.topology.with_latencies();
            if let Some(latency) = stored.and_then(|stored| stored.latency_between(from, to)) {
                return Span(edges.link(latency).delay(bits, &self.normal, &self.powers));
            }
        }
        self.model_delay(from, to, bits)
    }

    /// The delay of a message to the neighbour in a slot; `to` is that neighbour.
    #[inline]
    pub fn delay_via(&self, from: NodeId, slot: u32, to: NodeId, sequence: u32) -> Span {
        debug_assert_eq!(self.topology.peer(from, slot), to);
        let bits = self.bits(from, sequence);
        if let Some(edges) = self.edge_delay {
            let stored = self.topology.with_latencies();
            if let Some(latency) = stored.and_then(|stored| stored.latency(from, slot)) {
                return Span(edges.link(latency).delay(bits, &self.normal, &self.powers));
            }
        }
        self.model_delay(from, to, bits)
    }

    /// The delay of a message that a node sends itself: the loopback, or for the exponential model
    /// the delay to any other node.
    #[inline]
    pub fn self_delay(&self, node: NodeId, sequence: u32) -> Span {
        match self.model {
            Model::Exponential { .. } => self.model_delay(node, node, self.bits(node, sequence)),
            _ => self.loopback,
        }
    }

    /// The region a node is in; the only one in models without regions.
    #[inline]
    pub fn region_of(&self, node: NodeId) -> RegionId {
        match &self.model {
            Model::Regional(regional) => regional.region_of(node),
            _ => RegionId(0),
        }
    }

    /// Names of the regions that hold nodes.
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// Regions of a table with gaps that hold no node because the scenario gave no shares.
    pub fn left_out(&self) -> &[String] {
        match &self.model {
            Model::Regional(regional) => regional.left_out(),
            _ => &[],
        }
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

    /// Entries of tables and edges whose floor was raised to `min_delay`.
    pub fn clamped(&self) -> u64 {
        self.clamped
    }

    /// Regions whose table has no latency within them, so that `min_delay` and a median of twice
    /// that were assumed.
    pub fn assumed(&self) -> u64 {
        match &self.model {
            Model::Regional(regional) => regional.assumed(),
            _ => 0,
        }
    }

    /// Floor and mean of the exponential part, if the delay between distinct nodes is
    /// `floor + Exp(mean)`.
    pub fn exponential_delay(&self) -> Option<(Span, Span)> {
        match (&self.model, self.edge_delay) {
            (Model::Exponential { floor, mean, .. }, None) => Some((Span(*floor), Span(*mean))),
            _ => None,
        }
    }

    /// What the timing model promises.
    pub fn timing(&self) -> Timing {
        Timing::Realistic
    }

    /// Rates up and down in bit/s by region, if the table of regions has some.
    pub fn preset_rates(&self) -> Option<&[(u64, u64)]> {
        None
    }

    /// The greatest rate of one transfer between regions that the table of regions states, in
    /// bit/s.
    pub fn preset_cap(&self) -> Option<u64> {
        None
    }

    /// The table of single nodes, if the scenario has one.
    pub fn node_table(&self) -> Option<&NodeTable> {
        None
    }

    /// Bytes of heap memory, topology included.
    pub fn memory_bytes(&self) -> u64 {
        let model = match &self.model {
            Model::Regional(regional) => regional.memory_bytes(),
            Model::Uniform { .. } => 0,
            Model::Exponential { table, .. } => table.memory_bytes(),
        };
        let shapes = self.normal.memory_bytes() + self.powers.memory_bytes();
        model + shapes + self.topology.memory_bytes()
    }

    #[inline]
    fn bits(&self, from: NodeId, sequence: u32) -> u64 {
        draw(self.draws.of(from), u64::from(sequence))
    }

    #[inline]
    fn model_delay(&self, from: NodeId, to: NodeId, bits: u64) -> Span {
        Span(match &self.model {
            Model::Regional(regional) => {
                regional.link(from, to).delay(bits, &self.normal, &self.powers)
            }
            Model::Uniform { min, values } => min + below(bits, *values),
            Model::Exponential { floor, mean, table } => {
                let excess = u128::from(table.at(bits) as u64) * u128::from(*mean);
                floor + (excess >> FRACTION) as u64
            }
        })
    }

    fn count_clamped(&self) -> u64 {
        let pairs = match &self.model {
            Model::Regional(regional) => regional.clamped(),
            _ => 0,
        };
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
            floor: Span(floor),
        };
        let mut links = match &self.model {
            Model::Uniform { min, .. } => vec![any(*min)],
            Model::Exponential { floor, .. } => vec![any(*floor)],
            Model::Regional(regional) => {
                let mut links: Vec<_> = regional.links().map(|(a, b, l)| (l.floor, a, b)).collect();
                links.sort_unstable();
                links.truncate(LISTED_LINKS);
                let named = |(floor, from, to): (u64, &str, &str)| LimitingLink {
                    from: from.to_owned(),
                    to: to.to_owned(),
                    floor: Span(floor),
                };
                links.into_iter().map(named).collect()
            }
        };
        if let (Some(delay), Some(csr)) = (self.edge_delay, self.topology.with_latencies()) {
            let mut least: Vec<(u64, NodeId, NodeId)> = Vec::new();
            for (from, to, latency) in csr.with_latencies() {
                let floor = delay.link(latency).floor;
                if least.len() < LISTED_LINKS || least.last().is_some_and(|l| floor < l.0) {
                    let place = least.partition_point(|l| l.0 <= floor);
                    least.insert(place, (floor, from, to));
                    least.truncate(LISTED_LINKS);
                }
            }
            links.extend(least.into_iter().map(|(floor, from, to)| LimitingLink {
                from: from.to_string(),
                to: to.to_string(),
                floor: Span(floor),
            }));
            links.sort_by_key(|link| link.floor);
            links.truncate(LISTED_LINKS);
        }
        links
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

impl Model {
    fn new(spec: &NetworkSpec, seed: u64) -> Result<Self, NetworkError> {
        match &spec.model {
            ModelSpec::Regional { regions, shares, jitter } => {
                let sigma = match jitter {
                    JitterSpec::Fitted => None,
                    JitterSpec::Lognormal { sigma } => Some(*sigma),
                    _ => return Err(NetworkError::field("network.jitter", "not yet")),
                };
                if let Some(sigma) = sigma.filter(|s| !(MIN_SIGMA..=MAX_SIGMA).contains(s)) {
                    let problem = format!("{sigma}; give {MIN_SIGMA} to {MAX_SIGMA}");
                    return Err(NetworkError::field("network.jitter.sigma", problem));
                }
                let table = load::table(regions)?;
                let placement = table.place(shares.as_deref())?;
                Ok(Self::Regional(Regional::new(&table, &placement, spec.min_delay.0, sigma, seed)))
            }
            ModelSpec::Uniform { min, max } => {
                bounded("network.min", *min, Span(1), MAX_STATED)?;
                bounded("network.max", *max, *min, MAX_STATED)?;
                Ok(Self::Uniform { min: min.0, values: max.0 - min.0 + 1 })
            }
            ModelSpec::Exponential { floor, mean } => {
                bounded("network.floor", *floor, Span(1), MAX_STATED)?;
                bounded("network.mean", *mean, Span::ZERO, MAX_STATED)?;
                let table = Quantile::exponential();
                Ok(Self::Exponential { floor: floor.0, mean: mean.0, table })
            }
            _ => Err(NetworkError::field("network.model", "not yet")),
        }
    }
}

/// Bytes of memory that building a network takes at its peak, estimated without building it.
pub fn estimate_bytes(spec: &NetworkSpec, nodes: u32) -> u64 {
    let model = match &spec.model {
        ModelSpec::Regional { .. } => 1 << 20,
        _ => 1 << 18,
    };
    topology::estimate_bytes(&spec.topology, nodes).saturating_add(model)
}

fn bounded(field: &'static str, value: Span, least: Span, most: Span) -> Result<(), NetworkError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(NetworkError::field(field, format!("{value}; give {least} to {most}")))
}
