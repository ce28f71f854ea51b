//! Reading run directories, distrusting every file: a report must not draw what it did not read.
//!
//! `manifest.json` and `summary.json` are required and must belong together; what else is missing
//! leaves a gap in the page, but what is there and unreadable is an error that names the file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;

use super::embedded::{self, Experiment};
use crate::export::manifest::FORMAT;
use crate::ledger::{self, SavedLedger};
use crate::page;
use crate::run_directory::file_name;

/// The largest file that is read: more than a run directory may hold.
const MAX_FILE_BYTES: u64 = 100_000_000;

/// Why a report cannot be made.
#[derive(Debug, Error)]
pub(crate) enum ReportError {
    /// Nothing that anthill saved.
    #[error(
        "{} is no run directory: it has no manifest.json; give a directory that `anthill run`, `scale`, \
         `sweep`, `compare`, `complexity` or `demo` saved",
        path.display()
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// The run did not end.
    #[error(
        "{} is missing: the run has not finished, or was ended before it could save; make it again \
         with: {again}",
        path.display()
    )]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// The command.
        again: String,
    },
    /// A file that says something else than it should.
    #[error("{}: {problem}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Runs of different versions.
    #[error(
        "{} is of anthill {first_version}, {} of anthill {version}: their figures may not mean \
         the same; make a report of each, or run the older again with this version",
        first.display(), path.display()
    )]
    MixedVersions {
        /// The first directory.
        first: PathBuf,
        /// Its version.
        first_version: String,
        /// The other directory.
        path: PathBuf,
        /// Its version.
        version: String,
    },
}

/// What was read from all directories.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(super) runs: Vec<Run>,
    pub(super) experiments: Vec<Experiment>,
}

/// A run directory.
#[derive(Debug)]
pub(super) struct Run {
    /// The directory, as it was given.
    pub(super) name: String,
    pub(super) manifest: Manifest,
    pub(super) summary: Summary,
    /// `None`: no series.csv.
    pub(super) series: Option<Table>,
    /// By name of the metric: the steps of its percentile distribution; `None`: its file is missing.
    pub(super) latencies: Vec<(String, Option<Vec<Step>>)>,
    /// The flamegraph as base64.
    pub(super) flamegraph: Option<String>,
    /// `None`: no ledger was saved.
    pub(super) ledger: Option<PackedLedger>,
    /// Whether messages were recorded, and whether there is a page that plays them.
    pub(super) has_trace: bool,
    pub(super) has_playback: bool,
}

/// A ledger, and it packed as base64.
#[derive(Debug)]
pub(super) struct PackedLedger {
    pub(super) saved: SavedLedger,
    pub(super) base64: String,
}

/// What is read of `manifest.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    pub(super) name: String,
    protocol: String,
    pub(super) seed: u64,
    /// What ran it.
    #[serde(default = "anthill")]
    pub(super) program: String,
    pub(super) version: String,
    pub(super) commit: String,
    pub(super) uncommitted_changes: bool,
    pub(super) command: Vec<String>,
    pub(super) started_unix_s: u64,
    pub(super) machine: Map<String, Value>,
    #[serde(default)]
    pub(super) conditions_on: Vec<String>,
    #[serde(default)]
    pub(super) faults: Vec<Fault>,
    #[serde(default)]
    pub(super) regions: Regions,
    #[serde(default)]
    pub(super) inputs: Vec<Input>,
    pub(super) scenario_toml: String,
}

/// What ran before manifests said so.
pub(super) fn anthill() -> String {
    "anthill".to_owned()
}

/// A file that the scenario names.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    pub(super) key: String,
    pub(super) path: String,
    pub(super) blake3: Option<String>,
}

/// An entry of the fault timeline.
#[derive(Debug, Deserialize)]
pub(super) struct Fault {
    pub(super) at_s: f64,
    pub(super) heal_s: Option<f64>,
    pub(super) text: String,
}

/// Where nodes are.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Regions {
    pub(super) nodes: Vec<Region>,
    pub(super) least_delay_ns: Option<Vec<Vec<f64>>>,
}

/// How many nodes a region has.
#[derive(Debug, Deserialize)]
pub(super) struct Region {
    pub(super) name: String,
    pub(super) nodes: u64,
}

/// What is read of `summary.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) result: Outcome,
    pub(super) host: Host,
}

