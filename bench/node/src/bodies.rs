//! The shared bodies of one real node, by name.
//!
//! Owns what the emulator's arena owns, for one process: each body once, as long as something holds it.
//! Names are the same in all processes, and nobody has to be believed: an interned body is named after its
//! fingerprint, any other after the BLAKE3 hash of its bytes, and whoever receives one works out the name
//! again. A name has 64 bits, because a handle has: two bodies of one name take 2³² attempts to find.
//!
//! Invariants: the store is closed, so a body goes in after its parts and leaves before them. Between two
//! handlers nothing borrows from it; during one it only grows, so what is borrowed stays where it is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anthill_protocol::{Bodies, Body, Digest, Shared, Span, Time};

use crate::machine::Malformed;

/// All handles have this place: bodies are found by name.
const PLACE: u64 = (1 << 40) - 1;
/// Blocks of bodies made by one handler: block b has 2^b places.
const BLOCKS: usize = 32;
/// How long a body that nothing holds is kept for those who ask for it.
pub(crate) const GRACE: Span = Span::from_secs(60);

/// The most bytes of bodies that nothing holds; beyond, those that came first leave before their time.
const MOST_IDLE: usize = 256 << 20;

/// A body and what holds it.
pub(crate) struct Kept<B> {
    pub body: B,
    pub interned: bool,
    /// Its saved form.
    pub bytes: Arc<[u8]>,
    pub parts: Box<[u64]>,
    /// Times that a node retains it, bodies that it is a part of, and messages under way inside.
    holds: u32,
    /// The part of it that nodes retain.
    retained: u32,
    touched: Time,
    /// The place in the order of arrival.
    pub number: u64,
}

/// The bodies; cheap to look at from many places.
pub(crate) struct Store<B> {
    inner: Arc<Inner<B>>,
    /// Bodies that may be held by nothing, and how many bytes they are.
    idle: VecDeque<(Time, u64)>,
    idle_bytes: usize,
    made: u64,
    /// Names of bodies that came in and of those that left, since somebody took them.
    pub came: Vec<u64>,
    pub left: Vec<u64>,
}

struct Inner<B> {
    base: BTreeMap<u64, Kept<B>>,
    fresh: Fresh<B>,
}

/// What the handler that runs has made.
struct Fresh<B> {
    blocks: [OnceLock<Block<B>>; BLOCKS],
    places: Mutex<BTreeMap<u64, usize>>,
}

type Block<B> = Box<[OnceLock<(u64, Kept<B>)>]>;

/// The bodies as a handler reads them.
pub(crate) struct View<B>(Arc<Inner<B>>);

impl<B> Clone for View<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Body> Bodies<B> for View<B> {
    fn get(&self, handle: Shared) -> &B {
        match self.0.find(handle.id()) {
            Some(kept) => &kept.body,
            None => panic!("{handle:?} is gone: whoever kept it did not retain it"),
        }
    }
}

impl<B> Default for Fresh<B> {
    fn default() -> Self {
        Self { blocks: [const { OnceLock::new() }; BLOCKS], places: Mutex::default() }
    }
}

impl<B> Inner<B> {
    fn find(&self, id: u64) -> Option<&Kept<B>> {
        self.base.get(&id).or_else(|| self.fresh.find(id))
    }
}

impl<B> Fresh<B> {
    fn find(&self, id: u64) -> Option<&Kept<B>> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let (block, offset) = locate(*places.get(&id)?);
        self.blocks[block].get()?[offset].get().map(|(_, kept)| kept)
    }

    fn push(&self, id: u64, kept: Kept<B>) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.len();
        let (block, offset) = locate(place);
        let block = self.blocks[block]
            .get_or_init(|| (0..1usize << block).map(|_| OnceLock::new()).collect());
        // Empty so far: places are given out once.
        let _ = block[offset].set((id, kept));
        places.insert(id, place);
    }

    fn take(&mut self) -> impl Iterator<Item = (u64, Kept<B>)> + use<B> {
        let old = core::mem::take(self);
        old.blocks
            .into_iter()
            .filter_map(OnceLock::into_inner)
            .flatten()
            .filter_map(OnceLock::into_inner)
    }
}

