//! What a run produced: the result, identical for any execution, and what it cost the host.

use anthill_protocol::{Check, MetricInfo, RunFacts, Snapshot, Totals};
use hdrhistogram::Histogram;

use crate::conditions::ConditionTotals;
use crate::crypto::Counters;
use crate::event::Key;
use crate::external::ExternalReport;
use crate::trace::Trace;

/// Everything an engine returns.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Identical for any shards, threads and engine.
    pub result: RunResult,
    /// What it cost on this host.
    pub host: HostReport,
    /// Counters over virtual time.
    pub series: Series,
    /// Why the run ended.
    pub ended: Ended,
    /// The events that [`crate::Control::watch`] asked for.
    pub watched: Option<Watched>,
    /// What [`crate::Control::trace`] asked for.
    pub trace: Option<Trace>,
}

/// The events handled in a range of virtual time, in key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Up to which time (exclusive) the list is complete; less than asked for if there were too
    /// many.
    pub to_ns: u64,
    /// Keys and fingerprints.
    pub events: Vec<(Key, u64)>,
}

/// The part that is a function of scenario and seed alone (unless interrupted).
#[derive(Clone, Debug)]
pub struct RunResult {
    /// Sum over handled events of a mix of their keys and fingerprints, plus all node states.
    pub digest: u64,
    /// Virtual time covered: `until`, or the last event's time if nothing was left to do.
    pub virtual_ns: u64,
    /// The window, in ns.
    pub w_ns: u64,
    /// The lookahead, in ns.
    pub l_ns: u64,
    /// Counters.
    pub totals: Totals,
    /// The protocol's metrics, in index order; `Totals::values` belongs to them.
    pub metrics: &'static [MetricInfo],
    /// Names of the kinds of message; `Totals::messages_by_kind` belongs to them.
    pub kinds: &'static [&'static str],
    /// One histogram (ns) per latency metric, in order of their indices.
    pub latencies: Vec<(&'static str, Histogram<u64>)>,
    /// Measured beside expected.
    pub checks: Vec<Check>,
    /// Invariants that events have violated, in the order of their first violations.
    pub violations: Vec<Violation>,
    /// What the scenario's conditions did; `None`: it has none.
    pub conditions: Option<ConditionTotals>,
    /// Signatures.
    pub signatures: SignatureTotals,
    /// What the checks were made from.
    pub facts: RunFacts,
}

/// An invariant that events have violated, or a statement that a judge found broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name among [`anthill_protocol::Metric::INVARIANTS`], or the judge's.
    pub invariant: &'static str,
    /// How many events, or breaches.
    pub events: u64,
    /// The first of these, in the order of keys; `None`: something is missing at the end.
    pub first: Option<Key>,
    /// For a judge: which nodes said what.
    pub about: Option<String>,
    /// Whether the scenario is outside the bound of the judge.
    pub expected: bool,
}

impl Violation {
    /// Adds this one to a list that names each invariant once, in the order of first violations.
    pub(crate) fn add_to(self, all: &mut Vec<Self>) {
        match all.iter_mut().find(|known| known.invariant == self.invariant) {
            Some(known) => {
                known.events += self.events;
                known.first = known.first.min(self.first);
            }
            None => all.push(self),
        }
        all.sort_unstable_by_key(|known| (known.first, known.invariant));
    }
}

/// Signatures of a run, over all nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct SignatureTotals {
    /// Made by nodes.
    pub made: u64,
    /// Checked by nodes.
    pub checked: u64,
    /// Of these, those that did not hold.
    pub failed: u64,
}

impl SignatureTotals {
    pub(crate) fn add(&mut self, other: Self) {
        self.made += other.made;
        self.checked += other.checked;
        self.failed += other.failed;
    }
}

