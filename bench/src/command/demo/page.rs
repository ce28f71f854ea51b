//! The demonstration as a page and in the terminal.

use std::fmt::Write as _;

use maud::{Markup, html};
use serde_json::Value;

use super::Played;
use super::acts::Part;
use crate::command::batch;
use crate::page::{Headline, Table, code, document, figure, folded, headlines, section};
use crate::plot::{Axis, LinePlot, Mark, Point, Series, Unit};
use crate::points::{Plan, Store};
use crate::statistics::power_law;
use crate::units;

const COLUMNS: [&str; 7] =
    ["act", "#nodes", "#rounds", "#messages", "#bits", "#latency", "verdict"];

/// The page.
pub(super) fn page(played: &[Played<'_>], plan: &Plan, store: &Store) -> String {
    let shown = played.iter().filter(|played| played.as_expected).count();
    let figures = [
        Headline {
            label: "acts".to_owned(),
            value: played.len().to_string(),
            note: format!("{shown} show what they say"),
        },
        Headline {
            label: "messages".to_owned(),
            value: units::count(
                played.iter().filter_map(|it| it.run.result("messages")).sum::<f64>() as u64,
            ),
            note: "in all runs together".to_owned(),
        },
    ];
    let body = html! {
        (headlines(&figures))
        @for part in Part::ALL {
            @let acts: Vec<&Played<'_>> = played.iter().filter(|it| it.act.part == part).collect();
            @if !acts.is_empty() {
                (section(part.id(), part.title(), &html! {
                    p { (part.about()) }
                    @if part == Part::Growth { (growth(&acts)) }
                    (table(&acts))
                    @for act in &acts { (details(act)) }
                }))
            }
        }
        (section("again", "Again", &batch::again(
            store, &[("Scenario of the first act", &plan.configurations[0])]
        )))
    };
    let subtitle = format!("{} runs on small networks, seed {}", played.len(), plan.seed);
    document("Agreement, attacked and defended", &subtitle, &body)
}

fn row(played: &Played<'_>) -> Vec<String> {
    let run = played.run;
    let count = |value: Option<f64>| value.map_or_else(String::new, |it| units::count(it as u64));
    let verdict = match (played.as_expected, played.act.shows.words()) {
        (true, words) => format!("as expected: {words}"),
        (false, words) => format!("UNEXPECTED: not so that {words}"),
    };
    vec![
        played.act.title.to_owned(),
        count(run.result("nodes")),
        count(run.metric("rounds")),
        count(run.result("messages")),
        count(run.result("bytes_on_wire").map(|bytes| 8.0 * bytes)),
        run.first_latency().map_or_else(String::new, |(_, ns)| units::nanos(ns as u64)),
        verdict,
    ]
}

fn table(acts: &[&Played<'_>]) -> Markup {
    let rows = acts.iter().map(|act| row(act)).collect();
    Table { rows, ..Table::new(&COLUMNS) }.markup()
}

fn details(played: &Played<'_>) -> Markup {
    let checks = played.run.result.get("checks").and_then(Value::as_array);
    let mut table = Table::new(&["statement", "holds for", "verdict"]);
    for check in checks.into_iter().flatten() {
        let text = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
        let verdict = match check {
            _ if check.get("not_judged").is_some() => text("not_judged"),
            _ if check["expected_violation"] == true => "broken, beyond its bound".to_owned(),
            _ if check["ok"] == true => "holds".to_owned(),
            _ => "broken".to_owned(),
        };
        table.rows.push(vec![text("name"), text("bound"), verdict]);
    }
    folded(
        played.act.title,
        &html! {
            p { (played.act.about) }
            (code(&played.command))
            (table.markup())
        },
    )
}

/// Messages against nodes: one line per protocol, with its exponent.
fn growth(acts: &[&Played<'_>]) -> Markup {
    let mut lines: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for played in acts {
        let Some((n, messages)) = played.run.result("nodes").zip(played.run.result("messages"))
        else {
            continue;
        };
        match lines.iter_mut().find(|(protocol, _)| *protocol == played.act.protocol) {
            Some((_, points)) => points.push((n, messages)),
            None => lines.push((played.act.protocol, vec![(n, messages)])),
        }
    }
    let mut fits = Table::new(&["protocol", "#exponent of messages"]);
    for (protocol, points) in &lines {
        let exponent =
            power_law(points).map_or_else(String::new, |it| format!("{:.2}", it.exponent));
        fits.rows.push(vec![(*protocol).to_owned(), exponent]);
    }
    let series = lines.into_iter().map(|(protocol, points)| Series {
        name: protocol.to_owned(),
        mark: Mark::LineAndDots,
        points: points.into_iter().map(|(n, messages)| Point::new(n, messages)).collect(),
    });
    let plot = LinePlot {
        title: "Messages of a run against nodes".to_owned(),
        x: Axis::log("nodes", Unit::Plain),
        y: Axis::log("messages", Unit::Plain),
        series: series.collect(),
        bands: Vec::new(),
    };
    html! {
        (figure(&plot.svg(), "On logarithmic axes a power law is a line; `anthill complexity` counts \
                              per decision, with intervals."))
        (fits.markup())
    }
}

/// The same in the terminal.
pub(super) fn text(played: &[Played<'_>], store: &Store) -> String {
    let mut text = String::new();
    for part in Part::ALL {
        let acts: Vec<&Played<'_>> = played.iter().filter(|it| it.act.part == part).collect();
        if acts.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}", part.title());
        for act in acts {
            let cells = row(act);
            let _ = writeln!(
                text,
                "  {:<58} {:>12} messages {:>9}  {}",
                cells[0], cells[3], cells[5], cells[6]
            );
        }
    }
    let path = store.path();
    let _ = writeln!(text, "\nOpen {}", path.join("report.html").display());
    text
}
