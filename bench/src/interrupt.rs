//! Ctrl-C (INT), TERM and HUP: all ask the process to end, with exit code 130.
//!
//! While a command only prepares, nothing is worth saving: the process ends at once, and the empty
//! directories that it made go with it. Once a run has begun, it is asked to end at its next window
//! and saves what it has. A second Ctrl-C then ends the process at once; a second TERM or HUP does
//! not, because a closing terminal or a service manager may send more than one. HUP stays ignored
//! where it was (`nohup`).

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::command::Exit;
use crate::engines::Control;
use crate::run_directory::RunDirectory;
use crate::terminal;

/// The process's answer to signals.
#[derive(Debug)]
pub(crate) struct Interrupts(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Directories that were claimed, innermost first.
    made: Vec<PathBuf>,
    /// Whom to ask; `None` while nothing is worth saving.
    running: Option<Arc<Control>>,
    /// Whom to tell instead, once, while a command only waits.
    waiting: Option<Sender<()>>,
}

impl Interrupts {
    /// Begins to listen; once per process.
    ///
    /// # Errors
    /// If the system refuses the handlers or a thread.
    pub(crate) fn watch() -> anyhow::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let mut wanted = vec![SIGINT, SIGTERM];
        if !is_ignored(SIGHUP) {
            wanted.push(SIGHUP);
        }
        let mut signals = Signals::new(wanted).context("cannot watch for signals")?;
        let shared = Arc::clone(&state);
        let listen = move || {
            for signal in signals.forever() {
                answer(&mut lock(&shared), signal);
            }
        };
        let named = thread::Builder::new().name("signals".to_owned());
        named.spawn(listen).context("cannot start a thread that watches for signals")?;
        Ok(Self(state))
    }

    /// Claims a directory; a signal from then on takes it away again, as long as it is empty and
    /// nothing has begun.
    pub(crate) fn claim<E>(
        &self,
        claim: impl FnOnce() -> Result<RunDirectory, E>,
    ) -> Result<RunDirectory, E> {
        let mut state = lock(&self.0);
        let run = claim()?;
        state.made.splice(0..0, run.made().iter().cloned());
        Ok(run)
    }

    /// From here on a signal asks `control` to end instead of ending the process. `first` writes
    /// what says so on disk, and is not disturbed.
    pub(crate) fn begin<T>(&self, control: &Arc<Control>, first: impl FnOnce() -> T) -> T {
        let mut state = lock(&self.0);
        state.running = Some(Arc::clone(control));
        first()
    }

    /// Does what must be done whole or not at all; a signal waits until then.
    pub(crate) fn hold<T>(&self, work: impl FnOnce() -> T) -> T {
        let _state = lock(&self.0);
        work()
    }

    /// Waits for a signal, which then ends nothing but this; at once if one came before.
    pub(crate) fn wait(&self) {
        let (sender, signal) = mpsc::channel();
        {
            let mut state = lock(&self.0);
            let asked = |control: &Arc<Control>| control.interrupt.load(Ordering::Relaxed);
            if state.running.as_ref().is_some_and(asked) {
                return;
            }
            state.waiting = Some(sender);
        }
        // The sender is dropped only after it was used.
        let _ = signal.recv();
    }

    /// What was begun is saved, and more is prepared; whether it was asked to end meanwhile.
    pub(crate) fn pause(&self) -> bool {
        let running = lock(&self.0).running.take();
        running.is_some_and(|control| control.interrupt.load(Ordering::Relaxed))
    }
}

/// Ends the process once stdin ends: it is held open by the process that started this one, so that
/// none outlives it, however it died.
///
/// # Errors
/// If the system refuses a thread.
pub(crate) fn end_with_stdin() -> anyhow::Result<()> {
    let wait = || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        end_at_once();
    };
    let named = thread::Builder::new().name("stdin".to_owned());
    named.spawn(wait).context("cannot start a thread that watches stdin")?;
    Ok(())
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A claim that panicked has changed nothing halfway.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock is held to the end: nothing begins while the process ends.
fn answer(state: &mut State, signal: i32) {
    if let Some(waiting) = state.waiting.take() {
        let _ = waiting.send(());
        return;
    }
    let Some(control) = &state.running else {
        for directory in &state.made {
            // What holds anything stays.
            let _ = fs::remove_dir(directory);
        }
        terminal::complain("interrupted", "before there was anything to save");
        end_at_once()
    };
    // Of several processes one speaks.
    let speaks = control.processes.as_ref().is_none_or(|all| all.rank() == 0);
    let again = match control.checkpoints {
        // A run that can go on ends between two windows.
        Some(_) => control.asked.save_and_end(),
        None => control.interrupt.swap(true, Ordering::Relaxed),
    };
    if !again {
        if !speaks {
            return;
        }
        terminal::complain("interrupted", "saving what is finished; Ctrl-C again ends at once");
    } else if signal == SIGINT {
        end_at_once();
    }
}

/// Ends the process without what usually comes before: other threads go on until the last moment, and
/// would use what is torn down, the allocator's heaps for one.
fn end_at_once() -> ! {
    // SAFETY: nothing of this process runs after the call.
    unsafe { libc::_exit(i32::from(Exit::Interrupted.code())) }
}

/// Whether whoever started this process has it ignore a signal.
fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: nothing is changed; `action` is filled if the call succeeds, and zeroes are a value.
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}
