//! What a handler call adds while single events are wanted, and for arrivals at the end of time.
//!
//! Everything here is off the way of a run that nobody observes: the comparison that leads here is
//! the one that keeps arrivals at the end of time out of the calendar.

use anthill_protocol::{Message, NodeId, Protocol, Time};

use super::{Host, Sink};
use crate::event::{Key, Payload, tie};
use crate::mode::{Mode, PayloadOf, Ranked, StampedOf};
use crate::trace::EventKind;

impl<P: Protocol, M: Mode, S: Sink<StampedOf<P, M>>> Host<'_, P, M, S> {
    /// Tells the observers which event is about to be handled: its instant, and when its service
    /// began.
    #[cold]
    #[inline(never)]
    pub(super) fn observe(
        &mut self,
        (time, start): (Time, Time),
        source: NodeId,
        sequence: u32,
        load: &StampedOf<P, M>,
    ) {
        let tie = load.tie(self.world.seed, time, source);
        let key = Key { time, target: self.id, tie, source, sequence };
        let Some(observers) = &mut self.tally.observers else { return };
        if let Some(log) = &mut observers.log {
            log.note(key, load.payload.fingerprint());
        }
        if let Some(trace) = &mut observers.trace {
            trace.begin(&key, sort(&load.payload), start);
        }
    }

    /// A message that somebody may want to know of, or that never arrives.
    #[cold]
    #[inline(never)]
    pub(super) fn deliver_observed(
        &mut self,
        arrival: Time,
        to: NodeId,
        sequence: u32,
        message: P::Message,
        sent: Time,
    ) {
        let lost = arrival == Time::MAX;
        if !lost {
            self.file_message(arrival, to, sequence, message, sent);
        }
        let (source, seed) = (self.id, self.world.seed);
        if let Some(trace) = self.tally.observers.as_mut().and_then(|all| all.trace.as_mut()) {
            let time = if lost { sent } else { arrival };
            let key = Key { time, target: to, tie: tie(seed, time, source), source, sequence };
            let sort = EventKind::Message(message.kind());
            trace.send(&key, sort, (sent, message.encoded_len(), lost), String::new);
        }
    }

    /// An event of the node's own that somebody may want to know of, or that never happens.
    #[cold]
    #[inline(never)]
    pub(super) fn file_own_observed(
        &mut self,
        time: Time,
        sequence: u32,
        payload: PayloadOf<P, M>,
    ) {
        if time == Time::MAX {
            return;
        }
        self.file_own_event(time, sequence, payload);
        let (source, seed) = (self.id, self.world.seed);
        if let Some(trace) = self.tally.observers.as_mut().and_then(|all| all.trace.as_mut()) {
            let tie = match payload {
                Payload::Restart(_) => 0,
                _ => tie(seed, time, source),
            };
            let key = Key { time, target: source, tie, source, sequence };
            let text = || match &payload {
                Payload::Timer(timer) => format!("{timer:?}"),
                _ => String::new(),
            };
            trace.send(&key, sort(&payload), (self.now, 0, false), text);
        }
    }
}

fn sort<T: Message, U, R>(payload: &Payload<T, U, R>) -> EventKind {
    match payload {
        Payload::Message(message) => EventKind::Message(message.kind()),
        Payload::Timer(_) => EventKind::Timer,
        Payload::Restart(_) => EventKind::Restart,
        Payload::Wake(_) => EventKind::Timer,
    }
}
