//! Where a run took place: its network, the machine and what it cost there, and how to repeat it.

use maud::{Markup, html};
use serde_json::Value;

use super::load::Run;
use crate::page::{Table, absent, code, figure, folded};
use crate::plot::{Bars, HeatMap, Unit};
use crate::units;

/// Regions drawn, largest first.
const MOST_REGIONS: usize = 30;

/// Regions and the delays between them.
pub(super) fn network(run: &Run) -> Markup {
    let regions = &run.manifest.regions;
    if regions.nodes.is_empty() {
        return absent("The network has no regions, or the manifest does not list them.");
    }
    let mut order: Vec<usize> = (0..regions.nodes.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(regions.nodes[*i].nodes));
    let left_out = order.len().saturating_sub(MOST_REGIONS);
    order.truncate(MOST_REGIONS);
    let names: Vec<String> = order.iter().map(|i| regions.nodes[*i].name.clone()).collect();
    let sizes =
        order.iter().map(|i| (regions.nodes[*i].name.clone(), regions.nodes[*i].nodes as f64));
    let bars =
        Bars { title: "Nodes by region".to_owned(), unit: Unit::Plain, bars: sizes.collect() };
    let note = match left_out {
        0 => String::new(),
        more => format!("The {MOST_REGIONS} largest; {more} more are in manifest.json."),
    };
    let matrix = regions.least_delay_ns.as_ref().map(|delays| {
        let cell = |from: &usize, to: &usize| delays.get(*from)?.get(*to).copied();
        let values = order.iter().flat_map(|from| order.iter().map(move |to| cell(from, to)));
        let title = "Least delay between regions, one way".to_owned();
        let (rows, columns) = (names.clone(), names.clone());
        HeatMap { title, unit: Unit::Nanos, rows, columns, values: values.collect() }.svg()
    });
    html! {
        (figure(&bars.svg(), &note))
        @match matrix {
            Some(svg) => (figure(&svg, "From the region of the row to that of the column; jitter comes on top.")),
            None => (absent("Too many regions for a matrix of delays.")),
        }
    }
}

/// What the run cost, and on what.
pub(super) fn cost(run: &Run) -> Markup {
    let host = &run.summary.host;
    let machine = |key: &str| match run.manifest.machine.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(n)) if key.ends_with("bytes") => units::bytes(n.as_u64().unwrap_or(0)),
        Some(other) => other.to_string(),
        None => "not known".to_owned(),
    };
    let mut table = Table::new(&["What", "#value"]);
    for (name, value) in [
        ("processor", format!("{}, {} cores", machine("cpu"), machine("cores"))),
        ("memory", machine("memory_bytes")),
        (
            "system",
            format!("{}, kernel {}, {}", machine("os"), machine("kernel"), machine("architecture")),
        ),
        (
            "executed by",
            format!("{} engine, {} shards, {} threads", host.engine, host.shards, host.threads),
        ),
        ("wall time", units::seconds(host.wall_s)),
        ("of that, set-up", units::seconds(host.setup_s)),
        ("of that, event loop", units::seconds(host.loop_s)),
        ("CPU time", units::seconds(host.cpu_s)),
        ("events per second", units::count(host.events_per_s as u64)),
        ("CPU per event", format!("{:.1} ns", host.ns_per_event)),
        ("peak resident memory", units::bytes(host.peak_rss_bytes)),
        ("memory per node", units::bytes(host.bytes_per_node as u64)),
        ("windows", units::count(host.windows)),
    ] {
        table.rows.push(vec![name.to_owned(), value]);
    }
    html! { (table.markup()) (phases(run)) (load(run)) (flamegraph(run)) }
}

fn phases(run: &Run) -> Markup {
    let phases = run.summary.host.phases.iter().filter_map(|(name, seconds)| {
        let name = name.strip_suffix("_s").unwrap_or(name);
        Some((name.to_owned(), seconds.as_f64()?))
    });
    let bars: Vec<(String, f64)> = phases.collect();
    if bars.iter().all(|(_, seconds)| *seconds <= 0.0) {
        return absent("No phase profile: the sequential engine takes none.");
    }
    let plot = Bars { title: "Where the loop's time went".to_owned(), unit: Unit::Seconds, bars };
    figure(&plot.svg(), "Wall time, summed over threads; idle: waiting for each other.")
}

