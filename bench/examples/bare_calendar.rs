//! PHOLD on a bare calendar queue: what a good programmer writes in an afternoon, for one thread and
//! one workload. Buckets of pending events by time, as wide as `nodes / 32` events take, each
//! sorted when it opens; a small heap for what falls into the open one. Strict time order, the same
//! draws as the engine's, no digest, no metrics, no traits. The yardstick for the engine on one
//! thread (`scripts/bench-engine`).
//!
//! `bare_calendar NODES UNTIL_MS [LOOKAHEAD_NS MEAN_NS]` prints `EVENTS NANOSECONDS_PER_EVENT`, CPU time
//! of the loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

mod bare;
use bare::{Bare, Event};

/// Buckets hold at least and at most so many events.
const EVENTS_PER_BUCKET: core::ops::RangeInclusive<u64> = 256..=65_536;

struct Calendar {
    /// log2 of a bucket's width, in ns.
    shift: u32,
    buckets: Vec<Vec<Event>>,
    /// The open bucket, counted from time 0.
    open: u64,
    /// What was sent for the open bucket after it was sorted.
    late: BinaryHeap<Reverse<Event>>,
    /// What lies beyond the buckets.
    far: BinaryHeap<Reverse<Event>>,
}

impl Calendar {
    fn new(bare: &Bare) -> Self {
        let pending = u64::from(bare.nodes);
        let wanted = (pending / 32).clamp(*EVENTS_PER_BUCKET.start(), *EVENTS_PER_BUCKET.end());
        let (lookahead_ns, mean_ns) = bare.delays_ns;
        let spread_ns = lookahead_ns + mean_ns;
        let shift = (wanted * spread_ns / pending).max(1).ilog2();
        // Where but one delay in a million ends.
        let horizon = (lookahead_ns + 14 * mean_ns) >> shift;
        let buckets = vec![Vec::new(); (horizon as usize + 2).next_power_of_two()];
        Self { shift, buckets, open: 0, late: BinaryHeap::new(), far: BinaryHeap::new() }
    }

    fn push(&mut self, event: Event) {
        let bucket = event.time_ns >> self.shift;
        if bucket == self.open {
            self.late.push(Reverse(event));
        } else if bucket - self.open < self.buckets.len() as u64 {
            let slot = bucket as usize & (self.buckets.len() - 1);
            self.buckets[slot].push(event);
        } else {
            self.far.push(Reverse(event));
        }
    }

    /// Opens the next bucket: its events in order.
    fn open_next(&mut self) -> Vec<Event> {
        self.open += 1;
        let slot = self.open as usize & (self.buckets.len() - 1);
        let mut events = core::mem::take(&mut self.buckets[slot]);
        while let Some(Reverse(event)) = self.far.peek() {
            if event.time_ns >> self.shift > self.open {
                break;
            }
            events.extend(self.far.pop().map(|Reverse(event)| event));
        }
        events.sort_unstable();
        events
    }

    /// Gives an emptied bucket's memory back.
    fn recycle(&mut self, mut events: Vec<Event>) {
        events.clear();
        let slot = self.open as usize & (self.buckets.len() - 1);
        self.buckets[slot] = events;
    }
}

fn main() {
    let mut bare = Bare::from_arguments("bare_calendar");
    let mut calendar = Calendar::new(&bare);
    // Before the first bucket opens all is late.
    for id in 0..bare.nodes {
        let event = bare.send(id, 0);
        calendar.push(event);
    }
    let mut run = bare.begin();
    let mut events = Vec::new();
    'run: loop {
        let mut sorted = events.iter().copied().peekable();
        loop {
            let from_late = match (sorted.peek(), calendar.late.peek()) {
                (Some(next), Some(Reverse(late))) => late < next,
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (None, None) => break,
            };
            let next = match from_late {
                true => calendar.late.pop().map(|Reverse(event)| event),
                false => sorted.next(),
            };
            let Some(event) = next else { break };
            match run.handle(&mut bare, event) {
                Some(sent) => calendar.push(sent),
                None => break 'run,
            }
        }
        calendar.recycle(core::mem::take(&mut events));
        events = calendar.open_next();
    }
    run.print();
}
