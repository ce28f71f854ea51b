//! What both engines share: what a caller may ask, what can go wrong, and how an outcome is made.

use core::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anthill_protocol::draw::{Purpose, Streams};
use anthill_protocol::{Answers, Check, Message, Metric, NodeId, Protocol, RunFacts, Time};
use thiserror::Error;

use crate::bodies::Store;
use crate::checkpoint::{self, Asked, Checkpoint, CheckpointError, Checkpoints};
use crate::conditions::{Conditions, ConditionsError};
use crate::event::{Key, Payload};
use crate::external::{Externals, Outside};
use crate::held::Held;
use crate::history::History;
use crate::host::{World, window_shift};
use crate::jury::setting;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::machine::MachineMemory;
use crate::mode::{Conditioned, Ideal, Mode, Sent};
use crate::network::Network;
use crate::outcome::{Ended, HostReport, Outcome, RunResult, Violation};
use crate::processes::{self, Fabric};
use crate::refusal;
use crate::scenario::Scenario;
use crate::tally::{Finished, Tally};
use crate::trace::TraceRequest;

/// The caller's hold on a running emulation; the engine looks at it between windows.
#[derive(Debug, Default)]
pub struct Control {
    /// Set it, and the run ends after the current window.
    pub interrupt: AtomicBool,
    /// Virtual time reached, in ns.
    pub virtual_ns: AtomicU64,
    /// Events handled so far.
    pub events: AtomicU64,
    /// Lets someone look at the counters while it runs.
    pub live: Option<Live>,
    /// Asks for the events of a range of time, one by one.
    pub watch: Option<Watch>,
    /// Ends the run after the window in which an event first violates an invariant.
    pub stop_on_violation: bool,
    /// The processes that the run is divided among; without any, this one runs all of it.
    pub processes: Option<Arc<dyn Fabric>>,
    /// Asks for saved runs to continue from.
    pub checkpoints: Option<Mutex<Checkpoints>>,
    /// Asks for one of them now.
    pub asked: Asked,
    /// What the run goes on from, else it starts; taken when it does.
    pub resume: Mutex<Option<Checkpoint>>,
    /// Asks for the outputs of all nodes.
    pub history: Option<Mutex<History>>,
    /// Asks for the ledger of one node at the end.
    pub ledger: Option<Mutex<Ledger>>,
    /// Programs that play some of the nodes, or what they wrote in an earlier run.
    pub externals: Option<Mutex<Box<dyn Externals>>>,
    /// Asks for a trace; read when a run starts, so that runs one after the other may share a control.
    pub trace: Mutex<Option<TraceRequest>>,
    /// Takes the event at which a handler panics, for a caller that catches panics and tells of them
    /// itself; without it, the event is named on stderr.
    pub panicked: Option<Mutex<Option<Key>>>,
}

/// A range of virtual time whose events are wanted one by one.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// From this time on.
    pub from_ns: u64,
    /// Up to, but not including, this time.
    pub to_ns: u64,
    /// Roughly how many events to keep per thread; with more, the end moves down.
    pub most: usize,
}

impl Control {
    pub(crate) fn report(&self, virtual_ns: u64, events: u64) {
        self.virtual_ns.store(virtual_ns, Ordering::Relaxed);
        self.events.store(events, Ordering::Relaxed);
    }

    pub(crate) fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }
}

