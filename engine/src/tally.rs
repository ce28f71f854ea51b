//! What one thread has counted; merged at the end, in any order with the same result.

use anthill_protocol::invariant::Invariants;
use anthill_protocol::{Message, Metric, MetricInfo, MetricKind, Protocol, Time, Totals};
use hdrhistogram::Histogram;

use crate::conditions::ConditionTotals;
use crate::crypto::Counters;
use crate::event::Key;
use crate::host::LivelockGuard;
use crate::jury::Outbox;
use crate::outcome::{Series, SeriesRow, SignatureTotals, Violation, Watched};
use crate::run::{Control, Watch};
use crate::scenario::CryptoSpec;
use crate::signing::Signing;
use crate::trace::{Recorder, Trace};

/// Rows of the series before its intervals double.
const ROWS: usize = 512;

/// Counters, histograms, series and digest of one thread.
pub(crate) struct Tally<P: Protocol> {
    /// Which worker counts here.
    pub(crate) worker: u32,
    /// The last body whose arrival was noted, and the window.
    pub(crate) noted: (u64, u64),
    pub(crate) totals: Totals,
    /// One per metric, `Some` for latencies.
    histograms: Vec<Option<Histogram<u64>>>,
    pub(crate) digest: u64,
    pub(crate) last_event: Time,
    /// The invariants, over the records of the event that is handled.
    pub(crate) invariants: Invariants,
    /// Those that events have violated, each once.
    pub(crate) violations: Vec<Violation>,
    /// What nodes said in the windows since the last boundary.
    pub(crate) outbox: Outbox<P>,
    /// Virtual CPU that handlers asked to be charged, in ns.
    pub(crate) charged_ns: u64,
    /// What conditions did.
    pub(crate) conditions: ConditionTotals,
    /// The signatures of this thread's nodes, once there are some.
    signing: Option<Box<Signing>>,
    /// What finished tallies merged into this one counted of signatures.
    signatures: (SignatureTotals, Counters),
    /// Latencies before this instant are not recorded.
    warmup: Time,
    series: SeriesTally,
    /// The self-events without delay of the node that runs.
    pub(crate) streak: LivelockGuard,
    /// Set while single events are wanted.
    pub(crate) observers: Option<Box<Observers>>,
    /// Arrivals before this instant are filed and nothing more: those at the end of time are not
    /// filed, and those that a recorder wants to know of are told to it.
    pub(crate) unobserved: Time,
    protocol: core::marker::PhantomData<P>,
}

impl<P: Protocol> Tally<P> {
    pub(crate) fn new(warmup: Time, windows_per_row: u64, max_rows: Option<usize>) -> Self {
        let metrics = P::Metric::ALL;
        let totals = Totals::none(metrics.len(), P::Message::KINDS.len());
        let histograms = metrics
            .iter()
            .map(|info| {
                (info.kind == MetricKind::Latency).then(|| {
                    // Fixed bounds: recording never allocates, and merging never fails.
                    Histogram::new_with_bounds(1, u64::MAX / 2, 3).expect("valid bounds")
                })
            })
            .collect();
        Self {
            worker: 0,
            noted: (0, 0),
            series: SeriesTally::new(windows_per_row, max_rows.unwrap_or(ROWS), &totals),
            totals,
            histograms,
            streak: LivelockGuard::default(),
            observers: None,
            unobserved: Time::MAX,
            digest: 0,
            last_event: Time::ZERO,
            invariants: Invariants::default(),
            violations: Vec::new(),
            outbox: Outbox::default(),
            charged_ns: 0,
            conditions: ConditionTotals::default(),
            signing: None,
            signatures: Default::default(),
            warmup,
            protocol: core::marker::PhantomData,
        }
    }

    #[inline]
    pub(crate) fn record(&mut self, now: Time, metric: P::Metric, value: u64) {
        self.invariants.note(metric, value);
        let index = metric.index();
        let total = &mut self.totals.values[index];
        match P::Metric::ALL[index].kind {
            MetricKind::Sum | MetricKind::PerNode | MetricKind::Per(_) => {
                *total = total.wrapping_add(value)
            }
            MetricKind::Max => *total = (*total).max(value),
            MetricKind::Latency => {
                if now >= self.warmup {
                    *total += 1;
                    if let Some(histogram) = &mut self.histograms[index] {
                        histogram.saturating_record(value);
                    }
                }
            }
        }
    }

    /// Files what the event of that key has violated.
    #[cold]
    pub(crate) fn note_violations(&mut self, key: Key) {
        for invariant in self.invariants.take::<P::Metric>() {
            let (first, about, expected) = (Some(key), None, false);
            Violation { invariant, events: 1, first, about, expected }.add_to(&mut self.violations);
        }
    }

