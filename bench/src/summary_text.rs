//! The summary that ends a run, for a person who has never seen one.
//!
//! From top to bottom: what ran, what it found, whether that is what theory says, what it cost,
//! where it is saved. The same figures as `summary.json`, in units that read well.

use std::array;
use std::fmt::Write as _;

use anthill_engine::crypto::Mode;
use anthill_engine::outcome::{Ended, SignatureTotals, Violation};
use anthill_protocol::{Check, MetricInfo, MetricKind};

use crate::args::EngineChoice;
use crate::export::{Record, summary};
use crate::{conditions_text, external, units};

/// Of so many metrics or kinds of messages each has its line; of more, those that are not 0.
const FEW: usize = 12;
/// The longest line of names.
const LINE: usize = 100;

/// The text; `saved` says whether all of it is on disk too.
pub(crate) fn text(record: &Record<'_>, about: &str, saved: bool) -> String {
    let mut text = headline(record, about);
    text.push_str(&result(record));
    text.push_str(&latencies(record));
    text.push_str(&metrics(record));
    text.push_str(&conditions_text::block(record));
    text.push_str(&signatures(record));
    text.push_str(&checks(&record.outcome.result.checks));
    text.push_str(&violations(record));
    text.push_str(&external::block(record.outcome.host.external.as_ref()));
    text.push_str(&cost(record));
    let saved =
        if saved { "Saved in" } else { "NOT SAVED as a whole; what could be written is in" };
    let _ = writeln!(text, "\n{saved} {}", record.directory.display());
    text
}

fn headline(record: &Record<'_>, about: &str) -> String {
    let scenario = record.scenario;
    format!(
        "{}: {} nodes, seed {}\n{about}\n",
        scenario.protocol,
        units::count(scenario.nodes.into()),
        scenario.seed
    )
}

fn result(record: &Record<'_>) -> String {
    let result = &record.outcome.result;
    let why = match record.outcome.ended {
        Ended::Interrupted => ", INTERRUPTED: what follows covers only that part",
        Ended::Violated => ", STOPPED AT A VIOLATION: what follows covers only that part",
        Ended::MemoryLimit => {
            ", STOPPED AT THE MEMORY LIMIT (engine.memory_limit): what follows covers only that part"
        }
        Ended::Finished if result.facts.quiescent => ", when nothing was left to do",
        Ended::Finished if result.virtual_ns < record.scenario.until.0 => ", its goal reached",
        Ended::Finished => "",
    };
    let mut text = format!(
        "\nResult (the same for any shards, threads and engine)\n  \
         virtual time   {}{why}\n  events         {}\n  messages       {}, {} on the wire\n",
        units::nanos(result.virtual_ns),
        units::count(result.totals.events),
        units::count(result.totals.messages),
        units::bytes(result.totals.bytes_on_wire),
    );
    if result.kinds.len() > 1 {
        let counts = result.kinds.iter().zip(&result.totals.messages_by_kind);
        let (sent, unsent): (Vec<_>, Vec<_>) =
            counts.partition(|(_, n)| **n > 0 || result.kinds.len() <= FEW);
        let width = width(12, sent.iter().map(|(kind, _)| **kind));
        for (kind, n) in sent {
            let _ = writeln!(text, "    {kind:<width$} {}", units::count(*n));
        }
        text += &named("    none of      ", unsent.into_iter().map(|(kind, _)| *kind));
    }
    let _ = writeln!(text, "  digest         {}", summary::digest(result.digest));
    text
}

fn latencies(record: &Record<'_>) -> String {
    let latencies = &record.outcome.result.latencies;
    if latencies.is_empty() {
        return String::new();
    }
    let heads = ["Latency", "count", "median", "90 %", "99 %", "99.9 %", "longest"];
    let mut rows = vec![heads.map(str::to_owned)];
    let (empty, recorded): (Vec<_>, Vec<_>) =
        latencies.iter().partition(|(_, histogram)| histogram.is_empty());
    for (name, histogram) in recorded {
        let at = |quantile| units::nanos(histogram.value_at_quantile(quantile));
        let (count, longest) = (units::count(histogram.len()), units::nanos(histogram.max()));
        rows.push([format!("  {name}"), count, at(0.5), at(0.9), at(0.99), at(0.999), longest]);
    }
    let text = format!("\n{}", aligned(&rows, [16, 13, 9, 9, 9, 9, 9]));
    text + &named("  no records of ", empty.into_iter().map(|(name, _)| *name))
}

