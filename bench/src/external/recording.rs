//! `external.jsonl`: what programs wrote, each line with the instant at which its node heard it.
//!
//! The first line names the nodes; the order is that in which the engine was given the lines.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anthill_engine::external::{Externals, Gap, Heard, Line};
use anthill_protocol::{NodeId, Time};
use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::spec::ExternalPlan;

/// The version of the form.
const FORMAT: u64 = 1;
/// The most bytes of a recording: with the rest of a run directory, what such may hold.
pub(super) const MOST_BYTES: usize = 32_000_000;

/// A recording in the making.
#[derive(Debug)]
pub(super) struct Recording {
    text: String,
}

impl Recording {
    pub(super) fn new(plan: &ExternalPlan) -> Self {
        let programs: Vec<Value> = plan
            .programs
            .iter()
            .map(|(node, source)| json!({"node": node, "command": source.text()}))
            .collect();
        let head = json!({"format": FORMAT, "pace": plan.pace, "programs": programs});
        Self { text: format!("{head}\n") }
    }

    /// Adds a line; false: it does not fit in any more.
    pub(super) fn add(&mut self, line: &Line) -> bool {
        let text = json!({"time_ns": line.time.0, "node": line.node.0, "line": line.text});
        let text = text.to_string();
        if self.text.len() + text.len() >= MOST_BYTES {
            return false;
        }
        let _ = writeln!(self.text, "{text}");
        true
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// A recording in place of programs.
#[derive(Debug)]
pub(super) struct Replay {
    nodes: Vec<NodeId>,
    lines: Vec<Line>,
    next: usize,
}

impl Replay {
    /// Reads a recording.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let size = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if size.len() > MOST_BYTES as u64 {
            bail!("{} is too long to be a recording of programs", path.display());
        }
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).map_err(|(line, problem)| {
            anyhow::anyhow!("{}, line {line}: {problem}; save the run again", path.display())
        })
    }

    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut rows = text.lines().zip(1..);
        let value = |row: &str, line: usize| {
            serde_json::from_str::<Value>(row).map_err(|problem| (line, problem.to_string()))
        };
        let (head, _) = rows.next().ok_or((1, "there is nothing".to_owned()))?;
        let head = value(head, 1)?;
        if head["format"] != FORMAT {
            return Err((
                1,
                format!("`format` is {}, this version reads {FORMAT}", head["format"]),
            ));
        }
        let node = |it: &Value| it["node"].as_u64().and_then(|id| u32::try_from(id).ok());
        let programs = head["programs"].as_array().into_iter().flatten();
        let nodes: Option<Vec<u32>> = programs.map(node).collect();
        let nodes = nodes.ok_or((1, "a program without a `node`".to_owned()))?;
        let known: BTreeSet<u32> = nodes.iter().copied().collect();
        let (mut lines, mut last) = (Vec::new(), 0);
        for (row, at) in rows {
            let row = value(row, at)?;
            let time = row["time_ns"].as_u64().filter(|time| *time >= last);
            let time =
                time.ok_or((at, "`time_ns` is missing, or before the line above".to_owned()))?;
            let node = node(&row).filter(|node| known.contains(node));
            let node = node.ok_or((at, "`node` is none of the programs'".to_owned()))?;
            let text = row["line"].as_str().ok_or((at, "`line` is missing".to_owned()))?;
            last = time;
            lines.push(Line { time: Time(time), node: NodeId(node), text: text.to_owned() });
        }
        Ok(Self { nodes: nodes.into_iter().map(NodeId).collect(), lines, next: 0 })
    }
}

impl Externals for Replay {
    fn begin(&mut self) -> Vec<NodeId> {
        self.next = 0;
        self.nodes.clone()
    }

    fn tell(&mut self, _: Time, _: NodeId, _: &str) {}

    /// What comes before the next window ends.
    fn hear(&mut self, gap: Gap) -> Heard {
        let rest = &self.lines[self.next..];
        let due = rest.iter().take_while(|line| line.time < gap.end).count();
        if due == 0 {
            return Heard::Due;
        }
        self.next += due;
        Heard::Lines(rest[..due].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> Recording {
        let plan = ExternalPlan::new(&["0,4=./a".to_owned()], None).expect("a plan");
        Recording::new(&plan.expect("programs"))
    }

    fn line(time: u64, node: u32, text: &str) -> Line {
        Line { time: Time(time), node: NodeId(node), text: text.to_owned() }
    }

    #[test]
    fn what_was_recorded_is_heard_again() {
        let mut recording = recording();
        let lines = [line(5, 4, "{\"a\": \"\u{1}\"}"), line(5, 0, ""), line(90, 0, "x")];
        assert!(lines.iter().all(|line| recording.add(line)));
        let mut replay = Replay::parse(recording.text()).expect("a recording");
        for _ in 0..2 {
            assert_eq!(replay.begin(), [NodeId(0), NodeId(4)]);
            let gap = |next, end| Gap {
                from: Time(0),
                next: Time(next),
                end: Time(end),
                until: Time(100),
            };
            assert_eq!(replay.hear(gap(0, 4)), Heard::Due);
            assert_eq!(replay.hear(gap(4, 8)), Heard::Lines(lines[..2].to_vec()));
            assert_eq!(replay.hear(gap(4, 8)), Heard::Due);
            assert_eq!(replay.hear(gap(100, 100)), Heard::Lines(lines[2..].to_vec()));
            assert_eq!(replay.hear(gap(100, 100)), Heard::Due);
        }
    }

    #[test]
    fn a_recording_is_of_a_bounded_size() {
        let mut recording = recording();
        let long = line(1, 0, &"x".repeat(1_000_000));
        let fits = (0..40).filter(|_| recording.add(&long)).count();
        assert_eq!(fits, 31);
        assert!(recording.text().len() <= MOST_BYTES);
    }

    #[test]
    fn what_is_no_recording_is_refused_by_line() {
        let head = recording().text().to_owned();
        for (text, at, expected) in [
            (String::new(), 1, "nothing"),
            ("{\"format\": 2}".to_owned(), 1, "`format` is 2"),
            (
                format!("{head}{{\"time_ns\": 1, \"node\": 1, \"line\": \"\"}}"),
                2,
                "none of the programs'",
            ),
            (format!("{head}{{\"time_ns\": -1, \"node\": 0, \"line\": \"\"}}"), 2, "`time_ns`"),
            (format!("{head}{{\"time_ns\": 1, \"node\": 0}}"), 2, "`line`"),
            (format!("{head}["), 2, "EOF"),
        ] {
            let (line, problem) = Replay::parse(&text).expect_err("no recording");
            assert!(line == at && problem.contains(expected), "{text}: {line}: {problem}");
        }
    }
}
