//! The oracle: the same run from a binary heap, one event at a time in key order.
//!
//! Written plainly, because every test trusts it. It shares with the sharded engine what a handler
//! does (`host`) and how it is counted, and nothing of how events travel.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::PoisonError;

use anthill_protocol::judge::RunEnd;
use anthill_protocol::{NodeId, Protocol, Time};

use crate::bodies::Store;
use crate::checkpoint::{self, Checkpoint, Filed, Moment, Pieces, Position, Restored};
use crate::clock::{Clock, thread_cpu_ns};
use crate::conditions::Conditions;
use crate::event::{Key, state_word};
use crate::external::{Outside, Then};
use crate::host::{CellOf, Counts, NodeCell, Sink, Stage, Turn, World};
use crate::jury::Jury;
use crate::live::{Glimpse, Live};
use crate::mode::{Mode, Ranked, StampedOf};
use crate::network::Network;
use crate::outcome::{HostReport, Outcome};
use crate::refusal::granted;
use crate::run::{
    Control, End, Executor, Job, RunError, Visit, memory_limit, new_tally, outcome, world,
};
use crate::scenario::Scenario;
use crate::schedule::Boundary;
use crate::tally::Tally;

/// Looks at [`Control`] and reports progress every so many windows.
const WINDOWS_PER_LOOK: u64 = 256;
/// Looks at the memory, and at [`Control`] within a window, every so many events.
const EVENTS_PER_LOOK: u64 = 256;

/// An event in the heap. The heap orders by time and target; what comes after in the key is left to
/// [`Queue::pop`], because ties are rare and their hash needs the seed, which entries do not carry.
struct Pending<L> {
    time: Time,
    target: NodeId,
    source: NodeId,
    sequence: u32,
    payload: L,
}

impl<L> PartialEq for Pending<L> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<L> Eq for Pending<L> {}

impl<L> PartialOrd for Pending<L> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reversed, so that the least is on top.
impl<L> Ord for Pending<L> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.time, other.target).cmp(&(self.time, self.target))
    }
}

/// An event of one instant and node with others, ordered by its whole key, least on top.
struct Tied<L> {
    key: Key,
    payload: L,
}

impl<L> PartialEq for Tied<L> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<L> Eq for Tied<L> {}

impl<L> PartialOrd for Tied<L> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<L> Ord for Tied<L> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

/// All pending events, in key order.
struct Queue<L> {
    heap: BinaryHeap<Pending<L>>,
    /// Events of one instant and node, taken off the heap.
    tied: BinaryHeap<Tied<L>>,
    seed: u64,
}

impl<L: Ranked> Queue<L> {
    /// The time of the next event.
    fn next_time(&self) -> Option<Time> {
        let tied = self.tied.peek().map(|tied| tied.key.time);
        tied.or_else(|| self.heap.peek().map(|pending| pending.time))
    }

    /// Takes the event with the least key.
    fn pop(&mut self) -> Option<Pending<L>> {
        if self.tied.is_empty() {
            let first = self.heap.pop()?;
            if self.heap.peek().is_none_or(|next| next.cmp(&first) != Ordering::Equal) {
                return Some(first);
            }
            self.tie(first);
        }
        // Whatever joined them since belongs in its place among them.
        while let (Some(tied), Some(next)) = (self.tied.peek(), self.heap.peek()) {
            if (tied.key.time, tied.key.target) != (next.time, next.target) {
                break;
            }
            if let Some(joins) = self.heap.pop() {
                self.tie(joins);
            }
        }
        self.tied.pop().map(|Tied { key, payload }| {
            let Key { time, target, source, sequence, .. } = key;
            Pending { time, target, source, sequence, payload }
        })
    }

    fn tie(&mut self, pending: Pending<L>) {
        let Pending { time, target, source, sequence, payload } = pending;
        let key = Key { time, target, tie: payload.tie(self.seed, time, source), source, sequence };
        self.tied.push(Tied { key, payload });
    }

