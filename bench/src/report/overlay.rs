//! Several runs side by side: their figures in one table, their curves in one plot.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::load::{Run, Step};
use super::results::{figures, percentile_plot};
use super::timeline::reached;
use crate::page::{Table, figure, section};
use crate::plot::{Axis, LinePlot, Series, Unit};

/// The parts of the page that are about all runs.
pub(super) fn parts(runs: &[Run]) -> Markup {
    html! {
        (section("compared", "Headline figures, side by side", &html! { (table(runs).markup()) (commits(runs)) }))
        (section("latencies", "Latency, run by run", &html! {
            @for metric in latency_metrics(runs) { (latency(runs, &metric)) }
        }))
        @let lines = shares(runs);
        @if !lines.is_empty() {
            (section("shares", "Share of the nodes over virtual time", &share_plot(lines)))
        }
    }
}

/// A row per figure, a column per run; a figure that a run does not have stays empty.
fn table(runs: &[Run]) -> Table {
    let all: Vec<_> = runs.iter().map(figures).collect();
    let mut labels: Vec<&str> = Vec::new();
    for figure in all.iter().flatten() {
        if !labels.contains(&figure.label.as_str()) {
            labels.push(&figure.label);
        }
    }
    let columns = runs.iter().map(|run| format!("#{}", run.name));
    let cell = |of: &[crate::page::Headline], label: &str| {
        of.iter().find(|figure| figure.label == label).map_or(String::new(), |f| f.value.clone())
    };
    let row = |label: &&str| {
        let cells = all.iter().map(|of| cell(of, label));
        std::iter::once((*label).to_owned()).chain(cells).collect()
    };
    Table {
        columns: std::iter::once("Figure".to_owned()).chain(columns).collect(),
        rows: labels.iter().map(row).collect(),
    }
}

fn commits(runs: &[Run]) -> Markup {
    let commits: BTreeSet<&str> = runs.iter().map(|run| run.manifest.commit.as_str()).collect();
    html! {
        @if commits.len() > 1 {
            p { "The runs are of " (commits.len()) " different commits: a difference may come from the code." }
        }
    }
}

fn latency_metrics(runs: &[Run]) -> BTreeSet<String> {
    runs.iter().flat_map(|run| run.latencies.iter().map(|(name, _)| name.clone())).collect()
}

fn latency(runs: &[Run], metric: &str) -> Markup {
    let of = |run: &'_ Run| -> Option<usize> {
        run.latencies.iter().position(|(name, _)| name == metric)
    };
    let lines: Vec<(String, &[Step])> = runs
        .iter()
        .filter_map(|run| Some((run.name.clone(), run.latencies[of(run)?].1.as_deref()?)))
        .collect();
    // A single line has no legend.
    let whose = if let [(only, _)] = &lines[..] { format!(", {only}") } else { String::new() };
    percentile_plot(&format!("Latency `{metric}` by percentile{whose}"), &lines)
}

fn shares(runs: &[Run]) -> Vec<Series> {
    let named = |run: &Run| {
        let lines = run.series.as_ref().map(|table| reached(run, table)).unwrap_or_default();
        let name = run.name.clone();
        lines.into_iter().map(move |line| Series { name: format!("{name}: {}", line.name), ..line })
    };
    runs.iter().flat_map(|run| named(run).collect::<Vec<_>>()).collect()
}

fn share_plot(series: Vec<Series>) -> Markup {
    let plot = LinePlot {
        title: "Share of the nodes".to_owned(),
        x: Axis::linear("virtual time", Unit::Nanos),
        y: Axis::linear("of the nodes", Unit::Share),
        series,
        bands: Vec::new(),
    };
    figure(&plot.svg(), "")
}
