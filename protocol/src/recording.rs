//! A [`Context`] that writes down what a handler does: the host of unit tests.
//!
//! [`Recording`] runs one handler of one node and keeps its effects in the order in which they
//! were asked for; [`Pump`] delivers such effects between a few thousand nodes. Both are plain
//! data structures without clock or threads: protocols are tested here long before any engine
//! runs them, and an engine that disagrees with them is wrong.
//!
//! ```
//! use anthill_protocol::phold::{Phold, Token};
//! use anthill_protocol::recording::{Effect, Recording};
//! use anthill_protocol::{Configure, NodeId, Protocol, Time};
//! use anthill_protocol::parameter::Values;
//!
//! let phold = Phold::configure(&Values::defaults(Phold::PARAMETERS)).unwrap();
//! let mut cx = Recording::new(NodeId(3), 10).at(Time(5)).seed(1);
//! let mut node = phold.start(&mut cx);
//! cx.clear();
//! phold.on_message(&mut node, NodeId(7), &Token, &mut cx);
//! assert!(matches!(cx.effects(), [Effect::Record { .. }, Effect::Send { .. }]));
//! ```

use core::fmt;
use std::sync::Arc;

use crate::behaviour::Hosts;
use crate::draw::{self, Purpose};
use crate::{
    Bodies as _, Body as _, Claim, Context, Digest, Keys, NodeId, Protocol, PublicKey, RegionId,
    Shared, Signature, Span, Time, Verdicts, laws,
};

/// So many messages and timers of a node may be held against the laws.
const LAWFUL: u32 = 16;

mod bodies;
mod pump;
mod weather;

pub use bodies::RecordedBodies;
pub use pump::{Delivery, Pump};

/// One thing that a handler asked for.
pub enum Effect<P: Protocol> {
    /// A message.
    Send {
        /// Its receiver.
        to: NodeId,
        /// The slot it was sent over, unless it was addressed to a node.
        slot: Option<u32>,
        /// What was sent.
        message: P::Message,
    },
    /// A timer.
    Timer {
        /// The instant at which it fires.
        at: Time,
        /// Its tag.
        timer: P::Timer,
    },
    /// Virtual CPU time.
    Charge(Span),
    /// One value of a metric.
    Record {
        /// Which metric.
        metric: P::Metric,
        /// The value.
        value: u64,
    },
    /// What the outside world is told.
    Output(P::Output),
    /// A held node wants to be woken.
    Wake {
        /// At this instant.
        at: Time,
    },
}

/// The recorded world of one node; on a complete topology until [`Recording::peers`] says
/// otherwise.
pub struct Recording<P: Protocol> {
    id: NodeId,
    now: Time,
    charged: Span,
    nodes: u32,
    region: RegionId,
    neighbours: Neighbours,
    seed: u64,
    drawn: u64,
    /// How many bodies this node has shared.
    shared: u32,
    /// How many messages it has sent and timers it has set, and the number of the event handled.
    sent: u32,
    event: u32,
    /// What held nodes have told each other.
    told: Vec<(NodeId, P::Message)>,
    bodies: RecordedBodies<P::Body>,
    /// How many more times this node retained bodies than it released some.
    retained: i64,
    /// The same, body by body: 1 for each time that it retained one, -1 that it released one.
    holds: Vec<(Shared, i64)>,
    effects: Vec<Effect<P>>,
}

/// Who sits in which slot.
#[derive(Clone)]
enum Neighbours {
    /// Every other node, by id.
    Complete,
    /// A list; shared, because [`Pump`] hands it to a recording at every event.
    Listed(Arc<[NodeId]>),
}