/// Why a run could not be carried through.
#[derive(Clone, Debug, Error)]
pub enum RunError {
    /// A node keeps waking itself without letting time pass.
    #[error(
        "{node} caused more than a million events for itself at {time}, the last of them {what}: \
         give that timer a delay"
    )]
    Stuck {
        /// The node.
        node: NodeId,
        /// The instant.
        time: Time,
        /// The timer or message.
        what: String,
    },
    /// The memory for the nodes could not be had.
    #[error("cannot get {bytes} bytes for {nodes} nodes: {problem}; lower `nodes`")]
    Memory {
        /// Bytes asked for.
        bytes: u64,
        /// Number of nodes.
        nodes: u32,
        /// What the system said.
        problem: String,
    },
    /// More memory could not be had while it ran.
    #[error(
        "cannot get {bytes} bytes for {what}: {problem}; lower `nodes`, or let the process have \
         more memory"
    )]
    Refused {
        /// Bytes asked for.
        bytes: u64,
        /// For what.
        what: &'static str,
        /// What the system said.
        problem: String,
    },
    /// The scenario's conditions do not fit its network.
    #[error("{0}")]
    Conditions(String),
    /// The run cannot be saved, or not continued.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Programs cannot play nodes in this run.
    #[error("{0}")]
    External(String),
    /// Another process of the run has ended.
    #[error("process {rank} of this run has ended: {problem}")]
    Process {
        /// Its rank.
        rank: u32,
        /// What it said of it.
        problem: String,
    },
    /// Something in the run is in one process only.
    #[error("not over several processes: {0}")]
    OneProcess(String),
    /// The system refuses another thread.
    #[error("cannot start {threads} worker threads: {problem}; lower `engine.threads`")]
    Threads {
        /// Threads asked for.
        threads: u32,
        /// What the system said.
        problem: String,
    },
}

impl RunError {
    pub(crate) fn stuck<M, T, R>(node: NodeId, time: Time, payload: &Payload<M, T, R>) -> Self
    where
        M: core::fmt::Debug,
        T: core::fmt::Debug,
    {
        let what = match payload {
            Payload::Message(message) => format!("message {message:?}"),
            Payload::Timer(timer) => format!("timer {timer:?}"),
            Payload::Restart(_) => "restart".to_owned(),
            Payload::Wake(_) => "wake-up".to_owned(),
        };
        Self::Stuck { node, time, what }
    }

    /// The earlier of two errors in virtual time, then by node.
    pub(crate) fn first(a: Self, b: Self) -> Self {
        let key = |error: &Self| match error {
            Self::Stuck { node, time, .. } => (*time, *node),
            _ => (Time::ZERO, NodeId(0)),
        };
        if key(&b) < key(&a) { b } else { a }
    }
}

/// Why the event loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing is pending.
    Quiescent,
    /// All that is pending lies at or after `until`.
    Until,
    /// The protocol's goal is reached.
    Complete,
    /// An invariant was violated, and nothing more is wanted.
    Violated,
    Interrupted,
    MemoryLimit,
}

impl End {
    /// The instant before which all has happened that ever will within the run.
    pub(crate) fn time(self, scenario: &Scenario, last_event: Time) -> Time {
        match self {
            Self::Quiescent | Self::Until => scenario.until,
            Self::Complete | Self::Violated | Self::Interrupted | Self::MemoryLimit => last_event,
        }
    }
}

/// What is run.
pub(crate) struct Job<'a, P: Protocol> {
    pub(crate) protocol: &'a P,
    pub(crate) scenario: &'a Scenario,
    pub(crate) network: &'a Network,
    pub(crate) control: &'a Control,
    /// Who is shown the nodes' final states.
    pub(crate) visit: Option<Visit<'a, P>>,
    /// Nodes that the protocol's adversary holds; found by [`Executor::run_under`].
    pub(crate) held: Option<&'a Held<P>>,
    /// Whether the protocol's adversary decides when messages arrive; likewise.
    pub(crate) scheduled: bool,
    /// Whether there are no conditions, even if the mode has some.
    pub(crate) ideal: bool,
    /// Nodes that programs play; found likewise.
    pub(crate) outside: Option<&'a Outside<'a>>,
    /// What the run goes on from; else it starts.
    pub(crate) resume: Option<&'a Checkpoint>,
}

impl<'a, P: Protocol> Job<'a, P> {
    /// A job that nobody is shown anything of; who is held and scheduled is found when it is run.
    pub(crate) fn new(
        protocol: &'a P,
        scenario: &'a Scenario,
        network: &'a Network,
        control: &'a Control,
    ) -> Self {
        let (visit, held, resume, outside) = (None, None, None, None);
        let (scheduled, ideal) = (false, false);
        Self {
            protocol,
            scenario,
            network,
            control,
            visit,
            held,
            scheduled,
            ideal,
            outside,
            resume,
        }
    }
}

