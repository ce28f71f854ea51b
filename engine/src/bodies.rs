//! The shared bodies of a run: where they lie, how they are read, when they are reclaimed.
//!
//! Each worker has a arena of its own, to which it alone adds; all read all arenas. A place is in
//! use while its id is not zero, and its body does not change or move as long.
//!
//! *Why reading is safe.* A handle reaches other threads with a message of a later window, that is
//! over a rendezvous, or out of the table of interned bodies, whose locks order it. A place is
//! emptied only by [`Store::sweep`], between windows, when no handler runs. A handle whose body was
//! reclaimed names an id that its place no longer has, and that is looked at first: using it is a
//! panic, never a read of memory that another thread writes.
//!
//! *When a body is reclaimed.* Once no message that names it can arrive any more (each send notes
//! the window of its arrival), no node retains it, and no living body has it as a part. Sweeping is
//! amortised: it happens when as many bodies were shared as were left by the sweep before. When and
//! of what follows from the run and not from its sharding, so a handle that nobody retained is found
//! at the same event everywhere.
//!
//! *Saved runs.* Bodies are saved with their names, and loaded into whatever places are free. Handles that
//! were loaded with states and messages have no place, or one of another process: a table finds them by name.
//! How often a body is retained is counted anew for those that have it as a part.
//!
//! *Several processes.* Each has a store of its own, in which all bodies are in that table. A body is sent to
//! another process with the first message there that names it, its parts before it, and lives in each by the
//! same rules (`crossing`).

mod crossing;
mod saved;

pub(crate) use crossing::Known;

use core::cell::UnsafeCell;
use core::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use anthill_protocol::{Bodies, Body, Shared, Verdicts};
use crossbeam_utils::CachePadded;
use dashmap::{DashMap, Entry};

use crate::outcome::BodiesReport;
use crate::refusal::granted;
use crate::windows::rendezvous::PhaseCell;

/// Places of the first block of a arena; each further one has twice as many.
const FIRST_BLOCK: u32 = 64;
/// Blocks of a arena: 2³² places.
const BLOCKS: usize = 26;
/// Fewer bodies than this are not worth a sweep; where assertions are on, nearly any are, so that a
/// handle that nobody retains is found soon.
const SWEEP_MIN: u64 = if cfg!(debug_assertions) { 64 } else { 4_096 };

/// All bodies of a run.
pub(crate) struct Store<B> {
    arenas: Vec<CachePadded<Arena<B>>>,
    /// The handles of interned bodies by their names, which are hashes already.
    interned: DashMap<u64, Shared, BuildHasherDefault<NameHasher>>,
    /// Bytes of all arenas, and of the bodies as they are on the wire.
    bytes: AtomicU64,
    /// The most that they were before any sweep.
    most_bytes: AtomicU64,
    /// The most bodies that there were before any sweep.
    most: AtomicU64,
    made: AtomicU64,
    reclaimed: AtomicU64,
    /// The places of all bodies by their names, where handles may come from another process.
    names: OnceLock<Names>,
}

type Names = DashMap<u64, u64, BuildHasherDefault<NameHasher>>;

/// The bodies that one worker has shared.
struct Arena<B> {
    blocks: [OnceLock<Box<[Slot<B>]>>; BLOCKS],
    own: PhaseCell<Own>,
}

/// What only a arena's worker touches, or whoever is alone.
#[derive(Default)]
struct Own {
    used: u32,
    free: Vec<u32>,
    /// Bodies shared since the last sweep, and left by it.
    shared: u64,
    left: u64,
}

struct Slot<B> {
    /// The name of its body; 0 while there is none.
    id: AtomicU64,
    kept: UnsafeCell<Option<StoredBody<B>>>,
}

// SAFETY: the module's documentation says who writes a place when; what is read in common is
// `Sync`, and a body may be dropped by another thread than the one that made it.
unsafe impl<B: Send + Sync> Sync for Slot<B> {}

/// A body and what the run knows of it.
pub(crate) struct StoredBody<B> {
    pub(crate) body: B,
    pub(crate) verdicts: OnceLock<Verdicts>,
    /// The last window in which a message that names it arrives.
    last_window: AtomicU64,
    /// Nodes and bodies that hold it.
    retained: AtomicU32,
    encoded_len: u32,
    interned: bool,
}

