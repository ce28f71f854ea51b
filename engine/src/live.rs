//! A look at an emulation while it runs, for whoever watches it.
//!
//! The watcher asks ([`Live::ask`]), and at the next window's edge, where no handler runs, the engine
//! copies its counters. Nobody waits for anybody: until it is asked the engine reads one flag per
//! window, and if the watcher is still reading the last glimpse, the next one waits for a later
//! window. Nothing flows back, so a result cannot depend on being watched; and how often is the
//! watcher's choice, so the engine needs no clock. Some nodes can be looked at one by one ([`Live::watch`]):
//! their states are read at the same edges, and what they say is counted where judges hear it.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use anthill_protocol::{
    Cell, Message, Metric, MetricInfo, MetricKind, NodeId, Output, Protocol, Snapshot,
    SnapshotError, Time, Totals,
};
use hdrhistogram::Histogram;

use crate::host::{CellOf, World};
use crate::mode::Mode;
use crate::tally::{Tally, add_totals};

/// The place where glimpses are asked for and left.
#[derive(Debug, Default)]
pub struct Live {
    wanted: AtomicBool,
    glimpse: Mutex<Glimpse>,
    watched: OnceLock<Watched>,
}

/// Gives the row of a node in the table of nodes: of the protocol, the node, and its state.
pub type RowOf = fn(&dyn Any, NodeId, &dyn Any) -> Vec<Cell>;

/// Nodes that are looked at one by one.
#[derive(Debug)]
pub(crate) struct Watched {
    /// In ascending order.
    nodes: Vec<NodeId>,
    row: RowOf,
    /// By node: how often it has said each kind of output, and which last.
    said: Mutex<Vec<(Vec<u32>, Option<usize>)>>,
}

/// A node at the edge of a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeGlimpse {
    /// Whether it is down.
    pub is_down: bool,
    /// Whether an adversary holds it.
    pub is_held: bool,
    /// Its row in the table of nodes.
    pub row: Vec<Cell>,
    /// How often it has said each kind of output, if it has said any.
    pub said: Vec<u32>,
    /// The kind of the last, by its index.
    pub said_last: Option<usize>,
}

/// The counters at the edge of a window, over all threads.
#[derive(Clone, Debug, Default)]
pub struct Glimpse {
    /// Virtual time, in ns.
    pub virtual_ns: u64,
    /// Counters and metrics.
    pub totals: Totals,
    /// What `Totals::values` are; empty until there was a first window.
    pub metrics: &'static [MetricInfo],
    /// Names of the kinds of message; `Totals::messages_by_kind` belongs to them.
    pub kinds: &'static [&'static str],
    /// One histogram (ns) per latency metric.
    pub latencies: Vec<(&'static str, Histogram<u64>)>,
    /// Events per shard; empty in the sequential engine.
    pub shard_events: Vec<u64>,
    /// The nodes that are watched, in their order, also at the very end of a run; `None`: another
    /// process runs it. Empty before the first glimpse.
    pub nodes: Vec<Option<NodeGlimpse>>,
}

impl Live {
    /// Asks for these nodes, once, before the run: later calls change nothing. `row` is of the
    /// protocol that will run.
    pub fn watch(&self, mut nodes: Vec<NodeId>, row: RowOf) {
        nodes.sort_unstable();
        nodes.dedup();
        let said = Mutex::new(vec![(Vec::new(), None); nodes.len()]);
        self.watched.get_or_init(|| Watched { nodes, row, said });
    }

    /// The nodes that are asked for.
    pub(crate) fn watched(&self) -> Option<&Watched> {
        self.watched.get().filter(|watched| !watched.nodes.is_empty())
    }