/// What the run cost.
#[derive(Clone, Debug, Default)]
pub struct HostReport {
    /// Units of ownership.
    pub shards: u32,
    /// Worker threads.
    pub threads: u32,
    /// Sub-shards in all.
    pub subshards: u32,
    /// Building topology, network and nodes, in ns of wall time.
    pub setup_ns: u64,
    /// The event loop, in ns of wall time.
    pub loop_ns: u64,
    /// The event loop, in ns of CPU time over all threads.
    pub loop_cpu_ns: u64,
    /// Windows that held events.
    pub windows: u64,
    /// Of these, run by one thread because they held few.
    pub sparse_windows: u64,
    /// Memory of node states, in bytes.
    pub state_bytes: u64,
    /// Greatest memory of the calendars, in bytes.
    pub calendar_bytes: u64,
    /// Per thread.
    pub phases: Vec<ThreadPhases>,
    /// What several processes sent each other; `None`: there was one.
    pub processes: Option<ProcessesReport>,
    /// Shared bodies.
    pub bodies: BodiesReport,
    /// How the checks of signatures were answered.
    pub crypto: Counters,
    /// Events per shard.
    pub shard_events: Vec<u64>,
    /// How programs that play nodes did.
    pub external: Option<ExternalReport>,
    /// Windows by the binary logarithm of how many events they held: index 0 is one event, i is
    /// 2^i to 2^(i+1)−1.
    pub window_events_log2: Vec<u64>,
}

/// Memory of shared bodies: their places, and their bytes as they are on the wire.
///
/// Of several processes each has bodies of its own; here they are summed. Those received count as made, and all
/// processes sweep when one has enough, so the figures depend on how many there are. No result does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct BodiesReport {
    /// Bytes at the end of the run.
    pub bytes: u64,
    /// The most bytes at any time.
    pub most_bytes: u64,
    /// Bodies that were made known; interned ones whenever they were not known.
    pub made: u64,
    /// Of these, those that were reclaimed.
    pub reclaimed: u64,
}

/// What the processes of a run sent each other, over all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct ProcessesReport {
    /// How many they are.
    pub processes: u32,
    /// Votes of a process: one a window, and more where judges or schedulers listen.
    pub votes: u64,
    /// Windows of a process in which events crossed.
    pub exchanges: u64,
    /// Stretches of bytes that a process received in one exchange of another.
    pub messages: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Events that crossed.
    pub events: u64,
    /// Shared bodies that crossed.
    pub bodies: u64,
    /// Time in votes, in ns: mostly waiting for the slowest process.
    pub vote_ns: u64,
    /// Time in exchanges, in ns.
    pub exchange_ns: u64,
    /// Of it, sending and receiving.
    pub wait_ns: u64,
}

impl BodiesReport {
    /// Adds those of another process.
    pub(crate) fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.most_bytes += other.most_bytes;
        self.made += other.made;
        self.reclaimed += other.reclaimed;
    }
}

impl ProcessesReport {
    pub(crate) fn add(&mut self, other: Self) {
        self.votes += other.votes;
        self.exchanges += other.exchanges;
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.events += other.events;
        self.bodies += other.bodies;
        self.vote_ns += other.vote_ns;
        self.exchange_ns += other.exchange_ns;
        self.wait_ns += other.wait_ns;
    }
}

/// Where one thread's time in the loop went, in ns of wall time.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadPhases {
    /// Waiting for the other threads.
    pub idle_ns: u64,
    /// Far calendar, recycling and agreeing on the next window.
    pub exchange_ns: u64,
    /// Sorting a window's events.
    pub sort_ns: u64,
    /// Handlers and their sends.
    pub handlers_ns: u64,
    /// Checking signatures.
    pub crypto_ns: u64,
}

/// Counters per interval of virtual time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// Length of a row, in ns of virtual time.
    pub interval_ns: u64,
    /// One row per interval that had events, in order.
    pub rows: Vec<SeriesRow>,
}

/// One interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct SeriesRow {
    /// Its start, in ns of virtual time.
    pub start_ns: u64,
    /// Events handled in it.
    pub events: u64,
    /// Messages sent in it.
    pub messages: u64,
    /// Bytes sent in it.
    pub bytes_on_wire: u64,
    /// The share in the digest of the events handled in it: what locates a divergence.
    pub digest: u64,
    /// What each metric gained in it (sums, counts of latencies; for a maximum its value so far).
    pub values: Vec<u64>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It reached `until`, its goal, or had nothing left to do.
    Finished,
    /// The caller asked it to stop.
    Interrupted,
    /// An event violated an invariant, and the caller wants no more after that window.
    Violated,
    /// It reached the memory limit.
    MemoryLimit,
}