/// Names are hashes: they are their own position.
#[derive(Clone, Copy, Default)]
pub(crate) struct NameHasher(u64);

impl Hasher for NameHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("names are written as one word");
    }

    fn write_u64(&mut self, name: u64) {
        self.0 = name;
    }
}

impl<B: Body> Store<B> {
    /// The empty store of so many workers.
    pub(crate) fn new(workers: u32) -> Self {
        let arena = || Arena {
            blocks: [const { OnceLock::new() }; BLOCKS],
            own: PhaseCell::new(Own::default()),
        };
        Self {
            arenas: (0..workers).map(|_| CachePadded::new(arena())).collect(),
            // The least that dashmap has: most runs intern nothing.
            interned: DashMap::with_hasher_and_shard_amount(BuildHasherDefault::default(), 16),
            bytes: AtomicU64::new(0),
            most_bytes: AtomicU64::new(0),
            most: AtomicU64::new(0),
            made: AtomicU64::new(0),
            reclaimed: AtomicU64::new(0),
            names: OnceLock::new(),
        }
    }

    /// Adds a body under a name.
    ///
    /// # Safety
    /// The calling thread is `worker`'s, and a handler runs on it; or it is alone.
    pub(crate) unsafe fn share(&self, worker: u32, window: u64, id: u64, body: B) -> Shared {
        // SAFETY: promised by the caller.
        unsafe { self.add(worker, window, id, body, false) }
    }

    /// Adds a body, or finds the one with equal content.
    ///
    /// # Safety
    /// As [`Store::share`].
    ///
    /// # Panics
    /// If other content has the same fingerprint.
    pub(crate) unsafe fn intern(&self, worker: u32, window: u64, body: B) -> Shared {
        let id = Shared::name_of_interned(body.fingerprint());
        match self.interned.entry(id) {
            Entry::Occupied(known) => {
                let known = *known.get();
                assert!(
                    self.kept(known).body == body,
                    "two contents with one fingerprint: {:?} and {body:?}",
                    self.kept(known).body
                );
                known
            }
            Entry::Vacant(place) => {
                // SAFETY: promised by the caller.
                *place.insert(unsafe { self.add(worker, window, id, body, true) })
            }
        }
    }

    /// # Safety
    /// As [`Store::share`].
    unsafe fn add(&self, worker: u32, window: u64, id: u64, body: B, interned: bool) -> Shared {
        body.parts(&mut |part| self.retain(part));
        self.made.fetch_add(1, Ordering::Relaxed);
        // SAFETY: promised by the caller.
        unsafe { self.put(worker, window, id, body, interned) }
    }

    /// # Safety
    /// As [`Store::share`].
    unsafe fn put(&self, worker: u32, window: u64, id: u64, body: B, interned: bool) -> Shared {
        let handle = |place| Shared::new(id, place, body.encoded_len());
        let arena = &self.arenas[worker as usize];
        // SAFETY: promised by the caller.
        let index = unsafe { arena.own.with(Own::take_place) };
        let handle = handle(u64::from(worker) << 32 | u64::from(index));
        let place = arena.place(index, |bytes| self.note_bytes(bytes));
        let kept = StoredBody {
            body,
            verdicts: OnceLock::new(),
            last_window: AtomicU64::new(window),
            retained: AtomicU32::new(0),
            encoded_len: handle.encoded_len(),
            interned,
        };
        // SAFETY: the place is empty, so nobody reads it, and this worker's, so nobody else writes.
        unsafe { *place.kept.get() = Some(kept) };
        place.id.store(id, Ordering::Release);
        if let Some(names) = self.names.get() {
            names.insert(id, handle.place());
        }
        self.note_bytes(u64::from(handle.encoded_len()));
        handle
    }

    fn note_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of all arenas, and of the bodies as they are on the wire.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What the bodies cost.
    pub(crate) fn report(&self) -> BodiesReport {
        let bytes = self.bytes();
        BodiesReport {
            bytes,
            most_bytes: self.most_bytes.load(Ordering::Relaxed).max(bytes),
            made: self.made.load(Ordering::Relaxed),
            reclaimed: self.reclaimed.load(Ordering::Relaxed),
        }
    }

