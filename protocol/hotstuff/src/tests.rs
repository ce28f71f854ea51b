//! HotStuff as a whole, on the pump.

use crate::hotstuff::HotStuff;

/// Errors that tests plant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Planted {
    /// A replica votes in a view that it has given up.
    pub(crate) votes_after_time_out: bool,
}

impl HotStuff {
    pub(crate) fn votes_after_time_out(&self) -> bool {
        self.planted.votes_after_time_out
    }
}
