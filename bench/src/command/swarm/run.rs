//! One run of a swarm: made, judged, and told what it showed.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::scenario::Scenario;
use anthill_engine::{Key, RunError};

use super::case::Case;
use crate::Registry;
use crate::args::EngineChoice;
use crate::engines::{Control, Prepared};

/// Events beyond which a run says nothing: it is large, and not judged.
pub(super) const MOST_EVENTS: u64 = 2_000_000;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A judge's statement is broken inside its bound.
    Judge,
    /// An event broke an invariant, and nobody is held by an adversary.
    Invariant,
    /// A figure is not what theory says of it.
    Check,
    /// A handler panicked.
    Panic,
    /// A node goes on for ever at one instant.
    Stuck,
    /// The two engines disagree.
    Disagreement,
}

impl Kind {
    /// Its name in `swarm.json`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Judge => "judge",
            Self::Invariant => "invariant",
            Self::Check => "check",
            Self::Panic => "panic",
            Self::Stuck => "stuck",
            Self::Disagreement => "disagreement",
        }
    }
}

/// Something wrong with a run.
#[derive(Clone, Debug)]
pub(super) struct Find {
    /// What kind of thing.
    pub(super) kind: Kind,
    /// Which one: the judge's name, the check's, what the panic said.
    pub(super) name: String,
    /// In words.
    pub(super) about: String,
    /// The event.
    pub(super) event: Option<Key>,
}

impl Find {
    /// Whether another run shows the same. Figures in the message of a panic may differ.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
        self.kind == other.kind && words(&self.name) == words(&other.name)
    }
}

/// How to make a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct How {
    /// End it after the window of the first violation.
    pub(super) stop: bool,
    /// Make it with the oracle too, and compare.
    pub(super) compare: bool,
}

/// What a run came to.
pub(super) enum Made {
    /// It was made: with all that is wrong with it, and its outcome unless it did not get that far.
    Done { finds: Vec<Find>, outcome: Option<Box<(Scenario, Outcome)>> },
    /// It took too many events or too much memory.
    TooLarge,
    /// It was ended from outside.
    Interrupted,
    /// It cannot be run at all.
    Refused(String),
    /// The machine could not.
    Failed(anyhow::Error),
}

/// Where the monitor finds the run that a thread makes.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Option<Arc<Control>>>);

impl Slot {
    fn put(&self, control: Option<Arc<Control>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = control;
    }

    /// Ends the run that is made there if it is too large, or nothing more is wanted.
    pub(super) fn look(&self, ends: bool) {
        use std::sync::atomic::Ordering::Relaxed;
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(control) = slot.as_ref()
            && (ends || control.events.load(Relaxed) > MOST_EVENTS)
        {
            control.interrupt.store(true, Relaxed);
        }
    }
}

thread_local! {
    static IN_RUN: Cell<bool> = const { Cell::new(false) };
}

/// From here on the panics of handlers are told by whoever catches them.
pub(super) fn catch_panics_of_handlers() {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let is_engine = thread::current().name().is_some_and(|name| name.starts_with("shard-"));
        if !is_engine && !IN_RUN.get() {
            told(info);
        }
    }));
}

/// Makes a run.
pub(super) fn make(registry: &Registry, case: &Case<'_>, how: How, slot: &Slot) -> Made {
    let read = caught(|| -> anyhow::Result<(Scenario, Prepared)> {
        let mut scenario = case.load(registry)?;
        let options = &mut scenario.engine;
        (options.shards, options.threads, options.huge_pages) = (Some(1), Some(1), false);
        let prepared = (case.entry.prepare)(&scenario)?;
        Ok((scenario, prepared))
    });
    let (scenario, prepared) = match read {
        Ok(Ok(ready)) => ready,
        Ok(Err(refusal)) => return Made::Refused(refusal.to_string()),
        Err(said) => {
            let about = format!("a panic while it was prepared: {said}");
            let find = Find { kind: Kind::Panic, name: said, about, event: None };
            return Made::Done { finds: vec![find], outcome: None };
        }
    };
    let (mut finds, outcome) =
        match execute(case, &scenario, &prepared, (how, EngineChoice::Sharded), slot) {
            Ok(outcome) => (finds(&outcome), outcome),
            Err(Stop::Found(find)) => {
                return Made::Done { finds: vec![find], outcome: None };
            }
            Err(Stop::Other(made)) => return made,
        };
    if how.compare {
        let oracle = (how, EngineChoice::Sequential);
        match execute(case, &scenario, &prepared, oracle, slot) {
            Ok(oracle) => finds.extend(disagreement(&outcome, &oracle)),
            Err(Stop::Found(find)) => {
                let about = format!("only the oracle: {}", find.about);
                finds.push(Find { kind: Kind::Disagreement, name: find.name, about, ..find });
            }
            Err(Stop::Other(made)) => return made,
        }
    }
    Made::Done { finds, outcome: Some(Box::new((scenario, outcome))) }
}

