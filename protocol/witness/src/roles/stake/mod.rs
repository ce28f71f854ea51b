//! Stakes: how a user becomes a verifier, and how a verifier gets out again.
//!
//! A user pays its stake as it pays anybody, by a contract with itself: the witnesses of its funds
//! promise and deduct it, and no fund comes of it that could be spent. What enough of them signed is
//! part of the event by which it joins, so that everybody can check that the stake is there. Who
//! leaves has it back some time after, or never if it was convicted before.
//!
//! Invariants: credit is in one pot at any moment (`held`, `reserved` while a join is under way,
//! `staked`); a join that is given up moves it back, or to `expired` once it was deducted; a stake
//! is released or lost, not both.
//!
//! `join` has the way in, `leave` the way out.

mod join;
mod leave;
#[cfg(test)]
mod tests;

use crate::node::WitnessNode;
use crate::{Witness, WitnessTimer};
use anthill_protocol::{Context, NodeId, Shared, Snapshot, Time};

/// How a node stands that has begun to join, or to leave. (Others are verifiers of the beginning, or
/// none.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) enum Standing {
    /// The witnesses of its funds are asked for its stake.
    Reserving,
    /// They have deducted it, as the receipt says, which is retained; its event is under way.
    Reserved { receipt: Shared },
    /// It has published that it joins.
    Joined,
    /// It has left, and has its stake back at that time; whether it has asked what it missed.
    Leaving { until: Time, has_compared: bool },
    /// It has its stake back.
    Released,
}

impl Witness {
    /// Whether there is a stake that a node could lose, or has lost.
    pub(crate) fn has_stake(&self, node: &WitnessNode, id: NodeId) -> bool {
        match node.stake.as_deref() {
            None => self.genesis.rank(id).is_some(),
            Some(Standing::Joined | Standing::Leaving { .. }) => true,
            Some(Standing::Reserving | Standing::Reserved { .. } | Standing::Released) => false,
        }
    }

    /// Whether a node has left.
    pub(crate) fn has_left(&self, node: &WitnessNode) -> bool {
        matches!(node.stake.as_deref(), Some(Standing::Leaving { .. } | Standing::Released))
    }

    /// Whether a node is one of the verifiers of the beginning that are still some: those whose
    /// timelines are compared at the end.
    pub(crate) fn is_counted(&self, node: &WitnessNode, id: NodeId) -> bool {
        self.genesis.rank(id).is_some() && !node.is_convicted() && !self.has_left(node)
    }

    /// Something is due with the node's stake.
    pub(crate) fn stake_due(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        match node.stake.as_deref().copied() {
            None => self.begin_join(node, cx),
            Some(Standing::Reserved { .. }) => self.announce_join(node, cx),
            Some(Standing::Joined) => self.compare_with_any(node, cx),
            Some(Standing::Leaving { until, has_compared }) => {
                self.release_stake(node, (until, has_compared), cx);
            }
            Some(Standing::Reserving | Standing::Released) => {}
        }
    }

    /// A node that comes up again: its timers died.
    pub(crate) fn resume_stake(&self, node: &WitnessNode, cx: &mut impl Context<Self>) {
        match node.stake.as_deref() {
            None => self.wait_to_join(node, cx),
            Some(Standing::Reserving | Standing::Released) => {}
            Some(_) => cx.set_timer(self.terms.timeout, WitnessTimer::Stake),
        }
    }

    /// Compares timelines with some verifier: whoever was not known as one, or no longer is one, may
    /// have missed events.
    fn compare_with_any(&self, node: &WitnessNode, cx: &mut impl Context<Self>) {
        let members = crate::timeline::joined(node.timeline, &cx.bodies());
        let count = members.len(&self.genesis);
        if count == 0 {
            return;
        }
        let any = cx.random_below(count.into()) as u32;
        let to = members.get(&self.genesis, any);
        if to != cx.id() {
            self.probe(node.timeline, to, cx);
        }
    }
}
