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
    let mut nodes: Vec<u32> = scaling.sizes.iter().map(|size| size.nodes).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let subtitle = format!(
        "{}, {}, seed {}",
        units::counted(nodes.len() as u64, "size"),
        units::counted(store.finished().len() as u64, "run"),
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
            let shards = exponent.shards.filter(|_| exponent.quantity.measured);
            let shards = shards
                .map_or_else(String::new, |n| format!(", {}", units::counted(n.into(), "shard")));
            Some(Headline {
                label: format!("exponent of {}{basis}{shards}", exponent.quantity.about),
                value: format!("{:.3}", fit.exponent),
                note: match fit.interval {
                    Some([low, high]) => format!("95 % {low:.3} to {high:.3}"),
                    None if fit.is_exact => format!("all {} sizes lie on the law", fit.points),
                    None => "too few sizes for an interval".to_owned(),
                },
            })
        })
        .collect();
    // What is counted is the same with any number of shards.
    let mut seen = Vec::new();
    figures.retain(|figure| {
        !seen.contains(figure) && {
            seen.push(figure.clone());
            true
        }
    });
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
            name: group[0]
                .shards
                .map_or_else(|| "measured".to_owned(), |n| units::counted(n.into(), "shard")),
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
    let mut series: Vec<Series> = series.collect();
    let most = scaling.speedups.iter().map(|s| s.shards).max().unwrap_or(1);
    let least = scaling.speedups.iter().map(|s| s.base).min().unwrap_or(1);
    let ideal =
        [least, most].map(|shards| Point::new(shards.into(), f64::from(shards) / f64::from(least)));
    series.push(Series {
        name: "as many times".to_owned(),
        mark: Mark::Line,
        points: ideal.into(),
    });
    LinePlot {
        title: "Speed-up over the fewest shards".to_owned(),
        x: Axis::linear("shards", Unit::Plain).whole().between(least.into(), most.into()),
        y: Axis::linear("times as fast", Unit::Plain),
        series,
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
    let (fitted, not): (Vec<_>, Vec<_>) = scaling.exponents.iter().partition(|e| e.fit.is_some());
    table.rows.extend(fitted.into_iter().map(|exponent| {
        let mut row = text::exponent_row(exponent);
        row.resize(5, String::new());
        if let Some(value) = row[4].strip_prefix("R² ") {
            row[4] = value.to_owned();
        }
        row
    }));
    let none: Vec<String> = not.into_iter().map(|e| text::exponent_row(e)[..2].join(" ")).collect();
    html! {
        (table.markup())
        @if !none.is_empty() {
            p { "No exponent, for it needs two sizes on which the cost grows: " (none.join("; ")) "." }
        }
        p { (FITTED_ON) }
    }
}
