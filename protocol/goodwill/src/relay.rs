//! How blocks and transactions get around among full nodes, and what they tell light peers.

use std::sync::Arc;

use anthill_protocol::{Bodies, Context, NodeId, Shared};

use crate::Goodwill;
use crate::chain::{Path, ancestor, block_of};
use crate::message::{Attested, GoodwillMessage, Name};
use crate::metric::GoodwillMetric as M;
use crate::node::{Followed, Full};
use crate::output::GoodwillOutput;
use crate::pool::{self, Waiting};
use crate::transaction::{Payload, Transaction};

/// Blocks that a node asks for at once.
const MAX_ASKED: usize = 64;
/// Transactions that a home follows for light peers, and identities that a node knows, at most.
const MAX_FOLLOWED: usize = 100_000;
/// Transactions that a node remembers to have passed on, where nonces do not tell.
const MAX_PASSED: usize = 4_096;
/// So many of the next slots' leaders a transaction is sent to.
const LEADERS: u32 = 3;
/// How far back a transaction is looked up.
const MAX_LOOKED: u32 = 10_000;

impl Goodwill {
    /// Passes a block on to all neighbours but the one that it comes from.
    pub(crate) fn flood(&self, from: Option<NodeId>, block: Shared, cx: &mut impl Context<Self>) {
        self.tell_neighbours(from, GoodwillMessage::Block { block }, cx);
    }

    pub(crate) fn tell_neighbours(
        &self,
        but: Option<NodeId>,
        message: GoodwillMessage,
        cx: &mut impl Context<Self>,
    ) {
        for to in self.neighbours(cx.id()) {
            if but != Some(NodeId(*to)) {
                cx.send(NodeId(*to), message);
            }
        }
    }

    /// Asks for a block that is missing.
    pub(crate) fn ask(
        &self,
        node: &mut Full,
        from: NodeId,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if node.asked.contains(&block) {
            return;
        }
        if node.asked.len() >= MAX_ASKED {
            cx.release(node.asked.remove(0));
        }
        cx.retain(block);
        node.asked.push(block);
        cx.send(from, GoodwillMessage::GetLedgerBlock { block: Name(block) });
    }

    /// Somebody lacks a block.
    pub(crate) fn on_get_block(
        &self,
        node: &Full,
        from: NodeId,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if cx.bodies().get(block).block().is_some() && self.knows(node, block, cx) {
            cx.send(from, GoodwillMessage::LedgerBlock { block });
        }
    }

    /// A full node has a transaction: another's, or its own.
    pub(crate) fn on_transaction(
        &self,
        node: &mut Full,
        from: Option<NodeId>,
        handle: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(transaction) = bodies.get(handle).transaction() else { return };
        if let Some(peer) = from.filter(|peer| peer.0 >= self.forgers()) {
            self.follow(node, peer, transaction);
        }
        let is_new = self.takes(node, handle, transaction, cx);
        // A light peer's goes on even if the pool had it: the peer has sent it once more.
        if is_new {
            self.pass_on(node, from, handle, cx);
        }
    }

    /// Puts a transaction into the pool; false if it is not new, or never will be carried out.
    fn takes(
        &self,
        node: &mut Full,
        handle: Shared,
        transaction: &Arc<Transaction>,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let key = (transaction.from, transaction.nonce, transaction.id());
        if node.pool.has(key, self.law.covers_all) || node.pool.len() >= pool::MOST {
            return false;
        }
        let bodies = cx.bodies();
        let Some(outcome) = self.outcome(block_of(&bodies, node.tip), &bodies) else {
            return false;
        };
        let account = outcome.ledger.accounts.get(transaction.from);
        if self.law.covers_all {
            if transaction.nonce < account.nonce {
                return false;
            }
        } else if !self.is_first(node, key.2) {
            return false;
        }
        if transaction.covers_all != self.law.covers_all || cx.verify_body(handle).failed() > 0 {
            return false;
        }
        let (from, nonce, id) = key;
        if node.pool.add(Waiting { from, nonce, id, handle }) {
            cx.retain(handle);
        }
        true
    }

    /// Whether it was not passed on before, where nonces do not tell.
    fn is_first(&self, node: &mut Full, id: u64) -> bool {
        if node.passed.contains(&id) {
            return false;
        }
        if node.passed.len() >= MAX_PASSED {
            node.passed.remove(0);
        }
        node.passed.push(id);
        true
    }

    fn pass_on(
        &self,
        node: &Full,
        from: Option<NodeId>,
        handle: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let message = GoodwillMessage::Transaction { transaction: handle };
        if self.floods_transactions() {
            self.tell_neighbours(from, message, cx);
            return;
        }
        // Leaders send nothing on: who made it has told them all.
        if from.is_some_and(|from| from.0 < self.forgers()) {
            return;
        }
        let bodies = cx.bodies();
        let tip = block_of(&bodies, node.tip);
        let next = self.slot_at(cx.local_clock()).saturating_add(1);
        let mut told = [None; LEADERS as usize];
        for (place, slot) in (next..next.saturating_add(LEADERS)).enumerate() {
            let leader =
                self.leader(tip, slot, &bodies).map(NodeId).filter(|leader| *leader != cx.id());
            if leader.is_some() && !told.contains(&leader) {
                told[place] = leader;
                leader.into_iter().for_each(|leader| cx.send(leader, message));
            }
        }
    }

