//! Which block a node builds on: the heaviest chain it knows, of equal ones the first seen.

use anthill_protocol::{Bodies, Context, NodeId, Shared};

use crate::Nakamoto;
use crate::block::{Block, leading_zeros};
use crate::metric::NakamotoMetric;
use crate::node::Node;
use crate::output::{NakamotoOutput, Seen};

/// Deeper than this a node does not look whether a block is in its chain: it is of no use either way.
const MAX_WALK: u32 = 4_096;
/// Blocks without a known parent that a node keeps; the oldest make room.
const MAX_ORPHANS: usize = 1_024;
/// The main chain is counted in batches of so many blocks, once as many lie on top as in half of one.
pub(crate) const BATCH: u32 = 500;

/// The way from one tip to another: down to the common ancestor, and up.
struct Path {
    /// From the old tip down.
    dropped: Vec<Shared>,
    /// Up to the new tip.
    joined: Vec<Shared>,
}

impl Path {
    fn between(from: Shared, to: Shared, bodies: &impl Bodies<Block>) -> Self {
        let (mut a, mut b) = (from, to);
        let (mut dropped, mut joined) = (Vec::new(), Vec::new());
        while a != b {
            let (below_a, below_b) = (bodies.get(a), bodies.get(b));
            // Never `None`: all chains begin with the genesis.
            if below_a.header.height >= below_b.header.height {
                dropped.push(a);
                a = below_a.parent.unwrap_or(a);
            }
            if below_b.header.height >= below_a.header.height {
                joined.push(b);
                b = below_b.parent.unwrap_or(b);
            }
        }
        joined.reverse();
        Self { dropped, joined }
    }
}

/// The ancestor that lies so many blocks lower, or the genesis.
pub(crate) fn ancestor(block: Shared, depth: u32, bodies: &impl Bodies<Block>) -> Shared {
    (0..depth).fold(block, |block, _| bodies.get(block).parent.unwrap_or(block))
}

impl Nakamoto {
    /// Whether the node has this block: what a table of all blocks would say.
    pub(crate) fn knows(&self, node: &Node, block: Shared, cx: &impl Context<Self>) -> bool {
        if node.has_recent(block) {
            return true;
        }
        let bodies = cx.bodies();
        match node.height.checked_sub(bodies.get(block).header.height) {
            None | Some(0) => false,
            Some(depth) => depth > MAX_WALK || ancestor(node.tip, depth, &bodies) == block,
        }
    }

    /// A node has a block: from another, or its own.
    pub(crate) fn receive(
        &self,
        node: &mut Node,
        from: Option<NodeId>,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        self.is_answered(node, block, cx);
        if self.knows(node, block, cx) || node.orphans.contains(&block) {
            cx.record(NakamotoMetric::Duplicates, 1);
            return;
        }
        let bodies = cx.bodies();
        let Some(parent) = bodies.get(block).parent.filter(|_| self.is_mined(block, cx)) else {
            cx.record(NakamotoMetric::Refused, 1);
            return;
        };
        if !self.knows(node, parent, cx) {
            self.adopt_orphan(node, from, (block, parent), cx);
            return;
        }
        let before = node.tip;
        let mut connected = vec![block];
        while let Some(block) = connected.pop() {
            if self.connect(node, from, block, cx) && !node.orphans.is_empty() {
                let is_child = |child: &&Shared| bodies.get(**child).parent == Some(block);
                connected.extend(node.orphans.iter().filter(is_child));
            }
            if let Some(place) = node.orphans.iter().position(|orphan| *orphan == block) {
                cx.release(node.orphans.remove(place));
            }
        }
        if node.tip != before {
            self.announce(node.tip, from, cx);
        }
    }

    /// Whether a block has the proof of work that its header promises, and its time has come.
    fn is_mined(&self, block: Shared, cx: &impl Context<Self>) -> bool {
        let bodies = cx.bodies();
        let block = bodies.get(block);
        let proves = |parent| {
            let digest = block.header.digest(parent, cx.scenario());
            leading_zeros(&digest) >= self.hash_bits
        };
        block.is_timely(cx.local_clock())
            && block.parent.is_some_and(|parent| self.hash_bits == 0 || proves(parent))
    }

    /// A block whose parent is unknown: the sender has it.
    fn adopt_orphan(
        &self,
        node: &mut Node,
        from: Option<NodeId>,
        (block, parent): (Shared, Shared),
        cx: &mut impl Context<Self>,
    ) {
        let Some(from) = from else { return };
        if node.orphans.len() == MAX_ORPHANS {
            cx.release(node.orphans.remove(0));
        }
        cx.retain(block);
        node.orphans.push(block);
        let (bodies, mut missing) = (cx.bodies(), parent);
        while let Some(below) =
            bodies.get(missing).parent.filter(|_| node.orphans.contains(&missing))
        {
            missing = below;
        }
        self.ask(node, from, missing, cx);
    }

    /// A block whose parent is known: whether it is valid.
    fn connect(
        &self,
        node: &mut Node,
        from: Option<NodeId>,
        handle: Shared,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let bodies = cx.bodies();
        let block = bodies.get(handle);
        let parent = block.parent.map(|parent| bodies.get(parent));
        if !parent.is_some_and(|parent| block.follows(parent, self.schedule(), &bodies)) {
            cx.record(NakamotoMetric::Refused, 1);
            return false;
        }
        node.remember(handle, cx);
        self.note_arrival(block, cx);
        let tip = bodies.get(node.tip);
        if self.prefers(block, tip, cx) {
            self.switch(node, handle, cx);
        } else if block.header.work == tip.header.work && self.draws_ties() {
            self.announce(handle, from, cx);
        }
        true
    }

