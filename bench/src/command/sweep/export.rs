//! What a sweep says: a row per run, a mean with an interval per point and metric.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::grid::Grid;
use crate::Registry;
use crate::command::batch;
use crate::export::columns::{Columns, Kind};
use crate::export::pretty;
use crate::points::{Finished, Plan, Store};
use crate::statistics::{Mean, Range, Spread};

/// The runs of a sweep and their metrics.
#[derive(Debug)]
pub(super) struct Table<'a> {
    grid: &'a Grid,
    /// Every metric that some run has, in the order of first appearance.
    pub metrics: Vec<String>,
    /// Each run: its point, number, seed, itself and its metrics in that order.
    runs: Vec<Run<'a>>,
}

#[derive(Debug)]
struct Run<'a> {
    point: usize,
    number: u32,
    seed: u64,
    finished: &'a Finished,
    values: Vec<Option<f64>>,
}

impl<'a> Table<'a> {
    /// Puts the runs together, point by point.
    pub(super) fn of(grid: &'a Grid, plan: &Plan, store: &'a Store) -> Self {
        let mut metrics: Vec<String> = Vec::new();
        let mut found = Vec::new();
        for point in &plan.points {
            let Some(finished) = store.finished().get(&point.id) else { continue };
            let measured = finished.metrics();
            for (name, _) in &measured {
                if !metrics.contains(name) {
                    metrics.push(name.clone());
                }
            }
            found.push((point, finished, measured));
        }
        found.sort_by_key(|(point, ..)| (point.configuration, point.run));
        let runs = found.into_iter().map(|(point, finished, measured)| {
            let value = |metric: &String| {
                measured.iter().find(|(name, _)| name == metric).map(|(_, value)| *value)
            };
            Run {
                point: point.configuration,
                number: point.run,
                seed: point.seed,
                finished,
                values: metrics.iter().map(value).collect(),
            }
        });
        let runs = runs.collect();
        Self { grid, metrics, runs }
    }

    /// `runs.csv`: a row per run, a column per parameter and metric.
    pub(super) fn runs(&self) -> anyhow::Result<String> {
        let mut header: Vec<String> = ["point", "run", "seed"].map(str::to_owned).into();
        header.extend(self.grid.paths.iter().cloned());
        header.extend(["digest", "checks_ok"].map(str::to_owned));
        let figures: Vec<Vec<(String, Option<f64>)>> =
            self.runs.iter().map(|run| run.finished.figures()).collect();
        let names = batch::names(&figures);
        header.extend(names.iter().cloned());
        let mut rows = vec![header];
        for (run, figures) in self.runs.iter().zip(&figures) {
            let mut row =
                vec![(run.point + 1).to_string(), run.number.to_string(), run.seed.to_string()];
            row.extend(self.grid.cells(run.point).iter().cloned());
            row.push(run.finished.digest().to_owned());
            row.push(run.finished.violated().is_empty().to_string());
            row.extend(batch::in_order(&names, figures).map(cell));
            rows.push(row);
        }
        batch::csv_text(&rows)
    }

    /// What the columns of both tables hold.
    pub(super) fn columns(&self, plan: &Plan, registry: &Registry) -> anyhow::Result<Columns> {
        Ok(batch::run_columns(plan, registry)?
            .keys(&self.grid.paths)
            .with(Kind::Count, "point run runs")
            .with(Kind::Text, "metric")
            .with(Kind::Number, "mean low high median min max"))
    }

    /// The values of a metric over the runs of a point.
    pub(super) fn values(&self, point: usize, metric: usize) -> Vec<f64> {
        let of_point = self.runs.iter().filter(|run| run.point == point);
        of_point.filter_map(|run| run.values[metric]).collect()
    }

    /// The mean of a metric over the runs of a point.
    pub(super) fn mean(&self, point: usize, metric: usize) -> Option<Mean> {
        Mean::of(&self.values(point, metric), Range::of(&self.metrics[metric]))
    }

    /// How many points there are.
    pub(super) fn points(&self) -> usize {
        self.runs.iter().map(|run| run.point + 1).max().unwrap_or(0)
    }

