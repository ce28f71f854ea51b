//! What a node of an emulated network does, and nothing else.
//!
//! This crate is *sans-IO*: no clock, socket, thread, global or operating-system randomness.
//! Time, peers, randomness and effects come in through a [`Context`], so the same code runs in a
//! unit test ([`recording::Recording`]), under the sharded engine, under the sequential oracle and
//! (later) over TCP.
//!
//! Reading order: [`Protocol`] and [`Context`] are the contract; [`Message`], [`Metric`],
//! [`Snapshot`] describe what a protocol exchanges, measures and keeps; [`parameter`] is how a
//! scenario configures it; [`phold`] is the smallest complete protocol, [`gossip`] the next.

pub mod check;
mod context;
pub mod draw;
pub mod gossip;
mod ids;
mod message;
mod metric;
pub mod parameter;
pub mod phold;
mod protocol;
pub mod recording;
mod snapshot;
mod time;

pub use check::{Check, RunFacts};
pub use context::Context;
pub use ids::{NodeId, RegionId};
pub use message::{Message, fingerprint_bytes};
pub use metric::{Metric, MetricInfo, MetricKind, Totals};
pub use protocol::{Configure, Protocol};
pub use snapshot::{Snapshot, SnapshotError, fold_bytes};
pub use time::{Span, Time};
