//! Instances that are used again, because making one costs more than most calls.
//!
//! An instance that has returned is put back to what it was when it was made: its memory and its globals. So a call
//! cannot tell whether it has a new one. Those that cannot be put back are not kept: of modules that
//! [change more](super::reuse), with a memory that is large or has grown, and after a trap.

use std::sync::{Mutex, PoisonError};

use anthill_protocol::Digest;
use wasmi::{Global, Instance, Memory, Store, TypedFunc, Val};

use super::host::Host;
use crate::code::Code;

/// Instances that wait, of all contracts together: eight megabytes at most.
const MOST: usize = 32;
/// The largest memory that is cleared rather than made anew.
const MOST_BYTES: usize = 4 << 16;

/// An instance in a store of its own.
pub(super) struct Running {
    pub(super) store: Store<Host>,
    pub(super) instance: Instance,
    /// What it was when it was made; `None`: it cannot be put back to that.
    pub(super) first: Option<First>,
}

/// What an instance is put back to.
pub(super) struct First {
    /// The entry point that nearly all calls are of.
    pub(super) call: TypedFunc<(), ()>,
    pub(super) memory: Memory,
    len: usize,
    /// The bytes of its memory from the first that is not zero to the last, and where they begin.
    bytes: (usize, Box<[u8]>),
    globals: Vec<(Global, Val)>,
}

impl First {
    /// Of an instance that has just been made.
    pub(super) fn of(code: &Code, store: &Store<Host>, instance: &Instance) -> Option<Self> {
        let mut globals = Vec::new();
        for name in code.globals()? {
            let global = instance.get_global(store, name)?;
            let value = global.get(store);
            globals.push((global, value));
        }
        let memory = instance.get_memory(store, "memory")?;
        let call = instance.get_typed_func(store, "call").ok()?;
        let data = memory.data(store);
        let len = data.len();
        if len > MOST_BYTES {
            return None;
        }
        let start = data.iter().position(|byte| *byte != 0).unwrap_or(0);
        let end = data.iter().rposition(|byte| *byte != 0).map_or(start, |last| last + 1);
        let bytes = (start, data[start..end].into());
        Some(Self { call, memory, len, bytes, globals })
    }

    /// Puts an instance back; false if that cannot be.
    fn restore(&self, store: &mut Store<Host>) -> bool {
        let data = self.memory.data_mut(&mut *store);
        if data.len() != self.len {
            return false;
        }
        data.fill(0);
        let (start, bytes) = &self.bytes;
        data[*start..*start + bytes.len()].copy_from_slice(bytes);
        self.globals.iter().all(|(global, value)| global.set(&mut *store, value.clone()).is_ok())
    }
}

/// Instances that wait, by the hash of their code, the latest last.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<(Digest, Running)>>);

impl Idle {
    /// One of a contract's.
    pub(super) fn take(&self, code: &Code) -> Option<Running> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().rposition(|(hash, _)| *hash == code.hash())?;
        Some(all.remove(place).1)
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Keeps one that has returned, if it can be put back.
    pub(super) fn keep(&self, code: &Code, mut running: Running) {
        if !running.first.as_ref().is_some_and(|first| first.restore(&mut running.store)) {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == MOST {
            all.remove(0);
        }
        all.push((code.hash(), running));
    }
}
