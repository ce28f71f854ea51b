//! What theory says a protocol costs, to stand beside what runs of it are measured to cost.
//!
//! Costs are those of honest nodes, as every bound of the literature counts them.

use crate::{Metric, Totals};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Rounds, views or epochs until all have decided: the metric `rounds`.
    Rounds,
    /// Messages of honest nodes.
    Messages,
    /// Bits of honest nodes on the wire.
    Bits,
    /// Signatures made.
    Signatures,
}

impl Cost {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rounds, Self::Messages, Self::Bits, Self::Signatures];

    /// Its name in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rounds => "rounds",
            Self::Messages => "messages",
            Self::Bits => "bits",
            Self::Signatures => "signatures",
        }
    }
}

/// How a measured cost stands to the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal to it.
    Exactly,
    /// Equal to it in the mean over runs.
    OnAverage,
    /// No more.
    AtMost,
    /// No less.
    AtLeast,
    /// Proportional to it: only the exponent is compared.
    Grows,
}

/// What theory says of one cost of one decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    /// What is counted.
    pub cost: Cost,
    /// How it stands to what is measured.
    pub relation: Relation,
    /// The expected value for this number of nodes.
    pub expected: f64,
    /// The law and where it is from: `n² − 1 (section 2.1)`.
    pub source: &'static str,
}

/// What theory says of a protocol with so many nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Theory {
    /// The metric that counts decisions; costs other than rounds are divided by it. `None`: by nothing.
    pub per: Option<&'static str>,
    /// How often the figure of that metric counts one decision: nodes, if each records it; once, if it is
    /// one for each node ([`crate::MetricKind::PerNode`]).
    pub recorded: u32,
    /// Its laws, of runs without an adversary.
    pub laws: Vec<Law>,
}

impl Theory {
    /// Costs of a run as a whole.
    pub fn of_runs(laws: Vec<Law>) -> Self {
        Self { per: None, recorded: 1, laws }
    }

    /// Costs of each decision, which a metric counts `recorded` times.
    pub fn of_decisions(metric: &'static str, recorded: u32, laws: Vec<Law>) -> Self {
        Self { per: Some(metric), recorded, laws }
    }

    /// Decisions of a run with so many nodes, extra ones included, as whoever compares costs counts them;
    /// `None`: there are none, or no such metric.
    pub fn decisions<M: Metric>(&self, totals: &Totals, nodes: u32) -> Option<f64> {
        let Some(name) = self.per else { return Some(1.0) };
        let place = M::ALL.iter().position(|info| info.name == name)?;
        let total = totals.values.get(place).copied()?;
        let figure = M::ALL[place].figure(total, &totals.values, nodes.into())?;
        let decisions = figure / f64::from(self.recorded.max(1));
        (decisions > 0.0).then_some(decisions)
    }

    /// The law of a cost.
    pub fn law(&self, cost: Cost) -> Option<&Law> {
        self.laws.iter().find(|law| law.cost == cost)
    }
}

impl Law {
    /// A law.
    pub const fn new(cost: Cost, relation: Relation, expected: f64, source: &'static str) -> Self {
        Self { cost, relation, expected, source }
    }
}
