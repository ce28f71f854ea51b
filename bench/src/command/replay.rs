//! `anthill replay`: runs a manifest again, compares the digests, and says where they part.
//!
//! Saves nothing, so a signal simply ends it. The scenario is the resolved one of the manifest, so neither a changed preset
//! nor a changed default makes a difference; a changed protocol or engine does.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::scenario::Scenario;
use anyhow::{Context as _, bail};
use clap::ValueEnum as _;
use serde_json::Value;

use super::{Exit, repeated_in, run};
use crate::args::{EngineChoice, ReplayArgs};
use crate::engines::{self, Control, Source};
use crate::export::{manifest, series, summary};
use crate::progress::Progress;
use crate::{Entry, Registry, build, external, inputs, terminal};

/// Runs a saved run again.
pub(super) fn replay(registry: &Registry, args: &ReplayArgs) -> anyhow::Result<Exit> {
    let recorded = Recorded::read(&args.directory)?;
    let scenario = recorded.scenario(registry)?;
    recorded.check_inputs(&scenario)?;
    let entry = registry.named(&scenario.protocol)?;
    run::admit(entry, &scenario)?;
    let stop_on_violation = recorded.ended_by_violation;
    let externals = external::recorded(&args.directory)?;
    let control = Arc::new(Control { stop_on_violation, externals, ..Control::default() });
    let outcome = {
        let prepared = run::prepare(entry, &scenario)?;
        let _progress = Progress::start(args.progress, scenario.until, &control);
        (entry.run)(&scenario, &prepared, recorded.engine, &control)?
    };
    if outcome.ended == Ended::MemoryLimit {
        terminal::complain("error", "stopped at engine.memory_limit: nothing to compare");
        return Ok(Exit::Violated);
    }
    let digest = summary::digest(outcome.result.digest);
    if digest == recorded.digest {
        terminal::show(&format!("same digest {digest}\n"))?;
        return Ok(Exit::Done);
    }
    terminal::show(&format!(
        "different digest: recorded {} by {}, now {digest} by {} {}\n",
        recorded.digest,
        recorded.program,
        build::name(),
        build::told()
    ))?;
    terminal::show(&where_they_part(entry, &scenario, &args.directory, &outcome)?)?;
    Ok(Exit::Violated)
}

/// What can be said of where a replay left its recording: the interval in which the saved series
/// first differs, and, if this version's two engines disagree, the event at which they do. (The
/// recording's own events are gone; another version's can only be had by running it.)
fn where_they_part(
    entry: &Entry,
    scenario: &Scenario,
    directory: &Path,
    outcome: &Outcome,
) -> anyhow::Result<String> {
    let now = series::text(&outcome.series, outcome.result.metrics);
    let mut text = match fs::read_to_string(directory.join("series.csv")) {
        Ok(recorded) => first_differing_interval(&recorded, &now),
        Err(error) => format!("series.csv cannot be read ({error})\n"),
    };
    match (entry.divergence)(scenario)? {
        Some(divergence) => text += &format!("sharded engine against the oracle: {divergence}\n"),
        None => text += "both engines of this version agree: the versions differ\n",
    }
    Ok(text)
}

fn first_differing_interval(recorded: &str, now: &str) -> String {
    let mut lines = recorded.lines().zip(now.lines());
    match lines.find(|(recorded, now)| recorded != now) {
        Some((recorded, now)) => {
            format!("first differing interval:\n  recorded {recorded}\n  now      {now}\n")
        }
        None if recorded.lines().count() != now.lines().count() => {
            "one series is longer; up to there they agree\n".to_owned()
        }
        None => "the series agree: only final states differ\n".to_owned(),
    }
}

/// What a run directory says of its run.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) source: Source,
    pub(super) engine: EngineChoice,
    pub(super) digest: String,
    /// What made it, in words.
    pub(super) program: String,
    /// Whether that is a program of another name.
    is_of_another: bool,
    /// The files that it read, with the hashes of their contents.
    inputs: Value,
    /// Whether it was told to end at a violation, and there was one.
    pub(super) ended_by_violation: bool,
}

