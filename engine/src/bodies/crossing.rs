//! Bodies on their way to other processes.

use core::hash::BuildHasherDefault;
use std::sync::atomic::Ordering;

use anthill_protocol::{Body, Shared, Snapshot, SnapshotError};
use dashmap::DashMap;
use hashbrown::HashSet;

use super::{NameHasher, Names, Store};

/// The names of bodies that a process is known to have.
pub(crate) type Known = HashSet<u64, BuildHasherDefault<NameHasher>>;

impl<B: Body> Store<B> {
    /// Keeps the places of all bodies by name from now on; for a store that is empty yet.
    pub(crate) fn by_name(&self) -> &Names {
        // The least that dashmap has, as for interned names.
        let none = || DashMap::with_hasher_and_shard_amount(Default::default(), 16);
        self.names.get_or_init(none)
    }

    /// Appends a body that another process is not known to have, after those of its parts that it is not known
    /// to have; returns how many they are.
    pub(crate) fn send(&self, handle: Shared, known: &mut Known, out: &mut Vec<u8>) -> u64 {
        let (mut sent, mut path) = (0, vec![handle]);
        // A part may be the whole of a long chain: no recursion.
        while let Some(&handle) = path.last() {
            if known.contains(&handle.id()) {
                path.pop();
                continue;
            }
            let kept = self.kept(handle);
            let before = path.len();
            kept.body.parts(&mut |part| {
                if !known.contains(&part.id()) {
                    path.push(part);
                }
            });
            if path.len() == before {
                path.pop();
                known.insert(handle.id());
                (handle.id(), kept.interned).save(out);
                kept.body.save(out);
                sent += 1;
            }
        }
        sent
    }

    /// Reads one body that another process sent for a window, unless it is here already; `known` are those that
    /// this process has.
    ///
    /// # Errors
    /// When the bytes are no body.
    ///
    /// # Safety
    /// The calling thread is alone.
    pub(crate) unsafe fn receive(
        &self,
        worker: u32,
        window: u64,
        known: &mut Known,
        bytes: &mut &[u8],
    ) -> Result<(), SnapshotError> {
        let (id, interned) = <(u64, bool)>::load(bytes)?;
        let body = B::load(bytes)?;
        known.insert(id);
        if let Some(place) = self.by_name().get(&id).map(|place| *place) {
            if let Some(kept) = self.at(place, id) {
                kept.last_window.fetch_max(window, Ordering::Relaxed);
            }
            return Ok(());
        }
        // SAFETY: promised by the caller.
        let handle = unsafe { self.add(worker, window, id, body, interned) };
        if interned {
            self.interned.insert(id, handle);
        }
        Ok(())
    }
}
