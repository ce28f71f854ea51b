//! One sub-shard during one window: collect its events from every calendar, put them in order, run
//! the handlers node by node.
//!
//! Order: a histogram and one counting-sort pass on the high bits of the node's index, then one
//! insertion sort over the whole, whose moves are short (a real sort where one is not: a node with a
//! crowd of events). A node's own events that fall into the same window are merged in by key while
//! its events run.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Atomic};

use anthill_protocol::{Message as _, NodeId, Protocol, Time};

use crate::bodies::BodiesOf;
use crate::checkpoint::Filed;
use crate::clock::Clock;
use crate::event::{Event, Payload};
use crate::host::{CellOf, NodeCell, Sink as _, Turn, World};
use crate::mode::{Mode, PayloadOf, Ranked, StampedOf};
use crate::refusal::granted;
use crate::run::{Control, End, RunError};
use crate::schedule::Parcel;
use crate::signing::Signing;
use crate::tally::Tally;
use crate::windows::calendar::{Calendar, Column};
use crate::windows::chunk::stride;
use crate::windows::placement::Placement;
use crate::windows::prefetch;
use crate::windows::sink::{CalendarSink, OwnEvent};

/// How many events ahead the state of a node is fetched into the cache.
const PREFETCH_AHEAD: usize = 16;
/// How many events ahead a protocol says what it will read beside the state, which is there by then.
const HINTS_AHEAD: usize = 4;
/// An event that moves further than this calls for a real sort.
const INSERTION_MAX: usize = 24;
/// With fewer events than this the states of all their nodes are fetched before any runs.
const FEW: usize = 256;
/// Below this many events a counting sort costs more than it saves.
const COUNTING_MIN: usize = 16;
/// Events between two looks at whether to go on.
const EVENTS_PER_LOOK: usize = 4096;
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
    own: BinaryHeap<OwnEvent<StampedOf<P, M>>>,
    events: Vec<Event<StampedOf<P, M>>>,
    /// Sub-shards, with their shards, whose signatures wait for a batch to fill.
    taken: Vec<(u32, u32)>,
    taken_events: usize,
    buckets: Vec<u32>,
    pub(crate) shard_events: Vec<u64>,
    pub(crate) sort_ns: u64,
    pub(crate) handlers_ns: u64,
    pub(crate) crypto_ns: u64,
    /// Whether events at or after `until` were left in the last window.
    pub(crate) left_over: bool,
    /// The first thing that went wrong on this thread.
    pub(crate) fault: Option<RunError>,
    /// Why this thread left its work undone, if it did.
    pub(crate) halted: Option<End>,
    /// Own events handled, and the memory known of, at the last look.
    own_handled: u32,
    mapped: u64,
}

/// The beginning of a stretch of work.
#[derive(Clone, Copy)]
pub(crate) struct Stretch {
    begun: u64,
    measured: u64,
}

/// The nodes of a run, by address: each sub-shard's are touched by one thread at a time.
pub(crate) struct Nodes<C>(pub(crate) *mut C);

// SAFETY: `Worker::run_window` and `start` say who may touch which nodes when.
unsafe impl<C: Send> Send for Nodes<C> {}
// SAFETY: as above.
unsafe impl<C: Send> Sync for Nodes<C> {}

/// What a window's work needs beside the worker itself.
pub(crate) struct WindowContext<'a, P: Protocol, M: Mode> {
    pub(crate) world: World<'a, P, M>,
    pub(crate) placement: Placement,
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

impl<P: Protocol, M: Mode> Worker<P, M> {
    /// Whether messages have signatures, which may be verified before they are handled.
    pub(crate) const ANNOUNCES: bool = P::Message::SIGNED || P::Message::CARRIES;

    pub(crate) fn new(calendar: Calendar<StampedOf<P, M>>, tally: Tally<P>, shards: u32) -> Self {
        Self {
            calendar,
            tally,
            own: BinaryHeap::with_capacity(64),
            events: Vec::new(),
            taken: Vec::new(),
            taken_events: 0,
            buckets: Vec::new(),
            shard_events: vec![0; shards as usize],
            sort_ns: 0,
            handlers_ns: 0,
            crypto_ns: 0,
            left_over: false,
            fault: None,
            halted: None,
            own_handled: 0,
            mapped: 0,
        }
    }

