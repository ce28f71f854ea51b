//! The place of an event in the total order of a run.

use crate::{NodeId, Snapshot, Time};

/// The total order of events, from most to least significant. Unique: it names an event in every
/// execution of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Snapshot)]
pub struct Key {
    /// When the event is handled.
    pub time: Time,
    /// The node that handles it.
    pub target: NodeId,
    /// Hash of seed, time and source.
    pub tie: u64,
    /// The node that caused it; the target itself for timers and self-sends.
    pub source: NodeId,
    /// The source's count of sends and timers when it caused it.
    pub sequence: u32,
}

impl core::fmt::Display for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "time {} ns, target {}, source {}, sequence {}",
            self.time.0, self.target, self.source, self.sequence
        )
    }
}
