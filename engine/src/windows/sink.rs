//! Where the events go that a handler causes under the sharded engine.

use anthill_protocol::{NodeId, Time};

use crate::event::Event;
use crate::host::Sink;
use crate::mode::Ranked;
use crate::windows::calendar::Calendar;
use crate::windows::late::Late;
use crate::windows::placement::Placement;
use crate::windows::slots::Slots;

/// Files events in a calendar, or among the late ones of the open slot.
pub(crate) struct CalendarSink<'a, L> {
    pub(crate) calendar: &'a mut Calendar<L>,
    pub(crate) late: &'a mut Late<L>,
    placement: Placement,
    slots: Slots,
    /// The bits of an instant that are its place in its slot.
    offset_mask: u64,
}

impl<'a, L: Copy> CalendarSink<'a, L> {
    pub(crate) fn new(
        calendar: &'a mut Calendar<L>,
        late: &'a mut Late<L>,
        placement: Placement,
        slots: Slots,
    ) -> Self {
        let offset_mask = (1 << slots.shift) - 1;
        Self { calendar, late, placement, slots, offset_mask }
    }
}

impl<L: Copy + Ranked> Sink<L> for CalendarSink<'_, L> {
    #[inline(always)]
    fn deliver(&mut self, time: Time, target: NodeId, source: NodeId, sequence: u32, payload: L) {
        let offset = (time.0 & self.offset_mask) as u32;
        let local = self.placement.local(target);
        let event = Event::new(offset, local, source, sequence, payload);
        let (slot, subshard) = (self.slots.of(time.0), self.placement.subshard_of(target));
        if !self.calendar.push(slot, subshard, event) {
            debug_assert!(
                source == target || self.slots.is_wide(),
                "{time:?} is in the open window"
            );
            self.late.push(time, event);
        }
    }

    #[inline]
    fn own(&mut self, time: Time, node: NodeId, sequence: u32, payload: L) {
        self.deliver(time, node, node, sequence, payload);
    }
}
