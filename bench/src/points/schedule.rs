//! Makes the missing runs of a plan, several at a time where that disturbs none.
//!
//! Results do not depend on what else runs; times do. So `scale` gives [`Limits`] of one run at a
//! time, and the others as many as cores and memory allow. Runs start in the plan's order; one that
//! does not fit beside those that are running waits until it does.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Finished, Plan, Point, PointsError, Store, process};
use crate::args::ProgressChoice;
use crate::clock::Stopwatch;
use crate::machine::Memory;
use crate::{terminal, units};

/// How much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Runs at a time.
    pub jobs: usize,
    /// Threads of each, where the scenario does not say; `None`: as it would alone.
    pub threads: Option<usize>,
}

/// Why not all runs were made.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Ctrl-C.
    Interrupted,
    /// A run cannot be made.
    Failed(PointsError),
}

impl Limits {
    /// One at a time, on all the threads that it wants: for measuring.
    pub(crate) const ALONE: Self = Self { jobs: 1, threads: None };

    /// As many as there are cores, of as many threads as divide these among them.
    pub(crate) fn shared(jobs: Option<usize>, plan: &Plan) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let given = plan.configurations.iter().any(|configuration| {
            let engine = &configuration.scenario.engine;
            engine.threads.is_some() || engine.shards.is_some()
        });
        let jobs = jobs.unwrap_or(cores).clamp(1, plan.points.len().max(1));
        Self { jobs, threads: (!given).then(|| (cores / jobs).clamp(1, 64)) }
    }
}

/// What the workers share.
struct Queue<'a> {
    /// Those left to start, the next one last.
    left: Vec<&'a Point>,
    made: BTreeMap<String, Finished>,
    running: usize,
    bytes: u64,
    failed: Option<PointsError>,
}

struct Work<'a> {
    plan: &'a Plan,
    store: &'a Store,
    limits: Limits,
    /// Memory for the runs, together.
    available: u64,
    interrupt: &'a AtomicBool,
    /// Set when a run failed: the others are ended.
    failed: AtomicBool,
    queue: Mutex<Queue<'a>>,
    changed: Condvar,
    watch: Stopwatch,
    total: usize,
    shown: bool,
}

/// Makes all runs of a plan that the store does not hold yet, and puts them there.
///
/// # Errors
/// If not all were made; those that were are kept.
pub(crate) fn run_all(
    plan: &Plan,
    store: &mut Store,
    limits: Limits,
    interrupt: &AtomicBool,
    progress: ProgressChoice,
) -> Result<(), Halt> {
    let missing = |point: &&Point| !store.finished().contains_key(&point.id);
    let left: Vec<&Point> = plan.points.iter().filter(missing).rev().collect();
    let memory = Memory::read();
    let total = left.len();
    if total > 0 {
        store.begin_runs().map_err(Halt::Failed)?;
    }
    let queue = Queue { left, made: BTreeMap::new(), running: 0, bytes: 0, failed: None };
    let work = Work {
        plan,
        store,
        limits,
        available: if memory.total == 0 { u64::MAX } else { memory.available },
        interrupt,
        failed: AtomicBool::new(false),
        queue: Mutex::new(queue),
        changed: Condvar::new(),
        watch: Stopwatch::start(),
        total,
        shown: progress == ProgressChoice::Auto && io::stderr().is_terminal(),
    };
    thread::scope(|scope| {
        for _ in 0..limits.jobs.min(total) {
            if let Err(problem) = thread::Builder::new().spawn_scoped(scope, || work.serve()) {
                work.failed.store(true, Ordering::Relaxed);
                work.lock().failed.get_or_insert(PointsError::Threads { problem });
                break;
            }
        }
    });
    let queue = work.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (made, failed) = (queue.made, queue.failed);
    store.extend(made);
    match failed {
        Some(problem) => Err(Halt::Failed(problem)),
        None if plan.points.iter().any(|point| !store.finished().contains_key(&point.id)) => {
            Err(Halt::Interrupted)
        }
        None => Ok(()),
    }
}

impl<'a> Work<'a> {
    fn serve(&self) {
        while let Some((point, bytes)) = self.next() {
            let halt = [self.interrupt, &self.failed];
            let outcome = process::run(self.plan, point, self.limits.threads, self.store, &halt);
            let mut queue = self.lock();
            queue.running -= 1;
            queue.bytes -= bytes;
            match outcome {
                Ok(Some(finished)) => {
                    queue.made.insert(point.id.clone(), finished);
                    self.tell(point, queue.made.len());
                }
                // Someone asked it to end: so will everything else.
                Ok(None) => self.failed.store(true, Ordering::Relaxed),
                Err(problem) => {
                    self.failed.store(true, Ordering::Relaxed);
                    let problem = self.store.or_gone_with(point, problem);
                    queue.failed.get_or_insert(problem);
                }
            }
            self.changed.notify_all();
        }
    }

    /// The next point, as soon as it fits beside those that are running.
    fn next(&self) -> Option<(&'a Point, u64)> {
        let mut queue = self.lock();
        loop {
            let halted =
                [self.interrupt, &self.failed].iter().any(|halt| halt.load(Ordering::Relaxed));
            let point = *queue.left.last()?;
            if halted {
                return None;
            }
            let bytes = self.plan.configurations[point.configuration].expected_bytes;
            if queue.running == 0 || queue.bytes.saturating_add(bytes) <= self.available {
                queue.left.pop();
                queue.running += 1;
                queue.bytes += bytes;
                return Some((point, bytes));
            }
            let patience = Duration::from_millis(100);
            let woken = self.changed.wait_timeout(queue, patience);
            queue = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<'a>> {
        // A worker that panicked has changed nothing halfway.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, point: &Point, made: usize) {
        if !self.shown {
            return;
        }
        let passed = self.watch.elapsed().as_secs_f64();
        let left = passed / made as f64 * (self.total - made) as f64;
        let label = self.plan.label(point);
        let text =
            format!("{made} of {}: {label}; about {} left", self.total, units::seconds(left));
        terminal::complain("done", &text);
    }
}
