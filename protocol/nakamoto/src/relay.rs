//! How blocks and transactions get to the neighbours: announced and asked for, as compact blocks, or
//! sent outright.

use anthill_protocol::{Bodies, Context, NodeId, Shared};

use crate::message::{Carried, NakamotoMessage, Name, Padded};
use crate::metric::NakamotoMetric;
use crate::node::{Node, Request};
use crate::transaction::Transaction;
use crate::{Nakamoto, Timer};

/// Blocks that a node asks for at once.
const MAX_REQUESTS: usize = 64;
/// Requests for a block before a node gives up, until it hears of it again.
const MAX_TRIES: u8 = 16;
/// Nodes with more neighbours answer to the address, not over the edge: to find it would take too
/// long.
const SEARCHED_DEGREE: u32 = 64;
/// Neighbours that a node asks for their tips after it was down.
const TIPS_ASKED: u32 = 3;

impl Nakamoto {
    /// Tells all neighbours of a block but the one that it comes from.
    pub(crate) fn announce(
        &self,
        block: Shared,
        from: Option<NodeId>,
        cx: &mut impl Context<Self>,
    ) {
        let message = match self.relay {
            "inv" => NakamotoMessage::Inv { block: Name(block) },
            "compact" => NakamotoMessage::Compact { block: Carried::new(block, self.compact_size) },
            _ => NakamotoMessage::Block { block: Carried::new(block, self.block_size) },
        };
        self.tell_all(message, from, cx);
    }

    /// Sends a message to all neighbours but one. The victim of an eclipse has only its adversary.
    fn tell_all(&self, message: NakamotoMessage, but: Option<NodeId>, cx: &mut impl Context<Self>) {
        if let Some(only) = self.only_peer_of(cx.id()) {
            if but != Some(only) {
                cx.send(only, message);
            }
            return;
        }
        for slot in 0..cx.degree() {
            if Some(cx.peer(slot)) != but {
                cx.send_slot(slot, message);
            }
        }
    }

    /// Sends a message to a neighbour, over its edge if that is found.
    pub(crate) fn answer(&self, to: NodeId, message: NakamotoMessage, cx: &mut impl Context<Self>) {
        let degree = cx.degree();
        let searched = if degree > SEARCHED_DEGREE { 0 } else { degree };
        match (0..searched).find(|slot| cx.peer(*slot) == to) {
            Some(slot) => cx.send_slot(slot, message),
            None => cx.send(to, message),
        }
    }

    /// A block is announced.
    pub(crate) fn on_inv(
        &self,
        node: &mut Node,
        from: NodeId,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if !self.knows(node, block, cx) && !node.orphans.contains(&block) {
            self.ask(node, from, block, cx);
        }
    }

    /// Asks for a block, unless it was asked for already.
    pub(crate) fn ask(
        &self,
        node: &mut Node,
        from: NodeId,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if self.notes_request(node, from, block, cx) {
            self.answer(from, NakamotoMessage::GetData { block: Name(block) }, cx);
        }
    }

    /// Whether a request is new; else its sender is one more to ask.
    fn notes_request(
        &self,
        node: &mut Node,
        from: NodeId,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) -> bool {
        if let Some(known) = node.requests.iter_mut().find(|request| request.block == block) {
            known.other.get_or_insert(from);
            return false;
        }
        if node.requests.len() >= MAX_REQUESTS {
            return false;
        }
        cx.retain(block);
        // Nearly always the only one.
        node.requests.reserve_exact(1);
        node.requests.push(Request { block, other: None, tries: 1 });
        cx.set_timer(self.retry, Timer::Retry { block: block.id() });
        true
    }

    /// The block is here.
    pub(crate) fn is_answered(&self, node: &mut Node, block: Shared, cx: &mut impl Context<Self>) {
        if let Some(place) = node.requests.iter().position(|request| request.block == block) {
            cx.release(node.requests.swap_remove(place).block);
        }
    }

