//! `anthill run`: plan → admit → claim a directory → prepare → run → save → tell.
//!
//! Until the manifest is written a signal leaves nothing, from then on a whole run directory; only
//! what kills the process at once leaves the manifest alone, which the same command then replaces.

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anthill_engine::checkpoint::Checkpoint;
use anthill_engine::external::Externals;
use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::processes::Fabric;
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
use crate::export::{self, Record, history, node_ids, summary};
use crate::external::{self, Programs};
use crate::interrupt::{self, Interrupts};
use crate::machine::{Machine, Memory, Usage};
use crate::memory::{Verdict, judge};
use crate::plan::{EventsPlan, PlanError, RunPlan};
use crate::processes::{self, Muster};
use crate::progress::Progress;
use crate::regions::Regions;
use crate::run_directory::RunDirectory;
use crate::serve::{self, Server, Subject};
use crate::setting::Setting;
use crate::signing_budget::Forecast;
use crate::table::Table;
use crate::table::query::Query;
use crate::trace::wanted;
use crate::{Entry, Registry, ledger, page, report, summary_text, table, terminal, trace};

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
    let mut muster = Muster::of(registry);
    let plan = RunPlan::new(args, registry)?;
    processes::admit(registry, &plan)?;
    let scenario = engines::load(&plan.scenario.source, &plan.scenario.overrides, registry)?;
    let entry = registry.named(&scenario.protocol)?;
    let wanted = Wanted::new(&plan, entry, &scenario)?;
    let checkpoint = checkpoint_of(&plan, &scenario)?;
    let others = registry.processes();
    if others.is_none_or(|all| all.rank() == 0) {
        admit_part(entry, &scenario, others)?;
    } else {
        return run_part(registry, entry, (&plan, &scenario), wanted, muster, interrupts);
    }

    let served = plan.serve.as_ref();
    let listener = served.map(|plan| serve::listen(&plan.address, plan.anyone)).transpose()?;
    let live = listener.is_some().then(Live::default);
    let mut keeper = plan.saving.map(Keeper::new);
    let programs = plan.external.as_ref().map(Programs::start).transpose()?;
    let control = Arc::new(Control {
        live,
        checkpoints: keeper.as_ref().map(|keeper| keeper.checkpoints().into()),
        resume: Mutex::new(checkpoint),
        externals: programs.clone().map(|all| Mutex::new(Box::new(all) as Box<dyn Externals>)),
        processes: others.cloned(),
        trace: wanted.trace.into(),
        ..control_of(&plan)
    });
    let mut table = wanted.table.map(Table::new);
    let mut run = claim(plan.out.as_deref(), &scenario, &scenario.name, interrupts)?;
    if plan.parquet {
        run.add_parquet();
    }
    let signals = (interrupts, &control);
    let outputs = (&mut run, table.as_mut());
    let (begin, kept) = ((listener, &mut muster), keeper.as_mut());
    let done = execute(entry, &plan, &scenario, signals, begin, kept, outputs);
    let (setting, outcome, server) = match done {
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
    let (engine, directory) = (plan.engine, path.as_path());
    let (setting, outcome) = (&setting, &outcome);
    let record = Record { scenario: &scenario, setting, engine, outcome, cost, directory };
    let over = Over { plan: &plan, entry, record, control: &control, table: table.as_ref() };
    let summary = summary::text(&over.record);
    let saved = over.save(&summary, programs, &mut run);
    // The figures are shown even if the disk is full.
    let shown = over.show(&summary, saved.is_ok());
    // Before all is saved, the last checkpoint stays.
    let ended_early =
        saved.is_err() || matches!(outcome.ended, Ended::Interrupted | Ended::MemoryLimit);
    if let Some(keeper) = keeper {
        keeper.finish(ended_early);
    }
    saved?;
    shown_until_stopped(outcome, shown, server.map(|server| (server, path.as_path())), interrupts)
}

/// Where a resumed run goes on.
fn checkpoint_of(plan: &RunPlan, scenario: &Scenario) -> anyhow::Result<Option<Checkpoint>> {
    let Some(resumed) = &plan.resumed else { return Ok(None) };
    resumed.check(scenario, plan.stop_on_violation)?;
    let (at, checkpoint) = resumed.last()?;
    resumed.tell(at);
    Ok(Some(checkpoint))
}

/// How a saved run ends: at once, or when whoever watches it stops it.
fn shown_until_stopped(
    outcome: &Outcome,
    shown: anyhow::Result<()>,
    server: Option<(Server, &Path)>,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let report = outcome.host.external.as_ref();
    if let Some(note) = report.and_then(external::lag_note) {
        terminal::complain("note", &note);
    }
    match exit(outcome) {
        // The terminal that was closed takes nothing more.
        Exit::Interrupted => Ok(Exit::Interrupted),
        exit => {
            if let Some((server, path)) = server {
                server.stay(report_of(path), interrupts);
            }
            shown.map(|()| exit)
        }
    }
}

/// What the flags alone say of a run's control.
fn control_of(plan: &RunPlan) -> Control {
    Control {
        stop_on_violation: plan.stop_on_violation,
        ledger: plan.ledger.then(|| Ledger::of_at_most(ledger::LIMITS).into()),
        history: plan.history.then(|| History::of_at_most(history::MOST).into()),
        ..Control::default()
    }
}

/// A run that is over, and what of it is asked for.
struct Over<'a> {
    plan: &'a RunPlan,
    entry: &'a Entry,
    record: Record<'a>,
    control: &'a Control,
    table: Option<&'a Table>,
}

