//! The runs of a swarm: drawn, made on all threads, and looked at in the order of their numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anthill_protocol::Dice;
use anthill_protocol::draw::mix;
use anyhow::bail;

use super::Deadline;
use super::coverage::{Exercised, Seen};
use super::draw::{Drawn, draw};
use super::plan::SwarmPlan;
use super::run::{Find, How, Made, Slot, make};
use crate::Registry;
use crate::clock::Stopwatch;

/// Every so many runs of a protocol one is made with the oracle too.
const COMPARED: u64 = 8;

/// Draws of one run that may be refused before the protocol is said to refuse all.
const MOST_DRAWS: u64 = 500;

/// How often the monitor looks at the runs that are made.
const LOOK: Duration = Duration::from_millis(20);

/// A find, as it was drawn.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// The run's number.
    pub(super) run: u64,
    /// The run.
    pub(super) drawn: Drawn<'a>,
    /// The first thing wrong with it.
    pub(super) find: Find,
}

/// What all runs came to.
#[derive(Debug, Default)]
pub(super) struct Explored<'a> {
    /// Runs that were looked at: all up to this number.
    pub(super) runs: u64,
    /// By protocol, in the plan's order.
    pub(super) exercised: Vec<Exercised>,
    /// The find with the least number.
    pub(super) found: Option<Found<'a>>,
}

impl Explored<'_> {
    /// Situations that were not met, each with its protocol.
    pub(super) fn not_exercised(&self, plan: &SwarmPlan<'_>) -> Vec<(&'static str, &'static str)> {
        let each = plan.subjects.iter().zip(&self.exercised);
        let unmet = |(subject, exercised): (&super::draw::Subject<'_>, &Exercised)| {
            let name = subject.entry.protocol.name;
            exercised.not_exercised(subject.entry).into_iter().map(move |unmet| (name, unmet))
        };
        each.flat_map(unmet).collect()
    }
}

/// What came of one number.
enum Came<'a> {
    /// A run, after so many draws that were refused; without what it showed if it was too large.
    Run { refused: u64, seen: Option<Box<Seen>>, found: Option<Box<(Drawn<'a>, Find)>> },
    /// Every draw was refused, the last one for this reason.
    AllRefused(String),
    /// It was ended.
    Interrupted,
    /// The machine could not.
    Failed(anyhow::Error),
}

/// Makes the runs until one finds something, all are made, or time or patience is over.
///
/// # Errors
/// If a protocol refuses whatever is drawn, or the machine fails.
pub(super) fn explore<'a>(
    registry: &Registry,
    plan: &SwarmPlan<'a>,
    interrupt: &AtomicBool,
) -> anyhow::Result<Explored<'a>> {
    let deadline = Deadline { watch: Stopwatch::start(), seconds: plan.seconds };
    let threads = plan.threads.min(usize::try_from(plan.runs).unwrap_or(usize::MAX));
    let slots: Vec<Slot> = (0..threads).map(|_| Slot::default()).collect();
    let (next, most) = (AtomicU64::new(0), AtomicU64::new(plan.runs));
    let (send, receive) = mpsc::channel();
    let ends = || interrupt.load(Ordering::Relaxed);
    let work = |slot: &Slot, send: mpsc::Sender<(u64, Came<'a>)>| {
        loop {
            if ends() || deadline.is_over() {
                return;
            }
            let run = next.fetch_add(1, Ordering::Relaxed);
            // Of two finds that with the least number counts: runs before one go on.
            if run >= most.load(Ordering::Relaxed) {
                return;
            }
            let came = one(registry, plan, run, slot);
            if !matches!(came, Came::Run { found: None, .. }) {
                most.fetch_min(run, Ordering::Relaxed);
            }
            if send.send((run, came)).is_err() {
                return;
            }
        }
    };
    let mut explored = Explored {
        exercised: plan.subjects.iter().map(|_| Exercised::default()).collect(),
        ..Explored::default()
    };
    let seen: Vec<&Slot> = slots.iter().collect();
    watched(&seen, &ends, || {
        thread::scope(|scope| {
            for slot in &slots {
                let send = send.clone();
                let work = &work;
                scope.spawn(move || work(slot, send));
            }
            drop(send);
            in_order(plan, receive, &mut explored)
        })
    })?;
    Ok(explored)
}

