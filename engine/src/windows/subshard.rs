//! One sub-shard during one window: collect its events from every calendar and put them in order
//! (`order`), run the handlers node by node (`turns`).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Atomic};

use anthill_protocol::{Message as _, NodeId, Protocol, Time};

use crate::checkpoint::Filed;
use crate::clock::Clock;
use crate::event::{Event, Payload};
use crate::host::{CellOf, NodeCell, Sink as _, Turn, World};
use crate::mode::{Mode, StampedOf};
use crate::run::{Control, End, RunError};
use crate::schedule::Parcel;
use crate::signing::Signing;
use crate::tally::Tally;
use crate::windows::calendar::{Calendar, Column};
use crate::windows::late::Late;
use crate::windows::order::for_each_event;
use crate::windows::placement::Placement;
use crate::windows::sink::CalendarSink;
use crate::windows::slots::Slots;

/// With fewer events than this the states of all their nodes are fetched before any runs.
pub(crate) const FEW: usize = 256;
/// Events between two looks at whether to go on.
pub(crate) const EVENTS_PER_LOOK: usize = 4096;
/// Fewer events than this are not worth two looks at the clock.
const TIMED_MIN: usize = 256;
/// Signatures verified together, unless there are no more: from here on larger batches gain little.
const BATCH: usize = 256;
/// Events of sub-shards taken together: with more, others should have the next sub-shard.
const TAKEN_EVENTS: usize = 4096;

/// One worker thread's private memory.
pub(crate) struct Worker<P: Protocol, M: Mode> {
    pub(crate) calendar: Calendar<StampedOf<P, M>>,
    pub(crate) tally: Tally<P>,
    pub(crate) late: Late<StampedOf<P, M>>,
    pub(crate) events: Vec<Event<StampedOf<P, M>>>,
    /// Sub-shards, with their shards, whose signatures wait for a batch to fill.
    taken: Vec<(u32, u32)>,
    taken_events: usize,
    pub(crate) buckets: Vec<u32>,
    pub(crate) shard_events: Vec<u64>,
    pub(crate) sort_ns: u64,
    pub(crate) handlers_ns: u64,
    pub(crate) crypto_ns: u64,
    pub(crate) notes: Notes,
}

/// Why a worker might not go on.
#[derive(Default)]
pub(crate) struct Notes {
    /// Whether events at or after `until` were left in the last window.
    pub(crate) left_over: bool,
    /// The first thing that went wrong on this thread.
    pub(crate) fault: Option<RunError>,
    /// Why this thread left its work undone, if it did.
    pub(crate) halted: Option<End>,
    /// Late events handled so far, and the memory known of at the last look.
    pub(crate) late_handled: u32,
    pub(crate) mapped: u64,
    /// In slots of many windows: how many of these came up, the last of them, the number of events before
    /// it, and how many windows held 2^i events.
    pub(crate) windows: u64,
    pub(crate) last_window: Option<u64>,
    pub(crate) events_before: u64,
    pub(crate) window_events_log2: Vec<u64>,
}

/// The beginning of a stretch of work.
#[derive(Clone, Copy)]
pub(crate) struct Stretch {
    begun: u64,
    measured: u64,
}

/// The nodes of a run, by address: each sub-shard's are touched by one thread at a time.
pub(crate) struct Nodes<C>(*mut C);

impl<C> Nodes<C> {
    /// The nodes of an id on, whose memory begins at `address`: those before it are in other processes.
    pub(crate) fn from(first: u32, address: *mut C) -> Self {
        Self(address.wrapping_sub(first as usize))
    }

    /// Where a node of this process is.
    #[inline]
    pub(crate) fn at(&self, id: u32) -> *mut C {
        self.0.wrapping_add(id as usize)
    }
}

// SAFETY: `Worker::run_window` and `start` say who may touch which nodes when.
unsafe impl<C: Send> Send for Nodes<C> {}
// SAFETY: as above.
unsafe impl<C: Send> Sync for Nodes<C> {}

