//! `anthill fork`: several futures of one past.
//!
//! The past is the saved run up to the first window at or after an instant: continued from its last
//! checkpoint before that, or repeated from the start, which is the same. From there each future goes on
//! under its own scenario, and one under the old. Every future is saved as a run directory of its own;
//! its manifest says that it is one, because its scenario alone does not make it again.
//!
//! There is one past, so a difference between two futures is what followed here, and no estimate of what
//! follows in general: that is what `anthill compare` is for.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use anthill_engine::checkpoint::{Checkpoint, Checkpoints};
use anthill_engine::outcome::Ended;
use anthill_engine::scenario::{Scenario, parse_span};
use anthill_protocol::Time;
use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::{Exit, run};
use crate::args::{ForkArgs, Format};
use crate::checkpoints::Resumed;
use crate::clock::Stopwatch;
use crate::cost::Cost;
use crate::engines::{self, Control, Override};
use crate::export::{self, Record, pretty, summary};
use crate::interrupt::Interrupts;
use crate::machine::Usage;
use crate::points::Finished;
use crate::progress::Progress;
use crate::run_directory::{RunDirectory, file_name};
use crate::{Entry, Registry, terminal, units};

/// The future in which nothing changes.
const UNCHANGED: &str = "unchanged";
/// Futures at a time.
const MOST_FUTURES: usize = 100;

/// A future.
struct Future {
    name: String,
    scenario: Scenario,
    /// What is different in it, as it was typed.
    changes: Vec<String>,
}

/// What all of them share.
struct Past<'a> {
    entry: &'a Entry,
    resumed: &'a Resumed,
    scenario: Scenario,
    at: Time,
    from: &'a Path,
}

/// Makes them, and compares them.
pub(super) fn fork(
    registry: &Registry,
    args: &ForkArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let resumed = Resumed::read(&args.directory)?;
    let at = match parse_span(&args.at) {
        Ok(span) => Time(span.0),
        Err(problem) => bail!("--at {} {problem}", args.at),
    };
    let scenario = engines::load(&resumed.source, &[], registry)?;
    resumed.check_inputs(&scenario)?;
    if at >= scenario.until {
        let until = units::span(scenario.until.0);
        bail!("--at {}: the run ends at {until}; give an earlier time", args.at);
    }
    let entry = registry.named(&scenario.protocol)?;
    let futures = futures(registry, args, &resumed)?;
    for future in &futures {
        (entry.may_fork)(&scenario, &future.scenario, at).with_context(|| future.name.clone())?;
    }
    run::admit(entry, &scenario)?;
    let name = format!("fork-{}", scenario.name);
    let mut out = interrupts
        .claim(|| RunDirectory::claim(args.execution.out.as_deref(), &name, scenario.seed))?;
    let past = Past { entry, resumed: &resumed, scenario, at, from: &args.directory };
    let done = all(&past, &futures, args, interrupts, &mut out);
    let (exit, text, json) = match done {
        Ok(Some(done)) => done,
        Ok(None) => return Ok(Exit::Interrupted),
        Err(problem) => {
            out.abandon();
            return Err(problem);
        }
    };
    out.write("fork.json", json.as_bytes())?;
    terminal::show(match args.execution.format {
        Format::Text => &text,
        Format::Json => &json,
    })?;
    Ok(exit)
}

/// Reads what is to differ.
fn futures(registry: &Registry, args: &ForkArgs, resumed: &Resumed) -> anyhow::Result<Vec<Future>> {
    let mut wanted: Vec<(String, Vec<String>)> = Vec::new();
    if !args.set.is_empty() {
        wanted.push(("changed".to_owned(), args.set.clone()));
    }
    for text in &args.futures {
        let Some((name, changes)) = text.split_once(':') else {
            bail!("--future {text}: write NAME: PATH=VALUE; PATH=VALUE");
        };
        let changes = changes.split(';').map(str::trim).filter(|change| !change.is_empty());
        wanted.push((name.trim().to_owned(), changes.map(str::to_owned).collect()));
    }
    if wanted.is_empty() {
        bail!("nothing differs: give --set PATH=VALUE, or --future 'NAME: PATH=VALUE'");
    }
    if wanted.len() > MOST_FUTURES {
        bail!("{} futures are too many: give at most {MOST_FUTURES}", wanted.len());
    }
    let mut futures: Vec<Future> = Vec::new();
    for (name, changes) in wanted {
        if name.is_empty() || file_name(&name) != name || name == UNCHANGED {
            bail!("--future {name}: name it in letters, digits, `-` and `_`, not `{UNCHANGED}`");
        }
        if futures.iter().any(|other| other.name == name) {
            bail!("--future {name}: two futures have this name");
        }
        if changes.is_empty() {
            bail!("--future {name}: nothing differs in it");
        }
        let overrides = changes.iter().map(|change| Override::set(change));
        let overrides = overrides.collect::<Result<Vec<_>, _>>().with_context(|| name.clone())?;
        let scenario = engines::load(&resumed.source, &overrides, registry);
        let scenario = scenario.with_context(|| name.clone())?;
        futures.push(Future { name, scenario, changes });
    }
    Ok(futures)
}