    /// How many there are.
    fn len(&self) -> u64 {
        (self.heap.len() + self.tied.len()) as u64
    }

    /// Shows all of them, to be saved.
    fn for_each(&self, show: &mut dyn FnMut(&Filed<L>))
    where
        L: Copy,
    {
        let pending = self.heap.iter().map(|pending| {
            let Pending { time, target, source, sequence, payload: load } = *pending;
            Filed { time, target, source, sequence, load }
        });
        let tied = self.tied.iter().map(|Tied { key, payload }| {
            let Key { time, target, source, sequence, .. } = *key;
            Filed { time, target, source, sequence, load: *payload }
        });
        pending.chain(tied).for_each(|filed| show(&filed));
    }

    fn bytes(&self) -> u64 {
        let tied = self.tied.capacity() * size_of::<Tied<L>>();
        (self.heap.capacity() * size_of::<Pending<L>>() + tied) as u64
    }
}

impl<L> Sink<L> for Queue<L> {
    #[inline]
    fn deliver(&mut self, time: Time, target: NodeId, source: NodeId, sequence: u32, payload: L) {
        if self.heap.len() == self.heap.capacity() {
            let entries = self.heap.len() + 1;
            granted::<Pending<L>>(self.heap.try_reserve(1), entries, "pending events");
        }
        self.heap.push(Pending { time, target, source, sequence, payload });
    }

    #[inline]
    fn own(&mut self, time: Time, node: NodeId, sequence: u32, payload: L) {
        self.deliver(time, node, node, sequence, payload);
    }
}

/// Runs a scenario on one thread with a binary heap: the reference for [`crate::run()`].
///
/// # Errors
/// As [`crate::run()`].
pub fn run<P: Protocol>(
    protocol: &P,
    scenario: &Scenario,
    network: &Network,
    control: &Control,
) -> Result<Outcome, RunError> {
    Oracle::run(&Job::new(protocol, scenario, network, control))
}

/// Runs a scenario under conditions of the caller's: the reference for [`crate::run_under`].
///
/// # Errors
/// As [`crate::run()`].
pub fn run_under<P: Protocol>(
    protocol: &P,
    scenario: &Scenario,
    network: &Network,
    conditions: Option<&Conditions>,
    control: &Control,
) -> Result<Outcome, RunError> {
    Oracle::run_under(&Job::new(protocol, scenario, network, control), conditions)
}

/// As [`run_under`], and shows the nodes' final states: the reference for
/// [`crate::run_visited`].
///
/// # Errors
/// As [`crate::run()`].
pub fn run_visited<P: Protocol>(
    protocol: &P,
    scenario: &Scenario,
    network: &Network,
    conditions: Option<&Conditions>,
    control: &Control,
    visit: Visit<'_, P>,
) -> Result<Outcome, RunError> {
    let job = Job { visit: Some(visit), ..Job::new(protocol, scenario, network, control) };
    Oracle::run_under(&job, conditions)
}

/// Continues a saved run, of either engine: the reference for [`crate::resume`].
///
/// # Errors
/// As [`crate::run()`], and when the saved run is not one of this scenario.
pub fn resume<P: Protocol>(
    protocol: &P,
    scenario: &Scenario,
    network: &Network,
    control: &Control,
    checkpoint: &Checkpoint,
) -> Result<Outcome, RunError> {
    let job = Job::new(protocol, scenario, network, control);
    Oracle::run(&Job { resume: Some(checkpoint), ..job })
}

/// The oracle as an executor. It has no ideal mode: its way of a message under no conditions is another than
/// the sharded engine's, and every protocol is compiled once less.
struct Oracle;

