//! The state of a chain as bytes. Hosts share one state among replicas that have come to the same; each is
//! saved with all of it, and shares again from the first block after it was loaded.

use std::collections::BTreeMap;

use anthill_market::{StoredError, Venue};
use anthill_protocol::{Snapshot, SnapshotError};

use super::{Answer, State};

/// A map, as its pairs in order.
pub(crate) fn save_map<K: Snapshot, V: Snapshot>(map: &BTreeMap<K, V>, out: &mut Vec<u8>) {
    (map.len() as u32).save(out);
    for (key, value) in map {
        key.save(out);
        value.save(out);
    }
}

/// What [`save_map`] has saved: keys rise.
pub(crate) fn load_map<K: Snapshot + Ord, V: Snapshot>(
    bytes: &mut &[u8],
) -> Result<BTreeMap<K, V>, SnapshotError> {
    let mut map = BTreeMap::new();
    for _ in 0..u32::load(bytes)? {
        let (key, value) = (K::load(bytes)?, V::load(bytes)?);
        if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(SnapshotError("keys that do not rise"));
        }
        map.insert(key, value);
    }
    Ok(map)
}

/// What the library of markets says of bytes that it does not load.
pub(super) fn refused(_: StoredError) -> SnapshotError {
    SnapshotError("not the state of a market")
}

impl Snapshot for Answer {
    fn save(&self, out: &mut Vec<u8>) {
        (self.to, self.request, self.code).save(out);
        (self.filled as u64, self.cash as u64).save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let (to, request, code) = Snapshot::load(bytes)?;
        let (filled, cash) = <(u64, u64)>::load(bytes)?;
        Ok(Self { to, request, code, filled: filled as i64, cash: cash as i64 })
    }
}

impl Snapshot for State {
    fn save(&self, out: &mut Vec<u8>) {
        (self.chain, self.height, self.time).save(out);
        (self.trades, self.root).save(out);
        self.venue.save(out);
        save_map(&self.sessions, out);
        save_map(&self.answered, out);
        self.audit.save(out);
        save_map(&self.open, out);
        save_map(&self.legs, out);
        save_map(&self.locks, out);
        self.sealed.save(out);
        self.oracle.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let (chain, height, time) = Snapshot::load(bytes)?;
        let (trades, root) = Snapshot::load(bytes)?;
        Ok(Self {
            chain,
            height,
            time,
            venue: Venue::load(bytes).map_err(refused)?,
            sessions: load_map(bytes)?,
            answered: load_map(bytes)?,
            audit: Snapshot::load(bytes)?,
            open: load_map(bytes)?,
            legs: load_map(bytes)?,
            locks: load_map(bytes)?,
            sealed: Snapshot::load(bytes)?,
            oracle: Snapshot::load(bytes)?,
            trades,
            root,
        })
    }
}