    /// `summary.csv`: a row per point and metric.
    pub(super) fn summary(&self) -> anyhow::Result<String> {
        let mut header = vec!["point".to_owned()];
        header.extend(self.grid.paths.iter().cloned());
        let names = ["metric", "runs", "mean", "low", "high", "median", "min", "max"];
        header.extend(names.map(str::to_owned));
        let mut rows = vec![header];
        for point in 0..self.points() {
            for (index, metric) in self.metrics.iter().enumerate() {
                let values = self.values(point, index);
                let mean = Mean::of(&values, Range::of(metric));
                let (Some(mean), Some(spread)) = (mean, Spread::of(&values)) else {
                    continue;
                };
                let mut row = vec![(point + 1).to_string()];
                row.extend(self.grid.cells(point).iter().cloned());
                row.extend([metric.clone(), mean.n.to_string(), mean.mean.to_string()]);
                row.extend([0, 1].map(|end| cell(mean.interval.map(|interval| interval[end]))));
                row.extend([spread.median, spread.min, spread.max].map(|value| value.to_string()));
                rows.push(row);
            }
        }
        batch::csv_text(&rows)
    }

    /// `sweep.json`: everything.
    pub(super) fn json(&self, store: &Store) -> String {
        let point = |point: usize| {
            let parameters: serde_json::Map<String, Value> = self
                .grid
                .parameters(point)
                .into_iter()
                .map(|(path, value)| (path.to_owned(), json!(value)))
                .collect();
            let metrics: serde_json::Map<String, Value> = self
                .metrics
                .iter()
                .enumerate()
                .filter_map(|(index, name)| {
                    let mean = self.mean(point, index)?;
                    let value =
                        json!({ "runs": mean.n, "mean": mean.mean, "interval": mean.interval });
                    Some((name.clone(), value))
                })
                .collect();
            let violated = self.runs.iter().filter(|run| run.point == point);
            let violated = violated.filter(|run| !run.finished.violated().is_empty()).count();
            json!({
                "point": point + 1,
                "parameters": parameters,
                "runs_with_failed_checks": violated,
                "metrics": metrics,
            })
        };
        pretty(&json!({
            "format": 1,
            "command": "sweep",
            "directory": store.path().display().to_string(),
            "manifest": store.manifest(),
            "points": (0..self.points()).map(point).collect::<Vec<Value>>(),
        }))
    }

    /// The metrics that are shown in text and plots: the protocol's own, and the middle and tail of
    /// its latencies.
    pub(super) fn shown(&self) -> impl Iterator<Item = (usize, &String)> {
        self.metrics.iter().enumerate().filter(|(_, name)| {
            *name == "messages"
                || (name.starts_with("metrics.")
                    && !name.starts_with("metrics.messages_by_")
                    && *name != "metrics.judged")
                || (name.starts_with("latency_ns.")
                    && (name.ends_with(".p50") || name.ends_with(".p99")))
        })
    }

    /// The means of a point, in columns.
    fn means(&self, point: usize) -> String {
        let rows = self.shown().filter_map(|(index, name)| {
            let mean = self.mean(point, index)?;
            Some(vec![name.clone(), batch::shown(name, mean.mean), interval(name, &mean)])
        });
        batch::columns(&rows.collect::<Vec<_>>(), 1)
    }

    /// What is read in a terminal.
    pub(super) fn text(&self, plan: &Plan, store: &Store) -> String {
        let mut text = format!(
            "{}: {} points, {} runs, base seed {}\nMeans over the runs of a point, with 95 % \
             intervals (Student's t; within 0 and 1 for shares, never below 0)\n",
            plan.configurations[0].scenario.name,
            self.points(),
            self.runs.len(),
            plan.seed
        );
        for point in 0..self.points() {
            let _ = writeln!(text, "\n{}", plan.configurations[point].label);
            text += &self.means(point);
        }
        let others = self.metrics.len() - self.shown().count();
        let reproduce = batch::again_line();
        let _ = write!(
            text,
            "\nand {others} further metrics per point in summary.csv\nAgain: {reproduce}\nSaved in \
             {}\n",
            store.path().display()
        );
        text
    }
}

/// The interval of a mean in words, or why there is none.
pub(super) fn interval(name: &str, mean: &Mean) -> String {
    match mean.interval {
        Some([low, high]) => {
            format!("[{}, {}]", batch::shown(name, low), batch::shown(name, high))
        }
        None if mean.is_constant() => format!("constant in {} runs", mean.n),
        None => String::new(),
    }
}

/// A figure as CSV has it; empty if there is none.
fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
