//! Whose turn it is: handler calls, over whichever sink the mode asks for.
//!
//! Invariant: with conditions there is one type of host for all engines, so that handlers are compiled once
//! for both of them and for behaviours. Without, one host goes from event to event, and only what differs
//! between two of them is written.

use anthill_protocol::{NodeId, Protocol, Time};

use super::{CellOf, Counts, Host, Sink, World};
use crate::mode::{Mode, StampedOf};
use crate::refusal;
use crate::tally::Tally;

/// A sink of any engine. Under conditions handlers are called over this one alone: behaviours of held
/// nodes need an object anyway, and so each handler is compiled once for all engines.
pub(super) struct AnySink<'a, L>(pub(super) &'a mut dyn Sink<L>);

impl<L> Sink<L> for AnySink<'_, L> {
    fn deliver(&mut self, time: Time, target: NodeId, source: NodeId, sequence: u32, payload: L) {
        self.0.deliver(time, target, source, sequence, payload);
    }

    fn own(&mut self, time: Time, node: NodeId, sequence: u32, payload: L) {
        self.0.own(time, node, sequence, payload);
    }
}

/// The node that is brought up.
pub(crate) struct Turn<'a, P: Protocol, M: Mode> {
    pub(crate) world: &'a World<'a, P, M>,
    pub(crate) id: NodeId,
    pub(crate) counts: &'a mut Counts,
    pub(crate) standing: &'a mut M::NodeConditions,
    pub(crate) tally: &'a mut Tally<P>,
}

impl<'a, P: Protocol, M: Mode> Turn<'a, P, M> {
    fn over<S>(self, sink: &'a mut S) -> Host<'a, P, M, S> {
        let Turn { world, id, counts, standing, tally } = self;
        let now = Time::ZERO;
        Host { world, id, now, counts, standing, tally, sink, muted: false, source: id, event: 0 }
    }

    /// Brings the node up.
    pub(crate) fn start(self, sink: &mut impl Sink<StampedOf<P, M>>) -> P::Node {
        if const { M::HAS_CONDITIONS } {
            self.over(&mut AnySink(sink)).start()
        } else {
            self.over(sink).start()
        }
    }
}

/// Where handlers are called, one event after the other. Dropped while a handler's panic unwinds, it
/// names the event.
pub(crate) struct Stage<'a, P: Protocol, M: Mode, S: Sink<StampedOf<P, M>>> {
    host: Host<'a, P, M, S>,
    /// The instant of the event.
    time: Time,
}

impl<'a, P: Protocol, M: Mode, S: Sink<StampedOf<P, M>>> Stage<'a, P, M, S> {
    /// A stage that is empty as yet: `counts` and `standing` are nobody's.
    pub(crate) fn new(
        world: &'a World<'a, P, M>,
        tally: &'a mut Tally<P>,
        sink: &'a mut S,
        (counts, standing): (&'a mut Counts, &'a mut M::NodeConditions),
    ) -> Self {
        let host = Turn { world, id: NodeId(0), counts, standing, tally }.over(sink);
        Self { host, time: Time::ZERO }
    }

    /// Handles one event of a node on a stage of its own.
    #[inline]
    pub(crate) fn play_once(
        (world, tally, sink): (&'a World<'a, P, M>, &'a mut Tally<P>, &'a mut S),
        (id, cell): (NodeId, &'a mut CellOf<P, M>),
        time: Time,
        (source, sequence): (NodeId, u32),
        load: &StampedOf<P, M>,
    ) {
        let (counts, standing) = (&mut cell.counts, &mut cell.standing);
        let mut stage = Self::new(world, tally, sink, (counts, standing));
        (stage.host.id, stage.host.now) = (id, time);
        (stage.host.source, stage.host.event) = (source, sequence);
        stage.run(&mut cell.state, load);
    }

    /// Where events go, and where they are counted.
    #[inline(always)]
    pub(crate) fn parts(&mut self) -> (&mut S, &mut Tally<P>) {
        (self.host.sink, self.host.tally)
    }

    /// Handles an event of a node.
    #[inline(always)]
    pub(crate) fn play(
        &mut self,
        (id, cell): (NodeId, &'a mut CellOf<P, M>),
        time: Time,
        (source, sequence): (NodeId, u32),
        load: &StampedOf<P, M>,
    ) {
        let host = &mut self.host;
        (host.id, host.now) = (id, time);
        (host.source, host.event) = (source, sequence);
        (host.counts, host.standing) = (&mut cell.counts, &mut cell.standing);
        self.run(&mut cell.state, load);
    }

    #[inline(always)]
    fn run(&mut self, state: &mut P::Node, load: &StampedOf<P, M>) {
        let host = &mut self.host;
        if const { !M::HAS_CONDITIONS } {
            return host.handle(state, load);
        }
        self.time = host.now;
        let mut host = Host {
            world: host.world,
            id: host.id,
            now: host.now,
            counts: &mut *host.counts,
            standing: &mut *host.standing,
            tally: &mut *host.tally,
            sink: &mut AnySink(&mut *host.sink),
            muted: false,
            source: host.source,
            event: host.event,
        };
        host.handle(state, load);
    }
}

impl<P: Protocol, M: Mode, S: Sink<StampedOf<P, M>>> Drop for Stage<'_, P, M, S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.name_event();
        }
    }
}

impl<P: Protocol, M: Mode, S: Sink<StampedOf<P, M>>> Stage<'_, P, M, S> {
    #[cold]
    fn name_event(&self) {
        if refusal::unwinds() {
            return;
        }
        let host = &self.host;
        let key = host.key(if const { M::HAS_CONDITIONS } { self.time } else { host.now });
        if let Some(mut first) = host.world.panicked.and_then(|slot| slot.lock().ok()) {
            first.get_or_insert(key);
            return;
        }
        eprintln!("anthill: panic while handling the event at {key}; seed {}", host.world.seed);
    }
}
