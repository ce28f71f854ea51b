//! The directory of a piece of work: its plan, and the runs that are finished.
//!
//! `plan.json` is written first, and again only when the plan grows; `points/ID.json` appears whole,
//! by renaming, when its run is finished; `running/N/` holds what one process is making, and is of
//! no value afterwards. While a process works there it holds a lock on the plan, so that two never
//! mix.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
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
    /// Where this process makes its runs, once there are any to make.
    running: Option<PathBuf>,
    /// The plan, locked as far as the file system can.
    lock: File,
}

impl Store {
    /// Opens `out`, or a fresh directory, for a plan; `manifest` says how and where it is made, and
    /// is kept from the first time. A plan with more runs extends the one that is there.
    ///
    /// # Errors
    /// If `out` holds anything else, or a kept run is damaged.
    pub(crate) fn open(out: Option<&Path>, plan: &Plan, manifest: Value) -> anyhow::Result<Self> {
        if plan.points.len() > MAX_RUNS {
            return Err(PointsError::TooMany { runs: plan.points.len() as u64 }.into());
        }
        let claimed = match out {
            Some(out) if out.join(PLAN).exists() => {
                return Ok(Self::resume(out.to_owned(), plan, &manifest)?);
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
        let store = Self::resume(claimed.path().to_owned(), plan, &manifest)?;
        Ok(Self { claimed: Some(claimed), ..store })
    }

    fn resume(path: PathBuf, plan: &Plan, manifest: &Value) -> Result<Self, PointsError> {
        let file = path.join(PLAN);
        let foreign = |problem: String| PointsError::Foreign {
            path: path.clone(),
            kind: plan.kind,
            problem: format!("plan.json {problem}"),
        };
        let lock = File::open(&file).map_err(io_error(&file))?;
        let locked = match lock.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(PointsError::Busy { path }),
            Ok(()) => true,
            // A file system without locks is still a place to work.
            Err(TryLockError::Error(_)) => false,
        };
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
        if let Some(difference) = difference(&kept["identity"], &identity, plan.growing) {
            let command = kept["manifest"]["reproduce"].as_str().unwrap_or_default();
            let command = format!("{command} --out {}", path.display());
            return Err(PointsError::OtherPlan { path, difference, command });
        }
        let hash = plan.hash();
        let finished = finished(&path, plan, &hash)?;
        if locked {
            // Left by processes that are no more. What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(path.join(RUNNING));
        }
        let grows = kept["identity"]["settings"] != identity["settings"];
        let (manifest, lock) = match grows {
            true => {
                let manifest = grown(&kept, manifest);
                let content = content(&identity, &manifest);
                (manifest, replace_locked(&file, content.as_bytes())?)
            }
            false => (kept["manifest"].clone(), lock),
        };
        Ok(Self { path, hash, manifest, finished, claimed: None, running: None, lock })
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

    /// Makes a place for this process's runs that no other has.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn begin_runs(&mut self) -> Result<(), PointsError> {
        let all = self.path.join(RUNNING);
        fs::create_dir_all(&all).map_err(io_error(&all))?;
        for n in 1u64.. {
            let own = all.join(n.to_string());
            match fs::create_dir(&own) {
                Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    self.running = Some(own.clone());
                    return made.map_err(io_error(&own));
                }
            }
        }
        Ok(())
    }

    /// A place for a run to be made in, which is not there yet.
    ///
    /// # Errors
    /// If the directory was removed meanwhile.
    pub(super) fn running(&self, point: &Point) -> Result<PathBuf, PointsError> {
        self.check_presence(&file_of(point))?;
        let own = self.running.clone().unwrap_or_else(|| self.path.join(RUNNING));
        Ok(own.join(&point.id))
    }

