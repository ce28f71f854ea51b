//! Grinding: whoever makes the last block of a window chooses the one that is best for it.

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Context as _, Protocol as _};

use super::full;
use crate::chain::block_of;
use crate::lottery::Table;
use crate::metric::GoodwillMetric as M;
use crate::node::{Full, Node};
use crate::{Goodwill, Timer};

/// A forger that grinds.
#[derive(Debug)]
pub(super) struct Grinder {
    pub(super) variants: u32,
}

impl Grinder {
    fn on_slot(
        &self,
        honest: &Goodwill,
        node: &mut Full,
        slot: u32,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        let bodies = cx.bodies();
        let tip = block_of(&bodies, node.tip);
        let is_own = honest.leader(tip, slot, &bodies) == Some(cx.id().0) && tip.header.slot < slot;
        if is_own && !slot.is_multiple_of(honest.window) {
            let block = honest.forge(node, node.tip, slot, 0, cx);
            honest.publish(node, block, cx);
        } else if is_own {
            let (mut best, mut first_own) = (None, None);
            for salt in 0..self.variants.max(1) {
                let handle = honest.forge(node, node.tip, slot, salt, cx);
                let block = block_of(&bodies, handle);
                let Some(outcome) = honest.outcome(block, &bodies) else { continue };
                let window = honest.window_of(slot) + 2;
                let beacon = honest.beacon_of(window, block.hash);
                let table = Table::new(&outcome.ledger.bids);
                let first = window * honest.window + 1;
                let slots = first..first + honest.window;
                let own = slots.filter(|s| table.leader(beacon, *s) == Some(cx.id().0)).count();
                first_own.get_or_insert(own);
                if best.is_none_or(|(_, most)| own > most) {
                    best = Some((handle, own));
                }
            }
            cx.record(M::Attacks, 1);
            if let Some((block, own)) = best {
                // Its choice gives it more than the block that it would have made anyway.
                cx.record(M::AttacksSucceeded, u64::from(Some(own) > first_own));
                honest.publish(node, block, cx);
            }
        }
        honest.plan(node, slot, cx);
    }
}

impl Behaviour<Goodwill> for Grinder {
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
