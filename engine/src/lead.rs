//! The leader's section: what the last thread to arrive at a rendezvous does, alone.
//!
//! It finds the next window anywhere, looks at the stop conditions, and runs sparse windows by
//! itself, because waking the others would cost more than the events. Everything here relies on
//! one fact: between the last arrival and the release no other thread touches anything.

use std::sync::atomic::Ordering;

use anthill_protocol::{Protocol, Totals};

use crate::crypto;
use crate::fabric::Fabric;
use crate::live::Glimpse;
use crate::mode::Mode;
use crate::rendezvous::PhaseCell;
use crate::run::End;
use crate::sharded::Team;
use crate::subshard::Worker;
use crate::tally::add_totals;

/// Windows with fewer events than this are run by the leader alone (a parked thread costs 6.6 µs
/// to wake, some 90 events).
const SPARSE_EVENTS: usize = 90;
/// As above, where the events' signatures are computed: a batch takes longer than waking a thread.
const SPARSE_SIGNED_EVENTS: usize = 8;
/// The leader looks at the memory limit every so many windows.
const WINDOWS_PER_LOOK: u64 = 256;
/// Of so many windows that the leader runs alone one is measured, and stands for all: looking at the
/// clock twice takes as long as an event or two.
const WINDOWS_PER_TIMED: u64 = 16;
/// Free chunks (2 KiB each) that one thread may have more than another.
const UNEVEN_CHUNKS: usize = 2_048;

/// What the threads do after a rendezvous.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Stop(End),
    /// Run this window together; `crosses`: wait for all to have brought far events near.
    Window {
        window: u64,
        crosses: bool,
    },
}

/// The leader's notes.
pub(crate) struct Lead {
    pub(crate) step: Step,
    pub(crate) windows: u64,
    pub(crate) sparse_windows: u64,
    /// Events before the current window.
    pub(crate) events: u64,
    pub(crate) window_events_log2: Vec<u64>,
    pub(crate) totals: Totals,
    pub(crate) touched: Vec<u64>,
    pub(crate) setup_ns: u64,
}

impl Lead {
    pub(crate) fn new(subshards: u32) -> Self {
        Self {
            step: Step::Stop(End::Quiescent),
            windows: 0,
            sparse_windows: 0,
            events: 0,
            window_events_log2: vec![0; 65],
            totals: Totals::default(),
            touched: vec![0; (subshards as usize).div_ceil(64)],
            setup_ns: 0,
        }
    }
}