/// Looks at what comes in the order of numbers, up to the first that ends it all.
fn in_order<'a>(
    plan: &SwarmPlan<'a>,
    receive: mpsc::Receiver<(u64, Came<'a>)>,
    explored: &mut Explored<'a>,
) -> anyhow::Result<()> {
    let mut waiting = BTreeMap::new();
    let mut ended = None;
    for (run, came) in receive {
        waiting.insert(run, came);
        while ended.is_none() {
            let Some(came) = waiting.remove(&explored.runs) else { break };
            let place = plan.place(explored.runs);
            match came {
                Came::Run { refused, seen, found } => {
                    explored.exercised[place].add(refused, seen.as_deref(), found.is_some());
                    if let Some(found) = found {
                        let (drawn, find) = *found;
                        explored.found = Some(Found { run: explored.runs, drawn, find });
                        ended = Some(Ok(()));
                    }
                    explored.runs += 1;
                }
                Came::AllRefused(reason) => {
                    let name = plan.subjects[place].entry.protocol.name;
                    ended = Some(Err(anyhow::anyhow!(
                        "{name}: none of {MOST_DRAWS} draws can be run, the last of them because: \
                         {reason}; let the protocol draw for itself what it needs (`Configure::swarm`)"
                    )));
                }
                Came::Interrupted => ended = Some(Ok(())),
                Came::Failed(problem) => ended = Some(Err(problem)),
            }
        }
    }
    match ended {
        Some(Err(problem)) => bail!(problem),
        _ => Ok(()),
    }
}

/// Draws a run until one is drawn that can be run, and makes it.
fn one<'a>(registry: &Registry, plan: &SwarmPlan<'a>, run: u64, slot: &Slot) -> Came<'a> {
    let subject = &plan.subjects[plan.place(run)];
    let turn = run / plan.subjects.len() as u64;
    let compare = turn % COMPARED == COMPARED - 1;
    let mut reason = String::new();
    for refused in 0..MOST_DRAWS {
        let drawn = draw(subject, &mut Dice::new(mix(mix(plan.seed, run), refused)));
        match make(registry, &drawn.case, How { stop: false, compare }, slot) {
            Made::Done { finds, outcome } => {
                let seen = outcome.as_deref().map(|(scenario, outcome)| {
                    Box::new(Seen::of(&drawn, scenario, outcome, compare))
                });
                let find = finds.into_iter().next();
                let found = find.map(|find| Box::new((drawn, find)));
                return Came::Run { refused, seen, found };
            }
            Made::TooLarge => return Came::Run { refused, seen: None, found: None },
            Made::Interrupted => return Came::Interrupted,
            Made::Failed(problem) => return Came::Failed(problem),
            Made::Refused(why) => reason = why,
        }
    }
    Came::AllRefused(reason)
}

/// Does some work, while a thread of its own ends runs that are too large, or all when all is to end.
pub(super) fn watched<T>(
    slots: &[&Slot],
    ends: &(dyn Fn() -> bool + Sync),
    work: impl FnOnce() -> T,
) -> T {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let monitor = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                slots.iter().for_each(|slot| slot.look(ends()));
                thread::park_timeout(LOOK);
            }
        });
        // However the work ends.
        let _last = Last { done: &done, monitor: monitor.thread() };
        work()
    })
}

/// Ends the monitor.
struct Last<'a> {
    done: &'a AtomicBool,
    monitor: &'a thread::Thread,
}

impl Drop for Last<'_> {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        self.monitor.unpark();
    }
}
