//! A protocol inside another: a state machine over a replicated log, a market over a chain.
//!
//! The outer protocol's messages, timers and metrics have a variant for the inner one's, and its node
//! holds the inner one's. It passes events on under [`Within`], a context that wraps what the inner
//! protocol asks for, and reads what the inner one says: its outputs.

use core::marker::PhantomData;

use crate::{
    Claim, Context, Digest, NodeId, Protocol, PublicKey, RegionId, Shared, Signature, Span, Time,
    Verdicts,
};

/// How an outer protocol wraps what an inner one asks for.
pub trait Embeds<Inner: Protocol>: Protocol<Body = Inner::Body> {
    /// A message of the inner protocol as one of the outer's.
    fn message(message: Inner::Message) -> Self::Message;
    /// A timer.
    fn timer(timer: Inner::Timer) -> Self::Timer;
    /// A metric; `None`: it is not measured.
    fn metric(metric: Inner::Metric) -> Option<Self::Metric>;
}

/// The context of an inner protocol within a handler of the outer one.
pub struct Within<'a, Outer, Inner: Protocol, C> {
    outer: &'a mut C,
    outputs: Vec<Inner::Output>,
    of: PhantomData<fn(Outer)>,
}

impl<'a, Outer: Embeds<Inner>, Inner: Protocol, C: Context<Outer>> Within<'a, Outer, Inner, C> {
    /// Runs a handler of the inner protocol; returns what it returns, and what the inner node said.
    pub fn run<T>(
        outer: &'a mut C,
        handler: impl FnOnce(&mut Self) -> T,
    ) -> (T, Vec<Inner::Output>) {
        let mut within = Self { outer, outputs: Vec::new(), of: PhantomData };
        let returned = handler(&mut within);
        (returned, within.outputs)
    }
}

impl<Outer: Embeds<Inner>, Inner: Protocol, C: Context<Outer>> Context<Inner>
    for Within<'_, Outer, Inner, C>
{
    type Bodies = C::Bodies;

    fn id(&self) -> NodeId {
        self.outer.id()
    }

    fn now(&self) -> Time {
        self.outer.now()
    }

    fn local_clock(&self) -> Time {
        self.outer.local_clock()
    }

    fn nodes(&self) -> u32 {
        self.outer.nodes()
    }

    fn region_of(&self, node: NodeId) -> RegionId {
        self.outer.region_of(node)
    }

    fn degree(&self) -> u32 {
        self.outer.degree()
    }

    fn peer(&self, slot: u32) -> NodeId {
        self.outer.peer(slot)
    }

    fn random(&mut self) -> u64 {
        self.outer.random()
    }

    fn send(&mut self, to: NodeId, message: Inner::Message) {
        self.outer.send(to, Outer::message(message));
    }

    fn send_slot(&mut self, slot: u32, message: Inner::Message) {
        self.outer.send_slot(slot, Outer::message(message));
    }

    fn set_timer(&mut self, delay: Span, timer: Inner::Timer) {
        self.outer.set_timer(delay, Outer::timer(timer));
    }

    fn share(&mut self, body: Inner::Body) -> Shared {
        self.outer.share(body)
    }

    fn intern(&mut self, body: Inner::Body) -> Shared {
        self.outer.intern(body)
    }

    fn bodies(&self) -> C::Bodies {
        self.outer.bodies()
    }

    fn retain(&mut self, body: Shared) {
        self.outer.retain(body);
    }

    fn release(&mut self, body: Shared) {
        self.outer.release(body);
    }

    fn verify_body(&mut self, body: Shared) -> Verdicts {
        self.outer.verify_body(body)
    }

    fn scenario(&self) -> u64 {
        self.outer.scenario()
    }

    fn public_key(&mut self, of: NodeId) -> PublicKey {
        self.outer.public_key(of)
    }

    fn sign(&mut self, digest: &Digest) -> Signature {
        self.outer.sign(digest)
    }

    fn verify(&mut self, claim: &Claim) -> bool {
        self.outer.verify(claim)
    }

    fn charge(&mut self, cpu: Span) {
        self.outer.charge(cpu);
    }

    fn record(&mut self, metric: Inner::Metric, value: u64) {
        if let Some(metric) = Outer::metric(metric) {
            self.outer.record(metric, value);
        }
    }

    fn output(&mut self, output: Inner::Output) {
        self.outputs.push(output);
    }
}
