//! What a node may ask of, and do to, the world around it.

use crate::kit::{Answer, Ask};
use crate::{
    Bodies, Claim, Digest, NodeId, Protocol, PublicKey, RegionId, Shared, Signature, Span, Time,
    Verdicts,
};

/// The host of one handler call: the only door between protocol code and the world.
///
/// Calls are monomorphised (no indirect call per effect). Effects take place after the handler in
/// virtual time, in the order in which they were asked for.
pub trait Context<P: Protocol> {
    /// Reads shared bodies.
    type Bodies: Bodies<P::Body>;

    /// The node whose handler runs.
    fn id(&self) -> NodeId;

    /// The instant of this handler's event; with a CPU model the instant at which it is served, plus
    /// what it has charged so far.
    fn now(&self) -> Time;

    /// What the node's own clock shows; equals [`Context::now`] unless the scenario skews clocks.
    fn local_clock(&self) -> Time {
        self.now()
    }

    /// How many nodes the network has; ids are `0..nodes`.
    fn nodes(&self) -> u32;

    /// The region in which a node was placed.
    fn region_of(&self, node: NodeId) -> RegionId;

    /// How many neighbours this node has in the topology.
    fn degree(&self) -> u32;

    /// The neighbour in slot `slot < degree()`.
    ///
    /// # Panics
    /// If `slot` is not below the degree.
    fn peer(&self, slot: u32) -> NodeId;

    /// 64 uniform bits from this node's own stream.
    fn random(&mut self) -> u64;

    /// A uniform number below `bound`; 0 for bound 0.
    #[inline]
    fn random_below(&mut self, bound: u64) -> u64 {
        crate::draw::below(self.random(), bound)
    }

    /// Sends a message to any node. To itself it is a timer after the loopback delay and no
    /// message on the wire.
    fn send(&mut self, to: NodeId, message: P::Message);

    /// Sends a message to the neighbour in slot `slot`, over that edge's own latency if the
    /// topology has one.
    ///
    /// # Panics
    /// If `slot` is not below the degree.
    #[inline]
    fn send_slot(&mut self, slot: u32, message: P::Message) {
        let to = self.peer(slot);
        self.send(to, message);
    }

    /// Sends a message to every neighbour, in slot order.
    fn broadcast(&mut self, message: P::Message) {
        for slot in 0..self.degree() {
            self.send_slot(slot, message);
        }
    }

    /// Calls [`Protocol::on_timer`] of this node after `delay`; one shot, cannot be cancelled: a
    /// stale timer is recognised by the round inside it.
    fn set_timer(&mut self, delay: Span, timer: P::Timer);

    /// Makes a body known and names it after this node and its count of effects.
    fn share(&mut self, body: P::Body) -> Shared;

    /// Makes a body known and names it after its content: whoever interns equal content gets an
    /// equal handle, and it is kept once.
    ///
    /// # Panics
    /// If other content has the same [`crate::Body::fingerprint`].
    fn intern(&mut self, body: P::Body) -> Shared;

    /// The shared bodies. What is read from it borrows from it and not from the context.
    fn bodies(&self) -> Self::Bodies;

    /// Keeps a body while the node's state holds its handle; counted, undone by
    /// [`Context::release`].
    fn retain(&mut self, body: Shared);

    /// Undoes one [`Context::retain`].
    fn release(&mut self, body: Shared);

    /// Which signatures of a body hold. Occupies the virtual CPU for all of them, whatever the host
    /// saved.
    fn verify_body(&mut self, body: Shared) -> Verdicts;

    /// What tells the signatures of this run from those of others; goes into every [`Digest`].
    fn scenario(&self) -> u64;

    /// The public key of a node.
    fn public_key(&mut self, of: NodeId) -> PublicKey;

    /// Signs a digest with this node's key: the same bytes whenever it is asked. Occupies the
    /// virtual CPU as the scenario's cost table says.
    fn sign(&mut self, digest: &Digest) -> Signature;

    /// Whether a claim holds. Occupies the virtual CPU as the cost table says, whatever the host
    /// saved by knowing the answer.
    fn verify(&mut self, claim: &Claim) -> bool;

    /// Occupies the node's virtual CPU. Without a CPU model this is only counted.
    fn charge(&mut self, cpu: Span);

    /// Records one value of a metric.
    fn record(&mut self, metric: P::Metric, value: u64);

    /// Tells the outside world something, which the protocol's [judges](crate::judge) hear.
    fn output(&mut self, output: P::Output);

    /// Whether a program outside the emulation plays this node: [`Protocol::on_line`].
    #[inline]
    fn is_external(&self) -> bool {
        false
    }

    /// Hands a line, without its end, to the program that plays this node; it has it once this window is
    /// over. Nothing where [`Context::is_external`] is false.
    #[inline]
    fn tell_program(&mut self, _line: &str) {}

    /// What a protocol that is a log asks the machine that it serves, if there is one: see
    /// [`kit::ReplicatedLog`](crate::kit::ReplicatedLog). Hosts have none.
    #[inline]
    fn machine(&mut self, _ask: Ask<'_>) -> Answer {
        Answer::NoMachine
    }
}
