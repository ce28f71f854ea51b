//! A private fork: a payment is believed, and a longer branch without it appears.

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Context, NodeId, Protocol as _, Shared};

use super::{full, shout};
use crate::chain::{Path, block_of};
use crate::message::GoodwillMessage;
use crate::metric::GoodwillMetric as M;
use crate::node::{Full, Node};
use crate::{Goodwill, Timer};

/// So far behind it gives up: with three tenths of the weight, (3/7)³⁰ of the attempts would come off.
const GIVE_UP: u32 = 30;

/// A branch that nobody else knows.
#[derive(Debug, Default)]
pub(super) struct Fork {
    /// What it forked from, its height, and its own tip; retained.
    branch: Option<Branch>,
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    base: Shared,
    from: u32,
    tip: Shared,
    length: u32,
}

impl Fork {
    /// The first block of others after the last attempt has the payment: the branch begins below it.
    fn begin(&mut self, node: &Full, cx: &mut Tap<'_, '_, Goodwill>) {
        let bodies = cx.bodies();
        let tip = block_of(&bodies, node.tip);
        let Some(base) = tip.parent.filter(|_| tip.header.forger != cx.id()) else { return };
        cx.retain(base);
        cx.retain(base);
        self.branch = Some(Branch { base, from: tip.header.height - 1, tip: base, length: 0 });
    }

    fn end(&mut self, cx: &mut Tap<'_, '_, Goodwill>) {
        if let Some(branch) = self.branch.take() {
            cx.release(branch.base);
            cx.release(branch.tip);
        }
    }

    /// Publishes the branch if the payment is believed and the branch the longer one; gives up if it
    /// is too far behind.
    fn look(&mut self, honest: &Goodwill, node: &mut Full, cx: &mut Tap<'_, '_, Goodwill>) {
        let Some(branch) = self.branch else {
            self.begin(node, cx);
            return;
        };
        let public = node.height.saturating_sub(branch.from);
        let is_believed = public >= honest.confirmations;
        if is_believed && branch.length > public {
            let bodies = cx.bodies();
            let path = Path::between(branch.base, branch.tip, &bodies);
            for block in path.joined {
                shout(honest, GoodwillMessage::Block { block }, cx);
                honest.receive(node, None, block, cx);
            }
            cx.record(M::Attacks, 1);
            cx.record(M::AttacksSucceeded, 1);
            self.end(cx);
        } else if is_believed && public >= branch.length + GIVE_UP {
            cx.record(M::Attacks, 1);
            self.end(cx);
        }
    }

    fn on_slot(
        &mut self,
        honest: &Goodwill,
        node: &mut Full,
        slot: u32,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        if let Some(branch) = &mut self.branch {
            let bodies = cx.bodies();
            let tip = block_of(&bodies, branch.tip);
            if honest.leader(tip, slot, &bodies) == Some(cx.id().0) && tip.header.slot < slot {
                let block = honest.forge(node, branch.tip, slot, 0, cx);
                cx.record(M::Blocks, 1);
                cx.record(M::Stale, 1);
                cx.retain(block);
                cx.release(branch.tip);
                (branch.tip, branch.length) = (block, branch.length + 1);
            }
            self.look(honest, node, cx);
        }
        honest.plan(node, slot, cx);
    }
}

impl Behaviour<Goodwill> for Fork {
    fn on_message(
        &mut self,
        honest: &Goodwill,
        node: &mut Node,
        from: NodeId,
        message: &GoodwillMessage,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        let before = full(node).map(|full| full.tip);
        honest.on_message(node, from, message, cx);
        if let Some(full) = full(node)
            && before != Some(full.tip)
        {
            self.look(honest, full, cx);
        }
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
}
