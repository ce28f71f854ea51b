//! The turns of a sub-shard's events in a window: handler calls, node by node.
//!
//! What is the same for all of them is set up once. Events that are caused for the open slot are merged
//! in by key. There is one call of the handlers here, so that small ones are compiled into the loop.

use anthill_protocol::{NodeId, Protocol, Time};

use crate::bodies::BodiesOf;
use crate::event::{Event, Payload};
use crate::host::{CellOf, Counts, Stage, World};
use crate::mode::{Mode, StampedOf};
use crate::tally::Tally;
use crate::windows::prefetch;
use crate::windows::sink::CalendarSink;
use crate::windows::subshard::{EVENTS_PER_LOOK, FEW, Notes, WindowContext, Worker, fetch_bodies};

/// How many events ahead the state of a node is fetched into the cache.
const PREFETCH_AHEAD: usize = 16;
/// How many events ahead a protocol says what it will read beside the state, which is there by then.
const HINTS_AHEAD: usize = 4;

impl<P: Protocol, M: Mode> Worker<P, M> {
    /// Runs the handlers over `self.events`.
    ///
    /// # Safety
    /// As `run_window`.
    pub(crate) unsafe fn handle_all(
        &mut self,
        context: &WindowContext<'_, P, M>,
        window: u64,
        subshard: u32,
    ) {
        let events = &mut self.events[..];
        let first = context.placement.nodes_of(subshard).start;
        let nodes = context.nodes.at(first);
        let begin = window << context.slots.shift;
        let (mut counts, mut standing) = (Counts::default(), M::NodeConditions::default());
        let mut sink = context.sink(&mut self.calendar, &mut self.late);
        let nobody = (&mut counts, &mut standing);
        let mut stage = Stage::new(&context.world, &mut self.tally, &mut sink, nobody);
        // In a slot of many windows, the end of the one that runs.
        let mut edge = if context.slots.is_wide() { Time(begin) } else { Time::MAX };
        // The next event, and that before which to look at whether to go on.
        let (mut i, mut look) = (0, 0);
        loop {
            if i == look {
                let (sink, _) = stage.parts();
                if i == events.len()
                    || (i > 0 && self.notes.must_halt(context, sink.calendar.mapped(), sink.late))
                {
                    break;
                }
                look = events.len().min(i + EVENTS_PER_LOOK);
            }
            // SAFETY: promised by the caller.
            unsafe { look_ahead(context, events, i, nodes) };
            let event = &events[i];
            let local = event.local();
            let (id, cause) = (NodeId(first + local), (event.source(), event.sequence()));
            let time = Time(begin | u64::from(event.time_offset()));
            if time >= edge {
                let (_, tally) = stage.parts();
                match self.notes.enter(context, time, tally) {
                    Some(end) => edge = end,
                    None => break,
                }
            }
            // SAFETY: started, and of this thread's sub-shard.
            let cell = unsafe { &mut *nodes.add(local as usize) };
            stage.play((id, cell), time, cause, &event.payload);
            let (sink, tally) = stage.parts();
            if time > tally.last_event {
                tally.last_event = time;
            }
            // A late event takes the place of the last one, which is done with.
            let next = events.get(i + 1);
            if sink.late.may_precede(next)
                && let Some(late) = self.notes.next_late(context, begin, (sink, tally), next)
            {
                events[i] = late;
            } else {
                i += 1;
            }
            if self.notes.mapped != sink.calendar.mapped()
                && self.notes.must_halt(context, sink.calendar.mapped(), sink.late)
            {
                break;
            }
        }
        stage.parts().0.late.clear();
    }
}

impl Notes {
    /// Takes the next late event of the open slot, if it comes before `next`.
    #[inline(never)]
    fn next_late<P: Protocol, M: Mode>(
        &mut self,
        context: &WindowContext<'_, P, M>,
        begin: u64,
        (sink, tally): (&mut CalendarSink<'_, StampedOf<P, M>>, &mut Tally<P>),
        next: Option<&Event<StampedOf<P, M>>>,
    ) -> Option<Event<StampedOf<P, M>>> {
        while let Some(late) = sink.late.pop_before(next, begin) {
            let is_after_end = begin | u64::from(late.time_offset()) >= context.until.0;
            if is_after_end && !context.slots.is_wide() {
                self.left_over = true;
                continue;
            }
            if let Some(stuck) = tally.streak.stuck.take() {
                sink.late.clear();
                self.fault.get_or_insert(stuck);
                return None;
            }
            self.late_handled = self.late_handled.wrapping_add(1);
            if (self.late_handled as usize).is_multiple_of(EVENTS_PER_LOOK)
                && self.must_halt(context, sink.calendar.mapped(), sink.late)
            {
                sink.late.clear();
                return None;
            }
            return Some(late);
        }
        None
    }

    /// Enters the window of an instant, in a slot of many: returns its end, or nothing if the run ends
    /// before it.
    #[inline(always)]
    fn enter<P: Protocol, M: Mode>(
        &mut self,
        context: &WindowContext<'_, P, M>,
        time: Time,
        tally: &mut Tally<P>,
    ) -> Option<Time> {
        let window = context.world.window_of(time);
        let begin = window << context.world.window_shift;
        if begin < context.until.0 && self.last_window != Some(window) {
            self.close_window(tally.totals.events);
            self.last_window = Some(window);
            self.windows += 1;
            tally.open_window(window);
        }
        if time >= context.until {
            self.left_over = true;
            return None;
        }
        Some(Time((begin + (1 << context.world.window_shift)).min(context.until.0)))
    }

    /// Files how many events the last window of a slot of many held.
    #[inline(always)]
    pub(crate) fn close_window(&mut self, events: u64) {
        let held = events - core::mem::replace(&mut self.events_before, events);
        if let Some(log2) = held.checked_ilog2() {
            self.window_events_log2[log2 as usize] += 1;
        }
    }
}

/// Fetches what the events after `events[i]` will need.
///
/// # Safety
/// `nodes` are those of the events' sub-shard, which have been started and are touched by no other
/// thread.
#[inline(always)]
unsafe fn look_ahead<P: Protocol, M: Mode>(
    context: &WindowContext<'_, P, M>,
    events: &[Event<StampedOf<P, M>>],
    i: usize,
    nodes: *mut CellOf<P, M>,
) {
    if let Some(ahead) = events.get(i + PREFETCH_AHEAD) {
        if events.len() >= FEW {
            fetch_bodies(ahead, context);
        }
        prefetch::for_write_all(nodes.wrapping_add(ahead.local() as usize));
    }
    if P::HINTS
        && let Some(ahead) = events.get(i + HINTS_AHEAD)
        && let Payload::Message(message) = &ahead.payload.payload
    {
        let World { protocol, bodies, .. } = &context.world;
        // SAFETY: promised by the caller; no handler runs.
        let cell = unsafe { &*nodes.add(ahead.local() as usize) };
        protocol.hint(&cell.state, message, &BodiesOf(bodies), prefetch::for_write);
    }
}