fn metrics(record: &Record<'_>) -> String {
    let result = &record.outcome.result;
    let nodes = f64::from(result.facts.nodes.max(1));
    let values = result.metrics.iter().zip(&result.totals.values);
    let values: Vec<_> = values.filter(|(metric, _)| metric.kind != MetricKind::Latency).collect();
    let is_told = |value: u64| value > 0 || values.len() <= FEW;
    let shown = |(metric, value): &(&MetricInfo, &u64)| match metric.kind {
        MetricKind::PerNode | MetricKind::Per(_) => metric
            .figure(**value, &result.totals.values, nodes)
            .map_or_else(|| "–".to_owned(), units::figure),
        _ => units::count(**value),
    };
    let told: Vec<_> = values
        .iter()
        .filter(|(_, value)| is_told(**value))
        .map(|told| (told.0, shown(told)))
        .collect();
    let names = width(14, told.iter().map(|(metric, _)| metric.name));
    let figures = width(13, told.iter().map(|(_, shown)| &**shown));
    let mut text = String::new();
    for (metric, shown) in told {
        let _ = writeln!(text, "  {:<names$} {shown:>figures$}  {}", metric.name, metric.about);
    }
    let untold = values.iter().filter(|(_, value)| !is_told(**value));
    text += &named("  0 each: ", untold.map(|(metric, _)| metric.name));
    if text.is_empty() { text } else { format!("\nMetrics\n{text}") }
}

/// The width of a column that holds these cells: no less than `least`, more if one needs it.
fn width<'a>(least: usize, cells: impl Iterator<Item = &'a str>) -> usize {
    cells.map(|cell| cell.chars().count()).fold(least, usize::max)
}

