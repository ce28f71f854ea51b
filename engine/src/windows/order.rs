//! The order of a sub-shard's events in a window: by node, then by key. In a slot of many windows: by time.
//!
//! A histogram and one counting-sort pass on the high bits of what comes first, then one insertion
//! sort over the whole, whose moves are short (a real sort where one is not: a node with a crowd of
//! events). An event is moved as a whole and compared by its rank, which is one load and a shift.

use std::cmp::Ordering;

use anthill_protocol::{Protocol, Time};

use crate::event::Event;
use crate::mode::{Mode, Ranked, StampedOf};
use crate::refusal::granted;
use crate::windows::chunk::stride;
use crate::windows::prefetch;
use crate::windows::subshard::{FEW, WindowContext, Worker, fetch_bodies};

/// An event that moves further than this calls for a real sort.
const INSERTION_MAX: usize = 24;
/// Below this many events a counting sort costs more than it saves.
const COUNTING_MIN: usize = 16;

impl<P: Protocol, M: Mode> Worker<P, M> {
    /// Copies the window's events of a sub-shard into `self.events`, in order.
    ///
    /// # Safety
    /// As `run_window`; `count` is their number.
    pub(crate) unsafe fn collect<const BY_TIME: bool>(
        &mut self,
        context: &WindowContext<'_, P, M>,
        window: u64,
        subshard: u32,
        count: usize,
    ) {
        self.events.clear();
        let room = self.events.try_reserve(count);
        granted::<Event<StampedOf<P, M>>>(room, count, "the events of a window");
        let nodes = context.nodes.at(context.placement.nodes_of(subshard).start);
        let out = self.events.as_mut_ptr();
        if count < COUNTING_MIN {
            let mut place = out;
            // SAFETY: the lists are immutable while the window is open, and have `count` events,
            // for which there is room.
            unsafe {
                for_each_event(context, window, subshard, |event| {
                    prefetch::for_write_all(nodes.wrapping_add(event.local() as usize));
                    fetch_bodies(event, context);
                    core::ptr::copy_nonoverlapping(event, place, 1);
                    place = place.add(1);
                });
                self.events.set_len(count);
            }
            insertion_sort::<P, M, BY_TIME>(&mut self.events, context, window);
            return;
        }
        // About one bucket per event: most hold zero to three events.
        let bits = if BY_TIME { context.slots.shift } else { context.placement.shift };
        let spare = bits.saturating_sub(count.ilog2());
        let buckets = (1usize << bits) >> spare;
        let bucket =
            |event: &Event<StampedOf<P, M>>| (rank::<_, BY_TIME>(event) >> 32) as usize >> spare;
        self.buckets.clear();
        self.buckets.resize(buckets, 0);
        let ends = &mut self.buckets[..];
        // With few events there is no time to fetch ahead while they run.
        let is_few = count < FEW;
        // SAFETY: the lists are immutable while the window is open. What is ranked by is below 2^bits, so
        // its bucket is one of these.
        unsafe {
            for_each_event(context, window, subshard, |event| {
                if is_few {
                    prefetch::for_write_all(nodes.wrapping_add(event.local() as usize));
                    fetch_bodies(event, context);
                }
                debug_assert!(bucket(event) < buckets);
                *ends.get_unchecked_mut(bucket(event)) += 1;
            });
        }
        let mut sum = 0;
        for end in ends.iter_mut() {
            // From here on: where the bucket's next event goes.
            sum += core::mem::replace(end, sum);
        }
        // SAFETY: as above; and the starts are prefix sums of the same events' counts, so each of
        // the `count` reserved places is written exactly once.
        unsafe {
            for_each_event(context, window, subshard, |event| {
                let place = ends.get_unchecked_mut(bucket(event));
                core::ptr::copy_nonoverlapping(event, out.add(*place as usize), 1);
                *place += 1;
            });
            self.events.set_len(count);
        }
        insertion_sort::<P, M, BY_TIME>(&mut self.events, context, window);
    }
}

/// By what events are ordered, but for ties.
#[inline(always)]
fn rank<L, const BY_TIME: bool>(event: &Event<L>) -> u64 {
    if BY_TIME { event.rank_by_time() } else { event.rank() }
}

/// Shows the events of a window and sub-shard, in no order.
///
/// # Safety
/// `window` is open in all calendars.
#[inline(always)]
pub(crate) unsafe fn for_each_event<P: Protocol, M: Mode>(
    context: &WindowContext<'_, P, M>,
    window: u64,
    subshard: u32,
    mut show: impl FnMut(&Event<StampedOf<P, M>>),
) {
    for column in &context.columns {
        // SAFETY: the window is open, so the list is immutable and its arena alive.
        unsafe {
            for (first, entries) in column.list(window, subshard).runs() {
                let mut at = first;
                for _ in 0..entries {
                    show(&*at.cast::<Event<StampedOf<P, M>>>());
                    at = at.add(stride::<Event<StampedOf<P, M>>>());
                }
            }
        }
    }
}

/// Sorts events that are nearly in order (bucket by bucket) by node, then key: nearly all moves
/// are by a place or two. An event that has further to go says that a node is crowded, and the
/// whole is handed to a real sort.
fn insertion_sort<P: Protocol, M: Mode, const BY_TIME: bool>(
    events: &mut [Event<StampedOf<P, M>>],
    context: &WindowContext<'_, P, M>,
    window: u64,
) {
    let first = events.as_mut_ptr();
    // Whatever is moved down, the last of what is sorted stays the last.
    let mut last = events.first().map_or(0, rank::<_, BY_TIME>);
    for i in 1..events.len() {
        let own_rank = rank::<_, BY_TIME>(&events[i]);
        if last < own_rank {
            last = own_rank;
            continue;
        }
        let event = events[i];
        let mut hole = i;
        // SAFETY: `hole` is above 0 where the place before it is read, and at most `i`.
        unsafe {
            while hole > 0 {
                let before = first.add(hole - 1);
                let before_rank = rank::<_, BY_TIME>(&*before);
                if before_rank < own_rank
                    || (before_rank == own_rank
                        && compare_tied(&*before, &event, context, window) == Ordering::Less)
                {
                    break;
                }
                core::ptr::copy_nonoverlapping(before, before.add(1), 1);
                hole -= 1;
            }
            first.add(hole).write(event);
        }
        if i - hole > INSERTION_MAX {
            events.sort_unstable_by(|a, b| {
                let ranks = rank::<_, BY_TIME>(a).cmp(&rank::<_, BY_TIME>(b));
                ranks.then_with(|| compare_tied(a, b, context, window))
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
    let time = Time(window << context.slots.shift | u64::from(a.time_offset()));
    let key = |event: &Event<StampedOf<P, M>>| {
        let tie = event.payload.tie(context.world.seed, time, event.source());
        (tie, event.source(), event.sequence())
    };
    key(a).cmp(&key(b))
}
