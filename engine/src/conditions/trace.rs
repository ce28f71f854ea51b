//! Downtimes from a file: the columns `node`, `down` and `up`, instants in seconds.

use anthill_protocol::{NodeId, Time};

use crate::input::InputFile;
use crate::network::NetworkError;
use crate::network::columns::{Column, Layout, Row, Rows};
use crate::network::lines::line_error;

const LAYOUT: &Layout = &[
    Column::required("node").also(&["id", "index", "node_id"]),
    Column::required("down"),
    Column::required("up"),
];
const NODE: usize = 0;
const DOWN: usize = 1;
const UP: usize = 2;

/// Most rows read: 2 GB of them.
const MAX_ROWS: usize = 1 << 26;

/// The downtimes of all nodes, per node in order of time.
#[derive(Clone, Debug)]
pub(super) struct DownTrace {
    /// Where each node's rows begin, and where the last one's end.
    starts: Vec<u32>,
    /// `[down, up)` in ns; each begins after the one before has ended.
    rows: Vec<(u64, u64)>,
    /// What is to be said of the file.
    pub(super) notes: Vec<String>,
}

/// A row of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Downtime {
    node: u32,
    down: u64,
    up: u64,
    line: u64,
}

impl DownTrace {
    /// Reads a file for a network of `nodes` and a run that ends at `until`.
    ///
    /// # Errors
    /// On rows that name no node, end before they begin or overlap.
    pub(super) fn open(file: &InputFile, nodes: u32, until: Time) -> Result<Self, NetworkError> {
        Self::read(Rows::open(file, LAYOUT)?, nodes, until)
    }

    fn read(mut file: Rows<'_>, nodes: u32, until: Time) -> Result<Self, NetworkError> {
        let mut rows: Vec<Downtime> = Vec::new();
        while let Some(row) = file.next()? {
            let read = downtime(&row, nodes);
            rows.push(read.map_err(|problem| file.wrong(problem))?);
            if rows.len() > MAX_ROWS {
                return Err(
                    file.wrong(format!("more than {MAX_ROWS} rows, the most that are read"))
                );
            }
        }
        if rows.is_empty() {
            let problem = "no row; write node,down,up with instants in seconds";
            return Err(file.failed(problem));
        }
        note_ineffective(&mut file, &rows, until);
        rows.sort_unstable();
        let mut joined: Vec<Downtime> = Vec::with_capacity(rows.len());
        for row in rows {
            match joined.last_mut().filter(|last| last.node == row.node) {
                Some(last) if row.down < last.up => {
                    let (node, line) = (last.node, last.line);
                    let problem = format!("overlaps the downtime of node {node} in line {line}");
                    return Err(line_error(file.path(), row.line, problem));
                }
                // Down until an instant and from it on: one downtime.
                Some(last) if row.down == last.up => (last.up, last.line) = (row.up, row.line),
                _ => joined.push(row),
            }
        }
        let mut starts = vec![0u32; nodes as usize + 1];
        for row in &joined {
            starts[row.node as usize + 1] += 1;
        }
        for i in 0..nodes as usize {
            starts[i + 1] += starts[i];
        }
        let rows = joined.into_iter().map(|row| (row.down, row.up)).collect();
        Ok(Self { starts, rows, notes: file.into_notes() })
    }

    /// The first downtime of a node that ends after `time`.
    pub(super) fn downtime_after(&self, node: NodeId, time: u64) -> Option<(u64, u64)> {
        let range = self.starts[node.index()] as usize..self.starts[node.index() + 1] as usize;
        let rows = &self.rows[range];
        rows.get(rows.partition_point(|(_, up)| *up <= time)).copied()
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        (size_of_val(&*self.starts) + size_of_val(&*self.rows)) as u64
    }
}

fn downtime(row: &Row<'_>, nodes: u32) -> Result<Downtime, String> {
    let node = row.node(NODE, nodes)?;
    let down = instant(row, DOWN)?;
    let up = if row.text(UP).is_empty() { u64::MAX } else { instant(row, UP)? };
    if up <= down {
        return Err(format!("node {node} is up again at or before it goes down"));
    }
    Ok(Downtime { node, down, up, line: row.line() })
}

fn instant(row: &Row<'_>, column: usize) -> Result<u64, String> {
    match row.number(column)? {
        s if (0.0..=1e10).contains(&s) => Ok(libm::round(s * 1e9) as u64),
        _ => Err(format!(
            "`{}` is not an instant in seconds from the start of the run, 0 to 1e10",
            row.text(column)
        )),
    }
}