impl<P: Protocol> Recording<P> {
    /// The world of node `id` among `nodes`, at time zero and with seed 0.
    pub fn new(id: NodeId, nodes: u32) -> Self {
        Self {
            id,
            now: Time::ZERO,
            charged: Span::ZERO,
            nodes,
            region: RegionId::default(),
            neighbours: Neighbours::Complete,
            seed: 0,
            drawn: 0,
            shared: 0,
            sent: 0,
            event: 0,
            told: Vec::new(),
            bodies: RecordedBodies::default(),
            retained: 0,
            holds: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// Sets the instant.
    #[must_use]
    pub fn at(mut self, now: Time) -> Self {
        self.set_now(now);
        self
    }

    /// Sets the neighbours, in slot order.
    #[must_use]
    pub fn peers(mut self, peers: &[NodeId]) -> Self {
        self.neighbours = Neighbours::Listed(peers.into());
        self
    }

    /// Sets the seed of the draws.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Reads and adds to the bodies of another recording.
    #[must_use]
    pub fn bodies_of(mut self, bodies: RecordedBodies<P::Body>) -> Self {
        self.bodies = bodies;
        self
    }

    /// Puts all nodes into one region.
    #[must_use]
    pub fn region(mut self, region: RegionId) -> Self {
        self.region = region;
        self
    }

    /// Moves to another instant, for the next handler.
    pub fn set_now(&mut self, now: Time) {
        self.now = now;
        self.charged = Span::ZERO;
    }

    /// What was asked for, in order.
    pub fn effects(&self) -> &[Effect<P>] {
        &self.effects
    }

    /// The receivers of all messages, in order.
    pub fn receivers(&self) -> Vec<NodeId> {
        self.sends().map(|(to, _)| to).collect()
    }

    /// The messages, in order.
    pub fn messages(&self) -> Vec<P::Message> {
        self.sends().map(|(_, message)| message).collect()
    }

    /// The outputs, in order.
    pub fn outputs(&self) -> Vec<P::Output> {
        let output = |effect: &Effect<P>| match effect {
            Effect::Output(output) => Some(*output),
            _ => None,
        };
        self.effects.iter().filter_map(output).collect()
    }

    /// The instants of all timers, in order.
    pub fn timers(&self) -> Vec<Time> {
        let at = |effect: &Effect<P>| match effect {
            Effect::Timer { at, .. } => Some(*at),
            _ => None,
        };
        self.effects.iter().filter_map(at).collect()
    }

    /// How many bodies this node retains: one that it retained twice counts twice.
    pub fn retained(&self) -> i64 {
        self.retained
    }

    /// Forgets the effects; time and draws go on.
    pub fn clear(&mut self) {
        self.effects.clear();
    }

    fn sends(&self) -> impl Iterator<Item = (NodeId, P::Message)> + '_ {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Send { to, message, .. } => Some((*to, *message)),
            _ => None,
        })
    }
}

impl<P: Protocol> Context<P> for Recording<P> {
    type Bodies = RecordedBodies<P::Body>;

    fn id(&self) -> NodeId {
        self.id
    }

    fn now(&self) -> Time {
        self.now + self.charged
    }

    fn nodes(&self) -> u32 {
        self.nodes
    }

    fn region_of(&self, _node: NodeId) -> RegionId {
        self.region
    }

    fn degree(&self) -> u32 {
        match &self.neighbours {
            Neighbours::Complete => self.nodes - 1,
            Neighbours::Listed(peers) => peers.len() as u32,
        }
    }

    fn peer(&self, slot: u32) -> NodeId {
        assert!(slot < self.degree(), "slot {slot} of {}", self.degree());
        match &self.neighbours {
            Neighbours::Complete => NodeId(if slot < self.id.0 { slot } else { slot + 1 }),
            Neighbours::Listed(peers) => peers[slot as usize],
        }
    }

    fn random(&mut self) -> u64 {
        let stream = draw::stream(self.seed, Purpose::Protocol, self.id);
        self.drawn += 1;
        draw::draw(stream, self.drawn - 1)
    }

    fn send(&mut self, to: NodeId, message: P::Message) {
        assert!(to.0 < self.nodes, "a message to {to} of {} nodes", self.nodes);
        self.sent += 1;
        self.effects.push(Effect::Send { to, slot: None, message });
    }

    fn send_slot(&mut self, slot: u32, message: P::Message) {
        let to = self.peer(slot);
        self.sent += 1;
        self.effects.push(Effect::Send { to, slot: Some(slot), message });
    }

    fn set_timer(&mut self, delay: Span, timer: P::Timer) {
        if self.sent < LAWFUL {
            laws::state(&timer);
        }
        self.sent += 1;
        self.effects.push(Effect::Timer { at: self.now() + delay, timer });
    }

    fn share(&mut self, body: P::Body) -> Shared {
        self.shared += 1;
        let id = Shared::name_of_shared(self.id.0, self.shared, body.fingerprint());
        self.bodies.share(id, body)
    }

    fn intern(&mut self, body: P::Body) -> Shared {
        self.bodies.intern(body)
    }

    fn bodies(&self) -> RecordedBodies<P::Body> {
        self.bodies.clone()
    }

    fn retain(&mut self, body: Shared) {
        self.retained += 1;
        self.holds.push((body, 1));
    }

    fn release(&mut self, body: Shared) {
        self.retained -= 1;
        self.holds.push((body, -1));
    }

    fn verify_body(&mut self, body: Shared) -> Verdicts {
        let bodies = self.bodies.clone();
        let mut verdicts = Vec::new();
        let mut keys = RecordedKeys(self.seed);
        bodies.get(body).claims(&mut keys, &mut |claim| verdicts.push(recorded_verdict(&claim)));
        Verdicts::of(&verdicts)
    }

    fn scenario(&self) -> u64 {
        self.seed
    }

