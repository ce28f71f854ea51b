//! How programs did, for `summary.json`, for people, and for who waits at the terminal.

use std::fmt::Write as _;

use anthill_engine::external::{ExternalReport, ProgramReport};
use serde_json::{Map, Value, json};

use crate::units;

/// More programs than these have no line each, unless something is to be said of them.
const FEW: usize = 12;

/// The part of the summary.
pub(crate) fn json(report: &ExternalReport) -> Value {
    let one = |it: &ProgramReport| {
        let faults: Map<String, Value> =
            it.faults.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
        json!({
            "node": it.node.0,
            "command": it.command,
            "lines_in": it.lines_in,
            "lines_out": it.lines_out,
            "faults": faults,
            "end": it.end,
            "stderr": it.stderr,
        })
    };
    json!({
        "pace": report.pace,
        "lag_s": report.lag_ns.0 as f64 / 1e9,
        "lag_at_s": report.lag_ns.1.0 as f64 / 1e9,
        "late_windows": report.late_windows,
        "programs": report.programs.iter().map(one).collect::<Vec<_>>(),
    })
}

/// The block of the text; nothing without programs.
pub(crate) fn block(report: Option<&ExternalReport>) -> String {
    let Some(report) = report else { return String::new() };
    let mut text = format!(
        "\nPrograms (at {} s of virtual time to a second)\n  behind the clock  {}\n",
        report.pace,
        behind(report),
    );
    for (place, program) in report.programs.iter().enumerate() {
        let is_well = program.faults.is_empty() && program.end.is_none();
        if is_well && place >= FEW {
            continue;
        }
        let _ = writeln!(
            text,
            "  {:<16}  {} lines in, {} out: {}",
            program.node.to_string(),
            units::count(program.lines_in),
            units::count(program.lines_out),
            program.command
        );
        for (name, count) in &program.faults {
            let _ = writeln!(text, "    fault: {name}: {}", units::count(*count));
        }
        if let Some(end) = &program.end {
            let _ = writeln!(text, "    it ended: {end}");
        }
        for line in &program.stderr {
            let _ = writeln!(text, "    | {line}");
        }
    }
    text
}

fn behind(report: &ExternalReport) -> String {
    match report.late_windows {
        0 => format!("{} at most", units::nanos(report.lag_ns.0)),
        late => format!(
            "{} at most, at {} of virtual time; {} began more than 100 ms late",
            units::nanos(report.lag_ns.0),
            units::nanos(report.lag_ns.1.0),
            units::counted(late, "window"),
        ),
    }
}

/// What is to be said of a run that did not keep pace.
pub(crate) fn lag_note(report: &ExternalReport) -> Option<String> {
    (report.late_windows > 0).then(|| {
        format!(
            "the run fell behind the clock: {}; programs had more time than virtual time says (--pace {} would \
             give it more)",
            behind(report),
            report.pace / 2.0
        )
    })
}

#[cfg(test)]
mod tests {
    use anthill_protocol::{NodeId, Time};

    use super::*;

    #[test]
    fn the_block_names_every_fault() {
        let report = ExternalReport {
            pace: 0.5,
            lag_ns: (250_000_000, Time(3_000_000_000)),
            late_windows: 1,
            programs: vec![ProgramReport {
                node: NodeId(7),
                command: "./node".to_owned(),
                lines_in: 1_200,
                lines_out: 3,
                faults: vec![("lines too long", 2)],
                end: Some("exit status: 1".to_owned()),
                stderr: vec!["oh".to_owned()],
            }],
        };
        let expected = "
Programs (at 0.5 s of virtual time to a second)
  behind the clock  250 ms at most, at 3 s of virtual time; 1 window began more than 100 ms late
  n7                1,200 lines in, 3 out: ./node
    fault: lines too long: 2
    it ended: exit status: 1
    | oh
";
        assert_eq!(block(Some(&report)), expected);
        assert_eq!(block(None), "");
        assert!(lag_note(&report).is_some_and(|note| note.contains("--pace 0.25")));
        assert_eq!(json(&report)["programs"][0]["faults"]["lines too long"], 2);
        let calm = ExternalReport { late_windows: 0, ..report };
        assert_eq!(lag_note(&calm), None);
    }
}
