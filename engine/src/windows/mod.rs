//! The sharded engine: nodes in sub-shards, events in calendars, threads that meet once per window.
//!
//! Reads in the order of an event's way: `placement` of nodes in sub-shards and shards → `chunk`, `calendar` (the
//! mailboxes: lists of events by window and sub-shard) → `sink` (where a handler's events go) → `subshard` (one
//! sub-shard in one window) with `order` and `turns` (handler calls) → `sharded` (the threads) and `lead` (what one
//! of them decides between windows), with `pace` (alone or together), `rendezvous` (where they meet) and `prefetch`;
//! `saved` is how a run is saved and gone on with, `watched` what a watcher is shown of single nodes, `external` how
//! programs are waited for.
//!
//! All of the engine's raw pointers into nodes and mailboxes are here. Who owns what is said in `sharded`.

pub(crate) mod calendar;
pub(crate) mod chunk;
mod external;
pub(crate) mod late;
pub(crate) mod lead;
pub(crate) mod order;
pub(crate) mod pace;
pub(crate) mod placement;
pub(crate) mod prefetch;
pub(crate) mod rendezvous;
mod saved;
pub(crate) mod sharded;
pub(crate) mod sink;
pub(crate) mod slots;
pub(crate) mod subshard;
pub(crate) mod turns;
mod watched;
