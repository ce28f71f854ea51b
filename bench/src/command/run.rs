//! `anthill run`: plan → admit → claim a directory → prepare → run → save → tell.
//!
//! Until the manifest is written a signal leaves nothing, from then on a whole run directory; only
//! what kills the process at once leaves the manifest alone, which the same command then replaces.

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anthill_engine::external::Externals;
use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::scenario::Scenario;
use anthill_engine::trace::TraceRequest;
use anthill_engine::{History, Ledger, Live};
use anyhow::bail;

use super::Exit;
use crate::args::{EngineChoice, Format, RunArgs};
use crate::checkpoints::Keeper;
use crate::clock::{self, Stopwatch};
use crate::cost::Cost;
use crate::engines::{self, Control, Prepared};
use crate::export::manifest::{self, Manifest};
use crate::export::{self, Record, history, summary};
use crate::external::{self, Programs};
use crate::interrupt::{self, Interrupts};
use crate::machine::{Machine, Memory, Usage};
use crate::memory::{Verdict, judge};
use crate::plan::{EventsPlan, PlanError, RunPlan};
use crate::progress::Progress;
use crate::regions::Regions;
use crate::run_directory::RunDirectory;
use crate::serve::{self, Server, Subject};
use crate::setting::Setting;
use crate::signing_budget::Forecast;
use crate::table::Table;
use crate::table::query::Query;
use crate::trace::wanted;
use crate::{Entry, Registry, ledger, summary_text, table, terminal, trace};

