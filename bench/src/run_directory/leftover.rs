//! What a run leaves that is killed before it could save: its manifest, and at worst files beside it,
//! but not the summary, which comes last. It is of no value, and may be replaced by the same run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{MAX_BYTES, RunDirectoryError};
use crate::checkpoints;

const MANIFEST: &str = "manifest.json";
const SUMMARY: &str = "summary.json";
/// Holds one histogram per metric.
const METRICS: &str = "metrics";
/// All that a run may write, tables as CSV and Parquet.
const FILES: [&str; 17] = [
    MANIFEST,
    SUMMARY,
    "series.csv",
    "checks.json",
    "nodes.csv",
    "node_ids.csv",
    "node_ids.csv.gz",
    "history.jsonl",
    "history.edn",
    crate::ledger::FILE,
    "elle.edn",
    "external.jsonl",
    "trace.jsonl",
    "trace.perfetto.json",
    "flamegraph.svg",
    "stacks.folded",
    "profile.pb.gz",
];

/// Why what a directory holds must not be replaced.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It holds something else, or a whole run.
    NotEmpty,
    /// It holds what a run of another scenario left.
    OtherRun,
    /// It holds a run that can go on.
    Saved,
    /// It cannot be told, or not be removed.
    Io(io::Error),
}

impl Refusal {
    pub(super) fn of(self, path: &Path) -> RunDirectoryError {
        let path = path.to_owned();
        match self {
            Self::NotEmpty => RunDirectoryError::NotEmpty { path },
            Self::Saved => RunDirectoryError::Saved { path },
            Self::OtherRun => RunDirectoryError::OtherRun { path },
            Self::Io(problem) => RunDirectoryError::Io { path, problem },
        }
    }
}

/// Whether a run writes a file of this name.
pub(super) fn is_known(name: &str) -> bool {
    let name = name.strip_suffix(".partial").unwrap_or(name);
    if let Some(histogram) = name.strip_prefix("metrics/") {
        return histogram.ends_with(".hgrm") || histogram.ends_with(".hlog");
    }
    if checkpoints::time_of(name).is_some() {
        return true;
    }
    if let Some(key) = name.strip_prefix("register-") {
        return key.ends_with(".edn");
    }
    let table = name.strip_suffix(".parquet").map(|stem| format!("{stem}.csv"));
    FILES.contains(&table.as_deref().unwrap_or(name))
}

/// Removes what a killed run of this resolved scenario left, and nothing else.
pub(super) fn of_run(path: &Path, scenario_toml: &str) -> Result<(), Refusal> {
    let names = names(path)?;
    if names.iter().any(|name| name == SUMMARY || !is_known(name)) {
        return Err(Refusal::NotEmpty);
    }
    if names.iter().any(|name| checkpoints::time_of(name).is_some()) {
        return Err(Refusal::Saved);
    }
    if names.iter().any(|name| name == MANIFEST) {
        let manifest = read(&path.join(MANIFEST)).ok_or(Refusal::NotEmpty)?;
        if manifest["scenario_toml"] != scenario_toml {
            return Err(Refusal::OtherRun);
        }
    } else if names.iter().any(|name| !name.ends_with(".partial")) {
        return Err(Refusal::NotEmpty);
    }
    // The manifest last: without it, what is left would not be known again.
    let (manifest, others): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| *name == MANIFEST);
    for name in others.into_iter().chain(manifest) {
        fs::remove_file(path.join(name)).map_err(Refusal::Io)?;
    }
    match fs::remove_dir(path.join(METRICS)) {
        Err(problem) if problem.kind() != io::ErrorKind::NotFound => Err(Refusal::Io(problem)),
        _ => Ok(()),
    }
}

/// Whether a directory holds nothing but directories of these names, none of them of a whole run.
/// Each is looked at again when it is claimed.
pub(super) fn of_runs(path: &Path, runs: &[String]) -> Result<(), Refusal> {
    for entry in fs::read_dir(path).map_err(Refusal::Io)? {
        let entry = entry.map_err(Refusal::Io)?;
        let (name, path) = (entry.file_name(), entry.path());
        let known = runs.iter().any(|run| name == run.as_str());
        if !known || !path.is_dir() || path.join(SUMMARY).exists() {
            return Err(Refusal::NotEmpty);
        }
    }
    Ok(())
}

/// The files of a directory, with those of its metrics.
fn names(path: &Path) -> Result<Vec<String>, Refusal> {
    let mut names = Vec::new();
    let mut add = |directory: PathBuf, prefix: &str| -> Result<bool, Refusal> {
        let mut metrics = false;
        for entry in fs::read_dir(directory).map_err(Refusal::Io)? {
            let entry = entry.map_err(Refusal::Io)?;
            let name = entry.file_name().into_string().map_err(|_| Refusal::NotEmpty)?;
            match entry.file_type().map_err(Refusal::Io)?.is_dir() {
                true if prefix.is_empty() && name == METRICS => metrics = true,
                true => return Err(Refusal::NotEmpty),
                false => names.push(format!("{prefix}{name}")),
            }
        }
        Ok(metrics)
    };
    if add(path.to_owned(), "")? {
        add(path.join(METRICS), "metrics/")?;
    }
    Ok(names)
}

fn read(path: &Path) -> Option<Value> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let ours = metadata.is_file() && metadata.len() <= MAX_BYTES;
    ours.then(|| serde_json::from_str(&fs::read_to_string(path).ok()?).ok())?
}
