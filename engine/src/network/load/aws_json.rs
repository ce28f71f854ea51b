//! `{"data": {from: {to: ms}}}`, as cloudping publishes latencies between AWS regions.
//!
//! The diagonal is the latency within a region. Regions are in order of their names. A second file
//! of the same shape may hold 90th percentiles, of which it may lack some.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::super::fit::{Centre, Figures};
use super::super::lines::open;
use super::super::table::{LatencyTable, one_way_ns};
use super::super::{LatencyKind, NetworkError};

/// Largest file read, in bytes after unpacking.
const MAX_BYTES: u64 = 16 << 20;

#[derive(Deserialize)]
struct Document {
    data: BTreeMap<String, BTreeMap<String, f64>>,
}

pub(super) fn load(
    path: &Path,
    p90_path: Option<&Path>,
    latency: LatencyKind,
) -> Result<LatencyTable, NetworkError> {
    let failed = |path: &Path, problem: String| NetworkError::File { path: path.into(), problem };
    let medians = read(path)?;
    let upper = p90_path.map(read).transpose()?;
    let mut table = LatencyTable::default();
    for name in medians.keys().chain(medians.values().flat_map(BTreeMap::keys)) {
        table.region(name).map_err(|problem| failed(path, problem))?;
    }
    for (from, row) in &medians {
        for (to, p50_ms) in row {
            let pair = |problem: String| format!("{from} to {to}: {problem}");
            let p50 = one_way_ns(*p50_ms, latency).map_err(|e| failed(path, pair(e)))?;
            let p90_ms = upper.as_ref().and_then(|upper| upper.get(from)?.get(to));
            let p90 = match (p90_ms, p90_path) {
                (Some(ms), Some(path)) => {
                    let p90 = one_way_ns(*ms, latency).map_err(|e| failed(path, pair(e)))?;
                    if p90 < p50 {
                        let problem = pair(format!("{ms} ms is below the median, {p50_ms} ms"));
                        return Err(failed(path, problem));
                    }
                    Some(p90)
                }
                _ => None,
            };
            let known = "every name was added above";
            let (from, to) = (table.region(from).expect(known), table.region(to).expect(known));
            table.set(
                from,
                to,
                Figures { centre: Centre::Percentiles { p50, p90 }, min: None, max: None },
            );
        }
    }
    Ok(table)
}

fn read(path: &Path) -> Result<BTreeMap<String, BTreeMap<String, f64>>, NetworkError> {
    let reader = open(path)?.take(MAX_BYTES);
    let document: Document = serde_json::from_reader(reader).map_err(|e| {
        if e.is_io() {
            return NetworkError::File {
                path: path.into(),
                problem: format!("cannot read it: {e}"),
            };
        }
        let problem = format!("not {{\"data\": {{from: {{to: ms}}}}}}: {e}");
        NetworkError::Line { path: path.into(), line: e.line() as u64, problem }
    })?;
    Ok(document.data)
}