    #[inline]
    pub(crate) fn count_message(&mut self, message: &P::Message) {
        self.totals.messages += 1;
        let bytes = u64::from(message.encoded_len());
        self.totals.bytes_on_wire += bytes;
        if P::Message::KINDS.len() > 1 {
            self.totals.messages_by_kind[message.kind()] += 1;
            self.totals.bytes_by_kind[message.kind()] += bytes;
        }
    }

    /// Notes that a message was sent by a node that an adversary plays.
    #[cold]
    pub(crate) fn count_adversary(&mut self, message: &P::Message) {
        self.totals.adversary_messages_by_kind[message.kind()] += 1;
        self.totals.adversary_bytes_by_kind[message.kind()] += u64::from(message.encoded_len());
    }

    /// The histograms of the latency metrics, in order.
    pub(crate) fn latencies(&self) -> impl Iterator<Item = &Histogram<u64>> {
        self.histograms.iter().flatten()
    }

    /// Tells the series that a window opens.
    #[inline]
    pub(crate) fn open_window(&mut self, window: u64) {
        if window >= self.series.row_end {
            self.series.turn(window, &self.totals, self.digest, P::Metric::ALL);
        }
    }

    /// Sets up those whom a caller wants to look at single events.
    pub(crate) fn observe(&mut self, control: &Control) {
        let log = control.watch.as_ref().map(EventLog::new);
        let request = control.trace.lock().ok();
        let trace = request.and_then(|request| request.as_ref().map(Recorder::new));
        if let Some(trace) = &trace {
            self.unobserved = trace.from();
        }
        if log.is_some() || trace.is_some() {
            self.observers = Some(Box::new(Observers { log, trace }));
        }
    }

    /// Adds what another thread counted.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.series.finish(&self.totals, self.digest, P::Metric::ALL);
        other.series.finish(&other.totals, other.digest, P::Metric::ALL);
        let (theirs, cost) = other.signatures();
        self.series.merge(other.series, P::Metric::ALL);
        add_totals::<P>(&mut self.totals, &other.totals);
        for (mine, theirs) in self.histograms.iter_mut().zip(&other.histograms) {
            if let (Some(mine), Some(theirs)) = (mine, theirs) {
                mine.add(theirs).expect("equal bounds");
            }
        }
        self.digest = self.digest.wrapping_add(other.digest);
        self.charged_ns = self.charged_ns.wrapping_add(other.charged_ns);
        self.conditions.add(&other.conditions);
        self.signatures.0.add(theirs);
        self.signatures.1 += cost;
        self.last_event = self.last_event.max(other.last_event);
        other.violations.into_iter().for_each(|one| one.add_to(&mut self.violations));
        if let (Some(mine), Some(theirs)) = (&mut self.observers, other.observers) {
            mine.merge(*theirs);
        }
        // From here on the totals and the digest are of both.
        self.series.seen.clone_from(&self.totals);
        self.series.seen_digest = self.digest;
    }

    /// The signatures of this thread's nodes, from their first use on.
    pub(crate) fn signing(&mut self, spec: &CryptoSpec, seed: u64) -> &mut Signing {
        self.signing.get_or_insert_with(|| Box::new(Signing::new(spec, seed)))
    }

    /// Signatures made and checked, and how the checks were answered.
    fn signatures(&self) -> (SignatureTotals, Counters) {
        let (mut totals, mut cost) = self.signatures;
        if let Some(signing) = &self.signing {
            totals.add(signing.totals);
            cost += signing.counters();
        }
        (totals, cost)
    }

    /// Everything, at the end of the run.
    pub(crate) fn finish(mut self, w_ns: u64) -> Finished {
        self.series.finish(&self.totals, self.digest, P::Metric::ALL);
        let signatures = self.signatures();
        if P::Message::KINDS.len() == 1 {
            self.totals.messages_by_kind[0] = self.totals.messages;
            self.totals.bytes_by_kind[0] = self.totals.bytes_on_wire;
        }
        let latencies = P::Metric::ALL
            .iter()
            .zip(self.histograms)
            .filter_map(|(info, histogram)| Some((info.name, histogram?)))
            .collect();
        let (log, trace) = self.observers.map_or((None, None), |all| (all.log, all.trace));
        Finished {
            totals: self.totals,
            latencies,
            digest: self.digest,
            last_event: self.last_event,
            violations: self.violations,
            conditions: self.conditions,
            signatures,
            watched: log.map(EventLog::finish),
            trace: trace.map(|trace| trace.finish(self.last_event)),
            series: self.series.into_series(w_ns, P::Metric::ALL),
        }
    }
}

