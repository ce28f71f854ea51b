//! Bodies as a part of saved runs.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use anthill_protocol::{Body, Shared, Snapshot, SnapshotError};

use super::{Own, Store};
use crate::checkpoint::Pieces;

impl<B: Body> Store<B> {
    /// Appends all bodies, and what sweeping goes by.
    ///
    /// # Safety
    /// The calling thread is alone.
    pub(crate) unsafe fn save(&self, pieces: &mut Pieces<'_>) {
        let (mut shared, mut left, mut all) = (0u64, 0u64, Vec::new());
        for arena in &self.arenas {
            let note = |own: &mut Own| {
                shared += own.shared;
                left += own.left;
                own.used
            };
            // SAFETY: the caller is alone.
            let used = unsafe { arena.own.with(note) };
            for place in (0..used).filter_map(|index| arena.known_place(index)) {
                let id = place.id.load(Ordering::Acquire);
                // SAFETY: the caller is alone.
                let kept = unsafe { (*place.kept.get()).as_ref() };
                all.extend(kept.filter(|_| id != 0).map(|kept| (id, kept)));
            }
        }
        let mut as_part = BTreeMap::<u64, u32>::new();
        for (_, kept) in &all {
            kept.body.parts(&mut |part| *as_part.entry(part.id()).or_default() += 1);
        }
        let counters = [&self.made, &self.reclaimed, &self.most, &self.most_bytes];
        let out = &mut pieces.piece;
        (shared, left, counters.map(|counter| counter.load(Ordering::Relaxed))).save(out);
        (all.len() as u32).save(out);
        for (id, kept) in all {
            let held = kept.retained.load(Ordering::Relaxed);
            let by_nodes = held.saturating_sub(as_part.get(&id).copied().unwrap_or(0));
            let last_window = kept.last_window.load(Ordering::Relaxed);
            (id, kept.interned, last_window, by_nodes).save(&mut pieces.piece);
            kept.body.save(&mut pieces.piece);
            pieces.pass_if_large();
        }
    }

    /// Reads them into the empty store.
    ///
    /// # Errors
    /// When a body cannot be read, does not have its name, or lacks a part.
    ///
    /// # Safety
    /// The calling thread is alone.
    pub(crate) unsafe fn load(&self, bytes: &mut &[u8]) -> Result<(), SnapshotError> {
        let (shared, left, counters) = <(u64, u64, [u64; 4])>::load(bytes)?;
        let mut all = Vec::new();
        let names = self.by_name();
        for _ in 0..u32::load(bytes)? {
            let (id, interned, last_window, by_nodes) = <(u64, bool, u64, u32)>::load(bytes)?;
            let body = B::load(bytes)?;
            let is_named = !interned || id == Shared::name_of_interned(body.fingerprint());
            if id == 0 || !is_named || body.encoded_len() > Shared::MAX_LEN {
                return Err(SnapshotError("a body under another's name"));
            }
            if names.contains_key(&id) {
                return Err(SnapshotError("two bodies of one name"));
            }
            // SAFETY: the caller is alone.
            let handle = unsafe { self.put(0, last_window, id, body, interned) };
            if interned {
                self.interned.insert(id, handle);
            }
            all.push((handle, by_nodes));
        }
        let mut are_whole = true;
        for (handle, by_nodes) in all {
            let kept = self.kept(handle);
            kept.retained.fetch_add(by_nodes, Ordering::Relaxed);
            kept.body.parts(&mut |part| match self.has(part) {
                true => self.retain(part),
                false => are_whole = false,
            });
        }
        for (counter, saved) in
            [&self.made, &self.reclaimed, &self.most, &self.most_bytes].into_iter().zip(counters)
        {
            counter.store(saved, Ordering::Relaxed);
        }
        // SAFETY: the caller is alone.
        unsafe { self.arenas[0].own.with(|own| (own.shared, own.left) = (shared, left)) };
        are_whole.then_some(()).ok_or(SnapshotError("a body without one of its parts"))
    }
}