impl<P: Protocol, M: Mode, F: Fabric> Team<'_, P, M, F> {
    /// The leader's section: runs sparse windows, and decides what all do next.
    pub(crate) fn decide(&self, me: usize) {
        // SAFETY: the leader is alone; `lead` and each worker are borrowed one at a time.
        unsafe {
            self.lead.with(|lead| {
                self.reset_claims();
                loop {
                    self.note_window(lead);
                    lead.step = self.next_step(lead);
                    let Step::Window { window, crosses } = lead.step else { break };
                    lead.windows += 1;
                    self.fabric.exchange(window);
                    if self.workers.len() > 1 && self.is_dense(window, crosses) {
                        break;
                    }
                    lead.sparse_windows += u64::from(self.workers.len() > 1);
                    self.run_alone(me, window, lead);
                }
            });
        }
    }

    /// Files how many events the last window held.
    ///
    /// # Safety
    /// In the leader's section only, here and below.
    unsafe fn note_window(&self, lead: &mut Lead) {
        // SAFETY: the leader is alone.
        let count =
            |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.tally.totals.events) };
        let events: u64 = self.workers.iter().map(count).sum();
        if events > lead.events {
            lead.window_events_log2[(events - lead.events).ilog2() as usize] += 1;
            lead.events = events;
        }
    }

    unsafe fn next_step(&self, lead: &mut Lead) -> Step {
        // SAFETY: the leader is alone.
        let next =
            |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.calendar.next_window()) };
        let least = self.fabric.min_next(self.workers.iter().filter_map(next).min());
        // SAFETY: the leader is alone.
        let fault = |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.fault.is_some()) };
        // SAFETY: the leader is alone.
        let left_over = |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.left_over) };
        // SAFETY: the leader is alone.
        let halted = |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.halted) };
        if let Some(end) = self.workers.iter().find_map(halted) {
            return Step::Stop(end);
        }
        if self.failed.load(Ordering::Relaxed) || self.workers.iter().any(fault) {
            return Step::Stop(End::Interrupted);
        }
        // Time has passed `until` within the last window: nothing is looked at any more.
        if self.workers.iter().any(left_over) {
            return Step::Stop(End::Until);
        }
        let Some(window) = least else { return Step::Stop(End::Quiescent) };
        let bodies = self.field.world.bodies;
        // SAFETY: the leader is alone, and no handler runs.
        unsafe {
            if bodies.bytes() > 0 && bodies.is_due() {
                bodies.sweep(window);
            }
        }
        // SAFETY: the leader is alone.
        if P::STOPS_EARLY && unsafe { self.is_complete(lead) } {
            return Step::Stop(End::Complete);
        }
        // SAFETY: the leader is alone.
        let violated = |cell: &PhaseCell<Worker<P, M>>| unsafe {
            cell.with(|w| !w.tally.violations.is_empty())
        };
        if self.control.stop_on_violation && self.workers.iter().any(violated) {
            return Step::Stop(End::Violated);
        }
        if self.control.interrupted() {
            return Step::Stop(End::Interrupted);
        }
        let start = window << self.field.world.window_shift;
        if start >= self.field.until.0 {
            return Step::Stop(End::Until);
        }
        if let Some(live) = self.control.live.as_ref().filter(|live| live.is_wanted()) {
            // SAFETY: the leader is alone.
            live.leave(|glimpse| unsafe { self.glimpse(start, glimpse) });
        }
        if lead.windows.is_multiple_of(WINDOWS_PER_LOOK) || self.workers.len() > 1 {
            self.control.report(start, lead.events);
            // SAFETY: the leader is alone.
            let bytes =
                |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.calendar.bytes()) };
            let calendars: u64 = self.workers.iter().map(bytes).sum();
            // SAFETY: the leader is alone.
            unsafe { self.even_out_free_chunks() };
            let known = calendars.saturating_add(self.state_bytes).saturating_add(bodies.bytes());
            if known > self.memory_limit {
                return Step::Stop(End::MemoryLimit);
            }
        }
        // SAFETY: the leader is alone; all calendars have the same base.
        let crosses = unsafe { self.workers[0].with(|w| w.calendar.crosses_block(window)) };
        Step::Window { window, crosses }
    }

    unsafe fn glimpse(&self, virtual_ns: u64, glimpse: &mut Glimpse) {
        glimpse.begin::<P>(virtual_ns, self.claims.len());
        for cell in &self.workers {
            // SAFETY: the leader is alone.
            unsafe { cell.with(|w| glimpse.add(&w.tally, &w.shard_events)) };
        }
    }

    /// Threads that receive more than they send collect free chunks; those that send more would
    /// map new memory for ever.
    unsafe fn even_out_free_chunks(&self) {
        // SAFETY: the leader is alone, here and below.
        let free = |cell: &PhaseCell<Worker<P, M>>| unsafe {
            cell.with(|w| w.calendar.arena().free_chunks())
        };
        let Some(most) = self.workers.iter().max_by_key(|cell| free(cell)) else { return };
        let Some(least) = self.workers.iter().min_by_key(|cell| free(cell)) else { return };
        let surplus = free(most) - free(least);
        if surplus > UNEVEN_CHUNKS {
            // SAFETY: the surplus says that these are two different workers.
            unsafe {
                most.with(|from| {
                    least.with(|to| from.calendar.arena().give(surplus / 2, to.calendar.arena()));
                });
            }
        }
    }

    unsafe fn is_complete(&self, lead: &mut Lead) -> bool {
        let totals = &mut lead.totals;
        for (i, cell) in self.workers.iter().enumerate() {
            // SAFETY: the leader is alone.
            unsafe {
                cell.with(|w| {
                    if i == 0 {
                        totals.clone_from(&w.tally.totals);
                    } else {
                        add_totals::<P>(totals, &w.tally.totals);
                    }
                });
            }
        }
        self.fabric.reduce(totals);
        self.field.world.protocol.complete(totals)
    }

    unsafe fn is_dense(&self, window: u64, crosses: bool) -> bool {
        let executed = self.field.world.crypto.mode == crypto::Mode::Real;
        let enough = match Worker::<P, M>::ANNOUNCES && executed {
            true => SPARSE_SIGNED_EVENTS,
            false => SPARSE_EVENTS,
        };
        let mut events = 0;
        for cell in &self.workers {
            // SAFETY: the leader is alone.
            events += unsafe {
                cell.with(|w| {
                    let far = if crosses { w.calendar.events_to_cascade(window) } else { 0 };
                    far + w.calendar.count_up_to(window, enough)
                })
            };
        }
        events >= enough
    }

    unsafe fn run_alone(&self, me: usize, window: u64, lead: &mut Lead) {
        lead.touched.fill(0);
        for cell in &self.workers {
            // SAFETY: the leader is alone; all have read their last slot.
            unsafe {
                cell.with(|w| {
                    w.calendar.advance(window);
                    w.calendar.open();
                    for (all, own) in lead.touched.iter_mut().zip(w.calendar.touched_words()) {
                        *all |= own;
                    }
                });
            }
        }
        // SAFETY: the leader is alone, so every sub-shard is its own.
        unsafe {
            self.workers[me].with(|w| {
                w.tally.open_window(window);
                let clock = &self.field.clock;
                let measured = lead.windows.is_multiple_of(WINDOWS_PER_TIMED);
                let stretch = measured.then(|| w.begin_stretch(clock));
                for (i, word) in lead.touched.iter().enumerate() {
                    let mut bits = *word;
                    while bits != 0 {
                        let subshard = i as u32 * 64 + bits.trailing_zeros();
                        bits &= bits - 1;
                        let shard = self.field.placement.shard_of(subshard);
                        w.take(&self.field, window, subshard, shard);
                    }
                }
                w.run_taken(&self.field, window);
                if let Some(stretch) = stretch {
                    w.end_stretch(clock, stretch, WINDOWS_PER_TIMED);
                }
            });
        }
    }
}
