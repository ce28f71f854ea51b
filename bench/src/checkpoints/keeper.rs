//! When a run is saved, and what is said of it.
//!
//! So often *by the host's clock*, because that is what a long run is interrupted by; where in virtual
//! time that falls changes nothing of what the run ends in. A thread asks for each; the engine hands it
//! over at its next window's edge and waits until it is on disk. If that fails, the run goes on and the
//! previous one stays.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fs, mem};

use anthill_engine::checkpoint::{Checkpoints, Saving};
use anthill_engine::scenario::{parse_count, parse_span};
use anthill_protocol::Time;
use anyhow::{Context as _, bail};

use crate::args::SavedArgs;
use crate::clock::Stopwatch;
use crate::engines::Control;
use crate::{terminal, units};

/// Faster than this a run would do nothing else.
const LEAST_EVERY: Duration = Duration::from_millis(100);
const MOST_KEPT: u64 = 1_000;
/// How late the thread may see that a run has ended.
const LOOK: Duration = Duration::from_millis(200);

/// What of a run is saved while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Habit {
    /// How often; `None`: only at Ctrl-C.
    pub every: Option<Duration>,
    /// How many are kept when the run is done; before that, at least one is.
    pub keep: usize,
}

impl Habit {
    /// Reads the flags; `None` if nothing is saved.
    pub(crate) fn new(args: &SavedArgs) -> anyhow::Result<Option<Self>> {
        let Some(text) = &args.checkpoint_every else {
            // What goes on is worth keeping.
            return Ok(args.resume.as_ref().map(|_| Self { every: None, keep: 0 }));
        };
        let every = match parse_span(text) {
            Ok(span) => Duration::from_nanos(span.0),
            Err(problem) => bail!("--checkpoint-every {text} {problem}"),
        };
        if every < LEAST_EVERY {
            bail!("--checkpoint-every {text} is too often: write at least 100ms");
        }
        let keep = match &args.checkpoint_keep {
            None => 0,
            Some(text) => match parse_count(text) {
                Ok(keep @ 1..=MOST_KEPT) => keep as usize,
                Ok(_) => bail!("--checkpoint-keep {text}: write 1 to {MOST_KEPT}"),
                Err(problem) => bail!("--checkpoint-keep {text} {problem}"),
            },
        };
        Ok(Some(Self { every: Some(every), keep }))
    }
}

/// Keeps the checkpoints of one run.
#[derive(Debug)]
pub(crate) struct Keeper {
    habit: Habit,
    shared: Arc<Shared>,
    timer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// Known once it is claimed.
    directory: OnceLock<PathBuf>,
    ended: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Since the last one, or the start.
    since: Stopwatch,
    /// Those that are on disk, oldest first.
    kept: Vec<(Time, PathBuf)>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // It is changed whole or not at all.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes one, and removes those before it that are too many.
    fn take(&self, at: Time, saving: &mut Saving<'_>, keep: usize) {
        let directory = self.directory.get().expect("claimed before the run starts");
        let watch = Stopwatch::start();
        let written = super::write(directory, at, saving);
        let mut state = self.state();
        match written {
            Ok((path, bytes)) => {
                let took = units::nanos(watch.elapsed().as_nanos() as u64);
                let size = units::bytes(bytes);
                let at_text = units::nanos(at.0);
                terminal::complain("saved", &format!("at {at_text}: {size}, written in {took}"));
                state.kept.push((at, path));
                let too_many = state.kept.len().saturating_sub(keep.max(1));
                for (_, path) in state.kept.drain(..too_many) {
                    // Best effort: one too many does no harm.
                    let _ = fs::remove_file(path);
                }
            }
            Err(problem) => {
                let kept = match state.kept.last() {
                    Some((at, _)) => format!("the one at {} stays", units::nanos(at.0)),
                    None => "there is none before it".to_owned(),
                };
                terminal::complain(
                    "error",
                    &format!(
                        "cannot save the run at {} in {}: {problem}; {kept}",
                        units::nanos(at.0),
                        directory.display()
                    ),
                );
            }
        }
        state.since = Stopwatch::start();
    }
}

impl Keeper {
    /// Of a run that has no directory yet.
    pub(crate) fn new(habit: Habit) -> Self {
        let state = State { since: Stopwatch::start(), kept: Vec::new() };
        let shared = Shared {
            directory: OnceLock::new(),
            ended: AtomicBool::new(false),
            state: Mutex::new(state),
        };
        Self { habit, shared: Arc::new(shared), timer: None }
    }

    /// What the engine hands its checkpoints to.
    pub(crate) fn checkpoints(&self) -> Checkpoints {
        let (shared, keep) = (Arc::clone(&self.shared), self.habit.keep);
        Checkpoints::when_asked(move |at, saving| {
            shared.take(at, saving, keep);
            ControlFlow::Continue(())
        })
    }

    /// From here on they are asked for, and kept in this directory.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub(crate) fn start(&mut self, directory: &Path, control: &Arc<Control>) -> anyhow::Result<()> {
        self.shared.directory.get_or_init(|| directory.to_owned());
        self.shared.state().since = Stopwatch::start();
        let Some(every) = self.habit.every else { return Ok(()) };
        let (shared, control) = (Arc::clone(&self.shared), Arc::clone(control));
        let named = thread::Builder::new().name("checkpoints".to_owned());
        let timer = named
            .spawn(move || ask(every, &shared, &control))
            .context("cannot start a thread that asks for checkpoints")?;
        self.timer = Some(timer);
        Ok(())
    }

    /// Whether there is one to go on from.
    pub(crate) fn has_any(&self) -> bool {
        !self.shared.state().kept.is_empty()
    }

    /// The run is over. Of one that was not interrupted, only what was asked for stays.
    pub(crate) fn finish(mut self, interrupted: bool) {
        self.end();
        let mut state = self.shared.state();
        if !interrupted && self.habit.keep == 0 {
            for (_, path) in mem::take(&mut state.kept) {
                let _ = fs::remove_file(path);
            }
        }
        let directory = self.shared.directory.get();
        if let (true, Some((at, _)), Some(directory)) = (interrupted, state.kept.last(), directory)
        {
            terminal::complain(
                "saved",
                &format!(
                    "what came before {}; go on with: {} run --resume {}",
                    units::nanos(at.0),
                    crate::build::name(),
                    crate::command::quoted(&directory.display().to_string())
                ),
            );
        }
    }

    fn end(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(timer) = self.timer.take() {
            timer.thread().unpark();
            let _ = timer.join();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}

/// Asks for one whenever so much time has passed since the last.
fn ask(every: Duration, shared: &Shared, control: &Control) {
    while !shared.ended.load(Ordering::Relaxed) {
        let since = shared.state().since.elapsed();
        match every.checked_sub(since) {
            Some(left) if !left.is_zero() => thread::park_timeout(left.min(LOOK)),
            _ => {
                control.asked.save();
                thread::park_timeout(LOOK);
            }
        }
    }
}
