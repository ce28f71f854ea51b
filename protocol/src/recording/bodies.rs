//! The shared bodies of recordings: kept until the last recording is dropped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Bodies, Body, Shared};

/// Bodies by place. Cheap to clone: all clones are the same bodies.
#[derive(Debug)]
pub struct RecordedBodies<B>(Arc<Inner<B>>);

#[derive(Debug)]
struct Inner<B> {
    bodies: boxcar::Vec<(Shared, B)>,
    interned: Mutex<BTreeMap<u64, Shared>>,
}

impl<B> Clone for RecordedBodies<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B> Default for RecordedBodies<B> {
    fn default() -> Self {
        Self(Arc::new(Inner { bodies: boxcar::Vec::new(), interned: Mutex::default() }))
    }
}

impl<B: Body> RecordedBodies<B> {
    pub(super) fn share(&self, id: u64, body: B) -> Shared {
        let bodies = &self.0.bodies;
        let place =
            bodies.push_with(|place| (Shared::new(id, place as u64, body.encoded_len()), body));
        bodies[place].0
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
        let (found, body) = &self.0.bodies[handle.place() as usize];
        assert!(*found == handle, "{handle:?} is not of this recording");
        body
    }
}
