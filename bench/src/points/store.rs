//! The directory of a piece of work: its plan, and the runs that are finished.
//!
//! `plan.json` is written first and never changed; `points/ID.json` appears whole, by renaming,
//! when its run is finished; `running/` holds what is being made, and is of no value afterwards.
//! While a process works there it holds a lock on the plan, so that two never mix.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::finished::Finished;
use super::plan::{FORMAT, Plan, Point, difference};
use super::{MAX_RUNS, PointsError};
use crate::run_directory::{MAX_BYTES, RunDirectory, RunDirectoryError, file_name};

const PLAN: &str = "plan.json";
const POINTS: &str = "points";
const RUNNING: &str = "running";

/// A directory that belongs to a plan, and to this process.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    hash: String,
    manifest: Value,
    finished: BTreeMap<String, Finished>,
    /// If this process made the directory.
    claimed: Option<RunDirectory>,
    _lock: File,
}

impl Store {
    /// Opens `out`, or a fresh directory, for a plan; `manifest` says how and where it is made,
    /// and is kept from the first time.
    ///
    /// # Errors
    /// If `out` holds anything else, or a kept run is damaged.
    pub(crate) fn open(out: Option<&Path>, plan: &Plan, manifest: Value) -> anyhow::Result<Self> {
        if plan.points.len() > MAX_RUNS {
            return Err(PointsError::TooMany { runs: plan.points.len() as u64 }.into());
        }
        let claimed = match out {
            Some(out) if out.join(PLAN).exists() => {
                return Ok(Self::resume(out.to_owned(), plan)?);
            }
            Some(out) if holds_anything(out) => {
                let (path, kind) = (out.to_owned(), plan.kind);
                return Err(PointsError::Foreign {
                    path,
                    kind,
                    problem: "no plan.json".to_owned(),
                }
                .into());
            }
            out => {
                // What a process that was killed here before its plan was whole left behind.
                if let Some(out) = out {
                    let _ = fs::remove_file(partial(&out.join(PLAN)));
                }
                let name = format!("{}-{}", plan.name, plan.kind);
                begin(RunDirectory::claim(out, &name, plan.seed)?, plan, &manifest)?
            }
        };
        let store = Self::resume(claimed.path().to_owned(), plan)?;
        Ok(Self { claimed: Some(claimed), ..store })
    }