/// Why there is no outcome.
enum Stop {
    Found(Find),
    Other(Made),
}

fn execute(
    case: &Case<'_>,
    scenario: &Scenario,
    prepared: &Prepared,
    (how, engine): (How, EngineChoice),
    slot: &Slot,
) -> Result<Outcome, Stop> {
    let control = Arc::new(Control {
        stop_on_violation: how.stop,
        panicked: Some(Mutex::default()),
        ..Control::default()
    });
    slot.put(Some(Arc::clone(&control)));
    let ran = caught(|| (case.entry.run)(scenario, prepared, engine, &control));
    slot.put(None);
    let outcome = match ran {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(problem)) => return Err(stopped(problem)),
        Err(said) => {
            let slot = control.panicked.as_ref();
            let event = slot.and_then(|slot| *slot.lock().unwrap_or_else(PoisonError::into_inner));
            let at = event.map_or_else(String::new, |event| format!(", at the event at {event}"));
            let about = format!("a handler panicked: {said}{at}");
            return Err(Stop::Found(Find { kind: Kind::Panic, name: said, about, event }));
        }
    };
    if outcome.result.totals.events > MOST_EVENTS || outcome.ended == Ended::MemoryLimit {
        return Err(Stop::Other(Made::TooLarge));
    }
    match outcome.ended {
        Ended::Interrupted => Err(Stop::Other(Made::Interrupted)),
        _ => Ok(outcome),
    }
}

fn stopped(problem: anyhow::Error) -> Stop {
    match problem.downcast_ref::<RunError>() {
        Some(RunError::Stuck { .. }) => {
            let (name, about) = ("an instant without end".to_owned(), problem.to_string());
            Stop::Found(Find { kind: Kind::Stuck, name, about, event: None })
        }
        Some(RunError::Conditions(problem)) => Stop::Other(Made::Refused(problem.clone())),
        _ => Stop::Other(Made::Failed(problem)),
    }
}

/// What it returns, or what its panic said.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let outer = IN_RUN.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    IN_RUN.set(outer);
    result.map_err(|payload| match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast_ref::<&str>() {
            Some(text) => (*text).to_owned(),
            None => "something that is no text".to_owned(),
        },
    })
}

/// Everything wrong with an outcome.
fn finds(outcome: &Outcome) -> Vec<Find> {
    let result = &outcome.result;
    let mut finds = Vec::new();
    for violation in &result.violations {
        let name = violation.invariant.to_owned();
        let event = violation.first;
        match &violation.about {
            Some(about) if !violation.expected => {
                finds.push(Find { kind: Kind::Judge, name, about: about.clone(), event });
            }
            // What an adversary achieves is a measurement; what must hold all the same, checks say.
            None if !result.facts.adversary => {
                let at = event.map_or_else(String::new, |event| format!(", first at {event}"));
                let about = format!("broken by {} events{at}", violation.events);
                finds.push(Find { kind: Kind::Invariant, name, about, event });
            }
            _ => {}
        }
    }
    let broken = result.checks.iter().filter(|check| !check.ok && !check.expected_violation);
    for check in broken {
        if finds.iter().all(|find| find.name != check.name) {
            let about = format!(
                "measured {}, expected {} ({})",
                check.measured, check.expected, check.bound
            );
            let name = check.name.to_owned();
            finds.push(Find { kind: Kind::Check, name, about, event: None });
        }
    }
    finds
}

/// How the oracle's outcome differs, if it does.
fn disagreement(sharded: &Outcome, oracle: &Outcome) -> Option<Find> {
    let (a, b) = (&sharded.result, &oracle.result);
    let about = if a.digest != b.digest {
        format!("digest {:016x}, and {:016x} of the oracle", a.digest, b.digest)
    } else if a.violations != b.violations || a.checks != b.checks {
        "the same digest, and other verdicts of the oracle".to_owned()
    } else if a.totals != b.totals {
        "the same digest, and other counters of the oracle".to_owned()
    } else {
        return None;
    };
    let name = "sharded engine against the oracle".to_owned();
    Some(Find { kind: Kind::Disagreement, name, about, event: None })
}