impl Over<'_> {
    fn save(
        &self,
        summary: &str,
        programs: Option<Programs>,
        run: &mut RunDirectory,
    ) -> anyhow::Result<()> {
        programs.map_or(Ok(()), |programs| programs.finish(run))?;
        save_history(self.control, run)?;
        if let Some(told) = &self.control.ledger {
            ledger::save(&told.lock().unwrap_or_else(PoisonError::into_inner), run)?;
        }
        let kinds = self.entry.protocol.kinds;
        save_seen(self.plan, kinds, self.record.outcome, self.table, run)?;
        export::save(&self.record, summary, run)
    }

    fn show(&self, summary: &str, is_saved: bool) -> anyhow::Result<()> {
        show_seen(self.plan, self.entry.protocol.kinds, self.record.outcome)?;
        match self.plan.format {
            Format::Json => terminal::show(summary),
            Format::Text => {
                let nodes = self.table.map_or_else(String::new, table::write::text);
                let text = summary_text::text(&self.record, self.entry.protocol.about, is_saved);
                terminal::show(&(nodes + &text))
            }
        }
    }
}

/// The report of a run that was just saved, for who watched it.
fn report_of(directory: &Path) -> String {
    match report::load(&[directory.to_owned()]) {
        Ok(loaded) => report::document(&loaded, false),
        Err(problem) => {
            let told = problem.to_string();
            terminal::complain("warning", &format!("no report is served: {told}"));
            page::document("No report", "", &page::absent(&told))
        }
    }
}

/// Runs the part of a process that nobody sees: process 0 tells of the run, and saves it.
fn run_part(
    registry: &Registry,
    entry: &Entry,
    (plan, scenario): (&RunPlan, &Scenario),
    wanted: Wanted,
    mut muster: Muster,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let control = Arc::new(Control {
        stop_on_violation: plan.stop_on_violation,
        processes: registry.processes().cloned(),
        ..Control::default()
    });
    let prepared = (entry.prepare)(scenario)?;
    muster.all_ready()?;
    interrupts.begin(&control, || ());
    let mut table = wanted.table.map(Table::new);
    emulate(entry, scenario, &prepared, plan.engine, &control, table.as_mut())?;
    Ok(Exit::Done)
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
    admit_part(entry, scenario, None)
}

/// The same of the processes on this machine, which have their part of the nodes.
fn admit_part(
    entry: &Entry,
    scenario: &Scenario,
    processes: Option<&Arc<dyn Fabric>>,
) -> anyhow::Result<()> {
    let mut memory = (entry.memory)(scenario)?;
    if let Some(processes) = processes {
        let (here, all) = (processes.on_this_machine(), processes.size());
        let part = |bytes: u64| bytes / u64::from(all.max(1)) * u64::from(here);
        memory.lower_bytes = part(memory.lower_bytes);
        memory.expected_bytes = part(memory.expected_bytes);
    }
    match judge(scenario.nodes, memory, Memory::read()) {
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

/// Saves which node is which, if the topology's file has ids of its own.
pub(super) fn save_node_ids(prepared: &Prepared, run: &mut RunDirectory) -> anyhow::Result<()> {
    prepared.node_names().map_or(Ok(()), |names| node_ids::save(names, run))
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
    (listener, muster): (Option<TcpListener>, &mut Muster),
    keeper: Option<&mut Keeper>,
    (run, table): (&mut RunDirectory, Option<&mut Table>),
) -> anyhow::Result<(Setting, Outcome, Option<Server>)> {
    let prepared = prepare(entry, scenario)?;
    let setting = prepared.setting(scenario);
    let manifest = manifest(scenario, (&setting, &prepared.regions(scenario)), plan.engine);
    interrupts.begin(control, || run.write("manifest.json", manifest.as_bytes()))?;
    save_node_ids(&prepared, run)?;
    if let Some(keeper) = keeper {
        keeper.start(run.path(), control)?;
    }
    // Who watches finds what the page is about.
    let server = match (&plan.serve, listener) {
        (Some(serve), Some(listener)) => {
            let of_nodes = (entry.columns, entry.protocol.outputs);
            let map = serve::Map::of(prepared.network(), scenario.population(), of_nodes);
            if let Some(live) = &control.live {
                live.watch(map.drawn().to_vec(), entry.row);
            }
            let subject = Subject::of(scenario, &setting, map);
            Some(Server::start(listener, serve, subject, control)?)
        }
        _ => None,
    };
    let _progress = Progress::start(plan.progress, scenario.until, control);
    muster.all_ready()?;
    let outcome = emulate(entry, scenario, &prepared, plan.engine, control, table)?;
    let server = server.and_then(|server| server.finish(&outcome));
    Ok((setting, outcome, server))
}

/// Runs the emulation, and fills the table if there is one: in process 0 with the nodes of all processes.
fn emulate(
    entry: &Entry,
    scenario: &Scenario,
    prepared: &Prepared,
    engine: EngineChoice,
    control: &Control,
    table: Option<&mut Table>,
) -> anyhow::Result<Outcome> {
    let Some(table) = table else { return (entry.run)(scenario, prepared, engine, control) };
    let show = &mut |id, region: &str, row| table.show(id, region, row);
    let outcome = (entry.run_with_rows)(scenario, prepared, engine, control, show)?;
    match &control.processes {
        Some(processes) => table.gather(&**processes)?,
        None => table.finish(),
    }
    Ok(outcome)
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
