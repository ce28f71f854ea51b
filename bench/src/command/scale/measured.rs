//! What the runs of a scaling benchmark say: medians with spread per size, and exponents.
//!
//! Two exponents are fitted for each cost, on the medians of the sizes. The one "as measured" is
//! biased on small networks: every process has a fixed part (the program, its pools, the windows of
//! the virtual time) that does not grow, which pulls the exponent below that of the part which
//! does. The one "above the smallest" is fitted to increases: log(y − y₀) on log(n − n₀), where
//! (n₀, y₀) is the smallest size. A fixed part drops out of it exactly, and it is 1 exactly when
//! the cost is a fixed part plus so much per node. It spends one size, so it needs four for an
//! interval.

use crate::points::{Finished, Plan, Store};
use crate::statistics::{Fit, Spread, power_law};

/// A quantity of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quantity {
    /// Its name in `summary.json`.
    pub name: &'static str,
    /// In words.
    pub about: &'static str,
    /// Whether it belongs to the host, and therefore varies between runs.
    pub measured: bool,
    /// Whether it is a whole number in every run.
    pub whole: bool,
}

const fn counted(name: &'static str, about: &'static str) -> Quantity {
    Quantity { name, about, measured: false, whole: true }
}

const fn taken(name: &'static str, about: &'static str) -> Quantity {
    Quantity { name, about, measured: true, whole: false }
}

impl Quantity {
    const fn whole(self, whole: bool) -> Self {
        Self { whole, ..self }
    }
}

/// What every run is asked for, in the order of the columns.
pub(super) const QUANTITIES: [Quantity; 16] = [
    counted("virtual_s", "virtual time").whole(false),
    counted("events", "events"),
    counted("messages", "messages"),
    counted("bytes_on_wire", "bytes on the wire"),
    taken("wall_s", "wall time of the process"),
    taken("cpu_s", "CPU time of the process"),
    taken("setup_s", "wall time of the set-up"),
    taken("loop_s", "wall time of the event loop"),
    taken("loop_cpu_s", "CPU time of the event loop"),
    taken("peak_rss_bytes", "peak memory").whole(true),
    taken("bytes_per_node", "peak memory per node"),
    taken("ns_per_event", "CPU time of the loop per event, in ns"),
    taken("events_per_s", "events per second of the loop"),
    taken("idle_share", "share of the threads' time spent waiting"),
    taken("imbalance", "events of the busiest shard over the mean"),
    taken("windows", "windows that held events").whole(true),
];

/// What is fitted against the nodes.
const FITTED: [&str; 6] =
    ["loop_cpu_s", "cpu_s", "peak_rss_bytes", "events", "messages", "bytes_on_wire"];

/// One size, on so many shards.
#[derive(Debug)]
pub(super) struct Size<'a> {
    /// Nodes.
    pub nodes: u32,
    /// Shards, if they were asked for.
    pub shards: Option<u32>,
    /// The runs.
    pub runs: Vec<&'a Finished>,
}

/// An exponent, and of what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Exponent {
    /// On so many shards, if they were asked for.
    pub shards: Option<u32>,
    /// Of what.
    pub quantity: Quantity,
    /// Of its increase above the smallest size, not of itself.
    pub above_smallest: bool,
    /// None if there are not two sizes on which it grows.
    pub fit: Option<Fit>,
}

/// How much faster several shards are than the fewest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Speedup {
    /// Nodes.
    pub nodes: u32,
    /// The fewest shards.
    pub base: u32,
    /// These shards.
    pub shards: u32,
    /// Median wall time of the loop with the fewest over that with these.
    pub speedup: f64,
    /// Of what so many more shards could have given.
    pub efficiency: f64,
}

/// The whole benchmark.
#[derive(Debug)]
pub(super) struct Scaling<'a> {
    /// Each size, by shards and then by nodes.
    pub sizes: Vec<Size<'a>>,
    /// What was fitted.
    pub exponents: Vec<Exponent>,
    /// If there are several numbers of shards.
    pub speedups: Vec<Speedup>,
}

impl Quantity {
    /// Its value in a run.
    pub(super) fn of(self, run: &Finished) -> Option<f64> {
        if self.measured { run.host(self.name) } else { run.result(self.name) }
    }
}

/// The quantity of that name.
fn quantity(name: &str) -> Option<Quantity> {
    QUANTITIES.into_iter().find(|quantity| quantity.name == name)
}

impl Size<'_> {
    /// Median and spread of a quantity over the runs.
    pub(super) fn spread(&self, name: &str) -> Option<Spread> {
        let quantity = quantity(name)?;
        let values: Vec<f64> = self.runs.iter().filter_map(|run| quantity.of(run)).collect();
        Spread::of(&values)
    }

    /// The median; not a number if nothing of the name was measured.
    pub(super) fn median(&self, name: &str) -> f64 {
        self.spread(name).map_or(f64::NAN, |spread| spread.median)
    }
}

