//! What waits to be ordered at a replica, in the order of arrival.

use std::collections::BTreeMap;

use anthill_protocol::kit::Erased;
use anthill_protocol::{Context, NodeId, Shared, Snapshot, SnapshotError};

use crate::exchange::Exchange;

/// More is not kept, and asked for again: of all, and of one signer.
const MOST: usize = 20_000;
const MOST_OF_SIGNER: u32 = 64;

/// Bodies that wait; retained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pool {
    arrivals: u64,
    waiting: BTreeMap<u64, (Shared, Option<NodeId>)>,
    known: BTreeMap<u64, u64>,
    of_signer: BTreeMap<NodeId, u32>,
}

impl Snapshot for Pool {
    fn save(&self, out: &mut Vec<u8>) {
        self.arrivals.save(out);
        let waiting = self.waiting.iter().map(|(at, (body, signer))| (*at, *body, *signer));
        waiting.collect::<Vec<_>>().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let mut pool = Self { arrivals: u64::load(bytes)?, ..Self::default() };
        for (at, body, signer) in Vec::<(u64, Shared, Option<NodeId>)>::load(bytes)? {
            pool.insert(at, body, signer);
        }
        Ok(pool)
    }
}

impl Pool {
    fn insert(&mut self, at: u64, body: Shared, signer: Option<NodeId>) {
        self.waiting.insert(at, (body, signer));
        self.known.insert(body.id(), at);
        signer.into_iter().for_each(|signer| *self.of_signer.entry(signer).or_default() += 1);
    }

    /// Adds a body, of a signer or of nobody's; false if it is there, or there is no room.
    pub(crate) fn add(
        &mut self,
        body: Shared,
        signer: Option<NodeId>,
        cx: &mut Erased<'_, Exchange>,
    ) -> bool {
        let of_signer = signer.and_then(|it| self.of_signer.get(&it)).copied().unwrap_or(0);
        let is_full = self.waiting.len() >= MOST || of_signer >= MOST_OF_SIGNER;
        if is_full || self.known.contains_key(&body.id()) {
            return false;
        }
        cx.retain(body);
        self.arrivals += 1;
        self.insert(self.arrivals, body, signer);
        true
    }

    /// Forgets some bodies, if they are there.
    pub(crate) fn remove(&mut self, bodies: &[Shared], cx: &mut Erased<'_, Exchange>) {
        for body in bodies {
            let Some(at) = self.known.remove(&body.id()) else { continue };
            let Some((body, signer)) = self.waiting.remove(&at) else { continue };
            cx.release(body);
            if let Some(count) = signer.and_then(|it| self.of_signer.get_mut(&it)) {
                *count -= 1;
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self, cx: &mut Erased<'_, Exchange>) {
        self.waiting.values().for_each(|(body, _)| cx.release(*body));
        *self = Self { arrivals: self.arrivals, ..Self::default() };
    }

    /// A number that stands for what came first.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.waiting.keys().next().copied()
    }

    /// All that waits, in the order of arrival.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = Shared> + '_ {
        self.waiting.values().map(|(body, _)| *body)
    }
}
