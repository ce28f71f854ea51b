//! A value found once for all nodes, because every node would find the same.

use std::sync::OnceLock;

use anthill_protocol::{Snapshot, SnapshotError};

/// A remembered finding about an immutable body: a pure function of the body, so it neither counts
/// for equality nor is it copied.
#[derive(Debug)]
pub(crate) struct Once<T>(OnceLock<T>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Once<T> {
    pub(crate) fn get_or_init(&self, find: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(find)
    }
}

impl<T> Clone for Once<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T> PartialEq for Once<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Once<T> {}

/// Nothing: it is found again.
impl<T> Snapshot for Once<T> {
    fn save(&self, _: &mut Vec<u8>) {}

    fn load(_: &mut &[u8]) -> Result<Self, SnapshotError> {
        Ok(Self::default())
    }
}
