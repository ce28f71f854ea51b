//! `anthill validate`: what a scenario means and would take, without running it.

mod json;

use std::fmt::Write as _;

use anthill_engine::scenario::Scenario;
use anthill_protocol::Span;
use anyhow::bail;

use super::Exit;
use super::run::prepare;
use crate::args::{Format, ValidateArgs};
use crate::engines::{self, Inspection, MemoryEstimate, Tail};
use crate::machine::Memory;
use crate::memory::{Verdict, judge};
use crate::plan::ScenarioPlan;
use crate::signing_budget::Forecast;
use crate::{Entry, Registry, conditions_text, terminal, units};

/// About where one thread stops being faster than two that wait for each other every window, with
/// handlers as short as gossip's.
const SPARSE_WINDOW: f64 = 90.0;

/// Checks a scenario and prints what follows from it.
pub(super) fn validate(registry: &Registry, args: ValidateArgs) -> anyhow::Result<Exit> {
    let plan = ScenarioPlan::new(args.scenario, registry)?;
    let scenario = engines::load(&plan.source, &plan.overrides, registry)?;
    let entry = registry.named(&scenario.protocol)?;
    if args.format == Format::Json {
        return as_json(entry, &scenario);
    }
    terminal::show(&format!("{}\n", scenario.to_toml()))?;

    // Before the network is built: building one that cannot fit is what must not happen.
    let (estimate, machine) = ((entry.memory)(&scenario)?, Memory::read());
    let verdict = judge(scenario.nodes, estimate, machine);
    terminal::show(&memory(estimate, machine, &verdict))?;
    if let Verdict::TooLarge(refusal) = verdict {
        bail!(refusal);
    }
    if let Some(forecast) = Forecast::of(entry, &scenario)? {
        let (text, warning) = forecast.describe();
        terminal::show(&text)?;
        warning.iter().for_each(|warning| terminal::complain("warning", warning));
    }

    let (setting, inspection) = {
        let prepared = prepare(entry, &scenario)?;
        (prepared.setting(&scenario), (entry.inspect)(&scenario, &prepared)?)
    };
    terminal::show(&conditions_text::before(&setting))?;
    let mut doubled = scenario.clone();
    doubled.network.min_delay = scenario.network.min_delay * 2;
    // Raising the floor past a model's own bounds may contradict it: then there is nothing to tell.
    let doubled =
        (entry.prepare)(&doubled).and_then(|prepared| (entry.inspect)(&doubled, &prepared)).ok();
    terminal::show(&windows(&scenario, &inspection, doubled.as_ref()))?;
    terminal::show(&tails(&inspection.tails))?;
    Ok(Exit::Done)
}

/// The same as one JSON object, alone on stdout.
fn as_json(entry: &Entry, scenario: &Scenario) -> anyhow::Result<Exit> {
    let (estimate, machine) = ((entry.memory)(scenario)?, Memory::read());
    let verdict = judge(scenario.nodes, estimate, machine);
    if let Verdict::TooLarge(refusal) = verdict {
        bail!(refusal);
    }
    let prepared = prepare(entry, scenario)?;
    let found = (entry.inspect)(scenario, &prepared)?;
    let report = json::report(scenario, (estimate, machine, &verdict), &found)?;
    terminal::show(&(serde_json::to_string_pretty(&report)? + "\n"))?;
    Ok(Exit::Done)
}

fn memory(estimate: MemoryEstimate, machine: Memory, verdict: &Verdict) -> String {
    let word = match verdict {
        Verdict::Fits => "fits",
        Verdict::Tight(_) => "may not fit: the run would stop cleanly at engine.memory_limit",
        Verdict::TooLarge(_) => "does not fit: `anthill run` refuses it",
    };
    format!(
        "Memory\n  expected peak  {} (at least {})\n  this machine   {}, {} available: {word}\n\n",
        units::bytes(estimate.expected_bytes),
        units::bytes(estimate.lower_bytes),
        units::bytes(machine.total),
        units::bytes(machine.available),
    )
}

fn windows(scenario: &Scenario, found: &Inspection, doubled: Option<&Inspection>) -> String {
    let mut text = format!(
        "Windows\n  lookahead L    {} (least delay between two nodes)\n  \
         window W       {} (largest power of two ns not above L)\n  \
         events/window  about {}",
        units::nanos(found.l_ns),
        units::nanos(found.w_ns),
        units::figure(found.events_per_window.round()),
    );
    if found.events_per_window < SPARSE_WINDOW {
        text.push_str("; with so few, one thread is often faster than two: more nodes or a longer window use more");
    }
    text.push('\n');
    if let Some(doubled) = doubled {
        let _ = writeln!(
            text,
            "  doubled        network.min_delay = \"{}\" would give W = {}, about {} events",
            Span(scenario.network.min_delay.0.saturating_mul(2)),
            units::nanos(doubled.w_ns),
            units::figure(doubled.events_per_window.round()),
        );
    }
    for note in &found.notes {
        let _ = writeln!(text, "  note           {note}");
    }
    text.push_str("  links that limit L:\n");
    for link in found.limiting.iter().take(10) {
        let _ =
            writeln!(text, "    {:>10}  {} -> {}", units::nanos(link.floor.0), link.from, link.to);
    }
    text
}

/// What the delays of single links come to: the worst of them, and one in the middle.
fn tails(tails: &[Tail]) -> String {
    let mut text = format!(
        "  links with the longest tails, and the middle one:\n    {:>9} {:>9} {:>9} {:>9} {:>9}\n",
        "median", "90 %", "99 %", "99.9 %", "at most"
    );
    for tail in tails {
        text.push_str("   ");
        for span in tail.percentiles.iter().chain([&tail.greatest]) {
            let _ = write!(text, " {:>9}", units::nanos(span.0));
        }
        let _ = writeln!(text, "  {} -> {}", tail.from, tail.to);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::LimitingLink;
    use crate::fabricated;

    #[test]
    fn windows_name_the_limit_and_the_lever() {
        let link = LimitingLink { from: "a".into(), to: "b".into(), floor: Span(250_000) };
        let found = Inspection {
            w_ns: 131_072,
            l_ns: 250_000,
            limiting: vec![link],
            tails: Vec::new(),
            notes: vec!["3 latencies were raised".into()],
            events_per_window: 65.5,
        };
        let doubled = Inspection { w_ns: 262_144, events_per_window: 131.0, ..found.clone() };
        let expected = "Windows
  lookahead L    250 us (least delay between two nodes)
  window W       131 us (largest power of two ns not above L)
  events/window  about 66; with so few, one thread is often faster than two: more nodes or a longer window use more
  doubled        network.min_delay = \"500us\" would give W = 262 us, about 131 events
  note           3 latencies were raised
  links that limit L:
        250 us  a -> b
";
        assert_eq!(windows(&fabricated::scenario(), &found, Some(&doubled)), expected);
    }

    #[test]
    fn tails_are_a_line_per_link() {
        let percentiles = [50, 120, 242, 610].map(Span::from_millis);
        let tail = Tail { from: "a".into(), to: "b".into(), percentiles, greatest: Span(1 << 40) };
        let expected = "  links with the longest tails, and the middle one:
       median      90 %      99 %    99.9 %   at most
        50 ms    120 ms    242 ms    610 ms  18.3 min  a -> b
";
        assert_eq!(tails(&[tail]), expected);
    }
}