/// A finished tally.
pub(crate) struct Finished {
    pub(crate) totals: Totals,
    pub(crate) latencies: Vec<(&'static str, Histogram<u64>)>,
    pub(crate) digest: u64,
    pub(crate) last_event: Time,
    pub(crate) violations: Vec<Violation>,
    pub(crate) series: Series,
    pub(crate) watched: Option<Watched>,
    pub(crate) trace: Option<Trace>,
    pub(crate) conditions: ConditionTotals,
    pub(crate) signatures: (SignatureTotals, Counters),
}

/// Those who look at single events.
#[derive(Default)]
pub(crate) struct Observers {
    pub(crate) log: Option<EventLog>,
    pub(crate) trace: Option<Recorder>,
}

impl Observers {
    fn merge(&mut self, other: Self) {
        if let (Some(mine), Some(theirs)) = (&mut self.log, other.log) {
            mine.to_ns = mine.to_ns.min(theirs.to_ns);
            mine.events.extend(theirs.events);
        }
        if let (Some(mine), Some(theirs)) = (&mut self.trace, other.trace) {
            mine.merge(theirs);
        }
    }
}

/// The events of a range of time, one by one, in bounded memory: when there are too many, the end
/// of the range moves down, because a search for the first difference needs the earliest.
pub(crate) struct EventLog {
    from_ns: u64,
    to_ns: u64,
    most: usize,
    events: Vec<(Key, u64)>,
}

impl EventLog {
    pub(crate) fn new(watch: &Watch) -> Self {
        Self { from_ns: watch.from_ns, to_ns: watch.to_ns, most: watch.most, events: Vec::new() }
    }

    #[cold]
    pub(crate) fn note(&mut self, key: Key, fingerprint: u64) {
        if key.time.0 < self.from_ns || key.time.0 >= self.to_ns {
            return;
        }
        self.events.push((key, fingerprint));
        if self.events.len() > self.most {
            self.events.sort_unstable();
            // Keep whole instants, and at least one of them.
            let first = self.events[0].0.time.0;
            self.to_ns = self.events[self.events.len() / 2].0.time.0.max(first + 1);
            self.events.retain(|(key, _)| key.time.0 < self.to_ns);
            self.most = self.most.max(2 * self.events.len());
        }
    }

    fn finish(mut self) -> Watched {
        self.events.sort_unstable();
        self.events.retain(|(key, _)| key.time.0 < self.to_ns);
        Watched { to_ns: self.to_ns, events: self.events }
    }
}

/// Adds one thread's totals to another's.
pub(crate) fn add_totals<P: Protocol>(sum: &mut Totals, part: &Totals) {
    sum.events += part.events;
    sum.messages += part.messages;
    sum.bytes_on_wire += part.bytes_on_wire;
    let add = |sum: &mut [u64], part: &[u64]| {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    };
    add(&mut sum.messages_by_kind, &part.messages_by_kind);
    add(&mut sum.bytes_by_kind, &part.bytes_by_kind);
    add(&mut sum.adversary_messages_by_kind, &part.adversary_messages_by_kind);
    add(&mut sum.adversary_bytes_by_kind, &part.adversary_bytes_by_kind);
    for ((sum, part), info) in sum.values.iter_mut().zip(&part.values).zip(P::Metric::ALL) {
        *sum = combine(info.kind, *sum, *part);
    }
}

fn combine(kind: MetricKind, a: u64, b: u64) -> u64 {
    if kind == MetricKind::Max { a.max(b) } else { a.wrapping_add(b) }
}

/// Rows of counters over virtual time. A row is a whole number of windows; when rows run out their
/// length doubles, which depends on virtual time alone, so every thread and engine ends with the
/// same rows.
struct SeriesTally {
    windows_per_row: u64,
    max_rows: usize,
    row: usize,
    /// The first window after the current row.
    row_end: u64,
    rows: Vec<SeriesRow>,
    /// The totals when the current row began.
    seen: Totals,
    seen_digest: u64,
}

impl SeriesTally {
    fn new(windows_per_row: u64, max_rows: usize, totals: &Totals) -> Self {
        let windows_per_row = windows_per_row.max(1);
        let row = SeriesRow { values: vec![0; totals.values.len()], ..SeriesRow::default() };
        Self {
            windows_per_row,
            max_rows,
            row: 0,
            row_end: windows_per_row,
            rows: vec![row; max_rows],
            seen: totals.clone(),
            seen_digest: 0,
        }
    }

    /// Closes the current row and begins the one that holds `window`.
    #[cold]
    fn turn(&mut self, window: u64, totals: &Totals, digest: u64, metrics: &[MetricInfo]) {
        self.finish(totals, digest, metrics);
        while window / self.windows_per_row >= self.max_rows as u64 {
            self.double(metrics);
        }
        self.row = (window / self.windows_per_row) as usize;
        self.row_end = (self.row as u64 + 1).saturating_mul(self.windows_per_row);
    }

