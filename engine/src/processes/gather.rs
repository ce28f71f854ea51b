//! What all processes have to say to one: bytes of any kind, while a run goes on or after it.

use super::crossing::{append, written};
use super::{Bytes, Fabric};
use crate::refusal;
use crate::run::RunError;

/// What each process gives, by rank, in process 0; nothing in the others. All of them call it, in the same order.
///
/// # Errors
/// If another process is gone.
pub fn gather(fabric: &dyn Fabric, given: &[u8]) -> Result<Vec<Vec<u8>>, RunError> {
    refusal::caught(|| Ok(brought(fabric, given)))
}

/// The same, for whoever is called by what catches it.
pub(super) fn brought(fabric: &dyn Fabric, given: &[u8]) -> Vec<Vec<u8>> {
    let none = || vec![Bytes::new(); fabric.size() as usize];
    let (mut outgoing, mut incoming) = (none(), none());
    if fabric.rank() > 0 {
        append(&mut outgoing[0], given);
    }
    fabric.exchange(&mut outgoing, &mut incoming);
    // SAFETY: `append` wrote all of them.
    incoming.iter().map(|bytes| unsafe { written(bytes) }.to_vec()).collect()
}
