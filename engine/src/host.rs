//! The engine's side of [`Context`]: one handler call of one node, under either engine.
//!
//! Everything that makes a run what it is happens here once: sequence numbers, draws, delays,
//! counters, the digest. The sharded engine and the oracle differ only in the [`Sink`] that takes
//! the events and in the order in which independent nodes are handled.

use anthill_protocol::draw::{self, Streams};
use anthill_protocol::{Context, Message, NodeId, Protocol, RegionId, Span, Time};

use crate::event::{Key, Payload, PayloadOf, tie, trace_word};
use crate::network::Network;
use crate::run::RunError;
use crate::tally::Tally;

/// Self-events of one node at one instant before the run is called stuck.
const MAX_INSTANT_STREAK: u32 = 1_000_000;

/// What all handlers of a run share.
pub(crate) struct World<'a, P> {
    pub(crate) protocol: &'a P,
    pub(crate) network: &'a Network,
    pub(crate) nodes: u32,
    pub(crate) seed: u64,
    /// The protocol's draws.
    pub(crate) draws: Streams,
    /// log2 of the window in ns; at most 32.
    pub(crate) window_shift: u32,
}

impl<P> World<'_, P> {
    /// The window that holds an instant.
    #[inline]
    pub(crate) fn window_of(&self, time: Time) -> u64 {
        time.0 >> self.window_shift
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

/// A node in memory: its state and the counters that name its sends and draws.
pub(crate) struct NodeCell<N> {
    pub(crate) state: N,
    pub(crate) counts: Counts,
}

/// How many events a node has caused and how many draws it has made; both wrap.
#[derive(Clone, Copy, Debug, Default)]
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

/// One handler call.
pub(crate) struct Host<'a, P: Protocol, S> {
    pub(crate) world: &'a World<'a, P>,
    pub(crate) id: NodeId,
    pub(crate) now: Time,
    pub(crate) counts: &'a mut Counts,
    pub(crate) tally: &'a mut Tally<P>,
    pub(crate) sink: &'a mut S,
}

impl<P: Protocol, S: Sink<PayloadOf<P>>> Host<'_, P, S> {
    #[inline]
    fn next_sequence(&mut self) -> u32 {
        let sequence = self.counts.sequence;
        self.counts.sequence = sequence.wrapping_add(1);
        sequence
    }

    #[inline]
    fn send_to_self(&mut self, message: P::Message) {
        let sequence = self.next_sequence();
        let time = self.now + self.world.network.self_delay(self.id, sequence);
        self.file_own(time, sequence, Payload::Message(message));
    }

    /// An event of the node's own. At the end of time, where sums of times saturate, nothing runs:
    /// what would happen then never does.
    #[inline]
    fn file_own(&mut self, time: Time, sequence: u32, payload: PayloadOf<P>) {
        if time == self.now {
            self.tally.streak.note(time, self.id, &payload);
        }
        if time < Time::MAX {
            self.sink.own(time, self.id, sequence, payload);
        }
    }

    #[inline]
    fn transmit(&mut self, to: NodeId, sequence: u32, delay: Span, message: P::Message) {
        self.tally.count_message(&message);
        let time = self.now + delay;
        // A saturated sum could lie in the open window, which must not be written to.
        if time < Time::MAX {
            self.sink.deliver(time, to, self.id, sequence, Payload::Message(message));
        }
    }

    /// Brings the node up.
    pub(crate) fn start(mut self) -> P::Node {
        let protocol = self.world.protocol;
        let state = protocol.start(&mut self);
        // What a start causes at time zero is finite.
        self.tally.streak = Streak::default();
        state
    }

    /// Handles one event.
    #[inline]
    pub(crate) fn handle(
        mut self,
        state: &mut P::Node,
        source: NodeId,
        sequence: u32,
        payload: &PayloadOf<P>,
    ) {
        let fingerprint = payload.fingerprint();
        let word = trace_word(self.now, self.id, source, sequence, fingerprint);
        self.tally.digest = self.tally.digest.wrapping_add(word);
        self.tally.totals.events += 1;
        if let Some(log) = &mut self.tally.log {
            let tie = tie(self.world.seed, self.now, source);
            log.note(Key { time: self.now, target: self.id, tie, source, sequence }, fingerprint);
        }
        let context = PanicContext {
            seed: self.world.seed,
            time: self.now,
            target: self.id,
            source,
            sequence,
        };
        let protocol = self.world.protocol;
        match payload {
            Payload::Message(message) => protocol.on_message(state, source, message, &mut self),
            Payload::Timer(timer) => protocol.on_timer(state, *timer, &mut self),
        }
        core::mem::forget(context);
    }
}

/// Dropped only while a handler's panic unwinds: names the event.
struct PanicContext {
    seed: u64,
    time: Time,
    target: NodeId,
    source: NodeId,
    sequence: u32,
}

impl Drop for PanicContext {
    fn drop(&mut self) {
        let Self { seed, time, target, source, sequence } = *self;
        let key = Key { time, target, tie: tie(seed, time, source), source, sequence };
        let commit = option_env!("ANTHILL_COMMIT").unwrap_or("unknown");
        eprintln!(
            "anthill: panic while handling the event at {key}; seed {seed}, version {}, commit {commit}",
            env!("CARGO_PKG_VERSION"),
        );
    }
}

impl<P: Protocol, S: Sink<PayloadOf<P>>> Context<P> for Host<'_, P, S> {
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
    fn send(&mut self, to: NodeId, message: P::Message) {
        if to == self.id {
            self.send_to_self(message);
        } else {
            assert!(to.0 < self.world.nodes, "{to} is not one of {} nodes", self.world.nodes);
            let sequence = self.next_sequence();
            let delay = self.world.network.delay(self.id, to, sequence);
            self.transmit(to, sequence, delay, message);
        }
    }

    #[inline]
    fn send_slot(&mut self, slot: u32, message: P::Message) {
        let to = self.peer(slot);
        if to == self.id {
            self.send_to_self(message);
        } else {
            let sequence = self.next_sequence();
            let delay = self.world.network.delay_via(self.id, slot, to, sequence);
            self.transmit(to, sequence, delay, message);
        }
    }

    #[inline]
    fn set_timer(&mut self, delay: Span, timer: P::Timer) {
        let sequence = self.next_sequence();
        self.file_own(self.now + delay, sequence, Payload::Timer(timer));
    }

    #[inline]
    fn charge(&mut self, cpu: Span) {
        self.tally.charged_ns = self.tally.charged_ns.wrapping_add(cpu.0);
    }

    #[inline]
    fn record(&mut self, metric: P::Metric, value: u64) {
        self.tally.record(self.now, metric, value);
    }
}

/// Counts the events that a node causes for itself without delay, at one instant: a node that keeps
/// waking itself without letting time pass would hang the run. Timers set earlier for one instant,
/// however many, do not.
#[derive(Debug, Default)]
pub(crate) struct Streak {
    time: Time,
    node: NodeId,
    length: u32,
    /// Set once there were too many.
    pub(crate) stuck: Option<RunError>,
}

impl Streak {
    #[inline]
    fn note<M: Message, T: core::fmt::Debug>(
        &mut self,
        time: Time,
        node: NodeId,
        last: &Payload<M, T>,
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
