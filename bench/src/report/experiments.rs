//! What `anthill scale`, `sweep` and `compare` saved, as parts of a report.
//!
//! Their own pages show more; here is what stands beside runs and other experiments: the plot that
//! answers the question, and the table behind it. Each is read from its JSON file alone.

use std::path::Path;

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::load::{ReportError, json, read};
use crate::page::{Table, code, figure, section};
use crate::plot::{Axis, LinePlot, Mark, Point, Series, Unit};
use crate::units;

/// The layout of the files that is read here.
const FORMAT: u64 = 1;
/// The most plots of a sweep and lines of a plot.
const MOST_PLOTS: usize = 12;
const MOST_LINES: usize = 8;

/// The results of one experiment.
#[derive(Debug)]
pub(crate) struct Experiment {
    /// Its command and directory.
    heading: String,
    body: Markup,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    reproduce: String,
    version: String,
    commit: String,
}

#[derive(Debug, Deserialize)]
struct Scale {
    manifest: Manifest,
    points: Vec<Size>,
    fits: Vec<Fit>,
}

#[derive(Debug, Deserialize)]
struct Size {
    nodes: f64,
    shards_given: Option<Value>,
    loop_cpu_s: Option<Spread>,
    ns_per_event: Option<Spread>,
    peak_rss_bytes: Option<Spread>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

#[derive(Debug, Deserialize)]
struct Fit {
    quantity: String,
    basis: String,
    shards_given: Option<u64>,
    exponent: Option<f64>,
    interval: Option<(f64, f64)>,
    r_squared: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Sweep {
    manifest: Manifest,
    points: Vec<SweepPoint>,
}

#[derive(Debug, Deserialize)]
struct SweepPoint {
    parameters: Map<String, Value>,
    metrics: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Mean {
    mean: f64,
    interval: Option<(f64, f64)>,
}

#[derive(Debug, Deserialize)]
struct Compare {
    manifest: Manifest,
    method: String,
    pairs: u64,
    metrics: Vec<Difference>,
}

#[derive(Debug, Deserialize)]
struct Difference {
    metric: String,
    verdict: String,
    mean_a: Option<f64>,
    mean_b: Option<f64>,
    difference: Option<f64>,
    interval: Option<(f64, f64)>,
}

/// Those in a directory.
pub(super) fn load(directory: &Path) -> Result<Vec<Experiment>, ReportError> {
    let mut found = Vec::new();
    for (name, part) in [
        ("scale", scale as fn(&Path, &str) -> Result<Markup, ReportError>),
        ("sweep", sweep),
        ("compare", compare),
    ] {
        let file = directory.join(format!("{name}.json"));
        let Some(text) = read(&file)? else { continue };
        let value: Value = json(&file, &text)?;
        if value["format"] != FORMAT || value["command"] != name {
            let problem = format!("is not what `anthill {name}` of this version saves");
            return Err(ReportError::Corrupt { path: file, problem });
        }
        let heading = format!("anthill {name}: {}", directory.display());
        found.push(Experiment { heading, body: part(&file, &text)? });
    }
    Ok(found)
}

/// Its part of the page; `number` keeps ids apart.
pub(super) fn part(experiment: &Experiment, number: usize) -> Markup {
    section(&format!("experiment-{number}"), &experiment.heading, &experiment.body)
}

fn scale(file: &Path, text: &str) -> Result<Markup, ReportError> {
    let scale: Scale = json(file, text)?;
    let plot = |title: &str, unit: Unit, log: bool, of: fn(&Size) -> Option<Spread>| {
        let axis = if log { Axis::log } else { Axis::linear };
        let groups = scale.points.chunk_by(|a, b| a.shards_given == b.shards_given);
        let series = groups.map(|group| Series {
            name: match &group[0].shards_given {
                None | Some(Value::Null) => "measured".to_owned(),
                Some(shards) => match shards.as_u64() {
                    Some(n) => units::counted(n, "shard"),
                    None => format!("{} shards", shards.to_string().trim_matches('"')),
                },
            },
            mark: Mark::LineAndDots,
            points: group
                .iter()
                .filter_map(|size| {
                    let spread = of(size)?;
                    let interval = (spread.min < spread.max).then_some((spread.min, spread.max));
                    Some(Point { x: size.nodes, y: spread.median, interval })
                })
                .collect(),
        });
        let (x, y) = (Axis::log("nodes", Unit::Plain), axis(title, unit));
        let series = series.collect();
        LinePlot { title: title.to_owned(), x, y, series, bands: Vec::new() }.svg()
    };
    let mut fits = Table::new(&["Exponent of", "fitted", "#exponent", "#95 % interval", "#R²"]);
    for fit in scale.fits.iter().filter(|fit| fit.exponent.is_some()) {
        let shards = fit.shards_given.map(|n| format!(", {}", units::counted(n, "shard")));
        fits.rows.push(vec![
            format!("{}{}", in_words(&fit.quantity), shards.unwrap_or_default()),
            fit.basis.replace('-', " "),
            decimal(fit.exponent),
            range(fit.interval, |value| decimal(Some(value))),
            decimal(fit.r_squared),
        ]);
    }
    let caption = "Medians of the runs of each size; bars reach from the least to the greatest.";
    Ok(html! {
        (figure(&plot("CPU time of the event loop", Unit::Seconds, true, |s| s.loop_cpu_s), caption))
        (figure(&plot("CPU time per event", Unit::Nanos, false, |s| s.ns_per_event), caption))
        (figure(&plot("Peak memory", Unit::Bytes, true, |s| s.peak_rss_bytes), caption))
        (fits.markup())
        (again(&scale.manifest))
    })
}

fn sweep(file: &Path, text: &str) -> Result<Markup, ReportError> {
    let Sweep { manifest, points } = json(file, text)?;
    let first = points.first();
    let metrics: Vec<&str> = first.map_or_else(Vec::new, |first| {
        first.metrics.keys().map(String::as_str).filter(|name| is_shown(name)).collect()
    });
    let keys: Vec<&str> =
        first.map_or_else(Vec::new, |first| first.parameters.keys().map(String::as_str).collect());
    // Across: the first key that has only numbers; the others tell the lines apart.
    let axis = keys.iter().find(|key| points.iter().all(|point| point.number(key).is_some()));
    Ok(html! {
        @if let Some(axis) = axis {
            @for metric in metrics.iter().take(MOST_PLOTS) {
                (figure(
                    &sweep_plot(&points, &keys, axis, metric),
                    "Means over the runs of a point; bars are 95 % intervals.",
                ))
            }
        }
        (sweep_table(&points, &keys, &metrics).markup())
        (again(&manifest))
    })
}

impl SweepPoint {
    fn word(&self, key: &str) -> String {
        match self.parameters.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.word(key).parse().ok()
    }

