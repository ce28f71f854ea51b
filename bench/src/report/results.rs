//! What a run found: figures, checks, latencies, messages, metrics.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::load::{Check, Run, Step};
use crate::page::{Headline, Table, absent, figure, headlines};
use crate::plot::{Axis, Bars, LinePlot, Mark, Point, Series, Unit};
use crate::units;

/// The figures that matter most.
pub(super) fn headline(run: &Run) -> Markup {
    html! { (headlines(&figures(run))) (standing(run)) }
}

/// The same figures for a page of several runs.
pub(super) fn figures(run: &Run) -> Vec<Headline> {
    let (result, host) = (&run.summary.result, &run.summary.host);
    let figure = |label: &str, value: String, note: String| Headline {
        label: label.to_owned(),
        value,
        note,
    };
    let per_node = |n: u64| units::rough(n as f64 / result.nodes.max(1) as f64);
    let mut figures = vec![
        figure("Nodes", units::count(result.nodes), result.protocol.clone()),
        figure("Virtual time", units::seconds(result.virtual_s), host.ended.clone()),
        figure("Events", units::count(result.events), per_node(result.events) + " per node"),
        figure("Messages", units::count(result.messages), per_node(result.messages) + " per node"),
        figure(
            "On the wire",
            units::bytes(result.bytes_on_wire),
            per_node(result.bytes_on_wire) + " B per node",
        ),
    ];
    for (name, latency) in &result.latency_ns {
        if latency.count > 0 {
            let note = format!("99 % within {}", units::nanos(latency.p99));
            figures.push(figure(&format!("Median {name}"), units::nanos(latency.p50), note));
        }
    }
    if let Some(coverage) = result.metrics.get("coverage").and_then(Value::as_f64) {
        figures.push(figure("Coverage", units::percent(coverage), "of the nodes".to_owned()));
    }
    let failed = result.checks.iter().filter(|check| !check.ok).count();
    let (value, note) = match (result.checks.len(), failed) {
        (0, _) => ("none".to_owned(), "nothing to check in this scenario".to_owned()),
        (all, 0) => (all.to_string(), "all hold".to_owned()),
        (all, failed) => (all.to_string(), format!("{failed} do not hold")),
    };
    figures.push(figure("Checks", value, note));
    figures.push(figure(
        "Speed",
        format!("{} events/s", units::count(host.events_per_s as u64)),
        format!("{:.1} ns of CPU per event", host.ns_per_event),
    ));
    figures.push(figure(
        "Memory",
        units::bytes(host.peak_rss_bytes),
        units::bytes(host.bytes_per_node as u64) + " per node",
    ));
    figures.push(figure("Digest", result.digest.clone(), "the same for any execution".to_owned()));
    figures
}

/// Under which conditions.
fn standing(run: &Run) -> Markup {
    html! {
        @if run.manifest.conditions_on.is_empty() {
            p { "No fault, churn, loss, limit of bandwidth or adversary: plain delays." }
        } @else {
            p { "With:" }
            ul { @for on in &run.manifest.conditions_on { li { (on) } } }
        }
    }
}

/// Measured beside expected.
pub(super) fn checks(run: &Run) -> Markup {
    let checks = &run.summary.result.checks;
    if checks.is_empty() {
        return absent(
            "This run had nothing to check: its protocol states no theory for the scenario.",
        );
    }
    let number = |value: Option<f64>| value.map_or("no number".to_owned(), units::figure);
    let expected = |check: &Check| match check.interval {
        (low, high) if low == high => number(check.expected),
        (low, high) => format!("{} ({} to {})", number(check.expected), number(low), number(high)),
    };
    html! {
        div.wide { table {
            thead { tr {
                th { "Verdict" } th { "Check" } th.figure { "Measured" }
                th.figure { "Expected (95 % interval)" } th { "Holds for" }
            } }
            tbody { @for check in checks { tr {
                td { @match (check.ok, check.expected_violation) {
                    _ if check.not_judged.is_some() => span.verdict { "not judged" },
                    (true, _) => span.verdict { "ok" },
                    (false, true) => span.verdict { "beyond bound" },
                    (false, false) => span.verdict.violated { "VIOLATED" },
                } }
                td { (check.name) }
                td.figure { (number(check.measured)) }
                td.figure { (expected(check)) }
                td {
                    (check.bound)
                    @if let Some(why) = &check.not_judged { "; " (why) }
                }
            } } }
        } }
        (violations(run))
    }
}

/// What single events have violated.
fn violations(run: &Run) -> Markup {
    let all = &run.summary.result.violations;
    html! {
        @if !all.is_empty() {
            p { "Violated, by events that the seed and these keys name:" }
            ul { @for violation in all { li {
                (violation.invariant) ": "
                (units::violations(violation.events, violation.about.is_some()))
                @if let Some(first) = &violation.first {
                    ", first at " (units::nanos(first.time_ns)) " (time " (first.time_ns)
                    " ns, target " (first.target) ", source " (first.source)
                    ", sequence " (first.sequence) ")"
                }
                @if let Some(about) = &violation.about { ". " (about) }
            } } }
        }
    }
}