/// What a window's work needs beside the worker itself.
pub(crate) struct WindowContext<'a, P: Protocol, M: Mode> {
    pub(crate) world: World<'a, P, M>,
    pub(crate) placement: Placement,
    pub(crate) slots: Slots,
    pub(crate) nodes: Nodes<CellOf<P, M>>,
    pub(crate) columns: Vec<Column<StampedOf<P, M>>>,
    /// Events with time below this run.
    pub(crate) until: Time,
    pub(crate) clock: Clock,
    /// Whether signatures are verified before their messages are handled.
    pub(crate) announces: bool,
    pub(crate) control: &'a Control,
    /// Bytes that all calendars may map, and bytes they have mapped.
    pub(crate) memory_limit: u64,
    pub(crate) mapped: AtomicU64,
    /// Whether some nodes were never started: their memory is uninitialised.
    pub(crate) unstarted: AtomicBool,
}

impl Notes {
    /// Whether to leave the work undone: one window of few nodes can hold more events, and send
    /// more messages, than anyone has time or memory for.
    #[cold]
    pub(crate) fn must_halt<P: Protocol, M: Mode>(
        &mut self,
        context: &WindowContext<'_, P, M>,
        mapped: u64,
        late: &Late<StampedOf<P, M>>,
    ) -> bool {
        let more = mapped - core::mem::replace(&mut self.mapped, mapped);
        let all = context.mapped.fetch_add(more, Atomic::Relaxed) + more;
        if all.saturating_add(late.bytes()).saturating_add(context.world.bodies.bytes())
            > context.memory_limit
        {
            self.halted = Some(End::MemoryLimit);
        } else if context.control.interrupted() {
            self.halted = Some(End::Interrupted);
        }
        self.halted.is_some()
    }
}

impl<'a, P: Protocol, M: Mode> WindowContext<'a, P, M> {
    /// The sink of a worker.
    pub(crate) fn sink<'w>(
        &self,
        calendar: &'w mut Calendar<StampedOf<P, M>>,
        late: &'w mut Late<StampedOf<P, M>>,
    ) -> CalendarSink<'w, StampedOf<P, M>> {
        CalendarSink::new(calendar, late, self.placement, self.slots)
    }
}

impl<P: Protocol, M: Mode> Worker<P, M> {
    /// Whether messages have signatures, which may be verified before they are handled.
    pub(crate) const ANNOUNCES: bool = P::Message::SIGNED || P::Message::CARRIES;

    pub(crate) fn new(
        calendar: Calendar<StampedOf<P, M>>,
        tally: Tally<P>,
        late: Late<StampedOf<P, M>>,
        shards: u32,
    ) -> Self {
        Self {
            calendar,
            tally,
            late,
            events: Vec::new(),
            taken: Vec::new(),
            taken_events: 0,
            buckets: Vec::new(),
            shard_events: vec![0; shards as usize],
            sort_ns: 0,
            handlers_ns: 0,
            crypto_ns: 0,
            notes: Notes { window_events_log2: vec![0; 65], ..Notes::default() },
        }
    }

    /// Brings up the nodes of a sub-shard.
    ///
    /// # Safety
    /// The memory of these nodes is uninitialised and touched by nobody else now.
    pub(crate) unsafe fn start(&mut self, context: &WindowContext<'_, P, M>, subshard: u32) {
        for id in context.placement.nodes_of(subshard) {
            let mapped = self.calendar.mapped();
            if (self.notes.mapped != mapped || id % EVENTS_PER_LOOK as u32 == 0)
                && self.notes.must_halt(context, mapped, &self.late)
            {
                context.unstarted.store(true, Atomic::Relaxed);
                return;
            }
            let (mut counts, mut standing) = Default::default();
            let mut sink = context.sink(&mut self.calendar, &mut self.late);
            let turn = Turn {
                world: &context.world,
                id: NodeId(id),
                counts: &mut counts,
                standing: &mut standing,
                tally: &mut self.tally,
            };
            let state = turn.start(&mut sink);
            // SAFETY: `id` is a node of this process; the rest is promised by the caller.
            unsafe { context.nodes.at(id).write(NodeCell { state, counts, standing }) };
        }
    }