/// The part that is the same for any execution.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) protocol: String,
    pub(super) nodes: u64,
    pub(super) seed: u64,
    pub(super) digest: String,
    pub(super) virtual_s: f64,
    pub(super) events: u64,
    pub(super) messages: u64,
    pub(super) bytes_on_wire: u64,
    #[serde(default)]
    pub(super) bytes_by_kind: Map<String, Value>,
    pub(super) latency_ns: BTreeMap<String, Latency>,
    pub(super) checks: Vec<Check>,
    #[serde(default)]
    pub(super) violations: Vec<Violation>,
    pub(super) metrics: Map<String, Value>,
    /// Which of them are ratios, and to which other.
    #[serde(default)]
    pub(super) ratios: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) conditions: Option<Map<String, Value>>,
}

/// Percentiles, in ns.
#[derive(Debug, Deserialize)]
pub(super) struct Latency {
    pub(super) p50: u64,
    pub(super) p90: u64,
    pub(super) p99: u64,
    pub(super) p999: u64,
    pub(super) max: u64,
    pub(super) count: u64,
}

/// A check; a figure that was no number is null.
#[derive(Debug, Deserialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) bound: String,
    pub(super) ok: bool,
    pub(super) expected_violation: bool,
    pub(super) measured: Option<f64>,
    pub(super) expected: Option<f64>,
    pub(super) interval: (Option<f64>, Option<f64>),
    #[serde(default)]
    pub(super) not_judged: Option<String>,
}

/// An invariant that events have violated.
#[derive(Debug, Deserialize)]
pub(super) struct Violation {
    pub(super) invariant: String,
    pub(super) events: u64,
    pub(super) first: Option<EventKey>,
    /// For a judge: which nodes said what.
    #[serde(default)]
    pub(super) about: Option<String>,
}

/// Which event it was.
#[derive(Debug, Deserialize)]
pub(super) struct EventKey {
    pub(super) time_ns: u64,
    pub(super) target: u32,
    pub(super) source: u32,
    pub(super) sequence: u32,
}

/// What it cost.
#[derive(Debug, Deserialize)]
pub(super) struct Host {
    pub(super) engine: String,
    pub(super) ended: String,
    pub(super) shards: u64,
    pub(super) threads: u64,
    pub(super) setup_s: f64,
    pub(super) loop_s: f64,
    pub(super) wall_s: f64,
    pub(super) cpu_s: f64,
    pub(super) peak_rss_bytes: u64,
    pub(super) bytes_per_node: f64,
    pub(super) events_per_s: f64,
    pub(super) ns_per_event: f64,
    pub(super) windows: u64,
    #[serde(default)]
    pub(super) shard_events: Vec<u64>,
    #[serde(default)]
    pub(super) window_events_log2: Vec<u64>,
    #[serde(default)]
    pub(super) phases: Map<String, Value>,
}

/// `series.csv`: a start, a length and counters per row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// Names of the counters.
    pub(super) columns: Vec<String>,
    /// Start of each row in ns of virtual time, and its counters.
    pub(super) rows: Vec<(u64, Vec<u64>)>,
    /// Length of every row, in ns.
    pub(super) interval_ns: u64,
}

/// A step of a percentile distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// 1 / (1 − the share of records that are not above).
    pub(super) inverse: f64,
    pub(super) value_ns: f64,
}

/// Reads the directories.
///
/// # Errors
/// If one of them is not what `anthill` saved, or they do not belong on one page.
pub(crate) fn load(directories: &[PathBuf]) -> Result<Loaded, ReportError> {
    let mut loaded = Loaded { runs: Vec::new(), experiments: Vec::new() };
    for path in directories {
        let found = embedded::load(path)?;
        if found.is_empty() || path.join("summary.json").exists() {
            loaded.runs.push(run(path)?);
        }
        loaded.experiments.extend(found);
    }
    let versions = loaded.runs.iter().map(|run| &run.manifest.version);
    let same = loaded.runs.first().map(|first| &first.manifest.version);
    if let Some((at, version)) = versions.enumerate().find(|(_, version)| Some(*version) != same) {
        let first = &loaded.runs[0];
        return Err(ReportError::MixedVersions {
            first: PathBuf::from(&first.name),
            first_version: first.manifest.version.clone(),
            path: PathBuf::from(&loaded.runs[at].name),
            version: version.clone(),
        });
    }
    Ok(loaded)
}