impl Executor for Oracle {
    const HAS_IDEAL_MODE: bool = false;

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
    let Job { protocol, scenario, control, visit, .. } = *job;
    let clock = Clock::start();
    let bodies = Store::new(1);
    let world = world::<P, M>(job, conditions, &bodies);
    let mut tally = new_tally::<P>(scenario, control, world.window_shift, 0);
    let mut queue = Queue { heap: BinaryHeap::new(), tied: BinaryHeap::new(), seed: scenario.seed };
    let state_bytes = u64::from(scenario.population()) * size_of::<CellOf<P, M>>() as u64;
    let memory_limit = memory_limit(scenario, &world, 1).saturating_sub(state_bytes);
    let run = Run { scenario, control, memory_limit };
    let mut jury = Jury::new(job, conditions);
    let Begun { mut nodes, position, halted } = match job.resume {
        None => begin(&world, &run, &mut queue, &mut tally),
        Some(saved) => restore(&world, &run, saved, &mut queue, &mut tally, &mut jury)?,
    };
    let setup_ns = clock.ns();
    let cpu_before = thread_cpu_ns();
    let (end, windows) = match halted {
        Some(end) => (end, 0),
        None => event_loop(&world, &run, position, &mut queue, &mut nodes, &mut tally, &mut jury)?,
    };
    let host = HostReport {
        shards: 1,
        threads: 1,
        subshards: 1,
        setup_ns,
        loop_ns: clock.ns() - setup_ns,
        loop_cpu_ns: thread_cpu_ns() - cpu_before,
        windows,
        state_bytes,
        calendar_bytes: queue.bytes(),
        bodies: world.bodies.report(),
        ..HostReport::default()
    };
    let states = nodes.iter().zip(0..).fold(0u64, |sum, (cell, id)| {
        sum.wrapping_add(state_word(NodeId(id), protocol.state_hash(&cell.state)))
    });
    let time = end.time(scenario, tally.last_event);
    if let Some(live) = control.live.as_ref().filter(|_| halted.is_none()) {
        look_at_nodes(live, &world, time, &mut nodes, &mut live.last());
    }
    if let Some(visit) = visit.filter(|_| halted.is_none()) {
        nodes.iter().zip(0..).for_each(|(cell, id)| visit(NodeId(id), &cell.state));
    }
    if let Some(ledger) = control.ledger.as_ref().filter(|_| P::HAS_LEDGER && halted.is_none()) {
        let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let node = |id: NodeId| &nodes[id.index()].state;
        ledger.ask(protocol, &bodies, node, scenario.population());
    }
    let excused: Vec<NodeId> = match world.listens() {
        true => {
            let all = nodes.iter_mut().zip((0..).map(NodeId));
            let excused = all
                .filter_map(|(cell, id)| world.excuses(&mut cell.standing, id, time).then_some(id));
            excused.collect()
        }
        false => Vec::new(),
    };
    let judged = jury.end(&RunEnd { time, nodes: scenario.population(), excused: &excused });
    let finished = tally.finish(1 << world.window_shift);
    Ok(outcome(&world, scenario, finished, states, end, host, judged))
}

/// The nodes at the beginning of the event loop.
struct Begun<C> {
    nodes: Vec<C>,
    position: Position,
    /// Why not all were started.
    halted: Option<End>,
}

/// Starts all nodes.
fn begin<P: Protocol, M: Mode>(
    world: &World<'_, P, M>,
    &Run { scenario, control, memory_limit }: &Run<'_>,
    queue: &mut Queue<StampedOf<P, M>>,
    tally: &mut Tally<P>,
) -> Begun<CellOf<P, M>> {
    let position = Position { window: u64::MAX, windows: 0 };
    let (mut nodes, mut halted) = (Vec::new(), None);
    let room = nodes.try_reserve_exact(scenario.population() as usize);
    granted::<CellOf<P, M>>(room, scenario.population() as usize, "the nodes");
    for id in 0..scenario.population() {
        let (mut counts, mut standing) = (Counts::default(), M::NodeConditions::default());
        let turn =
            Turn { world, id: NodeId(id), counts: &mut counts, standing: &mut standing, tally };
        let state = turn.start(queue);
        nodes.push(NodeCell { state, counts, standing });
        if queue.bytes() > memory_limit {
            halted = Some(End::MemoryLimit);
            break;
        }
        if id.is_multiple_of(EVENTS_PER_LOOK as u32) && control.interrupted() {
            halted = Some(End::Interrupted);
            break;
        }
    }
    Begun { nodes, position, halted }
}

