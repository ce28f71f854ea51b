//! A complexity report as a page, and its plots as files.

use anthill_protocol::complexity::Cost;
use maud::{Markup, html};

use super::measured::{Complexity, Row, series};
use super::text::{self, COSTS, EXPONENTS};
use crate::command::batch;
use crate::page::{Table, document, figure, section};
use crate::plot::{self, Axis, LinePlot, Mark, Point, Series, Unit};
use crate::points::{Plan, Store};

/// The page, and each plot under its file's name.
pub(super) fn page(
    complexity: &Complexity,
    plan: &Plan,
    store: &Store,
) -> (String, Vec<(&'static str, String)>) {
    let names = ["rounds.svg", "messages.svg", "bits.svg", "signatures.svg"];
    let plots = names.into_iter().zip(Cost::ALL);
    let plots = plots.filter_map(|(name, cost)| Some((name, against_nodes(complexity, cost)?)));
    let mut plots: Vec<(&'static str, LinePlot)> = plots.collect();
    plots.extend(against_delta(complexity).map(|plot| ("delta.svg", plot)));
    let svgs: Vec<String> = plots.iter().map(|(_, plot)| plot.svg()).collect();
    let body = html! {
        (section("costs", "Costs against nodes", &html! {
            @for svg in &svgs { (figure(svg, CAPTION)) }
        }))
        (section("exponents", "Exponents", &table(&EXPONENTS, text::exponents(complexity))))
        (section("table", "Measured and expected", &table(&COSTS, text::costs(complexity))))
        (section("again", "Again", &batch::again(
            store, &[("Scenario of the first cell", &plan.configurations[0])]
        )))
    };
    let subtitle = format!(
        "{} cells, {} runs, seed {}",
        complexity.rows.len(),
        store.finished().len(),
        plan.seed
    );
    let files = plots.iter().zip(&svgs).map(|((name, _), svg)| (*name, plot::standalone(svg)));
    (document("What agreement costs", &subtitle, &body), files.collect())
}

const CAPTION: &str = "Of honest nodes, per decision; bars are 95 % intervals over seeds. Lines without \
                       dots are what theory says.";

fn table(columns: &[&str], rows: Vec<Vec<String>>) -> Markup {
    Table { rows, ..Table::new(columns) }.markup()
}

fn name(rows: &[Row]) -> String {
    let cell = &rows[0].cell;
    let faults = if cell.f == "max" { String::new() } else { format!(", f = {}", cell.f) };
    let delta = cell.delta.as_ref().map_or_else(String::new, |delta| format!(", Δ = {delta}"));
    format!("{}{faults}{delta}", cell.protocol)
}

/// A cost on two logarithmic axes; `None` if nothing has it.
fn against_nodes(complexity: &Complexity, cost: Cost) -> Option<LinePlot> {
    let mut lines = Vec::new();
    for rows in series(&complexity.rows) {
        let found = |row: &Row| row.costs.iter().find(|it| it.cost == cost).cloned();
        let measured = rows.iter().filter_map(|row| {
            let mean = found(row)?.mean;
            let interval = mean.interval.map(|[low, high]| (low, high));
            (mean.mean > 0.0).then_some(Point { x: row.cell.n.into(), y: mean.mean, interval })
        });
        let theory = rows.iter().filter_map(|row| {
            let (law, agrees) = found(row)?.law?;
            agrees.map(|_| Point::new(row.cell.n.into(), law.expected))
        });
        let (measured, theory): (Vec<_>, Vec<_>) = (measured.collect(), theory.collect());
        if !measured.is_empty() {
            lines.push(Series { name: name(rows), mark: Mark::LineAndDots, points: measured });
        }
        if !theory.is_empty() {
            let name = format!("{}: theory", name(rows));
            lines.push(Series { name, mark: Mark::Line, points: theory });
        }
    }
    (!lines.is_empty()).then(|| LinePlot {
        title: format!("{} per decision", cost.name()),
        x: Axis::log("nodes", Unit::Plain),
        y: Axis::log(cost.name(), Unit::Plain),
        series: lines,
        bands: Vec::new(),
    })
}

/// The median latency against Δ; `None` unless several were given.
fn against_delta(complexity: &Complexity) -> Option<LinePlot> {
    let mut lines: Vec<Series> = Vec::new();
    for row in &complexity.rows {
        let Some(delta) = row.cell.delta.as_deref() else { continue };
        let Ok(delta) = anthill_engine::scenario::parse_span(delta) else { continue };
        let Some((latency, p50)) = &row.latency else { continue };
        let name = format!("{}, n = {}: {latency}", row.cell.protocol, row.cell.n);
        let point = Point::new(delta.0 as f64, *p50);
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => lines.push(Series { name, mark: Mark::LineAndDots, points: vec![point] }),
        }
    }
    (!lines.is_empty()).then(|| LinePlot {
        title: "Latency against the assumed bound".to_owned(),
        x: Axis::linear("Δ", Unit::Nanos),
        y: Axis::linear("median latency", Unit::Nanos),
        series: lines,
        bands: Vec::new(),
    })
}