impl<'a> Scaling<'a> {
    /// Puts the runs together.
    pub(super) fn of(plan: &Plan, store: &'a Store) -> Self {
        let groups = crate::command::batch::by_configuration(plan, store);
        let mut sizes: Vec<Size<'a>> = plan
            .configurations
            .iter()
            .zip(groups)
            .map(|(configuration, runs)| Size {
                nodes: configuration.scenario.nodes,
                shards: configuration.scenario.engine.shards,
                runs,
            })
            .collect();
        sizes.sort_by_key(|size| (size.shards, size.nodes));
        let (exponents, speedups) = (exponents(&sizes), speedups(&sizes));
        Self { sizes, exponents, speedups }
    }

    /// The exponents that are told first: of CPU, memory and messages.
    pub(super) fn headlines(&self) -> impl Iterator<Item = &Exponent> {
        let told = ["loop_cpu_s", "peak_rss_bytes", "messages"];
        self.exponents.iter().filter(move |exponent| told.contains(&exponent.quantity.name))
    }
}

fn exponents(sizes: &[Size<'_>]) -> Vec<Exponent> {
    let mut exponents = Vec::new();
    for group in sizes.chunk_by(|a, b| a.shards == b.shards) {
        for quantity in FITTED.into_iter().filter_map(quantity) {
            let points: Vec<(f64, f64)> = group
                .iter()
                .map(|size| (f64::from(size.nodes), size.median(quantity.name)))
                .collect();
            let exponent = |above_smallest, fit| Exponent {
                shards: group[0].shards,
                quantity,
                above_smallest,
                fit,
            };
            exponents.push(exponent(false, power_law(&points)));
            if quantity.measured {
                exponents.push(exponent(true, power_law(&increases(&points))));
            }
        }
    }
    exponents
}

/// Each point above the first, which is the smallest.
fn increases(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let Some(((n, y), larger)) = points.split_first() else { return Vec::new() };
    larger.iter().map(|(nodes, value)| (nodes - n, value - y)).collect()
}

fn speedups(sizes: &[Size<'_>]) -> Vec<Speedup> {
    let mut speedups = Vec::new();
    for size in sizes {
        let Some(shards) = size.shards else { continue };
        let same = sizes.iter().filter(|other| other.nodes == size.nodes);
        let Some(base) = same.min_by_key(|other| other.shards) else { continue };
        if let Some(fewest) = base.shards.filter(|fewest| *fewest < shards) {
            let speedup = base.median("loop_s") / size.median("loop_s");
            speedups.push(Speedup {
                nodes: size.nodes,
                base: fewest,
                shards,
                speedup,
                efficiency: speedup * f64::from(fewest) / f64::from(shards),
            });
        }
    }
    speedups.sort_by_key(|speedup| (speedup.nodes, speedup.shards));
    speedups
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A run of so many nodes whose costs are a fixed part and so much per node.
    fn run(nodes: u32, shards: u32) -> Finished {
        let n = f64::from(nodes);
        let part = |value: serde_json::Value| value.as_object().cloned().expect("an object");
        Finished {
            result: part(json!({ "messages": 8.0 * n, "digest": "0" })),
            host: part(json!({
                "loop_cpu_s": 0.01 + 1e-5 * n,
                "peak_rss_bytes": 1e7 + 100.0 * n,
                "loop_s": (0.01 + 1e-5 * n) / f64::from(shards).sqrt(),
            })),
        }
    }

    #[test]
    fn a_fixed_part_bends_the_measured_exponent_and_not_that_of_the_increase() {
        let runs: Vec<(u32, Finished)> =
            [1_000, 10_000, 100_000, 1_000_000].map(|n| (n, run(n, 1))).into();
        let sizes: Vec<Size<'_>> = runs
            .iter()
            .map(|(nodes, run)| Size { nodes: *nodes, shards: None, runs: vec![run] })
            .collect();
        let found = exponents(&sizes);
        let exponent = |name: &str, above_smallest: bool| {
            let of = |e: &&Exponent| e.quantity.name == name && e.above_smallest == above_smallest;
            found.iter().find(of).and_then(|e| e.fit).expect("fitted")
        };
        assert!((exponent("messages", false).exponent - 1.0).abs() < 1e-9);
        assert!(exponent("peak_rss_bytes", false).exponent < 0.6);
        for name in ["peak_rss_bytes", "loop_cpu_s"] {
            let fit = exponent(name, true);
            assert!((fit.exponent - 1.0).abs() < 1e-9 && fit.points == 3, "{fit:?}");
            assert!(fit.is_exact && fit.interval.is_none(), "a cost without any noise: {fit:?}");
        }
        assert!(speedups(&sizes).is_empty());
    }

    #[test]
    fn a_speedup_is_over_the_fewest_shards_of_the_same_size() {
        let runs = [run(1_000, 1), run(1_000, 4)];
        let sizes: Vec<Size<'_>> = runs
            .iter()
            .zip([1, 4])
            .map(|(run, shards)| Size { nodes: 1_000, shards: Some(shards), runs: vec![run] })
            .collect();
        let found = speedups(&sizes);
        let [one] = found[..] else { panic!("{found:?}") };
        assert_eq!((one.base, one.shards), (1, 4));
        assert!((one.speedup - 2.0).abs() < 1e-9 && (one.efficiency - 0.5).abs() < 1e-9);
    }
}
