//! The summary's block on conditions: what was on, and what it did.

use std::fmt::Write as _;

use anthill_engine::conditions::ConditionTotals;
use anthill_engine::outcome::Ended;

use crate::export::Record;
use crate::setting::Setting;
use crate::units;

/// Entries of the timeline that a summary shows.
const MOST_FAULTS: usize = 12;

/// The block; nothing if the scenario has no conditions.
pub(crate) fn block(record: &Record<'_>) -> String {
    let Some(totals) = &record.outcome.result.conditions else { return String::new() };
    let mut lines = record.setting.lines(MOST_FAULTS);
    lines.extend(nodes(record, totals));
    lines.extend(messages(totals, record.outcome.result.totals.messages));
    lines.extend(queues(record, totals));
    format!("\nConditions\n{}", columns(&lines))
}

/// What is on, before a run.
pub(crate) fn before(setting: &Setting) -> String {
    match &setting.lines(usize::MAX)[..] {
        [] => String::new(),
        lines => format!("Conditions\n{}\n", columns(lines)),
    }
}

/// Two columns; a label that repeats is left out.
fn columns(lines: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut above = "";
    for (label, line) in lines {
        let shown = if *label == above { "" } else { label };
        let _ = writeln!(text, "  {shown:<14} {line}");
        above = label;
    }
    text
}

/// How long nodes were up.
fn nodes(record: &Record<'_>, totals: &ConditionTotals) -> Option<(&'static str, String)> {
    if totals.down_ns == 0 && totals.restarts == 0 {
        return None;
    }
    let restarts = format!("{} restarts", units::count(totals.restarts));
    // Downtimes are counted to `until` when they become known: only a run that got there, or had
    // nothing left to do, knows them all.
    let (outcome, until) = (record.outcome, record.scenario.until.0);
    let result = &outcome.result;
    let whole =
        outcome.ended == Ended::Finished && (result.virtual_ns == until || result.facts.quiescent);
    let text = if whole {
        let time = until as f64 * f64::from(record.scenario.population());
        format!("{} of the time, {restarts}", units::percent(1.0 - totals.down_ns as f64 / time))
    } else {
        restarts
    };
    Some(("nodes up", text))
}

/// What became of messages and timers.
fn messages(totals: &ConditionTotals, sent: u64) -> Vec<(&'static str, String)> {
    let of_messages = |n: u64| {
        let share = n as f64 / sent.max(1) as f64;
        let noun = if n == 1 { "message" } else { "messages" };
        format!("{} {noun} ({})", units::count(n), units::percent(share))
    };
    let late = units::nanos(totals.late_max_ns);
    let undecodable = units::count(totals.undecodable);
    let lines = [
        ("lost", totals.lost, of_messages(totals.lost)),
        ("cut off", totals.cut, format!("{} by partitions", of_messages(totals.cut))),
        ("unsent", totals.unsent, format!("{}, their sender down", of_messages(totals.unsent))),
        ("missed", totals.missed, format!("{}, their receiver down", of_messages(totals.missed))),
        (
            "disconnected",
            totals.disconnected,
            format!("{}, with their connection", of_messages(totals.disconnected)),
        ),
        ("duplicated", totals.duplicated, of_messages(totals.duplicated)),
        ("reordered", totals.reordered, format!("{} held back", of_messages(totals.reordered))),
        (
            "corrupted",
            totals.corrupted,
            format!("{}, {undecodable} of them undecodable", of_messages(totals.corrupted)),
        ),
        (
            "expired",
            totals.expired,
            format!("{} messages and timers, never served", units::count(totals.expired)),
        ),
        (
            "dead timers",
            totals.dead_timers,
            format!("{}, with their node", units::count(totals.dead_timers)),
        ),
        (
            "late",
            totals.late,
            format!("{} beyond the bound, by {late} at most", of_messages(totals.late)),
        ),
        ("scheduled", totals.scheduled, format!("{} held", of_messages(totals.scheduled))),
        (
            "misbehaved",
            totals.misbehaved,
            format!("{} messages of the adversary's", units::count(totals.misbehaved)),
        ),
    ];
    let happened = lines.into_iter().filter(|(_, n, _)| *n > 0);
    happened.map(|(label, _, text)| (label, text)).collect()
}