    /// Adds what happened since `seen` to the current row.
    fn finish(&mut self, totals: &Totals, digest: u64, metrics: &[MetricInfo]) {
        let row = &mut self.rows[self.row];
        row.digest = row.digest.wrapping_add(digest.wrapping_sub(self.seen_digest));
        self.seen_digest = digest;
        row.events += totals.events - self.seen.events;
        row.messages += totals.messages - self.seen.messages;
        row.bytes_on_wire += totals.bytes_on_wire - self.seen.bytes_on_wire;
        for (i, info) in metrics.iter().enumerate() {
            row.values[i] = if info.kind == MetricKind::Max {
                // Only a maximum reached in this row; `into_series` carries it forward.
                let reached = totals.values[i] > self.seen.values[i];
                row.values[i].max(if reached { totals.values[i] } else { 0 })
            } else {
                row.values[i].wrapping_add(totals.values[i].wrapping_sub(self.seen.values[i]))
            };
        }
        self.seen.clone_from(totals);
    }

    fn double(&mut self, metrics: &[MetricInfo]) {
        let zero = SeriesRow { values: vec![0; metrics.len()], ..SeriesRow::default() };
        for i in 0..self.max_rows {
            let mut row = zero.clone();
            for part in self.rows.iter().skip(2 * i).take(2) {
                add_row(&mut row, part, metrics);
            }
            self.rows[i] = row;
        }
        self.windows_per_row = self.windows_per_row.saturating_mul(2);
        self.row /= 2;
    }

    fn merge(&mut self, mut other: Self, metrics: &[MetricInfo]) {
        while self.windows_per_row < other.windows_per_row {
            self.double(metrics);
        }
        while other.windows_per_row < self.windows_per_row {
            other.double(metrics);
        }
        for (mine, theirs) in self.rows.iter_mut().zip(&other.rows) {
            add_row(mine, theirs, metrics);
        }
    }

    /// The rows with a maximum carried forward: each thread's rows hold its own maximum so far, and
    /// the greatest of all threads' rows up to one is the maximum so far of all.
    fn into_series(mut self, w_ns: u64, metrics: &[MetricInfo]) -> Series {
        for (metric, _) in metrics.iter().enumerate().filter(|(_, m)| m.kind == MetricKind::Max) {
            let mut so_far = 0;
            for row in &mut self.rows {
                so_far = row.values[metric].max(so_far);
                row.values[metric] = so_far;
            }
        }
        let interval_ns = self.windows_per_row.saturating_mul(w_ns);
        let rows = self
            .rows
            .into_iter()
            .enumerate()
            .map(|(i, row)| SeriesRow { start_ns: interval_ns.saturating_mul(i as u64), ..row });
        Series { interval_ns, rows: rows.filter(|row| row.events + row.messages > 0).collect() }
    }
}

fn add_row(sum: &mut SeriesRow, part: &SeriesRow, metrics: &[MetricInfo]) {
    sum.events += part.events;
    sum.messages += part.messages;
    sum.bytes_on_wire += part.bytes_on_wire;
    sum.digest = sum.digest.wrapping_add(part.digest);
    for ((sum, part), info) in sum.values.iter_mut().zip(&part.values).zip(metrics) {
        *sum = combine(info.kind, *sum, *part);
    }
}

#[cfg(test)]
mod tests {
    use anthill_protocol::phold::{Phold, PholdMetric};

    use super::*;

    fn count(tally: &mut Tally<Phold>, window: u64) {
        tally.open_window(window);
        tally.totals.events += 1;
        tally.record(Time(window), PholdMetric::Handled, 1);
    }

    /// Two threads see different windows; merged they give what one thread that saw all gives,
    /// although only one of them saw the window that doubled the rows.
    #[test]
    fn series_do_not_depend_on_who_counted() {
        let new = || Tally::<Phold>::new(Time::ZERO, 1, Some(8));
        let (mut one, mut a, mut b) = (new(), new(), new());
        for window in [0u64, 1, 3, 4, 7, 9, 100] {
            count(&mut one, window);
            count(if window % 2 == 0 { &mut a } else { &mut b }, window);
        }
        a.merge(b);
        let (one, merged) = (one.finish(10), a.finish(10));
        assert_eq!(one.series, merged.series);
        assert_eq!(one.totals, merged.totals);
        assert_eq!(one.series.interval_ns, 160, "100 windows in 8 rows of 16");
        assert_eq!(one.series.rows.iter().map(|r| r.events).sum::<u64>(), 7);
        assert_eq!(one.series.rows.last().map(|r| r.start_ns), Some(960));
    }
}
