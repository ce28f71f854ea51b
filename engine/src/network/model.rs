//! The delay model of a scenario, checked and ready to draw from.

use anthill_protocol::{NodeId, RegionId, Span, Time};

use super::jitter::Jitter;
use super::link::Link;
use super::load::{self, NodeFile};
use super::node_table::NodeTable;
use super::quantile::Quantile;
use super::regional::Regional;
use super::table::{LatencyTable, Placement};
use super::{JitterSpec, ModelSpec, NetworkError, NetworkSpec, RegionsSpec, Timing};
use crate::topology::{NodeNames, TopologySpec};

/// Greatest delay a scenario may state: 13 days. Keeps sums far from the end of time.
pub(crate) const MAX_STATED: Span = Span(1 << 50);
/// The latest global stabilisation time: 146 years. Keeps sums far from the end of time.
const MAX_GST: Time = Time(1 << 62);

/// A delay model.
#[derive(Clone, Debug)]
pub(crate) enum Model {
    /// Nodes are in regions by weight.
    Regional(Regional),
    /// They are where a node file says. A variant of its own spares the other a test per lookup.
    Listed(Box<Listed>),
    Uniform {
        min: u64,
        values: u64,
    },
    Exponential {
        floor: u64,
        mean: u64,
        table: Quantile,
    },
}

/// Regions, and the one that each node is in.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) regional: Regional,
    pub(crate) by_node: Box<[RegionId]>,
}

impl Listed {
    /// The link between two nodes.
    #[inline]
    pub(crate) fn link(&self, from: NodeId, to: NodeId) -> &Link {
        self.regional.link(self.by_node[from.index()], self.by_node[to.index()])
    }
}

/// A delay model and what goes with it.
pub(crate) struct Parts {
    pub(crate) model: Model,
    pub(crate) timing: Timing,
    pub(crate) nodes: Option<NodeTable>,
    /// How links and edges vary, and the table they draw from.
    pub(crate) jitter: Jitter,
    pub(crate) quantiles: Quantile,
    /// What is to be said of the files that they were read from.
    pub(crate) notes: Vec<String>,
}

impl Parts {
    /// Checks and builds the model of a scenario and reads its node file; `ids` is what the topology's file calls
    /// the nodes.
    pub(crate) fn build(
        spec: &NetworkSpec,
        (nodes, ids): (u32, Option<&NodeNames>),
        seed: u64,
    ) -> Result<Self, NetworkError> {
        let (model, timing) = match &spec.model {
            ModelSpec::Regional { regions, shares, jitter } => {
                let model = (regions, shares.as_deref(), jitter);
                return Self::regional(spec, model, (nodes, ids), seed);
            }
            ModelSpec::Uniform { min, max } => {
                (Model::uniform(*min, *max, "network.max")?, Timing::Realistic)
            }
            ModelSpec::Exponential { floor, mean } => {
                (Model::exponential(*floor, *mean)?, Timing::Realistic)
            }
            ModelSpec::Synchronous { min, delta } => {
                edges_state_no_latency(&spec.topology)?;
                let model = Model::uniform(*min, *delta, "network.delta")?;
                (model, Timing::Synchronous { delta: *delta })
            }
            ModelSpec::Asynchronous { floor, mean } => {
                (Model::exponential(*floor, *mean)?, Timing::Asynchronous)
            }
            ModelSpec::Partial { floor, mean, gst, delta } => {
                let model = Model::exponential(*floor, *mean)?;
                bounded("network.delta", *delta, *floor, MAX_STATED)?;
                bounded("network.gst", Span(gst.0), Span::ZERO, Span(MAX_GST.0))?;
                (model, Timing::Partial { gst: *gst, delta: *delta })
            }
        };
        let mut notes = Vec::new();
        let (jitter, quantiles) = Jitter::build(&JitterSpec::Fitted, false, &mut notes)?;
        let nodes = node_file(spec, (nodes, ids), None)?.map(|file| {
            notes.extend(file.notes);
            file.table
        });
        Ok(Self { model, timing, nodes, jitter, quantiles, notes })
    }

