//! A look at an emulation while it runs, for whoever watches it.
//!
//! The watcher asks ([`Live::ask`]), and at the next window's edge, where no handler runs, the engine
//! copies its counters. Nobody waits for anybody: until it is asked the engine reads one flag per
//! window, and if the watcher is still reading the last glimpse, the next one waits for a later
//! window. Nothing flows back, so a result cannot depend on being watched; and how often is the
//! watcher's choice, so the engine needs no clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use anthill_protocol::{Message, Metric, MetricInfo, MetricKind, Protocol, Totals};
use hdrhistogram::Histogram;

use crate::tally::{Tally, add_totals};

/// The place where glimpses are asked for and left.
#[derive(Debug, Default)]
pub struct Live {
    wanted: AtomicBool,
    glimpse: Mutex<Glimpse>,
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
}

impl Live {
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