fn run(path: &Path) -> Result<Run, ReportError> {
    let file = path.join("manifest.json");
    let text = read(&file)?.ok_or_else(|| ReportError::Foreign { path: path.to_owned() })?;
    // The format first: with another one, other complaints would mislead.
    let value: Value = json(&file, &text)?;
    if value["format"] != FORMAT {
        let problem = match value["format"].as_u64() {
            Some(format) => format!(
                "format {format}, where this {} ({}) reads {FORMAT}; use the program that \
                 saved it",
                crate::build::name(),
                crate::build::version()
            ),
            None => "no manifest of anthill: it has no `format`".to_owned(),
        };
        return Err(ReportError::Corrupt { path: file, problem });
    }
    let manifest: Manifest = json(&file, &text)?;
    debug_assert_eq!(manifest.format, FORMAT);
    let file = path.join("summary.json");
    let text = read(&file)?.ok_or_else(|| ReportError::Unfinished {
        path: file.clone(),
        again: crate::command::repeated_in(&manifest.command, path),
    })?;
    let summary: Summary = json(&file, &text)?;
    if (&manifest.protocol, manifest.seed) != (&summary.result.protocol, summary.result.seed) {
        let problem = format!(
            "is of {} with seed {}, the manifest.json beside it of {} with seed {}: files of two \
             runs are mixed",
            summary.result.protocol, summary.result.seed, manifest.protocol, manifest.seed
        );
        return Err(ReportError::Corrupt { path: file, problem });
    }
    let latencies = summary.result.latency_ns.iter().filter(|(_, latency)| latency.count > 0);
    let latencies = latencies.map(|(name, _)| {
        let file = path.join(format!("metrics/{}.hgrm", file_name(name)));
        Ok((name.clone(), read(&file)?.map(|text| percentiles(&file, &text)).transpose()?))
    });
    let latencies = latencies.collect::<Result<_, _>>()?;
    let file = path.join("series.csv");
    let series = read(&file)?.map(|text| table(&file, &text)).transpose()?;
    let flamegraph = flamegraph(&path.join("flamegraph.svg"))?;
    let ledger = packed_ledger(&path.join(ledger::FILE))?;
    let name = path.display().to_string();
    let has = |file: &str| path.join(file).is_file();
    let (has_trace, has_playback) = (has("trace.jsonl"), has(crate::playback::FILE));
    Ok(Run {
        name,
        manifest,
        summary,
        series,
        latencies,
        flamegraph,
        ledger,
        has_trace,
        has_playback,
    })
}

fn packed_ledger(path: &Path) -> Result<Option<PackedLedger>, ReportError> {
    let Some(packed) = read_bytes(path)? else { return Ok(None) };
    let saved = SavedLedger::unpack(&packed).map_err(|problem| ReportError::Corrupt {
        path: path.to_owned(),
        problem: crate::terminal::told(&problem),
    })?;
    Ok(Some(PackedLedger { saved, base64: page::base64(&packed) }))
}

/// A file's text; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, ReportError> {
    let Some(bytes) = read_bytes(path)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|_| ReportError::Corrupt {
        path: path.to_owned(),
        problem: "is not UTF-8 text".to_owned(),
    })
}

fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, ReportError> {
    let corrupt = |problem: String| ReportError::Corrupt { path: path.to_owned(), problem };
    match fs::metadata(path) {
        // Of a path through a file, too, there is no such file.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(corrupt(format!("cannot be read: {e}"))),
        Ok(found) if !found.is_file() => return Err(corrupt("is not a file".to_owned())),
        Ok(found) if found.len() > MAX_FILE_BYTES => {
            return Err(corrupt(format!("is larger than {MAX_FILE_BYTES} bytes")));
        }
        Ok(_) => {}
    }
    fs::read(path).map(Some).map_err(|e| corrupt(format!("cannot be read: {e}")))
}

/// A file's JSON as what it should be.
pub(super) fn json<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ReportError> {
    serde_json::from_str(text).map_err(|e| ReportError::Corrupt {
        path: path.to_owned(),
        problem: format!("is damaged, or of another version of anthill: {e}"),
    })
}