    /// Keeps a finished run on disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn keep(&self, point: &Point, finished: &Finished) -> Result<(), PointsError> {
        self.replace(&file_of(point), finished.text(&point.id, &self.hash).as_bytes())
    }

    /// Writes a file of the directory whole, in place of what was there.
    ///
    /// # Errors
    /// If it cannot be written; then what was there stays.
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> Result<(), PointsError> {
        self.check_presence(name)?;
        replace(&self.path.join(name), content).map_err(|problem| self.or_gone(name, problem))
    }

    /// Why a file could not be made: what went wrong with it, unless the whole directory is gone.
    fn or_gone(&self, file: &str, problem: PointsError) -> PointsError {
        self.check_presence(file).err().unwrap_or(problem)
    }

    /// Why a run could not be made, likewise.
    pub(super) fn or_gone_with(&self, point: &Point, problem: PointsError) -> PointsError {
        self.or_gone(&file_of(point), problem)
    }

    /// Whether the plan is still the one that was opened: what is saved beside another, or none,
    /// would belong to nothing.
    fn check_presence(&self, file: &str) -> Result<(), PointsError> {
        let now = fs::metadata(self.path.join(PLAN)).ok();
        let then = self.lock.metadata().ok();
        match (now, then) {
            (Some(now), Some(then)) if (now.dev(), now.ino()) == (then.dev(), then.ino()) => Ok(()),
            _ => Err(PointsError::Gone { path: self.path.clone(), file: file.to_owned() }),
        }
    }

    /// Takes the runs that were made since it was opened; the place for them has served.
    pub(super) fn extend(&mut self, made: BTreeMap<String, Finished>) {
        self.finished.extend(made);
        if let Some(own) = self.running.take() {
            let _ = fs::remove_dir_all(own);
            // Unless another process is at work there.
            let _ = fs::remove_dir(self.path.join(RUNNING));
        }
    }
}

/// Writes the plan into a fresh directory, which is given back if that fails.
fn begin(
    mut fresh: RunDirectory,
    plan: &Plan,
    manifest: &Value,
) -> Result<RunDirectory, RunDirectoryError> {
    match fresh.write(PLAN, content(&plan.identity(), manifest).as_bytes()) {
        Ok(()) => Ok(fresh),
        Err(problem) => {
            fresh.abandon();
            Err(problem)
        }
    }
}

/// What `plan.json` holds.
fn content(identity: &Value, manifest: &Value) -> String {
    let content = json!({ "format": FORMAT, "identity": identity, "manifest": manifest });
    crate::export::pretty(&content)
}

/// The manifest of a plan that grows: begun as it was, made by the command that makes all of it.
fn grown(kept: &Value, now: &Value) -> Value {
    let mut manifest = kept["manifest"].clone();
    let mut earlier = manifest["earlier"].as_array().cloned().unwrap_or_default();
    earlier.push(json!({
        "command": manifest["command"], "settings": kept["identity"]["settings"],
    }));
    for name in ["command", "reproduce"] {
        manifest[name] = now[name].clone();
    }
    manifest["earlier"] = Value::Array(earlier);
    manifest
}

/// Writes a file whole, in place of what was there, and locked before anyone can open it.
fn replace_locked(path: &Path, content: &[u8]) -> Result<File, PointsError> {
    let unfinished = partial(path);
    let written = File::create(&unfinished).and_then(|mut file| {
        file.write_all(content).and_then(|()| file.sync_all())?;
        // Nobody else has it open; a file system without locks is still a place to work.
        let _ = file.try_lock();
        fs::rename(&unfinished, path).map(|()| file)
    });
    written.map_err(|problem| {
        let _ = fs::remove_file(&unfinished);
        io_error(path)(problem)
    })
}

/// Writes a file whole, in place of what was there.
///
/// # Errors
/// If it cannot be written; then what was there stays.
fn replace(path: &Path, content: &[u8]) -> Result<(), PointsError> {
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

/// Where a finished run is kept.
fn file_of(point: &Point) -> String {
    format!("{POINTS}/{}.json", point.id)
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
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(io_error(&folder))?;
    paths.sort();
    let (mut found, mut damaged) = (BTreeMap::new(), Vec::new());
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".partial") {
            continue;
        }
        let id = name.strip_suffix(".json").unwrap_or(&name);
        let run = match seeds.get(id) {
            Some(seed) => kept_run(&path, id, hash, *seed),
            None => Err("is no run of this plan".to_owned()),
        };
        match run {
            Ok(run) => _ = found.insert(id.to_owned(), run),
            Err(problem) => damaged.push((path, problem)),
        }
    }
    let mut damaged = damaged.into_iter();
    match damaged.next() {
        Some((path, problem)) => {
            let others = damaged.map(|(path, _)| path).collect();
            Err(PointsError::Damaged { path, problem, others })
        }
        None => Ok(found),
    }
}

