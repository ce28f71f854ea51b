//! `anthill playback`: repeats saved runs with their traces, and makes a page that plays them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use anthill_engine::History;
use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::scenario::Scenario;
use anthill_protocol::{Cell, NodeId, Time};
use anyhow::{Context as _, bail};

use super::replay::Recorded;
use super::{Exit, run};
use crate::args::PlaybackArgs;
use crate::engines::{Control, Prepared};
use crate::interrupt::Interrupts;
use crate::playback::{self, FILE, MOST_OF_ALL, MOST_OUTPUTS, Played};
use crate::progress::Progress;
use crate::trace::wanted;
use crate::{Entry, Registry, external, page, terminal};

/// Makes one page of one run, or of two.
pub(super) fn playback(
    registry: &Registry,
    args: &PlaybackArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    if args.events.timers {
        bail!("--timers: a page plays messages; `anthill trace --timers` shows the others");
    }
    let directories: Vec<&PathBuf> = std::iter::once(&args.directory).chain(&args.beside).collect();
    let repeated = directories
        .iter()
        .map(|directory| Repeated::of(registry, args, directory))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let held = repeated.iter().map(Repeated::held).collect::<anyhow::Result<Vec<_>>>()?;
    let histories: Vec<_> = repeated
        .iter()
        .map(|run| run.control.history.as_ref())
        .map(|said| said.map(|said| said.lock().unwrap_or_else(PoisonError::into_inner)))
        .collect();
    let played: Vec<Played<'_>> = repeated
        .iter()
        .zip(&held)
        .zip(&histories)
        .map(|((run, held), history)| run.played(held, history.as_deref()))
        .collect();
    let out = match (&args.out, &directories[..]) {
        (Some(out), _) => out.clone(),
        (None, [only]) => only.join(FILE),
        (None, _) => PathBuf::from(FILE),
    };
    let text = playback::document(&played, report_beside(&out)).context("cannot pack the runs")?;
    page::save(&out, &text, interrupts)?;
    for run in &repeated {
        run.outcome.trace.as_ref().into_iter().for_each(crate::trace::tell_of_sampling);
    }
    terminal::show(&format!("Saved in {}\n", out.display()))?;
    Ok(Exit::Done)
}

/// The report in the same directory.
fn report_beside(out: &Path) -> Option<&'static str> {
    let report = out.parent()?.join(super::report::FILE);
    report.is_file().then_some(super::report::FILE)
}

/// A run that was repeated.
struct Repeated<'a> {
    label: String,
    entry: &'a Entry,
    scenario: Scenario,
    prepared: Prepared,
    control: Arc<Control>,
    outcome: Outcome,
    rows: Vec<Vec<Cell>>,
    range: (Time, Time),
}

impl<'a> Repeated<'a> {
    fn of(registry: &'a Registry, args: &PlaybackArgs, directory: &Path) -> anyhow::Result<Self> {
        let recorded = Recorded::read(directory)?;
        let scenario = recorded.scenario(registry)?;
        recorded.check_inputs(&scenario)?;
        let entry = registry.named(&scenario.protocol)?;
        let request = wanted::request(&args.events, &scenario, entry.protocol.kinds)?;
        let asked = (request.from, request.to);
        run::admit(entry, &scenario)?;
        let prepared = run::prepare(entry, &scenario)?;
        let externals = external::recorded(directory)?;
        let talks = !entry.protocol.outputs.is_empty();
        let control = Arc::new(Control {
            externals,
            stop_on_violation: recorded.ended_by_violation,
            trace: Some(request).into(),
            history: talks.then(|| History::of_at_most(MOST_OUTPUTS).into()),
            ..Control::default()
        });
        let (outcome, rows) = {
            let _progress = Progress::start(args.progress, scenario.until, &control);
            repeat(entry, &scenario, &prepared, &recorded, &control)?
        };
        recorded.check_digest(&outcome)?;
        let end = outcome.result.virtual_ns.saturating_add(1).min(scenario.until.0);
        let from = asked.0.min(Time(end));
        let range = (from, asked.1.min(Time(end)).max(Time(from.0 + 1)));
        let label = directory.display().to_string();
        Ok(Self { label, entry, scenario, prepared, control, outcome, rows, range })
    }

    fn held(&self) -> anyhow::Result<Vec<NodeId>> {
        (self.entry.held)(&self.scenario, &self.prepared)
    }

    fn played<'b>(&'b self, held: &'b [NodeId], history: Option<&'b History>) -> Played<'b> {
        Played {
            label: self.label.clone(),
            scenario: &self.scenario,
            prepared: &self.prepared,
            outcome: &self.outcome,
            kinds: self.entry.protocol.kinds,
            outputs: self.entry.protocol.outputs,
            history,
            held,
            columns: self.entry.columns,
            rows: &self.rows,
            range: self.range,
        }
    }
}

/// Runs it; of a small network with the rows of its nodes at the end.
fn repeat(
    entry: &Entry,
    scenario: &Scenario,
    prepared: &Prepared,
    recorded: &Recorded,
    control: &Control,
) -> anyhow::Result<(Outcome, Vec<Vec<Cell>>)> {
    let mut rows = Vec::new();
    let outcome = if scenario.population() <= MOST_OF_ALL {
        let show = &mut |_: NodeId, _: &str, row| rows.push(row);
        (entry.run_with_rows)(scenario, prepared, recorded.engine, control, show)?
    } else {
        (entry.run)(scenario, prepared, recorded.engine, control)?
    };
    match outcome.ended {
        Ended::Finished | Ended::Violated => Ok((outcome, rows)),
        Ended::Interrupted => bail!("interrupted"),
        Ended::MemoryLimit => bail!("stopped at engine.memory_limit: lower --most"),
    }
}
