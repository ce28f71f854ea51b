//! How a network of nodes runs: from a scenario to an outcome.
//!
//! The folder reads in the order of the data: [`scenario`] (what to run; its files are [`input`]s) → [`topology`] and
//! [`network`] (who talks to whom, and how long it takes) → `windows` (the sharded engine: mailboxes, threads,
//! windows; all of its raw pointers) → `host`, `tally` (what a handler does and what is counted) → `jury`
//! (judges, held nodes' talk and schedules at boundaries) → [`outcome`], which `judge` puts beside
//! theory. [`crypto`] makes and checks signatures. [`sequential`] is the oracle: the same result from a
//! plain binary heap. [`checkpoint`] is what of a run another process goes on from; [`processes`] is how several run
//! one together.

mod bodies;
pub mod checkpoint;
mod clock;
pub mod conditions;
pub mod crypto;
pub mod divergence;
mod event;
pub mod external;
mod held;
mod history;
mod host;
pub mod input;
mod judge;
mod jury;
mod ledger;
mod live;
mod machine;
mod memory;
mod mode;
pub mod network;
pub mod outcome;
pub mod processes;
mod refusal;
mod run;
pub mod scenario;
mod schedule;
pub mod sequential;
mod signing;
mod tally;
pub mod topology;
pub mod trace;
mod windows;

pub use event::Key;
pub use history::{History, HistoryEntry};
pub use host::window;
pub use judge::judge;
pub use ledger::{Ledger, LedgerLimits};
pub use live::{Glimpse, Live, NodeGlimpse, RowOf};
pub use machine::MachineMemory;
pub use memory::MemoryEstimate;
pub use run::{Control, RunError, Visit, Watch};
pub use windows::sharded::{resume, run, run_under, run_visited};
