//! The leader's section: what the last thread to arrive at a rendezvous does, alone.
//!
//! It finds the next window anywhere, looks at the stop conditions, and runs windows by itself as
//! long as that is faster ([`Pace`]). Everything here relies on one fact: between the last arrival
//! and the release no other thread touches anything, of which [`Alone`] is the proof. So while the leader runs windows, nothing but
//! one worker and its calendar change ([`ALONE`]): it looks at the others once, when it becomes the
//! leader, and again when a window of theirs has come. A run with few events per window then costs about
//! the same with any number of threads.

use std::sync::atomic::Ordering;

use anthill_protocol::{Protocol, Time, Totals};

use crate::checkpoint::Position;
use crate::live::Glimpse;
use crate::mode::Mode;
use crate::processes::Ballot;
use crate::run::End;
use crate::schedule::Boundary;
use crate::tally::add_totals;
use crate::windows::pace::Pace;
use crate::windows::rendezvous::{Alone, PhaseCell};
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
    pub(crate) last: u64,
    /// Windows and events at the last look at memory.
    looked: (u64, u64),
    /// The next window of each worker's calendar; `None`: it is empty.
    pub(crate) next: Vec<Option<u64>>,
    /// Whether events of the next window wait in another process than their nodes'.
    pub(crate) crosses: bool,
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
            crosses: false,
            others_events: 0,
            others_totals: Totals::default(),
        }
    }

    /// Whether so much has happened since the last look that it is time for another.
    pub(crate) fn is_to_look(&self) -> bool {
        let (windows, events) = self.looked;
        self.windows == 0
            || self.windows - windows >= WINDOWS_PER_LOOK
            || self.events - events >= EVENTS_PER_LOOK
    }

    /// The run was saved there, after so many events.
    pub(crate) fn go_on(&mut self, position: Position, events: u64) {
        (self.last, self.windows, self.events) = (position.window, position.windows, events);
    }
}

/// The workers' cells.
pub(crate) type Workers<P, M> = [PhaseCell<Worker<P, M>>];

/// Whether any of these workers is so.
fn any<P: Protocol, M: Mode>(
    workers: &Workers<P, M>,
    alone: &mut Alone,
    is_so: impl Fn(&Worker<P, M>) -> bool,
) -> bool {
    workers.iter().any(|cell| cell.lead(alone, |w| is_so(w)))
}

