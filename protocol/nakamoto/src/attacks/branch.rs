//! A private branch: blocks that the adversary has found and not published.

use std::collections::VecDeque;

use anthill_protocol::behaviour::Tap;
use anthill_protocol::{Bodies, Context, Shared};

use crate::Nakamoto;
use crate::node::Node;
use crate::transaction::Transaction;

/// Blocks in a row, lowest first; all retained.
#[derive(Debug, Default)]
pub(super) struct Branch {
    blocks: VecDeque<Shared>,
}

impl Branch {
    pub(super) fn len(&self) -> u32 {
        self.blocks.len() as u32
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn last(&self) -> Option<Shared> {
        self.blocks.back().copied()
    }

    /// Finds the next block of the branch, or the first on top of `base`.
    pub(super) fn extend(
        &mut self,
        honest: &Nakamoto,
        base: Shared,
        transactions: &[Transaction],
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) -> Shared {
        let parent = self.last().unwrap_or(base);
        let (block, _) = honest.find(parent, transactions.into(), cx);
        cx.retain(block);
        self.blocks.push_back(block);
        block
    }

    /// Publishes what is no higher than this.
    pub(super) fn publish_up_to(
        &mut self,
        most: u32,
        honest: &Nakamoto,
        node: &mut Node,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        while self.blocks.front().is_some_and(|block| height(*block, cx) <= most) {
            self.publish_one(honest, node, cx);
        }
    }

    /// Publishes the lowest block, if there is one.
    fn publish_one(&mut self, honest: &Nakamoto, node: &mut Node, cx: &mut Tap<'_, '_, Nakamoto>) {
        if let Some(block) = self.blocks.pop_front() {
            let (own, height) = (node.tip, height(node.tip, cx));
            honest.receive(node, None, block, cx);
            // A tie is told of even where the pool's honest half does not change its mind.
            let is_tie = node.tip == own && height == self::height(block, cx);
            if is_tie && !honest.draws_ties() {
                honest.announce(block, None, cx);
            }
            cx.release(block);
        }
    }

    /// Publishes all of it.
    pub(super) fn publish(
        &mut self,
        honest: &Nakamoto,
        node: &mut Node,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        while !self.is_empty() {
            self.publish_one(honest, node, cx);
        }
    }

    /// Forgets it.
    pub(super) fn abandon(&mut self, cx: &mut Tap<'_, '_, Nakamoto>) {
        self.blocks.drain(..).for_each(|block| cx.release(block));
    }
}

/// The height of a block.
pub(super) fn height(block: Shared, cx: &Tap<'_, '_, Nakamoto>) -> u32 {
    cx.bodies().get(block).header.height
}
