//! Tallies as a part of saved runs.

use anthill_protocol::{Key, Metric, Protocol, Snapshot, SnapshotError, Totals};

use super::{SeriesTally, Tally};
use crate::conditions::ConditionTotals;
use crate::outcome::{SeriesRow, Violation};

impl<P: Protocol> Tally<P> {
    /// Appends what was counted, between two windows.
    pub(crate) fn save(&self, out: &mut Vec<u8>) {
        self.totals.save(out);
        for histogram in self.latencies() {
            let recorded = histogram.iter_recorded();
            let buckets = recorded.map(|at| (at.value_iterated_to(), at.count_at_value()));
            buckets.collect::<Vec<_>>().save(out);
        }
        (self.digest, self.last_event, self.charged_ns).save(out);
        let number = |name| P::Metric::INVARIANTS.iter().position(|known| known.name == name);
        let violations = self.violations.iter().filter_map(|found| {
            Some((number(found.invariant)? as u8, found.events, found.first, found.expected))
        });
        violations.collect::<Vec<_>>().save(out);
        self.conditions.save(out);
        self.signatures().save(out);
        self.series.save(out);
    }

    /// Reads it into this fresh tally.
    pub(crate) fn load(&mut self, bytes: &mut &[u8]) -> Result<(), SnapshotError> {
        let totals = Totals::load(bytes)?;
        if !has_shape_of(&totals, &self.totals) {
            return Err(SnapshotError("totals of other metrics or messages"));
        }
        self.totals = totals;
        for histogram in self.histograms.iter_mut().flatten() {
            for (value, count) in Vec::<(u64, u64)>::load(bytes)? {
                let recorded = histogram.record_n(value, count);
                recorded.map_err(|_| SnapshotError("a latency that is none"))?;
            }
        }
        (self.digest, self.last_event, self.charged_ns) = Snapshot::load(bytes)?;
        for (number, events, first, expected) in Vec::<(u8, u64, Option<Key>, bool)>::load(bytes)? {
            let invariant = P::Metric::INVARIANTS.get(usize::from(number));
            let invariant = invariant.ok_or(SnapshotError("no such invariant"))?.name;
            let violation = Violation { invariant, events, first, about: None, expected };
            violation.add_to(&mut self.violations);
        }
        self.conditions = ConditionTotals::load(bytes)?;
        self.signatures = Snapshot::load(bytes)?;
        self.series.load(bytes)
    }
}

impl SeriesTally {
    fn save(&self, out: &mut Vec<u8>) {
        (self.windows_per_row, self.row as u64, self.row_end).save(out);
        self.rows.save(out);
        self.seen.save(out);
        self.seen_digest.save(out);
    }

    /// Reads rows of this number into fresh ones.
    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), SnapshotError> {
        let (windows_per_row, row, row_end) = <(u64, u64, u64)>::load(bytes)?;
        let rows = Vec::<SeriesRow>::load(bytes)?;
        let seen = Totals::load(bytes)?;
        let values = self.seen.values.len();
        let fits = windows_per_row > 0
            && row < self.max_rows as u64
            && rows.len() == self.max_rows
            && rows.iter().all(|row| row.values.len() == values)
            && has_shape_of(&seen, &self.seen);
        if !fits {
            return Err(SnapshotError("a series of other rows"));
        }
        let (seen_digest, max_rows, row) = (u64::load(bytes)?, self.max_rows, row as usize);
        *self = Self { windows_per_row, max_rows, row, row_end, rows, seen, seen_digest };
        Ok(())
    }
}

/// Whether there are as many metrics and kinds of messages.
fn has_shape_of(totals: &Totals, other: &Totals) -> bool {
    let shape = |totals: &Totals| {
        let Totals { messages_by_kind, bytes_by_kind, .. } = totals;
        let Totals { adversary_messages_by_kind, adversary_bytes_by_kind, .. } = totals;
        let kinds = [messages_by_kind, bytes_by_kind, adversary_messages_by_kind];
        (totals.values.len(), kinds.map(Vec::len), adversary_bytes_by_kind.len())
    };
    shape(totals) == shape(other)
}