    /// Brings up the nodes of a sub-shard.
    ///
    /// # Safety
    /// The memory of these nodes is uninitialised and touched by nobody else now.
    pub(crate) unsafe fn start(&mut self, context: &WindowContext<'_, P, M>, subshard: u32) {
        for id in context.placement.nodes_of(subshard) {
            if (self.mapped != self.calendar.mapped() || id % EVENTS_PER_LOOK as u32 == 0)
                && self.must_halt(context)
            {
                context.unstarted.store(true, Atomic::Relaxed);
                return;
            }
            let (mut counts, mut standing) = Default::default();
            let mut sink = CalendarSink {
                calendar: &mut self.calendar,
                own: &mut self.own,
                placement: &context.placement,
                window_shift: context.world.window_shift,
                open: u64::MAX,
            };
            let turn = Turn {
                world: &context.world,
                id: NodeId(id),
                now: Time::ZERO,
                counts: &mut counts,
                standing: &mut standing,
                tally: &mut self.tally,
            };
            let state = turn.start(&mut sink);
            // SAFETY: `id` is below the number of nodes; the rest is promised by the caller.
            unsafe { context.nodes.0.add(id as usize).write(NodeCell { state, counts, standing }) };
        }
    }

    /// Files the pending events of a saved run, before the first window.
    pub(crate) fn file(
        &mut self,
        context: &WindowContext<'_, P, M>,
        events: Vec<Filed<StampedOf<P, M>>>,
    ) {
        let mut sink = CalendarSink {
            calendar: &mut self.calendar,
            own: &mut self.own,
            placement: &context.placement,
            window_shift: context.world.window_shift,
            open: u64::MAX,
        };
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
        context: &'w WindowContext<'_, P, M>,
    ) -> CalendarSink<'w, StampedOf<P, M>> {
        CalendarSink {
            calendar: &mut self.calendar,
            own: &mut self.own,
            placement: &context.placement,
            window_shift: context.world.window_shift,
            open: u64::MAX,
        }
    }

    /// Whether to leave the work undone: one window of few nodes can hold more events, and send
    /// more messages, than anyone has time or memory for.
    #[cold]
    fn must_halt(&mut self, context: &WindowContext<'_, P, M>) -> bool {
        let mapped = self.calendar.mapped();
        let more = mapped - core::mem::replace(&mut self.mapped, mapped);
        let all = context.mapped.fetch_add(more, Atomic::Relaxed) + more;
        let own = (self.own.capacity() * size_of::<OwnEvent<StampedOf<P, M>>>()) as u64;
        if all.saturating_add(own).saturating_add(context.world.bodies.bytes())
            > context.memory_limit
        {
            self.halted = Some(End::MemoryLimit);
        } else if context.control.interrupted() {
            self.halted = Some(End::Interrupted);
        }
        self.halted.is_some()
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
            for_each_event(context, window, subshard, |event| fetch_bodies(&event, context));
            for_each_event(context, window, subshard, |event| announce(signing, &event, context));
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
        if count == 0 || self.halted.is_some() {
            return;
        }
        self.shard_events[shard as usize] += count as u64;
        let timed = count >= TIMED_MIN;
        let begun = if timed { context.clock.ns() } else { 0 };
        // SAFETY: as promised by the caller, and only this thread reaches the sub-shard's lists.
        unsafe {
            self.collect(context, window, subshard, count);
            for column in &context.columns {
                self.calendar.arena().free(&mut column.take(window, subshard));
            }
        }
        if window == context.world.window_of(context.until) {
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

    /// Copies the window's events of a sub-shard into `self.events`, in order.
    ///
    /// # Safety
    /// As `run_window`; `count` is their number.
    unsafe fn collect(
        &mut self,
        context: &WindowContext<'_, P, M>,
        window: u64,
        subshard: u32,
        count: usize,
    ) {
        self.events.clear();
        let room = self.events.try_reserve(count);
        granted::<Event<StampedOf<P, M>>>(room, count, "the events of a window");
        let nodes =
            context.nodes.0.wrapping_add(context.placement.nodes_of(subshard).start as usize);
        let fetch = |event: &Event<StampedOf<P, M>>| {
            // With few events there is no time to fetch ahead while they run.
            if count < FEW {
                prefetch::for_write_all(nodes.wrapping_add(event.local() as usize));
                fetch_bodies(event, context);
            }
        };
        if count < COUNTING_MIN {
            // SAFETY: the lists are immutable while the window is open.
            unsafe {
                for_each_event(context, window, subshard, |event| {
                    fetch(&event);
                    self.events.push(event);
                });
            }
            insertion_sort(&mut self.events, context, window);
            return;
        }
        // About one bucket per event: most hold zero to three events.
        let spare = context.placement.shift.saturating_sub(count.ilog2());
        let buckets = (1usize << context.placement.shift) >> spare;
        self.buckets.clear();
        self.buckets.resize(buckets, 0);
        let ends = &mut self.buckets[..];
        // SAFETY: the lists are immutable while the window is open.
        unsafe {
            for_each_event(context, window, subshard, |event| {
                fetch(&event);
                ends[(event.local() >> spare) as usize] += 1;
            });
        }
        let mut sum = 0;
        for end in ends.iter_mut() {
            // From here on: where the bucket's next event goes.
            sum += core::mem::replace(end, sum);
        }
        let out = self.events.as_mut_ptr();
        // SAFETY: the starts are prefix sums of the same events' counts, so each of the `count`
        // reserved places is written exactly once.
        unsafe {
            for_each_event(context, window, subshard, |event| {
                let place = &mut ends[(event.local() >> spare) as usize];
                out.add(*place as usize).write(event);
                *place += 1;
            });
            self.events.set_len(count);
        }
        insertion_sort(&mut self.events, context, window);
    }

    /// Leaves out of the window that holds `until` what does not lie before it.
    #[cold]
    fn cut_at_until(&mut self, context: &WindowContext<'_, P, M>) {
        let until_offset = context.until.0 & ((1 << context.world.window_shift) - 1);
        let all = self.events.len();
        self.events.retain(|event| u64::from(event.time_offset) < until_offset);
        self.left_over |= self.events.len() < all;
    }

    /// Runs the handlers over `self.events`.
    ///
    /// # Safety
    /// As `run_window`.
    unsafe fn handle_all(&mut self, context: &WindowContext<'_, P, M>, window: u64, subshard: u32) {
        let events = core::mem::take(&mut self.events);
        let first = context.placement.nodes_of(subshard).start;
        let window_start = window << context.world.window_shift;
        for (i, event) in events.iter().enumerate() {
            if let Some(ahead) = events.get(i + PREFETCH_AHEAD) {
                if events.len() >= FEW {
                    fetch_bodies(ahead, context);
                }
                let ahead = (first + ahead.local()) as usize;
                prefetch::for_write_all(context.nodes.0.wrapping_add(ahead));
            }
            if P::HINTS
                && let Some(ahead) = events.get(i + HINTS_AHEAD)
            {
                // SAFETY: promised by the caller.
                unsafe { hint(context, first + ahead.local(), &ahead.payload.payload) };
            }
            let node = NodeId(first + event.local());
            let time = Time(window_start | u64::from(event.time_offset));
            let source = NodeId(event.source);
            // SAFETY: promised by the caller.
            unsafe {
                self.handle(context, window, node, time, source, event.sequence, &event.payload)
            };
            if !self.own.is_empty() {
                let next = events.get(i + 1).filter(|next| next.local() == event.local());
                // SAFETY: promised by the caller.
                unsafe { self.handle_own(context, window, node, next) };
            }
            if (self.mapped != self.calendar.mapped() || i % EVENTS_PER_LOOK == EVENTS_PER_LOOK - 1)
                && self.must_halt(context)
            {
                self.own.clear();
                break;
            }
        }
        self.events = events;
    }

    /// Runs a node's own events of the open window that come before `next`, its next event.
    ///
    /// # Safety
    /// As `run_window`.
    #[inline(never)]
    unsafe fn handle_own(
        &mut self,
        context: &WindowContext<'_, P, M>,
        window: u64,
        node: NodeId,
        next: Option<&Event<StampedOf<P, M>>>,
    ) {
        let window_start = window << context.world.window_shift;
        while let Some(own) = self.own.peek() {
            if let Some(next) = next {
                let time = Time(window_start | u64::from(next.time_offset));
                let seed = context.world.seed;
                let key = |time, load: &StampedOf<P, M>, source: NodeId, sequence: u32| {
                    (time, load.tie(seed, time, source), source, sequence)
                };
                if key(time, &next.payload, NodeId(next.source), next.sequence)
                    < key(own.time, &own.payload, node, own.sequence)
                {
                    return;
                }
            }
            let own = self.own.pop().expect("peeked");
            if own.time >= context.until {
                self.left_over = true;
                continue;
            }
            if let Some(stuck) = self.tally.streak.stuck.take() {
                self.own.clear();
                self.fault.get_or_insert(stuck);
                return;
            }
            self.own_handled = self.own_handled.wrapping_add(1);
            if (self.own_handled as usize).is_multiple_of(EVENTS_PER_LOOK)
                && self.must_halt(context)
            {
                self.own.clear();
                return;
            }
            // SAFETY: promised by the caller.
            unsafe {
                self.handle(context, window, node, own.time, node, own.sequence, &own.payload)
            };
        }
    }

    /// # Safety
    /// As `run_window`; `node` is of its sub-shard.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "the parts of one event, inlined")]
    unsafe fn handle(
        &mut self,
        context: &WindowContext<'_, P, M>,
        window: u64,
        node: NodeId,
        time: Time,
        source: NodeId,
        sequence: u32,
        load: &StampedOf<P, M>,
    ) {
        // SAFETY: started, and of this thread's sub-shard.
        let cell = unsafe { &mut *context.nodes.0.add(node.index()) };
        let mut sink = CalendarSink {
            calendar: &mut self.calendar,
            own: &mut self.own,
            placement: &context.placement,
            window_shift: context.world.window_shift,
            open: window,
        };
        let turn = Turn {
            world: &context.world,
            id: node,
            now: time,
            counts: &mut cell.counts,
            standing: &mut cell.standing,
            tally: &mut self.tally,
        };
        turn.handle(&mut sink, &mut cell.state, source, sequence, load);
        if time > self.tally.last_event {
            self.tally.last_event = time;
        }
    }
}

/// Fetches the bodies that a message names.
#[inline]
fn fetch_bodies<P: Protocol, M: Mode>(
    event: &Event<StampedOf<P, M>>,
    context: &WindowContext<'_, P, M>,
) {
    if P::Message::CARRIES
        && let Payload::Message(message) = &event.payload.payload
    {
        message.bodies(|handle| context.world.bodies.prefetch(handle));
    }
}

/// Fetches what a protocol says it will read to handle a message.
///
/// # Safety
/// The node has been started, and no other thread has its sub-shard.
#[inline]
unsafe fn hint<P: Protocol, M: Mode>(
    context: &WindowContext<'_, P, M>,
    node: u32,
    payload: &PayloadOf<P, M>,
) {
    if let Payload::Message(message) = payload {
        let World { protocol, bodies, .. } = &context.world;
        // SAFETY: promised by the caller; no handler runs.
        let cell = unsafe { &*context.nodes.0.add(node as usize) };
        protocol.hint(&cell.state, message, &BodiesOf(bodies), prefetch::for_write);
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
        signing.announce(NodeId(event.source), message, context.world.bodies);
    }
}

/// # Safety
/// `window` is open in all calendars.
#[inline]
unsafe fn for_each_event<P: Protocol, M: Mode>(
    context: &WindowContext<'_, P, M>,
    window: u64,
    subshard: u32,
    mut take: impl FnMut(Event<StampedOf<P, M>>),
) {
    for column in &context.columns {
        // SAFETY: the window is open, so the list is immutable and its arena alive.
        unsafe {
            for (first, entries) in column.list(window, subshard).runs() {
                for i in 0..entries {
                    let at = first.add(i * stride::<Event<StampedOf<P, M>>>());
                    take(at.cast::<Event<StampedOf<P, M>>>().read());
                }
            }
        }
    }
}

/// Sorts events that are nearly in order (bucket by bucket) by node, then key: nearly all moves
/// are by a place or two. An event that has further to go says that a node is crowded, and the
/// whole is handed to a real sort.
#[inline]
fn insertion_sort<P: Protocol, M: Mode>(
    events: &mut [Event<StampedOf<P, M>>],
    context: &WindowContext<'_, P, M>,
    window: u64,
) {
    // Whatever is moved down, the last of what is sorted stays the last.
    let mut last = events.first().map_or(0, Event::rank);
    for i in 1..events.len() {
        let rank = events[i].rank();
        if last < rank {
            last = rank;
            continue;
        }
        let event = events[i];
        let mut hole = i;
        while hole > 0 {
            let before = events[hole - 1];
            let before_rank = before.rank();
            let ordered = before_rank < rank
                || (before_rank == rank
                    && compare_tied(&before, &event, context, window) == Ordering::Less);
            if ordered {
                break;
            }
            events[hole] = before;
            hole -= 1;
        }
        events[hole] = event;
        if i - hole > INSERTION_MAX {
            events.sort_unstable_by(|a, b| {
                a.rank().cmp(&b.rank()).then_with(|| compare_tied(a, b, context, window))
            });
            return;
        }
    }
}

/// The order of two events of one node and instant.
#[cold]
fn compare_tied<P: Protocol, M: Mode>(
    a: &Event<StampedOf<P, M>>,
    b: &Event<StampedOf<P, M>>,
    context: &WindowContext<'_, P, M>,
    window: u64,
) -> Ordering {
    let time = Time(window << context.world.window_shift | u64::from(a.time_offset));
    let key = |event: &Event<StampedOf<P, M>>| {
        let tie = event.payload.tie(context.world.seed, time, NodeId(event.source));
        (tie, event.source, event.sequence)
    };
    key(a).cmp(&key(b))
}
