//! A sweep as a page.

use maud::html;

use super::export::{Table, interval};
use super::grid::Grid;
use crate::command::batch;
use crate::page::{self, document, figure, section};
use crate::plot::{Axis, LinePlot, Mark, Point, Series, Unit};
use crate::points::{Plan, Store};
use crate::statistics::Mean;

/// The most plots and lines of a plot: more do not help a reader.
const MOST_PLOTS: usize = 24;
const MOST_LINES: usize = 8;

/// The page.
pub(super) fn page(table: &Table<'_>, grid: &Grid, plan: &Plan, store: &Store) -> String {
    let plots: Vec<String> = match axis(table, grid) {
        Some(axis) => table
            .shown()
            .filter(|(index, _)| varies(table, *index))
            .take(MOST_PLOTS)
            .map(|(index, name)| plot(table, grid, axis, index, name).svg())
            .collect(),
        None => Vec::new(),
    };
    let mut columns: Vec<String> = grid.paths.iter().map(|path| format!("#{path}")).collect();
    columns.extend(table.shown().map(|(_, name)| format!("#{name}")));
    let rows = (0..table.points()).map(|point| {
        let mut row = grid.cells(point).to_vec();
        row.extend(table.shown().map(|(index, name)| {
            let mean = table.mean(point, index);
            mean.map_or_else(String::new, |mean| shown(name, &mean))
        }));
        row
    });
    let constant: Vec<&str> = table
        .shown()
        .filter(|(index, _)| !varies(table, *index))
        .map(|(_, name)| name.as_str())
        .collect();
    let means = page::Table { columns, rows: rows.collect() };
    let body = html! {
        @if plots.is_empty() {
            (page::absent("No plots: none of the varied keys has only numbers as values."))
        } @else {
            (section("plots", "Metrics", &html! {
                @for plot in &plots {
                    (figure(plot, "Means over the runs of a point; bars are 95 % intervals."))
                }
                @if !constant.is_empty() {
                    p { "The same at every point, and not drawn: " (constant.join(", ")) "." }
                }
            }))
        }
        (section("means", "Means with 95 % intervals", &means.markup()))
        (section("again", "Again", &batch::again(
            store, &[("Scenario of the first point", &plan.configurations[0])])))
    };
    let name = &plan.configurations[0].scenario.name;
    let (points, runs) = (table.points(), store.finished().len());
    let subtitle = format!("{points} points, {runs} runs, base seed {}", plan.seed);
    document(&format!("Sweep of {name}"), &subtitle, &body)
}

fn shown(name: &str, mean: &Mean) -> String {
    let text = format!("{} {}", batch::shown(name, mean.mean), interval(name, mean));
    text.trim_end().to_owned()
}

/// Whether a metric is another at some point.
fn varies(table: &Table<'_>, metric: usize) -> bool {
    let mut means = (0..table.points()).filter_map(|point| table.mean(point, metric));
    let first = means.next().map(|mean| mean.mean);
    means.any(|mean| Some(mean.mean) != first)
}

/// A metric's name as a heading: of what, and which of its figures.
fn words(name: &str) -> String {
    let name = name.trim_start_matches("metrics.");
    let Some(latency) = name.strip_prefix("latency_ns.") else { return name.replace('_', " ") };
    let (of, which) = latency.rsplit_once('.').unwrap_or((latency, ""));
    let which = match which {
        "p50" => "median".to_owned(),
        "max" => "longest".to_owned(),
        "count" => "records".to_owned(),
        other => format!("{} %", other.trim_start_matches('p').replace("999", "99.9")),
    };
    format!("{}: {which}", of.replace('_', " "))
}

/// The first key that has only numbers as values, and several of them.
fn axis(table: &Table<'_>, grid: &Grid) -> Option<usize> {
    (0..grid.paths.len()).find(|key| {
        let mut cells: Vec<&String> =
            (0..table.points()).map(|point| &grid.cells(point)[*key]).collect();
        cells.sort_unstable();
        cells.dedup();
        cells.len() > 1 && cells.iter().all(|cell| cell.parse::<f64>().is_ok())
    })
}

/// A metric over one key; a line per combination of the others.
fn plot(table: &Table<'_>, grid: &Grid, axis: usize, metric: usize, name: &str) -> LinePlot {
    let mut series: Vec<Series> = Vec::new();
    for index in 0..table.points() {
        let cells = grid.cells(index);
        let Ok(x) = cells[axis].parse::<f64>() else { continue };
        let Some(mean) = table.mean(index, metric) else { continue };
        let others: Vec<String> = grid
            .parameters(index)
            .iter()
            .enumerate()
            .filter(|(key, _)| *key != axis)
            .map(|(_, (path, value))| format!("{path}={value}"))
            .collect();
        let others = others.join(", ");
        let interval = mean.interval.map(|[low, high]| (low, high));
        let point = Point { x, y: mean.mean, interval };
        match series.iter_mut().find(|series| series.name == others) {
            Some(series) => series.points.push(point),
            None => {
                series.push(Series { name: others, mark: Mark::LineAndDots, points: vec![point] })
            }
        }
    }
    series.truncate(MOST_LINES);
    for series in &mut series {
        series.points.sort_by(|a, b| a.x.total_cmp(&b.x));
    }
    let unit = if name.starts_with("latency_ns.") { Unit::Nanos } else { Unit::Plain };
    LinePlot {
        title: words(name),
        x: over(&grid.paths[axis], &series),
        y: Axis::linear(if unit == Unit::Nanos { "virtual time" } else { "mean" }, unit),
        series,
        bands: Vec::new(),
    }
}

/// An axis over the values of a key, from a little before the first to a little behind the last.
fn over(key: &str, series: &[Series]) -> Axis {
    let values = || series.iter().flat_map(|series| &series.points).map(|point| point.x);
    let (low, high) = values()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let axis = Axis::linear(key, Unit::Plain);
    let axis = if values().all(|x| x.fract() == 0.0) { axis.whole() } else { axis };
    let margin = (high - low) * 0.05;
    if margin > 0.0 { axis.between(low - margin, high + margin) } else { axis }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_words() {
        assert_eq!(words("latency_ns.block_propagation.p50"), "block propagation: median");
        assert_eq!(words("latency_ns.a.p999"), "a: 99.9 %");
        assert_eq!(words("metrics.rounds_to_all"), "rounds to all");
    }

    #[test]
    fn an_axis_of_values_does_not_begin_at_nought() {
        let points = [4.0, 8.0].map(|x| Point::new(x, 1.0)).to_vec();
        let series = Series { name: String::new(), mark: Mark::Dots, points };
        let axis = over("fanout", std::slice::from_ref(&series));
        assert_eq!((axis.range, axis.whole), (Some((3.8, 8.2)), true));
        let one = Series { points: vec![Point::new(4.0, 1.0)], ..series };
        assert_eq!(over("fanout", &[one]).range, None);
    }
}
