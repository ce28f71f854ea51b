//! What a node of an emulated network does, and nothing else.
//!
//! This crate is *sans-IO*: no clock, socket, thread, global or operating-system randomness.
//! Time, peers, randomness and effects come in through a [`Context`], so the same code runs in a
//! unit test ([`recording::Recording`]), under the sharded engine, under the sequential oracle and
//! (later) over TCP.
//!
//! Reading order: [`Protocol`] and [`Context`] are the contract; [`Message`], [`Metric`],
//! [`Snapshot`] describe what a protocol exchanges, measures and keeps, and are derived, with the
//! widths of [`Wire`]; [`Output`] is what nodes say and [`judge`] what must hold between them;
//! [`parameter`] is how a scenario configures it; [`laws`] hold for all; [`phold`] is the smallest
//! complete protocol, [`gossip`] the next.
//!
//! # A complete protocol
//!
//! A token that visits all nodes in turn, once, and how long that takes:
//!
//! ```
//! use anthill_protocol::recording::Pump;
//! use anthill_protocol::*;
//!
//! struct Ring;
//!
//! #[derive(Clone, Copy, Debug, Message)]
//! struct Token(u32); // how many nodes it has visited
//!
//! #[derive(Clone, Copy, Metric)]
//! enum RingMetric {
//!     /// Nodes visited.
//!     Visited,
//!     /// Time until all were.
//!     #[metric(latency)]
//!     Lap,
//! }
//!
//! impl Protocol for Ring {
//!     type Node = bool; // whether the token was here
//!     type Message = Token;
//!     type Body = NoBody;
//!     type Timer = ();
//!     type Metric = RingMetric;
//!     type Output = NoOutput;
//!
//!     fn start(&self, cx: &mut impl Context<Self>) -> bool {
//!         if cx.id() == NodeId(0) { cx.set_timer(Span::from_secs(1), ()) }
//!         false
//!     }
//!
//!     fn on_timer(&self, node: &mut bool, (): (), cx: &mut impl Context<Self>) {
//!         self.on_message(node, cx.id(), &Token(0), cx);
//!     }
//!
//!     fn on_message(&self, node: &mut bool, _: NodeId, token: &Token, cx: &mut impl Context<Self>) {
//!         if *node { return cx.record(RingMetric::Lap, cx.now().0 - Span::from_secs(1).0) }
//!         *node = true;
//!         cx.record(RingMetric::Visited, 1);
//!         cx.send(NodeId((cx.id().0 + 1) % cx.nodes()), Token(token.0 + 1));
//!     }
//! }
//!
//! let facts = Pump::new(Ring, 100).delay(Span::from_millis(5)).run(Time::MAX);
//! assert_eq!(facts.totals.of(RingMetric::Visited), 100);
//! assert_eq!(facts.last_event.as_secs_f64(), 1.5);
//! ```

// Derived code names this crate as others do.
extern crate self as anthill_protocol;

pub mod behaviour;
mod body;
pub mod check;
pub mod complexity;
mod context;
mod diagram;
mod dice;
pub mod draw;
mod estimate;
pub mod gossip;
pub mod history;
mod ids;
pub mod invariant;
pub mod judge;
mod key;
pub mod kit;
pub mod laws;
pub mod ledger;
mod message;
mod metric;
mod output;
pub mod parameter;
pub mod phold;
mod protocol;
pub mod recording;
mod signature;
pub mod signed_phold;
mod snapshot;
mod table;
mod time;
pub mod timers;
pub mod traffic;
mod wire;

pub use body::{Bodies, Body, NoBody, Shared, Verdicts};
pub use check::{Answers, Check, Questions, Reach, RunFacts};
pub use context::Context;
pub use diagram::{Diagram, Part};
pub use dice::Dice;
pub use estimate::{RunScale, SignatureEstimate};
pub use ids::{NodeId, RegionId};
pub use key::Key;
pub use message::{Message, fingerprint_bytes};
pub use metric::{Better, Metric, MetricInfo, MetricKind, Totals};
pub use output::{NoOutput, Output};
pub use protocol::{Configure, Protocol};
pub use signature::{Claim, Digest, Keys, LengthError, PublicKey, Signature};
pub use snapshot::{Snapshot, SnapshotError, fold_bytes};
pub use table::{Cell, Column, Holds};
pub use time::{Span, Time};
pub use wire::{Wire, WireError};

/// Derives, beside the traits of the same names; their attributes are documented here.
pub use anthill_protocol_derive::{Message, Metric, Output, Parameters, Snapshot, Wire};
