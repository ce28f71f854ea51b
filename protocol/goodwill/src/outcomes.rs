//! What blocks come to: worked out once for all nodes, and kept for as long as somebody may ask again.
//!
//! An outcome is a function of the block and of what its parent comes to. The latest are kept, and one in
//! [`ANCHORS`] for good; one that was forgotten, or was not saved with its block, is worked out again from
//! the nearest that is there. So a chain takes memory for its blocks and little more, and a saved run has
//! its blocks alone.

#[cfg(test)]
mod tests;

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use anthill_protocol::Bodies;

use crate::Goodwill;
use crate::block::{Block, Item};
use crate::chain::block_of;
use crate::ledger::{Outcome, Tally};

/// So far below a block its ancestors' outcomes are forgotten.
const KEPT: u32 = 1_024;
/// The outcomes of heights that are multiples of this stay.
pub(crate) const ANCHORS: u32 = 1_024;
/// Every so many blocks so many are forgotten.
const STRIDE: u32 = 64;

/// What a block comes to, if it was ever worked out.
#[derive(Default)]
pub(crate) struct Worked {
    is_done: AtomicBool,
    kept: RwLock<Option<Arc<Outcome>>>,
}

impl Worked {
    /// One that was worked out, or not, and is not kept.
    pub(crate) fn new(is_done: bool) -> Self {
        Self { is_done: AtomicBool::new(is_done), ..Self::default() }
    }

    /// Whether it was ever worked out: the same in every execution, whether it is kept is not.
    pub(crate) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    /// The outcome, if it is kept.
    pub(crate) fn kept(&self) -> Option<Arc<Outcome>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, outcome: Arc<Outcome>) {
        self.kept.write().unwrap_or_else(PoisonError::into_inner).get_or_insert(outcome);
        self.is_done.store(true, Ordering::Release);
    }

    fn forget(&self) {
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Clone for Worked {
    fn clone(&self) -> Self {
        Self { is_done: AtomicBool::new(self.is_done()), kept: RwLock::new(self.kept()) }
    }
}

impl fmt::Debug for Worked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_done() { "worked out" } else { "not worked out" })
    }
}

impl Goodwill {
    /// What a block comes to; `None`: it was never worked out, which none that a node builds on is.
    pub(crate) fn outcome(
        &self,
        block: &Block,
        bodies: &impl Bodies<Item>,
    ) -> Option<Arc<Outcome>> {
        if let Some(kept) = block.worked.kept() {
            return Some(kept);
        }
        let asked = block.header.height;
        let mut forgotten = Vec::new();
        let mut at = block;
        let mut below = loop {
            if !at.worked.is_done() {
                return None;
            }
            match at.worked.kept() {
                Some(kept) => break Some((kept, at)),
                None => forgotten.push(at),
            }
            match at.parent {
                Some(parent) => at = block_of(bodies, parent),
                None => break None,
            }
        };
        for block in forgotten.into_iter().rev() {
            let outcome = match &below {
                Some((outcome, parent)) => {
                    self.execute((&outcome.ledger, parent.hash), &block.header, &block.transactions)
                }
                None => Outcome::new(self.genesis_ledger(), Vec::new(), Tally::default()),
            };
            // Of those on the way few are likely to be asked for.
            let away = asked.saturating_sub(block.header.height);
            let outcome = match away < STRIDE || block.header.height.is_multiple_of(ANCHORS) {
                true => self.keep(block, outcome, bodies),
                false => Arc::new(outcome),
            };
            below = Some((outcome, block));
        }
        below.map(|(outcome, _)| outcome)
    }

    /// Keeps what a block comes to, and forgets some that nobody is likely to ask for.
    pub(crate) fn keep(
        &self,
        block: &Block,
        outcome: Outcome,
        bodies: &impl Bodies<Item>,
    ) -> Arc<Outcome> {
        let outcome = Arc::new(outcome);
        block.worked.keep(outcome.clone());
        if block.header.height.is_multiple_of(STRIDE) && block.header.height > KEPT {
            let parent = |block: &Block| block.parent.map(|parent| block_of(bodies, parent));
            let old = core::iter::successors(parent(block), |block| parent(block));
            old.skip(KEPT as usize)
                .take(STRIDE as usize)
                .filter(|old| !old.header.height.is_multiple_of(ANCHORS))
                .for_each(|old| old.worked.forget());
        }
        outcome
    }
}
