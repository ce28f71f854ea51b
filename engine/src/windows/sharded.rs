//! The sharded engine: worker threads that meet once per window.
//!
//! Each window: the last thread to arrive leads, alone: it finds the next window anywhere, looks
//! at stop conditions, and runs windows by itself where gathering the others would cost more than
//! the events. Otherwise every thread advances its calendar, then claims sub-shards one by
//! one, its own shards' first, then (stealing) those of others.
//!
//! Who owns what: between a rendezvous and the next, a worker's private memory belongs to its
//! thread, an open slot of all calendars to its readers, a sub-shard's nodes to the one thread that
//! claimed it. In the leader's section everything belongs to the leader.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::ScopedJoinHandle;

use anthill_protocol::judge::RunEnd;
use anthill_protocol::{NodeId, Protocol, Time};
use crossbeam_utils::CachePadded;

use crate::bodies::Store;
use crate::checkpoint::Checkpoint;
use crate::clock::{Clock, thread_cpu_ns};
use crate::conditions::Conditions;
use crate::event::state_word;
use crate::host::{CellOf, World, window};
use crate::jury::Jury;
use crate::memory::Region;
use crate::mode::{Mode, StampedOf};
use crate::network::Network;
use crate::outcome::{HostReport, Outcome, ThreadPhases};
use crate::processes::{Part, Team};
use crate::run::{
    Control, End, Executor, Job, RunError, Visit, memory_limit, new_tally, outcome, world,
};
use crate::scenario::Scenario;
use crate::windows::calendar::{Calendar, CalendarShape};
use crate::windows::late::Late;
use crate::windows::lead::{ALONE, Lead, Step};
use crate::windows::pace::Pace;
use crate::windows::placement::Placement;
use crate::windows::rendezvous::{Alone, PhaseCell, Rendezvous};
use crate::windows::slots::Slots;
use crate::windows::subshard::{Nodes, WindowContext, Worker};

/// Bounds of the near calendar: slots, and bytes of cursors per thread.
const SLOTS_LOG2: core::ops::RangeInclusive<u32> = 6..=11;
const MATRIX_BYTES: u64 = 32 << 20;
/// Lists of the near calendar (each may hold a half-empty chunk of 2 KiB) that are always affordable.
const CHEAP_LISTS: u32 = 4_096;

/// With fewer events per window than this, at the protocol's own estimate of its busiest rate, one
/// thread does as well as two and takes half the CPU.
const WORTH_SHARING: f64 = 64.0;

/// Everything that the threads of a run share.
pub(crate) struct ShardedRun<'a, P: Protocol, M: Mode> {
    pub(crate) context: WindowContext<'a, P, M>,
    pub(crate) workers: Vec<PhaseCell<Worker<P, M>>>,
    pub(crate) lead: PhaseCell<Lead>,
    pub(crate) jury: PhaseCell<Jury<'a, P>>,
    pub(crate) claims: Vec<CachePadded<AtomicU32>>,
    pub(crate) meeting: Rendezvous,
    /// The processes that run it, if there are several.
    pub(crate) team: Option<Team>,
    pub(crate) control: &'a Control,
    pub(crate) scenario: &'a Scenario,
    /// Whether the nodes are there already.
    resumes: bool,
    pub(crate) stealing: bool,
    pub(crate) memory_limit: u64,
    pub(crate) state_bytes: u64,
    pub(crate) failed: AtomicBool,
    pub(crate) panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// What a thread reports at its end.
#[derive(Default)]
struct ThreadReport {
    phases: ThreadPhases,
    cpu_ns: u64,
    states: u64,
}

/// Runs a scenario on the sharded engine.
///
/// # Errors
/// When a node hangs at one instant, or memory or threads cannot be had.
///
/// # Panics
/// When protocol code panics; the event is named on stderr.
pub fn run<P: Protocol>(
    protocol: &P,
    scenario: &Scenario,
    network: &Network,
    control: &Control,
) -> Result<Outcome, RunError> {
    Sharded::run(&Job::new(protocol, scenario, network, control))
}

