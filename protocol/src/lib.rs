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
//! #[derive(Clone, Copy, Debug)]
//! struct Token(u32); // how many nodes it has visited
//!
//! impl Message for Token {
//!     const KINDS: &'static [&'static str] = &["token"];
//!     fn kind(&self) -> usize { 0 }
//!     fn encoded_len(&self) -> u32 { 4 }
//!     fn encode(&self, out: &mut Vec<u8>) { out.extend(self.0.to_le_bytes()) }
//!     fn decode(bytes: &[u8]) -> Option<Self> {
//!         bytes.try_into().ok().map(u32::from_le_bytes).map(Self)
//!     }
//!     fn fingerprint(&self) -> u64 { self.0.into() }
//! }
//!
//! #[derive(Clone, Copy)]
//! enum RingMetric { Visited, Lap }
//!
//! impl Metric for RingMetric {
//!     const ALL: &'static [MetricInfo] = &[
//!         MetricInfo { name: "visited", kind: MetricKind::Sum, about: "nodes visited" },
//!         MetricInfo { name: "lap", kind: MetricKind::Latency, about: "time until all were" },
//!     ];
//!     fn index(self) -> usize { self as usize }
//! }
//!
//! impl Protocol for Ring {
//!     type Node = bool; // whether the token was here
//!     type Message = Token;
//!     type Body = NoBody;
//!     type Timer = ();
//!     type Metric = RingMetric;
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

mod body;
pub mod check;
mod context;
mod diagram;
pub mod draw;
mod estimate;
pub mod gossip;
mod ids;
pub mod invariant;
mod message;
mod metric;
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
pub mod witness;

pub use body::{Bodies, Body, NoBody, Shared, Verdicts};
pub use check::{Answers, Check, Questions, Reach, RunFacts};
pub use context::Context;
pub use diagram::{Diagram, Part};
pub use estimate::{RunScale, SignatureEstimate};
pub use ids::{NodeId, RegionId};
pub use message::{Message, fingerprint_bytes};
pub use metric::{Metric, MetricInfo, MetricKind, Totals};
pub use protocol::{Configure, Protocol};
pub use signature::{Claim, Digest, Keys, LengthError, PublicKey, Signature};
pub use snapshot::{Snapshot, SnapshotError, fold_bytes};
pub use table::{Cell, Column, Holds};
pub use time::{Span, Time};