/// Percentiles as a table and as a plot.
pub(super) fn latency(run: &Run) -> Markup {
    let latencies = &run.summary.result.latency_ns;
    if latencies.is_empty() {
        return absent("The protocol measures no latency.");
    }
    let mut table =
        Table::new(&["Latency", "#count", "#median", "#90 %", "#99 %", "#99.9 %", "#longest"]);
    for (name, latency) in latencies {
        let steps = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max];
        let cells = if latency.count == 0 {
            vec!["no records".to_owned()]
        } else {
            steps.into_iter().map(units::nanos).collect()
        };
        let mut row = vec![name.clone(), units::count(latency.count)];
        row.extend(cells);
        table.rows.push(row);
    }
    let missing: Vec<&str> =
        run.latencies.iter().filter(|(_, s)| s.is_none()).map(|(name, _)| name.as_str()).collect();
    let found: Vec<(String, &[Step])> = run
        .latencies
        .iter()
        .filter_map(|(name, steps)| Some((name.clone(), steps.as_deref()?)))
        .collect();
    html! {
        (table.markup())
        @if !found.is_empty() { (percentile_plot("Latency by percentile", &found)) }
        @if !missing.is_empty() {
            (absent(&format!(
                "No percentile plot of {}: its .hgrm file is missing from metrics/.",
                missing.join(", ")
            )))
        }
    }
}

/// Percentile distributions, one line each.
pub(super) fn percentile_plot(title: &str, distributions: &[(String, &[Step])]) -> Markup {
    let line = |(name, steps): &(String, &[Step])| Series {
        name: name.clone(),
        mark: Mark::Line,
        points: steps.iter().map(|step| Point::new(step.inverse, step.value_ns)).collect(),
    };
    let plot = LinePlot {
        title: title.to_owned(),
        x: Axis::percentile("share of records that took no longer"),
        y: Axis::linear("time", Unit::Nanos),
        series: distributions.iter().map(line).collect(),
        bands: Vec::new(),
    };
    let caption = "From the HDR histograms (three significant digits) in metrics/. Every further \
                   nine takes the same width, so the tail is not squeezed.";
    figure(&plot.svg(), caption)
}

/// Which messages were sent, and what befell them.
pub(super) fn messages(run: &Run) -> Markup {
    let result = &run.summary.result;
    let budget = |counts: &Map<String, Value>, title: &str, unit: Unit| {
        let counts = counts.iter().filter_map(|(kind, n)| Some((kind.clone(), n.as_f64()?)));
        let mut bars: Vec<(String, f64)> = counts.collect();
        bars.sort_by(|a, b| b.1.total_cmp(&a.1));
        figure(&Bars { title: title.to_owned(), unit, bars }.svg(), "")
    };
    let messages = result.metrics.get("messages_by_kind").and_then(Value::as_object);
    let mean = result.bytes_on_wire as f64 / result.messages.max(1) as f64;
    let befell: Vec<(&String, u64)> = result
        .conditions
        .iter()
        .flatten()
        .filter_map(|(name, n)| Some((name, n.as_u64().filter(|n| *n > 0)?)))
        .collect();
    html! {
        p {
            (units::count(result.messages)) " messages between distinct nodes, "
            (units::bytes(result.bytes_on_wire)) " on the wire, " (units::rough(mean)) " B each in the mean."
        }
        @match messages {
            Some(counts) => (budget(counts, "Messages by kind", Unit::Plain)),
            None => p { "The protocol has one kind of message." },
        }
        @if result.bytes_by_kind.len() > 1 {
            (budget(&result.bytes_by_kind, "Bytes by kind", Unit::Bytes))
        }
        @if !befell.is_empty() {
            h3 { "What the conditions did" }
            (conditions(&befell).markup())
        }
    }
}

fn conditions(befell: &[(&String, u64)]) -> Table {
    let mut table = Table::new(&["What", "#how much"]);
    for (name, n) in befell {
        let words = name.trim_end_matches("_ns").replace('_', " ");
        table.rows.push(match name.ends_with("_ns") {
            true => vec![format!("{words}, summed over nodes"), units::nanos(*n)],
            false => vec![words, units::count(*n)],
        });
    }
    table
}

/// The protocol's own figures.
pub(super) fn metrics(run: &Run) -> Markup {
    let mut table = Table::new(&["Metric", "#value"]);
    let result = &run.summary.result;
    for (name, value) in &result.metrics {
        let ratio = result.ratios.get(name);
        let shown = match (value.as_u64(), value.as_f64(), ratio) {
            (Some(n), ..) => units::count(n),
            (None, Some(n), _) => units::figure(n),
            // A ratio to nothing, as the summary has it.
            (None, None, Some(_)) => "–".to_owned(),
            (None, None, None) => continue,
        };
        let per = ratio.map_or_else(String::new, |other| format!(", per {other}"));
        table.rows.push(vec![name.clone() + &per, shown]);
    }
    if table.rows.is_empty() {
        return absent("The protocol has no metrics of its own.");
    }
    table.markup()
}