    fn resume(path: PathBuf, plan: &Plan) -> Result<Self, PointsError> {
        let file = path.join(PLAN);
        let foreign = |problem: String| PointsError::Foreign {
            path: path.clone(),
            kind: plan.kind,
            problem: format!("plan.json {problem}"),
        };
        let lock = File::open(&file).map_err(io_error(&file))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(PointsError::Busy { path }),
            // A file system without locks is still a place to work.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let text = read(&file).map_err(foreign)?;
        let kept: Value = serde_json::from_str(&text)
            .map_err(|error| foreign(format!("is not JSON ({error})")))?;
        if kept["format"] != FORMAT {
            return Err(foreign(format!(
                "has format {}, this version reads {FORMAT}",
                kept["format"]
            )));
        }
        let identity = plan.identity();
        if let Some(difference) = difference(&kept["identity"], &identity) {
            let command = kept["manifest"]["reproduce"].as_str().unwrap_or_default();
            let command = format!("{command} --out {}", path.display());
            return Err(PointsError::OtherPlan { path, difference, command });
        }
        let hash = blake3::hash(identity.to_string().as_bytes()).to_hex()[..16].to_owned();
        let finished = finished(&path, plan, &hash)?;
        let running = path.join(RUNNING);
        let _ = fs::remove_dir_all(&running);
        let manifest = kept["manifest"].clone();
        Ok(Self { path, hash, manifest, finished, claimed: None, _lock: lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the directory again if this process made it and nothing was finished. Best effort.
    pub(crate) fn abandon_if_empty(self) {
        if let Some(claimed) = self.claimed.filter(|_| self.finished.is_empty()) {
            let _ = fs::remove_dir(self.path.join(POINTS));
            claimed.abandon();
        }
    }

    /// How and where the work was begun.
    pub(crate) fn manifest(&self) -> &Value {
        &self.manifest
    }

    /// The runs that are finished, by their ids.
    pub(crate) fn finished(&self) -> &BTreeMap<String, Finished> {
        &self.finished
    }

    /// A place for a run to be made in.
    pub(super) fn running(&self, point: &Point) -> PathBuf {
        self.path.join(RUNNING).join(&point.id)
    }

    /// Keeps a finished run on disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn keep(&self, point: &Point, finished: &Finished) -> Result<(), PointsError> {
        let path = self.path.join(POINTS).join(format!("{}.json", point.id));
        replace(&path, finished.text(&point.id, &self.hash).as_bytes())
    }

    /// Takes the runs that were made since it was opened; `running/` has served.
    pub(super) fn extend(&mut self, made: BTreeMap<String, Finished>) {
        self.finished.extend(made);
        let _ = fs::remove_dir_all(self.path.join(RUNNING));
    }
}

/// Writes the plan into a fresh directory, which is given back if that fails.
fn begin(
    mut fresh: RunDirectory,
    plan: &Plan,
    manifest: &Value,
) -> Result<RunDirectory, RunDirectoryError> {
    let content = json!({
        "format": FORMAT, "identity": plan.identity(), "manifest": manifest,
    });
    match fresh.write(PLAN, crate::export::pretty(&content).as_bytes()) {
        Ok(()) => Ok(fresh),
        Err(problem) => {
            fresh.abandon();
            Err(problem)
        }
    }
}

/// Writes a file whole, in place of what was there.
///
/// # Errors
/// If it cannot be written; then what was there stays.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), PointsError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(io_error(parent))?;
    }
    let unfinished = partial(path);
    let written = File::create(&unfinished)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|problem| {
        let _ = fs::remove_file(&unfinished);
        io_error(path)(problem)
    })
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".partial");
    PathBuf::from(name)
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> PointsError {
    let path = path.to_owned();
    move |problem| PointsError::Io { path, problem }
}

/// Whether a directory holds more than an unfinished plan.
fn holds_anything(path: &Path) -> bool {
    let unfinished = partial(Path::new(PLAN));
    fs::read_dir(path).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| Path::new(&entry.file_name()) != unfinished))
    })
}

/// Reads a file of ours; what is larger than all of them is none.
fn read(path: &Path) -> Result<String, String> {
    let cannot = |error: io::Error| format!("cannot be read ({error})");
    let metadata = fs::metadata(path).map_err(cannot)?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err("is no file of this program".to_owned());
    }
    fs::read_to_string(path).map_err(cannot)
}

/// Every kept run, each of which must be one of the plan and whole.
fn finished(
    path: &Path,
    plan: &Plan,
    hash: &str,
) -> Result<BTreeMap<String, Finished>, PointsError> {
    let folder = path.join(POINTS);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(io_error(&folder)(error)),
    };
    let seeds: BTreeMap<&str, u64> =
        plan.points.iter().map(|point| (point.id.as_str(), point.seed)).collect();
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(io_error(&folder))?.path();
        let damaged = |problem: String| PointsError::Damaged { path: path.clone(), problem };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".partial") {
            continue;
        }
        let id = name.strip_suffix(".json").unwrap_or(&name);
        let Some(seed) = seeds.get(id) else {
            return Err(damaged("is no run of this plan".to_owned()));
        };
        let text = read(&path).map_err(damaged)?;
        let run = Finished::parse(&text, id, hash).map_err(damaged)?;
        if run.result.get("seed").and_then(Value::as_u64) != Some(*seed) {
            return Err(damaged(format!("is not of seed {seed}")));
        }
        found.insert(id.to_owned(), run);
    }
    Ok(found)
}