    /// Files the pending events of a saved run, before the first window.
    pub(crate) fn file(
        &mut self,
        context: &WindowContext<'_, P, M>,
        events: Vec<Filed<StampedOf<P, M>>>,
    ) {
        let mut sink = self.sink_between_windows(context);
        for Filed { time, target, source, sequence, load } in events {
            sink.deliver(time, target, source, sequence, load);
        }
    }

    /// Files messages that a scheduler lets arrive, between windows.
    pub(crate) fn file_arrivals(
        &mut self,
        context: &WindowContext<'_, P, M>,
        arrivals: Vec<(Time, Parcel<P::Message>)>,
    ) {
        let mut sink = self.sink_between_windows(context);
        for (time, parcel) in arrivals {
            context.world.arrive(time, parcel, &mut sink);
        }
    }

    /// Where events go that no handler causes.
    pub(crate) fn sink_between_windows<'w>(
        &'w mut self,
        context: &WindowContext<'_, P, M>,
    ) -> CalendarSink<'w, StampedOf<P, M>> {
        context.sink(&mut self.calendar, &mut self.late)
    }

    /// Runs one sub-shard's events of the open window: at once, or with those taken next, so that
    /// their signatures are verified as one batch. [`Worker::run_taken`] runs the last ones.
    ///
    /// # Safety
    /// As [`Worker::run_window`], until the window ends.
    pub(crate) unsafe fn take(
        &mut self,
        context: &WindowContext<'_, P, M>,
        window: u64,
        subshard: u32,
        shard: u32,
    ) {
        if !Self::ANNOUNCES || !context.announces {
            // SAFETY: promised by the caller.
            return unsafe { self.run_window(context, window, subshard, shard, false) };
        }
        // SAFETY: the window is open, so its lists are immutable.
        let events: usize =
            unsafe { context.columns.iter().map(|c| c.list(window, subshard).len()).sum() };
        if events >= TAKEN_EVENTS {
            // SAFETY: promised by the caller.
            return unsafe { self.run_window(context, window, subshard, shard, true) };
        }
        if events == 0 {
            return;
        }
        let begun = context.clock.ns();
        let signing = self.tally.signing(&context.world.crypto, context.world.seed);
        // SAFETY: as above.
        unsafe {
            for_each_event(context, window, subshard, |event| fetch_bodies(event, context));
            for_each_event(context, window, subshard, |event| announce(signing, event, context));
        }
        let enough = signing.waiting() >= BATCH;
        self.crypto_ns += context.clock.ns() - begun;
        self.taken.push((subshard, shard));
        self.taken_events += events;
        if enough || self.taken_events >= TAKEN_EVENTS {
            // SAFETY: promised by the caller.
            unsafe { self.run_taken(context, window) };
        }
    }

    /// Verifies the signatures of the sub-shards that were taken, and runs these.
    ///
    /// # Safety
    /// As [`Worker::run_window`] for all of them.
    pub(crate) unsafe fn run_taken(&mut self, context: &WindowContext<'_, P, M>, window: u64) {
        if self.taken.is_empty() {
            return;
        }
        let begun = context.clock.ns();
        let signing = self.tally.signing(&context.world.crypto, context.world.seed);
        if signing.waiting() > 0 {
            signing.settle(context.world.bodies);
        }
        self.crypto_ns += context.clock.ns() - begun;
        let mut taken = core::mem::take(&mut self.taken);
        for (subshard, shard) in taken.drain(..) {
            // SAFETY: promised by the caller.
            unsafe { self.run_window(context, window, subshard, shard, false) };
        }
        self.taken = taken;
        self.taken_events = 0;
    }

    /// Time that sub-shards have taken so far, as far as it was measured.
    pub(crate) fn timed_ns(&self) -> u64 {
        self.sort_ns + self.handlers_ns + self.crypto_ns
    }

    /// The beginning of a stretch of work: the time, and what is measured so far.
    pub(crate) fn begin_stretch(&self, clock: &Clock) -> Stretch {
        Stretch { begun: clock.ns(), measured: self.timed_ns() }
    }

    /// Counts as handlers what of a stretch was not measured, which is all sub-shards with few
    /// events; `times` over, if it stands for so many.
    pub(crate) fn end_stretch(&mut self, clock: &Clock, stretch: Stretch, times: u64) {
        let measured = self.timed_ns() - stretch.measured;
        self.handlers_ns += times * (clock.ns() - stretch.begun).saturating_sub(measured);
    }

    /// Runs one sub-shard's events of the open window; `announces`: its signatures are yet to be
    /// verified, together.
    ///
    /// # Safety
    /// `window` is open in all calendars, no other thread runs this sub-shard in it, and the
    /// nodes have been started.
    pub(crate) unsafe fn run_window(
        &mut self,
        context: &WindowContext<'_, P, M>,
        window: u64,
        subshard: u32,
        shard: u32,
        announces: bool,
    ) {
        // SAFETY: the window is open, so its lists are immutable.
        let count: usize =
            unsafe { context.columns.iter().map(|c| c.list(window, subshard).len()).sum() };
        if count == 0 || self.notes.halted.is_some() {
            return;
        }
        self.shard_events[shard as usize] += count as u64;
        let timed = count >= TIMED_MIN;
        let begun = if timed { context.clock.ns() } else { 0 };
        // SAFETY: as promised by the caller, and only this thread reaches the sub-shard's lists.
        unsafe {
            match context.slots.is_wide() {
                false => self.collect::<false>(context, window, subshard, count),
                true => self.collect::<true>(context, window, subshard, count),
            }
            for column in &context.columns {
                self.calendar.arena().free(&mut column.take(window, subshard));
            }
        }
        // A wide slot is left where its windows end.
        if !context.slots.is_wide() && window == context.slots.of(context.until.0) {
            self.cut_at_until(context);
        }
        let sorted = if timed { context.clock.ns() } else { 0 };
        let mut ready = sorted;
        if announces {
            let signing = self.tally.signing(&context.world.crypto, context.world.seed);
            self.events.iter().for_each(|event| announce(signing, event, context));
            if signing.waiting() > 0 {
                signing.settle(context.world.bodies);
            }
            ready = context.clock.ns();
            self.crypto_ns += ready - sorted;
        }
        // SAFETY: as promised by the caller.
        unsafe { self.handle_all(context, window, subshard) };
        if timed {
            self.sort_ns += sorted - begun;
            self.handlers_ns += context.clock.ns() - ready;
        }
    }

    /// Leaves out of the window that holds `until` what does not lie before it.
    #[cold]
    fn cut_at_until(&mut self, context: &WindowContext<'_, P, M>) {
        let until_offset = context.until.0 & ((1 << context.slots.shift) - 1);
        let all = self.events.len();
        self.events.retain(|event| u64::from(event.time_offset()) < until_offset);
        self.notes.left_over |= self.events.len() < all;
    }
}

/// Fetches the bodies that a message names.
#[inline]
pub(crate) fn fetch_bodies<P: Protocol, M: Mode>(
    event: &Event<StampedOf<P, M>>,
    context: &WindowContext<'_, P, M>,
) {
    if P::Message::CARRIES
        && let Payload::Message(message) = &event.payload.payload
    {
        message.bodies(|handle| context.world.bodies.prefetch(handle));
    }
}

/// Adds the claims of a message to those that wait to be verified.
#[inline]
fn announce<P: Protocol, M: Mode>(
    signing: &mut Signing,
    event: &Event<StampedOf<P, M>>,
    context: &WindowContext<'_, P, M>,
) {
    if let Payload::Message(message) = &event.payload.payload {
        signing.announce(event.source(), message, context.world.bodies);
    }
}