/// Runs a scenario under conditions of the caller's, such as some with a scheduler of its own
/// ([`Conditions::with_scheduler`]), in place of those that the scenario describes.
///
/// # Errors
/// As [`run`].
///
/// # Panics
/// As [`run`].
pub fn run_under<P: Protocol>(
    protocol: &P,
    scenario: &Scenario,
    network: &Network,
    conditions: Option<&Conditions>,
    control: &Control,
) -> Result<Outcome, RunError> {
    Sharded::run_under(&Job::new(protocol, scenario, network, control), conditions)
}

/// As [`run_under`], and shows the nodes' final states, in the order of their ids and from this
/// thread. A run that ended before all nodes were started shows none; one of several processes shows its own.
///
/// # Errors
/// As [`run`].
///
/// # Panics
/// As [`run`].
pub fn run_visited<P: Protocol>(
    protocol: &P,
    scenario: &Scenario,
    network: &Network,
    conditions: Option<&Conditions>,
    control: &Control,
    visit: Visit<'_, P>,
) -> Result<Outcome, RunError> {
    let job = Job { visit: Some(visit), ..Job::new(protocol, scenario, network, control) };
    Sharded::run_under(&job, conditions)
}

/// Continues a saved run, of either engine and any number of shards.
///
/// # Errors
/// As [`run`], and when the saved run is not one of this scenario.
///
/// # Panics
/// As [`run`].
pub fn resume<P: Protocol>(
    protocol: &P,
    scenario: &Scenario,
    network: &Network,
    control: &Control,
    checkpoint: &Checkpoint,
) -> Result<Outcome, RunError> {
    let job = Job::new(protocol, scenario, network, control);
    Sharded::run(&Job { resume: Some(checkpoint), ..job })
}

/// The sharded engine as an executor.
struct Sharded;

impl Executor for Sharded {
    const HAS_IDEAL_MODE: bool = true;

    fn run_in<P: Protocol, M: Mode>(
        job: &Job<'_, P>,
        conditions: Option<&Conditions>,
    ) -> Result<Outcome, RunError> {
        run_in::<P, M>(job, conditions)
    }
}

fn run_in<P: Protocol, M: Mode>(
    job: &Job<'_, P>,
    conditions: Option<&Conditions>,
) -> Result<Outcome, RunError> {
    let Job { protocol, scenario, network, control, visit, resume, .. } = *job;
    // Nodes lie in one page-aligned mapping.
    const { assert!(align_of::<CellOf<P, M>>() <= 4096) };
    let clock = Clock::start();
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    let options = &scenario.engine;
    let worth = match worth_sharing(protocol, scenario, network) {
        true => cores,
        false => 1,
    };
    let shards = options.shards.or(options.threads).unwrap_or(worth).clamp(1, 64);
    let threads = options.threads.unwrap_or(shards.min(cores)).clamp(1, 64);
    let bodies = Store::new(threads);
    let world = world::<P, M>(job, conditions, &bodies);
    let team = Team::meet::<P, M>(job, shards)?;
    if team.is_some() {
        bodies.by_name();
    }
    let slots = Slots::choose(job, &world, (threads, shards));
    let placement = place(&world, scenario, network, team.as_ref(), (shards, slots));
    let nodes = placement.own_nodes();
    let region =
        Region::new(nodes.len() as u64 * size_of::<CellOf<P, M>>() as u64, options.huge_pages)
            .map_err(|(bytes, problem)| RunError::Memory {
                bytes,
                nodes: scenario.population(),
                problem,
            })?;
    let shape = CalendarShape {
        slots_log2: slots_log2(slots, network, placement.subshards),
        subshards: placement.subshards,
        huge_pages: options.huge_pages,
    };
    let workers: Vec<Worker<P, M>> = (0..threads)
        .map(|me| {
            let tally = new_tally::<P>(scenario, control, world.window_shift, me);
            let late = Late::new(&slots, world.seed);
            Worker::new(Calendar::<StampedOf<P, M>>::new(shape), tally, late, shards)
        })
        .collect();
    let memory_limit =
        memory_limit(scenario, &world, team.as_ref().map_or(1, Team::on_this_machine));
    let announces = Worker::<P, M>::ANNOUNCES && world.crypto.mode.gains_by_batches();
    let pace = Pace::new(options.alone_below, announces);
    let team = ShardedRun {
        context: WindowContext {
            columns: workers.iter().map(|w| w.calendar.column()).collect(),
            nodes: Nodes::from(nodes.start, region.address().cast()),
            world,
            placement,
            slots,
            clock,
            announces,
            until: scenario.until,
            control,
            memory_limit: memory_limit.saturating_sub(region.bytes()),
            mapped: AtomicU64::new(0),
            unstarted: AtomicBool::new(false),
        },
        workers: workers.into_iter().map(PhaseCell::new).collect(),
        lead: PhaseCell::new(Lead::new(placement.subshards, threads, pace)),
        jury: PhaseCell::new(Jury::new(job, conditions)),
        claims: (0..shards).map(|_| CachePadded::new(AtomicU32::new(0))).collect(),
        meeting: Rendezvous::new(threads, cores),
        team,
        control,
        scenario,
        resumes: resume.is_some(),
        stealing: options.stealing,
        memory_limit,
        state_bytes: region.bytes(),
        failed: AtomicBool::new(false),
        panic: Mutex::new(None),
    };
    team.reset_claims();
    if let Some(saved) = resume {
        // SAFETY: there are no threads yet.
        unsafe { team.restore(saved)? };
    }
    let reports = team.run_threads()?;
    team.finish(scenario, reports, visit)
}

