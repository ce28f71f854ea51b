//! How a node becomes a member: it looks its own id up through a node that it knows, and tells the
//! owner, which hands it the part of its range up to that id together with its predecessor. From the
//! moment at which the owner does that, the new node owns the keys; it is a member when it hears so.
//!
//! A member that has lost all others keeps the ring for those that come back, and looks for another
//! ring to join meanwhile. Two rings of several nodes do not find each other.

use anthill_protocol::{Context, NodeId, Shared, Span};

use crate::Chord;
use crate::lookup::Purpose;
use crate::messages::{ChordMessage, ChordMetric, ChordOutput, Timer};
use crate::node::{Node, Phase};

impl Chord {
    /// Tries to join through a node that may be a member.
    pub(crate) fn try_join(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        let is_trying = node.open.iter().any(|lookup| lookup.purpose == Purpose::Join)
            || matches!(node.phase, Phase::Knocking { .. });
        if is_trying || node.is_connected() || cx.nodes() < 2 {
            return;
        }
        let key = self.space().id(cx.id());
        let known = self.known(node, cx);
        self.look_up_through(node, known, Purpose::Join, key, cx);
    }

    /// A node to join through: one it knew before a crash, or one that a directory would name, of
    /// those that began before it if it is new.
    fn known(&self, node: &Node, cx: &mut impl Context<Self>) -> NodeId {
        let me = cx.id();
        let kept = (node.list.len() + node.fingers.len()) as u64;
        if kept > 0 && cx.random_below(2) == 0 {
            let place = cx.random_below(kept) as usize;
            let known = node.list.iter().chain(&node.fingers).nth(place).copied();
            if let Some(known) = known.filter(|known| *known != me) {
                return known;
            }
        }
        let new = !node.again && self.joins_in_turn() && me.0 > 0;
        let others = if new { me.0 } else { cx.nodes() - 1 };
        let drawn = cx.random_below(others.into()) as u32;
        NodeId(drawn + u32::from(!new && drawn >= me.0))
    }

    /// A member that is alone tries again when it stabilises.
    pub(crate) fn join_later(&self, node: &Node, cx: &mut impl Context<Self>) {
        if node.is_member() {
            return;
        }
        let wait = Span(cx.random_below(self.timeout.0));
        cx.set_timer(wait + Span(1), Timer::Join);
    }

    /// Asks the owner of its id to be made a member.
    pub(crate) fn knock(&self, node: &mut Node, at: NodeId, cx: &mut impl Context<Self>) {
        if node.is_connected() || at == cx.id() {
            return;
        }
        if node.is_member() {
            // It lost all others and kept a ring of its own; there is another one.
            node.lose_predecessor();
            (node.former, node.told, node.waits_since) = (None, None, cx.now());
        }
        let tag = node.number();
        node.phase = Phase::Knocking { at, tag };
        cx.send(at, ChordMessage::Notify { tag, joining: true });
        cx.set_timer(self.timeout, Timer::Check(tag));
    }

    /// Whoever was asked has not answered.
    pub(crate) fn check_knock(&self, node: &mut Node, tag: u32, cx: &mut impl Context<Self>) {
        if matches!(node.phase, Phase::Knocking { tag: asked, .. } if asked == tag) {
            node.phase = Phase::Out;
            self.join_later(node, cx);
        }
    }

    pub(crate) fn on_welcome(
        &self,
        node: &mut Node,
        from: NodeId,
        (tag, predecessor): (u32, Option<NodeId>),
        list: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if node.phase != (Phase::Knocking { at: from, tag }) {
            return;
        }
        let me = cx.id();
        node.phase = Phase::Member;
        node.predecessor = predecessor.filter(|before| before.0 < cx.nodes() && *before != me);
        self.take_list(node, from, list, cx);
        node.fingers.clear();
        cx.record(ChordMetric::Joins, 1);
        cx.record(ChordMetric::Join, cx.now().since(node.waits_since).0);
        cx.output(ChordOutput::Joined);
        self.tell(node, cx);
        self.stabilise(node, cx);
        (node.fills, node.next_finger) = (true, 0);
        self.fix_finger(node, cx);
        if !core::mem::replace(&mut node.runs, true) {
            cx.set_timer(self.stabilise, Timer::Stabilise);
            cx.set_timer(self.fix_fingers, Timer::FixFinger);
        }
    }

    pub(crate) fn on_refuse(
        &self,
        node: &mut Node,
        from: NodeId,
        (tag, predecessor): (u32, NodeId),
        cx: &mut impl Context<Self>,
    ) {
        if node.phase != (Phase::Knocking { at: from, tag }) {
            return;
        }
        let space = self.space();
        let [me, named, at] = [cx.id(), predecessor, from].map(|node| space.id(node));
        if predecessor.0 < cx.nodes() && space.between(me, named, at) {
            self.knock(node, predecessor, cx);
        } else {
            self.check_knock(node, tag, cx);
        }
    }
}
