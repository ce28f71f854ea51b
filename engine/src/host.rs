//! The engine's side of [`Context`]: one handler call of one node, under either engine.
//!
//! Everything that makes a run what it is happens here once: sequence numbers, draws, delays,
//! counters, the digest. The sharded engine and the oracle differ only in the [`Sink`] that takes
//! the events and in the order in which independent nodes are handled.

mod conditioned;
mod external;
mod held;
mod observed;
mod turn;

use core::marker::PhantomData;
use std::sync::Mutex;

use anthill_protocol::draw::{self, Streams};
use anthill_protocol::kit::Erased;
use anthill_protocol::{
    Body as _, Claim, Context, Digest, Keys, Message, Metric as _, NodeId, Protocol, PublicKey,
    RegionId, Shared, Signature, Snapshot, Span, Time, Verdicts,
};

use crate::bodies::{BodiesOf, Store};
use crate::conditions::Conditions;
use crate::event::{Key, Payload, tie, trace_word};
use crate::external::Outside;
use crate::held::Held;
use crate::jury;
use crate::mode::{Mode, PayloadOf, Stamp, Stamped, StampedOf};
use crate::network::Network;
use crate::run::RunError;
use crate::scenario::CryptoSpec;
use crate::schedule::Parcel;
use crate::signing::Signing;
use crate::tally::Tally;
use conditioned::Served;
use held::Play;
pub(crate) use turn::{Stage, Turn};

/// Self-events of one node at one instant before the run is called stuck.
const MAX_INSTANT_STREAK: u32 = 1_000_000;

/// What all handlers of a run share.
pub(crate) struct World<'a, P: Protocol, M> {
    pub(crate) protocol: &'a P,
    pub(crate) network: &'a Network,
    pub(crate) bodies: &'a Store<P::Body>,
    /// There exactly if the mode has them.
    pub(crate) conditions: Option<&'a Conditions>,
    /// Whether they are only there because the oracle has no ideal mode: nothing is said of them.
    pub(crate) ideal: bool,
    /// Whether the run goes on under another scenario than it began under.
    pub(crate) is_fork: bool,
    /// Nodes that the protocol's adversary holds.
    pub(crate) held: Option<&'a Held<P>>,
    /// Whether the protocol's adversary decides when messages arrive.
    pub(crate) scheduled: bool,
    /// Nodes that programs play.
    pub(crate) outside: Option<&'a Outside<'a>>,
    pub(crate) mode: PhantomData<M>,
    pub(crate) crypto: CryptoSpec,
    pub(crate) nodes: u32,
    pub(crate) seed: u64,
    /// The protocol's draws.
    pub(crate) draws: Streams,
    /// log2 of the window in ns; at most 32.
    pub(crate) window_shift: u32,
    /// Takes the event at which a handler panics; without it, stderr does.
    pub(crate) panicked: Option<&'a Mutex<Option<Key>>>,
}

impl<'a, P: Protocol, M: Mode> World<'a, P, M> {
    /// The window that holds an instant.
    #[inline]
    pub(crate) fn window_of(&self, time: Time) -> u64 {
        time.0 >> self.window_shift
    }

    /// Whether an adversary plays a node: what it says counts for nothing.
    #[inline]
    pub(crate) fn is_played(&self, node: NodeId) -> bool {
        let generic = || self.conditions.and_then(|conditions| conditions.adversary.as_ref());
        M::HAS_CONDITIONS
            && (self.held.is_some_and(|held| held.contains(node))
                || generic().is_some_and(|adversary| adversary.misleads(node)))
    }

    /// Whether nothing can be expected of a node at an instant: it is down, or an adversary plays it.
    pub(crate) fn excuses(
        &self,
        standing: &mut M::NodeConditions,
        node: NodeId,
        time: Time,
    ) -> bool {
        let is_down = M::standing(standing).is_some_and(|standing| standing.is_down_at(time));
        is_down || self.is_played(node)
    }

    /// Whether anybody listens at boundaries to what nodes say and send: judges, other held nodes, a
    /// scheduler, a program.
    #[inline]
    pub(crate) fn listens(&self) -> bool {
        let others = || self.held.is_some() || self.scheduled || self.outside.is_some();
        jury::speaks::<P>() || (M::HAS_CONDITIONS && others())
    }

