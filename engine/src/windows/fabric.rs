//! The seam between one process and a run over several.
//!
//! A window needs three things from beyond this process: what the least pending window is
//! anywhere, the events that other processes have for it, and everybody's counters. The leader
//! asks for them once per window, alone, between windows. Inside a process threads share memory and
//! need none of it; over MPI `min_next` and `reduce` are one all-reduce and `exchange` one
//! all-to-all (a later issue).

use anthill_protocol::Totals;

/// What the window loop needs from other processes.
pub(crate) trait Fabric: Sync {
    /// The least pending window of all processes, given this one's.
    fn min_next(&self, local: Option<u64>) -> Option<u64>;

    /// Brings the events that other processes hold for `window` into this one's calendars.
    fn exchange(&self, window: u64);

    /// Adds the other processes' counters.
    fn reduce(&self, totals: &mut Totals);
}

/// One process: its threads share memory, and nothing comes from beyond.
pub(crate) struct Threads;

impl Fabric for Threads {
    #[inline]
    fn min_next(&self, local: Option<u64>) -> Option<u64> {
        local
    }

    #[inline]
    fn exchange(&self, _window: u64) {}

    #[inline]
    fn reduce(&self, _totals: &mut Totals) {}
}
