//! One run in a process of its own: `anthill run …` by this very program.
//!
//! It ends with this process, however that dies: Linux kills it, and everywhere it ends when its
//! stdin does, the other end of which is here.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::finished::Finished;
use super::plan::line_difference;
use super::{Plan, Point, PointsError, Store};
use crate::inputs;

/// How often a child is looked at: rarely enough not to disturb what it measures.
const GLANCE: Duration = Duration::from_millis(10);

/// Makes a run and keeps it; `None` if it was interrupted, or `halt` asked to end it.
pub(super) fn run(
    plan: &Plan,
    point: &Point,
    threads: Option<usize>,
    store: &Store,
    halt: &[&AtomicBool],
) -> Result<Option<Finished>, PointsError> {
    let out = store.running(point)?;
    let io = |path: &std::path::Path| {
        let path = path.to_owned();
        move |problem| PointsError::Io { path, problem }
    };
    if let Some(parent) = out.parent() {
        fs::create_dir_all(parent).map_err(io(parent))?;
    }
    let program = std::env::current_exe().map_err(io("this program".as_ref()))?;
    let mut command = Command::new(&program);
    command.arg("run").args(plan.arguments(point)).args(["--progress", "off", "--out"]).arg(&out);
    command.arg("--end-with-stdin");
    if let Some(threads) = threads {
        command.args(["--threads", &threads.to_string()]);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    die_with_parent(&mut command);
    let mut child = command.spawn().map_err(io(&program))?;
    let listen = |stderr| thread::Builder::new().spawn(move || all_of(stderr));
    let complaints = match child.stderr.take().map(listen).transpose() {
        Ok(reader) => reader,
        Err(problem) => {
            end(&mut child).map_err(io(&program))?;
            return Err(PointsError::Threads { problem });
        }
    };
    let Some(status) = wait(child, halt).map_err(io(&program))? else { return Ok(None) };
    let said = complaints.and_then(|reader| reader.join().ok()).unwrap_or_default();
    let label = || plan.label(point);
    match status.code() {
        Some(0 | 1) => {}
        Some(130) => return Ok(None),
        Some(2) => {
            let message = said.trim().trim_start_matches("error: ").to_owned();
            return Err(PointsError::Refused { label: label(), message });
        }
        _ => return Err(PointsError::Died { label: label(), how: death(status, &said) }),
    }
    let expected = plan.scenario(point);
    let manifest = json(&out.join("manifest.json")).map_err(io(&out))?;
    // Of what the run itself read: a file may have changed since the plan was made.
    let planned = inputs::json(&expected.inputs);
    if let Some(difference) = inputs::changed(&planned, &manifest["inputs"]) {
        return Err(PointsError::Changed { label: label(), difference });
    }
    let ran = manifest["scenario_toml"].as_str().unwrap_or_default();
    // Threads were decided here, and change no result.
    let mut expected_toml = expected.clone();
    if let Some(threads) = threads {
        expected_toml.engine.threads = u32::try_from(threads).ok();
    }
    let expected_toml = expected_toml.to_toml();
    if ran != expected_toml {
        let difference = line_difference(&expected_toml, ran);
        return Err(PointsError::Changed { label: label(), difference });
    }
    let summary = json(&out.join("summary.json")).map_err(io(&out))?;
    if summary["ended"] == "memory-limit" {
        let how = "stopped at engine.memory_limit: fewer --nodes, or more memory".to_owned();
        return Err(PointsError::Died { label: label(), how });
    }
    let finished = Finished::of_summary(&summary).map_err(|problem| PointsError::Died {
        label: label(),
        how: format!("its summary {problem}"),
    })?;
    store.keep(point, &finished)?;
    // Best effort: `running/` is emptied in the end anyway.
    let _ = fs::remove_dir_all(&out);
    Ok(Some(finished))
}

/// What a child says, through no file: it may be that the disk is full.
fn all_of(mut stderr: ChildStderr) -> String {
    let mut said = Vec::new();
    let _ = stderr.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

/// Waits for a child, or ends it if asked to; `None` if it was ended.
fn wait(mut child: Child, halt: &[&AtomicBool]) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if halt.iter().any(|halt| halt.load(Ordering::Relaxed)) {
            end(&mut child)?;
            return Ok(None);
        }
        thread::sleep(GLANCE);
    }
}

fn end(child: &mut Child) -> std::io::Result<ExitStatus> {
    let _ = child.kill();
    child.wait()
}

/// Has the system kill the child when the thread that starts it ends, which waits for the child:
/// so only if this process dies.
#[cfg(target_os = "linux")]
pub(crate) fn die_with_parent(command: &mut Command) {
    let parent = std::process::id();
    let arrange = move || {
        // SAFETY: two system calls without pointers, both allowed between fork and exec.
        let (refused, now) = unsafe {
            (
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) != 0,
                libc::getppid(),
            )
        };
        if refused {
            return Err(std::io::Error::last_os_error());
        }
        // It died before it could be arranged.
        if u32::try_from(now) != Ok(parent) {
            return Err(std::io::Error::from_raw_os_error(libc::ESRCH));
        }
        Ok(())
    };
    // SAFETY: the closure allocates nothing, takes no lock, and touches nothing of this process.
    unsafe { command.pre_exec(arrange) };
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn die_with_parent(_: &mut Command) {}

fn json(path: &std::path::Path) -> std::io::Result<Value> {
    serde_json::from_str(&fs::read_to_string(path)?).map_err(std::io::Error::from)
}

fn death(status: ExitStatus, said: &str) -> String {
    let last = said.trim().lines().last().unwrap_or_default();
    let how = match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => format!("was killed ({status}); 9 is often the system out of memory"),
    };
    if last.is_empty() { how } else { format!("{how}: {last}") }
}
