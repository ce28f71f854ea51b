//! A node's state, and what it knows about keys.

use anthill_protocol::{NodeId, Snapshot, Time};

use crate::lookup::Lookup;
use crate::messages::hash;
use crate::ring::Space;

/// Where a node stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub(crate) enum Phase {
    /// It wants to become a member.
    #[default]
    Out,
    /// It has asked this node, under this number, to make it one.
    Knocking {
        at: NodeId,
        tag: u32,
    },
    Member,
}

/// A node. Lists are of addresses: ids follow from them.
#[derive(Clone, Debug, Default, Snapshot)]
pub struct Node {
    pub(crate) phase: Phase,
    pub(crate) predecessor: Option<NodeId>,
    /// The one before: if the predecessor does not answer, keys up to here are not the node's own.
    pub(crate) former: Option<NodeId>,
    /// The predecessor has been made a member, and was not heard since.
    pub(crate) hands_over: bool,
    /// In ring order from the node on, itself excluded; empty: it is alone.
    pub(crate) list: Vec<NodeId>,
    /// The successors of the points at half the ring, a quarter, … up to the first successor, which
    /// is the finger of all points before it. The node itself stands for "unknown".
    pub(crate) fingers: Vec<NodeId>,
    /// The next finger to look up.
    pub(crate) next_finger: u8,
    /// A new member looks its fingers up one after the other.
    pub(crate) fills: bool,
    /// Numbers its lookups and other requests.
    pub(crate) counter: u32,
    pub(crate) open: Vec<Lookup>,
    /// Number and receiver of a `stabilise`, and of a `ping`, without an answer so far.
    pub(crate) pull: Option<(u32, NodeId)>,
    pub(crate) ping: Option<(u32, NodeId)>,
    /// The successor that it has told of.
    pub(crate) told: Option<NodeId>,
    /// Since when it wants to be a member.
    pub(crate) waits_since: Time,
    /// Whether its periodic timers are set.
    pub(crate) runs: bool,
    /// Whether it was there before.
    pub(crate) again: bool,
}

impl Node {
    pub(crate) fn is_member(&self) -> bool {
        self.phase == Phase::Member
    }

    /// Whether it is a member and knows others.
    pub(crate) fn is_connected(&self) -> bool {
        self.is_member() && !self.list.is_empty()
    }

    /// Whether it answers a neighbour: also whoever may have made it a member already.
    pub(crate) fn is_there_for(&self, other: NodeId) -> bool {
        self.is_member() || matches!(self.phase, Phase::Knocking { at, .. } if at == other)
    }

    pub(crate) fn number(&mut self) -> u32 {
        self.counter = self.counter.wrapping_add(1);
        self.counter
    }

    /// Forgets a node that does not answer.
    pub(crate) fn forget(&mut self, me: NodeId, dead: NodeId) {
        if dead == me {
            return;
        }
        self.list.retain(|node| *node != dead);
        for place in 0..self.fingers.len() {
            if self.fingers[place] == dead {
                // Further away than the point it is for, so still of use.
                self.fingers[place] =
                    place.checked_sub(1).map_or(me, |before| self.fingers[before]);
            }
        }
        if self.predecessor == Some(dead) {
            self.lose_predecessor();
        }
        self.former.take_if(|former| *former == dead);
        if self.list.is_empty() {
            // Whoever is nearest; stabilising finds those before it.
            let nearest = self.fingers.iter().rev().copied().find(|node| *node != me);
            self.list.extend(nearest.or(self.predecessor));
        }
    }

    pub(crate) fn lose_predecessor(&mut self) {
        (self.predecessor, self.hands_over) = (None, false);
    }

    /// Puts `head` and its successors in place of the list: as many as are told apart in ring order,
    /// at most `most`.
    pub(crate) fn adopt(
        &mut self,
        space: &Space,
        me: NodeId,
        head: NodeId,
        tail: &[NodeId],
        most: usize,
    ) {
        let id = space.id(me);
        let mut last = space.reach(id, space.id(head));
        self.list.clear();
        self.list.reserve_exact(most.min(tail.len() + 1));
        self.list.push(head);
        for next in tail.iter().take(most.saturating_sub(1)) {
            let reach = space.reach(id, space.id(*next));
            if *next == me || reach <= last {
                break;
            }
            last = reach;
            self.list.push(*next);
        }
    }

