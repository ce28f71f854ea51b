//! One event, one line: what `--verbose` prints.

use std::fmt::Write as _;

use anthill_engine::trace::{Fate, TraceRecord, What};

use super::kind;
use crate::units;

/// The records, one a line, in the order they come.
pub(crate) fn text(records: &[TraceRecord], kinds: &[&'static str]) -> String {
    let mut text = String::with_capacity(80 * records.len());
    for record in records {
        append(&mut text, record, kinds);
    }
    text
}

fn append(text: &mut String, record: &TraceRecord, kinds: &[&'static str]) {
    let (from, to) = (record.key.source.0, record.key.target.0);
    let seconds = |ns: u64| format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    let at = seconds(record.key.time.0);
    let kind = kind(&record.what, kinds);
    let _ = write!(text, "{at:>14} s  ");
    match &record.what {
        What::Message(_) => {
            let bytes = record.bytes;
            let _ = write!(text, "{from:>8} -> {to:<8}  {kind:<12} {bytes:>7} B");
        }
        What::Timer(timer) => {
            let _ = write!(text, "{to:>8}              timer {timer}");
        }
        What::Restart => {
            let _ = write!(text, "{to:>8}              restart");
        }
    }
    if let Some(latency) = record.latency() {
        let _ = write!(text, "  after {}", units::nanos(latency.0));
    }
    match record.fate {
        Fate::Handled(start) if start > record.key.time => {
            let _ = write!(text, ", queued {}", units::nanos(start.since(record.key.time).0));
        }
        Fate::Handled(_) => {}
        Fate::Dropped => text.push_str(", DROPPED at the receiver"),
        Fate::Lost => text.push_str("  LOST on its way"),
        Fate::Pending => text.push_str(", not before the end"),
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::chain::tests::record;
    use anthill_protocol::Time;

    #[test]
    fn lines_say_when_who_what_and_how_it_went() {
        let message = record(2_500_000, (3, 17), 1_000_000, None);
        let mut lost = message.clone();
        lost.fate = Fate::Lost;
        let mut queued = message.clone();
        queued.fate = Fate::Handled(Time(2_502_000));
        let mut timer = message.clone();
        timer.what = What::Timer("Pay".into());
        let text = text(&[message, lost, queued, timer], &["push"]);
        let lines: Vec<&str> = text.lines().collect();
        let start = "   0.002500000 s         3 -> 17        push               5 B";
        assert_eq!(lines[0], format!("{start}  after 1.5 ms"));
        assert_eq!(lines[1], format!("{start}  LOST on its way"));
        assert_eq!(lines[2], format!("{start}  after 1.5 ms, queued 2 us"));
        assert_eq!(lines[3], "   0.002500000 s        17              timer Pay  after 1.5 ms");
    }
}
