//! How a network of nodes runs: from a scenario to an outcome.
//!
//! The folder reads in the order of the data: [`scenario`] (what to run; its files are [`input`]s) → [`topology`] and
//! [`network`] (who talks to whom, and how long it takes) → `placement` of nodes in sub-shards and
//! shards → `event`, `chunk`, `calendar` (the mailboxes) → `sink`, `subshard`, `sharded`, `lead`,
//! `pace`, `rendezvous` (windows and threads) → `host`, `tally` (what a handler does and what is counted) →
//! [`outcome`], which `judge` puts beside theory. [`crypto`] makes and checks signatures. [`sequential`] is the oracle: the
//! same result from a plain binary heap.

mod bodies;
mod calendar;
mod chunk;
mod clock;
pub mod conditions;
pub mod crypto;
pub mod divergence;
mod event;
mod fabric;
mod held;
mod host;
pub mod input;
mod judge;
mod jury;
mod lead;
mod live;
mod machine;
mod memory;
mod mode;
pub mod network;
pub mod outcome;
mod pace;
mod placement;
mod prefetch;
mod refusal;
mod rendezvous;
mod run;
pub mod scenario;
mod schedule;
pub mod sequential;
mod sharded;
mod signing;
mod sink;
mod subshard;
mod tally;
pub mod topology;
pub mod trace;

pub use event::Key;
pub use host::window;
pub use judge::judge;
pub use live::{Glimpse, Live};
pub use machine::MachineMemory;
pub use memory::MemoryEstimate;
pub use run::{Control, RunError, Visit, Watch};
pub use sharded::{run, run_under, run_visited};
