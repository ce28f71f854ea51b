//! When rounds and instances begin and end.

use anthill_protocol::{NodeId, Span, Time};

/// Instances follow each other without a pause, and so do the rounds of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Rounds of an instance.
    pub(crate) rounds: u32,
    /// The length of a round.
    pub(crate) round: Span,
    pub(crate) instances: u32,
}

impl Schedule {
    /// When a round ends, 1 being the first; an instance begins with the end of its round 0.
    pub(crate) fn end_of(self, instance: u32, round: u32) -> Time {
        let before = u64::from(instance) * u64::from(self.rounds) + u64::from(round);
        Time::ZERO + self.round * before
    }

    /// When an instance is decided.
    pub(crate) fn decision(self, instance: u32) -> Time {
        self.end_of(instance, self.rounds)
    }

    /// Instance and round of an instant; `None` when all is over.
    pub(crate) fn at(self, now: Time) -> Option<(u32, u32)> {
        let passed = now.0 / self.round.0.max(1);
        let instance = u32::try_from(passed / u64::from(self.rounds)).ok()?;
        let round = (passed % u64::from(self.rounds)) as u32 + 1;
        (instance < self.instances).then_some((instance, round))
    }

    /// How many instances are decided before an instant.
    pub(crate) fn decided_before(self, end: Time) -> u32 {
        let length = (self.round * u64::from(self.rounds)).0.max(1);
        let whole = end.0.saturating_sub(1) / length;
        u32::try_from(whole).unwrap_or(u32::MAX).min(self.instances)
    }
}

/// The sender of an instance: nodes take turns.
pub(crate) fn sender_of(instance: u32, nodes: u32) -> NodeId {
    NodeId(instance % nodes.max(1))
}
