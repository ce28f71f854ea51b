//! The costs of every cell, beside theory, and the exponents that they grow with.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};

use crate::Registry;
use crate::command::batch;
use crate::points::{Finished, Plan, Store};
use crate::statistics::{Fit, Mean, Range, power_law};

/// How far a cost may be from a law that is exact, relative to it: what division may round.
const ROUNDING: f64 = 1e-9;

/// A point of the grid.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// Which protocol.
    pub protocol: &'static str,
    /// Its nodes.
    pub n: u32,
    /// Faults that it is told to tolerate: a number, or `max`.
    pub f: String,
    /// The bound on delays that it assumes, if it was given.
    pub delta: Option<String>,
}

/// A cost of a cell.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// What is counted.
    pub cost: Cost,
    /// Per decision, in the mean over seeds.
    pub mean: Mean,
    /// What theory says, and whether it agrees; `None` where it only says how the cost grows.
    pub law: Option<(Law, Option<bool>)>,
}

/// A cell with what it cost.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Where.
    pub cell: Cell,
    /// Decisions of a run, in the mean; `None`: costs are those of whole runs.
    pub decisions: Option<f64>,
    /// Its costs.
    pub costs: Vec<Measured>,
    /// The median latency of the first latency that the protocol measures, in ns.
    pub latency: Option<(String, f64)>,
}

/// How a cost of a protocol grows with its nodes.
#[derive(Clone, Debug)]
pub(super) struct Exponent {
    /// Of which protocol, and with which faults and bound.
    pub cell: Cell,
    /// What is counted.
    pub cost: Cost,
    /// As measured.
    pub measured: Option<Fit>,
    /// What theory's values grow with, over the same numbers of nodes.
    pub theory: Option<Fit>,
    /// Where the law is from.
    pub source: &'static str,
}

/// All that was measured.
#[derive(Debug)]
pub(super) struct Complexity {
    /// A row per cell.
    pub rows: Vec<Row>,
    /// A row per series of cells that differ in nodes only, and cost.
    pub exponents: Vec<Exponent>,
}

impl Complexity {
    /// Puts runs and theory together.
    pub(super) fn of(
        cells: Vec<Cell>,
        plan: &Plan,
        store: &Store,
        registry: &Registry,
    ) -> anyhow::Result<Self> {
        let mut rows = Vec::new();
        let runs = batch::by_configuration(plan, store);
        for ((cell, configuration), runs) in cells.into_iter().zip(&plan.configurations).zip(&runs)
        {
            let theory = (registry.named(cell.protocol)?.theory)(&configuration.scenario)?;
            rows.push(row(cell, &theory, runs));
        }
        let exponents = series(&rows).flat_map(exponents).collect();
        Ok(Self { rows, exponents })
    }

    /// Laws that do not hold, in words.
    pub(super) fn broken(&self) -> Vec<String> {
        let mut found = Vec::new();
        for Row { cell, costs, .. } in &self.rows {
            for Measured { cost, mean, law } in costs {
                if let Some((law, Some(false))) = law {
                    let (protocol, n) = (cell.protocol, cell.n);
                    let (name, measured) = (cost.name(), mean.mean);
                    found.push(format!(
                        "{protocol}, n = {n}: {measured} {name}, {} {}: {}",
                        words(law.relation),
                        law.expected,
                        law.source
                    ));
                }
            }
        }
        found
    }
}

/// A relation in words, before the expected value.
pub(super) fn words(relation: Relation) -> &'static str {
    match relation {
        Relation::Exactly => "expected exactly",
        Relation::OnAverage => "expected in the mean",
        Relation::AtMost => "at most",
        Relation::AtLeast => "at least",
        Relation::Grows => "grows as",
    }
}

fn row(cell: Cell, theory: &Theory, runs: &[&Finished]) -> Row {
    let decisions = |run: &Finished| match theory.per {
        None => Some(1.0),
        Some(metric) => {
            let recorded = run.metric(metric)? / f64::from(theory.recorded.max(1));
            (recorded > 0.0).then_some(recorded)
        }
    };
    let mean = |values: Vec<f64>| Mean::of(&values, Range::COUNT);
    let costs = Cost::ALL.into_iter().filter_map(|cost| {
        let per_decision = |run: &&Finished| {
            let all = total(cost, run)?;
            // Rounds are those of a decision already.
            Some(if cost == Cost::Rounds { all } else { all / decisions(run)? })
        };
        let mean = mean(runs.iter().filter_map(per_decision).collect())?;
        let law = theory.laws.iter().find(|law| law.cost == cost);
        // Without a law nobody says that the metric counts rounds of one decision.
        if cost == Cost::Rounds && law.is_none() {
            return None;
        }
        let law = law.map(|law| (*law, agrees(law, &mean)));
        Some(Measured { cost, mean, law })
    });
    let costs = costs.collect();
    let counted: Vec<f64> = runs.iter().filter_map(|run| decisions(run)).collect();
    let decisions = theory.per.and_then(|_| mean(counted)).map(|mean| mean.mean);
    Row { cell, decisions, costs, latency: latency(runs) }
}