    /// Files a message that the scheduler lets arrive.
    pub(crate) fn arrive(
        &self,
        time: Time,
        parcel: Parcel<P::Message>,
        sink: &mut impl Sink<StampedOf<P, M>>,
    ) {
        let Parcel { to, from, sequence, sent, message } = parcel;
        if time < Time::MAX {
            let load = Stamped { stamp: M::Stamp::new(sent), payload: Payload::Message(message) };
            sink.deliver(time, to, from, sequence, load);
        }
    }

    /// The conditions, in a mode that has some.
    #[inline]
    fn conditions(&self) -> &'a Conditions {
        self.conditions.expect("this mode has conditions")
    }
}

/// The window's binary logarithm for a lookahead: the largest power of two not above it, and not
/// above 2³² ns, which the stored form of an event holds.
pub(crate) fn window_shift(lookahead: Span) -> u32 {
    lookahead.0.max(1).ilog2().min(32)
}

/// The length of a window for a lookahead.
pub fn window(lookahead: Span) -> Span {
    Span(1 << window_shift(lookahead))
}

/// A node in memory: its state, the counters that name its sends and draws, and its standing under
/// the run's conditions.
pub(crate) struct NodeCell<N, S> {
    pub(crate) state: N,
    pub(crate) counts: Counts,
    pub(crate) standing: S,
}

/// The cell of a protocol's nodes in a mode.
pub(crate) type CellOf<P, M> = NodeCell<<P as Protocol>::Node, <M as Mode>::NodeConditions>;

/// How many events a node has caused and how many draws it has made; both wrap.
#[derive(Clone, Copy, Debug, Default, Snapshot)]
pub(crate) struct Counts {
    sequence: u32,
    draws: u32,
}

/// Takes the events that a handler causes.
pub(crate) trait Sink<L> {
    /// An event at another node, at least the lookahead away.
    fn deliver(&mut self, time: Time, target: NodeId, source: NodeId, sequence: u32, payload: L);

    /// An event at the node itself, at any time from now on.
    fn own(&mut self, time: Time, node: NodeId, sequence: u32, payload: L);
}

/// One handler call, and then the next.
pub(crate) struct Host<'a, P: Protocol, M: Mode, S> {
    pub(crate) world: &'a World<'a, P, M>,
    pub(crate) id: NodeId,
    /// The instant of the event; once it is served under conditions, that of its service plus what
    /// the handler has charged so far.
    pub(crate) now: Time,
    pub(crate) counts: &'a mut Counts,
    pub(crate) standing: &'a mut M::NodeConditions,
    pub(crate) tally: &'a mut Tally<P>,
    pub(crate) sink: &'a mut S,
    /// Whether effects are dropped: the node is not there yet.
    pub(crate) muted: bool,
    /// Who caused the event, and its number there.
    pub(crate) source: NodeId,
    pub(crate) event: u32,
}