/// Whether windows can be expected to hold enough events for more than one thread, where the scenario
/// names no number of them.
fn worth_sharing<P: Protocol>(protocol: &P, scenario: &Scenario, network: &Network) -> bool {
    let window_s = window(network.lookahead()).as_secs_f64();
    let rate = protocol.events_per_node_second();
    f64::from(scenario.population()) * rate * window_s >= WORTH_SHARING
}

fn place<P: Protocol, M>(
    world: &World<'_, P, M>,
    scenario: &Scenario,
    network: &Network,
    team: Option<&Team>,
    (shards, slots): (u32, Slots),
) -> Placement {
    if slots.is_wide() {
        // Strict order of time is that of all nodes.
        return Placement::new(scenario.population(), 1, 1.0, Some(scenario.population()));
    }
    let window_s = (1u64 << world.window_shift) as f64 / 1e9;
    // No more events can fall into a window than a delay's worth of the busiest rate.
    let spread_s = network.horizon().as_secs_f64().max(window_s);
    let rate = world.protocol.events_per_node_second().min(8.0 / spread_s.max(1e-9) * 8.0);
    let place = |shards| {
        let wanted = scenario.engine.subshard_nodes;
        Placement::new(scenario.population(), shards, rate * window_s, wanted)
    };
    match team {
        None => place(shards),
        // All must come to the same: they go by the most shards that any has.
        Some(team) => place(team.shards()).part(team.rank(), team.size(), shards),
    }
}

/// Enough near slots for nearly all messages, and more where they are cheap: every level of the far
/// calendar that an event does not have to pass saves moving it once.
fn slots_log2(slots: Slots, network: &Network, subshards: u32) -> u32 {
    let windows = slots.of(network.horizon().0) + 2;
    let wanted = windows.next_power_of_two().trailing_zeros();
    let affordable = (MATRIX_BYTES / 8 / u64::from(subshards)).max(1).ilog2();
    let cheap = (CHEAP_LISTS / subshards).max(1).ilog2();
    wanted.min(affordable).max(cheap).clamp(*SLOTS_LOG2.start(), *SLOTS_LOG2.end())
}

