//! Order on connections: what one node sends another arrives in the order in which it was sent.
//!
//! The sender keeps, for each receiver, when the last message to it arrives; the next one arrives
//! then at the earliest. Messages of one sender that arrive at one instant are handled in the order
//! of their numbers anyway ([`Key`](crate::Key)), so equal instants keep the order too. Nothing is
//! asked of the receiver, so it does not matter which thread runs it.
//!
//! What has arrived can hold nothing back: when a table is full, entries from before any arrival
//! that is still possible are dropped, and only if most remain does it grow. So it holds about as
//! many entries as there are receivers with messages on their way.

use core::fmt::Debug;

use anthill_protocol::draw::mix;
use anthill_protocol::{NodeId, Snapshot, SnapshotError, Span, Time};
use hashbrown::HashTable;

/// Bytes of an entry at the load that a growing table has on average.
pub(crate) const BYTES_PER_RECEIVER: f64 = (size_of::<Entry>() + 1) as f64 * 1.7;

/// What a sender keeps of the messages that are on their way from it.
pub(crate) trait Order: Default + Send + Debug + Snapshot {
    /// The node's events from now on have keys of at least this instant.
    fn advance(&mut self, key: Time);

    /// When a message arrives that would arrive at `drawn` on its own.
    fn arrival(&self, to: NodeId, drawn: Time) -> Time;

    /// A message arrives then; none takes less than `least`.
    fn note(&mut self, to: NodeId, arrival: Time, least: Span);
}

/// Datagrams have none.
impl Order for () {
    #[inline(always)]
    fn advance(&mut self, _: Time) {}

    #[inline(always)]
    fn arrival(&self, _: NodeId, drawn: Time) -> Time {
        drawn
    }

    #[inline(always)]
    fn note(&mut self, _: NodeId, _: Time, _: Span) {}
}

/// The connections of one sender.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    now: Time,
    last: HashTable<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    arrival: Time,
    to: NodeId,
}

/// Scatters ids; the same in every run, though nothing depends on it.
fn hash(to: NodeId) -> u64 {
    mix(u64::from(to.0), 0)
}

impl Order for Connections {
    #[inline]
    fn advance(&mut self, key: Time) {
        self.now = key;
    }

    fn arrival(&self, to: NodeId, drawn: Time) -> Time {
        let last = self.last.find(hash(to), |entry| entry.to == to);
        last.map_or(drawn, |last| last.arrival.max(drawn))
    }

    fn note(&mut self, to: NodeId, arrival: Time, least: Span) {
        if let Some(last) = self.last.find_mut(hash(to), |entry| entry.to == to) {
            last.arrival = arrival;
            return;
        }
        let full = self.last.len();
        if full == self.last.capacity() {
            let possible = self.now + least;
            self.last.retain(|entry| entry.arrival > possible);
            if 2 * self.last.len() > full {
                self.last.reserve(full, |entry| hash(entry.to));
            }
        }
        self.last.insert_unique(hash(to), Entry { arrival, to }, |entry| hash(entry.to));
    }
}

/// In the order of receivers: where they lie in the table depends on who came when.
impl Snapshot for Connections {
    fn save(&self, out: &mut Vec<u8>) {
        let mut entries: Vec<_> = self.last.iter().map(|entry| (entry.to, entry.arrival)).collect();
        entries.sort_unstable();
        self.now.save(out);
        entries.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let (now, entries) = <(Time, Vec<(NodeId, Time)>)>::load(bytes)?;
        let mut last = HashTable::with_capacity(entries.len());
        for (to, arrival) in entries {
            last.insert_unique(hash(to), Entry { arrival, to }, |entry: &Entry| hash(entry.to));
        }
        Ok(Self { now, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const L: Span = Span(10);

    #[test]
    fn a_receiver_hears_in_order_and_others_do_not_wait() {
        let mut connections = Connections::default();
        assert_eq!(connections.arrival(NodeId(1), Time(50)), Time(50));
        connections.note(NodeId(1), Time(50), L);
        assert_eq!(connections.arrival(NodeId(1), Time(40)), Time(50));
        assert_eq!(connections.arrival(NodeId(1), Time(51)), Time(51));
        assert_eq!(connections.arrival(NodeId(2), Time(40)), Time(40));
        let mut saved = Vec::new();
        connections.save(&mut saved);
        let loaded = Connections::load(&mut &saved[..]).expect("whole");
        assert_eq!(loaded.arrival(NodeId(1), Time(40)), Time(50));
        let mut none = ();
        none.note(NodeId(1), Time(50), L);
        assert_eq!(none.arrival(NodeId(1), Time(40)), Time(40));
    }

    /// A sender that goes on for ever, to ever new receivers, keeps what is on its way.
    #[test]
    fn what_has_arrived_is_forgotten() {
        let mut connections = Connections::default();
        for i in 0..100_000u32 {
            let now = u64::from(i) * 10;
            connections.advance(Time(now));
            // The last hundred are on their way.
            connections.note(NodeId(i), Time(now + 1_000), L);
            if i > 90 {
                let late = connections.arrival(NodeId(i - 90), Time(now + 10));
                assert_eq!(late, Time(now + 100), "still on its way");
            }
        }
        assert!(connections.last.capacity() < 1_000, "{}", connections.last.capacity());
    }

    /// Nothing is dropped that a message could still overtake: not even one as fast as can be.
    #[test]
    fn nothing_that_can_be_overtaken_is_forgotten() {
        let mut connections = Connections::default();
        connections.note(NodeId(0), Time(111), L);
        connections.advance(Time(100));
        for i in 1..1_000 {
            connections.note(NodeId(i), Time(110), L);
        }
        assert_eq!(connections.arrival(NodeId(0), Time(110)), Time(111));
    }
}