impl<P: Protocol, M: Mode, S: Sink<StampedOf<P, M>>> Host<'_, P, M, S> {
    #[inline]
    fn next_sequence(&mut self) -> u32 {
        let sequence = self.counts.sequence;
        self.counts.sequence = sequence.wrapping_add(1);
        sequence
    }

    /// Out of line: then a handler's sends to others are small enough to be inlined into it.
    #[inline(never)]
    fn send_to_self(&mut self, message: P::Message) {
        let sequence = self.next_sequence();
        let time = self.now + self.world.network.self_delay(self.id, sequence);
        self.file_own(time, sequence, Payload::Message(message));
    }

    /// An event of the node's own. At the end of time, where sums of times saturate, nothing runs:
    /// what would happen then never does.
    #[inline]
    fn file_own(&mut self, time: Time, sequence: u32, payload: PayloadOf<P, M>) {
        if time == self.now {
            self.tally.streak.note(time, self.id, &payload);
        }
        if time < self.tally.unobserved {
            self.file_own_event(time, sequence, payload);
        } else {
            self.file_own_observed(time, sequence, payload);
        }
    }

    #[inline(always)]
    fn file_own_event(&mut self, time: Time, sequence: u32, payload: PayloadOf<P, M>) {
        if let Payload::Message(message) = &payload {
            self.note_arrival(message, time);
        }
        let load = Stamped { stamp: M::Stamp::new(self.now), payload };
        self.sink.own(time, self.id, sequence, load);
    }

    /// Sends a message to another node. Everything that a send does is in this one function: each call
    /// within one takes as many instructions as a mixed word. It is called where a protocol has many
    /// sends, and becomes part of the handler where there is one.
    fn transmit_to(&mut self, to: NodeId, message: P::Message) {
        self.transmit(to, None, message);
    }

    /// The same over a slot.
    #[inline(never)]
    fn transmit_via(&mut self, slot: u32, to: NodeId, message: P::Message) {
        self.transmit(to, Some(slot), message);
    }

    /// Sends a message, over a slot if it has one. Always inlined: then the ideal mode's way has
    /// neither a slot to test nor conditions to look for.
    #[inline(always)]
    fn transmit(&mut self, to: NodeId, slot: Option<u32>, message: P::Message) {
        let sequence = self.next_sequence();
        if M::standing(self.standing).is_some() {
            return self.transmit_under_conditions(to, slot, sequence, message);
        }
        let network = self.world.network;
        let delay = match slot {
            Some(slot) => network.delay_via(self.id, slot, to, sequence),
            None => network.delay(self.id, to, sequence),
        };
        self.tally.count_message(&message);
        self.deliver(self.now + delay, to, sequence, message, self.now);
    }

    /// Files the arrival of a message that was sent at an instant, unless that is at the end of
    /// time: a saturated sum could lie in the open window, which must not be written to.
    #[inline(always)]
    fn deliver(
        &mut self,
        arrival: Time,
        to: NodeId,
        sequence: u32,
        message: P::Message,
        sent: Time,
    ) {
        if const { M::HAS_CONDITIONS } && self.world.scheduled && arrival < Time::MAX {
            return self.await_schedule(arrival, to, sequence, message, sent);
        }
        if arrival < self.tally.unobserved {
            self.file_message(arrival, to, sequence, message, sent);
        } else {
            self.deliver_observed(arrival, to, sequence, message, sent);
        }
    }

    /// Leaves a message to the scheduler; the bodies that it names are kept to the end of the run.
    #[cold]
    #[inline(never)]
    fn await_schedule(
        &mut self,
        due: Time,
        to: NodeId,
        sequence: u32,
        message: P::Message,
        sent: Time,
    ) {
        self.note_arrival(&message, Time::MAX);
        let parcel = Parcel { to, from: self.id, sequence, sent, message };
        self.tally.outbox.send(self.now, parcel, due);
    }

    #[inline(always)]
    fn file_message(
        &mut self,
        arrival: Time,
        to: NodeId,
        sequence: u32,
        message: P::Message,
        sent: Time,
    ) {
        self.note_arrival(&message, arrival);
        let load = Stamped { stamp: M::Stamp::new(sent), payload: Payload::Message(message) };
        self.sink.deliver(arrival, to, self.id, sequence, load);
    }

    /// Keeps the bodies that a message names until it arrives.
    #[inline]
    fn note_arrival(&mut self, message: &P::Message, arrival: Time) {
        if P::Message::CARRIES {
            let window = self.world.window_of(arrival);
            let noted = &mut self.tally.noted;
            message.bodies(|handle| {
                // A broadcast names one body again and again.
                if noted.0 != handle.id() || noted.1 < window {
                    self.world.bodies.note_arrival(handle, window);
                    *noted = (handle.id(), window);
                }
            });
        }
    }

    /// The signatures of the thread that runs this handler.
    fn signing(&mut self) -> &mut Signing {
        self.tally.signing(&self.world.crypto, self.world.seed)
    }

    /// Brings the node up.
    fn start(mut self) -> P::Node {
        let back = self.begin_under_conditions();
        let heard = self.tally.outbox.len();
        let state = self.first_state();
        self.end_of_start(back);
        // A start comes before all other events of its node, and no node caused it.
        let (time, id) = (self.now, self.id);
        let key = Key { time, target: id, tie: 0, source: id, sequence: 0 };
        self.stamp_outputs(heard, |_| Key { time: Time::ZERO, ..key });
        if !self.tally.invariants.hold() {
            self.tally.note_violations(key);
        }
        // What a start causes at time zero is finite.
        self.tally.streak = LivelockGuard::default();
        state
    }

    /// The state with which the node begins, honest or held.
    fn first_state(&mut self) -> P::Node {
        match self.starts_held() {
            Some(state) => state,
            None if const { M::HAS_CONDITIONS } => {
                let protocol = self.world.protocol;
                Erased::run(self, |cx| protocol.start(cx))
            }
            None => self.world.protocol.start(self),
        }
    }

    /// Names the event of what the node said in the handler, from the `first` output on.
    #[inline]
    fn stamp_outputs(&mut self, first: usize, key: impl FnOnce(&Self) -> Key) {
        if self.world.listens() && self.tally.outbox.len() > first {
            let key = key(self);
            let word = self.tally.outbox.stamp(first, key);
            self.tally.digest = self.tally.digest.wrapping_add(word);
        }
    }

    /// Names an event of this node and source.
    fn key(&self, time: Time) -> Key {
        let (source, sequence) = (self.source, self.event);
        let tie = tie(self.world.seed, time, source);
        Key { time, target: self.id, tie, source, sequence }
    }

    /// Handles the event that it was set to.
    #[inline(always)]
    fn handle(&mut self, state: &mut P::Node, load: &StampedOf<P, M>) {
        let (source, sequence) = (self.source, self.event);
        let payload = &load.payload;
        let key_time = self.now;
        let service = match self.serve(source, sequence, load) {
            Served::Refused => return,
            Served::At(start) => start,
        };
        let fingerprint = payload.fingerprint();
        let word = trace_word(key_time, self.id, source, sequence, fingerprint);
        self.tally.digest = self.tally.digest.wrapping_add(word);
        self.tally.totals.events += 1;
        if self.tally.observers.is_some() {
            self.observe((key_time, service), source, sequence, load);
        }
        let protocol = self.world.protocol;
        let heard = self.tally.outbox.len();
        match payload {
            Payload::Message(message) => {
                let played = Play::Message { from: source, number: sequence, message };
                if self.plays(state, played) {
                } else if const { M::HAS_CONDITIONS } {
                    Erased::run(self, |cx| protocol.on_message(state, source, message, cx));
                } else {
                    protocol.on_message(state, source, message, self);
                }
            }
            Payload::Timer(timer) => {
                let played = Play::Timer { number: sequence, timer: *timer };
                if self.plays(state, played) {
                } else if const { M::HAS_CONDITIONS } {
                    Erased::run(self, |cx| protocol.on_timer(state, *timer, cx));
                } else {
                    protocol.on_timer(state, *timer, self);
                }
            }
            Payload::Restart(event) => self.restart(state, *event),
            Payload::Wake(_) => {
                if !self.hear_line(state, sequence) {
                    self.plays(state, Play::Wake);
                }
            }
        }
        self.end_service(service, source, payload);
        self.stamp_outputs(heard, |host| host.key(key_time));
        if const { !P::Metric::INVARIANTS.is_empty() } && !self.tally.invariants.hold() {
            self.tally.note_violations(self.key(key_time));
        }
    }
}

