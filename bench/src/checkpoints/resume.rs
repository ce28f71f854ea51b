//! Going on with a run: what its directory says, and what may not be changed.

use std::fs;
use std::path::{Path, PathBuf};

use anthill_engine::checkpoint::Checkpoint;
use anthill_engine::scenario::Scenario;
use anthill_protocol::Time;
use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::args::RunArgs;
use crate::engines::Source;
use crate::export::manifest;
use crate::{build, inputs, terminal, units};

/// What a directory says of a run that is to go on.
#[derive(Clone, Debug)]
pub(crate) struct Resumed {
    /// Its scenario, with every value stated.
    pub source: Source,
    /// Whether it was to end at a violation.
    pub stop_on_violation: bool,
    directory: PathBuf,
    /// The files that it read, with the hashes of their contents.
    inputs: Value,
}

impl Resumed {
    /// Reads the manifest of a run directory.
    ///
    /// # Errors
    /// If there is none, or another version of the program wrote it.
    pub(crate) fn read(directory: &Path) -> anyhow::Result<Self> {
        let shown = directory.display();
        let manifest = manifest::read(directory)?;
        let text = |name: &str| -> anyhow::Result<String> {
            let found = manifest[name].as_str().map(str::to_owned);
            found.with_context(|| format!("{shown}/manifest.json does not record `{name}`"))
        };
        if !manifest["forked"].is_null() {
            bail!(
                "{shown} is a future of another run, whose scenario changed on the way: go on with, or \
                 fork, the run that it came from, {}",
                manifest["forked"]["from"]
            );
        }
        let (version, commit) = (text("version")?, text("commit")?);
        let program = manifest["program"].as_str().unwrap_or("anthill");
        let this = (build::name(), build::version(), build::commit());
        if (program, version.as_str(), commit.as_str()) != this {
            let (name, own_version, own_commit) = this;
            bail!(
                "{shown}: the run was saved by {program} {version}, commit {commit}, and this is \
                 {name} {own_version}, commit {own_commit}, whose nodes may behave otherwise; go on \
                 with that one, or run it from the start",
            );
        }
        if build::has_changes() || manifest["uncommitted_changes"] == true {
            let note = "a program with uncommitted changes saved the run or goes on with it: the same \
                        commit may not mean the same behaviour";
            terminal::complain("note", note);
        }
        let words = manifest["command"].as_array().into_iter().flatten();
        Ok(Self {
            source: Source::Text { name: text("name")?, text: text("scenario_toml")? },
            stop_on_violation: words.into_iter().any(|word| word == "--stop-on-violation"),
            directory: directory.to_owned(),
            inputs: manifest["inputs"].clone(),
        })
    }

    /// Refuses files that are not what the run has read.
    pub(crate) fn check_inputs(&self, scenario: &Scenario) -> anyhow::Result<()> {
        match inputs::changed(&self.inputs, &inputs::json(&scenario.inputs)) {
            None => Ok(()),
            Some(change) => {
                bail!("{}: {change}; put the recorded file back", self.directory.display())
            }
        }
    }

    /// The same, and an end that it would not have.
    pub(crate) fn check(&self, scenario: &Scenario, stop_on_violation: bool) -> anyhow::Result<()> {
        self.check_inputs(scenario)?;
        let shown = self.directory.display();
        match (self.stop_on_violation, stop_on_violation) {
            (true, false) => bail!(
                "--resume {shown}: the run ends at the first violation; add --stop-on-violation"
            ),
            (false, true) => bail!(
                "--resume {shown}: the run does not end at a violation; leave out \
                 --stop-on-violation"
            ),
            _ => Ok(()),
        }
    }

    /// Its last checkpoint, and where it is in virtual time.
    ///
    /// # Errors
    /// If there is none, or it is not what was written.
    pub(crate) fn last(&self) -> anyhow::Result<(Time, Checkpoint)> {
        let shown = self.directory.display();
        let Some(found) = self.last_before(Time::MAX)? else {
            match self.directory.join("summary.json").exists() {
                true => bail!("{shown} holds no checkpoint: the run that it holds is over"),
                false => bail!(
                    "{shown} holds no checkpoint: the run was ended before the first, or ran without \
                     --checkpoint-every; run it from the start"
                ),
            }
        };
        Ok(found)
    }

    /// The same; `None`: there is no such checkpoint.
    ///
    /// # Errors
    /// If the directory cannot be read, or it is not what was written.
    pub(crate) fn last_before(&self, instant: Time) -> anyhow::Result<Option<(Time, Checkpoint)>> {
        let shown = self.directory.display();
        let found = super::list(&self.directory).with_context(|| format!("cannot read {shown}"))?;
        let last = found.into_iter().rev().find(|(at, _)| *at <= instant);
        last.map(|(at, path)| Ok((at, open(&path)?))).transpose()
    }

    /// Says where it goes on.
    pub(crate) fn tell(&self, at: Time) {
        let text = format!("goes on at {}, from {}", units::nanos(at.0), self.directory.display());
        terminal::complain("note", &text);
    }
}

fn open(path: &Path) -> anyhow::Result<Checkpoint> {
    let shown = path.display();
    let bytes = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    Checkpoint::new(bytes).with_context(|| format!("{shown}"))
}

/// Refuses flags that would make it another run.
///
/// # Errors
/// On the first of them.
pub(crate) fn refuse_flags(args: &RunArgs, directory: &Path) -> anyhow::Result<()> {
    let scenario = &args.scenario;
    let other = |set: &&String| !set.trim_start().starts_with("engine.");
    let given = [
        ("the scenario", scenario.scenario.is_some()),
        ("--protocol", scenario.protocol.is_some()),
        ("--nodes", scenario.nodes.is_some()),
        ("--until", scenario.until.is_some()),
        ("--seed", scenario.seed.is_some()),
        ("--crypto", args.crypto.is_some()),
    ];
    let shown = directory.display();
    if let Some((flag, _)) = given.iter().find(|(_, given)| *given) {
        bail!("--resume {shown} takes the scenario from there: leave out {flag}");
    }
    if let Some(set) = scenario.set.iter().find(other) {
        bail!(
            "--resume {shown} takes the scenario from there, and only keys of [engine] may differ: \
             leave out --set {set}"
        );
    }
    if args.history {
        bail!(
            "--history: what nodes said before the checkpoint is not in it; leave it out, or run the \
             scenario from the start"
        );
    }
    Ok(())
}