    /// What this node tells a predecessor of its list: all that fits in behind itself.
    pub(crate) fn tail_for(&self, other: NodeId, most: usize) -> &[NodeId] {
        let len =
            self.list.iter().take(most.saturating_sub(1)).take_while(|n| **n != other).count();
        &self.list[..len]
    }

    /// A hash of what the first successor has told of its list; 0 is none.
    pub(crate) fn known_tail(&self) -> u32 {
        fold(self.list.get(1..).unwrap_or_default())
    }

    /// Whether a key is its own: all are if it is alone, none if it knows no predecessor.
    pub(crate) fn owns(&self, space: &Space, me: NodeId, key: u64) -> bool {
        match self.predecessor {
            _ if self.list.is_empty() => true,
            Some(before) => space.up_to(space.id(before), key, space.id(me)),
            None => false,
        }
    }

    /// Of a key that should be its own: whose it is, if not; `avoid` does not answer.
    pub(crate) fn redirects(
        &self,
        space: &Space,
        me: NodeId,
        key: u64,
        avoid: Option<NodeId>,
    ) -> Option<NodeId> {
        let behind = |node: &NodeId| {
            avoid.is_none_or(|avoid| space.between(space.id(*node), space.id(avoid), space.id(me)))
        };
        let nearest = self.predecessor.filter(behind).or(self.former.filter(behind))?;
        (!space.up_to(space.id(nearest), key, space.id(me))).then_some(nearest)
    }

    /// Whom to ask for a key that is not its own, and whether that one should own it: the nearest
    /// finger before the key; if there is none, the successor, which then owns it.
    ///
    /// If `avoid`, named before, does not answer: the fingers before it, the furthest first; then the
    /// successor list from the last before the key on, and from its beginning if it ends before
    /// the key. Whoever comes next there at or after the key owns it. `all`: the list counts as
    /// fingers.
    pub(crate) fn next(
        &self,
        space: &Space,
        me: NodeId,
        key: u64,
        (avoid, all): (Option<NodeId>, bool),
    ) -> Option<(NodeId, bool)> {
        let id = space.id(me);
        let reach = |node: &NodeId| space.reach(id, space.id(*node));
        let bound = space.reach(id, key);
        let named = |node: &NodeId| (*node, reach(node) >= bound);
        let listed_at = |avoid| self.list.iter().position(|node| *node == avoid);
        if let Some(place) = avoid.and_then(listed_at) {
            let wrapped =
                self.list.first().filter(|_| reach(&self.list[place]) < bound && place > 0);
            return self.list.get(place + 1).or(wrapped).map(named);
        }
        let avoided = avoid.map(|node| reach(&node));
        if let Some(avoided) = avoided.filter(|avoided| *avoided >= bound) {
            return self.list.iter().find(|node| reach(node) > avoided).map(named);
        }
        // Finger k is at least 2^k away.
        let skipped = (bound.leading_zeros() + space.bits()).saturating_sub(64) as usize;
        let fingers = self.fingers.get(skipped..).unwrap_or_default();
        let limit = avoided.unwrap_or(bound);
        let finger = fingers.iter().find(|node| reach(node) < limit);
        if avoid.is_some() && finger.is_some() {
            return finger.map(named);
        }
        let listed = if all || avoid.is_some() { self.list.len() } else { 1 };
        let before = self.list.iter().take(listed).take_while(|node| reach(node) < bound).last();
        let nearest = finger.into_iter().chain(before).max_by_key(|node| reach(node));
        nearest.or(self.list.iter().find(|node| reach(node) >= bound)).map(named)
    }
}

/// A hash of a list in 32 bits, never 0.
pub(crate) fn fold(list: &[NodeId]) -> u32 {
    (hash(list) as u32).max(1)
}
