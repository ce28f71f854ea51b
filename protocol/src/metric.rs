//! What a protocol measures: a fieldless enum, so recording is an array index.

use crate::Snapshot;
use crate::invariant::{Bearing, Invariant};

/// How the records of a metric become one figure of the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// The sum of all records.
    Sum,
    /// The sum of all records divided by the number of nodes.
    PerNode,
    /// The sum of all records divided by the sum of another metric, of that index: hops per lookup. No
    /// figure where that is 0.
    Per(usize),
    /// The largest record; 0 without one.
    Max,
    /// A distribution of times in nanoseconds: an HDR histogram, reported under `latency_ns`.
    Latency,
}

/// The description of one metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricInfo {
    /// Its name in summaries and file names.
    pub name: &'static str,
    /// How it is summarised.
    pub kind: MetricKind,
    /// What it counts, with its unit.
    pub about: &'static str,
    /// Which way it gets better.
    pub better: Better,
}

/// Which way a figure gets better, where that is beyond dispute. What is good only without an attack is
/// not: a payment accepted may be a double spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More is better: what a network exists for.
    Higher,
    /// Less is better: what it costs, and what goes wrong.
    Lower,
    /// Nobody says.
    Unknown,
}

impl MetricInfo {
    /// The figure that the totals of all metrics, in index order, make of this one's with so many nodes;
    /// `None`: a latency, or a ratio to nothing.
    pub fn figure(&self, total: u64, all: &[u64], nodes: f64) -> Option<f64> {
        match self.kind {
            MetricKind::Sum | MetricKind::Max => Some(total as f64),
            MetricKind::PerNode => Some(total as f64 / nodes),
            MetricKind::Per(other) => {
                let by = *all.get(other)?;
                (by > 0).then(|| total as f64 / by as f64)
            }
            MetricKind::Latency => None,
        }
    }

    /// A metric of which it is not said which way it gets better; a latency is better when lower.
    pub const fn new(name: &'static str, kind: MetricKind, about: &'static str) -> Self {
        let better = match kind {
            MetricKind::Latency => Better::Lower,
            _ => Better::Unknown,
        };
        Self { name, kind, about, better }
    }

    /// The same, better when higher or lower.
    #[must_use]
    pub const fn better(self, better: Better) -> Self {
        Self { better, ..self }
    }
}

/// A protocol's metrics: usually a fieldless enum whose `as usize` indexes [`Metric::ALL`].
pub trait Metric: Copy + Send + Sync + 'static {
    /// Every metric, in index order.
    const ALL: &'static [MetricInfo];

    /// What every event must keep, as far as records show it; [`Metric::bearing`] says how. If some
    /// metrics enter a sum, the first is that it stays as it is.
    const INVARIANTS: &'static [Invariant] = &[];

    /// The index of this metric in [`Metric::ALL`].
    fn index(self) -> usize;

    /// What a record of this metric says of the protocol's invariants. Only sums may enter or leave.
    #[inline]
    fn bearing(self) -> Bearing {
        Bearing::None
    }
}

/// The counters of a run so far, summed over all nodes: what stop conditions and checks see.
#[derive(Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Totals {
    /// Per metric, in index order: the sum (or maximum) of its records, or their count for a
    /// latency.
    pub values: Vec<u64>,
    /// Events handled.
    pub events: u64,
    /// Messages sent between distinct nodes.
    pub messages: u64,
    /// Their size on the wire, in bytes.
    pub bytes_on_wire: u64,
    /// Messages sent between distinct nodes, by kind.
    pub messages_by_kind: Vec<u64>,
    /// Their size on the wire, by kind.
    pub bytes_by_kind: Vec<u64>,
    /// Of them, those of nodes that an adversary plays: bounds of the literature count honest senders.
    pub adversary_messages_by_kind: Vec<u64>,
    /// Their size on the wire, by kind.
    pub adversary_bytes_by_kind: Vec<u64>,
}

impl Clone for Totals {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        copy.clone_from(self);
        copy
    }

    /// Reuses the memory of `self`: engines copy totals at window boundaries, where nothing may
    /// be allocated.
    fn clone_from(&mut self, source: &Self) {
        self.values.clone_from(&source.values);
        self.messages_by_kind.clone_from(&source.messages_by_kind);
        self.bytes_by_kind.clone_from(&source.bytes_by_kind);
        self.adversary_messages_by_kind.clone_from(&source.adversary_messages_by_kind);
        self.adversary_bytes_by_kind.clone_from(&source.adversary_bytes_by_kind);
        self.events = source.events;
        self.messages = source.messages;
        self.bytes_on_wire = source.bytes_on_wire;
    }
}

impl Totals {
    /// Nothing counted yet, of so many metrics and kinds of message.
    pub fn none(metrics: usize, kinds: usize) -> Self {
        Self {
            values: vec![0; metrics],
            messages_by_kind: vec![0; kinds],
            bytes_by_kind: vec![0; kinds],
            adversary_messages_by_kind: vec![0; kinds],
            adversary_bytes_by_kind: vec![0; kinds],
            ..Self::default()
        }
    }

    /// Messages of honest nodes, by kind.
    pub fn honest_messages(&self) -> Vec<u64> {
        difference(&self.messages_by_kind, &self.adversary_messages_by_kind)
    }

    /// Their size on the wire, by kind.
    pub fn honest_bytes(&self) -> Vec<u64> {
        difference(&self.bytes_by_kind, &self.adversary_bytes_by_kind)
    }

    /// The value of one metric.
    pub fn of<M: Metric>(&self, metric: M) -> u64 {
        self.values.get(metric.index()).copied().unwrap_or(0)
    }
}

fn difference(all: &[u64], some: &[u64]) -> Vec<u64> {
    let some = some.iter().chain(core::iter::repeat(&0));
    all.iter().zip(some).map(|(all, some)| all - some).collect()
}