/// Reads all nodes, and what is pending.
fn restore<P: Protocol, M: Mode>(
    world: &World<'_, P, M>,
    &Run { scenario, control, .. }: &Run<'_>,
    saved: &Checkpoint,
    queue: &mut Queue<StampedOf<P, M>>,
    tally: &mut Tally<P>,
    jury: &mut Jury<'_, P>,
) -> Result<Begun<CellOf<P, M>>, RunError> {
    // SAFETY: there is one thread.
    let restored = unsafe { checkpoint::restore(saved, world, scenario, tally, jury)? };
    let Restored { position, nodes, events } = restored;
    for Filed { time, target, source, sequence, load } in events {
        queue.deliver(time, target, source, sequence, load);
    }
    let halted = control.interrupted().then_some(End::Interrupted);
    Ok(Begun { nodes, position, halted })
}

/// What bounds the event loop.
struct Run<'a> {
    scenario: &'a Scenario,
    control: &'a Control,
    memory_limit: u64,
}

/// Leaves the nodes that are watched as they are at an instant between windows.
fn look_at_nodes<P: Protocol, M: Mode>(
    live: &Live,
    world: &World<'_, P, M>,
    time: Time,
    nodes: &mut [CellOf<P, M>],
    glimpse: &mut Glimpse,
) {
    let Some(watched) = live.watched() else { return };
    glimpse.nodes = watched.each(|watched, id| {
        let cell = nodes.get_mut(id.index())?;
        Some(watched.look(world, (id, time), cell))
    });
}

fn event_loop<P: Protocol, M: Mode>(
    world: &World<'_, P, M>,
    run @ &Run { scenario, control, memory_limit }: &Run<'_>,
    Position { mut window, mut windows }: Position,
    queue: &mut Queue<StampedOf<P, M>>,
    nodes: &mut [CellOf<P, M>],
    tally: &mut Tally<P>,
    jury: &mut Jury<P>,
) -> Result<(End, u64), RunError> {
    loop {
        let mut next = queue.next_time();
        // The end may lie within a window: what was said in its first part is heard, too.
        let is_over = |time| world.window_of(time) != window || time >= scenario.until;
        if world.listens() && next.is_none_or(is_over) {
            jury.gather(&mut tally.outbox);
            let pending = next.map(|time| world.window_of(time));
            let boundary = Boundary::after(window, pending, world.window_shift);
            jury.hear(&boundary, |time, parcel| world.arrive(time, parcel, queue));
            next = queue.next_time();
        }
        if next.is_none_or(|time| world.window_of(time) != window)
            && let Some(outside) = world.outside
        {
            if P::STOPS_EARLY && world.protocol.complete(&tally.totals) {
                return Ok((End::Complete, windows));
            }
            if !await_programs(world, outside, (window, run), queue) {
                return Ok((End::Interrupted, windows));
            }
            next = queue.next_time();
        }
        let Some(time) = next else { return Ok((End::Quiescent, windows)) };
        if world.window_of(time) != window {
            // A boundary: what is looked at between windows is looked at here, by both engines.
            if P::STOPS_EARLY && world.protocol.complete(&tally.totals) {
                return Ok((End::Complete, windows));
            }
            let violated = !tally.violations.is_empty() || jury.has_findings();
            if control.stop_on_violation && violated {
                return Ok((End::Violated, windows));
            }
            let position = Position { window, windows };
            if !keep(world, run, (position, time), queue, nodes, tally, jury) {
                return Ok((End::Interrupted, windows));
            }
            if windows.is_multiple_of(WINDOWS_PER_LOOK) {
                control.report(time.0, tally.totals.events);
                if let Some(live) = control.live.as_ref().filter(|live| live.is_wanted()) {
                    live.leave(|glimpse| {
                        glimpse.begin::<P>(time.0, 0);
                        glimpse.add(tally, &[]);
                        look_at_nodes(live, world, time, nodes, glimpse);
                    });
                }
                if control.interrupted() {
                    return Ok((End::Interrupted, windows));
                }
            }
        }
        let start = world.window_of(time) << world.window_shift;
        if world.window_of(time) != window && start < scenario.until.0 {
            window = world.window_of(time);
            windows += 1;
            // SAFETY: there is one thread, and no handler runs.
            unsafe {
                if world.bodies.bytes() > 0 && world.bodies.is_due() {
                    world.bodies.sweep(window);
                }
            }
            tally.open_window(window);
        }
        if time >= scenario.until {
            return Ok((End::Until, windows));
        }
        if tally.totals.events.is_multiple_of(EVENTS_PER_LOOK) {
            if queue.bytes() + world.bodies.bytes() > memory_limit {
                return Ok((End::MemoryLimit, windows));
            }
            if control.interrupted() {
                return Ok((End::Interrupted, windows));
            }
        }
        let pending = queue.pop().expect("there is a next time");
        let Pending { target, source, sequence, payload, .. } = pending;
        let cell = &mut nodes[target.index()];
        let cause = (source, sequence);
        Stage::play_once((world, tally, queue), (target, cell), time, cause, &payload);
        tally.last_event = time;
        if let Some(stuck) = tally.streak.stuck.take() {
            return Err(stuck);
        }
    }
}