/// How evenly the work was spread, over shards and over windows.
fn load(run: &Run) -> Markup {
    let host = &run.summary.host;
    let shards = host.shard_events.iter().enumerate();
    let bars: Vec<(String, f64)> =
        shards.map(|(i, events)| (format!("shard {i}"), *events as f64)).collect();
    // A bar for every size up to the largest, those that no window had included.
    let sizes = host.window_events_log2.iter().rposition(|n| *n > 0).map_or(0, |last| last + 1);
    let windows: Vec<(String, f64)> = host.window_events_log2[..sizes]
        .iter()
        .enumerate()
        .map(|(i, n)| (events_of(i), *n as f64))
        .collect();
    html! {
        @if bars.len() > 1 {
            (figure(&Bars { title: "Events by shard".to_owned(), unit: Unit::Plain, bars }.svg(), ""))
        }
        @if !windows.is_empty() {
            (figure(&Bars {
                title: "Windows by the events that they held".to_owned(),
                unit: Unit::Plain,
                bars: windows,
            }.svg(), "Threads meet after every window: the more events it holds, the less that costs."))
        }
    }
}

/// The sizes of windows in a bin of the histogram.
fn events_of(bin: usize) -> String {
    match (1_u64 << bin.min(62), (2_u64 << bin.min(62)) - 1) {
        (1, _) => "1 event".to_owned(),
        (least, most) => format!("{} to {}", units::count(least), units::count(most)),
    }
}

fn flamegraph(run: &Run) -> Markup {
    match &run.flamegraph {
        Some(image) => html! {
            figure {
                img alt="flamegraph: functions by their share of CPU time" src={ "data:image/svg+xml;base64," (image) };
                figcaption { "CPU samples. flamegraph.svg in the run directory, opened by itself, can be searched and enlarged." }
            }
        },
        None => absent(
            "No flamegraph: flamegraph.svg is not in the run directory; `anthill profile` makes one.",
        ),
    }
}

/// All that is needed to do it again.
pub(super) fn manifest(run: &Run) -> Markup {
    let manifest = &run.manifest;
    let arguments: Vec<String> = manifest.command.iter().skip(1).map(|a| quoted(a)).collect();
    let again = format!(
        "git checkout {} && cargo run --release -- {}",
        quoted(&manifest.commit),
        arguments.join(" ")
    );
    let mut files = Table::new(&["Key", "File", "BLAKE3 of its content"]);
    files.rows.extend(manifest.inputs.iter().map(|input| {
        vec![input.key.clone(), input.path.clone(), input.blake3.clone().unwrap_or_default()]
    }));
    html! {
        p {
            "Commit " code { (manifest.commit) }
            @if manifest.uncommitted_changes { ", with changes that were not committed" }
            ", seed " (manifest.seed) ". The same result from a clone of the sources:"
        }
        (code(again.trim_end()))
        @if matches!(run.summary.host.ended.as_str(), "finished" | "violation") {
            p { "Or, with this run directory, which compares the digests as well:" }
            (code(&format!("{} replay {}", run.manifest.program, quoted(&run.name))))
        }
        @if !files.rows.is_empty() {
            p { "It read these files. A replay needs the same contents." }
            (files.markup())
        }
        (folded("The resolved scenario, every value stated", &code(&manifest.scenario_toml)))
    }
}

/// An argument as a POSIX shell takes it.
pub(super) fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_a_shell() {
        for (argument, expected) in [
            ("--set", "--set"),
            ("a.b=1ms", "a.b=1ms"),
            ("", "''"),
            ("fault=[]", "'fault=[]'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
        ] {
            assert_eq!(quoted(argument), expected);
        }
    }
}
