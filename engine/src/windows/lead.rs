//! The leader's section: what the last thread to arrive at a rendezvous does, alone.
//!
//! It finds the next window anywhere, looks at the stop conditions, and runs windows by itself as
//! long as that is faster ([`Pace`]). Everything here relies on one fact: between the last arrival
//! and the release no other thread touches anything. So while the leader runs windows, nothing but
//! one worker and its calendar change ([`ALONE`]): it looks at the others once, when it becomes the
//! leader, and again when a window of theirs has come. A run with few events per window then costs about
//! the same with any number of threads.

use std::sync::atomic::Ordering;

use anthill_protocol::{Protocol, Totals};

use crate::live::Glimpse;
use crate::mode::Mode;
use crate::run::End;
use crate::schedule::Boundary;
use crate::tally::add_totals;
use crate::windows::fabric::Fabric;
use crate::windows::pace::Pace;
use crate::windows::rendezvous::PhaseCell;
use crate::windows::sharded::ShardedRun;
use crate::windows::subshard::Worker;

/// The leader looks at the memory limit, and reports progress, after so many windows or events.
const WINDOWS_PER_LOOK: u64 = 256;
const EVENTS_PER_LOOK: u64 = 1 << 16;
/// Of so many windows that the leader runs alone one is measured, and stands for all: looking at the
/// clock twice takes as long as an event or two.
const WINDOWS_PER_TIMED: u64 = 16;
/// Free chunks (2 KiB each) that one thread may have more than another.
const UNEVEN_CHUNKS: usize = 2_048;

/// The worker that runs windows alone, whichever thread leads: their events stay in one calendar.
pub(crate) const ALONE: usize = 0;

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
    pub(crate) touched: Vec<u64>,
    pub(crate) setup_ns: u64,
    pace: Pace,
    totals: Totals,
    /// The last window that was run; `u64::MAX` before the first.
    last: u64,
    /// Windows and events at the last look at memory.
    looked: (u64, u64),
    /// The next window of each worker's calendar; `None`: it is empty.
    next: Vec<Option<u64>>,
    /// Events and totals of all workers but the one that runs windows alone.
    others_events: u64,
    others_totals: Totals,
}

impl Lead {
    pub(crate) fn new(subshards: u32, workers: u32, pace: Pace) -> Self {
        Self {
            step: Step::Stop(End::Quiescent),
            windows: 0,
            sparse_windows: 0,
            events: 0,
            window_events_log2: vec![0; 65],
            touched: vec![0; (subshards as usize).div_ceil(64)],
            setup_ns: 0,
            pace,
            totals: Totals::default(),
            last: u64::MAX,
            looked: (0, 0),
            next: vec![None; workers as usize],
            others_events: 0,
            others_totals: Totals::default(),
        }
    }
}

