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
    let means = page::Table { columns, rows: rows.collect() };
    let body = html! {
        @if plots.is_empty() {
            (page::absent("No plots: none of the varied keys has only numbers as values."))
        } @else {
            (section("plots", "Metrics", &html! {
                @for plot in &plots {
                    (figure(plot, "Means over the runs of a point; bars are 95 % intervals."))
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
        title: name.to_owned(),
        x: Axis::linear(&grid.paths[axis], Unit::Plain),
        y: Axis::linear(name, unit),
        series,
        bands: Vec::new(),
    }
}
