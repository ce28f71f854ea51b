//! What a run is compiled with: plain delays alone, or conditions as well.
//!
//! The engines are generic over a [`Mode`], so that a scenario without conditions pays nothing for
//! them: no branch, no byte per node, no byte per event.

use core::convert::Infallible;
use core::fmt::Debug;
use core::marker::PhantomData;

use anthill_protocol::{NodeId, Protocol, Time};

use crate::conditions::{Connections, NodeConditions, Order};
use crate::event::{Payload, tie};

/// One of the ways to compile the engines.
pub(crate) trait Mode: Send + Sync + Sized + 'static {
    /// What is kept per node.
    type NodeConditions: Default + Send;
    /// What travels with every event.
    type Stamp: Stamp;
    /// Exists where nodes restart.
    type Restart: Restart;
    /// Whether there are conditions; off, nothing that is only about them is compiled.
    const HAS_CONDITIONS: bool;

    /// The node's standing, where there is one.
    fn standing(standing: &mut Self::NodeConditions) -> Option<&mut NodeConditions<Self::Stamp>>;
}

/// A restart as an event's payload.
pub(crate) trait Restart: Copy + Send + Sync + Debug + 'static {
    /// The event, where restarts exist.
    const EVENT: Option<Self>;
}

impl Restart for Infallible {
    const EVENT: Option<Self> = None;
}

impl Restart for () {
    const EVENT: Option<Self> = Some(());
}

/// When a message was sent, where receivers need to know: on connections.
pub(crate) trait Stamp: Copy + Send + Sync + Debug + 'static {
    /// What senders keep there.
    type Order: Order;

    fn new(sent: Time) -> Self;
    fn sent(self) -> Option<Time>;
}

impl Stamp for () {
    type Order = ();

    #[inline]
    fn new(_: Time) -> Self {}

    #[inline]
    fn sent(self) -> Option<Time> {
        None
    }
}

/// An instant as bytes, so that an event's payload keeps its alignment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent([u8; 8]);

impl Stamp for Sent {
    type Order = Connections;

    #[inline]
    fn new(sent: Time) -> Self {
        Self(sent.0.to_ne_bytes())
    }

    #[inline]
    fn sent(self) -> Option<Time> {
        Some(Time(u64::from_ne_bytes(self.0)))
    }
}

/// Plain delays.
pub(crate) struct Ideal;

impl Mode for Ideal {
    type NodeConditions = ();
    type Stamp = ();
    type Restart = Infallible;
    const HAS_CONDITIONS: bool = false;

    #[inline]
    fn standing((): &mut ()) -> Option<&mut NodeConditions<()>> {
        None
    }
}

/// Delays and conditions; with `S` = [`Sent`], over connections.
pub(crate) struct Conditioned<S>(PhantomData<S>);

impl<S: Stamp> Mode for Conditioned<S> {
    type NodeConditions = NodeConditions<S>;
    type Stamp = S;
    type Restart = ();
    const HAS_CONDITIONS: bool = true;

    #[inline]
    fn standing(standing: &mut NodeConditions<S>) -> Option<&mut NodeConditions<S>> {
        Some(standing)
    }
}

/// What an event of a run carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamped<S, L> {
    pub(crate) stamp: S,
    pub(crate) payload: L,
}

/// What of a load decides about ties.
pub(crate) trait Ranked {
    /// Whether the event comes before all others of its instant and node: a node that comes up is
    /// up for whatever arrives at that very instant.
    fn comes_first(&self) -> bool;

    /// The event's tie-breaker; see [`Key`](crate::Key).
    #[inline]
    fn tie(&self, seed: u64, time: Time, source: NodeId) -> u64 {
        if self.comes_first() { 0 } else { tie(seed, time, source) }
    }
}

impl<S, M, T, R> Ranked for Stamped<S, Payload<M, T, R>> {
    #[inline]
    fn comes_first(&self) -> bool {
        matches!(self.payload, Payload::Restart(_))
    }
}

/// The payload of a protocol's events in a mode.
pub(crate) type PayloadOf<P, M> =
    Payload<<P as Protocol>::Message, <P as Protocol>::Timer, <M as Mode>::Restart>;

/// What its events carry.
pub(crate) type StampedOf<P, M> = Stamped<<M as Mode>::Stamp, PayloadOf<P, M>>;