/// Shown the nodes' states at the end of a run, in the order of their ids.
pub type Visit<'a, P> = &'a dyn Fn(NodeId, &<P as Protocol>::Node);

/// One of the engines, which are compiled once for each mode.
pub(crate) trait Executor {
    /// Whether it is compiled for runs without conditions.
    const HAS_IDEAL_MODE: bool;

    /// Runs a job in a mode; `conditions` are there exactly if the mode has them.
    fn run_in<P: Protocol, M: Mode>(
        job: &Job<'_, P>,
        conditions: Option<&Conditions>,
    ) -> Result<Outcome, RunError>;

    /// Runs a job under the conditions that its scenario describes.
    fn run<P: Protocol>(job: &Job<'_, P>) -> Result<Outcome, RunError> {
        let conditions =
            Conditions::build(job.scenario, job.network, P::Message::KINDS).map_err(refused)?;
        Self::run_under(job, conditions.as_ref())
    }

    /// Runs a job under these conditions, in the least mode that has what they need.
    fn run_under<P: Protocol>(
        job: &Job<'_, P>,
        conditions: Option<&Conditions>,
    ) -> Result<Outcome, RunError> {
        let given = job.control.resume.lock().unwrap_or_else(PoisonError::into_inner).take();
        let resume = job.resume.or(given.as_ref());
        // A fork may have conditions before it or after it alone: its nodes have standings in any case.
        let is_fork = resume.is_some_and(|saved| saved.past().is_some());
        let held = Held::of(job.protocol, conditions, job.scenario.population());
        let job = &Job { held: held.as_ref(), ..*job };
        let scheduled = job.protocol.scheduler(&setting(job, conditions)).is_some();
        let ideal = conditions.is_none() && held.is_none() && !scheduled && !is_fork;
        let job = &Job { scheduled, ideal, resume, ..*job };
        refusal::caught(|| processes::check(job))?;
        checkpoint::check(job)?;
        let outside = Outside::of(job)?;
        let job = &Job { outside: outside.as_ref(), ..*job };
        // Held nodes are a condition, and so are a scheduler and a program, even if it is the only one.
        let plain = match conditions {
            None if !ideal || outside.is_some() || !Self::HAS_IDEAL_MODE => {
                let ready = Conditions::ready(job.scenario, job.network, P::Message::KINDS);
                Some(ready.map_err(refused)?)
            }
            _ => None,
        };
        let conditions = conditions.or(plain.as_ref());
        refusal::caught(|| match conditions {
            None if const { Self::HAS_IDEAL_MODE } => Self::run_in::<P, Ideal>(job, None),
            None => unreachable!("there are plain ones"),
            Some(some) if some.connects() => Self::run_in::<P, Conditioned<Sent>>(job, conditions),
            Some(_) => Self::run_in::<P, Conditioned<()>>(job, conditions),
        })
    }
}

fn refused(error: ConditionsError) -> RunError {
    RunError::Conditions(error.to_string())
}

/// The shared facts of a run.
pub(crate) fn world<'a, P: Protocol, M>(
    &Job {
        protocol, scenario, network, held, scheduled, control, ideal, resume, outside, ..
    }: &Job<'a, P>,
    conditions: Option<&'a Conditions>,
    bodies: &'a Store<P::Body>,
) -> World<'a, P, M> {
    const { assert!(size_of::<P::Message>() <= <P::Message as Message>::MAX_BYTES) };
    World {
        protocol,
        network,
        bodies,
        conditions,
        ideal,
        is_fork: resume.is_some_and(|saved| saved.past().is_some()),
        held,
        scheduled,
        outside,
        mode: PhantomData,
        crypto: scenario.crypto.clone(),
        nodes: scenario.population(),
        seed: scenario.seed,
        draws: Streams::new(scenario.seed, Purpose::Protocol),
        window_shift: window_shift(network.lookahead()),
        panicked: control.panicked.as_ref(),
    }
}