/// Runs past and futures; `None`: it was interrupted.
fn all(
    past: &Past<'_>,
    futures: &[Future],
    args: &ForkArgs,
    interrupts: &Interrupts,
    out: &mut RunDirectory,
) -> anyhow::Result<Option<(Exit, String, String)>> {
    let Some((boundary, saved)) = reach(past, args, interrupts)? else { return Ok(None) };
    let unchanged =
        Future { name: UNCHANGED.to_owned(), scenario: past.scenario.clone(), changes: Vec::new() };
    let mut results = Vec::new();
    let mut violated = false;
    for future in std::iter::once(&unchanged).chain(futures) {
        let Some(finished) = one(past, future, &saved, args, interrupts, out.path())? else {
            return Ok(None);
        };
        violated |= !finished.violated().is_empty();
        results.push((future, finished));
    }
    let rows = compared(&results);
    let exit = if violated { Exit::Violated } else { Exit::Done };
    let told = Told { past, boundary, results: &results, rows: &rows, out: out.path() };
    Ok(Some((exit, told.text(), told.json())))
}

/// Runs the past up to its first window at or after the instant.
fn reach(
    past: &Past<'_>,
    args: &ForkArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Option<(Time, Checkpoint)>> {
    let start = past.resumed.last_before(past.at)?;
    match &start {
        Some((at, _)) => past.resumed.tell(*at),
        None => terminal::complain(
            "note",
            "no checkpoint lies before --at: the past is run again from the start",
        ),
    }
    let kept = Arc::new(Mutex::new(None));
    let taken = Arc::clone(&kept);
    let checkpoints = Checkpoints::at(past.at, move |at, saved| {
        *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, saved));
        ControlFlow::Break(())
    });
    let control = Arc::new(Control {
        checkpoints: Some(checkpoints.into()),
        resume: Mutex::new(start.map(|(_, saved)| saved)),
        stop_on_violation: past.resumed.stop_on_violation,
        ..Control::default()
    });
    let prepared = run::prepare(past.entry, &past.scenario)?;
    interrupts.begin(&control, || ());
    let outcome = {
        let _progress = Progress::start(args.execution.progress, past.at, &control);
        (past.entry.run)(&past.scenario, &prepared, args.execution.engine, &control)?
    };
    // Whoever interrupts it wants no checkpoint, but the end.
    let interrupted = control.asked.is_last() || control.interrupt.load(Ordering::Relaxed);
    interrupts.pause();
    if interrupted {
        return Ok(None);
    }
    match kept.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(reached) => Ok(Some(reached)),
        None => bail!(
            "--at {}: the run ends before, at {}",
            args.at,
            units::nanos(outcome.result.virtual_ns)
        ),
    }
}

/// Runs one future, and saves it.
fn one(
    past: &Past<'_>,
    future: &Future,
    saved: &Checkpoint,
    args: &ForkArgs,
    interrupts: &Interrupts,
    out: &Path,
) -> anyhow::Result<Option<Finished>> {
    let watch = Stopwatch::start();
    let scenario = &future.scenario;
    let saved = match future.changes.is_empty() {
        true => saved.clone(),
        false => saved.clone().saved_under(past.scenario.clone()),
    };
    let control = Arc::new(Control {
        resume: Mutex::new(Some(saved)),
        stop_on_violation: past.resumed.stop_on_violation,
        ..Control::default()
    });
    let path = out.join(&future.name);
    let mut directory = run::claim(Some(&path), scenario, &future.name, interrupts)?;
    let prepared = run::prepare(past.entry, scenario).with_context(|| future.name.clone())?;
    let setting = prepared.setting(scenario);
    let manifest =
        run::manifest(scenario, (&setting, &prepared.regions(scenario)), args.execution.engine);
    let manifest = match future.changes.is_empty() {
        true => manifest,
        false => marked(&manifest, past, future)?,
    };
    interrupts.begin(&control, || directory.write("manifest.json", manifest.as_bytes()))?;
    run::save_node_ids(&prepared, &mut directory)?;
    let outcome = {
        let _progress = Progress::start(args.execution.progress, scenario.until, &control);
        (past.entry.run)(scenario, &prepared, args.execution.engine, &control)
            .with_context(|| future.name.clone())?
    };
    let record = Record {
        scenario,
        setting: &setting,
        engine: args.execution.engine,
        outcome: &outcome,
        cost: Cost::new(&outcome, watch.elapsed(), Usage::read()),
        directory: &path,
    };
    let text = summary::text(&record);
    export::save(&record, &text, &mut directory)?;
    if interrupts.pause() || outcome.ended == Ended::Interrupted {
        return Ok(None);
    }
    let parsed: Value = serde_json::from_str(&text).context("its own summary")?;
    Finished::of_summary(&parsed)
        .map(Some)
        .map_err(|problem| anyhow::anyhow!("the future {} {problem}", future.name))
}