fn percentiles(path: &Path, text: &str) -> Result<Vec<Step>, ReportError> {
    let mut steps = Vec::new();
    for (i, line) in text.lines().enumerate().skip(1) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let mut cells = line.split_whitespace().map(|cell| {
            cell.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
        });
        let (Some(Some(value_ns)), Some(Some(share)), Some(Some(total))) =
            (cells.next(), cells.next(), cells.next())
        else {
            let problem = format!("line {} is no step of a percentile distribution", i + 1);
            return Err(ReportError::Corrupt { path: path.to_owned(), problem });
        };
        // All records are below the last step, where the distance to 100 % is less than one.
        let inverse = if share < 1.0 { 1.0 / (1.0 - share) } else { total.max(1.0) };
        steps.push(Step { inverse, value_ns });
    }
    Ok(steps)
}

fn table(path: &Path, text: &str) -> Result<Table, ReportError> {
    const FIXED: [&str; 6] =
        ["start_ns", "interval_ns", "events", "messages", "bytes_on_wire", "digest"];
    let corrupt = |problem: String| ReportError::Corrupt { path: path.to_owned(), problem };
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or("").split(',').collect();
    if !header.starts_with(&FIXED) {
        return Err(corrupt(format!("does not begin with the columns {}", FIXED.join(","))));
    }
    let mut table = Table::default();
    let names = header[2..5].iter().chain(&header[6..]);
    table.columns = names.map(|name| name.trim_matches('"').to_owned()).collect();
    for (i, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        if cells.len() != header.len() {
            let (found, wanted) = (cells.len(), header.len());
            return Err(corrupt(format!("line {} has {found} cells instead of {wanted}", i + 2)));
        }
        let figures = cells[..5].iter().chain(&cells[6..]).map(|cell| {
            cell.parse::<u64>()
                .map_err(|_| corrupt(format!("line {}: `{cell}` is no count", i + 2)))
        });
        let figures: Vec<u64> = figures.collect::<Result<_, _>>()?;
        table.interval_ns = table.interval_ns.max(figures[1]);
        table.rows.push((figures[0], figures[2..].to_vec()));
    }
    Ok(table)
}

fn flamegraph(path: &Path) -> Result<Option<String>, ReportError> {
    let Some(text) = read(path)? else { return Ok(None) };
    if !text.contains("<svg") {
        let problem = "is no SVG".to_owned();
        return Err(ReportError::Corrupt { path: path.to_owned(), problem });
    }
    Ok(Some(page::base64(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_read_or_refused_with_their_line() {
        let path = Path::new("series.csv");
        let header = "start_ns,interval_ns,events,messages,bytes_on_wire,digest,\"a\"";
        let read = table(path, &format!("{header}\n0,10,1,2,3,ff,4\n10,10,5,6,7,00,8\n"));
        let read = read.expect("a table");
        assert_eq!(read.columns, ["events", "messages", "bytes_on_wire", "a"]);
        assert_eq!(read.rows, [(0, vec![1, 2, 3, 4]), (10, vec![5, 6, 7, 8])]);
        assert_eq!(read.interval_ns, 10);
        for (bad, complaint) in [
            ("", "does not begin with the columns"),
            ("a,b", "does not begin with the columns"),
            (&format!("{header}\n0,10,1,2,3,ff"), "line 2 has 6 cells instead of 7"),
            (&format!("{header}\n0,10,1,2,3,ff,-4"), "line 2: `-4` is no count"),
        ] {
            let problem = table(path, bad).expect_err(bad).to_string();
            assert!(
                problem.starts_with("series.csv: ") && problem.contains(complaint),
                "{problem}"
            );
        }
    }

    #[test]
    fn percentiles_end_at_the_number_of_records() {
        let path = Path::new("a.hgrm");
        let text =
            "Value Percentile TotalCount 1/(1-Percentile)\n\n 5.0 0.5 10 2.00\n 9.0 1.0 20\n#[x]\n";
        let step = |inverse, value_ns| Step { inverse, value_ns };
        assert_eq!(percentiles(path, text).expect("steps"), [step(2.0, 5.0), step(20.0, 9.0)]);
        for bad in ["h\n1 2", "h\nNaN 0.5 1", "h\nx"] {
            let problem = percentiles(path, bad).expect_err(bad).to_string();
            assert!(problem.contains("line 2"), "{problem}");
        }
    }
}
