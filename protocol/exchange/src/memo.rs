//! Blocks that were executed: replicas of a chain come to the same states, and the host works each out once.
//!
//! What is remembered is a pure function of its key, so a run does not depend on what is found here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::state::{Outcome, State, Terrain};

/// So many outcomes are kept: replicas are rarely far apart.
const MOST: usize = 64;

#[derive(Debug, Default)]
struct Known {
    outcomes: BTreeMap<(u64, u64), Arc<Outcome>>,
    /// In the order in which they came.
    order: std::collections::VecDeque<(u64, u64)>,
    genesis: BTreeMap<u32, Arc<State>>,
}

/// Outcomes, by the root of the state before and the name of the block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memo(Arc<Mutex<Known>>);

impl Memo {
    /// What a block came to, executed if nobody has.
    pub(crate) fn outcome(
        &self,
        (root, block): (u64, u64),
        execute: impl FnOnce() -> Outcome,
    ) -> Arc<Outcome> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().outcomes.get(&(root, block)) {
            return known.clone();
        }
        // Not under the lock: another worker may execute the same, to the same end.
        let outcome = Arc::new(execute());
        let mut known = lock();
        if known.outcomes.insert((root, block), outcome.clone()).is_none() {
            known.order.push_back((root, block));
            if known.order.len() > MOST {
                let oldest = known.order.pop_front();
                oldest.into_iter().for_each(|key| drop(known.outcomes.remove(&key)));
            }
        }
        outcome
    }

    /// The state of a chain before its first block.
    pub(crate) fn genesis(&self, terrain: &Terrain, chain: u32) -> Arc<State> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(State::genesis(terrain, chain));
        known.genesis.entry(chain).or_insert_with(make).clone()
    }
}
