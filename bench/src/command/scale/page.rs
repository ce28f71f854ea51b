//! A scaling benchmark as a page, and its plots as files.

use maud::{Markup, html};

use super::measured::{Scaling, Size};
use super::text::{self, FITTED_ON};
use crate::command::batch;
use crate::page::{Headline, Table, document, figure, headlines, section};
use crate::plot::{self, Axis, LinePlot, Mark, Point, Series, Unit};
use crate::points::{Plan, Store};
use crate::units;

/// The page, and each plot under its file's name.
pub(super) fn page(
    scaling: &Scaling<'_>,
    plan: &Plan,
    store: &Store,
) -> (String, Vec<(&'static str, String)>) {
    let mut plots = vec![
        ("cpu.svg", cost(scaling, "CPU time of the event loop", "loop_cpu_s", Unit::Seconds)),
        ("memory.svg", cost(scaling, "Peak memory", "peak_rss_bytes", Unit::Bytes)),
        ("ns-per-event.svg", per_event(scaling)),
    ];
    if !scaling.speedups.is_empty() {
        plots.push(("speedup.svg", speedups(scaling)));
    }
    let svgs: Vec<String> = plots.iter().map(|(_, plot)| plot.svg()).collect();
    let name = &plan.configurations[0].scenario.name;
    let body = html! {
        (headlines(&figures(scaling)))
        (section("plots", "Cost against nodes", &html! {
            @for svg in &svgs {
                (figure(svg, "Medians of the runs of each size; bars reach from the least to the \
                              greatest."))
            }
        }))
        (section("sizes", "Sizes", &sizes(scaling)))
        (section("exponents", "Exponents", &exponents(scaling)))
        (section("again", "Again", &batch::again(store, &[("Scenario of the first size", &plan.configurations[0])])))
    };
    let subtitle = format!(
        "{} sizes, {} runs, seed {}",
        scaling.sizes.len(),
        store.finished().len(),
        plan.seed
    );
    let files = plots.iter().zip(&svgs).map(|((name, _), svg)| (*name, plot::standalone(svg)));
    (document(&format!("Scaling of {name}"), &subtitle, &body), files.collect())
}

fn figures(scaling: &Scaling<'_>) -> Vec<Headline> {
    let mut figures: Vec<Headline> = scaling
        .headlines()
        .filter(|exponent| exponent.above_smallest || !exponent.quantity.measured)
        .filter_map(|exponent| {
            let fit = exponent.fit?;
            let basis = if exponent.above_smallest { " (above the smallest size)" } else { "" };
            Some(Headline {
                label: format!("exponent of {}{basis}", exponent.quantity.about),
                value: format!("{:.3}", fit.exponent),
                note: match fit.interval {
                    Some([low, high]) => format!("95 % {low:.3} to {high:.3}"),
                    None if fit.is_exact => format!("all {} sizes lie on the law", fit.points),
                    None => "too few sizes for an interval".to_owned(),
                },
            })
        })
        .collect();
    if let Some(largest) = scaling.sizes.iter().max_by_key(|size| size.nodes) {
        let note = format!("with {} nodes", units::count(largest.nodes.into()));
        figures.push(Headline {
            label: "CPU time per event".to_owned(),
            value: format!("{} ns", units::figure(largest.median("ns_per_event"))),
            note: note.clone(),
        });
        figures.push(Headline {
            label: "peak memory per node".to_owned(),
            value: units::bytes(largest.median("bytes_per_node") as u64),
            note,
        });
    }
    figures
}

/// One series per number of shards.
fn series(scaling: &Scaling<'_>, name: &str) -> Vec<Series> {
    let groups = scaling.sizes.chunk_by(|a, b| a.shards == b.shards);
    let point = |size: &Size<'_>| {
        let spread = size.spread(name)?;
        let interval = (spread.min < spread.max).then_some((spread.min, spread.max));
        Some(Point { x: f64::from(size.nodes), y: spread.median, interval })
    };
    groups
        .map(|group| Series {
            name: group[0].shards.map_or_else(|| "measured".to_owned(), |n| format!("{n} shards")),
            mark: Mark::LineAndDots,
            points: group.iter().filter_map(point).collect(),
        })
        .collect()
}

/// A cost on two logarithmic axes, with a line of exponent 1 through the largest size.
fn cost(scaling: &Scaling<'_>, title: &str, name: &str, unit: Unit) -> LinePlot {
    let mut series = series(scaling, name);
    let line: Vec<Point> = match series.first().and_then(|series| series.points.last()) {
        Some(largest) => {
            let sizes = scaling.sizes.iter().map(|size| f64::from(size.nodes));
            let least = sizes.fold(f64::INFINITY, f64::min);
            [least, largest.x].map(|x| Point::new(x, largest.y * x / largest.x)).into()
        }
        None => Vec::new(),
    };
    series.push(Series { name: "exponent 1".to_owned(), mark: Mark::Line, points: line });
    LinePlot {
        title: title.to_owned(),
        x: Axis::log("nodes", Unit::Plain),
        y: Axis::log(title, unit),
        series,
        bands: Vec::new(),
    }
}

fn per_event(scaling: &Scaling<'_>) -> LinePlot {
    LinePlot {
        title: "CPU time of the event loop per event".to_owned(),
        x: Axis::log("nodes", Unit::Plain),
        y: Axis::linear("CPU time per event", Unit::Nanos),
        series: series(scaling, "ns_per_event"),
        bands: Vec::new(),
    }
}

fn speedups(scaling: &Scaling<'_>) -> LinePlot {
    let groups = scaling.speedups.chunk_by(|a, b| a.nodes == b.nodes);
    let series = groups.map(|group| {
        let first = Point::new(f64::from(group[0].base), 1.0);
        let others = group.iter().map(|s| Point::new(f64::from(s.shards), s.speedup));
        Series {
            name: format!("{} nodes", units::count(group[0].nodes.into())),
            mark: Mark::LineAndDots,
            points: std::iter::once(first).chain(others).collect(),
        }
    });
    LinePlot {
        title: "Speed-up over the fewest shards".to_owned(),
        x: Axis::linear("shards", Unit::Plain),
        y: Axis::linear("times as fast", Unit::Plain),
        series: series.collect(),
        bands: Vec::new(),
    }
}

fn sizes(scaling: &Scaling<'_>) -> Markup {
    let with_shards = scaling.sizes.iter().any(|size| size.shards.is_some());
    let columns = text::header(with_shards).iter().map(|name| format!("#{name}")).collect();
    let rows = scaling.sizes.iter().map(|size| text::row(size, with_shards)).collect();
    Table { columns, rows }.markup()
}

fn exponents(scaling: &Scaling<'_>) -> Markup {
    let mut table = Table::new(&["of", "fitted", "#exponent", "interval", "#R²"]);
    table.rows.extend(scaling.exponents.iter().map(|exponent| {
        let mut row = text::exponent_row(exponent);
        row.resize(5, String::new());
        row
    }));
    html! { (table.markup()) p { (FITTED_ON) } }
}