/// The block of a place, and where in it.
fn locate(place: usize) -> (usize, usize) {
    let number = place + 1;
    let block = number.ilog2() as usize;
    (block, number - (1 << block))
}

/// A handle, wherever it is used: its place says nothing.
pub(crate) fn handle(id: u64, encoded_len: u32) -> Shared {
    Shared::new(id, PLACE, encoded_len)
}

fn name(interned: bool, fingerprint: u64, bytes: &[u8]) -> u64 {
    if interned {
        return Shared::name_of_interned(fingerprint);
    }
    let digest = Digest::of("anthill body", 0, 0, bytes).0;
    u64::from_le_bytes(*digest.first_chunk().expect("32 bytes"))
}

/// A body from outside: its name, and what it is.
pub(crate) struct Parcel<B> {
    pub id: u64,
    pub interned: bool,
    pub body: B,
    pub parts: Vec<Shared>,
}

impl<B: Body> Parcel<B> {
    /// Reads a body.
    ///
    /// # Errors
    /// If the bytes are none, or more than one.
    pub(crate) fn read(interned: bool, bytes: &[u8]) -> Result<Self, Malformed> {
        let mut rest = bytes;
        let body = B::load(&mut rest).map_err(|error| Malformed(error.0))?;
        let mut again = Vec::with_capacity(bytes.len());
        body.save(&mut again);
        if !rest.is_empty() || again != bytes || body.encoded_len() > Shared::MAX_LEN {
            return Err(Malformed("a body in another form than its own"));
        }
        let id = name(interned, body.fingerprint(), bytes);
        let mut parts = Vec::new();
        body.parts(&mut |part| parts.push(part));
        Ok(Self { id, interned, body, parts })
    }
}

impl<B: Body> Store<B> {
    pub(crate) fn new() -> Self {
        let inner = Inner { base: BTreeMap::new(), fresh: Fresh::default() };
        Self {
            inner: Arc::new(inner),
            idle: VecDeque::new(),
            idle_bytes: 0,
            made: 0,
            came: vec![],
            left: vec![],
        }
    }

    pub(crate) fn view(&self) -> View<B> {
        View(Arc::clone(&self.inner))
    }

