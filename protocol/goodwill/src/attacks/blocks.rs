//! Blocks that should not be: in slots of others, two in one, with a false state, or with another time.

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Bodies, Context, NodeId, Protocol as _, Shared, Span};

use super::{Plan, full, shout};
use crate::block::{Block, Item};
use crate::chain::block_of;
use crate::message::GoodwillMessage;
use crate::metric::GoodwillMetric as M;
use crate::node::{Full, Node};
use crate::outcomes::Worked;
use crate::{Goodwill, Timer};

/// Restamped blocks carry a time that is off by so much.
const OFF: Span = Span::from_millis(1);

/// A forger of such blocks.
#[derive(Debug)]
pub(super) struct Blocks {
    plan: Plan,
    /// The slot of its last pair of blocks.
    last_pair: Option<u32>,
}

impl Blocks {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, last_pair: None }
    }

    /// A copy of a block with something changed, signed again if that helps.
    fn changed(
        honest: &Goodwill,
        handle: Shared,
        signs: bool,
        change: impl FnOnce(&mut Block),
        cx: &mut Tap<'_, '_, Goodwill>,
    ) -> Shared {
        let bodies = cx.bodies();
        let mut block = block_of(&bodies, handle).clone();
        change(&mut block);
        block.is_attack = true;
        block.worked = Worked::default();
        block.hash = block.work_out_hash();
        if signs {
            honest.sign_block(&mut block, cx);
        }
        cx.share(Item::Block(block.into()))
    }

    /// Makes a block in a slot of another's, on the best chain.
    fn steal(&self, honest: &Goodwill, node: &mut Full, slot: u32, cx: &mut Tap<'_, '_, Goodwill>) {
        let block = honest.forge(node, node.tip, slot, 0, cx);
        let block = Self::changed(honest, block, true, |_| (), cx);
        cx.record(M::Attacks, 1);
        shout(honest, GoodwillMessage::Block { block }, cx);
        if !honest.law.checks_leader {
            cx.record(M::Blocks, 1);
            cx.record(M::Stale, 1);
            honest.receive(node, None, block, cx);
        }
    }

    /// Makes two blocks in a slot of its own, for a half of its neighbours each.
    fn make_pair(
        &mut self,
        honest: &Goodwill,
        node: &mut Full,
        slot: u32,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        cx.record(M::Attacks, 1);
        let window = honest.window_of(slot);
        // A pair that everybody knew of a window ago, and no harm came of it.
        let was_known = self.last_pair.is_some_and(|last| {
            let last = honest.window_of(last);
            window > last + 1 && window <= last + crate::execute::BANNED_FOR
        });
        cx.record(M::AttacksSucceeded, u64::from(was_known));
        if self.last_pair.is_none_or(|last| honest.window_of(last) + 1 < window) {
            self.last_pair = Some(slot);
        }
        let pair = [0, 1].map(|salt| honest.forge(node, node.tip, slot, salt, cx));
        let neighbours: Vec<u32> = honest.neighbours(cx.id()).to_vec();
        for (place, to) in neighbours.into_iter().enumerate() {
            cx.send(NodeId(to), GoodwillMessage::Block { block: pair[place % 2] });
        }
        cx.record(M::Blocks, 2);
        cx.record(M::Stale, 2);
        honest.receive(node, None, pair[0], cx);
    }

    fn on_slot(
        &mut self,
        honest: &Goodwill,
        node: &mut Full,
        slot: u32,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        let bodies = cx.bodies();
        let tip = block_of(&bodies, node.tip);
        let is_own = honest.leader(tip, slot, &bodies) == Some(cx.id().0) && tip.header.slot < slot;
        match self.plan {
            Plan::Equivocator if is_own => self.make_pair(honest, node, slot, cx),
            Plan::FalseExecutor if is_own => {
                cx.record(M::Attacks, 1);
                let block = honest.forge(node, node.tip, slot, 0, cx);
                let lie = |block: &mut Block| {
                    block.header.root.0[0] ^= 1;
                };
                let block = Self::changed(honest, block, true, lie, cx);
                shout(honest, GoodwillMessage::Block { block }, cx);
            }
            _ if is_own => {
                let block = honest.forge(node, node.tip, slot, 0, cx);
                honest.publish(node, block, cx);
            }
            _ => {}
        }
        honest.plan(node, slot, cx);
    }
}

impl Behaviour<Goodwill> for Blocks {
    fn start(&mut self, honest: &Goodwill, cx: &mut Tap<'_, '_, Goodwill>) -> Node {
        if self.plan == Plan::SlotThief {
            cx.wake_after(honest.slot);
        }
        honest.start(cx)
    }

    fn on_message(
        &mut self,
        honest: &Goodwill,
        node: &mut Node,
        from: NodeId,
        message: &GoodwillMessage,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        if self.plan == Plan::BackDater
            && let GoodwillMessage::Block { block: handle } = *message
            && let Some(full) = full(node)
            && !honest.knows(full, handle, cx)
            && cx
                .bodies()
                .get(handle)
                .block()
                .is_some_and(|block| block.stamped == block.header.time)
        {
            cx.record(M::Attacks, 1);
            let stamp = |block: &mut Block| block.header.time = block.header.time + OFF;
            let block = Self::changed(honest, handle, false, stamp, cx);
            shout(honest, GoodwillMessage::Block { block }, cx);
            return;
        }
        honest.on_message(node, from, message, cx);
    }

    fn on_timer(
        &mut self,
        honest: &Goodwill,
        node: &mut Node,
        timer: Timer,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        match (timer, full(node)) {
            (Timer::Slot { slot, clock }, Some(full)) if clock == full.clock => {
                self.on_slot(honest, full, slot, cx);
            }
            (Timer::Slot { .. }, _) => {}
            _ => honest.on_timer(node, timer, cx),
        }
    }

    fn on_wake(&mut self, honest: &Goodwill, node: &mut Node, cx: &mut Tap<'_, '_, Goodwill>) {
        let slot = honest.slot_at(cx.now());
        if slot >= honest.last_slot() {
            return;
        }
        cx.wake_after(honest.slot);
        let Some(full) = full(node) else { return };
        let bodies = cx.bodies();
        let tip = block_of(&bodies, full.tip);
        if honest.leader(tip, slot, &bodies) != Some(cx.id().0) && tip.header.slot < slot {
            self.steal(honest, full, slot, cx);
        }
    }
}
