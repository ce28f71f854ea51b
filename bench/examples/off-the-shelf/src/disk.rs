//! What a server of omnipaxos has on its disk: the crate's own store in memory, which outlives the server.

use std::sync::{Arc, Mutex, MutexGuard};

use omnipaxos::ballot_leader_election::Ballot;
use omnipaxos::storage::{Entry, StopSign, Storage, StorageOp, StorageResult};
use omnipaxos_storage::memory_storage::MemoryStorage;
use serde::Serialize;

/// A disk; clones are the same disk.
pub(crate) struct Disk<T: Entry>(Arc<Mutex<MemoryStorage<T>>>);

impl<T: Entry> Disk<T> {
    /// Only one server has it, on one thread: it never waits.
    fn store(&self) -> MutexGuard<'_, MemoryStorage<T>> {
        self.0.lock().expect("nobody panics with it")
    }
}

impl<T: Entry + Serialize> Disk<T> {
    /// Appends all that is on it.
    pub(crate) fn save(&self, out: &mut Vec<u8>) {
        let store = self.store();
        let log = store.get_suffix(0).expect("lies in memory");
        let rounds = (store.get_promise().ok(), store.get_accepted_round().ok());
        let all = (log, rounds, store.get_decided_idx().ok(), store.get_compacted_idx().ok());
        out.extend(postcard::to_stdvec(&all).expect("serialises to memory"));
    }
}

impl<T: Entry> Clone for Disk<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Entry> Default for Disk<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(MemoryStorage::default())))
    }
}

macro_rules! stored {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        fn $name(&self $(, $argument: $type)*) -> StorageResult<$result> {
            self.store().$name($($argument),*)
        }
    )*};
}

macro_rules! stores {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name(&mut self $(, $argument: $type)*) -> StorageResult<()> {
            self.store().$name($($argument),*)
        }
    )*};
}

impl<T: Entry> Storage<T> for Disk<T> {
    stored! {
        get_decided_idx() -> usize;
        get_accepted_round() -> Option<Ballot>;
        get_entries(from: usize, to: usize) -> Vec<T>;
        get_log_len() -> usize;
        get_suffix(from: usize) -> Vec<T>;
        get_promise() -> Option<Ballot>;
        get_stopsign() -> Option<StopSign>;
        get_compacted_idx() -> usize;
        get_snapshot() -> Option<T::Snapshot>;
    }
    stores! {
        write_atomically(operations: Vec<StorageOp<T>>);
        append_entry(entry: T);
        append_entries(entries: Vec<T>);
        append_on_prefix(from: usize, entries: Vec<T>);
        set_promise(ballot: Ballot);
        set_decided_idx(index: usize);
        set_accepted_round(ballot: Ballot);
        set_stopsign(sign: Option<StopSign>);
        trim(index: usize);
        set_compacted_idx(index: usize);
        set_snapshot(snapshot: Option<T::Snapshot>);
    }
}
