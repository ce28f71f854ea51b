//! A node's handlers.

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::{Bodies, Context, NodeId, Protocol, Snapshot, Totals};

use crate::block::Block;
use crate::message::NakamotoMessage;
use crate::metric::NakamotoMetric;
use crate::node::Node;
use crate::output::NakamotoOutput;
use crate::{Nakamoto, judges};

/// What a node sets timers for.
#[derive(Clone, Copy, Debug, Snapshot)]
pub enum Timer {
    /// A block is found, if this is still the clock that counts.
    Mine { clock: u32 },
    /// A request for this block may be without an answer.
    Retry { block: u64 },
    /// The node's next transaction.
    Pay,
}

impl Protocol for Nakamoto {
    type Node = Node;
    type Message = NakamotoMessage;
    type Body = Block;
    type Timer = Timer;
    type Metric = NakamotoMetric;
    type Output = NakamotoOutput;

    const STOPS_EARLY: bool = true;
    const HINTS: bool = true;

    /// Whether a block was asked for is looked up at each announcement of it, and when it is here.
    fn hint(
        &self,
        node: &Node,
        _: &NakamotoMessage,
        _: &impl Bodies<Block>,
        mut fetch: impl FnMut(*const u8),
    ) {
        if let Some(request) = node.requests.first() {
            fetch(core::ptr::from_ref(request).cast());
        }
    }

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        let genesis = cx.intern(Block::genesis());
        let mut node = Node::new(genesis, cx);
        self.start_clock(&mut node, cx);
        self.await_payment(cx);
        node
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &NakamotoMessage,
        cx: &mut impl Context<Self>,
    ) {
        use NakamotoMessage::{
            Block, Compact, GetData, GetMissing, GetTip, GetTx, Inv, Missing, Shipped, Tx, TxInv,
        };
        if self.only_peer_of(cx.id()).is_some_and(|only| only != from) {
            return;
        }
        match *message {
            Inv { block } => self.on_inv(node, from, block.0, cx),
            GetData { block } => self.on_get_data(node, from, block.0, cx),
            Block { block } | Missing { block } => {
                self.receive(node, Some(from), block.block(), cx);
            }
            Compact { block } => self.on_compact(node, from, block.block(), cx),
            GetMissing { block } => self.on_get_missing(node, from, block.0, cx),
            GetTip => self.on_get_tip(node, from, cx),
            TxInv { transaction } => self.on_tx_inv(node, from, transaction, cx),
            GetTx { transaction } => self.on_get_tx(node, from, transaction, cx),
            Tx { transaction } => self.on_tx(node, Some(from), transaction.0, cx),
            Shipped { .. } => {}
        }
    }

    fn on_timer(&self, node: &mut Node, timer: Timer, cx: &mut impl Context<Self>) {
        match timer {
            Timer::Mine { clock } if self.finds(node, clock) => self.mine(node, cx),
            Timer::Mine { .. } => {}
            Timer::Retry { block } => self.retry(node, block, cx),
            Timer::Pay => self.pay(node, cx),
        }
    }

    /// The chain is on disk; what was under way is lost. A node asks what it has missed.
    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        if keep_state {
            node.drop_requests(cx);
            self.start_clock(node, cx);
            self.await_payment(cx);
        } else {
            node.release_all(cx);
            let (made, batches) = (node.made, node.batches);
            *node = self.start(cx);
            (node.made, node.batches) = (made, batches);
        }
        self.ask_for_tips(cx);
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        let attack = self.attack.as_ref()?;
        self.is_attacker(node).then(|| attack.behaviour())
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<NakamotoOutput>> {
        judges::all(self, setting)
    }

    fn complete(&self, totals: &Totals) -> bool {
        let attempts = self.attack.as_ref().and_then(|attack| attack.attempts());
        attempts.is_some_and(|attempts| totals.of(NakamotoMetric::Attempts) >= attempts.into())
    }

    fn events_per_node_second(&self) -> f64 {
        // Announcements from eight neighbours, a request and its answer for every block.
        (12.0 / self.interval.as_secs_f64() + 12.0 * self.rate).max(0.001)
    }
}