/// Runs one emulation.
pub(super) fn run(
    registry: &Registry,
    args: RunArgs,
    watch: Stopwatch,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    if args.end_with_stdin {
        interrupt::end_with_stdin()?;
    }
    let plan = RunPlan::new(args, registry)?;
    let scenario = engines::load(&plan.scenario.source, &plan.scenario.overrides, registry)?;
    let entry = registry.named(&scenario.protocol)?;
    let wanted = Wanted::new(&plan, entry, &scenario)?;
    let checkpoint = match &plan.resumed {
        None => None,
        Some(resumed) => {
            resumed.check(&scenario, plan.stop_on_violation)?;
            let (at, checkpoint) = resumed.last()?;
            resumed.tell(at);
            Some(checkpoint)
        }
    };
    admit(entry, &scenario)?;

    let served = plan.serve.as_ref();
    let listener = served.map(|(address, anyone)| serve::listen(address, *anyone)).transpose()?;
    let live = listener.is_some().then(Live::default);
    let mut keeper = plan.saving.map(Keeper::new);
    let programs = plan.external.as_ref().map(Programs::start).transpose()?;
    let control = Arc::new(Control {
        live,
        checkpoints: keeper.as_ref().map(|keeper| keeper.checkpoints().into()),
        resume: Mutex::new(checkpoint),
        externals: programs.clone().map(|all| Mutex::new(Box::new(all) as Box<dyn Externals>)),
        stop_on_violation: plan.stop_on_violation,
        trace: wanted.trace.into(),
        ledger: plan.ledger.then(|| Ledger::of_at_most(ledger::LIMITS).into()),
        history: plan.history.then(|| History::of_at_most(history::MOST).into()),
        ..Control::default()
    });
    let mut table = wanted.table.map(Table::new);
    let mut run = claim(plan.out.as_deref(), &scenario, &scenario.name, interrupts)?;
    if plan.parquet {
        run.add_parquet();
    }
    let signals = (interrupts, &control);
    let outputs = (&mut run, table.as_mut());
    let kept = keeper.as_mut();
    let done = execute(entry, &plan, &scenario, signals, listener, kept, outputs);
    let (setting, outcome) = match done {
        Ok(done) => done,
        Err(problem) => {
            // What can go on needs its manifest.
            match keeper.filter(Keeper::has_any) {
                Some(keeper) => keeper.finish(true),
                None => run.abandon(),
            }
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
    let kinds = entry.protocol.kinds;
    let heard = programs.map_or(Ok(()), |programs| programs.finish(&mut run));
    let told = heard.and_then(|()| save_history(&control, &mut run));
    let said = told.and_then(|()| match &control.ledger {
        Some(told) => ledger::save(&told.lock().unwrap_or_else(PoisonError::into_inner), &mut run),
        None => Ok(()),
    });
    let seen = said.and_then(|()| save_seen(&plan, kinds, &outcome, table.as_ref(), &mut run));
    let saved = seen.and_then(|()| export::save(&record, &summary, &mut run));
    // The figures are shown even if the disk is full.
    let shown = show_seen(&plan, kinds, &outcome).and_then(|()| match plan.format {
        Format::Json => terminal::show(&summary),
        Format::Text => {
            let nodes = table.as_ref().map_or_else(String::new, table::write::text);
            terminal::show(
                &(nodes + &summary_text::text(&record, entry.protocol.about, saved.is_ok())),
            )
        }
    });
    // Before all is saved, the last checkpoint stays.
    let ended_early =
        saved.is_err() || matches!(outcome.ended, Ended::Interrupted | Ended::MemoryLimit);
    if let Some(keeper) = keeper {
        keeper.finish(ended_early);
    }
    saved?;
    let report = outcome.host.external.as_ref();
    if let Some(note) = report.and_then(external::lag_note) {
        terminal::complain("note", &note);
    }
    match exit(&outcome) {
        // The terminal that was closed takes nothing more.
        Exit::Interrupted => Ok(Exit::Interrupted),
        exit => shown.map(|()| exit),
    }
}

/// Claims the directory of a run, and says so if a killed one's gave way.
pub(super) fn claim(
    out: Option<&Path>,
    scenario: &Scenario,
    name: &str,
    interrupts: &Interrupts,
) -> anyhow::Result<RunDirectory> {
    let (named, toml) = ((name, scenario.seed), scenario.to_toml());
    let run = interrupts.claim(|| RunDirectory::claim_for_run(out, named, &toml))?;
    if run.replaces() {
        let path = run.path().display();
        terminal::complain(
            "note",
            &format!("{path} held what this run left when it was killed: it begins anew"),
        );
    }
    Ok(run)
}

/// What is wanted of single events and nodes.
struct Wanted {
    trace: Option<TraceRequest>,
    table: Option<Query>,
}

impl Wanted {
    fn new(plan: &RunPlan, entry: &Entry, scenario: &Scenario) -> anyhow::Result<Self> {
        let watched =
            !entry.protocol.invariants.is_empty() || !(entry.protocol.judges)().is_empty();
        if plan.stop_on_violation && !watched {
            return Err(PlanError::NothingWatched { protocol: entry.protocol.name }.into());
        }
        if plan.history && entry.protocol.outputs.is_empty() {
            return Err(PlanError::NothingSaid { protocol: entry.protocol.name }.into());
        }
        if plan.ledger && !entry.has_ledger {
            return Err(PlanError::NoLedger { protocol: entry.protocol.name }.into());
        }
        let trace = match &plan.events {
            Some(events) => Some(wanted::request(&events.which, scenario, entry.protocol.kinds)?),
            None => None,
        };
        let table = match &plan.table {
            Some(rows) => Some(Query::new(rows, entry.columns)?),
            None => None,
        };
        Ok(Self { trace, table })
    }
}

/// Saves what nodes said, if it is wanted.
fn save_history(control: &Control, run: &mut RunDirectory) -> anyhow::Result<()> {
    match &control.history {
        Some(said) => history::save(&said.lock().unwrap_or_else(PoisonError::into_inner), run),
        None => Ok(()),
    }
}

/// Saves trace and table, if they are wanted; before the summary, whose presence says that the run is
/// complete.
fn save_seen(
    plan: &RunPlan,
    kinds: &[&'static str],
    outcome: &Outcome,
    table: Option<&Table>,
    run: &mut RunDirectory,
) -> anyhow::Result<()> {
    if let (Some(trace), Some(EventsPlan { save: true, .. })) = (&outcome.trace, &plan.events) {
        trace::save(trace, kinds, run)?;
    }
    if let Some(table) = table {
        let columns = table::write::columns(table);
        run.write_table("nodes.csv", table::write::csv(table).as_bytes(), &columns)?;
    }
    Ok(())
}

/// Prints the messages, if they are wanted: on stdout, but where that is for JSON alone.
fn show_seen(plan: &RunPlan, kinds: &[&'static str], outcome: &Outcome) -> anyhow::Result<()> {
    let (Some(trace), Some(events)) = (&outcome.trace, &plan.events) else { return Ok(()) };
    if events.print {
        let text = trace::line::text(&trace.records, kinds);
        match plan.format {
            Format::Text => terminal::show(&text)?,
            Format::Json => terminal::log(&text),
        }
    }
    trace::tell_of_sampling(trace);
    Ok(())
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

/// Builds network and conditions, and says what is to be said of the files and tables they come from.
pub(super) fn prepare(entry: &Entry, scenario: &Scenario) -> anyhow::Result<Prepared> {
    let prepared = (entry.prepare)(scenario)?;
    for note in prepared.notes(scenario) {
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
    (interrupts, control): (&Interrupts, &Arc<Control>),
    listener: Option<TcpListener>,
    keeper: Option<&mut Keeper>,
    (run, table): (&mut RunDirectory, Option<&mut Table>),
) -> anyhow::Result<(Setting, Outcome)> {
    let prepared = prepare(entry, scenario)?;
    let setting = prepared.setting(scenario);
    let manifest = manifest(scenario, (&setting, &prepared.regions(scenario)), plan.engine);
    interrupts.begin(control, || run.write("manifest.json", manifest.as_bytes()))?;
    if let Some(keeper) = keeper {
        keeper.start(run.path(), control)?;
    }
    // Who watches finds what the page is about.
    let anyone = plan.serve.as_ref().is_some_and(|(_, anyone)| *anyone);
    let start = |listener| Server::start(listener, anyone, Subject::of(scenario), control);
    let server = listener.map(start).transpose()?;
    let _progress = Progress::start(plan.progress, scenario.until, control);
    let outcome = match table {
        None => (entry.run)(scenario, &prepared, plan.engine, control)?,
        Some(table) => {
            let show = &mut |id, region: &str, row| table.show(id, region, row);
            let outcome = (entry.run_with_rows)(scenario, &prepared, plan.engine, control, show)?;
            table.finish();
            outcome
        }
    };
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
        Ended::Finished | Ended::Violated if outcome.result.checks.iter().any(violated) => {
            Exit::Violated
        }
        Ended::Finished | Ended::Violated => Exit::Done,
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