impl<P: Protocol, M: Mode> ShardedRun<'_, P, M> {
    /// The leader's section: runs windows as long as it is to run them alone, and decides what all
    /// do next.
    pub(crate) fn decide(&self, alone: &mut Alone) {
        // SAFETY: `run_until_shared` and what it calls get the notes, and never their cell.
        unsafe {
            self.lead.lead_with(alone, |lead, alone| {
                self.reset_claims();
                self.look_at_others(lead, alone);
                lead.step = self.run_until_shared(lead, alone);
            });
        }
    }

    /// Runs windows alone until one is to be shared out, or the run ends.
    fn run_until_shared(&self, lead: &mut Lead, alone: &mut Alone) -> Step {
        let mut changed = &self.workers[..];
        loop {
            self.note_window(lead, alone);
            let window = match self.next_window(changed, lead, alone) {
                Ok(window) => window,
                Err(end) => {
                    self.end_together();
                    return Step::Stop(end);
                }
            };
            lead.windows += 1;
            lead.last = window;
            self.cross(window, lead, alone);
            if self.workers.len() > 1 {
                let events = self.count(window, lead, alone);
                if !lead.pace.is_alone(events, || self.context.clock.ns()) {
                    let crosses = any(&self.workers, alone, |w| w.calendar.crosses_block(window));
                    return Step::Window { window, crosses };
                }
                lead.sparse_windows += 1;
            }
            self.run_alone(window, lead, alone);
            changed = core::slice::from_ref(&self.workers[ALONE]);
        }
    }

    /// All workers but the one that runs windows alone.
    fn others(&self) -> &Workers<P, M> {
        &self.workers[ALONE + 1..]
    }

    /// Notes what stays as it is while the leader runs windows.
    fn look_at_others(&self, lead: &mut Lead, alone: &mut Alone) {
        lead.others_events =
            self.others().iter().map(|cell| cell.lead(alone, |w| w.tally.totals.events)).sum();
        for (next, cell) in lead.next.iter_mut().zip(&self.workers) {
            *next = cell.lead(alone, |w| w.calendar.next_window());
        }
        if P::STOPS_EARLY {
            for (i, cell) in self.others().iter().enumerate() {
                cell.lead(alone, |w| match i {
                    0 => lead.others_totals.clone_from(&w.tally.totals),
                    _ => add_totals::<P>(&mut lead.others_totals, &w.tally.totals),
                });
            }
        }
    }

    /// Files how many events the last window held.
    fn note_window(&self, lead: &mut Lead, alone: &mut Alone) {
        let own = self.workers[ALONE].lead(alone, |w| w.tally.totals.events);
        let events = lead.others_events + own;
        if events > lead.events {
            // Windows of wide slots are counted where they run.
            lead.window_events_log2[(events - lead.events).ilog2() as usize] += 1;
            lead.events = events;
        }
    }

    /// The next window, or why there is none to run. `changed`: the workers that may have changed
    /// since the last time.
    fn next_window(
        &self,
        changed: &Workers<P, M>,
        lead: &mut Lead,
        alone: &mut Alone,
    ) -> Result<u64, End> {
        let ballot = self.agree(changed, lead, alone);
        lead.crosses = ballot.crosses;
        if let Some(end) = ballot.halted {
            return Err(end);
        }
        if ballot.failed {
            return Err(End::Interrupted);
        }
        // Time has passed `until` within the last window: nothing is looked at any more.
        if ballot.left_over {
            return Err(End::Until);
        }
        // Programs play nodes of one process alone, so what they wrote was in no ballot.
        let next = match self.context.world.outside {
            None => ballot.next,
            Some(_) => {
                self.await_programs(lead, alone)?;
                lead.next.iter().flatten().copied().min()
            }
        };
        let Some(window) = next else { return Err(End::Quiescent) };
        if ballot.sweeps {
            // SAFETY: the leader is alone.
            unsafe { self.context.world.bodies.sweep(self.context.slots.first_window(window)) };
        }
        if P::STOPS_EARLY && self.is_complete(lead, alone) {
            return Err(End::Complete);
        }
        if ballot.violated {
            return Err(End::Violated);
        }
        if ballot.interrupted {
            return Err(End::Interrupted);
        }
        let start = window << self.context.slots.shift;
        if start >= self.context.until.0 {
            return Err(End::Until);
        }
        if ballot.watched {
            self.glimpse_of_all(start, alone);
        } else if let Some(live) = self.control.live.as_ref().filter(|live| live.is_wanted()) {
            live.leave(|glimpse| self.glimpse(start, glimpse, alone));
        }
        self.look_at_memory(start, lead, alone)?;
        if ballot.over {
            return Err(End::MemoryLimit);
        }
        let position = Position { window: lead.last, windows: lead.windows };
        let goes_on = self.keep(window, position, alone);
        goes_on.then_some(window).ok_or(End::Interrupted)
    }

    /// What this process knows at the boundary. `changed` as above.
    pub(crate) fn ballot(&self, changed: &Workers<P, M>, lead: &Lead, alone: &mut Alone) -> Ballot {
        let bodies = self.context.world.bodies;
        Ballot {
            next: lead.next.iter().flatten().copied().min(),
            halted: changed.iter().find_map(|cell| cell.lead(alone, |w| w.notes.halted)),
            failed: self.failed.load(Ordering::Relaxed)
                || any(changed, alone, |w| w.notes.fault.is_some()),
            left_over: any(changed, alone, |w| w.notes.left_over),
            // SAFETY: the leader is alone.
            sweeps: bodies.bytes() > 0 && unsafe { bodies.is_due() },
            violated: self.control.stop_on_violation
                && (any(changed, alone, |w| !w.tally.violations.is_empty())
                    || self.jury.lead(alone, |jury| jury.has_findings())),
            interrupted: self.control.interrupted(),
            ..Ballot::default()
        }
    }

    /// Lets the judges hear what the nodes said in the last window.
    pub(crate) fn hear(&self, changed: &Workers<P, M>, lead: &mut Lead, alone: &mut Alone) {
        let world = &self.context.world;
        let next = lead.next.iter().flatten().copied().min();
        let boundary = Boundary::after(lead.last, next, world.window_shift);
        let mut arrived = Vec::new();
        // SAFETY: the jury's cell is reached once; in it, those of the workers.
        unsafe {
            self.jury.lead_with(alone, |jury, alone| {
                for cell in changed {
                    cell.lead(alone, |w| jury.gather(&mut w.tally.outbox));
                }
                jury.hear(&boundary, |time, parcel| arrived.push((time, parcel)));
            });
        }
        if !arrived.is_empty() {
            self.workers[ALONE].lead(alone, |w| {
                w.file_arrivals(&self.context, arrived);
                lead.next[ALONE] = w.calendar.next_window();
            });
        }
    }

    /// Now and then: reports progress, evens out free memory, and ends the run at its limit. Within
    /// a window the workers look themselves.
    fn look_at_memory(&self, start: u64, lead: &mut Lead, alone: &mut Alone) -> Result<(), End> {
        if !lead.is_to_look() {
            return Ok(());
        }
        lead.looked = (lead.windows, lead.events);
        self.control.report(start, self.events_of_all(lead));
        let is_over = self.is_over_limit(alone);
        self.even_out_free_chunks(alone);
        // Of several processes none ends alone: they have agreed on it.
        if is_over && self.team.is_none() { Err(End::MemoryLimit) } else { Ok(()) }
    }

    /// Whether this process holds more memory than it may.
    pub(crate) fn is_over_limit(&self, alone: &mut Alone) -> bool {
        let calendars: u64 =
            self.workers.iter().map(|cell| cell.lead(alone, |w| w.calendar.bytes())).sum();
        let known = calendars
            .saturating_add(self.state_bytes)
            .saturating_add(self.context.world.bodies.bytes());
        known > self.memory_limit
    }

    pub(crate) fn glimpse(&self, virtual_ns: u64, glimpse: &mut Glimpse, alone: &mut Alone) {
        glimpse.begin::<P>(virtual_ns, self.claims.len());
        for cell in &self.workers {
            cell.lead(alone, |w| glimpse.add(&w.tally, &w.shard_events));
        }
        // SAFETY: the leader is alone, and all nodes were started.
        unsafe { self.look_at_nodes(Time(virtual_ns), glimpse) };
    }

    /// Threads that receive more than they send collect free chunks; those that send more would
    /// map new memory for ever.
    fn even_out_free_chunks(&self, alone: &mut Alone) {
        let mut free =
            |cell: &PhaseCell<Worker<P, M>>| cell.lead(alone, |w| w.calendar.arena().free_chunks());
        let Some(most) = self.workers.iter().max_by_key(|cell| free(cell)) else { return };
        let Some(least) = self.workers.iter().min_by_key(|cell| free(cell)) else { return };
        let surplus = free(most) - free(least);
        if surplus > UNEVEN_CHUNKS {
            // SAFETY: the surplus says that these are two different workers.
            unsafe {
                most.lead_with(alone, |from, alone| {
                    least.lead(alone, |to| {
                        from.calendar.arena().give(surplus / 2, to.calendar.arena());
                    });
                });
            }
        }
    }

    pub(crate) fn is_complete(&self, lead: &mut Lead, alone: &mut Alone) -> bool {
        let totals = &mut lead.totals;
        self.workers[ALONE].lead(alone, |w| totals.clone_from(&w.tally.totals));
        if self.workers.len() > 1 {
            add_totals::<P>(totals, &lead.others_totals);
        }
        self.add_others(totals);
        self.context.world.protocol.complete(totals)
    }

    /// How much work a window is, in events, counted up to about what makes a difference. To bring a
    /// far event near takes about a quarter of what it takes to handle one.
    fn count(&self, window: u64, lead: &Lead, alone: &mut Alone) -> usize {
        let enough = lead.pace.enough();
        let mut events = 0;
        for (cell, next) in self.workers.iter().zip(&lead.next) {
            if *next == Some(window) {
                events += cell.lead(alone, |w| {
                    let crosses = w.calendar.crosses_block(window);
                    let far = if crosses { w.calendar.events_to_cascade(window) } else { 0 };
                    far / 4 + w.calendar.count_up_to(window, enough)
                });
            }
        }
        events
    }

    /// Runs a window. Calendars with nothing in it are left where they are: none of their lists is
    /// of this window, and they move on when their own next one comes.
    fn run_alone(&self, window: u64, lead: &mut Lead, alone: &mut Alone) {
        lead.touched.fill(0);
        for (i, cell) in self.workers.iter().enumerate() {
            if i != ALONE && lead.next[i] != Some(window) {
                continue;
            }
            cell.lead(alone, |w| {
                w.calendar.advance(window);
                w.calendar.open();
                for (all, own) in lead.touched.iter_mut().zip(w.calendar.touched_words()) {
                    *all |= own;
                }
            });
        }
        self.workers[ALONE].lead(alone, |w| self.run_touched(window, lead, w));
        for (i, next) in lead.next.iter_mut().enumerate() {
            if i == ALONE || *next == Some(window) {
                *next = self.workers[i].lead(alone, |w| w.calendar.next_window());
            }
        }
    }

    /// Runs the touched sub-shards of an open window, all on this worker, in the leader's section.
    fn run_touched(&self, window: u64, lead: &Lead, w: &mut Worker<P, M>) {
        if !self.context.slots.is_wide() {
            w.tally.open_window(window);
        }
        let clock = &self.context.clock;
        let measured = lead.windows.is_multiple_of(WINDOWS_PER_TIMED);
        let stretch = measured.then(|| w.begin_stretch(clock));
        for (i, word) in lead.touched.iter().enumerate() {
            let mut bits = *word;
            while bits != 0 {
                let subshard = i as u32 * 64 + bits.trailing_zeros();
                bits &= bits - 1;
                let shard = self.context.placement.shard_of(subshard);
                // SAFETY: the leader is alone, so every sub-shard is its own.
                unsafe { w.take(&self.context, window, subshard, shard) };
            }
        }
        // SAFETY: as above.
        unsafe { w.run_taken(&self.context, window) };
        if let Some(stretch) = stretch {
            w.end_stretch(clock, stretch, WINDOWS_PER_TIMED);
        }
    }
}
