//! `anthill trace`: runs a manifest again to see its messages, or to explain one of them.
//!
//! A run is a function of its manifest, so nothing has to be recorded before it is wanted: a first
//! pass finds the event, further ones the events that led to it.

use std::sync::Arc;

use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::scenario::Scenario;
use anthill_engine::trace::{Fate, Keep, Trace, TraceRecord, TraceRequest};
use anthill_protocol::{NodeId, Time};
use anyhow::{Context as _, bail};

use super::replay::Recorded;
use super::{Exit, run};
use crate::args::TraceArgs;
use crate::engines::{Control, Prepared};
use crate::interrupt::Interrupts;
use crate::progress::Progress;
use crate::run_directory::RunDirectory;
use crate::trace::{self, chain, line, wanted};
use crate::{Entry, Registry, external, terminal};

/// Deliveries among which the first or last that was handled is looked for.
const CANDIDATES: usize = 10_000;
/// The most events an explanation goes back.
const MOST_HOPS: u64 = 100_000;

/// Everything that a pass takes.
struct Passes<'a> {
    args: &'a TraceArgs,
    entry: &'a Entry,
    scenario: &'a Scenario,
    prepared: &'a Prepared,
    recorded: &'a Recorded,
    control: Arc<Control>,
}

/// Shows a saved run's messages.
pub(super) fn trace(
    registry: &Registry,
    args: &TraceArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let recorded = Recorded::read(&args.directory)?;
    let scenario = recorded.scenario(registry)?;
    recorded.check_inputs(&scenario)?;
    let entry = registry.named(&scenario.protocol)?;
    let request = wanted::request(&args.events, &scenario, entry.protocol.kinds)?;
    let hops = wanted::count("--hops", &args.hops, MOST_HOPS)? as usize;
    let chosen = args.explain.as_deref().map(|text| Chosen::read(text, &scenario)).transpose()?;
    if chosen.is_some() && args.out.is_some() {
        bail!("--out saves messages and --explain prints an explanation: give one of them");
    }
    run::admit(entry, &scenario)?;
    let prepared = run::prepare(entry, &scenario)?;
    let externals = external::recorded(&args.directory)?;
    let control = Arc::new(Control { externals, ..Control::default() });
    let passes = Passes {
        args,
        entry,
        scenario: &scenario,
        prepared: &prepared,
        recorded: &recorded,
        control,
    };
    match chosen {
        Some(chosen) => passes.explain(chosen, request, hops)?,
        None => passes.show(request, interrupts)?,
    }
    Ok(Exit::Done)
}

impl Passes<'_> {
    fn run(&self, request: TraceRequest) -> anyhow::Result<Trace> {
        if let Ok(mut slot) = self.control.trace.lock() {
            *slot = Some(request);
        }
        let outcome: Outcome = {
            let _progress = Progress::start(self.args.progress, self.scenario.until, &self.control);
            (self.entry.run)(self.scenario, self.prepared, self.recorded.engine, &self.control)?
        };
        match outcome.ended {
            Ended::Finished | Ended::Violated => {}
            Ended::Interrupted => bail!("interrupted"),
            Ended::MemoryLimit => bail!("stopped at engine.memory_limit: lower --most"),
        }
        self.recorded.check_digest(&outcome)?;
        outcome.trace.context("the engine recorded no trace")
    }

    fn show(&self, request: TraceRequest, interrupts: &Interrupts) -> anyhow::Result<()> {
        let kinds = self.entry.protocol.kinds;
        let Some(out) = &self.args.out else {
            let trace = self.run(request)?;
            terminal::show(&line::text(&trace.records, kinds))?;
            trace::tell_of_sampling(&trace);
            return Ok(());
        };
        let (name, seed) = (&self.scenario.name, self.scenario.seed);
        let mut directory = interrupts.claim(|| RunDirectory::claim(Some(out), name, seed))?;
        match self.run(request).and_then(|found| {
            interrupts.hold(|| trace::save(&found, kinds, &mut directory))?;
            Ok(found)
        }) {
            Ok(found) => {
                trace::tell_of_sampling(&found);
                terminal::show(&format!("Saved in {}\n", directory.path().display()))
            }
            Err(problem) => {
                directory.abandon();
                Err(problem)
            }
        }
    }

    fn explain(&self, chosen: Chosen, request: TraceRequest, hops: usize) -> anyhow::Result<()> {
        let last = self.find(chosen, request)?;
        let chain = chain::walk(last, hops, &mut |request| self.run(request))?;
        terminal::show(&chain.text(self.entry.protocol.kinds))
    }

    /// The delivery to be explained.
    fn find(&self, chosen: Chosen, mut request: TraceRequest) -> anyhow::Result<TraceRecord> {
        let handled = |record: &TraceRecord| matches!(record.fate, Fate::Handled(_));
        match chosen {
            Chosen::Named(time, source, sequence) => {
                request = TraceRequest {
                    from: time,
                    to: Time(time.0.saturating_add(1)),
                    nodes: vec![source.0..=source.0],
                    timers: true,
                    ..TraceRequest::all(usize::MAX / 4)
                };
                let named = |record: &TraceRecord| {
                    let name = record.name();
                    (name.source, name.sequence) == (source, sequence) && handled(record)
                };
                let found = self.run(request)?.records.into_iter().find(named);
                found.context("--explain: no event of that name was handled in this run")
            }
            Chosen::First | Chosen::Last => {
                let is_last = matches!(chosen, Chosen::Last);
                request.keep = if is_last { Keep::Latest } else { Keep::Earliest };
                request.most = CANDIDATES;
                request.receivers = true;
                let mut records = self.run(request)?.records.into_iter().filter(handled);
                let found = if is_last { records.next_back() } else { records.next() };
                found.context("--explain: no such message was handled in this run")
            }
        }
    }
}

/// Which delivery is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    First,
    Last,
    Named(Time, NodeId, u32),
}

impl Chosen {
    fn read(text: &str, scenario: &Scenario) -> anyhow::Result<Self> {
        let named = || {
            let mut parts = text.split('-');
            let time = Time(parts.next()?.parse().ok()?);
            let source = NodeId(parts.next()?.parse().ok()?);
            let sequence = parts.next()?.parse().ok()?;
            parts.next().is_none().then_some(Self::Named(time, source, sequence))
        };
        match text {
            "first" => Ok(Self::First),
            "last" => Ok(Self::Last),
            _ => match named() {
                Some(Self::Named(_, source, _)) if source.0 >= scenario.population() => {
                    bail!("--explain={text}: there is no node {}", source.0)
                }
                Some(chosen) => Ok(chosen),
                None => bail!(
                    "--explain={text}: write last, first, or the name of an event as a trace has \
                     it (TIME-NODE-NUMBER)"
                ),
            },
        }
    }
}
