//! Conditions to the nanosecond, through both engines: instants worked out by hand from
//! docs/conditions.md.
//!
//! The engines share the code of this folder, so comparing one with the other says nothing about
//! it. `script` is the protocol that all of this runs; every other file is one kind of condition.

mod adversary;
mod bound;
mod churn;
mod clocks;
mod cpu;
mod damage;
mod digest;
mod lives;
mod messages;
mod pinned;
mod queues;
mod rates;
mod scheduler;
mod script;
mod selection;
