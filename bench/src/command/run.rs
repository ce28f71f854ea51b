//! `anthill run`: plan → admit → claim a directory → run → save → tell.

use std::net::TcpListener;
use std::sync::Arc;

use anthill_engine::Live;
use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::scenario::Scenario;
use anyhow::bail;

use super::Exit;
use crate::args::{EngineChoice, Format, RunArgs};
use crate::clock::{self, Stopwatch};
use crate::cost::Cost;
use crate::engines::{self, Control, Prepared};
use crate::export::manifest::{self, Manifest};
use crate::export::{self, Record, summary};
use crate::machine::{Machine, Memory, Usage};
use crate::memory::{Verdict, judge};
use crate::plan::RunPlan;
use crate::progress::Progress;
use crate::regions::Regions;
use crate::run_directory::RunDirectory;
use crate::serve::{self, Server, Subject};
use crate::setting::Setting;
use crate::signing_budget::Forecast;
use crate::{Entry, Registry, interrupt, summary_text, terminal};

/// Runs one emulation.
pub(super) fn run(registry: &Registry, args: RunArgs, watch: Stopwatch) -> anyhow::Result<Exit> {
    let plan = RunPlan::new(args, registry)?;
    let scenario = engines::load(&plan.scenario.source, &plan.scenario.overrides, registry)?;
    let entry = registry.named(&scenario.protocol)?;
    admit(entry, &scenario)?;

    let served = plan.serve.as_ref();
    let listener = served.map(|(address, anyone)| serve::listen(address, *anyone)).transpose()?;
    let live = listener.is_some().then(Live::default);
    let control = Arc::new(Control { live, ..Control::default() });
    // From here on Ctrl-C leaves a whole run directory or none.
    interrupt::connect(&control)?;
    let mut run = RunDirectory::claim(plan.out.as_deref(), &scenario.name, scenario.seed)?;
    let (setting, outcome) = match execute(entry, &plan, &scenario, &control, listener, &mut run) {
        Ok(done) => done,
        Err(problem) => {
            run.abandon();
            return Err(problem);
        }
    };

    let cost = Cost::new(&outcome, watch.elapsed(), Usage::read());
    let path = run.path().to_owned();
    let record = Record {
        scenario: &scenario,
        setting: &setting,
        engine: plan.engine,
        outcome: &outcome,
        cost,
        directory: &path,
    };
    let summary = summary::text(&record);
    let saved = export::save(&record, &summary, &mut run);
    // The figures are shown even if the disk is full.
    match plan.format {
        Format::Json => terminal::show(&summary)?,
        Format::Text => terminal::show(&summary_text::text(&record, entry.protocol.about))?,
    }
    saved?;
    Ok(exit(&outcome))
}

/// Refuses a scenario that cannot fit, warns of one that may not, or whose signatures take long.
pub(super) fn admit(entry: &Entry, scenario: &Scenario) -> anyhow::Result<()> {
    match judge(scenario.nodes, (entry.memory)(scenario)?, Memory::read()) {
        Verdict::Fits => {}
        Verdict::Tight(warning) => terminal::complain("warning", &warning),
        Verdict::TooLarge(refusal) => bail!(refusal),
    }
    if let Some(warning) = Forecast::of(entry, scenario)?.and_then(|forecast| forecast.warning()) {
        terminal::complain("warning", &warning);
    }
    Ok(())
}

/// Builds network and conditions, and says what of the network's tables was changed.
pub(super) fn prepare(entry: &Entry, scenario: &Scenario) -> anyhow::Result<Prepared> {
    let prepared = (entry.prepare)(scenario)?;
    for note in prepared.notes() {
        terminal::complain("note", &note);
    }
    Ok(prepared)
}

/// The manifest of a run that starts now.
pub(super) fn manifest(
    scenario: &Scenario,
    (setting, regions): (&Setting, &Regions),
    engine: EngineChoice,
) -> String {
    let command: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    manifest::text(&Manifest {
        scenario,
        setting,
        regions,
        resolved: &scenario.to_toml(),
        engine,
        command: &command,
        machine: &Machine::read(),
        started: clock::unix_seconds(),
    })
}

/// Everything between the claim of a directory and the outcome. The manifest is written only once
/// the conditions are known to fit the network.
fn execute(
    entry: &Entry,
    plan: &RunPlan,
    scenario: &Scenario,
    control: &Arc<Control>,
    listener: Option<TcpListener>,
    run: &mut RunDirectory,
) -> anyhow::Result<(Setting, Outcome)> {
    let anyone = plan.serve.as_ref().is_some_and(|(_, anyone)| *anyone);
    let start = |listener| Server::start(listener, anyone, Subject::of(scenario), control);
    let server = listener.map(start).transpose()?;
    let prepared = prepare(entry, scenario)?;
    let setting = prepared.setting(scenario);
    let manifest = manifest(scenario, (&setting, &prepared.regions(scenario)), plan.engine);
    run.write("manifest.json", manifest.as_bytes())?;
    let _progress = Progress::start(plan.progress, scenario.until, control);
    let outcome = (entry.run)(scenario, &prepared, plan.engine, control)?;
    if let Some(server) = server {
        server.finish(&outcome);
    }
    Ok((setting, outcome))
}

fn exit(outcome: &Outcome) -> Exit {
    let violated = |check: &anthill_protocol::Check| !check.ok && !check.expected_violation;
    match outcome.ended {
        Ended::Interrupted => Exit::Interrupted,
        Ended::MemoryLimit => Exit::Violated,
        Ended::Finished if outcome.result.checks.iter().any(violated) => Exit::Violated,
        Ended::Finished => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn the_exit_code_tells_how_the_run_ended() {
        let mut outcome = fabricated::outcome();
        assert_eq!(exit(&outcome), Exit::Done);
        outcome.result.checks[0].ok = false;
        assert_eq!(exit(&outcome), Exit::Violated);
        outcome.result.checks[0].expected_violation = true;
        assert_eq!(exit(&outcome), Exit::Done, "a violation beyond the bound is a measurement");
        outcome.ended = Ended::MemoryLimit;
        assert_eq!(exit(&outcome), Exit::Violated);
        outcome.ended = Ended::Interrupted;
        assert_eq!(exit(&outcome).code(), 130);
    }

    #[test]
    fn a_scenario_that_cannot_fit_is_refused_before_anything_is_built() {
        let mut entry = *fabricated::registry().main_job().expect("phold");
        entry.memory =
            |_| Ok(engines::MemoryEstimate { lower_bytes: u64::MAX, expected_bytes: u64::MAX });
        let refusal = admit(&entry, &fabricated::scenario()).expect_err("must be refused");
        assert!(refusal.to_string().contains("try --nodes"), "{refusal}");
    }
}
