//! Mining: each miner finds blocks at exponential intervals, as fast as its share of the hash rate and
//! the difficulty of its tip say.

use anthill_protocol::{Bodies, Context, NodeId, Shared, Span, draw};

use crate::block::{Block, UNIT, leading_zeros, median_time};
use crate::metric::NakamotoMetric;
use crate::node::Node;
use crate::output::{NakamotoOutput, Seen};
use crate::transaction::Transaction;
use crate::{Nakamoto, Timer};

/// Nonces that a miner tries: of those that 20 zero bits take, e⁻¹⁶ would need more.
const MAX_NONCES: u64 = 1 << 24;

impl Nakamoto {
    /// Begins to mine on the tip, if the node mines. The process has no memory, so a miner need not
    /// begin anew when its tip changes, but for the difficulty.
    pub(crate) fn start_clock(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        let share = self.share_of(cx.id());
        if share <= 0.0 {
            return;
        }
        let bodies = cx.bodies();
        node.mines_at = self.schedule().next_difficulty(&bodies.get(node.tip).header);
        node.clock = node.clock.wrapping_add(1);
        let of_all = self.interval.0 as f64 * (node.mines_at as f64 / UNIT as f64) / self.hash_rate;
        let mean = Span((of_all / share) as u64);
        let wait = draw::exponential(mean, cx.random()).max(Span(1));
        cx.set_timer(wait, Timer::Mine { clock: node.clock });
    }

    /// The tip has changed: a miner begins anew if the difficulty did.
    pub(crate) fn keep_pace(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        if node.mines_at == 0 || self.schedule().period == 0 {
            return;
        }
        let bodies = cx.bodies();
        let header = &bodies.get(node.tip).header;
        if self.schedule().next_difficulty(header) != node.mines_at {
            self.start_clock(node, cx);
        }
    }

    /// Whether a mining timer counts: there is a block to be found.
    pub(crate) fn finds(&self, node: &mut Node, clock: u32) -> bool {
        let is_current = clock == node.clock && node.mines_at > 0;
        if is_current && self.is_over(node) {
            node.mines_at = 0;
        }
        is_current && node.mines_at > 0
    }

    /// Whether the chain is as long as the run was to make it.
    pub(crate) fn is_over(&self, node: &Node) -> bool {
        node.height >= self.most_blocks()
    }

    /// An honest miner finds a block, and goes on.
    pub(crate) fn mine(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        let transactions = node.pool.oldest(self.block_transactions);
        let (block, seen) = self.find(node.tip, transactions, cx);
        cx.output(NakamotoOutput::Mined(seen));
        self.receive(node, None, block, cx);
        self.start_clock(node, cx);
    }

    /// Finds a block on top of another one.
    pub(crate) fn find(
        &self,
        parent: Shared,
        transactions: Box<[Transaction]>,
        cx: &mut impl Context<Self>,
    ) -> (Shared, Seen) {
        let bodies = cx.bodies();
        let below = bodies.get(parent);
        let earliest = match cx.local_clock() > below.header.latest {
            true => cx.local_clock(),
            false => median_time(below, &bodies) + Span(1),
        };
        let time = cx.local_clock().max(earliest);
        let mut header = below.header.child(self.schedule(), cx.id(), time, cx.now());
        let proves = |digest| self.hash_bits == 0 || leading_zeros(&digest) >= self.hash_bits;
        while self.hash_bits > 0
            && header.nonce < MAX_NONCES
            && !proves(header.digest(parent, cx.scenario()))
        {
            header.nonce += 1;
        }
        let block = Block { parent: Some(parent), header, transactions };
        let handle = cx.share(block.clone());
        cx.record(NakamotoMetric::Mined, 1);
        cx.record(NakamotoMetric::StaleRate, 1);
        (handle, Seen::of(handle, &block))
    }

    /// Whether a node is one of the honest miners, which have the first ids.
    pub(crate) fn is_miner(&self, node: NodeId) -> bool {
        node.0 < self.honest_miners()
    }

    /// The node's share of the hash rate.
    pub(crate) fn share_of(&self, node: NodeId) -> f64 {
        match &self.attack {
            Some(attack) if self.is_attacker(node) => attack.share,
            _ if self.is_miner(node) => self.honest_share() / f64::from(self.honest_miners()),
            _ => 0.0,
        }
    }
}
