//! A protocol inside another: a state machine over a replicated log, a market over a chain.
//!
//! The outer protocol's messages, timers, bodies and metrics have a variant for the inner one's, and its
//! node holds the inner one's. It passes events on under [`Within`], a context that wraps what the inner
//! protocol asks for, and reads what the inner one says: its outputs. The inner protocol may live on a part
//! of the nodes, which it sees as `0..n`; with a [`Machine`] it is a log ([`super::ReplicatedLog`]).

use core::marker::PhantomData;

use super::{Answer, Ask, Machine};
use crate::{
    Bodies, Claim, Context, Digest, Keys, NodeId, Protocol, PublicKey, RegionId, Shared, Signature,
    Snapshot, Span, Time, Verdicts,
};

/// How an outer protocol wraps what an inner one asks for.
pub trait Embeds<Inner: Protocol>: Protocol {
    /// A message of the inner protocol as one of the outer's.
    fn message(message: Inner::Message) -> Self::Message;
    /// A timer.
    fn timer(timer: Inner::Timer) -> Self::Timer;
    /// A metric; `None`: it is not measured.
    fn metric(metric: Inner::Metric) -> Option<Self::Metric>;
    /// A body; `nodes` are those that the inner protocol lives on, by whose keys its signatures are checked
    /// ([`Part::keys`]).
    fn body(body: Inner::Body, nodes: Part) -> Self::Body;
    /// What is in a body of the outer protocol. A liar may name one of another kind: then anything that
    /// the inner protocol makes nothing of.
    fn inner(body: &Self::Body) -> &Inner::Body;
}

/// Nodes that an inner protocol lives on: the outer's from `first` on, so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Part {
    /// What is node 0 to the inner protocol.
    pub first: NodeId,
    /// How many it has.
    pub size: u32,
}

impl Part {
    /// One of its nodes, as the outer protocol knows it.
    pub fn outer(self, node: NodeId) -> NodeId {
        NodeId(self.first.0.saturating_add(node.0))
    }

    /// A node of the outer protocol, if it is one of these.
    pub fn inner(self, node: NodeId) -> Option<NodeId> {
        node.0.checked_sub(self.first.0).filter(|place| *place < self.size).map(NodeId)
    }

    /// All of them.
    pub fn nodes(self) -> impl Iterator<Item = NodeId> + Clone {
        (self.first.0..self.first.0.saturating_add(self.size)).map(NodeId)
    }

    /// The keys of the run, as the inner protocol names their owners.
    pub fn keys(self, keys: &mut dyn Keys) -> impl Keys {
        PartKeys { part: self, keys }
    }
}

struct PartKeys<'a> {
    part: Part,
    keys: &'a mut dyn Keys,
}

impl Keys for PartKeys<'_> {
    fn scenario(&self) -> u64 {
        self.keys.scenario()
    }

    fn public_key(&mut self, node: NodeId) -> PublicKey {
        self.keys.public_key(self.part.outer(node))
    }
}

/// What [`Within`] has in place of a machine where there is none.
#[derive(Clone, Copy, Debug)]
pub struct NoMachine;

impl<C> Machine<C> for NoMachine {
    fn ask(&mut self, _: Ask<'_>, _: &mut C) -> Answer {
        Answer::NoMachine
    }
}

/// The context of an inner protocol within a handler of the outer one.
pub struct Within<'a, Outer, Inner: Protocol, C, M = NoMachine> {
    outer: &'a mut C,
    part: Part,
    machine: M,
    outputs: Vec<Inner::Output>,
    of: PhantomData<fn(Outer)>,
}

impl<'a, Outer: Embeds<Inner>, Inner: Protocol, C: Context<Outer>> Within<'a, Outer, Inner, C> {
    /// Runs a handler of the inner protocol; returns what it returns, and what the inner node said.
    pub fn run<T>(
        outer: &'a mut C,
        handler: impl FnOnce(&mut Self) -> T,
    ) -> (T, Vec<Inner::Output>) {
        let part = Part { first: NodeId(0), size: outer.nodes() };
        Self::run_on(part, NoMachine, outer, handler)
    }
}