    /// Asks for a glimpse; it is there some time later, if the emulation still runs.
    pub fn ask(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// The last glimpse. Reading it holds up the next one, not the emulation.
    pub fn last(&self) -> MutexGuard<'_, Glimpse> {
        // Counters are whole after any panic.
        self.glimpse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Lets `fill` write a glimpse, unless the last one is being read.
    #[cold]
    pub(crate) fn leave(&self, fill: impl FnOnce(&mut Glimpse)) {
        let mut glimpse = match self.glimpse.try_lock() {
            Ok(glimpse) => glimpse,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.wanted.store(false, Ordering::Relaxed);
        fill(&mut glimpse);
    }
}

impl Watched {
    /// The nodes, as `look` finds them.
    pub(crate) fn each(
        &self,
        mut look: impl FnMut(&Self, NodeId) -> Option<NodeGlimpse>,
    ) -> Vec<Option<NodeGlimpse>> {
        let mut all: Vec<_> = self.nodes.iter().map(|id| look(self, *id)).collect();
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for (node, (counts, last)) in all.iter_mut().zip(&*said) {
            if let Some(node) = node {
                (node.said, node.said_last) = (counts.clone(), *last);
            }
        }
        all
    }

    /// A node at an instant between windows, but for what it has said.
    pub(crate) fn look<P: Protocol, M: Mode>(
        &self,
        world: &World<'_, P, M>,
        (id, time): (NodeId, Time),
        cell: &mut CellOf<P, M>,
    ) -> NodeGlimpse {
        let standing = M::standing(&mut cell.standing);
        let generic = world.conditions.is_some_and(|conditions| conditions.adversary_holds(id));
        NodeGlimpse {
            is_down: standing.is_some_and(|standing| standing.is_down_at(time)),
            is_held: generic || world.held.is_some_and(|held| held.contains(id)),
            row: (self.row)(world.protocol, id, &cell.state),
            ..NodeGlimpse::default()
        }
    }

    /// Counts an output, if its node is watched.
    pub(crate) fn hear<P: Protocol>(&self, node: NodeId, output: &P::Output) {
        let Ok(place) = self.nodes.binary_search(&node) else { return };
        let (kinds, kind) = (P::Output::KINDS.len(), output.kind());
        let mut all = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let (counts, last) = &mut all[place];
        counts.resize(kinds, 0);
        counts[kind] = counts[kind].saturating_add(1);
        *last = Some(kind);
    }
}

impl Glimpse {
    /// Begins anew, at a time.
    pub(crate) fn begin<P: Protocol>(&mut self, virtual_ns: u64, shards: usize) {
        let metrics = P::Metric::ALL;
        self.virtual_ns = virtual_ns;
        (self.metrics, self.kinds) = (metrics, P::Message::KINDS);
        self.totals = Totals::none(metrics.len(), P::Message::KINDS.len());
        self.shard_events.clear();
        self.shard_events.resize(shards, 0);
        let names = metrics.iter().filter(|info| info.kind == MetricKind::Latency);
        if self.latencies.is_empty() {
            let none = || Histogram::new_with_bounds(1, u64::MAX / 2, 3).expect("valid bounds");
            self.latencies = names.map(|info| (info.name, none())).collect();
        } else {
            self.latencies.iter_mut().for_each(|(_, histogram)| histogram.reset());
        }
    }

    /// Appends the counters.
    pub(crate) fn save(&self, out: &mut Vec<u8>) {
        self.totals.save(out);
        for (_, histogram) in &self.latencies {
            let recorded = histogram.iter_recorded();
            let buckets = recorded.map(|at| (at.value_iterated_to(), at.count_at_value()));
            buckets.collect::<Vec<_>>().save(out);
        }
        self.shard_events.save(out);
    }

    /// Adds those of another process, whose shards follow.
    pub(crate) fn add_saved<P: Protocol>(
        &mut self,
        bytes: &mut &[u8],
    ) -> Result<(), SnapshotError> {
        add_totals::<P>(&mut self.totals, &Totals::load(bytes)?);
        for (_, histogram) in &mut self.latencies {
            for (value, count) in Vec::<(u64, u64)>::load(bytes)? {
                let recorded = histogram.record_n(value, count);
                recorded.map_err(|_| SnapshotError("a latency that is none"))?;
            }
        }
        self.shard_events.extend(Vec::<u64>::load(bytes)?);
        Ok(())
    }

    /// Adds what one thread has counted.
    pub(crate) fn add<P: Protocol>(&mut self, tally: &Tally<P>, shard_events: &[u64]) {
        add_totals::<P>(&mut self.totals, &tally.totals);
        // A single kind is counted only as messages.
        if let ([messages], [bytes]) =
            (&mut self.totals.messages_by_kind[..], &mut self.totals.bytes_by_kind[..])
        {
            (*messages, *bytes) = (self.totals.messages, self.totals.bytes_on_wire);
        }
        for ((_, sum), part) in self.latencies.iter_mut().zip(tally.latencies()) {
            sum.add(part).expect("equal bounds");
        }
        for (sum, part) in self.shard_events.iter_mut().zip(shard_events) {
            *sum += part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glimpse_is_left_once_per_question_and_never_while_it_is_read() {
        let live = Live::default();
        assert!(!live.is_wanted());
        live.ask();
        let reading = live.last();
        live.leave(|_| panic!("it is being read"));
        assert!(live.is_wanted(), "the question stands");
        drop(reading);
        live.leave(|glimpse| glimpse.virtual_ns = 7);
        assert!(!live.is_wanted());
        assert_eq!(live.last().virtual_ns, 7);
    }
}