/// What a run cost its honest nodes.
fn total(cost: Cost, run: &Finished) -> Option<f64> {
    let sum = |values: &serde_json::Map<String, serde_json::Value>| {
        values.values().filter_map(serde_json::Value::as_f64).sum::<f64>()
    };
    match cost {
        Cost::Rounds => run.metric("rounds"),
        Cost::Messages => match run.result.get("metrics")?.get("messages_by_kind") {
            Some(kinds) => kinds.as_object().map(sum),
            None => run.result("messages"),
        },
        Cost::Bits => Some(8.0 * sum(run.result.get("bytes_by_kind")?.as_object()?)),
        Cost::Signatures => {
            let made = run.result.get("signatures")?.get("made")?.as_f64()?;
            (made > 0.0).then_some(made)
        }
    }
}

/// Whether what was measured is as a law says; `None` if the law does not say how much it is.
fn agrees(law: &Law, measured: &Mean) -> Option<bool> {
    let (expected, mean) = (law.expected, measured.mean);
    let slack = ROUNDING * expected.abs().max(1.0);
    let [low, high] = measured.interval.unwrap_or([mean, mean]);
    Some(match law.relation {
        Relation::Exactly => (mean - expected).abs() <= slack && high - low <= slack,
        // Of 95 % intervals one in twenty misses: a law is broken where twice the interval does.
        Relation::OnAverage => (expected - mean).abs() <= 2.0 * (high - low).max(slack),
        Relation::AtMost => mean <= expected + slack,
        Relation::AtLeast => mean >= expected - slack,
        Relation::Grows => return None,
    })
}

/// The first latency that a protocol measures: its name and median in the mean over runs.
fn latency(runs: &[&Finished]) -> Option<(String, f64)> {
    let found: Vec<(&str, f64)> = runs.iter().filter_map(|run| run.first_latency()).collect();
    let (name, _) = *found.first()?;
    let medians = found.iter().map(|(_, median)| median);
    Some((name.to_owned(), medians.sum::<f64>() / found.len() as f64))
}

/// Rows that differ in nodes only, together.
pub(super) fn series(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    rows.chunk_by(|a, b| {
        let key = |row: &'_ Row| (row.cell.protocol, row.cell.f.clone(), row.cell.delta.clone());
        key(a) == key(b)
    })
}

/// The exponents of a series of cells that differ in nodes only.
fn exponents(rows: &[Row]) -> Vec<Exponent> {
    let cost_of = |row: &Row, cost| row.costs.iter().find(|it| it.cost == cost).cloned();
    let of = |cost: Cost| {
        let found: Vec<(f64, Measured)> = rows
            .iter()
            .filter_map(|row| Some((f64::from(row.cell.n), cost_of(row, cost)?)))
            .collect();
        let law = found.iter().find_map(|(_, measured)| measured.law.as_ref());
        let expected = |(n, measured): &(f64, Measured)| {
            measured.law.as_ref().map(|(law, _)| (*n, law.expected))
        };
        let measured: Vec<(f64, f64)> =
            found.iter().map(|(n, measured)| (*n, measured.mean.mean)).collect();
        let theory: Vec<(f64, f64)> = found.iter().filter_map(expected).collect();
        (!found.is_empty()).then(|| Exponent {
            cell: rows[0].cell.clone(),
            cost,
            measured: power_law(&measured),
            theory: power_law(&theory),
            source: law.map_or("", |(law, _)| law.source),
        })
    };
    Cost::ALL.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(relation: Relation) -> Law {
        Law::new(Cost::Messages, relation, 24.0, "a test")
    }

    fn mean(values: &[f64]) -> Mean {
        Mean::of(values, Range::COUNT).expect("values")
    }

    #[test]
    fn laws_agree_or_not() {
        let exact = |values: &[f64]| agrees(&law(Relation::Exactly), &mean(values));
        assert_eq!(exact(&[24.0, 24.0]), Some(true));
        assert_eq!(exact(&[23.0, 25.0]), Some(false), "not in each run");
        assert_eq!(exact(&[25.0, 25.0]), Some(false));
        let average = |values: &[f64]| agrees(&law(Relation::OnAverage), &mean(values));
        assert_eq!(average(&[23.0, 25.5, 24.0]), Some(true));
        assert_eq!(average(&[33.0, 33.5, 34.0]), Some(false));
        for (relation, low, high) in
            [(Relation::AtMost, true, false), (Relation::AtLeast, false, true)]
        {
            assert_eq!(agrees(&law(relation), &mean(&[20.0, 21.0])), Some(low));
            assert_eq!(agrees(&law(relation), &mean(&[24.0, 24.0])), Some(true));
            assert_eq!(agrees(&law(relation), &mean(&[30.0, 31.0])), Some(high));
        }
        assert_eq!(agrees(&law(Relation::Grows), &mean(&[1.0, 1.0])), None);
    }
}