/// How long messages waited, for what.
fn queues(record: &Record<'_>, totals: &ConditionTotals) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let wait = |passed: u64, sum: u128, longest: u64| {
        let mean = (sum / u128::from(passed.max(1))) as u64;
        format!(
            "{} passed, waits {} in the mean, {} at most",
            units::count(passed),
            units::nanos(mean),
            units::nanos(longest)
        )
    };
    let dropped = |passed: u64, dropped: u64| match dropped {
        0 => String::new(),
        _ => format!(
            "; {} ({}) dropped, queues full",
            units::count(dropped),
            units::percent(dropped as f64 / (passed + dropped) as f64)
        ),
    };
    let t = totals;
    if t.uplinked + t.uplink_dropped > 0 {
        let waits = wait(t.uplinked, t.uplink_wait_ns, t.uplink_wait_max_ns);
        lines.push(("uplinks", waits + &dropped(t.uplinked, t.uplink_dropped)));
    }
    if t.downlinked + t.downlink_dropped > 0 {
        let waits = wait(t.downlinked, t.downlink_wait_ns, t.downlink_wait_max_ns);
        lines.push(("downlinks", waits + &dropped(t.downlinked, t.downlink_dropped)));
    }
    if t.served > 0 {
        let cores = record.scenario.conditions.cpu.as_ref().map_or(1, |cpu| cpu.cores);
        let time = record.outcome.result.virtual_ns as f64
            * f64::from(record.scenario.population())
            * f64::from(cores);
        let busy = t.cpu_busy_ns as f64 / time.max(1.0);
        let waits = wait(t.served, t.cpu_wait_ns, t.cpu_wait_max_ns);
        lines.push((
            "cpu",
            format!("{waits}; cores busy {} of all nodes' time", units::percent(busy)),
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;
    use crate::setting::Fault;
    use anthill_engine::conditions::TimelineEntry;
    use anthill_protocol::Time;

    fn setting() -> Setting {
        let entry =
            TimelineEntry { kind: "crash", at: Time(1), heal: None, flaps: false, nodes: 10 };
        let fault = |text: &str| Fault { entry: entry.clone(), text: text.to_owned() };
        Setting {
            on: vec!["loss 0.01".to_owned(), "faults: 2".to_owned()],
            faults: vec![fault("from 1 s on"), fault("from 2 s on")],
            adversary_nodes: 0,
        }
    }

    /// Every counter has a line of its own kind.
    fn totals() -> ConditionTotals {
        ConditionTotals {
            lost: 100,
            cut: 200,
            uplink_dropped: 25,
            missed: 5_000,
            restarts: 20,
            down_ns: 500_000_000_000,
            late: 1,
            late_max_ns: 2_000_000,
            uplinked: 75,
            uplink_wait_ns: 150_000_000,
            uplink_wait_max_ns: 1_000_000_000,
            served: 10,
            cpu_wait_ns: 0,
            cpu_busy_ns: 500_000_000_000,
            ..ConditionTotals::default()
        }
    }

    #[test]
    fn what_happened_is_told_in_words_and_what_did_not_is_not() {
        let (scenario, mut outcome) = (fabricated::scenario(), fabricated::outcome());
        assert_eq!(block(&fabricated::record(&scenario, &outcome)), "");
        outcome.result.conditions = Some(totals());
        let mut record = fabricated::record(&scenario, &outcome);
        let setting = setting();
        record.setting = &setting;
        let expected = "
Conditions
  on             loss 0.01
                 faults: 2
  fault          from 1 s on
                 from 2 s on
  nodes up       90 % of the time, 20 restarts
  lost           100 messages (1 %)
  cut off        200 messages (2 %) by partitions
  missed         5,000 messages (50 %), their receiver down
  late           1 message (0.01 %) beyond the bound, by 2 ms at most
  uplinks        75 passed, waits 2 ms in the mean, 1 s at most; 25 (25 %) dropped, queues full
  cpu            10 passed, waits 0 ns in the mean, 0 ns at most; cores busy 25 % of all nodes' time
";
        assert_eq!(block(&record), expected);
        let expected = "Conditions
  on             loss 0.01
                 faults: 2
  fault          from 1 s on
                 from 2 s on

";
        assert_eq!(before(&setting), expected);
        assert_eq!(before(&Setting::default()), "");
    }

    #[test]
    fn a_run_cut_short_does_not_claim_to_know_all_downtimes() {
        let (scenario, mut outcome) = (fabricated::scenario(), fabricated::outcome());
        outcome.result.conditions = Some(totals());
        outcome.ended = Ended::Interrupted;
        let text = block(&fabricated::record(&scenario, &outcome));
        assert!(text.contains("  nodes up       20 restarts\n"), "{text}");
    }
}