    fn regional(
        spec: &NetworkSpec,
        (regions, shares, jitter): (&RegionsSpec, Option<&[(String, f64)]>, &JitterSpec),
        of_nodes: (u32, Option<&NodeNames>),
        seed: u64,
    ) -> Result<Self, NetworkError> {
        let table = load::table(regions)?;
        let mut notes = table.notes.clone();
        let (jitter, quantiles) = Jitter::build(jitter, table.source().pareto, &mut notes)?;
        let (mut nodes_table, mut listed) = (None, None);
        if let Some(file) = node_file(spec, of_nodes, Some(&table))? {
            (nodes_table, listed) = (Some(file.table), file.regions);
            notes.extend(file.notes);
        }
        let build = |placement: &Placement| {
            Regional::new(&table, placement, spec.min_delay.0, jitter, seed)
        };
        let model = match listed {
            None => Model::Regional(build(&table.place(shares)?)),
            Some(_) if shares.is_some() => {
                let problem = "the node file's column \"region\" places the nodes already; \
                               remove one of them";
                return Err(NetworkError::field("network.shares", problem));
            }
            Some(listed) => {
                let mut counts = vec![0; table.len()];
                listed.iter().for_each(|region| counts[usize::from(*region)] += 1);
                let placement = table
                    .place_counted(&counts)
                    .map_err(|problem| NetworkError::field("network.node_file", problem))?;
                let by_node = placement.renumber(&listed);
                Model::Listed(Box::new(Listed { regional: build(&placement), by_node }))
            }
        };
        let (timing, nodes) = (Timing::Realistic, nodes_table);
        Ok(Self { model, timing, nodes, jitter, quantiles, notes })
    }
}

impl Model {
    fn uniform(min: Span, max: Span, max_field: &'static str) -> Result<Self, NetworkError> {
        bounded("network.min", min, Span(1), MAX_STATED)?;
        bounded(max_field, max, min, MAX_STATED)?;
        Ok(Self::Uniform { min: min.0, values: max.0 - min.0 + 1 })
    }

    fn exponential(floor: Span, mean: Span) -> Result<Self, NetworkError> {
        bounded("network.floor", floor, Span(1), MAX_STATED)?;
        bounded("network.mean", mean, Span::ZERO, MAX_STATED)?;
        Ok(Self::Exponential { floor: floor.0, mean: mean.0, table: Quantile::exponential() })
    }

    /// The regions, in a model that has some.
    pub(crate) fn regional(&self) -> Option<&Regional> {
        match self {
            Self::Regional(regional) => Some(regional),
            Self::Listed(listed) => Some(&listed.regional),
            _ => None,
        }
    }

    /// Bytes of heap memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        match self {
            Self::Regional(regional) => regional.memory_bytes(),
            Self::Listed(listed) => {
                let by_node = size_of_val(&*listed.by_node) as u64;
                size_of::<Listed>() as u64 + listed.regional.memory_bytes() + by_node
            }
            Self::Uniform { .. } => 0,
            Self::Exponential { table, .. } => table.memory_bytes(),
        }
    }
}

fn node_file(
    spec: &NetworkSpec,
    nodes: (u32, Option<&NodeNames>),
    regions: Option<&LatencyTable>,
) -> Result<Option<NodeFile>, NetworkError> {
    spec.node_file.as_ref().map(|file| load::node_file(file, nodes, regions)).transpose()
}

/// An edge's own latency would break the promise that every delay is within Δ.
fn edges_state_no_latency(topology: &TopologySpec) -> Result<(), NetworkError> {
    match topology {
        TopologySpec::File { latency: Some(_), .. } => Err(NetworkError::field(
            "network.topology.latency",
            "the synchronous model draws every delay within delta, and edges would have delays of \
             their own; remove latency",
        )),
        _ => Ok(()),
    }
}

/// An error unless a length of time is within bounds.
pub(crate) fn bounded(
    field: &'static str,
    value: Span,
    least: Span,
    most: Span,
) -> Result<(), NetworkError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(NetworkError::field(field, format!("{value}; give {least} to {most}")))
}