    fn mean(&self, metric: &str) -> Option<Mean> {
        serde_json::from_value(self.metrics.get(metric)?.clone()).ok()
    }
}

fn sweep_table(points: &[SweepPoint], keys: &[&str], metrics: &[&str]) -> Table {
    let columns = keys.iter().chain(metrics).map(|name| format!("#{name}")).collect();
    let cell = |point: &SweepPoint, metric: &str| {
        let Some(mean) = point.mean(metric) else { return String::new() };
        let interval = range(mean.interval, |value| shown(metric, value));
        let behind = if interval.is_empty() { interval } else { format!(" ({interval})") };
        shown(metric, mean.mean) + &behind
    };
    let row = |point: &SweepPoint| {
        let parameters = keys.iter().map(|key| point.word(key));
        parameters.chain(metrics.iter().map(|metric| cell(point, metric))).collect()
    };
    Table { columns, rows: points.iter().map(row).collect() }
}

fn sweep_plot(points: &[SweepPoint], keys: &[&str], axis: &str, metric: &str) -> String {
    let mut series: Vec<Series> = Vec::new();
    for point in points {
        let others = keys.iter().filter(|key| **key != axis);
        let name: Vec<String> = others.map(|key| format!("{key} {}", point.word(key))).collect();
        let name = name.join(", ");
        let (Some(x), Some(mean)) = (point.number(axis), point.mean(metric)) else { continue };
        let point = Point { x, y: mean.mean, interval: mean.interval };
        match series.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => series.push(Series { name, mark: Mark::LineAndDots, points: vec![point] }),
        }
    }
    series.truncate(MOST_LINES);
    let unit = if is_time(metric) { Unit::Nanos } else { Unit::Plain };
    let (x, y) = (Axis::linear(axis, Unit::Plain), Axis::linear(metric, unit));
    LinePlot { title: metric.to_owned(), x, y, series, bands: Vec::new() }.svg()
}

fn compare(file: &Path, text: &str) -> Result<Markup, ReportError> {
    let compare: Compare = json(file, text)?;
    let mut table = Table::new(&[
        "Metric",
        "verdict on B",
        "#mean of A",
        "#mean of B",
        "#B − A",
        "#95 % interval",
    ]);
    for row in &compare.metrics {
        let one = |value: Option<f64>| value.map_or_else(String::new, |v| shown(&row.metric, v));
        table.rows.push(vec![
            row.metric.clone(),
            row.verdict.clone(),
            one(row.mean_a),
            one(row.mean_b),
            one(row.difference),
            range(row.interval, |value| shown(&row.metric, value)),
        ]);
    }
    Ok(html! {
        p { (compare.pairs) " pairs of runs with the same seed. " (compare.method) }
        (table.markup())
        (again(&compare.manifest))
    })
}

fn again(manifest: &Manifest) -> Markup {
    html! {
        p { "With anthill " (manifest.version) ", commit " code { (manifest.commit) } ", from a directory of your own:" }
        (code(&manifest.reproduce))
    }
}

/// The protocol's own metrics, and the middle and tail of its latencies.
fn is_shown(name: &str) -> bool {
    name == "messages"
        || (name.starts_with("metrics.") && !name.contains("_by_kind"))
        || (is_time(name) && (name.ends_with(".p50") || name.ends_with(".p99")))
}

/// All figures of a latency but how many there are.
fn is_time(name: &str) -> bool {
    name.starts_with("latency_ns.") && !name.ends_with(".count")
}

fn shown(metric: &str, value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    match is_time(metric) {
        true => format!("{sign}{}", units::nanos(value.abs() as u64)),
        false => units::figure(value),
    }
}

/// A quantity of a benchmark as its own page calls it.
fn in_words(quantity: &str) -> String {
    match quantity {
        "loop_cpu_s" => "CPU time of the event loop".to_owned(),
        "loop_s" => "wall time of the event loop".to_owned(),
        "cpu_s" => "CPU time".to_owned(),
        "wall_s" => "wall time".to_owned(),
        "peak_rss_bytes" => "peak memory".to_owned(),
        other => other.replace('_', " "),
    }
}

fn decimal(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.3}"))
}

/// Both ends; empty if there is no interval.
fn range(interval: Option<(f64, f64)>, shown: impl Fn(f64) -> String) -> String {
    interval.map_or_else(String::new, |(low, high)| format!("{} to {}", shown(low), shown(high)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn manifest() -> Value {
        json!({ "reproduce": "anthill x <y>", "version": "0.1.0", "commit": "c0ffee" })
    }

    fn loaded(name: &str, content: &Value) -> Result<Vec<Experiment>, ReportError> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join(format!("{name}.json"));
        fs::write(file, content.to_string()).expect("written");
        load(directory.path())
    }

    fn body(name: &str, content: &Value) -> String {
        let found = loaded(name, content).expect("an experiment");
        assert_eq!(found.len(), 1);
        part(&found[0], 1).into_string()
    }

    #[test]
    fn a_scaling_benchmark_has_its_sizes_and_exponents() {
        let spread = |median: f64| json!({ "median": median, "min": median / 2.0, "max": median });
        let size = |nodes: u64| {
            json!({ "nodes": nodes, "shards_given": null, "loop_cpu_s": spread(nodes as f64 / 1e6),
                    "ns_per_event": spread(70.0), "peak_rss_bytes": spread(nodes as f64 * 100.0) })
        };
        let fit = json!({ "quantity": "loop_cpu_s", "basis": "as-measured", "shards_given": 1, "exponent": 1.0,
                          "interval": [0.9, 1.1], "r_squared": 0.99 });
        let page = body(
            "scale",
            &json!({ "format": 1, "command": "scale", "manifest": manifest(),
            "points": [size(1_000), size(1_000_000)], "fits": [fit] }),
        );
        assert_eq!(page.matches("<svg").count(), 3);
        for part in [
            "70 ns",
            "0.900 to 1.100",
            "CPU time of the event loop, 1 shard",
            "as measured",
            "anthill x &lt;y&gt;",
            "measured: 100 MB (50 MB to",
        ] {
            assert!(page.contains(part), "`{part}` is not in {page}");
        }
    }

    #[test]
    fn a_sweep_has_a_line_per_other_parameter() {
        let point = |fanout: &str, mode: &str| {
            json!({ "parameters": { "fanout": fanout, "mode": mode },
                    "metrics": { "metrics.sends": { "runs": 3, "mean": 7.5, "interval": [7.0, 8.0] },
                                 "latency_ns.a.p50": { "runs": 3, "mean": 2e6, "interval": null },
                                 "events": { "runs": 3, "mean": 1.0, "interval": null } } })
        };
        let points = [point("4", "push"), point("8", "push"), point("4", "flood")];
        let content =
            json!({ "format": 1, "command": "sweep", "manifest": manifest(), "points": points });
        let page = body("sweep", &content);
        assert_eq!(page.matches("<svg").count(), 2, "events are not shown");
        assert!(page.contains("mode push: 7.5 (7 to 8) at 8") && page.contains("mode flood"));
        assert!(page.contains("7.500 (7 to 8)") && page.contains(">2 ms<"), "{page}");
    }

    #[test]
    fn a_comparison_has_its_verdicts() {
        let metric = json!({ "metric": "latency_ns.a.p50", "verdict": "better", "mean_a": 3e6,
            "mean_b": 2e6, "difference": -1e6, "interval": [-2e6, -1e5] });
        let content = json!({ "format": 1, "command": "compare", "manifest": manifest(),
            "method": "paired", "pairs": 6, "metrics": [metric] });
        let page = body("compare", &content);
        for part in ["better", ">-1 ms<", "-2 ms to -100 us", "6 pairs"] {
            assert!(page.contains(part), "`{part}` is not in {page}");
        }
    }

    #[test]
    fn what_is_of_another_layout_is_refused_by_file() {
        for content in
            [json!({ "format": 2, "command": "scale" }), json!([]), json!({ "format": 1 })]
        {
            let problem = loaded("scale", &content).expect_err("refused").to_string();
            assert!(problem.contains("scale.json: is not what"), "{problem}");
        }
        let half = json!({ "format": 1, "command": "scale", "points": [] });
        assert!(loaded("scale", &half).expect_err("refused").to_string().contains("manifest"));
        assert!(loaded("other", &half).expect("none").is_empty());
    }
}
