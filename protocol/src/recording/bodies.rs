//! The shared bodies of recordings: kept until the last recording is dropped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::{Bodies, Body, Shared, laws};

/// Bodies by place. Cheap to clone: all clones are the same bodies.
#[derive(Debug)]
pub struct RecordedBodies<B>(Arc<Inner<B>>);

#[derive(Debug)]
struct Inner<B> {
    /// Block b has 2^b places, and does not move: what is borrowed from it stays where it is.
    blocks: [OnceLock<Block<B>>; BLOCKS],
    used: Mutex<u32>,
    interned: Mutex<BTreeMap<u64, Shared>>,
}

type Block<B> = Box<[OnceLock<(Shared, B)>]>;

/// So many bodies are held against the laws, and some later ones.
const LAWFUL: u32 = 16;
/// Blocks for 2³² − 1 bodies.
const BLOCKS: usize = 32;

impl<B> Clone for RecordedBodies<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B> Default for RecordedBodies<B> {
    fn default() -> Self {
        let blocks = [const { OnceLock::new() }; BLOCKS];
        Self(Arc::new(Inner { blocks, used: Mutex::default(), interned: Mutex::default() }))
    }
}

impl<B: Body> RecordedBodies<B> {
    /// How many there are.
    fn len(&self) -> u32 {
        *self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn share(&self, id: u64, body: B) -> Shared {
        let made = self.len();
        if made < LAWFUL || made.is_power_of_two() {
            laws::body(&body);
        }
        let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = Shared::new(id, u64::from(*used), body.encoded_len());
        let (block, offset) = locate(*used);
        let places = self.0.blocks[block]
            .get_or_init(|| (0..1usize << block).map(|_| OnceLock::new()).collect());
        // Empty so far: places are given out once.
        let _ = places[offset].set((handle, body));
        *used += 1;
        handle
    }

    pub(super) fn intern(&self, body: B) -> Shared {
        let id = Shared::name_of_interned(body.fingerprint());
        let mut interned = self.0.interned.lock().unwrap_or_else(PoisonError::into_inner);
        match interned.get(&id) {
            Some(known) => {
                assert!(*self.get(*known) == body, "two contents with one fingerprint: {body:?}");
                *known
            }
            None => *interned.entry(id).or_insert(self.share(id, body)),
        }
    }
}

impl<B: Body> Bodies<B> for RecordedBodies<B> {
    fn get(&self, handle: Shared) -> &B {
        let (block, offset) = locate(handle.place() as u32);
        let found = self.0.blocks[block].get().and_then(|places| places[offset].get());
        match found {
            Some((name, body)) if *name == handle => body,
            _ => panic!("{handle:?} is not of this recording"),
        }
    }
}

/// The block of a place, and where in it.
fn locate(place: u32) -> (usize, usize) {
    let number = u64::from(place) + 1;
    let block = number.ilog2();
    (block as usize, (number - (1 << block)) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NodeId, Signature, gossip::SignedRumour};

    #[test]
    fn bodies_stay_where_they_are() {
        let bodies = RecordedBodies::default();
        let rumour = |n| SignedRumour { origin: NodeId(n), signature: Signature([0; 64]) };
        let first = bodies.share(1, rumour(0));
        let held: *const SignedRumour = bodies.get(first);
        let handles: Vec<_> =
            (1..5_000).map(|n| bodies.share(u64::from(n) + 1, rumour(n))).collect();
        for (handle, n) in handles.iter().zip(1..) {
            assert_eq!(bodies.get(*handle), &rumour(n));
        }
        assert!(core::ptr::eq(held, bodies.get(first)));
        assert_eq!(bodies.intern(rumour(9)), bodies.intern(rumour(9)));
    }
}