/// Bytes that node states and pending events may take together: the scenario's share of the
/// machine, or of what is free of it, less what network and conditions hold already.
/// `processes`: how many of the run share this machine.
pub(crate) fn memory_limit<P: Protocol, M>(
    scenario: &Scenario,
    world: &World<'_, P, M>,
    processes: u32,
) -> u64 {
    let conditions = world.conditions.map_or(0, |c| c.memory_bytes(scenario.population()));
    let held = world.network.memory_bytes().saturating_add(conditions);
    let machine = match MachineMemory::read() {
        MachineMemory { total: 0, .. } => u64::MAX,
        // Others on the machine have theirs.
        MachineMemory { total, available } => total.min(available.saturating_add(held)),
    };
    let share = (machine as f64 * scenario.engine.memory_limit) as u64;
    (share / u64::from(processes.max(1))).saturating_sub(held)
}

/// A fresh tally with the scenario's series.
pub(crate) fn new_tally<P: Protocol>(
    scenario: &Scenario,
    control: &Control,
    window_shift: u32,
    worker: u32,
) -> Tally<P> {
    let mut tally = tally_with_series(scenario, window_shift);
    tally.worker = worker;
    tally.observe(control);
    tally
}

/// One that nobody observes.
pub(crate) fn tally_with_series<P: Protocol>(scenario: &Scenario, window_shift: u32) -> Tally<P> {
    /// A series the user asked for may have this many rows before they double.
    const MAX_ROWS: u64 = 20_000;
    let warmup = Time(scenario.measure.warmup.0);
    let Some(interval) = scenario.measure.interval else {
        return Tally::new(warmup, 1, None);
    };
    let windows_per_row = interval.0.div_ceil(1 << window_shift).max(1);
    let wanted = (scenario.until.0 >> window_shift) / windows_per_row + 1;
    Tally::new(warmup, windows_per_row, Some(wanted.clamp(64, MAX_ROWS) as usize))
}

/// Puts the outcome together.
pub(crate) fn outcome<P: Protocol, M>(
    world: &World<'_, P, M>,
    scenario: &Scenario,
    finished: Finished,
    states_digest: u64,
    end: End,
    host: HostReport,
    (judged, found): (Vec<Check>, Vec<Violation>),
) -> Outcome {
    let Finished {
        totals,
        latencies,
        digest,
        last_event,
        violations,
        series,
        watched,
        trace,
        conditions,
        signatures,
    } = finished;
    let network = world.network;
    let virtual_time = if end == End::Until { scenario.until } else { last_event };
    let facts = RunFacts {
        nodes: scenario.population(),
        until: scenario.until,
        last_event,
        quiescent: end == End::Quiescent,
        topology: network.topology().kind(),
        edges: network.topology().edges(),
        directed: network.topology().is_directed(),
        exponential_delay: network.exponential_delay(),
        disturbed: world.is_fork || world.conditions.is_some_and(Conditions::disturbs),
        adversary: scenario.has_adversary(),
        totals: totals.clone(),
        violations: violations.iter().map(|found| (found.invariant, found.events)).collect(),
        answers: Answers::default(),
    };
    let synchrony = world.conditions.and_then(|c| c.synchrony(&conditions));
    let result = RunResult {
        digest: digest.wrapping_add(states_digest),
        virtual_ns: virtual_time.0,
        w_ns: 1 << world.window_shift,
        l_ns: network.lookahead().0,
        totals,
        metrics: P::Metric::ALL,
        kinds: P::Message::KINDS,
        latencies,
        checks: judged.into_iter().chain(synchrony).collect(),
        violations: violations.into_iter().chain(found).collect(),
        conditions: world.conditions.filter(|_| !world.ideal).map(|_| conditions),
        signatures: signatures.0,
        facts,
    };
    let ended = match end {
        End::Quiescent | End::Until | End::Complete => Ended::Finished,
        End::Violated => Ended::Violated,
        End::Interrupted => Ended::Interrupted,
        End::MemoryLimit => Ended::MemoryLimit,
    };
    let external = world.outside.and_then(Outside::report);
    let host = HostReport { crypto: signatures.1, external, ..host };
    Outcome { result, host, series, ended, watched, trace }
}