    /// A light peer wants to know of its transaction.
    fn follow(&self, node: &mut Full, peer: NodeId, transaction: &Transaction) {
        let id = transaction.id();
        if let Err(place) = node.followed.binary_search_by_key(&id, |one| one.id)
            && node.followed.len() < MAX_FOLLOWED
        {
            node.followed.insert(place, Followed { id, peer, height: 0 });
        }
    }

    /// Tells a light peer how deep its transaction lies, if it wants to know.
    pub(crate) fn notify(
        &self,
        node: &mut Full,
        (block, id): (Shared, u64),
        depth: u32,
        cx: &mut impl Context<Self>,
    ) {
        let Ok(place) = node.followed.binary_search_by_key(&id, |one| one.id) else { return };
        let bodies = cx.bodies();
        let proof = Attested::new(block, block_of(&bodies, block).transactions.len());
        let peer = node.followed[place].peer;
        cx.send(peer, GoodwillMessage::Notice { proof, transaction: id, depth });
        if depth >= self.confirmations {
            node.followed.remove(place);
        }
    }

    /// The node's chain has changed: what was in blocks waits again, what is in blocks waits no more.
    pub(crate) fn move_transactions(
        &self,
        node: &mut Full,
        path: &Path,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        for handle in &path.joined {
            let block = block_of(&bodies, *handle);
            for one in &block.transactions {
                let Transaction { from, nonce, .. } = *one.transaction;
                let id = one.transaction.id();
                let gone = match self.law.covers_all {
                    true => node.pool.drop_up_to(from, nonce),
                    false => node.pool.remove((from, nonce, id)).into_iter().collect(),
                };
                gone.into_iter().for_each(|gone| cx.release(gone));
                if self.confirmations > 1 {
                    self.notify(node, (*handle, id), 1, cx);
                }
                if from == cx.id().0 && !one.transaction.is_attack {
                    cx.record(M::Inclusion, one.transaction.age(cx.now()).0);
                }
            }
        }
        for handle in &path.dropped {
            let block = block_of(&bodies, *handle);
            for one in &block.transactions {
                node.passed.retain(|passed| *passed != one.transaction.id());
                self.takes(node, one.handle, &one.transaction, cx);
            }
        }
    }

    /// Two blocks of one slot by one forger prove that it cheats.
    pub(crate) fn look_for_twins(
        &self,
        node: &mut Full,
        handle: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if !self.law.bans || self.is_attacker(cx.id()) {
            return;
        }
        let bodies = cx.bodies();
        let block = block_of(&bodies, handle);
        let is_twin = |other: &&Shared| {
            let other = block_of(&bodies, **other);
            (other.header.slot, other.header.forger) == (block.header.slot, block.header.forger)
                && other.hash != block.hash
        };
        let Some(twin) = node.recent.iter().find(is_twin).map(|twin| block_of(&bodies, *twin))
        else {
            return;
        };
        let accused = block.header.forger.0;
        let known = u64::from(block.header.slot) << 32 | u64::from(accused);
        if node.accused.contains(&known) {
            return;
        }
        self.note_accused(node, known);
        let payload = Payload::Evidence {
            accused,
            slot: block.header.slot,
            hashes: [twin.hash, block.hash],
            signatures: Box::new([twin.signature, block.signature]),
        };
        self.make(node, payload, cx);
    }

    fn note_accused(&self, node: &mut Full, what: u64) {
        if node.accused.len() >= MAX_ASKED {
            node.accused.remove(0);
        }
        node.accused.push(what);
    }

    /// A block with a good signature and false contents: its forger is accused.
    pub(crate) fn accuse_of(&self, node: &mut Full, handle: Shared, cx: &mut impl Context<Self>) {
        if !self.law.bans || self.is_attacker(cx.id()) {
            return;
        }
        let bodies = cx.bodies();
        let block = block_of(&bodies, handle);
        let parent = block.parent.map(|parent| block_of(&bodies, parent));
        let is_its_slot = parent.is_some_and(|p| {
            self.leader(p, block.header.slot, &bodies) == Some(block.header.forger.0)
        });
        if !is_its_slot || node.accused.contains(&block.hash) || !cx.verify_body(handle).holds(0) {
            return;
        }
        self.note_accused(node, block.hash);
        let payload = Payload::Accuse { accused: block.header.forger.0, block: block.hash };
        self.make(node, payload, cx);
    }

    /// Anybody looks a transaction up.
    pub(crate) fn on_lookup(
        &self,
        node: &Full,
        from: NodeId,
        id: u64,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let mut at = node.tip;
        let mut found = None;
        for _ in 0..node.height.min(MAX_LOOKED) {
            let block = block_of(&bodies, at);
            if block.transactions.iter().any(|one| one.transaction.id() == id) {
                found = Some(Name(at));
                break;
            }
            at = ancestor(at, 1, &bodies);
        }
        cx.send(from, GoodwillMessage::Found { transaction: id, block: found });
    }

    /// A peer says that it has made a transaction.
    pub(crate) fn tell_of(&self, id: u64, cx: &mut impl Context<Self>) {
        cx.output(GoodwillOutput::Sent { transaction: id });
    }
}
