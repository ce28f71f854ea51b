//! What a swarm tells: as text, as `swarm.json`, and a find as a run directory.

use std::fmt::Write as _;
use std::path::Path;

use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::{Scenario, span_text};
use serde_json::{Map, Value, json};

use super::case::Case;
use super::explore::{Explored, Found};
use super::plan::SwarmPlan;
use super::run::{Kind, Made, Slot, make};
use super::shrink::Shrunk;
use crate::args::EngineChoice;
use crate::clock::{self, Stopwatch};
use crate::cost::Cost;
use crate::export::manifest::{self, Manifest};
use crate::export::{self, Record, summary};
use crate::interrupt::Interrupts;
use crate::machine::{Machine, Usage};
use crate::run_directory::RunDirectory;
use crate::{Registry, units};

/// What is told.
pub(super) struct Shown<'a> {
    pub(super) plan: &'a SwarmPlan<'a>,
    pub(super) explored: &'a Explored<'a>,
    pub(super) shrunk: Option<&'a Shrunk<'a>>,
}

/// The flags of the command that shows a find again.
fn flags(shrunk: &Shrunk<'_>) -> &'static [&'static str] {
    if shrunk.how.stop { &["--stop-on-violation"] } else { &[] }
}

/// How large a run is, in words.
fn size(case: &Case<'_>) -> String {
    let changes = units::counted(case.parts.len() as u64, "change");
    format!("{} nodes, {}, {changes}", case.nodes, span_text(case.until))
}

impl Shown<'_> {
    /// For a user.
    pub(super) fn text(&self, out: Option<&Path>) -> String {
        let Self { plan, explored, shrunk } = self;
        let mut text = String::new();
        for (subject, exercised) in plan.subjects.iter().zip(&explored.exercised) {
            text += &exercised.text(subject.entry);
            text.push('\n');
        }
        let unmet = explored.not_exercised(plan);
        for (protocol, situation) in &unmet {
            let _ = writeln!(text, "NOT EXERCISED: {protocol} never came to `{situation}`");
        }
        match (&explored.found, shrunk) {
            (Some(found), Some(shrunk)) => text += &found_text(found, shrunk),
            _ => {
                let runs = units::counted(explored.runs, "run");
                let _ = writeln!(text, "nothing found in {runs}, seed {}", plan.seed);
            }
        }
        if let Some(out) = out {
            let _ = writeln!(text, "Saved in {}", out.display());
        }
        text
    }

    /// `swarm.json`.
    pub(super) fn json(&self) -> Value {
        let Self { plan, explored, shrunk } = self;
        let each = plan.subjects.iter().zip(&explored.exercised);
        let protocols: Map<String, Value> = each
            .map(|(subject, exercised)| {
                (subject.entry.protocol.name.to_owned(), exercised.json(subject.entry))
            })
            .collect();
        let find = explored.found.as_ref().zip(*shrunk).map(|(found, shrunk)| {
            json!({
                "run": found.run,
                "protocol": shrunk.case.entry.protocol.name,
                "kind": shrunk.find.kind.name(),
                "name": shrunk.find.name,
                "about": shrunk.find.about,
                "event_time_ns": shrunk.find.event.map(|event| event.time.0),
                "reproduce": shrunk.case.line(flags(shrunk)),
                "as_drawn": found.drawn.case.line(&[]),
                "nodes": shrunk.case.nodes,
                "changes": shrunk.case.parts.len(),
                "runs_to_shrink": shrunk.runs,
            })
        });
        json!({
            "seed": plan.seed,
            "runs": explored.runs,
            "find": find,
            "protocols": protocols,
        })
    }
}

fn found_text(found: &Found<'_>, shrunk: &Shrunk<'_>) -> String {
    let Shrunk { case, find, runs, .. } = shrunk;
    let (name, kind) = (case.entry.protocol.name, find.kind);
    let what = match kind {
        Kind::Judge => format!("`{}` is broken inside its bound", find.name),
        Kind::Invariant | Kind::Check => format!("`{}` does not hold", find.name),
        Kind::Panic => "a panic".to_owned(),
        Kind::Stuck => "a run without end".to_owned(),
        Kind::Disagreement => "the engines disagree".to_owned(),
    };
    let mut text = format!("FOUND in run {} ({name}): {what}\n  {}\n", found.run, find.about);
    let drawn = size(&found.drawn.case);
    let runs = units::counted((*runs).into(), "run");
    let _ = writeln!(text, "  drawn with {drawn}; shrunk in {runs} to {}", size(case));
    if kind == Kind::Disagreement {
        text += "Again, with this and with --engine sequential, and compare the digests:\n";
    } else {
        text += "Again:\n";
    }
    text + &case.line(flags(shrunk)) + "\n"
}

/// Saves a find as `anthill run` would have, in a directory of its own; one that has no outcome, such as
/// a panic, is told in `swarm.json` alone.
///
/// # Errors
/// If it cannot be written.
pub(super) fn find(
    registry: &Registry,
    shrunk: &Shrunk<'_>,
    directory: &Path,
    interrupts: &Interrupts,
) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    let made = make(registry, &shrunk.case, shrunk.how, &Slot::default());
    let Made::Done { outcome: Some(done), .. } = made else { return Ok(()) };
    let (scenario, outcome) = *done;
    let out = directory.join("find");
    let toml = scenario.to_toml();
    let named = (scenario.name.as_str(), scenario.seed);
    let mut run = interrupts.hold(|| RunDirectory::claim_for_run(Some(&out), named, &toml))?;
    save(registry, shrunk, (&scenario, &outcome), watch, &mut run)
}

fn save(
    registry: &Registry,
    shrunk: &Shrunk<'_>,
    (scenario, outcome): (&Scenario, &Outcome),
    watch: Stopwatch,
    run: &mut RunDirectory,
) -> anyhow::Result<()> {
    let prepared = (registry.named(&scenario.protocol)?.prepare)(scenario)?;
    let setting = prepared.setting(scenario);
    let manifest = manifest::text(&Manifest {
        scenario,
        setting: &setting,
        regions: &prepared.regions(scenario),
        resolved: &scenario.to_toml(),
        engine: EngineChoice::Sharded,
        command: &shrunk.case.words(flags(shrunk)),
        machine: &Machine::read(),
        started: clock::unix_seconds(),
    });
    run.write("manifest.json", manifest.as_bytes())?;
    let path = run.path().to_owned();
    let record = Record {
        scenario,
        setting: &setting,
        engine: EngineChoice::Sharded,
        outcome,
        cost: Cost::new(outcome, watch.elapsed(), Usage::read()),
        directory: &path,
    };
    export::save(&record, &summary::text(&record), run)
}
