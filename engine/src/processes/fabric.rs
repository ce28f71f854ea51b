//! The seam between the processes of one run: bytes and counters, and nothing of what they mean.
//!
//! All processes call the same methods in the same order; each call waits for all. One thread at a time calls,
//! which may be another one each time. A process that cannot go on says so with [`Fabric::abandon`]; the others
//! then end their run with [`RunError::Process`], out of whichever call they are in, or are ended by whoever
//! started them all.

use core::fmt::Debug;
use core::mem::MaybeUninit;

use crate::refusal;
use crate::run::RunError;

/// Bytes on their way: events are copied as they lie in memory, padding included.
pub type Bytes = Vec<MaybeUninit<u8>>;

/// What a run over several processes needs of them.
pub trait Fabric: Debug + Send + Sync {
    /// Which of the processes this is, from 0 on.
    fn rank(&self) -> u32;

    /// How many there are.
    fn size(&self) -> u32;

    /// How many of them share this one's machine, itself included.
    fn on_this_machine(&self) -> u32;

    /// Puts in place of each word the least that any process has in that place.
    fn all_min(&self, words: &mut [u64]);

    /// Puts in place of each word the wrapping sum of all processes' words in that place.
    fn all_sum(&self, words: &mut [u64]);

    /// Sends to each process what lies at its rank in `outgoing`, and puts what came from each at its rank into
    /// `incoming`. Both have an entry for each process; those for this one are ignored and left empty.
    fn exchange(&self, outgoing: &mut [Bytes], incoming: &mut [Bytes]);

    /// Tells the other processes that this one ends the run, and why. May end this process too.
    fn abandon(&self, why: &str);
}

/// Ends the run of this process, because another one has ended: what [`Fabric`]s call.
pub fn lost(rank: u32, problem: String) -> ! {
    refusal::unwind(RunError::Process { rank, problem })
}