    pub(crate) fn find(&self, id: u64) -> Option<&Kept<B>> {
        self.inner.find(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.inner.base.len()
    }

    /// How many bodies have come so far.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// Makes a body known that the running handler made.
    ///
    /// # Panics
    /// If other content has the same name.
    pub(crate) fn add(&self, body: B, interned: bool) -> Shared {
        let mut bytes = Vec::new();
        body.save(&mut bytes);
        let encoded_len = body.encoded_len();
        let id = name(interned, body.fingerprint(), &bytes);
        match self.inner.find(id) {
            Some(known) => assert!(known.body == body, "two bodies of one name: {body:?}"),
            None => {
                let mut parts = Vec::new();
                body.parts(&mut |part| parts.push(part.id()));
                self.inner.fresh.push(id, Kept::new(body, interned, bytes, parts));
            }
        }
        handle(id, encoded_len)
    }

    /// Takes in what a handler made; nobody looks at bodies now.
    pub(crate) fn settle(&mut self, now: Time) {
        let inner = Arc::get_mut(&mut self.inner).expect("no handler runs");
        let fresh: Vec<_> = inner.fresh.take().collect();
        for (id, kept) in fresh {
            self.take_in(id, kept, now);
        }
    }

    /// Whether a handle names a body that is here, and says its length rightly.
    pub(crate) fn has(&self, handle: Shared) -> Result<bool, Malformed> {
        let Some(kept) = self.inner.find(handle.id()) else { return Ok(false) };
        let is_right = kept.body.encoded_len().max(Shared::MIN_LEN) == handle.encoded_len();
        is_right.then_some(true).ok_or(Malformed("a handle with a wrong length"))
    }

    /// Takes in a body from outside, whose parts are here.
    ///
    /// # Errors
    /// If one is not, or another body has its name.
    pub(crate) fn put(
        &mut self,
        parcel: Parcel<B>,
        bytes: &[u8],
        now: Time,
    ) -> Result<(), Malformed> {
        for part in &parcel.parts {
            if !self.has(*part)? {
                return Err(Malformed("a body before one of its parts"));
            }
        }
        if let Some(known) = self.inner.find(parcel.id) {
            let is_same = known.body == parcel.body;
            return is_same.then_some(()).ok_or(Malformed("another body of the same name"));
        }
        let parts = parcel.parts.iter().map(Shared::id).collect();
        let kept = Kept::new(parcel.body, parcel.interned, bytes.to_vec(), parts);
        self.take_in(parcel.id, kept, now);
        Ok(())
    }

    fn take_in(&mut self, id: u64, kept: Kept<B>, now: Time) {
        for part in &kept.parts {
            self.hold(*part);
        }
        self.made += 1;
        let inner = Arc::get_mut(&mut self.inner).expect("no handler runs");
        inner.base.insert(id, Kept { touched: now, number: self.made, ..kept });
        self.note_idle(id, now);
        self.came.push(id);
    }

    fn kept(&mut self, id: u64) -> Option<&mut Kept<B>> {
        Arc::get_mut(&mut self.inner).expect("no handler runs").base.get_mut(&id)
    }

    /// Keeps a body, for a part or a message under way.
    pub(crate) fn hold(&mut self, id: u64) {
        if let Some(kept) = self.kept(id) {
            kept.holds += 1;
        }
    }

    /// Undoes one [`Store::hold`].
    pub(crate) fn drop_hold(&mut self, id: u64, now: Time) {
        let Some(kept) = self.kept(id) else { return };
        kept.holds = kept.holds.saturating_sub(1);
        kept.touched = now;
        if kept.holds == 0 {
            self.note_idle(id, now);
        }
    }

    fn note_idle(&mut self, id: u64, since: Time) {
        self.idle_bytes += self.find(id).map_or(0, |kept| kept.bytes.len());
        self.idle.push_back((since, id));
    }

    /// A node retains a body once more.
    pub(crate) fn retain(&mut self, id: u64) {
        self.hold(id);
        if let Some(kept) = self.kept(id) {
            kept.retained += 1;
        }
    }

    /// A node retains it once less.
    pub(crate) fn release(&mut self, id: u64, now: Time) {
        if let Some(kept) = self.kept(id) {
            kept.retained = kept.retained.saturating_sub(1);
        }
        self.drop_hold(id, now);
    }

    /// What nodes retain, and how often.
    pub(crate) fn retained(&self) -> Vec<(u64, u32)> {
        let all = self.inner.base.iter().filter(|(_, kept)| kept.retained > 0);
        all.map(|(id, kept)| (*id, kept.retained)).collect()
    }

    /// Forgets what nothing has held for [`GRACE`].
    pub(crate) fn sweep(&mut self, now: Time) {
        while let Some((since, id)) = self.idle.front().copied() {
            let is_crowded = self.idle_bytes > MOST_IDLE;
            if now.since(since).0 < GRACE.0 && !is_crowded {
                return;
            }
            self.idle.pop_front();
            let Some(kept) = self.find(id) else { continue };
            let (len, holds, touched) = (kept.bytes.len(), kept.holds, kept.touched);
            self.idle_bytes = self.idle_bytes.saturating_sub(len);
            if holds > 0 {
                continue;
            }
            if now.since(touched).0 < GRACE.0 && !is_crowded {
                self.note_idle(id, touched);
                continue;
            }
            let inner = Arc::get_mut(&mut self.inner).expect("no handler runs");
            let Some(kept) = inner.base.remove(&id) else { continue };
            self.left.push(id);
            for part in &kept.parts {
                self.drop_hold(*part, now);
            }
        }
    }
}

impl<B> Kept<B> {
    fn new(body: B, interned: bool, bytes: Vec<u8>, parts: Vec<u64>) -> Self {
        let (holds, retained, touched, number) = (0, 0, Time::ZERO, 0);
        let (bytes, parts) = (bytes.into(), parts.into());
        Self { body, interned, bytes, parts, holds, retained, touched, number }
    }
}
