//! The commands, one module each, and how they end.

mod batch;
mod calibrate;
mod compare;
mod complexity;
mod contract;
mod demo;
mod export;
mod fork;
mod ledger;
mod node;
mod playback;
mod profile;
mod protocols;
mod replay;
mod report;
mod run;
mod scale;
mod shell;
mod swarm;
mod sweep;
mod trace;
mod validate;

use std::process::ExitCode;

pub(crate) use batch::{quoted, repeated_in};

use crate::Registry;
use crate::args::{Command, CommandLine};
use crate::clock::Stopwatch;
use crate::interrupt::Interrupts;
use crate::processes;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// A check failed inside its bound, digests differ, or the memory limit was reached.
    Violated,
    /// The input cannot be run.
    BadInput,
    /// Ctrl-C, TERM or HUP; what was finished is saved.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Violated => 1,
            Self::BadInput => 2,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Runs the command; `watch` has run since the process started.
pub(crate) fn dispatch(
    registry: &Registry,
    line: CommandLine,
    watch: Stopwatch,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let command = line.command.unwrap_or_else(|| Command::Run(Box::default()));
    processes::only_run(registry, &command)?;
    match command {
        Command::Run(args) => run::run(registry, *args, watch, interrupts),
        Command::Validate(args) => validate::validate(registry, args),
        Command::Protocols(args) => protocols::protocols(registry, &args),
        Command::Calibrate(args) => calibrate::calibrate(&args, interrupts),
        Command::Profile(args) => profile::profile(registry, &args, interrupts),
        Command::Report(args) => report::report(&args, interrupts),
        Command::Export(args) => export::export(registry, args),
        Command::Fork(args) => fork::fork(registry, &args, interrupts),
        Command::Ledger(args) => ledger::ledger(args),
        Command::Replay(args) => replay::replay(registry, &args),
        Command::Scale(args) => scale::scale(registry, &args, interrupts),
        Command::Sweep(args) => sweep::sweep(registry, &args, interrupts),
        Command::Compare(args) => compare::compare(registry, &args, interrupts),
        Command::Swarm(args) => swarm::swarm(registry, &args, interrupts),
        Command::Demo(args) => demo::demo(registry, &args, interrupts),
        Command::Node(args) => node::node(registry, &args, interrupts),
        Command::Client(args) => node::client(&args),
        Command::Cluster(args) => node::cluster(registry, &args, interrupts),
        Command::Complexity(args) => complexity::complexity(registry, &args, interrupts),
        Command::Contract(args) => contract::contract(&args),
        Command::Schema => shell::schema(registry),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
        Command::Playback(args) => playback::playback(registry, &args, interrupts),
        Command::Trace(args) => trace::trace(registry, &args, interrupts),
    }
}