impl<P: Protocol, M: Mode> ShardedRun<'_, P, M> {
    fn run_threads(&self) -> Result<Vec<ThreadReport>, RunError> {
        let threads = self.workers.len();
        // Nobody starts before all exist: a thread that cannot be had would be waited for forever.
        let all_exist = OnceLock::<bool>::new();
        std::thread::scope(|scope| {
            let mut handles = Vec::with_capacity(threads);
            for me in 0..threads {
                let all_exist = &all_exist;
                let spawned = std::thread::Builder::new()
                    .name(format!("shard-{me}"))
                    .spawn_scoped(scope, move || all_exist.wait().then(|| self.work(me)));
                match spawned {
                    Ok(handle) => handles.push(handle),
                    Err(problem) => {
                        all_exist.get_or_init(|| false);
                        let threads = threads as u32;
                        return Err(RunError::Threads { threads, problem: problem.to_string() });
                    }
                }
            }
            all_exist.get_or_init(|| true);
            let join = |h: ScopedJoinHandle<'_, Option<ThreadReport>>| h.join().ok().flatten();
            Ok(handles.into_iter().filter_map(join).collect())
        })
    }

    /// Runs `f`; a panic in it becomes a failure that every thread sees at the next rendezvous.
    fn guarded(&self, f: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
            self.failed.store(true, Ordering::Relaxed);
            if let Ok(mut slot) = self.panic.lock() {
                slot.get_or_insert(payload);
            }
        }
    }

    /// The life of one thread.
    fn work(&self, me: usize) -> ThreadReport {
        let clock = &self.context.clock;
        let mut report = ThreadReport::default();
        self.guarded(|| {
            if self.resumes {
                return;
            }
            self.claim_all(me, |subshard, _| {
                // SAFETY: a claimed sub-shard is this thread's; its nodes are uninitialised.
                unsafe { self.workers[me].with(|w| w.start(&self.context, subshard)) };
            });
        });
        self.meeting.wait(|alone| self.lead.lead(alone, |lead| lead.setup_ns = clock.ns()));
        let cpu_before = thread_cpu_ns();
        loop {
            let arrived = clock.ns();
            let mut led_ns = 0;
            self.meeting.wait(|alone| {
                let (begun, timed_before) = (clock.ns(), self.timed_ns(ALONE, alone));
                self.guarded(|| self.decide(alone));
                if self.failed.load(Ordering::Relaxed) {
                    self.guarded(|| self.tell_of_failure());
                    self.lead.lead(alone, |lead| lead.step = Step::Stop(End::Interrupted));
                }
                led_ns = clock.ns() - begun;
                report.phases.exchange_ns +=
                    led_ns.saturating_sub(self.timed_ns(ALONE, alone) - timed_before);
            });
            report.phases.idle_ns += (clock.ns() - arrived).saturating_sub(led_ns);
            // Not `failed`: a faster thread may set it in the next window already, and waits at the
            // next rendezvous for all.
            // SAFETY: nobody writes the leader's notes between rendezvous.
            let step = unsafe { self.lead.read(|lead| lead.step) };
            let Step::Window { window, crosses } = step else { break };
            self.guarded(|| self.run_window(me, window, crosses, &mut report.phases));
        }
        report.cpu_ns = thread_cpu_ns() - cpu_before;
        // SAFETY: own worker.
        unsafe {
            self.workers[me].with(|w| {
                report.phases.sort_ns = w.sort_ns;
                report.phases.handlers_ns = w.handlers_ns;
                report.phases.crypto_ns = w.crypto_ns;
            });
        }
        let failed = self.failed.load(Ordering::Relaxed);
        if !failed && !self.context.unstarted.load(Ordering::Relaxed) {
            self.guarded(|| {
                self.claim_all(me, |subshard, _| {
                    report.states = report.states.wrapping_add(self.hash_states(subshard));
                });
            });
        }
        report
    }

    /// Time that a worker's sub-shards have taken so far.
    fn timed_ns(&self, worker: usize, alone: &mut Alone) -> u64 {
        self.workers[worker].lead(alone, |w| w.timed_ns())
    }

    /// This thread's part of a window that all run together.
    fn run_window(&self, me: usize, window: u64, crosses: bool, phases: &mut ThreadPhases) {
        let clock = &self.context.clock;
        let begun = clock.ns();
        // Guarded by itself: whoever fails in it must still come to the meeting below.
        // SAFETY: own worker; its last slot has been read by all.
        self.guarded(|| unsafe {
            self.workers[me].with(|w| {
                w.calendar.advance(window);
                w.calendar.open();
                w.tally.open_window(window);
            });
        });
        phases.exchange_ns += clock.ns() - begun;
        if crosses {
            let arrived = clock.ns();
            self.meeting.wait(|_| ());
            phases.idle_ns += clock.ns() - arrived;
        }
        if self.failed.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: own worker, here and below.
        let stretch = unsafe { self.workers[me].with(|w| w.begin_stretch(clock)) };
        self.claim_all(me, |subshard, shard| {
            // SAFETY: the window is open, the sub-shard claimed, the worker this thread's own.
            unsafe {
                self.workers[me].with(|w| w.take(&self.context, window, subshard, shard));
            }
        });
        // SAFETY: as above.
        unsafe {
            self.workers[me].with(|w| {
                w.run_taken(&self.context, window);
                w.end_stretch(clock, stretch, 1);
            });
        }
    }

    /// Calls `work` with each sub-shard that this thread gets hold of, and its shard.
    fn claim_all(&self, me: usize, mut work: impl FnMut(u32, u32)) {
        let (shards, threads) = (self.claims.len(), self.workers.len());
        let mine = (me..shards).step_by(threads);
        let others = (0..shards).filter(|shard| self.stealing && shard % threads != me);
        for shard in mine.chain(others) {
            let end = self.context.placement.subshards_of(shard as u32).end;
            loop {
                let subshard = self.claims[shard].fetch_add(1, Ordering::Relaxed);
                if subshard >= end {
                    break;
                }
                work(subshard, shard as u32);
            }
        }
    }

    pub(crate) fn reset_claims(&self) {
        for (shard, claim) in self.claims.iter().enumerate() {
            claim.store(self.context.placement.subshards_of(shard as u32).start, Ordering::Relaxed);
        }
    }

    fn hash_states(&self, subshard: u32) -> u64 {
        self.context.placement.nodes_of(subshard).fold(0u64, |sum, id| {
            // SAFETY: the loop has ended, nobody writes; started before it.
            let cell = unsafe { &*self.context.nodes.at(id) };
            let hash = self.context.world.protocol.state_hash(&cell.state);
            sum.wrapping_add(state_word(NodeId(id), hash))
        })
    }

    /// Lets a node tell its ledger, if anybody asked for it. After the threads have ended.
    fn tell_ledger(&self) {
        let Some(ledger) = self.control.ledger.as_ref().filter(|_| P::HAS_LEDGER) else { return };
        if !self.is_started() {
            return;
        }
        // SAFETY: every node was started, and the threads have ended.
        let node = |id: NodeId| unsafe { &(*self.context.nodes.at(id.0)).state };
        let (world, count) = (&self.context.world, self.context.placement.nodes);
        let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.ask(world.protocol, world.bodies, node, count);
    }

    /// Shows the nodes' final states, and drops them; returns the nodes of which nothing can be expected at
    /// an instant. After the threads have ended.
    fn part_with_nodes(&self, time: Time, visit: Option<Visit<'_, P>>) -> Vec<NodeId> {
        let mut excused = Vec::new();
        // Without a start which nodes exist is unknown: their heap memory, if any, is left behind.
        if !self.is_started() {
            return excused;
        }
        let world = &self.context.world;
        let excuses = M::HAS_CONDITIONS && world.listens();
        let drops = core::mem::needs_drop::<CellOf<P, M>>();
        if visit.is_none() && !excuses && !drops {
            return excused;
        }
        for id in self.context.placement.own_nodes().map(NodeId) {
            // SAFETY: every node was started, and the threads have ended.
            let cell = unsafe { &mut *self.context.nodes.at(id.0) };
            if let Some(visit) = visit {
                visit(id, &cell.state);
            }
            if excuses && world.excuses(&mut cell.standing, id, time) {
                excused.push(id);
            }
            if drops {
                // SAFETY: it is reached by nobody any more.
                unsafe { core::ptr::drop_in_place(cell) };
            }
        }
        excused
    }

    /// After the threads have ended.
    fn finish(
        mut self,
        scenario: &Scenario,
        reports: Vec<ThreadReport>,
        visit: Option<Visit<'_, P>>,
    ) -> Result<Outcome, RunError> {
        let panic = self.panic.lock().ok().and_then(|mut slot| slot.take());
        let is_well = panic.is_none() && self.is_well();
        let others = self.team.as_ref().map_or(Ok(()), |team| team.all_are_well(is_well));
        if let Some(payload) = panic {
            // Which nodes were started is unknown: their heap memory, if any, is left behind.
            resume_unwind(payload);
        }
        let loop_end_ns = self.context.clock.ns();
        let threads = self.workers.len() as u32;
        let mut shard_events = vec![0; self.claims.len()];
        let mut calendar_bytes = 0;
        let (mut tally, mut fault, mut wide) = (None, None, None);
        for cell in core::mem::take(&mut self.workers) {
            let mut worker = cell.into_inner();
            if self.context.slots.is_wide() {
                worker.notes.close_window(worker.tally.totals.events);
                wide = Some((worker.notes.windows, worker.notes.window_events_log2));
            }
            // Of several stuck nodes the first in virtual time, whoever ran them.
            fault = match (fault, worker.notes.fault) {
                (Some(a), Some(b)) => Some(RunError::first(a, b)),
                (a, b) => a.or(b),
            };
            calendar_bytes += worker.calendar.bytes();
            for (sum, events) in shard_events.iter_mut().zip(&worker.shard_events) {
                *sum += events;
            }
            match &mut tally {
                None => tally = Some(worker.tally),
                Some(tally) => tally.merge(worker.tally),
            }
        }
        let tally = tally.expect("at least one worker");
        // SAFETY: the threads have ended.
        let step = unsafe { self.lead.read(|lead| lead.step) };
        let end = match step {
            Step::Stop(end) => end,
            Step::Window { .. } => unreachable!("threads leave only at a stop"),
        };
        let last_event = match (&self.team, &others) {
            (Some(team), Ok(())) => team.latest(tally.last_event),
            _ => tally.last_event,
        };
        let time = end.time(scenario, last_event);
        self.tell_ledger();
        if let Some(live) = self.control.live.as_ref().filter(|_| self.is_started()) {
            // SAFETY: every node was started, and the threads have ended.
            unsafe { self.look_at_nodes(time, &mut live.last()) };
        }
        let excused = self.part_with_nodes(time, visit);
        if let Some(fault) = fault {
            return Err(fault);
        }
        others?;
        let lead = self.lead.into_inner();
        let (windows, window_events_log2) = wide.unwrap_or((lead.windows, lead.window_events_log2));
        let host = HostReport {
            shards: self.claims.len() as u32,
            threads,
            subshards: self.context.placement.subshards,
            setup_ns: lead.setup_ns,
            loop_ns: loop_end_ns - lead.setup_ns,
            loop_cpu_ns: reports.iter().map(|r| r.cpu_ns).sum(),
            windows,
            sparse_windows: lead.sparse_windows,
            state_bytes: self.state_bytes,
            calendar_bytes,
            bodies: self.context.world.bodies.report(),
            phases: reports.iter().map(|r| r.phases).collect(),
            shard_events,
            window_events_log2,
            ..HostReport::default()
        };
        let states = reports.iter().fold(0u64, |sum, r| sum.wrapping_add(r.states));
        let mut part = Part { tally, states, excused, host };
        let mut judges = true;
        if let Some(team) = self.team {
            part = team.merge(part, scenario, self.context.world.window_shift)?;
            judges = team.rank() == 0;
        }
        let Part { tally, states, excused, host } = part;
        let run_end = RunEnd { time, nodes: scenario.population(), excused: &excused };
        let judged = match judges {
            true => self.jury.into_inner().end(&run_end),
            false => Default::default(),
        };
        let finished = tally.finish(1 << self.context.world.window_shift);
        Ok(outcome(&self.context.world, scenario, finished, states, end, host, judged))
    }
}