impl<'a, P: Protocol, M: Mode, S: Sink<StampedOf<P, M>>> Context<P> for Host<'a, P, M, S> {
    type Bodies = BodiesOf<'a, P::Body>;

    #[inline]
    fn id(&self) -> NodeId {
        self.id
    }

    #[inline]
    fn now(&self) -> Time {
        self.now
    }

    #[inline]
    fn nodes(&self) -> u32 {
        self.world.nodes
    }

    #[inline]
    fn region_of(&self, node: NodeId) -> RegionId {
        self.world.network.region_of(node)
    }

    #[inline]
    fn degree(&self) -> u32 {
        self.world.network.topology().degree(self.id)
    }

    #[inline]
    fn peer(&self, slot: u32) -> NodeId {
        self.world.network.topology().peer(self.id, slot)
    }

    #[inline]
    fn random(&mut self) -> u64 {
        let count = self.counts.draws;
        self.counts.draws = count.wrapping_add(1);
        draw::draw(self.world.draws.of(self.id), u64::from(count))
    }

    #[inline]
    fn local_clock(&self) -> Time {
        match self.world.conditions.and_then(|conditions| conditions.clocks.as_ref()) {
            Some(clocks) => clocks.shows(self.id, self.now),
            None => self.now,
        }
    }

    #[inline]
    fn send(&mut self, to: NodeId, message: P::Message) {
        if self.is_muted() {
            return;
        }
        if to == self.id {
            self.send_to_self(message);
        } else {
            assert!(to.0 < self.world.nodes, "{to} is not one of {} nodes", self.world.nodes);
            self.transmit_to(to, message);
        }
    }