impl Recorded {
    /// Reads manifest and summary.
    pub(super) fn read(directory: &Path) -> anyhow::Result<Self> {
        let manifest = manifest::read(directory)?;
        if !manifest["forked"].is_null() {
            bail!(
                "{} is a future of another run, whose scenario changed on the way: replay the run that \
                 it came from, {}",
                directory.display(),
                manifest["forked"]["from"]
            );
        }
        if !directory.join("summary.json").exists() {
            let words = manifest["command"].as_array().into_iter().flatten();
            let command: Vec<String> =
                words.filter_map(|word| word.as_str().map(str::to_owned)).collect();
            bail!(
                "{0} has no summary.json: the run was ended before it could save, so no digest is \
                 recorded; make it again with: {1}",
                directory.display(),
                repeated_in(&command, directory)
            );
        }
        let summary = manifest::read_json(&directory.join("summary.json"))?;
        let ended_by_violation = summary["ended"] == "violation";
        if summary["ended"] != "finished" && !ended_by_violation {
            bail!("{}: the run was cut short, its digest cannot be met", directory.display());
        }
        let text = |value: &Value, name: &str| -> anyhow::Result<String> {
            let found = value[name].as_str().map(str::to_owned);
            found.with_context(|| format!("{} does not record `{name}`", directory.display()))
        };
        let program = manifest["program"].as_str().unwrap_or("anthill");
        let engine = EngineChoice::from_str(&text(&manifest, "engine")?, false);
        Ok(Self {
            source: Source::Text {
                name: text(&manifest, "name")?,
                text: text(&manifest, "scenario_toml")?,
            },
            engine: engine.map_err(anyhow::Error::msg).context("unknown engine")?,
            digest: text(&summary, "digest")?,
            program: format!(
                "{program} {} (commit {}{})",
                text(&manifest, "version")?,
                text(&manifest, "commit")?,
                if manifest["uncommitted_changes"] == true {
                    ", with uncommitted changes"
                } else {
                    ""
                }
            ),
            is_of_another: program != build::name(),
            inputs: manifest["inputs"].clone(),
            ended_by_violation,
        })
    }

    /// The scenario that ran. Says so if another program ran it, whose protocols may be others.
    pub(super) fn scenario(&self, registry: &Registry) -> anyhow::Result<Scenario> {
        let loaded = engines::load(&self.source, &[], registry);
        if !self.is_of_another {
            return Ok(loaded?);
        }
        let (program, this) = (&self.program, build::name());
        let scenario = loaded.with_context(|| {
            format!(
                "the run is of another program, {program}: repeat it with that, not with {this}"
            )
        })?;
        let note = format!(
            "the run is of another program, {program}: this is {this} {}, whose protocol of that name \
             may be another",
            build::told()
        );
        terminal::complain("note", &note);
        Ok(scenario)
    }

    /// Refuses to go on with another run than the recorded one.
    pub(super) fn check_digest(&self, outcome: &Outcome) -> anyhow::Result<()> {
        let digest = summary::digest(outcome.result.digest);
        if digest != self.digest {
            bail!(
                "this version does not repeat the run: digest {digest}, recorded {} by {}",
                self.digest,
                self.program
            );
        }
        Ok(())
    }

    /// Refuses to run on other files than the recorded ones, which would give another run.
    pub(super) fn check_inputs(&self, scenario: &Scenario) -> anyhow::Result<()> {
        if self.inputs.is_null() && !scenario.inputs.is_empty() {
            let note = "the manifest is of a version that recorded no hashes of the files it read: \
                        whether they are still the same is not known";
            terminal::complain("note", note);
        }
        match inputs::changed(&self.inputs, &inputs::json(&scenario.inputs)) {
            Some(change) => bail!("{change}; put the recorded file back to repeat the run"),
            None => Ok(()),
        }
    }
}
