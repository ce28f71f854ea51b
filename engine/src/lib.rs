//! How a network of nodes runs: from a scenario to an outcome.
//!
//! The folder reads in the order of the data: [`scenario`] (what to run) → [`topology`] and
//! [`network`] (who talks to whom, and how long it takes) → placement of nodes in sub-shards and
//! shards → calendar mailboxes → windows → [`outcome`] (what was measured). [`sequential`] is the
//! oracle: the same result from a plain binary heap.

pub mod network;
pub mod outcome;
pub mod scenario;
pub mod topology;