/// Waits after a window until the next may run, and files what programs wrote; whether it goes on.
fn await_programs<P: Protocol, M: Mode>(
    world: &World<'_, P, M>,
    outside: &Outside<'_>,
    (window, run): (u64, &Run<'_>),
    queue: &mut Queue<StampedOf<P, M>>,
) -> bool {
    loop {
        let pending = queue.next_time().map(|time| world.window_of(time));
        let boundary = Boundary::after(window, pending, world.window_shift);
        match outside.wait(&boundary, run.scenario.until) {
            Then::GoOn => return true,
            Then::Wait if run.control.interrupted() => return false,
            Then::Wait => {}
            Then::File(lines) => lines.into_iter().for_each(|line| line.file::<P, M>(queue)),
        }
    }
}

/// Saves the run if that is due before the window of `next`, its next event; whether it goes on.
fn keep<P: Protocol, M: Mode>(
    world: &World<'_, P, M>,
    &Run { scenario, control, .. }: &Run<'_>,
    (position, next): (Position, Time),
    queue: &Queue<StampedOf<P, M>>,
    nodes: &[CellOf<P, M>],
    tally: &Tally<P>,
    jury: &Jury<P>,
) -> bool {
    let Some(checkpoints) = &control.checkpoints else { return true };
    let mut checkpoints = checkpoints.lock().unwrap_or_else(PoisonError::into_inner);
    let boundary = Time(world.window_of(next) << world.window_shift);
    if boundary >= scenario.until || !checkpoints.is_due(boundary, &control.asked) {
        return true;
    }
    let counted = checkpoint::count(1, |_, out| tally.save(out));
    let moment = Moment { world, position, pending: queue.len(), counted, jury };
    let mut write = |pieces: &mut Pieces<'_>| {
        // SAFETY: there is one thread, and no handler runs.
        unsafe { moment.write(nodes.iter(), |show| queue.for_each(show), pieces) };
    };
    let identity = checkpoint::identity::<P>(scenario);
    checkpoints.take(boundary, identity, &mut write, &control.asked)
}
