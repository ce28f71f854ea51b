//! How wide the slots of the calendars are: a window, or many where windows are sparse.
//!
//! A window is as wide as the lookahead allows, so that events of one at different nodes are independent.
//! Where that is so little that a window holds a handful of events, looking for the next window, opening
//! and closing it takes longer than they do. One thread needs no windows: a slot then is as many windows as
//! bring it some hundreds of events. These are handled in strict order of time, and what they cause within
//! the slot is merged in ([`Late`](crate::windows::late::Late)). Windows are still counted, and rows of the
//! series still end with them; what else happens between windows (judges, saved runs, early ends) keeps slots
//! narrow.
//!
//! Nothing here can change a result: each node's events are handled in the order of their keys either way.

use anthill_protocol::Protocol;

use crate::host::World;
use crate::mode::Mode;
use crate::run::Job;

/// With so many events in a window it is a slot of its own.
const DENSE: f64 = 24.0;
/// Events of a wide slot: at least and at most. Fewer are not worth opening it, more would leave the cache.
const LEAST_EVENTS: f64 = 256.0;
const MOST_EVENTS: f64 = 16_384.0;
/// A slot is at most such a part of the longest delays: what is sent within it and arrives within it takes
/// the longer way.
const PARTS_OF_HORIZON: f64 = 64.0;
/// Nodes of one sub-shard, in which a wide slot's events are ordered: an event has 24 bits for one.
const MOST_NODES: u32 = 1 << 20;

/// The slots of a run's calendars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slots {
    /// log2 of a slot in ns; at most 32.
    pub(crate) shift: u32,
    /// log2 of the windows of a slot.
    windows_log2: u32,
}

impl Slots {
    /// A slot per window of 2^`shift` ns.
    pub(crate) fn narrow(shift: u32) -> Self {
        Self { shift, windows_log2: 0 }
    }

    /// Slots for windows of 2^`shift` ns that bring `events` each, where 99 of 100 messages arrive within
    /// `horizon` windows.
    fn for_density(shift: u32, events: f64, horizon: f64) -> Self {
        if !(events > 0.0 && events < DENSE) {
            return Self::narrow(shift);
        }
        let wanted = (events * horizon / PARTS_OF_HORIZON).clamp(LEAST_EVENTS, MOST_EVENTS);
        // Nothing is gained by slots that are wider than all delays.
        let windows = (wanted / events).min(horizon.max(1.0));
        let windows_log2 = (windows.max(1.0) as u64).ilog2().min(32 - shift);
        Self { shift: shift + windows_log2, windows_log2 }
    }

    /// The slots of a run on so many threads and shards.
    pub(crate) fn choose<P: Protocol, M: Mode>(
        job: &Job<'_, P>,
        world: &World<'_, P, M>,
        workers: (u32, u32),
    ) -> Self {
        let Job { scenario, network, control, .. } = *job;
        let narrow = Self::narrow(world.window_shift);
        let heeds_windows = P::STOPS_EARLY
            || world.listens()
            || control.stop_on_violation
            || control.checkpoints.is_some()
            || control.history.is_some()
            || control.processes.as_ref().is_some_and(|fabric| fabric.size() > 1)
            || job.resume.is_some();
        let options = &scenario.engine;
        if workers != (1, 1)
            || heeds_windows
            || options.subshard_nodes.is_some()
            || world.nodes > MOST_NODES
        {
            return narrow;
        }
        let window_ns = (1u64 << world.window_shift) as f64;
        let rate = world.protocol.events_per_node_second();
        let events = rate * f64::from(world.nodes) * window_ns / 1e9;
        Self::for_density(world.window_shift, events, network.horizon().0 as f64 / window_ns)
    }

    /// Whether a slot is more than one window.
    #[inline]
    pub(crate) fn is_wide(&self) -> bool {
        self.windows_log2 > 0
    }

    /// The slot that holds an instant, in ns.
    #[inline]
    pub(crate) fn of(&self, ns: u64) -> u64 {
        ns >> self.shift
    }

    /// The first window of a slot.
    #[inline]
    pub(crate) fn first_window(&self, slot: u64) -> u64 {
        slot << self.windows_log2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_wide_where_windows_are_sparse_and_only_there() {
        // 1,000 nodes, delays of 1 ms in the mean, windows of 512 ns.
        let sparse = Slots::for_density(9, 0.5, 9_000.0);
        assert_eq!((sparse.shift, sparse.windows_log2, sparse.is_wide()), (18, 9, true));
        assert_eq!((sparse.of(1 << 20), sparse.first_window(3)), (4, 3 << 9));
        for dense in [DENSE, 1e6, f64::INFINITY, 0.0, f64::NAN] {
            assert_eq!(Slots::for_density(9, dense, 9_000.0), Slots::narrow(9), "{dense}");
        }
        // Never wider than what an event's offset holds, nor than all delays.
        assert_eq!(Slots::for_density(30, 1e-9, 1e12).shift, 32);
        assert_eq!(Slots::for_density(32, 1e-9, 1e12), Slots::narrow(32));
        assert_eq!(Slots::for_density(9, 1e-9, 5.0).windows_log2, 2);
        assert!(!Slots::for_density(9, 20.0, 1.0).is_wide());
    }
}