    /// What is known of a body.
    ///
    /// # Panics
    /// If it was reclaimed.
    #[inline]
    pub(crate) fn kept(&self, handle: Shared) -> &StoredBody<B> {
        let found = self.at(handle.place(), handle.id());
        found.or_else(|| self.find_named(handle)).unwrap_or_else(|| gone(handle))
    }

    /// What is known of the body of that name, if it is at a place.
    #[inline]
    fn at(&self, place: u64, id: u64) -> Option<&StoredBody<B>> {
        let place = self.arenas.get((place >> 32) as usize)?.known_place(place as u32)?;
        if place.id.load(Ordering::Acquire) != id {
            return None;
        }
        // SAFETY: a place with an id is not written to, and no sweep empties it while handlers run.
        unsafe { (*place.kept.get()).as_ref() }
    }

    /// The same for a handle that was loaded, or came from another process.
    #[cold]
    fn find_named(&self, handle: Shared) -> Option<&StoredBody<B>> {
        let place = *self.names.get()?.get(&handle.id())?;
        self.at(place, handle.id())
    }

    /// Whether a body is there.
    pub(crate) fn has(&self, handle: Shared) -> bool {
        self.at(handle.place(), handle.id()).or_else(|| self.find_named(handle)).is_some()
    }

    /// Where a body is that is there.
    fn place_of(&self, handle: Shared) -> u64 {
        match self.at(handle.place(), handle.id()) {
            Some(_) => handle.place(),
            None => {
                let named = self.names.get().and_then(|names| names.get(&handle.id()));
                named.map_or(handle.place(), |place| *place)
            }
        }
    }

    /// Fetches a body into the cache.
    #[inline]
    pub(crate) fn prefetch(&self, handle: Shared) {
        let place = handle.place();
        let arena = self.arenas.get((place >> 32) as usize);
        if let Some(place) = arena.and_then(|arena| arena.known_place(place as u32)) {
            crate::windows::prefetch::for_read_all(core::ptr::from_ref(place));
        }
    }

    /// Notes that a message that names a body arrives in a window.
    #[inline]
    pub(crate) fn note_arrival(&self, handle: Shared, window: u64) {
        let last = &self.kept(handle).last_window;
        // Nearly always an earlier arrival is the last one, and the line stays shared.
        if last.load(Ordering::Relaxed) < window {
            last.fetch_max(window, Ordering::Relaxed);
        }
    }

    /// A node's state, or a body, holds a handle.
    #[inline]
    pub(crate) fn retain(&self, handle: Shared) {
        self.kept(handle).retained.fetch_add(1, Ordering::Relaxed);
    }

    /// Releases the handle.
    ///
    /// # Panics
    /// If nobody held it.
    #[inline]
    pub(crate) fn release(&self, handle: Shared) {
        let before = self.kept(handle).retained.fetch_sub(1, Ordering::Relaxed);
        assert!(before > 0, "{handle:?} is released more often than it was retained");
    }

    /// Whether enough was shared since the last sweep to make one worth it.
    ///
    /// # Safety
    /// The calling thread is alone, here and below.
    pub(crate) unsafe fn is_due(&self) -> bool {
        let (mut shared, mut left) = (0, 0);
        for arena in &self.arenas {
            // SAFETY: the caller is alone.
            unsafe {
                arena.own.with(|own| {
                    shared += own.shared;
                    left += own.left;
                });
            }
        }
        // A sweep looks at all places there ever were, also long after they were needed.
        shared >= SWEEP_MIN + left.max(self.most.load(Ordering::Relaxed) / 8)
    }