/// An id as a file name.
impl Point {
    /// A point whose id is made of `name` and the number of the run.
    pub(crate) fn new(name: &str, configuration: usize, run: u32, seed: u64) -> Self {
        Self { id: format!("{}-r{run}", file_name(name)), configuration, run, seed }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finished::tests::summary;
    use super::super::plan::tests::plan;
    use super::*;

    fn open(path: &Path, plan: &Plan) -> anyhow::Result<Store> {
        Store::open(Some(path), plan, json!({ "reproduce": "anthill sweep x" }))
    }

    fn refusal(path: &Path, plan: &Plan) -> String {
        open(path, plan).expect_err("must be refused").to_string()
    }

    fn keep(store: &Store, point: &Point) {
        let mut summary = summary();
        summary["result"]["seed"] = json!(point.seed);
        let run = Finished::of_summary(&summary).expect("a summary");
        store.keep(point, &run).expect("kept");
    }

    #[test]
    fn what_is_finished_is_there_the_next_time() {
        let (desk, plan) = (tempfile::tempdir().expect("a directory"), plan());
        let out = desk.path().join("out");
        let store = open(&out, &plan).expect("a fresh directory");
        assert!(store.finished().is_empty());
        assert!(refusal(&out, &plan).contains("another process works in"));
        keep(&store, &plan.points[1]);
        drop(store);
        let store = open(&out, &plan).expect("the same plan");
        assert_eq!(store.finished().keys().collect::<Vec<_>>(), ["n1000-r2"]);
        assert_eq!(store.manifest()["reproduce"], "anthill sweep x");
    }

    #[test]
    fn other_plans_and_foreign_directories_are_refused_and_left_alone() {
        let (desk, mut plan) = (tempfile::tempdir().expect("a directory"), plan());
        fs::write(desk.path().join("precious"), "data").expect("a file");
        assert!(refusal(desk.path(), &plan).contains("no plan.json"));
        fs::write(desk.path().join(PLAN), "{").expect("a file");
        assert!(refusal(desk.path(), &plan).contains("plan.json is not JSON"));
        fs::write(desk.path().join(PLAN), "{\"format\": 9}").expect("a file");
        assert!(refusal(desk.path(), &plan).contains("format 9"));
        assert_eq!(fs::read(desk.path().join("precious")).expect("there"), b"data");

        let out = desk.path().join("out");
        open(&out, &plan).expect("a fresh directory").abandon_if_empty();
        assert!(!out.exists());
        drop(open(&out, &plan).expect("a fresh directory"));
        plan.seed = 8;
        let refused = refusal(&out, &plan);
        assert!(refused.contains("seed 7 there, 8 now"), "{refused}");
        assert!(refused.contains("anthill sweep x --out"), "{refused}");
    }

    #[test]
    fn damaged_runs_are_named() {
        let (desk, plan) = (tempfile::tempdir().expect("a directory"), plan());
        let out = desk.path().join("out");
        keep(&open(&out, &plan).expect("a fresh directory"), &plan.points[0]);
        let file = out.join("points/n1000-r1.json");
        let whole = fs::read_to_string(&file).expect("kept");
        fs::write(&file, &whole[..40]).expect("damaged");
        let refused = refusal(&out, &plan);
        assert!(refused.contains("points/n1000-r1.json: is not JSON"), "{refused}");
        assert!(refused.contains("delete that file"), "{refused}");
        fs::write(&file, whole.replace("\"seed\":1", "\"seed\":2")).expect("damaged");
        assert!(refusal(&out, &plan).contains("is not of seed 1"));
        fs::write(&file, &whole).expect("mended");
        fs::write(out.join("points/other.json"), &whole).expect("a file");
        assert!(refusal(&out, &plan).contains("other.json: is no run of this plan"));
        fs::remove_file(out.join("points/other.json")).expect("removed");
        // An unfinished write is nobody's loss.
        fs::write(out.join("points/n1000-r2.json.partial"), "{").expect("a file");
        assert_eq!(open(&out, &plan).expect("whole").finished().len(), 1);
    }
}
