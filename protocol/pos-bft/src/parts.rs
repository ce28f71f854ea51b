//! Blocks in parts, where messages are gossiped: a proposal names its block, whose parts follow.
//!
//! A node keeps the parts of blocks that proposals of its height name, and of few others: parts may overtake
//! their proposal.

use anthill_protocol::{Bodies, Context, NodeId, Shared, Snapshot};

use crate::bodies::{ChainBody, Proposal};
use crate::messages::ChainMessage;
use crate::outcome::name_of;
use crate::protocol::PosBft;
use crate::server::Server;
use crate::tally::Bits;

/// A part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Part {
    pub height: u32,
    pub block: Shared,
    pub index: u32,
    /// Its bytes.
    pub len: u32,
}

/// What a part takes beside its bytes: height, round, index, and a Merkle proof of some hashes.
pub(crate) const PART_BYTES: u32 = 4 + 4 + 4 + 8 * 32;

/// The parts of a block that a node has.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct PartSet {
    value: u64,
    /// Retained.
    block: Shared,
    has: Bits,
    count: u32,
}

/// Proposals and parts of the height that a node works on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Parts {
    sets: Vec<PartSet>,
    /// Proposals: value, round, and the body, which is retained.
    announced: Vec<(u64, u32, Shared)>,
}

/// Blocks without a proposal of which parts are kept.
const MOST_STRANGE: usize = 8;

impl Parts {
    fn is_announced(&self, value: u64) -> bool {
        self.announced.iter().any(|it| it.0 == value)
    }

    /// Everything that is retained here.
    pub fn retained(&self) -> impl Iterator<Item = Shared> + '_ {
        self.sets.iter().map(|it| it.block).chain(self.announced.iter().map(|it| it.2))
    }
}

impl PosBft {
    /// How many parts a block has.
    fn part_count(&self, block: Shared) -> u32 {
        block.encoded_len().div_ceil(self.part_bytes.max(1)).max(1)
    }

    fn part_len(&self, block: Shared, index: u32) -> u32 {
        let done = index.saturating_mul(self.part_bytes);
        block.encoded_len().saturating_sub(done).min(self.part_bytes)
    }

    /// The place of a block's parts, which may be new; `None`: there are too many strange ones.
    fn part_set(
        &self,
        parts: &mut Parts,
        (value, block): (u64, Shared),
        cx: &mut impl Context<Self>,
    ) -> Option<usize> {
        if let Some(place) = parts.sets.iter().position(|it| it.value == value) {
            return Some(place);
        }
        let strange = parts.sets.iter().filter(|it| !parts.is_announced(it.value)).count();
        if strange >= MOST_STRANGE && !parts.is_announced(value) {
            return None;
        }
        cx.retain(block);
        parts.sets.push(PartSet { value, block, has: Bits::default(), count: 0 });
        Some(parts.sets.len() - 1)
    }

    /// Offers the parts of a block that this node has whole.
    pub(crate) fn offer_parts(
        &self,
        node: &mut Server,
        (value, block): (u64, Shared),
        cx: &mut impl Context<Self>,
    ) {
        let (height, count) = (node.height, self.part_count(block));
        let Some(place) = self.part_set(&mut node.parts, (value, block), cx) else { return };
        for index in 0..count {
            let len = self.part_len(block, index);
            let part = cx.intern(ChainBody::Part(Part { height, block, index, len }));
            let set = &mut node.parts.sets[place];
            set.count += u32::from(set.has.insert(index as usize, count as usize));
            self.offer(node, None, ChainMessage::Part(part), cx);
        }
    }

    /// A proposal of this height, whose signature holds: it is logged once its block is there.
    pub(crate) fn on_announced(
        &self,
        node: &mut Server,
        from: NodeId,
        (body, it): (Shared, &Proposal),
        cx: &mut impl Context<Self>,
    ) {
        let mut of_round = node.parts.announced.iter().filter(|old| old.1 == it.round);
        if of_round.clone().count() > 1 || of_round.any(|old| old.0 == it.value) {
            return;
        }
        cx.retain(body);
        node.parts.announced.push((it.value, it.round, body));
        self.pass_on(node, from, ChainMessage::Proposal(body), cx);
        if !it.in_parts {
            self.offer_parts(node, (it.value, it.block), cx);
        }
        self.hear_whole(node, it.value, cx);
    }

    /// A part of a block.
    pub(crate) fn on_part(
        &self,
        node: &mut Server,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        self.note_sent(node, from, body, cx);
        let bodies = cx.bodies();
        let ChainBody::Part(it) = *bodies.get(body) else { return };
        let count = self.part_count(it.block);
        let is_block = bodies.get(it.block).block().is_some();
        if it.height != node.height || it.index >= count || !is_block || !self.gossips() {
            return;
        }
        if it.len != self.part_len(it.block, it.index) {
            return;
        }
        let value = name_of(it.block, &bodies);
        let Some(place) = self.part_set(&mut node.parts, (value, it.block), cx) else { return };
        let set = &mut node.parts.sets[place];
        if set.has.insert(it.index as usize, count as usize) {
            set.count += 1;
            self.pass_on(node, from, ChainMessage::Part(body), cx);
            self.hear_whole(node, value, cx);
        }
    }

    /// Logs the proposals of a block that is whole.
    fn hear_whole(&self, node: &mut Server, value: u64, cx: &mut impl Context<Self>) {
        let set = node.parts.sets.iter().find(|it| it.value == value);
        if set.is_none_or(|it| it.count < self.part_count(it.block)) {
            return;
        }
        let named = node.parts.announced.iter().filter(|it| it.0 == value).map(|it| it.2);
        let mut is_new = false;
        for body in named.collect::<Vec<_>>() {
            is_new |= self.log_proposal(node, body, cx);
        }
        if is_new {
            self.advance(node, cx);
        }
    }

    /// Forgets proposals of rounds that are too far back.
    pub(crate) fn forget_announced(
        &self,
        node: &mut Server,
        least: u32,
        cx: &mut impl Context<Self>,
    ) {
        for old in node.parts.announced.extract_if(.., |it| it.1 < least) {
            cx.release(old.2);
        }
        let Parts { sets, announced } = &mut node.parts;
        if announced.is_empty() {
            sets.drain(..).for_each(|it| cx.release(it.block));
        }
    }

    /// The height is over.
    pub(crate) fn forget_parts(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        core::mem::take(&mut node.parts).retained().for_each(|it| cx.release(it));
    }
}