    /// Whether a node leaves its tip for another block: one with more work, and of equal ones only
    /// where ties are drawn.
    fn prefers(&self, block: &Block, tip: &Block, cx: &mut impl Context<Self>) -> bool {
        let (work, own) = (block.header.work, tip.header.work);
        #[cfg(test)]
        if self.planted && work == own {
            return true;
        }
        work > own || work == own && self.draws_for(block, tip, cx)
    }

    /// A tie between a block of a selfish pool and another's: each honest node draws once for each.
    fn draws_for(&self, block: &Block, tip: &Block, cx: &mut impl Context<Self>) -> bool {
        let Some(gamma) = self.drawn_gamma() else { return false };
        let [new, old] = [block, tip].map(|block| self.is_attacker(block.header.miner));
        if new == old || self.is_attacker(cx.id()) {
            return false;
        }
        let for_pool = cx.random() < gamma;
        for_pool == new
    }

    /// The node's chain ends in another block from now on.
    fn switch(&self, node: &mut Node, to: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let (old, new) = (node.tip, bodies.get(to));
        let path = match new.parent == Some(old) {
            true => None,
            false => Some(Path::between(old, to, &bodies)),
        };
        let next = [to];
        let (dropped, joined) = path
            .as_ref()
            .map_or((&[][..], &next[..]), |path| (&path.dropped[..], &path.joined[..]));
        cx.retain(to);
        cx.release(old);
        (node.tip, node.height) = (to, new.header.height);
        let depth = dropped.len() as u32;
        if depth > 0 {
            cx.record(NakamotoMetric::ReorgDepth, depth.into());
            cx.record(NakamotoMetric::DeepestReorg, depth.into());
        }
        if self.observes(cx.id()) {
            for below in &joined[..joined.len().saturating_sub(1)] {
                cx.output(NakamotoOutput::Connected(Seen::of(*below, bodies.get(*below))));
            }
            cx.output(NakamotoOutput::Tip { tip: Seen::of(to, new), dropped: depth });
        }
        self.move_transactions(node, dropped, joined, cx);
        let old_height = bodies.get(old).header.height;
        self.confirm(node, (old_height, old_height - depth), cx);
        if cx.id() == NodeId(0) {
            self.count_chain(node, dropped, joined, cx);
        }
        self.keep_pace(node, cx);
    }

    /// Node 0 counts what is in the main chain, by who mined it.
    fn count_chain(
        &self,
        node: &mut Node,
        dropped: &[Shared],
        joined: &[Shared],
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let off = dropped.iter().map(|block| (*block, u64::MAX));
        for (block, sign) in off.chain(joined.iter().map(|block| (*block, 1))) {
            let block = bodies.get(block);
            let miner = match self.is_attacker(block.header.miner) {
                true => NakamotoMetric::SelfishRevenue,
                false => NakamotoMetric::ChainQuality,
            };
            cx.record(NakamotoMetric::ChainBlocks, sign);
            // Per second, where the time is in microseconds.
            cx.record(NakamotoMetric::ChainGrowth, sign.wrapping_mul(1_000_000));
            cx.record(miner, sign);
            cx.record(NakamotoMetric::StaleRate, sign.wrapping_neg());
            let parent = block.parent.map(|parent| bodies.get(parent).header.difficulty);
            if parent.is_some_and(|parent| parent != block.header.difficulty) {
                cx.record(NakamotoMetric::Retargets, sign);
            }
        }
        cx.record(NakamotoMetric::LastTip, cx.now().0 / 1_000);
        self.count_batch(node, cx);
    }

    /// A batch of blocks of the main chain, once they are deep enough to stay.
    fn count_batch(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let height = node.height;
        let end = node.batches.saturating_add(1).saturating_mul(BATCH);
        if !self.is_attacked() || height < end.saturating_add(BATCH / 2) {
            return;
        }
        let mut block = bodies.get(ancestor(node.tip, height - end, &bodies));
        let mut own = 0u64;
        for _ in 0..BATCH {
            own += u64::from(self.is_attacker(block.header.miner));
            block = block.parent.map_or(block, |parent| bodies.get(parent));
        }
        node.batches += 1;
        cx.record(NakamotoMetric::Batches, 1);
        cx.record(NakamotoMetric::BatchSum, own);
        cx.record(NakamotoMetric::BatchSquares, own * own);
    }

    /// How long a block took to a node; only that of honest miners, who publish at once.
    fn note_arrival(&self, block: &Block, cx: &mut impl Context<Self>) {
        if self.is_attacker(block.header.miner) {
            return;
        }
        let delay = cx.now().since(block.header.found);
        cx.record(NakamotoMetric::BlockPropagation, delay.0);
        if self.share_of(cx.id()) > 0.0 && cx.id() != block.header.miner {
            cx.record(NakamotoMetric::MinerDelay, delay.0 / 1_000);
            cx.record(NakamotoMetric::MinerReceipts, 1);
        }
    }
}
