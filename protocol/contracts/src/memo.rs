//! What is executed once on the host, though every node is charged for it.
//!
//! A block names the state it builds on, so what executing it yields is a function of the block
//! alone. The block's shared body keeps a [`Memo`] of it: whoever needs it first executes, the others
//! find it. That changes no result: only the time it takes. The memo is no part of the body's
//! content: all memos are equal.
//!
//! [`Executions`] counts what the host does, and [`Once`] holds that against the blocks that nodes speak of.

#[cfg(test)]
mod tests;

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use anthill_protocol::judge::{Breaches, Rule, RunEnd, Said};

/// A remembered result; a clone starts without one.
pub struct Memo<T>(OnceLock<T>);

impl<T> Memo<T> {
    /// Nothing remembered.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The remembered result; without one, what `execute` gives, which is counted as an execution.
    ///
    /// `execute` must be a function of the body alone, and must not come back to this memo.
    pub fn get(&self, executions: &Executions, execute: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(|| executions.count(execute))
    }

    /// The result, if there is one.
    pub fn known(&self) -> Option<&T> {
        self.0.get()
    }
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Memo<T> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T> PartialEq for Memo<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Memo<T> {}

impl<T> fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}

/// How often the host executed a block, in all runs of one protocol.
///
/// The sum is the same for any number of threads; who of several nodes executes is not, and of several
/// processes each executes for itself. So handlers must not read it, and no metric has it.
#[derive(Debug, Default)]
pub struct Executions(AtomicU64);

impl Executions {
    /// Executes, and counts it.
    pub fn count<T>(&self, execute: impl FnOnce() -> T) -> T {
        self.0.fetch_add(1, Ordering::Relaxed);
        execute()
    }

    /// Executions on the host: with memos one a block.
    pub fn on_host(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A rule for judges: the host executes no more than each of the blocks that nodes speak of, once.
///
/// Of several processes, the one that judges may have executed fewer.
pub struct Once<F> {
    executions: Arc<Executions>,
    /// Those of earlier runs.
    before: u64,
    block_of: F,
    blocks: BTreeSet<u64>,
}

impl<F> Once<F> {
    /// The rule for a run that begins; `block_of` names the block that an output speaks of.
    pub fn new(executions: &Arc<Executions>, block_of: F) -> Self {
        let before = executions.on_host();
        Self { executions: executions.clone(), before, block_of, blocks: BTreeSet::new() }
    }
}

impl<O, F: Fn(&O) -> Option<u64> + Send> Rule<O> for Once<F> {
    fn hear(&mut self, said: &Said<O>, _: &mut Breaches) {
        self.blocks.extend((self.block_of)(&said.output));
    }

    fn end(&mut self, _: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let (done, blocks) = (self.executions.on_host() - self.before, self.blocks.len());
        if done > blocks as u64 {
            breaches.missing(format!("the host executed {done} times, for {blocks} blocks"));
        }
        Ok(())
    }
}