/// Rows in columns, the first to the left and the others to the right.
fn aligned<const N: usize>(rows: &[[String; N]], least: [usize; N]) -> String {
    let widths: [usize; N] =
        array::from_fn(|i| width(least[i], rows.iter().map(|row| row[i].as_str())));
    let mut text = String::new();
    for row in rows {
        for (i, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            // A write to a string does not fail.
            let _ = match i {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, " {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

/// Names in lines of their own, if there are any.
fn named<'a>(about: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut line = about.to_owned();
    let mut is_begun = false;
    for name in names {
        if is_begun {
            line += ",";
            if line.len() + name.len() >= LINE {
                let _ = writeln!(text, "{line}");
                line = " ".repeat(about.len() - 1);
            }
            line += " ";
        }
        line += name;
        is_begun = true;
    }
    if is_begun { format!("{text}{line}\n") } else { text }
}

/// Nothing for a run without signatures. How the host answered the checks is cost, not result.
fn signatures(record: &Record<'_>) -> String {
    let SignatureTotals { made, checked, failed } = record.outcome.result.signatures;
    if made == 0 && checked == 0 {
        return String::new();
    }
    let host = &record.outcome.host.crypto;
    let mode = match record.scenario.crypto.mode {
        Mode::Real => "real: ed25519 by ZIP-215",
        Mode::Modelled => "modelled: tags of the same size, no curve arithmetic",
    };
    let mut text = format!(
        "\nSignatures\n  mode           {mode}\n  made           {}\n  \
         checked        {}, of which {} failed\n  \
         on this host   {} verified ({} singly), {} remembered",
        units::count(made),
        units::count(checked),
        units::count(failed),
        units::count(host.verified),
        units::count(host.singly),
        units::count(host.remembered),
    );
    if host.evicted > 0 {
        let evicted = units::count(host.evicted);
        let _ = write!(text, ", {evicted} verdicts forgotten (crypto.verdicts)");
    }
    text + "\n"
}

fn checks(checks: &[Check]) -> String {
    if checks.is_empty() {
        return String::new();
    }
    let mut text = "\nChecks (measured beside what theory expects)\n".to_owned();
    for check in checks {
        let verdict = match (check.ok, check.expected_violation) {
            _ if check.not_judged.is_some() => "not judged",
            (true, _) => "ok",
            (false, true) => "beyond bound",
            (false, false) => "VIOLATED",
        };
        let why = check.not_judged.as_ref().map_or_else(String::new, |why| format!("; {why}"));
        let (low, high) = check.interval;
        let expected = if low == high {
            units::figure(check.expected)
        } else {
            format!(
                "{} (95 % within {} to {})",
                units::figure(check.expected),
                units::figure(low),
                units::figure(high)
            )
        };
        let _ = writeln!(
            text,
            "  {verdict:<13}{}: {}, expected {expected}\n  {:<13}holds for: {}{}",
            check.name,
            units::figure(check.measured),
            "",
            check.bound,
            why
        );
    }
    text
}

/// The first event that violated an invariant, by which it is found again with the seed.
fn violations(record: &Record<'_>) -> String {
    let all = &record.outcome.result.violations;
    if all.is_empty() {
        return String::new();
    }
    let seed = record.scenario.seed;
    let mut text = format!("\nViolations, event by event (seed {seed})\n");
    let width = width(14, all.iter().map(|violation| violation.invariant));
    for violation in all {
        let Violation { invariant, events, first, about, expected } = violation;
        let first = first.map_or_else(String::new, |first| format!(", first at {first}"));
        let times = units::violations(*events, about.is_some());
        let _ = match about {
            None => writeln!(text, "  {invariant:<width$} by {times}{first}"),
            Some(about) => {
                let beyond = if *expected { " (beyond its bound)" } else { "" };
                writeln!(text, "  {invariant:<width$} {times}{beyond}{first}\n    {about}")
            }
        };
    }
    let _ =
        writeln!(text, "  Again: {} replay {}", crate::build::name(), record.directory.display());
    text
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn cost(record: &Record<'_>) -> String {
    let (host, cost) = (&record.outcome.host, &record.cost);
    let mut text = format!(
        "\nCost on this machine ({} engine, {}, {})\n  \
         time           {} in all: set-up {}, event loop {}; CPU {}\n  \
         speed          {} events/s, {:.1} ns of CPU per event\n  \
         memory         {} at most, {} per node\n",
        record.engine.name(),
        units::counted(host.shards.into(), "shard"),
        units::counted(host.threads.into(), "thread"),
        units::seconds(cost.wall_s),
        units::nanos(host.setup_ns),
        units::nanos(host.loop_ns),
        units::seconds(cost.cpu_s),
        units::count(cost.events_per_s as u64),
        cost.ns_per_event,
        units::bytes(cost.peak_rss_bytes),
        units::bytes(cost.bytes_per_node as u64),
    );
    if host.threads > 1 && host.sparse_windows > 0 {
        let _ = writeln!(
            text,
            "  windows        {}, of which one thread ran {}: sooner done than shared out",
            units::count(host.windows),
            units::count(host.sparse_windows),
        );
    }
    let options = &record.scenario.engine;
    if host.threads == 1
        && record.engine == EngineChoice::Sharded
        && options.is_unstated()
        && cores() > 1
    {
        text.push_str(
            "  windows        too few events in each for a second thread to pay (--threads)\n",
        );
    }
    let phases = cost.phases_ns();
    let sum: u64 = phases.iter().map(|(_, ns)| ns).sum();
    if sum > 0 {
        let shares: Vec<String> = phases
            .iter()
            .filter(|(_, ns)| *ns > 0)
            .map(|(name, ns)| format!("{name} {:.0} %", *ns as f64 * 100.0 / sum as f64))
            .collect();
        let _ = writeln!(text, "  loop went to   {}", shares.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn the_whole_text() {
        let (scenario, outcome) = (fabricated::scenario(), fabricated::outcome());
        let record = fabricated::record(&scenario, &outcome);
        let expected = "phold: 1,000 nodes, seed 7
what it does

Result (the same for any shards, threads and engine)
  virtual time   2 s, when nothing was left to do
  events         20,000
  messages       10,000, 1 MB on the wire
    push         9,000
    pull         1,000
  digest         00000000deadbeef

Latency                  count    median      90 %      99 %    99.9 %   longest
  hop                      100     50 ms     90 ms     99 ms    100 ms    100 ms

Metrics
  coverage             0.99900  share of nodes reached
  sends                 10,000  messages sent
  depth                      7  longest chain

Signatures
  mode           real: ed25519 by ZIP-215
  made           5
  checked        9, of which 1 failed
  on this host   7 verified (2 singly), 2 remembered, 3 verdicts forgotten (crypto.verdicts)

Checks (measured beside what theory expects)
  ok           sends: 10,000, expected 10,000
               holds for: always

Cost on this machine (sharded engine, 2 shards, 2 threads)
  time           300 ms in all: set-up 500 us, event loop 1 ms; CPU 500 ms
  speed          20,000,000 events/s, 100.0 ns of CPU per event
  memory         4 MB at most, 4 kB per node
  windows        64, of which one thread ran 3: sooner done than shared out
  loop went to   handlers 50 %, sort 20 %, exchange 5 %, idle 25 %

Saved in runs/x
";
        assert_eq!(text(&record, "what it does", true), expected);
    }

    /// Where in the text's line that begins so each of the parts ends.
    fn ends(text: &str, beginning: &str, parts: &[&str]) -> Vec<usize> {
        let line = text.lines().find(|line| line.starts_with(beginning)).expect("the line");
        let end = |part: &&str| line.find(*part).expect("the part") + part.len();
        parts.iter().map(end).collect()
    }

    #[test]
    fn columns_are_as_wide_as_what_they_hold() {
        let (scenario, mut outcome) = (fabricated::scenario(), fabricated::outcome());
        outcome.result.totals.values[1] = u64::MAX;
        outcome.result.kinds = &["push", "pull-of-the-whole-set"];
        let hop = outcome.result.latencies[0].1.clone();
        outcome.result.latencies.push(("hop_over_the_longest_way", hop));
        outcome.result.latencies[0].1.record_n(1_000_000, 100_000_000_000_000).expect("counted");
        let text = text(&fabricated::record(&scenario, &outcome), "", true);
        // Figures end in one column, and what stands behind them begins in one.
        let sends = ends(&text, "  sends", &["18,446,744,073,709,551,615", "  messages"]);
        assert_eq!(ends(&text, "  depth", &["7", "  longest "]), [sends[0], sends[0] + 10]);
        assert_eq!(sends[1], sends[0] + 10, "{text}");
        assert_eq!(ends(&text, "    push", &["9,000"]), [27 + 4], "{text}");
        assert_eq!(ends(&text, "    pull-of", &["1,000"]), [27 + 4], "{text}");
        let heads = ends(&text, "Latency", &["count", "median", "longest"]);
        let long = ends(&text, "  hop  ", &["100,000,000,000,100", "1 ms", "100 ms"]);
        assert_eq!(long, heads, "{text}");
        assert_eq!(ends(&text, "  hop_over_the_longest_way", &["100", "50 ms"]), heads[..2]);
    }

    #[test]
    fn names_fill_lines() {
        assert_eq!(named("  0 each: ", [].into_iter()), "");
        assert_eq!(named("  0 each: ", ["a", "b"].into_iter()), "  0 each: a, b\n");
        let long = "x".repeat(50);
        let two = named("  0 each: ", [&*long, &*long].into_iter());
        assert_eq!(two, format!("  0 each: {long},\n          {long}\n"));
    }

    /// Of a protocol with dozens of metrics, most of them of attacks that nobody made.
    #[test]
    fn many_zeros_are_named_together() {
        let (scenario, mut outcome) = (fabricated::scenario(), fabricated::outcome());
        let many: Vec<_> = outcome.result.metrics.iter().cycle().take(2 * FEW).copied().collect();
        outcome.result.totals.values.resize(many.len(), 0);
        outcome.result.metrics = many.leak();
        let text = text(&fabricated::record(&scenario, &outcome), "", true);
        assert!(text.contains("  sends                 10,000  messages sent\n"), "{text}");
        assert!(text.contains("  0 each: coverage, sends, depth, coverage"), "{text}");
    }

    #[test]
    fn a_run_without_signatures_says_nothing_of_them() {
        let (mut scenario, mut outcome) = (fabricated::scenario(), fabricated::outcome());
        scenario.crypto.mode = Mode::Modelled;
        let modelled = text(&fabricated::record(&scenario, &outcome), "", true);
        assert!(modelled.contains("mode           modelled: tags"), "{modelled}");
        outcome.result.signatures = SignatureTotals::default();
        assert!(!text(&fabricated::record(&scenario, &outcome), "", true).contains("Signatures"));
    }

    #[test]
    fn violations_and_early_ends_stand_out() {
        let (scenario, mut outcome) = (fabricated::scenario(), fabricated::outcome());
        outcome.ended = Ended::Interrupted;
        outcome.result.checks.push(Check::normal("mean", "n > 9", 9.0, 2.0, 1.0));
        outcome.result.checks.push(Check {
            expected_violation: true,
            ..Check::exact("agreement", "f < n/3", 1.0, 0.0)
        });
        let text = text(&fabricated::record(&scenario, &outcome), "", true);
        for part in [
            "INTERRUPTED",
            "  VIOLATED     mean: 9, expected 2 (95 % within 0.04000 to 3.960)\n",
            "  beyond bound agreement: 1, expected 0\n",
        ] {
            assert!(text.contains(part), "`{part}` is not in\n{text}");
        }
    }
}
