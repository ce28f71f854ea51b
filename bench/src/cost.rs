//! What a run cost this host: the figures that are derived from the engine's report and the
//! process's own usage. Nothing here may enter the `result` part of a summary.

use std::time::Duration;

use anthill_engine::outcome::{Outcome, ThreadPhases};

use crate::machine::Usage;

/// The derived figures.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// From the start of the process to the end of the run, in seconds.
    pub wall_s: f64,
    /// CPU time of the whole process, in seconds.
    pub cpu_s: f64,
    /// Greatest resident memory of the process, in bytes.
    pub peak_rss_bytes: u64,
    /// That memory per node.
    pub bytes_per_node: f64,
    /// Events per second of the loop's wall time.
    pub events_per_s: f64,
    /// CPU time of the loop per event, in ns.
    pub ns_per_event: f64,
    /// Share of the threads' time spent waiting for each other.
    pub idle_share: f64,
    /// Events of the busiest shard over the mean.
    pub imbalance: f64,
    /// The phases, summed over threads.
    pub phases: ThreadPhases,
}

impl Cost {
    /// The cost of a run that just ended.
    pub(crate) fn new(outcome: &Outcome, wall: Duration, usage: Usage) -> Self {
        let host = &outcome.host;
        let events = outcome.result.totals.events as f64;
        let phases = total(&host.phases);
        Self {
            wall_s: wall.as_secs_f64(),
            cpu_s: usage.cpu_s,
            peak_rss_bytes: usage.peak_rss_bytes,
            bytes_per_node: ratio(
                usage.peak_rss_bytes as f64,
                f64::from(outcome.result.facts.nodes),
            ),
            events_per_s: ratio(events * 1e9, host.loop_ns as f64),
            ns_per_event: ratio(host.loop_cpu_ns as f64, events),
            idle_share: ratio(phases.idle_ns as f64, sum(&phases) as f64),
            imbalance: imbalance(&host.shard_events),
            phases,
        }
    }

    /// The phases by name, in ns over all threads.
    pub(crate) fn phases_ns(&self) -> [(&'static str, u64); 5] {
        [
            ("handlers", self.phases.handlers_ns),
            ("sort", self.phases.sort_ns),
            ("exchange", self.phases.exchange_ns),
            ("crypto", self.phases.crypto_ns),
            ("idle", self.phases.idle_ns),
        ]
    }
}

fn total(threads: &[ThreadPhases]) -> ThreadPhases {
    threads.iter().fold(ThreadPhases::default(), |a, b| ThreadPhases {
        idle_ns: a.idle_ns.saturating_add(b.idle_ns),
        exchange_ns: a.exchange_ns.saturating_add(b.exchange_ns),
        sort_ns: a.sort_ns.saturating_add(b.sort_ns),
        handlers_ns: a.handlers_ns.saturating_add(b.handlers_ns),
        crypto_ns: a.crypto_ns.saturating_add(b.crypto_ns),
    })
}

fn sum(phases: &ThreadPhases) -> u64 {
    [phases.idle_ns, phases.exchange_ns, phases.sort_ns, phases.handlers_ns, phases.crypto_ns]
        .iter()
        .fold(0, |sum, ns| sum.saturating_add(*ns))
}

/// 1 for an even load, also when there was none.
fn imbalance(shard_events: &[u64]) -> f64 {
    let sum: u128 = shard_events.iter().map(|n| u128::from(*n)).sum();
    match shard_events.iter().max() {
        Some(max) if sum > 0 => *max as f64 * shard_events.len() as f64 / sum as f64,
        _ => 1.0,
    }
}

/// 0 instead of a division by zero: a run may have no events.
fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn figures_follow_from_the_report() {
        let usage = Usage { cpu_s: 3.0, peak_rss_bytes: 4_000 };
        let cost = Cost::new(&fabricated::outcome(), Duration::from_secs(2), usage);
        assert_eq!(cost.bytes_per_node, 4.0);
        assert_eq!(cost.ns_per_event, 100.0);
        assert_eq!(cost.events_per_s, 20_000_000.0);
        assert_eq!(cost.idle_share, 0.25);
        assert_eq!(cost.imbalance, 1.5);
    }

    #[test]
    fn an_empty_run_divides_by_nothing() {
        let mut outcome = fabricated::outcome();
        outcome.result.totals.events = 0;
        outcome.host = Default::default();
        let cost = Cost::new(&outcome, Duration::ZERO, Usage::default());
        assert_eq!((cost.ns_per_event, cost.events_per_s, cost.imbalance), (0.0, 0.0, 1.0));
    }
}
