//! Many runs as one piece of work: each in its own process, kept as it finishes, resumed later.
//!
//! `anthill scale`, `sweep` and `compare` differ in which runs they want and in what they say of
//! them; this module owns what lies between. A [`Plan`] names the runs, a [`Store`] is the
//! directory that holds those that are finished, [`run_all`] makes the missing ones. Invariants:
//!
//! * A run is a process, so that its peak memory and its CPU time are its own. It never outlives the
//!   process that started it.
//! * A finished run is kept under its final name or not at all, and is never made again.
//! * A directory belongs to one plan. What would mix two (other scenarios, another version of
//!   this program, other contents of a file) is refused, naming the difference; more runs of each
//!   scenario are the same plan, extended.

mod admission;
mod finished;
mod plan;
mod process;
mod schedule;
mod seed;
mod store;

pub(crate) use process::die_with_parent;

pub(crate) use admission::admit;
pub(crate) use finished::Finished;
pub(crate) use plan::{Configuration, Plan, Point};
pub(crate) use schedule::{Halt, Limits, run_all};
pub(crate) use seed::derived_seed;
pub(crate) use store::Store;

use std::path::PathBuf;

use thiserror::Error;

/// The most runs of one plan: what they leave must stay within a run directory's 50 MB.
pub(crate) const MAX_RUNS: usize = 10_000;

/// Why a piece of work cannot be started or continued; what was finished stays.
#[derive(Debug, Error)]
pub(crate) enum PointsError {
    /// The directory holds something else.
    #[error(
        "{} is not empty and is none of `anthill {kind}`: {problem}; choose another --out DIR",
        path.display()
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// The command.
        kind: &'static str,
        /// What tells.
        problem: String,
    },
    /// The directory holds other work.
    #[error(
        "{} holds another plan: {difference}. Choose another --out DIR, or continue that one: \
         {command}",
        path.display()
    )]
    OtherPlan {
        /// The directory.
        path: PathBuf,
        /// The first thing that differs.
        difference: String,
        /// The command that it was made by.
        command: String,
    },
    /// Another process works there.
    #[error("another process works in {}; wait for it, or choose another --out DIR", path.display())]
    Busy {
        /// The directory.
        path: PathBuf,
    },
    /// Kept runs are damaged. They are not made again unasked: what damaged them may have damaged
    /// more, and who edited one may want it.
    #[error(
        "{}: {problem}; delete that file to make this run again{}",
        path.display(), also(others)
    )]
    Damaged {
        /// The first such file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// The others.
        others: Vec<PathBuf>,
    },
    /// The file system refused.
    #[error("cannot use {}: {problem}; what is finished is kept", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why; no source of this error, which has told it.
        problem: std::io::Error,
    },
    /// The directory was removed.
    #[error("{} was removed while the runs went on: {file} is not saved", path.display())]
    Gone {
        /// The directory.
        path: PathBuf,
        /// What was to be written.
        file: String,
    },
    /// The system refuses another thread.
    #[error("cannot start a thread for a run: {problem}; fewer --jobs need fewer")]
    Threads {
        /// Why.
        problem: std::io::Error,
    },
    /// Too many runs.
    #[error(
        "{runs} runs are too many for one directory (at most {MAX_RUNS}): fewer values or fewer \
         repeats, or several commands"
    )]
    TooMany {
        /// How many were asked for.
        runs: u64,
    },
    /// A run refused its input.
    #[error("{label}: {message}")]
    Refused {
        /// The run.
        label: String,
        /// What it said.
        message: String,
    },
    /// The scenario file, or one that it names, was edited meanwhile.
    #[error(
        "{label}: the scenario is not the planned one any more ({difference}); put it back, or \
         start again with another --out DIR"
    )]
    Changed {
        /// The run.
        label: String,
        /// The first line that differs.
        difference: String,
    },
    /// A run ended without a result, though its input was good.
    #[error("{label}: {how}")]
    Died {
        /// The run.
        label: String,
        /// How it ended.
        how: String,
    },
}

/// Further damaged files.
fn also(others: &[PathBuf]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<String> =
        others.iter().take(SHOWN).map(|path| path.display().to_string()).collect();
    let more = others.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    match names[..] {
        [] => String::new(),
        _ => format!(" (and likewise {}{more})", names.join(", ")),
    }
}