/// A kept run, or what is wrong with its file.
fn kept_run(path: &Path, id: &str, hash: &str, seed: u64) -> Result<Finished, String> {
    let run = Finished::parse(&read(path)?, id, hash)?;
    match run.result.get("seed").and_then(Value::as_u64) {
        Some(found) if found == seed => Ok(run),
        _ => Err(format!("is not of seed {seed}")),
    }
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
        let command = format!("anthill sweep x --seeds {}", plan.settings["seeds"]);
        Store::open(Some(path), plan, json!({ "reproduce": command }))
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
        assert_eq!(store.manifest()["reproduce"], "anthill sweep x --seeds 2");
    }

    #[test]
    fn a_plan_grows_and_does_not_shrink() {
        let (desk, mut plan) = (tempfile::tempdir().expect("a directory"), plan());
        let out = desk.path().join("out");
        let store = open(&out, &plan).expect("a fresh directory");
        plan.points.iter().for_each(|point| keep(&store, point));
        drop(store);
        let two = plan.clone();
        plan.settings.insert("seeds".to_owned(), json!(3));
        let point = Point { id: "n1000-r3".to_owned(), run: 3, seed: 3, ..plan.points[0].clone() };
        plan.points.push(point);
        let store = open(&out, &plan).expect("extended");
        assert_eq!(store.finished().len(), 2);
        assert_eq!(store.manifest()["reproduce"], "anthill sweep x --seeds 3");
        assert_eq!(store.manifest()["earlier"][0]["settings"]["seeds"], 2);
        assert!(refusal(&out, &plan).contains("another process works in"), "still locked");
        keep(&store, &plan.points[2]);
        drop(store);
        assert_eq!(open(&out, &plan).expect("the same").finished().len(), 3);
        let refused = refusal(&out, &two);
        assert!(refused.contains("--seeds 3 there, 2 now: it may grow only"), "{refused}");
        assert!(refused.contains("anthill sweep x --seeds 3 --out"), "{refused}");
    }

    #[test]
    fn every_process_has_a_place_of_its_own_and_left_overs_block_none() {
        let (desk, plan) = (tempfile::tempdir().expect("a directory"), plan());
        let out = desk.path().join("out");
        drop(open(&out, &plan).expect("a fresh directory"));
        fs::create_dir_all(out.join("running/1/n1000-r1")).expect("left by a killed process");
        let mut store = open(&out, &plan).expect("the same plan");
        assert!(!out.join("running").exists(), "it is cleared away");
        fs::create_dir_all(out.join("running/1/n1000-r1")).expect("an orphan goes on");
        store.begin_runs().expect("a place");
        let place = store.running(&plan.points[0]).expect("there");
        assert_eq!(place, out.join("running/2/n1000-r1"));
        store.extend(BTreeMap::new());
        assert!(!out.join("running/2").exists() && out.join("running/1").exists());
    }

    #[test]
    fn a_directory_that_was_removed_is_not_made_again() {
        let (desk, plan) = (tempfile::tempdir().expect("a directory"), plan());
        let out = desk.path().join("out");
        let store = open(&out, &plan).expect("a fresh directory");
        fs::remove_dir_all(&out).expect("removed");
        let gone = store.replace("runs.csv", b"1").expect_err("gone").to_string();
        assert!(gone.contains("was removed") && gone.contains("runs.csv is not saved"), "{gone}");
        assert!(matches!(store.running(&plan.points[0]), Err(PointsError::Gone { .. })));
        assert!(!out.exists());
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
        assert!(refused.contains("anthill sweep x --seeds 2 --out"), "{refused}");
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
        fs::write(&file, whole.replace("\"events\":30", "\"events\":31")).expect("damaged");
        let refused = refusal(&out, &plan);
        assert!(refused.contains("does not match its checksum"), "{refused}");
        fs::write(out.join("points/other.json"), &whole).expect("a file");
        let refused = refusal(&out, &plan);
        assert!(refused.contains("n1000-r1.json: was changed"), "{refused}");
        assert!(refused.contains("(and likewise ") && refused.contains("other.json)"), "{refused}");
        fs::write(&file, &whole).expect("mended");
        assert!(refusal(&out, &plan).contains("other.json: is no run of this plan"));
        fs::remove_file(out.join("points/other.json")).expect("removed");
        // Whole, but of another seed.
        let mut other = plan.clone();
        other.points[0].seed = 9;
        assert!(refusal(&out, &other).contains("is not of seed 9"));
        // An unfinished write is nobody's loss.
        fs::write(out.join("points/n1000-r2.json.partial"), "{").expect("a file");
        assert_eq!(open(&out, &plan).expect("whole").finished().len(), 1);
    }
}
