//! Where the events go that a handler causes under the sharded engine.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use anthill_protocol::{NodeId, Time};

use crate::event::Event;
use crate::host::Sink;
use crate::mode::Ranked;
use crate::refusal::granted;
use crate::windows::calendar::Calendar;
use crate::windows::placement::Placement;

/// An event that a node of the running sub-shard caused for itself inside the window.
pub(crate) struct OwnEvent<L> {
    pub(crate) time: Time,
    pub(crate) sequence: u32,
    pub(crate) payload: L,
}

impl<L: Ranked> PartialEq for OwnEvent<L> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<L: Ranked> Eq for OwnEvent<L> {}

impl<L: Ranked> PartialOrd for OwnEvent<L> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reversed, so that the earliest is on top of a heap. Node and source are equal, and so is
/// the tie, but for a restart, which comes first.
impl<L: Ranked> Ord for OwnEvent<L> {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |event: &Self| (event.time, !event.payload.comes_first(), event.sequence);
        key(other).cmp(&key(self))
    }
}

/// Files events in a calendar, or among the node's own events of the open window.
pub(crate) struct CalendarSink<'a, L> {
    pub(crate) calendar: &'a mut Calendar<L>,
    pub(crate) own: &'a mut BinaryHeap<OwnEvent<L>>,
    pub(crate) placement: &'a Placement,
    pub(crate) window_shift: u32,
    /// The open window; `u64::MAX` before the first.
    pub(crate) open: u64,
}

impl<L: Copy> CalendarSink<'_, L> {
    #[inline(always)]
    fn file(
        &mut self,
        window: u64,
        time: Time,
        target: NodeId,
        source: NodeId,
        sequence: u32,
        payload: L,
    ) {
        let offset = (time.0 & ((1 << self.window_shift) - 1)) as u32;
        let local = self.placement.local(target);
        let event = Event::new(offset, local, source, sequence, payload);
        self.calendar.push(window, self.placement.subshard_of(target), event);
    }
}

impl<L: Copy + Ranked> Sink<L> for CalendarSink<'_, L> {
    #[inline(always)]
    fn deliver(&mut self, time: Time, target: NodeId, source: NodeId, sequence: u32, payload: L) {
        self.file(time.0 >> self.window_shift, time, target, source, sequence, payload);
    }

    #[inline]
    fn own(&mut self, time: Time, node: NodeId, sequence: u32, payload: L) {
        let window = time.0 >> self.window_shift;
        if window == self.open {
            if self.own.len() == self.own.capacity() {
                let entries = self.own.len() + 1;
                granted::<OwnEvent<L>>(self.own.try_reserve(1), entries, "pending events");
            }
            self.own.push(OwnEvent { time, sequence, payload });
        } else {
            self.file(window, time, node, node, sequence, payload);
        }
    }
}
