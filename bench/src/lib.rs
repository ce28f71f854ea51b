//! The `anthill` command line as a library.
//!
//! Owns everything between what a user types and what is on disk afterwards: raw arguments
//! (`args`) → a checked plan (`plan`) → the engine, through the one module that talks to it
//! (`engines`) → exporters (`export`) into a claimed directory (`run_directory`). It is a function
//! over a [`Registry`] of protocols, so a protocol of another crate gets the whole command line:
//!
//! ```no_run
//! use anthill_bench::{Registry, entry};
//! use anthill_protocol::phold::Phold; // or your own protocol
//!
//! fn main() -> std::process::ExitCode {
//!     const PRESET: &str = "nodes = 1000\nuntil = \"1s\"\n[protocol]\nname = \"phold\"\n";
//!     anthill_bench::main(Registry::new(vec![entry::<Phold>(PRESET)]))
//! }
//! ```

mod args;
mod build;
mod checkpoints;
mod clock;
mod command;
mod conditions_text;
mod cost;
mod diagram;
mod engines;
mod export;
mod external;
#[cfg(test)]
mod fabricated;
mod inputs;
mod interrupt;
mod ledger;
mod machine;
mod map;
pub mod measure;
mod memory;
mod notes;
mod page;
mod plan;
mod playback;
mod plot;
mod points;
mod processes;
mod profile;
mod progress;
mod regions;
mod registry;
mod report;
mod run_directory;
mod serve;
mod setting;
mod signing_budget;
mod statistics;
mod summary_text;
mod table;
mod terminal;
mod trace;
mod units;

use std::panic;
use std::process::ExitCode;

pub use anthill_engine::scenario::ProtocolInfo;
pub use args::EngineChoice;
pub use build::Build;
pub use diagram::Recorded;
pub use engines::{Control, Inspection, LimitingLink, MemoryEstimate, Prepared, ShowRow, Tail};
pub use machine::{machine_name, process_cpu_s};
#[doc(hidden)]
pub use mimalloc::MiMalloc;
pub use plan::PlanError;
pub use registry::{Entry, NamedScenario, Registry, RunWithRows, entry};

/// Runs the command line of this process over the given protocols.
///
/// Exit codes: 0 done; 1 a check failed inside its stated bound, or stopped at the memory limit;
/// 2 bad input; 130 interrupted.
pub fn main(registry: Registry) -> ExitCode {
    let watch = clock::Stopwatch::start();
    let line = match args::parse() {
        Ok(line) => line,
        Err(message) => {
            // Help and version arrive here too; clap knows which stream and code they take.
            if processes::is_seen(&registry) {
                let _ = message.print();
            }
            return ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(2));
        }
    };
    report_panics();
    let ended = interrupt::Interrupts::watch()
        .and_then(|interrupts| command::dispatch(&registry, line, watch, &interrupts));
    match ended {
        Ok(exit) => exit.into(),
        Err(problem) => {
            if processes::tells(&registry, &problem) {
                terminal::complain("error", &terminal::told(&problem));
            }
            command::Exit::BadInput.into()
        }
    }
}

/// Makes mimalloc the allocator of a binary: `anthill_bench::fast_allocator!();` beside its `main`.
///
/// The calendars allocate from their own pools; what remains (topologies, node states on the heap,
/// exports) is faster with mimalloc than with the system's allocator.
#[macro_export]
macro_rules! fast_allocator {
    () => {
        #[global_allocator]
        static ALLOCATOR: $crate::MiMalloc = $crate::MiMalloc;
    };
}

/// Adds to every panic's message which build of this program it is a fault of.
fn report_panics() {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        told(info);
        let (name, built) = (build::name(), build::told());
        let report = "please report it with the scenario";
        terminal::complain("fault", &format!("in {name} {built}; {report}"));
    }));
}

/// The README's code, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ReadmeDoctests;

/// Likewise the page that teaches the kit.
#[cfg(doctest)]
#[doc = include_str!("../../docs/write-a-protocol.md")]
struct WriteAProtocolDoctests;
