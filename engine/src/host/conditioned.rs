//! What a handler call adds under conditions: being served, being charged, misbehaving, coming back.
//!
//! In the ideal mode every function here is empty after compilation.

use anthill_protocol::draw::below;
use anthill_protocol::kit::Erased;
use anthill_protocol::{Message, NodeId, Protocol, Span, Time};

use super::held::Play;
use super::{Host, Sink};
use crate::conditions::{Arrival, Deviation, Dispatch, Processor};
use crate::event::Payload;
use crate::jury;
use crate::mode::{Mode, PayloadOf, Restart, Stamp, StampedOf};

/// Whether an event is handled.
pub(super) enum Served {
    /// It is not.
    Refused,
    /// From this instant on; equal to the event's where nothing delays service.
    At(Time),
}

impl<P: Protocol, M: Mode, S: Sink<StampedOf<P, M>>> Host<'_, P, M, S> {
    /// Whether effects are dropped.
    #[inline]
    pub(super) fn is_muted(&mut self) -> bool {
        M::standing(self.standing).is_some() && self.muted
    }

    /// Waits for the node's links and CPU.
    #[inline]
    pub(super) fn serve(
        &mut self,
        source: NodeId,
        sequence: u32,
        load: &StampedOf<P, M>,
    ) -> Served {
        let own = source == self.id;
        // A program does not die with its node: what it writes belongs to the present life.
        let is_line = own && matches!(load.payload, Payload::Wake(_)) && self.is_line(sequence);
        let sequence = if is_line { self.counts.sequence } else { sequence };
        let Some(standing) = M::standing(self.standing) else { return Served::At(self.now) };
        let message = match &load.payload {
            // A restart waits for nothing.
            Payload::Restart(_) => return Served::At(self.now),
            Payload::Message(message) if !own => Some((message.kind(), message.encoded_len())),
            _ => None,
        };
        let arrival = Arrival {
            node: self.id,
            source,
            sequence,
            next_sequence: self.counts.sequence,
            time: self.now,
            message,
            sent: load.stamp.sent(),
        };
        let totals = &mut self.tally.conditions;
        let conditions = self.world.conditions();
        match conditions.serve(self.world.network, standing, totals, &arrival) {
            None => Served::Refused,
            Some(service) => {
                self.now = service.start + Span(service.cost_ns);
                Served::At(service.start)
            }
        }
    }

    /// The handler has returned: its core is busy until now, and a held node may replay what it
    /// received.
    #[inline]
    pub(super) fn end_service(&mut self, start: Time, source: NodeId, payload: &PayloadOf<P, M>) {
        if M::standing(self.standing).is_none() {
            return;
        }
        let conditions = self.world.conditions();
        if let (Some(adversary), Payload::Message(message)) = (&conditions.adversary, payload)
            && source != self.id
            && adversary.may_replay(self.id, message.kind())
        {
            let sequence = self.next_sequence();
            if let Some(bits) = adversary.replays(self.id, sequence) {
                let victim = NodeId(below(bits, u64::from(self.world.nodes)) as u32);
                if victim != self.id {
                    self.tally.conditions.misbehaved += 1;
                    self.transmit(victim, None, *message);
                }
            }
        }
        if let Some(standing) = M::standing(self.standing) {
            conditions.end_service(standing, &mut self.tally.conditions, start, self.now);
        }
    }

    /// Sends a message the way the conditions let it go.
    #[inline(never)]
    pub(super) fn transmit_under_conditions(
        &mut self,
        to: NodeId,
        slot: Option<u32>,
        sequence: u32,
        mut message: P::Message,
    ) {
        let conditions = self.world.conditions();
        let (mut doubled, mut kept, mut corrupted) = (false, Span::ZERO, None);
        let deviation = conditions
            .adversary
            .as_ref()
            .and_then(|adversary| adversary.deviation(self.id, to, sequence, message.kind()));
        if let Some(deviation) = deviation {
            match self.misbehave(deviation, message) {
                Some(altered) => message = altered,
                None => return,
            }
            match deviation {
                Deviation::Double => doubled = true,
                Deviation::Delay(by) => kept = by,
                Deviation::Corrupt(bits) => corrupted = Some(bits),
                Deviation::Withhold | Deviation::Contradict => {}
            }
        }
        self.occupy_cpu_for(|processor| processor.send_ns(message.encoded_len()));
        let dispatch = Dispatch {
            from: self.id,
            to,
            slot,
            sequence,
            kind: message.kind(),
            bytes: message.encoded_len(),
            sent: self.now,
            kept,
        };
        self.dispatch(&dispatch, message, corrupted);
        if doubled {
            let sequence = self.next_sequence();
            self.dispatch_again(&Dispatch { sequence, ..dispatch }, message, corrupted);
        }
    }

    /// What a held node sends in place of a message; `None`: nothing.
    fn misbehave(&mut self, deviation: Deviation, message: P::Message) -> Option<P::Message> {
        let altered = match deviation {
            Deviation::Withhold => None,
            // Corrupted on its way: the sender sends something.
            Deviation::Delay(_) | Deviation::Double | Deviation::Corrupt(_) => Some(message),
            Deviation::Contradict => match self.world.protocol.equivocate(&message) {
                Some(other) => Some(other),
                // There is no conflicting version: no deviation either.
                None => return Some(message),
            },
        };
        self.tally.conditions.misbehaved += 1;
        altered
    }

    #[cold]
    #[inline(never)]
    fn dispatch_again(&mut self, dispatch: &Dispatch, message: P::Message, corrupted: Option<u64>) {
        self.dispatch(dispatch, message, corrupted);
    }

    #[inline(always)]
    fn dispatch(&mut self, dispatch: &Dispatch, mut message: P::Message, corrupted: Option<u64>) {
        let Some(standing) = M::standing(self.standing) else { return };
        self.tally.count_message(&message);
        if self.world.is_played(self.id) {
            self.tally.count_adversary(&message);
        }
        let (network, totals) = (self.world.network, &mut self.tally.conditions);
        let fate = self.world.conditions().dispatch(network, standing, totals, dispatch);
        for bits in corrupted.into_iter().chain(fate.flipped) {
            match flip(message, bits) {
                Some(altered) => message = altered,
                None => {
                    totals.undecodable += 1;
                    self.deliver(Time::MAX, dispatch.to, dispatch.sequence, message, dispatch.sent);
                    return;
                }
            }
        }
        self.deliver(fate.arrival, dispatch.to, dispatch.sequence, message, dispatch.sent);
        if fate.copy < Time::MAX {
            self.deliver(fate.copy, dispatch.to, dispatch.sequence, message, dispatch.sent);
        }
    }

    /// How long a delay on the node's own clock really takes.
    #[inline]
    pub(super) fn real_delay(&mut self, delay: Span) -> Span {
        if M::standing(self.standing).is_none() {
            return delay;
        }
        match &self.world.conditions().clocks {
            Some(clocks) => clocks.really_takes(self.id, delay),
            None => delay,
        }
    }

    /// Lets a handler's own charge pass.
    #[inline]
    pub(super) fn occupy_cpu(&mut self, cpu: Span) {
        self.occupy_cpu_for(|processor| processor.charged_ns(cpu.0));
    }

    /// Lets the cost of one operation pass, where CPU is modelled.
    #[inline]
    pub(super) fn occupy_cpu_for(&mut self, cost_ns: impl Fn(&Processor) -> u64) {
        if M::standing(self.standing).is_none() {
            return;
        }
        if let Some(processor) = &self.world.conditions().processor {
            self.now = self.now + Span(cost_ns(processor));
        }
    }

    /// Sets up the node's standing; returns when it comes up after its first downtime.
    pub(super) fn begin_under_conditions(&mut self) -> Option<Time> {
        let standing = M::standing(self.standing)?;
        let totals = &mut self.tally.conditions;
        let back = self.world.conditions().begin(standing, self.id, totals);
        // A node that is not there at the start is only given memory: what it would do is not done.
        self.muted = standing.is_absent();
        back
    }

    /// After the handler of a start.
    pub(super) fn end_of_start(&mut self, back: Option<Time>) {
        let Some(standing) = M::standing(self.standing) else { return };
        if !self.muted {
            let totals = &mut self.tally.conditions;
            self.world.conditions().end_service(standing, totals, Time::ZERO, self.now);
        }
        self.muted = false;
        self.file_restart(back);
    }

    /// The node comes up again, or for the first time.
    pub(super) fn restart(&mut self, state: &mut P::Node, _: M::Restart) {
        let Some(standing) = M::standing(self.standing) else { return };
        let (first, keeps_state) = (standing.is_absent(), standing.keeps_state());
        let totals = &mut self.tally.conditions;
        let sequence = self.counts.sequence;
        let conditions = self.world.conditions();
        let back = conditions.restart(standing, self.id, self.now, sequence, totals);
        let protocol = self.world.protocol;
        if const { jury::speaks::<P>() } && !first && !self.world.is_played(self.id) {
            self.tally.outbox.restarted(self.now, self.id, keeps_state);
        }
        if first {
            *state = self.first_state();
        } else if !self.plays(state, Play::Restart { keeps_state }) {
            Erased::run(self, |cx| protocol.restart(state, keeps_state, cx));
        }
        self.file_restart(back);
    }

    fn file_restart(&mut self, back: Option<Time>) {
        if let (Some(time), Some(event)) = (back, M::Restart::EVENT) {
            let sequence = self.next_sequence();
            self.file_own(time, sequence, Payload::Restart(event));
        }
    }
}

/// A message with one bit of its wire form flipped; `None` if that does not decode.
fn flip<T: Message>(message: T, bits: u64) -> Option<T> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    let bit = below(bits, 8 * bytes.len() as u64) as usize;
    *bytes.get_mut(bit / 8)? ^= 1 << (bit % 8);
    T::decode(&bytes)
}
