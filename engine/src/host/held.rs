//! What a handler call adds at a node that an adversary plays.
//!
//! A behaviour runs under [`Tap`], and that under a host whose sink is an object: so it is compiled once
//! for each protocol and mode with conditions, and not for each engine, and not at all without.

use anthill_protocol::behaviour::{Behaviour, Hosts, Tap};
use anthill_protocol::{NodeId, Protocol, Span};

use super::turn::AnySink;
use super::{Host, Sink};
use crate::event::Payload;
use crate::held::Held;
use crate::mode::{Mode, Restart, StampedOf};

/// What happens to a held node.
pub(super) enum Play<'a, P: Protocol> {
    Message { from: NodeId, number: u32, message: &'a P::Message },
    Timer { number: u32, timer: P::Timer },
    Wake,
    Restart { keeps_state: bool },
}

impl<P: Protocol, M: Mode, S: Sink<StampedOf<P, M>>> Host<'_, P, M, S> {
    /// Lets the behaviour of a held node do something in place of the protocol; false: nobody holds
    /// it.
    #[inline]
    pub(super) fn plays(&mut self, state: &mut P::Node, play: Play<'_, P>) -> bool {
        if const { !M::HAS_CONDITIONS } || self.world.held.is_none() {
            return false;
        }
        self.with_behaviour(|behaviour, host| act(behaviour, state, play, host)).is_some()
    }

    /// The state with which the node begins if it is held.
    pub(super) fn starts_held(&mut self) -> Option<P::Node> {
        if const { !M::HAS_CONDITIONS } || self.world.held.is_none() {
            return None;
        }
        self.with_behaviour(begin)
    }

    /// Calls a function with the node's behaviour, and with this host as one that is the same for all
    /// engines.
    #[inline(never)]
    fn with_behaviour<T>(
        &mut self,
        call: impl FnOnce(&mut dyn Behaviour<P>, &mut AnyHost<'_, '_, P, M>) -> T,
    ) -> Option<T> {
        let mut behaviour = self.world.held?.behaviour(self.id)?;
        let mut sink = AnySink(&mut *self.sink);
        let mut host = Host {
            world: self.world,
            id: self.id,
            now: self.now,
            counts: &mut *self.counts,
            standing: &mut *self.standing,
            tally: &mut *self.tally,
            sink: &mut sink,
            muted: self.muted,
            source: self.source,
            event: 0,
        };
        let returned = call(behaviour.as_mut(), &mut host);
        self.now = host.now;
        Some(returned)
    }
}

/// A host of any engine.
type AnyHost<'a, 's, P, M> = Host<'a, P, M, AnySink<'s, StampedOf<P, M>>>;

#[inline(never)]
fn begin<P: Protocol, M: Mode>(
    behaviour: &mut dyn Behaviour<P>,
    host: &mut AnyHost<'_, '_, P, M>,
) -> P::Node {
    let honest = host.world.protocol;
    behaviour.start(honest, &mut Tap::new(host))
}

#[inline(never)]
fn act<P: Protocol, M: Mode>(
    behaviour: &mut dyn Behaviour<P>,
    state: &mut P::Node,
    play: Play<'_, P>,
    host: &mut AnyHost<'_, '_, P, M>,
) {
    let honest = host.world.protocol;
    match play {
        Play::Message { from, number, message } => {
            host.event = number;
            behaviour.on_message(honest, state, from, message, &mut Tap::new(host));
        }
        Play::Timer { number, timer } => {
            host.event = number;
            behaviour.on_timer(honest, state, timer, &mut Tap::new(host));
        }
        Play::Wake => behaviour.on_wake(honest, state, &mut Tap::new(host)),
        Play::Restart { keeps_state } => {
            behaviour.restart(honest, state, keeps_state, &mut Tap::new(host));
        }
    }
}

impl<P: Protocol, M: Mode> Hosts<P> for AnyHost<'_, '_, P, M> {
    fn event_number(&self) -> u32 {
        self.event
    }

    fn next_number(&self) -> u32 {
        self.counts.sequence
    }

    fn wake_after(&mut self, delay: Span) {
        if let Some(event) = M::Restart::EVENT.filter(|_| !self.muted) {
            let sequence = self.next_sequence();
            self.file_own(self.now + delay, sequence, Payload::Wake(event));
        }
    }

    fn tell(&mut self, message: P::Message) {
        if !self.muted {
            self.tally.outbox.tell(self.now, self.id, message);
        }
    }

    fn told(&self) -> Vec<(NodeId, P::Message)> {
        self.world.held.map_or_else(Vec::new, Held::told)
    }
}
