//! What a watcher is shown of single nodes: read by the leader between windows, and once the threads have ended.

use std::sync::atomic::Ordering;

use anthill_protocol::{Protocol, Time};

use crate::live::{Glimpse, Live};
use crate::mode::Mode;
use crate::windows::sharded::ShardedRun;
use crate::windows::subshard::WindowContext;

impl<P: Protocol, M: Mode> ShardedRun<'_, P, M> {
    /// Whether every node was started.
    pub(crate) fn is_started(&self) -> bool {
        !self.context.unstarted.load(Ordering::Relaxed)
    }

    /// Leaves the nodes that are watched as they are at an instant between windows: those of this process.
    ///
    /// # Safety
    /// Every node was started, and no handler runs.
    pub(crate) unsafe fn look_at_nodes(&self, time: Time, glimpse: &mut Glimpse) {
        let Some(watched) = self.control.live.as_ref().and_then(Live::watched) else { return };
        let WindowContext { world, placement, nodes, .. } = &self.context;
        let own = placement.own_nodes();
        glimpse.nodes = watched.each(|watched, id| {
            if !own.contains(&id.0) {
                return None;
            }
            // SAFETY: as above; the node is one of this process.
            let cell = unsafe { &mut *nodes.at(id.0) };
            Some(watched.look(world, (id, time), cell))
        });
    }
}