    /// Reclaims the bodies that nothing needs from `window` on.
    pub(crate) unsafe fn sweep(&self, window: u64) {
        // Between sweeps they only become more.
        self.most_bytes.fetch_max(self.bytes(), Ordering::Relaxed);
        let BodiesReport { made, reclaimed, .. } = self.report();
        self.most.fetch_max(made - reclaimed, Ordering::Relaxed);
        let mut dead = Vec::new();
        for (arena, worker) in self.arenas.iter().zip(0u64..) {
            // SAFETY: the caller is alone, here and below.
            let used = unsafe { arena.own.with(|own| own.used) };
            for index in 0..u64::from(used) {
                dead.push(worker << 32 | index);
                // What nothing but the reclaimed needed goes with it, however long the chain.
                while let Some(place) = dead.pop() {
                    // SAFETY: as above.
                    unsafe { self.reclaim(place, window, &mut dead) };
                }
            }
        }
        for arena in &self.arenas {
            // SAFETY: as above.
            unsafe {
                arena.own.with(|own| {
                    own.shared = 0;
                    own.left = u64::from(own.used) - own.free.len() as u64;
                });
            }
        }
    }

    /// Empties a place whose body nothing needs, and adds the places of its parts to `dead`.
    unsafe fn reclaim(&self, place: u64, window: u64, dead: &mut Vec<u64>) {
        let (arena, index) = (&self.arenas[(place >> 32) as usize], place as u32);
        let Some(place) = arena.known_place(index) else { return };
        // SAFETY: the caller is alone: no handler holds a reference into the place.
        let kept = unsafe { &mut *place.kept.get() };
        let needed = |kept: &mut StoredBody<B>| {
            *kept.retained.get_mut() > 0 || *kept.last_window.get_mut() >= window
        };
        if kept.as_mut().is_none_or(needed) {
            return;
        }
        let Some(gone) = kept.take() else { return };
        let id = place.id.swap(0, Ordering::Relaxed);
        if let Some(names) = self.names.get() {
            names.remove(&id);
        }
        if gone.interned {
            self.interned.remove(&id);
        }
        self.bytes.fetch_sub(u64::from(gone.encoded_len), Ordering::Relaxed);
        self.reclaimed.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller is alone, and holds no other reference to what is the arena's own.
        unsafe { arena.own.with(|own| own.free.push(index)) };
        gone.body.parts(&mut |part| {
            self.release(part);
            dead.push(self.place_of(part));
        });
    }
}

#[cold]
fn gone(handle: Shared) -> ! {
    panic!("{handle:?} is used after it was reclaimed: whoever keeps a handle must retain it")
}

impl Own {
    fn take_place(&mut self) -> u32 {
        self.shared += 1;
        self.free.pop().unwrap_or_else(|| {
            self.used = self.used.checked_add(1).expect("fewer than 2³² bodies");
            self.used - 1
        })
    }
}

impl<B> Arena<B> {
    /// Which block an index lies in, and where.
    #[inline]
    fn locate(index: u32) -> (usize, usize) {
        let block = (index / FIRST_BLOCK + 1).ilog2();
        (block as usize, (index - FIRST_BLOCK * ((1 << block) - 1)) as usize)
    }

    #[inline]
    fn known_place(&self, index: u32) -> Option<&Slot<B>> {
        let (block, offset) = Self::locate(index);
        self.blocks.get(block)?.get()?.get(offset)
    }

    /// The place of an index, in a new block if it is the first of one.
    fn place(&self, index: u32, mapped: impl Fn(u64)) -> &Slot<B> {
        let (block, offset) = Self::locate(index);
        let places = self.blocks[block].get_or_init(|| {
            let count = (FIRST_BLOCK as usize) << block;
            mapped((count * size_of::<Slot<B>>()) as u64);
            let empty = || Slot { id: AtomicU64::new(0), kept: UnsafeCell::new(None) };
            let mut places = Vec::new();
            granted::<Slot<B>>(places.try_reserve_exact(count), count, "shared bodies");
            places.extend((0..count).map(|_| empty()));
            places.into()
        });
        &places[offset]
    }
}

/// The bodies as a handler reads them.
pub(crate) struct BodiesOf<'a, B>(pub(crate) &'a Store<B>);

impl<B> Clone for BodiesOf<'_, B> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<B: Body> Bodies<B> for BodiesOf<'_, B> {
    #[inline]
    fn get(&self, handle: Shared) -> &B {
        &self.0.kept(handle).body
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