    /// A request may be without an answer: asks another one who has the block, or anybody.
    pub(crate) fn retry(&self, node: &mut Node, block: u64, cx: &mut impl Context<Self>) {
        let Some(place) = node.requests.iter().position(|request| request.block.id() == block)
        else {
            return;
        };
        let request = &mut node.requests[place];
        request.tries += 1;
        let asked = NakamotoMessage::GetData { block: Name(request.block) };
        if request.tries > MAX_TRIES || cx.degree() == 0 {
            cx.release(node.requests.swap_remove(place).block);
            return;
        }
        let other = request.other.take();
        match self.only_peer_of(cx.id()).or(other) {
            Some(other) => self.answer(other, asked, cx),
            None => {
                let slot = cx.random_below(cx.degree().into()) as u32;
                cx.send_slot(slot, asked);
            }
        }
        cx.set_timer(self.retry, Timer::Retry { block });
    }

    /// A neighbour asks for a block.
    pub(crate) fn on_get_data(
        &self,
        node: &Node,
        from: NodeId,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if self.knows(node, block, cx) {
            let block = Carried::new(block, self.block_size);
            self.answer(from, NakamotoMessage::Block { block }, cx);
        }
    }

    /// A compact block: whole, if the node has all its transactions.
    pub(crate) fn on_compact(
        &self,
        node: &mut Node,
        from: NodeId,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let is_asked = node.requests.iter().any(|request| request.block == block);
        if is_asked || self.knows(node, block, cx) {
            return;
        }
        let bodies = cx.bodies();
        let lacks = cx.random() < self.compact_failures
            || bodies.get(block).transactions.iter().any(|one| !node.pool.has(one));
        if !lacks {
            self.receive(node, Some(from), block, cx);
        } else if self.notes_request(node, from, block, cx) {
            cx.record(NakamotoMetric::CompactFailures, 1);
            self.answer(from, NakamotoMessage::GetMissing { block: Name(block) }, cx);
        }
    }

    /// A neighbour lacks some transactions of a block: a tenth of it.
    pub(crate) fn on_get_missing(
        &self,
        node: &Node,
        from: NodeId,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if self.knows(node, block, cx) {
            let block = Carried::new(block, self.block_size / 10);
            self.answer(from, NakamotoMessage::Missing { block }, cx);
        }
    }

    /// The node was down: asks some neighbours for their tips.
    pub(crate) fn ask_for_tips(&self, cx: &mut impl Context<Self>) {
        if let Some(only) = self.only_peer_of(cx.id()) {
            cx.send(only, NakamotoMessage::GetTip);
            return;
        }
        for _ in 0..TIPS_ASKED.min(cx.degree()) {
            let slot = cx.random_below(cx.degree().into()) as u32;
            cx.send_slot(slot, NakamotoMessage::GetTip);
        }
    }

    /// A neighbour was down and asks for this node's tip.
    pub(crate) fn on_get_tip(&self, node: &Node, from: NodeId, cx: &mut impl Context<Self>) {
        self.answer(from, NakamotoMessage::Inv { block: Name(node.tip) }, cx);
    }

    /// A transaction is announced.
    pub(crate) fn on_tx_inv(
        &self,
        node: &mut Node,
        from: NodeId,
        transaction: Transaction,
        cx: &mut impl Context<Self>,
    ) {
        if node.pool.is_wanted(transaction, cx.now(), self.retry) {
            self.answer(from, NakamotoMessage::GetTx { transaction }, cx);
        }
    }

    /// A neighbour asks for a transaction.
    pub(crate) fn on_get_tx(
        &self,
        node: &Node,
        from: NodeId,
        transaction: Transaction,
        cx: &mut impl Context<Self>,
    ) {
        if node.pool.has(&transaction) {
            self.answer(from, NakamotoMessage::Tx { transaction: Padded(transaction) }, cx);
        }
    }

    /// A node has a transaction: another's, or its own.
    pub(crate) fn on_tx(
        &self,
        node: &mut Node,
        from: Option<NodeId>,
        transaction: Transaction,
        cx: &mut impl Context<Self>,
    ) {
        if node.pool.add(transaction, cx.now()) {
            self.tell_all(NakamotoMessage::TxInv { transaction }, from, cx);
        }
    }
}