/// A manifest that says that it is one of a future.
fn marked(manifest: &str, past: &Past<'_>, future: &Future) -> anyhow::Result<String> {
    let mut value: Value = serde_json::from_str(manifest).context("its own manifest")?;
    value["forked"] = json!({
        "from": past.from.display().to_string(),
        "at_ns": past.at.0,
        "changes": future.changes,
        "past_toml": past.scenario.to_toml(),
    });
    Ok(pretty(&value))
}

/// A figure in all futures, the unchanged one first.
struct Row {
    name: String,
    values: Vec<Option<f64>>,
}

/// All figures, those that nothing has changed as well.
fn compared(results: &[(&Future, Finished)]) -> Vec<Row> {
    let figures: Vec<Vec<(String, Option<f64>)>> =
        results.iter().map(|(_, finished)| finished.figures()).collect();
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in figures.iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let of = |one: &Vec<(String, Option<f64>)>, wanted: &str| {
        one.iter().find(|(name, _)| name == wanted).and_then(|(_, value)| *value)
    };
    let row = |name: &String| Row {
        name: name.clone(),
        values: figures.iter().map(|one| of(one, name)).collect(),
    };
    names.into_iter().map(row).collect()
}

/// What is told of it.
struct Told<'a> {
    past: &'a Past<'a>,
    boundary: Time,
    results: &'a [(&'a Future, Finished)],
    rows: &'a [Row],
    out: &'a Path,
}

impl Told<'_> {
    fn text(&self) -> String {
        let mut text = format!(
            "{}: {} at {} (its first window from there on: {})\n",
            self.past.from.display(),
            units::counted(self.results.len() as u64 - 1, "future"),
            units::span(self.past.at.0),
            units::nanos(self.boundary.0),
        );
        for (future, finished) in self.results {
            let changes = match future.changes.is_empty() {
                true => "as it was".to_owned(),
                false => future.changes.join("; "),
            };
            text += &format!("  {:<16} {}  {changes}\n", future.name, finished.digest());
        }
        let differs = |row: &&Row| row.values.iter().any(|value| *value != row.values[0]);
        let widest = self.rows.iter().filter(differs).map(|row| row.name.len()).max().unwrap_or(0);
        text += &format!("\n{:<widest$}", "figure");
        for (future, _) in self.results {
            text += &format!("  {:>22}", future.name);
        }
        text.push('\n');
        for row in self.rows.iter().filter(differs) {
            text += &format!("{:<widest$}", row.name);
            for (place, value) in row.values.iter().enumerate() {
                let cell = match (value, row.values[0]) {
                    (None, _) => "-".to_owned(),
                    (Some(value), Some(first)) if place > 0 => {
                        let difference = units::figure((value - first).abs());
                        let sign = if *value < first { '-' } else { '+' };
                        format!("{} ({sign}{difference})", units::figure(*value))
                    }
                    (Some(value), _) => units::figure(*value),
                };
                text += &format!("  {cell:>22}");
            }
            text.push('\n');
        }
        let same = self.rows.iter().filter(|row| !differs(row)).count();
        text += &format!(
            "{} the same in all of them\n\nOne past: a difference is what followed here, and no \
             estimate (for that: anthill compare).\nSaved in {}\n",
            units::counted(same as u64, "figure"),
            self.out.display()
        );
        text
    }

    fn json(&self) -> String {
        let futures = self.results.iter().map(|(future, finished)| {
            json!({
                "name": future.name,
                "changes": future.changes,
                "digest": finished.digest(),
                "violated": finished.violated(),
            })
        });
        let figures = self.rows.iter().map(|row| {
            let first = row.values[0];
            let differences = row.values.iter().skip(1).map(|value| Some((*value)? - first?));
            json!({
                "figure": row.name,
                "values": row.values,
                "differences": differences.collect::<Vec<Option<f64>>>(),
            })
        });
        pretty(&json!({
            "format": 1,
            "command": "fork",
            "from": self.past.from.display().to_string(),
            "at_ns": self.past.at.0,
            "boundary_ns": self.boundary.0,
            "futures": futures.collect::<Vec<Value>>(),
            "figures": figures.collect::<Vec<Value>>(),
        }))
    }
}
