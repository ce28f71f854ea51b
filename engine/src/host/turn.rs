//! A node's turn: a handler call, over whichever sink the mode asks for.
//!
//! Invariant: with conditions there is one type of host for all engines, so that handlers are compiled once
//! for both of them and for behaviours.

use anthill_protocol::{NodeId, Protocol, Time};

use super::{Counts, Host, Sink, World};
use crate::mode::{Mode, StampedOf};
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

/// The node whose handler is called, and when.
pub(crate) struct Turn<'a, P: Protocol, M: Mode> {
    pub(crate) world: &'a World<'a, P, M>,
    pub(crate) id: NodeId,
    pub(crate) now: Time,
    pub(crate) counts: &'a mut Counts,
    pub(crate) standing: &'a mut M::NodeConditions,
    pub(crate) tally: &'a mut Tally<P>,
}

impl<'a, P: Protocol, M: Mode> Turn<'a, P, M> {
    #[inline(always)]
    fn over<S>(self, sink: &'a mut S) -> Host<'a, P, M, S> {
        let Turn { world, id, now, counts, standing, tally } = self;
        Host { world, id, now, counts, standing, tally, sink, muted: false, event: 0 }
    }

    /// Brings the node up.
    pub(crate) fn start(self, sink: &mut impl Sink<StampedOf<P, M>>) -> P::Node {
        if const { M::HAS_CONDITIONS } {
            self.over(&mut AnySink(sink)).start()
        } else {
            self.over(sink).start()
        }
    }

    /// Handles one event.
    #[inline(always)]
    pub(crate) fn handle(
        self,
        sink: &mut impl Sink<StampedOf<P, M>>,
        state: &mut P::Node,
        source: NodeId,
        sequence: u32,
        load: &StampedOf<P, M>,
    ) {
        if const { M::HAS_CONDITIONS } {
            self.over(&mut AnySink(sink)).handle(state, source, sequence, load);
        } else {
            self.over(sink).handle(state, source, sequence, load);
        }
    }
}