/// Says how many rows are wholly beyond the end of the run.
fn note_ineffective(file: &mut Rows<'_>, rows: &[Downtime], until: Time) {
    let beyond = rows.iter().filter(|row| row.down >= until.0).count();
    if beyond == 0 {
        return;
    }
    let hint = match rows.iter().map(|row| row.down).min() {
        Some(first) if beyond == rows.len() => format!(
            "; the first is at {} s: instants are seconds from the start of the run, neither \
             milliseconds nor since 1970",
            first / 1_000_000_000
        ),
        _ => String::new(),
    };
    file.note(format!(
        "{beyond} of {} rows have no effect, at or after until = {until}{hint}",
        rows.len()
    ));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::network::lines::Lines;

    fn read(text: &str) -> Result<DownTrace, NetworkError> {
        let lines = Lines::read(Path::new("downtimes.csv"), text.as_bytes())?;
        DownTrace::read(Rows::read(lines, LAYOUT)?, 3, Time(100_000_000_000))
    }

    #[test]
    fn rows_become_downtimes_in_order() {
        let trace = read("node,down,up\n2,5,6.5\n0,1,2\n2,1,3\n1,4,\n").unwrap();
        assert_eq!(trace.downtime_after(NodeId(0), 0), Some((1_000_000_000, 2_000_000_000)));
        assert_eq!(trace.downtime_after(NodeId(0), 2_000_000_000), None);
        assert_eq!(trace.downtime_after(NodeId(1), 0), Some((4_000_000_000, u64::MAX)));
        assert_eq!(
            trace.downtime_after(NodeId(2), 3_000_000_000),
            Some((5_000_000_000, 6_500_000_000))
        );
    }

    /// The ends of what is an instant; nodes without rows; the memory of it all.
    #[test]
    fn instants_have_bounds_and_rows_are_kept_in_16_bytes() {
        let trace = read("0,0,0.000000001\n2,1e9,1e10\n").unwrap();
        assert_eq!(trace.downtime_after(NodeId(0), 0), Some((0, 1)));
        assert_eq!(trace.downtime_after(NodeId(0), 1), None);
        assert_eq!(trace.downtime_after(NodeId(1), 0), None);
        assert_eq!(trace.downtime_after(NodeId(2), 5), Some((10u64.pow(18), 10u64.pow(19))));
        assert_eq!(trace.memory_bytes(), 4 * 4 + 2 * 16);
        for wrong in ["0,-1,2\n", "0,1,1.1e10\n", "0,1,1\n", "0,1,NaN\n"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("0,1,2\n1,2,3\n1,1,1.5\n").is_ok());
    }

    #[test]
    fn wrong_rows_are_named_with_their_line() {
        for (text, problem) in [
            ("", "no row"),
            ("node,down,up\n", "no row"),
            ("0,1\n", "line 1: 2 fields, no up; expected node,down,up"),
            ("0,1,2\n3,1,2\n", "line 2: node 3 is no node: ids are 0 to 2"),
            ("node,up,donw\n0,2,1\n", "line 1: expected the header node,down,up; it lacks down"),
            ("node;down;up\n0;1,5;2\n", "line 2: \"1,5\" in column down has a comma"),
            ("0,1106352000000,\n", "`1106352000000` is not an instant in seconds from the start"),
            ("0,2,1\n", "up again at or before"),
            ("0,soon,1\n", "\"soon\" in column down is not a number"),
            ("0,1,5\n0,4,6\n", "line 2: overlaps the downtime of node 0 in line 1"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(problem), "{text:?}: {error}");
        }
    }

    #[test]
    fn downtimes_that_touch_are_one() {
        let trace = read("node,down,up\n0,20,30\n0,10,20\n1,20,30\n0,31,32\n").unwrap();
        let second = |s: u64| s * 1_000_000_000;
        assert_eq!(trace.downtime_after(NodeId(0), 0), Some((second(10), second(30))));
        assert_eq!(trace.downtime_after(NodeId(0), second(30)), Some((second(31), second(32))));
        assert_eq!(trace.downtime_after(NodeId(1), 0), Some((second(20), second(30))));
        assert_eq!(trace.notes, [] as [&str; 0]);
        let error = read("0,10,20\n0,20,30\n0,29,40\n").unwrap_err().to_string();
        assert!(error.contains("line 3: overlaps the downtime of node 0 in line 2"), "{error}");
    }

    #[test]
    fn columns_go_by_name_and_rows_beyond_the_end_are_counted() {
        let trace = read("up,node,down,why\n2,0,1,x\n101,0,99,y\n,1,100,z\n").unwrap();
        assert_eq!(trace.downtime_after(NodeId(0), 0), Some((1_000_000_000, 2_000_000_000)));
        assert_eq!(
            trace.notes,
            [
                "downtimes.csv: columns without effect: \"why\"",
                "downtimes.csv: 1 of 3 rows have no effect, at or after until = 1.667min",
            ]
        );
        let [order, beyond] = &read("0,10000,20000\n").unwrap().notes[..] else { panic!() };
        assert_eq!(order, "downtimes.csv: no header: its columns are read as node,down,up");
        assert!(beyond.contains("1 of 1 rows have no effect") && beyond.contains("milliseconds"));
    }
}
