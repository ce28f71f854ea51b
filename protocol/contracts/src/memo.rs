//! What is executed once on the host, though every node is charged for it.
//!
//! A block names the state it builds on, so what executing it yields is a function of the block
//! alone. The block's shared body keeps a [`Memo`] of it: whoever needs it first executes, the others
//! find it. That changes no result: only the time it takes. The memo is no part of the body's
//! content: all memos are equal.

#[cfg(test)]
mod tests;

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// A remembered result; a clone starts without one.
pub struct Memo<T>(OnceLock<Arc<T>>);

impl<T> Memo<T> {
    /// Nothing remembered.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The remembered result. Without one, and always if `remember` is off, finds it with `execute`
    /// and counts an execution on the host.
    ///
    /// `execute` must be a function of the body alone, and must not come back to this memo.
    pub fn get(
        &self,
        executions: &Executions,
        remember: bool,
        execute: impl FnOnce() -> T,
    ) -> Arc<T> {
        executions.asked.fetch_add(1, Ordering::Relaxed);
        let found = || {
            executions.done.fetch_add(1, Ordering::Relaxed);
            Arc::new(execute())
        };
        if remember { self.0.get_or_init(found).clone() } else { found() }
    }

    /// The result, if there is one.
    pub fn known(&self) -> Option<&Arc<T>> {
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

/// How often results were asked for and found, in all of a run.
///
/// The sums are the same in every execution of a scenario; who of several nodes executes is not, so
/// handlers must not read them.
#[derive(Debug, Default)]
pub struct Executions {
    asked: AtomicU64,
    done: AtomicU64,
}

impl Executions {
    /// Executions on the host: with memos one per block.
    pub fn on_host(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Executions asked for: what nodes are charged for.
    pub fn charged(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}