impl<P: Protocol, M: Mode, F: Fabric> ShardedRun<'_, P, M, F> {
    /// The leader's section: runs windows as long as it is to run them alone, and decides what all
    /// do next.
    pub(crate) fn decide(&self) {
        // SAFETY: the leader is alone; `lead` and each worker are borrowed one at a time.
        unsafe {
            self.lead.with(|lead| {
                self.reset_claims();
                self.look_at_others(lead);
                lead.step = self.run_until_shared(lead);
            });
        }
    }

    /// Runs windows alone until one is to be shared out, or the run ends.
    ///
    /// # Safety
    /// In the leader's section only, here and below.
    unsafe fn run_until_shared(&self, lead: &mut Lead) -> Step {
        let mut changed = &self.workers[..];
        loop {
            // SAFETY: the leader is alone.
            unsafe {
                self.note_window(lead);
                let window = match self.next_window(changed, lead) {
                    Ok(window) => window,
                    Err(end) => return Step::Stop(end),
                };
                lead.windows += 1;
                lead.last = window;
                self.fabric.exchange(window);
                if self.workers.len() > 1 {
                    let events = self.count(window, lead);
                    if !lead.pace.is_alone(events, || self.field.clock.ns()) {
                        let crosses = |cell: &PhaseCell<Worker<P, M>>| {
                            cell.with(|w| w.calendar.crosses_block(window))
                        };
                        return Step::Window { window, crosses: self.workers.iter().any(crosses) };
                    }
                    lead.sparse_windows += 1;
                }
                self.run_alone(window, lead);
                changed = core::slice::from_ref(&self.workers[ALONE]);
            }
        }
    }

    /// All workers but the one that runs windows alone.
    fn others(&self) -> &[PhaseCell<Worker<P, M>>] {
        &self.workers[ALONE + 1..]
    }

    /// Notes what stays as it is while the leader runs windows.
    unsafe fn look_at_others(&self, lead: &mut Lead) {
        let count =
            // SAFETY: the leader is alone.
            |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.tally.totals.events) };
        lead.others_events = self.others().iter().map(count).sum();
        for (next, cell) in lead.next.iter_mut().zip(&self.workers) {
            // SAFETY: the leader is alone.
            *next = unsafe { cell.with(|w| w.calendar.next_window()) };
        }
        if P::STOPS_EARLY {
            for (i, cell) in self.others().iter().enumerate() {
                // SAFETY: the leader is alone.
                unsafe {
                    cell.with(|w| match i {
                        0 => lead.others_totals.clone_from(&w.tally.totals),
                        _ => add_totals::<P>(&mut lead.others_totals, &w.tally.totals),
                    });
                }
            }
        }
    }

    /// Files how many events the last window held.
    unsafe fn note_window(&self, lead: &mut Lead) {
        // SAFETY: the leader is alone.
        let own = unsafe { self.workers[ALONE].with(|w| w.tally.totals.events) };
        let events = lead.others_events + own;
        if events > lead.events {
            lead.window_events_log2[(events - lead.events).ilog2() as usize] += 1;
            lead.events = events;
        }
    }
    /// The next window, or why there is none to run. `changed`: the workers that may have changed
    /// since the last time.
    unsafe fn next_window(
        &self,
        changed: &[PhaseCell<Worker<P, M>>],
        lead: &mut Lead,
    ) -> Result<u64, End> {
        // SAFETY: the leader is alone.
        let halted = |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.halted) };
        // SAFETY: the leader is alone.
        let fault = |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.fault.is_some()) };
        if self.field.world.listens() {
            // SAFETY: the leader is alone.
            unsafe { self.hear(changed, lead) };
        }
        // SAFETY: the leader is alone.
        let left_over = |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.left_over) };
        // SAFETY: the leader is alone.
        let violated = |cell: &PhaseCell<Worker<P, M>>| unsafe {
            cell.with(|w| !w.tally.violations.is_empty())
        };
        if let Some(end) = changed.iter().find_map(halted) {
            return Err(end);
        }
        if self.failed.load(Ordering::Relaxed) || changed.iter().any(fault) {
            return Err(End::Interrupted);
        }
        // Time has passed `until` within the last window: nothing is looked at any more.
        if changed.iter().any(left_over) {
            return Err(End::Until);
        }
        let window = self.fabric.min_next(lead.next.iter().flatten().copied().min());
        let Some(window) = window else { return Err(End::Quiescent) };
        let bodies = self.field.world.bodies;
        // SAFETY: the leader is alone.
        unsafe {
            if bodies.bytes() > 0 && bodies.is_due() {
                bodies.sweep(window);
            }
        }
        // SAFETY: the leader is alone.
        if P::STOPS_EARLY && unsafe { self.is_complete(lead) } {
            return Err(End::Complete);
        }
        // SAFETY: the leader is alone.
        let breached = || unsafe { self.jury.with(|jury| jury.has_findings()) };
        if self.control.stop_on_violation && (changed.iter().any(violated) || breached()) {
            return Err(End::Violated);
        }
        if self.control.interrupted() {
            return Err(End::Interrupted);
        }
        let start = window << self.field.world.window_shift;
        if start >= self.field.until.0 {
            return Err(End::Until);
        }
        if let Some(live) = self.control.live.as_ref().filter(|live| live.is_wanted()) {
            // SAFETY: the leader is alone.
            live.leave(|glimpse| unsafe { self.glimpse(start, glimpse) });
        }
        // SAFETY: the leader is alone.
        unsafe { self.look_at_memory(start, lead) }?;
        Ok(window)
    }

    /// Lets the judges hear what the nodes said in the last window.
    unsafe fn hear(&self, changed: &[PhaseCell<Worker<P, M>>], lead: &mut Lead) {
        let world = &self.field.world;
        let next = lead.next.iter().flatten().copied().min();
        let boundary = Boundary::after(lead.last, next, world.window_shift);
        // SAFETY: the leader is alone; jury and each worker are borrowed one at a time.
        unsafe {
            self.jury.with(|jury| {
                for cell in changed {
                    cell.with(|w| jury.gather(&mut w.tally.outbox));
                }
                let mut arrived = Vec::new();
                jury.hear(&boundary, |time, parcel| arrived.push((time, parcel)));
                if !arrived.is_empty() {
                    self.workers[ALONE].with(|w| {
                        w.file_arrivals(&self.field, arrived);
                        lead.next[ALONE] = w.calendar.next_window();
                    });
                }
            });
        }
    }

    /// Now and then: reports progress, evens out free memory, and ends the run at its limit. Within
    /// a window the workers look themselves.
    unsafe fn look_at_memory(&self, start: u64, lead: &mut Lead) -> Result<(), End> {
        let (windows, events) = lead.looked;
        if lead.windows > 0
            && lead.windows - windows < WINDOWS_PER_LOOK
            && lead.events - events < EVENTS_PER_LOOK
        {
            return Ok(());
        }
        lead.looked = (lead.windows, lead.events);
        self.control.report(start, lead.events);
        // SAFETY: the leader is alone.
        let bytes = |cell: &PhaseCell<Worker<P, M>>| unsafe { cell.with(|w| w.calendar.bytes()) };
        let calendars: u64 = self.workers.iter().map(bytes).sum();
        // SAFETY: the leader is alone.
        unsafe { self.even_out_free_chunks() };
        let known = calendars
            .saturating_add(self.state_bytes)
            .saturating_add(self.field.world.bodies.bytes());
        if known > self.memory_limit { Err(End::MemoryLimit) } else { Ok(()) }
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
        // SAFETY: the leader is alone.
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
        // SAFETY: the leader is alone.
        unsafe { self.workers[ALONE].with(|w| totals.clone_from(&w.tally.totals)) };
        if self.workers.len() > 1 {
            add_totals::<P>(totals, &lead.others_totals);
        }
        self.fabric.reduce(totals);
        self.field.world.protocol.complete(totals)
    }

    /// How much work a window is, in events, counted up to about what makes a difference. To bring a
    /// far event near takes about a quarter of what it takes to handle one.
    unsafe fn count(&self, window: u64, lead: &Lead) -> usize {
        let enough = lead.pace.enough();
        let mut events = 0;
        for (cell, next) in self.workers.iter().zip(&lead.next) {
            if *next == Some(window) {
                // SAFETY: the leader is alone.
                events += unsafe {
                    cell.with(|w| {
                        let crosses = w.calendar.crosses_block(window);
                        let far = if crosses { w.calendar.events_to_cascade(window) } else { 0 };
                        far / 4 + w.calendar.count_up_to(window, enough)
                    })
                };
            }
        }
        events
    }

    /// Runs a window. Calendars with nothing in it are left where they are: none of their lists is
    /// of this window, and they move on when their own next one comes.
    unsafe fn run_alone(&self, window: u64, lead: &mut Lead) {
        lead.touched.fill(0);
        for (i, cell) in self.workers.iter().enumerate() {
            if i != ALONE && lead.next[i] != Some(window) {
                continue;
            }
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
            self.workers[ALONE].with(|w| {
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
            for (i, next) in lead.next.iter_mut().enumerate() {
                if i == ALONE || *next == Some(window) {
                    // SAFETY: as above.
                    *next = self.workers[i].with(|w| w.calendar.next_window());
                }
            }
        }
    }
}
