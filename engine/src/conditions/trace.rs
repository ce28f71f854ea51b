//! Downtimes from a file: `node,down,up`, instants in seconds.

use std::path::Path;

use anthill_protocol::NodeId;

use crate::network::NetworkError;
use crate::network::lines::{Lines, line_error};

/// The downtimes of all nodes, per node in order of time.
#[derive(Clone, Debug)]
pub(super) struct DownTrace {
    /// Where each node's rows begin, and where the last one's end.
    starts: Vec<u32>,
    /// `[down, up)` in ns.
    rows: Vec<(u64, u64)>,
}

impl DownTrace {
    /// Reads a file for a network of `nodes`.
    ///
    /// # Errors
    /// On rows that are not three fields, name no node, end before they begin or overlap.
    pub(super) fn open(path: &Path, nodes: u32) -> Result<Self, NetworkError> {
        Self::read(path, Lines::open(path)?, nodes)
    }

    fn read(path: &Path, mut lines: Lines<'_>, nodes: u32) -> Result<Self, NetworkError> {
        let mut rows: Vec<(u32, u64, u64, u64)> = Vec::new();
        while let Some((number, line)) = lines.next()? {
            if rows.is_empty() && line.split(',').map(str::trim).eq(["node", "down", "up"]) {
                continue;
            }
            let row = parse(line, nodes).map_err(|problem| line_error(path, number, problem))?;
            rows.push((row.0, row.1, row.2, number));
        }
        if rows.is_empty() {
            let problem = "no row; write node,down,up with instants in seconds".to_owned();
            return Err(NetworkError::File { path: path.to_owned(), problem });
        }
        rows.sort_unstable();
        for pair in rows.windows(2) {
            let [(a, _, up, first), (b, down, _, second)] = pair else { continue };
            if a == b && down <= up {
                let problem = format!("overlaps the downtime of node {a} in line {first}");
                return Err(line_error(path, *second, problem));
            }
        }
        let mut starts = vec![0u32; nodes as usize + 1];
        for (node, ..) in &rows {
            starts[*node as usize + 1] += 1;
        }
        for i in 0..nodes as usize {
            starts[i + 1] += starts[i];
        }
        Ok(Self { starts, rows: rows.into_iter().map(|(_, down, up, _)| (down, up)).collect() })
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

fn parse(line: &str, nodes: u32) -> Result<(u32, u64, u64), String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [node, down, up] = fields[..] else {
        return Err(format!("{} fields; write node,down,up", fields.len()));
    };
    let node = match node.parse::<u32>() {
        Ok(id) if id < nodes => id,
        _ => return Err(format!("`{node}` is not the id of one of {nodes} nodes")),
    };
    let down = seconds(down)?;
    let up = if up.is_empty() { u64::MAX } else { seconds(up)? };
    if up <= down {
        return Err(format!("node {node} is up again at or before it goes down"));
    }
    Ok((node, down, up))
}

fn seconds(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.0..=1e10).contains(&s) => Ok(libm::round(s * 1e9) as u64),
        _ => Err(format!("`{text}` is not an instant in seconds, 0 to 1e10")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DownTrace, NetworkError> {
        let path = Path::new("downtimes.csv");
        DownTrace::read(path, Lines::read(path, text.as_bytes())?, 3)
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
            ("0,1\n", "line 1: 2 fields"),
            ("0,1,2\n3,1,2\n", "line 2: `3` is not the id of one of 3 nodes"),
            ("0,2,1\n", "up again at or before"),
            ("0,soon,1\n", "`soon` is not an instant"),
            ("0,1,5\n0,4,6\n", "line 2: overlaps the downtime of node 0 in line 1"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(problem), "{text:?}: {error}");
        }
    }
}