    #[inline]
    fn send_slot(&mut self, slot: u32, message: P::Message) {
        let to = self.peer(slot);
        if self.is_muted() {
            return;
        }
        if to == self.id {
            self.send_to_self(message);
        } else {
            self.transmit_via(slot, to, message);
        }
    }

    #[inline]
    fn set_timer(&mut self, delay: Span, timer: P::Timer) {
        if self.is_muted() {
            return;
        }
        let delay = self.real_delay(delay);
        let sequence = self.next_sequence();
        self.file_own(self.now + delay, sequence, Payload::Timer(timer));
    }

    fn share(&mut self, body: P::Body) -> Shared {
        let id = Shared::name_of_shared(self.id.0, self.next_sequence(), body.fingerprint());
        let (worker, window) = (self.tally.worker, self.world.window_of(self.now));
        // SAFETY: a tally is in the hands of its worker's thread while a handler runs.
        unsafe { self.world.bodies.share(worker, window, id, body) }
    }

    fn intern(&mut self, body: P::Body) -> Shared {
        let (worker, window) = (self.tally.worker, self.world.window_of(self.now));
        // SAFETY: as above.
        unsafe { self.world.bodies.intern(worker, window, body) }
    }

    #[inline]
    fn bodies(&self) -> BodiesOf<'a, P::Body> {
        BodiesOf(self.world.bodies)
    }

    /// A node that is not there yet keeps nothing: its state is made anew when it comes up.
    fn retain(&mut self, body: Shared) {
        if !self.is_muted() {
            self.world.bodies.retain(body);
        }
    }

    fn release(&mut self, body: Shared) {
        if !self.is_muted() {
            self.world.bodies.release(body);
        }
    }

    fn verify_body(&mut self, body: Shared) -> Verdicts {
        let kept = self.world.bodies.kept(body);
        let verdicts = self.signing().verify_body(kept);
        let count = u64::from(verdicts.len());
        self.occupy_cpu_for(|processor| processor.verify_ns().saturating_mul(count));
        verdicts
    }

    fn scenario(&self) -> u64 {
        self.world.seed
    }

    fn public_key(&mut self, of: NodeId) -> PublicKey {
        self.signing().public_key(of)
    }

    fn sign(&mut self, digest: &Digest) -> Signature {
        self.occupy_cpu_for(|processor| processor.sign_ns());
        let id = self.id;
        // What a node does that is not there yet is not counted either.
        let counts = !self.is_muted();
        self.signing().sign(id, digest, counts)
    }

    fn verify(&mut self, claim: &Claim) -> bool {
        self.occupy_cpu_for(|processor| processor.verify_ns());
        self.signing().verify(claim)
    }

    #[inline]
    fn charge(&mut self, cpu: Span) {
        self.tally.charged_ns = self.tally.charged_ns.wrapping_add(cpu.0);
        self.occupy_cpu(cpu);
    }

    #[inline]
    fn record(&mut self, metric: P::Metric, value: u64) {
        if !self.is_muted() {
            self.tally.record(self.now, metric, value);
        }
    }

    fn output(&mut self, output: P::Output) {
        if !self.is_muted() && !self.world.is_played(self.id) {
            self.tally.outbox.push(self.now, self.id, output);
        }
    }

    #[inline]
    fn is_external(&self) -> bool {
        M::HAS_CONDITIONS && self.world.outside.is_some_and(|outside| outside.plays(self.id))
    }

    fn tell_program(&mut self, line: &str) {
        if self.is_external() {
            self.tally.outbox.tell_program(self.now, self.id, line.to_owned());
        }
    }
}

/// Counts the events that a node causes for itself without delay, at one instant: a node that keeps
/// waking itself without letting time pass would hang the run. Timers set earlier for one instant,
/// however many, do not.
#[derive(Debug, Default)]
pub(crate) struct LivelockGuard {
    time: Time,
    node: NodeId,
    length: u32,
    /// Set once there were too many.
    pub(crate) stuck: Option<RunError>,
}

impl LivelockGuard {
    #[inline]
    fn note<M: Message, T: core::fmt::Debug, R>(
        &mut self,
        time: Time,
        node: NodeId,
        last: &Payload<M, T, R>,
    ) {
        if self.time != time || self.node != node {
            (self.time, self.node, self.length) = (time, node, 0);
        }
        self.length += 1;
        if self.length > MAX_INSTANT_STREAK {
            self.stuck.get_or_insert_with(|| RunError::stuck(node, time, last));
        }
    }
}