impl<'a, Outer, Inner, C, M> Within<'a, Outer, Inner, C, M>
where
    Outer: Embeds<Inner>,
    Inner: Protocol,
    C: Context<Outer>,
    M: Machine<C>,
{
    /// The same on a part of the nodes, of which this is one, with a machine that the inner protocol
    /// serves.
    pub fn run_on<T>(
        part: Part,
        machine: M,
        outer: &'a mut C,
        handler: impl FnOnce(&mut Self) -> T,
    ) -> (T, Vec<Inner::Output>) {
        let mut within = Self { outer, part, machine, outputs: Vec::new(), of: PhantomData };
        let returned = handler(&mut within);
        (returned, within.outputs)
    }

    /// Whether the inner protocol lives on all nodes.
    fn is_whole(&self) -> bool {
        self.part.size == self.outer.nodes()
    }
}

/// The bodies of the outer protocol, as the inner one reads them.
pub struct InnerBodies<Outer, Inner, B> {
    outer: B,
    of: PhantomData<fn(Outer, Inner)>,
}

impl<Outer, Inner, B: Clone> Clone for InnerBodies<Outer, Inner, B> {
    fn clone(&self) -> Self {
        Self { outer: self.outer.clone(), of: PhantomData }
    }
}

impl<Outer, Inner, B> Bodies<Inner::Body> for InnerBodies<Outer, Inner, B>
where
    Outer: Embeds<Inner>,
    Inner: Protocol,
    B: Bodies<Outer::Body>,
{
    fn get(&self, handle: Shared) -> &Inner::Body {
        Outer::inner(self.outer.get(handle))
    }
}

impl<Outer, Inner, C, M> Context<Inner> for Within<'_, Outer, Inner, C, M>
where
    Outer: Embeds<Inner>,
    Inner: Protocol,
    C: Context<Outer>,
    M: Machine<C>,
{
    type Bodies = InnerBodies<Outer, Inner, C::Bodies>;

    fn id(&self) -> NodeId {
        NodeId(self.outer.id().0.saturating_sub(self.part.first.0))
    }

    fn now(&self) -> Time {
        self.outer.now()
    }

    fn local_clock(&self) -> Time {
        self.outer.local_clock()
    }

    fn nodes(&self) -> u32 {
        self.part.size
    }

    fn region_of(&self, node: NodeId) -> RegionId {
        self.outer.region_of(self.part.outer(node))
    }

    /// On a part of the nodes all know each other.
    fn degree(&self) -> u32 {
        if self.is_whole() { self.outer.degree() } else { self.part.size.saturating_sub(1) }
    }

    fn peer(&self, slot: u32) -> NodeId {
        if self.is_whole() {
            return self.outer.peer(slot);
        }
        assert!(slot < self.degree(), "slot {slot} of {}", self.degree());
        NodeId(slot + u32::from(slot >= self.id().0))
    }

    fn random(&mut self) -> u64 {
        self.outer.random()
    }

    fn send(&mut self, to: NodeId, message: Inner::Message) {
        // The inner protocol may answer a node that it does not have.
        if to.0 < self.part.size {
            self.outer.send(self.part.outer(to), Outer::message(message));
        }
    }

    fn send_slot(&mut self, slot: u32, message: Inner::Message) {
        if self.is_whole() {
            self.outer.send_slot(slot, Outer::message(message));
        } else {
            self.send(self.peer(slot), message);
        }
    }

    fn set_timer(&mut self, delay: Span, timer: Inner::Timer) {
        self.outer.set_timer(delay, Outer::timer(timer));
    }

    fn share(&mut self, body: Inner::Body) -> Shared {
        self.outer.share(Outer::body(body, self.part))
    }

    fn intern(&mut self, body: Inner::Body) -> Shared {
        self.outer.intern(Outer::body(body, self.part))
    }

    fn bodies(&self) -> Self::Bodies {
        InnerBodies { outer: self.outer.bodies(), of: PhantomData }
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
        self.outer.public_key(self.part.outer(of))
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

    fn machine(&mut self, ask: Ask<'_>) -> Answer {
        self.machine.ask(ask, self.outer)
    }
}
