//! Raft (Ongaro and Ousterhout 2014, figure 2): groups of replicas, each with a leader that replicates a log.

#![forbid(unsafe_code)]

mod raft;

pub use raft::Raft;