    fn public_key(&mut self, of: NodeId) -> PublicKey {
        RecordedKeys(self.seed).public_key(of)
    }

    fn sign(&mut self, digest: &Digest) -> Signature {
        let key = self.public_key(self.id);
        recorded_signature(&key, digest)
    }

    fn verify(&mut self, claim: &Claim) -> bool {
        recorded_verdict(claim)
    }

    fn charge(&mut self, cpu: Span) {
        self.charged = self.charged + cpu;
        self.effects.push(Effect::Charge(cpu));
    }

    fn record(&mut self, metric: P::Metric, value: u64) {
        self.effects.push(Effect::Record { metric, value });
    }

    fn output(&mut self, output: P::Output) {
        self.effects.push(Effect::Output(output));
    }
}

impl<P: Protocol> Hosts<P> for Recording<P> {
    fn event_number(&self) -> u32 {
        self.event
    }

    fn next_number(&self) -> u32 {
        self.sent
    }

    fn wake_after(&mut self, delay: Span) {
        self.sent += 1;
        self.effects.push(Effect::Wake { at: self.now() + delay });
    }

    fn tell(&mut self, message: P::Message) {
        self.told.push((self.id, message));
    }

    fn told(&self) -> Vec<(NodeId, P::Message)> {
        self.told.clone()
    }
}

/// The keys of a recording with a seed.
struct RecordedKeys(u64);

impl Keys for RecordedKeys {
    fn scenario(&self) -> u64 {
        self.0
    }

    fn public_key(&mut self, node: NodeId) -> PublicKey {
        PublicKey(Digest::of("recording: key", self.0, node.0, &[]).0)
    }
}

fn recorded_verdict(claim: &Claim) -> bool {
    recorded_signature(&claim.key, &claim.digest) == claim.signature
}

/// What stands for a signature in a recording. It proves nothing: anyone can compute it.
fn recorded_signature(key: &PublicKey, digest: &Digest) -> Signature {
    let mut bytes = [0; 64];
    for (half, kind) in bytes.chunks_mut(32).zip(0..) {
        let body = [&key.0[..], &digest.0[..]].concat();
        half.copy_from_slice(&Digest::of("recording: signature", 0, kind, &body).0);
    }
    Signature(bytes)
}

/// By hand: a derived one would ask for `P: Debug`, which parameters need not be.
impl<P: Protocol> fmt::Debug for Effect<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { to, slot: Some(slot), message } => {
                write!(f, "{message:?} to {to} over slot {slot}")
            }
            Self::Send { to, slot: None, message } => write!(f, "{message:?} to {to}"),
            Self::Timer { at, timer } => write!(f, "{timer:?} at {at}"),
            Self::Charge(cpu) => write!(f, "{cpu} of CPU"),
            Self::Record { metric, value } => {
                use crate::Metric as _;
                write!(f, "{} += {value}", P::Metric::ALL[metric.index()].name)
            }
            Self::Output(output) => write!(f, "{output:?}"),
            Self::Wake { at } => write!(f, "wakes at {at}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phold::{Phold, PholdMetric, Token};

    #[test]
    fn effects_are_kept_in_order_and_charges_delay_what_follows() {
        let mut cx = Recording::<Phold>::new(NodeId(1), 3).at(Time(100)).peers(&[NodeId(2)]);
        cx.set_timer(Span(5), ());
        cx.charge(Span(10));
        cx.broadcast(Token);
        cx.set_timer(Span(5), ());
        cx.record(PholdMetric::Handled, 2);
        let shown: Vec<String> = cx.effects().iter().map(|effect| format!("{effect:?}")).collect();
        assert_eq!(
            shown,
            [
                "() at 105ns",
                "10ns of CPU",
                "Token to n2 over slot 0",
                "() at 115ns",
                "handled += 2"
            ]
        );
        assert_eq!(cx.timers(), [Time(105), Time(115)]);
        cx.clear();
        assert!(cx.effects().is_empty());
    }

    #[test]
    fn a_complete_topology_leaves_out_the_node_itself() {
        let cx = Recording::<Phold>::new(NodeId(1), 4);
        let peers: Vec<u32> = (0..cx.degree()).map(|slot| cx.peer(slot).0).collect();
        assert_eq!(peers, [0, 2, 3]);
    }

    #[test]
    fn draws_depend_on_seed_and_node_alone() {
        let drawn = |node: u32, seed: u64| {
            let mut cx = Recording::<Phold>::new(NodeId(node), 4).seed(seed);
            [cx.random(), cx.random()]
        };
        assert_eq!(drawn(1, 7), drawn(1, 7));
        assert_ne!(drawn(1, 7), drawn(2, 7));
        assert_ne!(drawn(1, 7), drawn(1, 8));
    }
}
