//! Which block a full node builds on: the end of the longest valid chain it knows, of equal ones the
//! first seen.

use anthill_protocol::draw::mix;
use anthill_protocol::{Bodies, Context, NodeId, Shared, Span};

use crate::block::{Block, Included, Item, MOST_BYTES};
use crate::ledger::Ledger;
use crate::metric::GoodwillMetric as M;
use crate::node::Full;
use crate::output::{Asset, GoodwillOutput, Money, Seen};
use crate::{Goodwill, Timer};

/// Deeper than this a node does not look whether a block is in its chain: it is of no use either way.
const MAX_WALK: u32 = 65_536;
/// Blocks without a known parent, or of slots to come, that a node keeps; the oldest make room.
const MAX_ORPHANS: usize = 20_000;
/// Blocks of other branches that a node keeps, and how far below its tip it takes some that it did not
/// ask for.
const KEPT: u32 = 1_000;
const MAX_EARLY: usize = 64;
/// A block whose slot begins later than this by the node's own clock waits.
const MAX_AHEAD: Span = Span::from_secs(10);
/// What a signature costs a Raspberry Pi to check, and the power that it takes to be busy, above that of
/// being idle, and idle: 300 µs, 4 W, 1 W.
pub(crate) const MICROSECONDS_PER_SIGNATURE: u64 = 300;

/// The way from one tip to another: down to the common ancestor, and up.
pub(crate) struct Path {
    /// From the old tip down.
    pub(crate) dropped: Vec<Shared>,
    /// Up to the new tip.
    pub(crate) joined: Vec<Shared>,
}

/// A block behind a handle.
///
/// # Panics
/// If it is a transaction: whoever takes a handle for a block's has looked.
pub(crate) fn block_of<B: Bodies<Item>>(bodies: &B, handle: Shared) -> &Block {
    bodies.get(handle).block().expect("handles of blocks are of blocks")
}

impl Path {
    pub(crate) fn between(from: Shared, to: Shared, bodies: &impl Bodies<Item>) -> Self {
        let (mut a, mut b) = (from, to);
        let (mut dropped, mut joined) = (Vec::new(), Vec::new());
        while a != b {
            let (below_a, below_b) = (block_of(bodies, a), block_of(bodies, b));
            let (high_a, high_b) = (below_a.header.height, below_b.header.height);
            // Never `None`: all chains begin with the genesis.
            if high_a >= high_b {
                dropped.push(a);
                a = below_a.parent.unwrap_or(a);
            }
            if high_b >= high_a {
                joined.push(b);
                b = below_b.parent.unwrap_or(b);
            }
        }
        joined.reverse();
        Self { dropped, joined }
    }
}

/// The ancestor that lies so many blocks lower, or the genesis.
pub(crate) fn ancestor(block: Shared, depth: u32, bodies: &impl Bodies<Item>) -> Shared {
    (0..depth).fold(block, |block, _| block_of(bodies, block).parent.unwrap_or(block))
}

impl Goodwill {
    /// Whether the node has this block: what a table of all blocks would say.
    pub(crate) fn knows(&self, node: &Full, block: Shared, cx: &impl Context<Self>) -> bool {
        if node.has_recent(block) {
            return true;
        }
        if node.side.contains(&block) {
            return true;
        }
        let bodies = cx.bodies();
        match node.height.checked_sub(block_of(&bodies, block).header.height) {
            None | Some(0) => false,
            Some(depth) => depth > MAX_WALK || ancestor(node.tip, depth, &bodies) == block,
        }
    }

    /// Whether a block that nobody asked for is of a branch so old that the node forgot it.
    fn is_forgotten(&self, node: &Full, block: &Block) -> bool {
        block.header.height.saturating_add(KEPT) < node.height
    }

    /// A full node has a block: from another, or its own.
    pub(crate) fn receive(
        &self,
        node: &mut Full,
        from: Option<NodeId>,
        handle: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(block) = bodies.get(handle).block() else { return };
        let asked = node.asked.iter().position(|asked| *asked == handle);
        if let Some(place) = asked {
            cx.release(node.asked.swap_remove(place));
        }
        let is_old = asked.is_none() && self.is_forgotten(node, block);
        if is_old || self.knows(node, handle, cx) || node.orphans.contains(&handle) {
            return;
        }
        let Some(parent) = block.parent else { return };
        if self.waits(node, handle, block, cx) {
            return;
        }
        if !self.knows(node, parent, cx) {
            self.adopt_orphan(node, from, (handle, parent), cx);
            return;
        }
        let before = node.tip;
        let mut connected = vec![handle];
        while let Some(handle) = connected.pop() {
            if self.connect(node, handle, cx) && !node.orphans.is_empty() {
                let is_child = |child: &&Shared| block_of(&bodies, **child).parent == Some(handle);
                connected.extend(node.orphans.iter().filter(is_child));
            }
            if let Some(place) = node.orphans.iter().position(|orphan| *orphan == handle) {
                cx.release(node.orphans.remove(place));
            }
        }
        // What was asked for others have; who lacks something asks for it once it hears of the tip.
        if asked.is_none() && (node.tip == handle || node.side.contains(&handle)) {
            self.flood(from, handle, cx);
        } else if node.tip != before {
            self.flood(from, node.tip, cx);
        }
    }

    /// Whether a block's slot has not come: it is looked at again then.
    fn waits(
        &self,
        node: &mut Full,
        handle: Shared,
        block: &Block,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let start = self.start_of(block.header.slot);
        if !self.law.checks_leader || start <= cx.local_clock() + MAX_AHEAD.min(self.slot) {
            return false;
        }
        if node.early.len() < MAX_EARLY && !node.early.contains(&handle) {
            cx.retain(handle);
            node.early.push(handle);
            let wait = start.since(cx.local_clock());
            cx.set_timer(wait, Timer::Early { block: handle.id() });
        }
        true
    }

    /// The slot of a block that came early has come.
    pub(crate) fn on_early(&self, node: &mut Full, block: u64, cx: &mut impl Context<Self>) {
        if let Some(place) = node.early.iter().position(|early| early.id() == block) {
            let handle = node.early.swap_remove(place);
            self.receive(node, None, handle, cx);
            cx.release(handle);
        }
    }

    /// A block whose parent is unknown: the sender has it.
    fn adopt_orphan(
        &self,
        node: &mut Full,
        from: Option<NodeId>,
        (block, parent): (Shared, Shared),
        cx: &mut impl Context<Self>,
    ) {
        if !self.holds(block, cx) {
            cx.record(M::Invalid, 1);
            return;
        }
        if node.orphans.len() >= MAX_ORPHANS {
            cx.release(node.orphans.remove(0));
        }
        cx.retain(block);
        node.orphans.push(block);
        let (bodies, mut missing) = (cx.bodies(), parent);
        while node.orphans.contains(&missing) {
            let Some(below) = block_of(&bodies, missing).parent else { break };
            missing = below;
        }
        if let Some(from) = from {
            self.ask(node, from, missing, cx);
        }
    }

    /// Whether all signatures of a block hold.
    fn holds(&self, block: Shared, cx: &mut impl Context<Self>) -> bool {
        cx.verify_body(block).failed() == 0
    }

    /// Whether a block follows from its parent: slot, height, leader, time, signatures, contents.
    fn is_valid(&self, handle: Shared, cx: &mut impl Context<Self>) -> bool {
        let bodies = cx.bodies();
        let block = block_of(&bodies, handle);
        let Some(parent) = block.parent.map(|parent| block_of(&bodies, parent)) else {
            return false;
        };
        let header = &block.header;
        let is_led = !self.law.checks_leader
            || self.leader(parent, header.slot, &bodies) == Some(header.forger.0);
        let is_timely = !self.law.checks_leader || self.slot_at(header.time) == header.slot;
        let follows = header.parent == parent.hash
            && header.height == parent.header.height.saturating_add(1)
            && header.slot > parent.header.slot;
        if !(is_led && is_timely && follows && self.holds(handle, cx)) {
            return false;
        }
        // What is a function of the block alone is looked at once for all nodes.
        if !block.worked.is_done() {
            let is_whole = |one: &Included| one.transaction.covers_all == self.law.covers_all;
            let is_well_formed = block.covers_time == self.law.covers_time
                && block.hash == block.work_out_hash()
                && block.transactions.len() <= self.block_transactions as usize
                && block.encoded_len() <= MOST_BYTES
                && block.transactions.iter().all(is_whole);
            if !is_well_formed {
                return false;
            }
            let Some(below) = self.outcome(parent, &bodies) else { return false };
            let below = (&below.ledger, parent.hash);
            let execute = || self.execute(below, header, &block.transactions);
            let outcome = self.executions.count(execute);
            self.keep(block, outcome, &bodies);
        }
        self.outcome(block, &bodies).is_some_and(|outcome| outcome.root == header.root)
    }

    /// A block whose parent is known.
    fn connect(&self, node: &mut Full, handle: Shared, cx: &mut impl Context<Self>) -> bool {
        let bodies = cx.bodies();
        let block = block_of(&bodies, handle);
        if !self.is_valid(handle, cx) {
            cx.record(M::Invalid, 1);
            self.accuse_of(node, handle, cx);
            return false;
        }
        if block.stamped != block.header.time {
            cx.record(M::AttacksSucceeded, 1);
        }
        self.spend_energy(node, block, cx);
        self.look_for_twins(node, handle, cx);
        node.remember(handle, cx);
        cx.record(M::Coverage, cx.now().since(self.start_of(block.header.slot)).0);
        if block.header.height > node.height {
            self.switch(node, handle, cx);
        } else {
            self.keep_aside(node, handle, cx);
        }
        true
    }

    /// A block that is not in the node's chain; those of old branches make room.
    fn keep_aside(&self, node: &mut Full, handle: Shared, cx: &mut impl Context<Self>) {
        cx.retain(handle);
        node.side.push(handle);
        if node.side.len() > KEPT as usize {
            cx.release(node.side.remove(0));
        }
    }

    /// What a block takes: every full node works it out, and draws power until the next.
    fn spend_energy(&self, node: &mut Full, block: &Block, cx: &mut impl Context<Self>) {
        cx.record(M::ChargedExecutions, 1);
        let signatures = block.transactions.len() as u64 + 1;
        let idle = cx.now().since(node.powered).0 / 1_000;
        node.powered = cx.now();
        cx.record(M::Energy, idle + 4 * MICROSECONDS_PER_SIGNATURE * signatures);
        cx.record(M::JoulesPerTransaction, idle + 4 * MICROSECONDS_PER_SIGNATURE * signatures);
    }

    /// The node's chain ends in another block from now on.
    fn switch(&self, node: &mut Full, to: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let (old, new) = (node.tip, block_of(&bodies, to));
        let path = match new.parent == Some(old) {
            true => Path { dropped: Vec::new(), joined: vec![to] },
            false => Path::between(old, to, &bodies),
        };
        cx.retain(to);
        (node.tip, node.height) = (to, new.header.height);
        if !path.dropped.is_empty() {
            cx.record(M::DeepestReorg, path.dropped.len() as u64);
            path.dropped.iter().for_each(|block| self.keep_aside(node, *block, cx));
        }
        cx.release(old);
        for joined in &path.joined {
            if let Some(place) = node.side.iter().position(|side| side == joined) {
                cx.release(node.side.remove(place));
            }
        }
        self.tell(&path, cx);
        if cx.id() == NodeId(0) {
            self.count(node, &path, cx);
        }
        self.move_transactions(node, &path, cx);
        self.confirm(node, &path, cx);
        self.keep_plan(node, cx);
    }

    /// Tells the judges of blocks that came into the chain.
    fn tell(&self, path: &Path, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let mut dropped = path.dropped.len() as u32;
        for handle in &path.joined {
            let block = block_of(&bodies, *handle);
            let parent = block.parent.map(|parent| block_of(&bodies, parent));
            let (Some(parent), Some(outcome)) = (parent, self.outcome(block, &bodies)) else {
                continue;
            };
            let seen = Seen {
                block: block.hash,
                parent: block.header.parent,
                slot: block.header.slot,
                height: block.header.height,
                forger: block.header.forger.0,
                leader: self.leader(parent, block.header.slot, &bodies).unwrap_or(u32::MAX),
                root: outcome.root,
            };
            cx.output(GoodwillOutput::Joined { seen, dropped });
            dropped = 0;
            let Ledger { pots, .. } = &outcome.ledger;
            let money =
                Money { held: outcome.ledger.held(), genesis: pots.genesis, minted: pots.minted };
            for (token, owner) in outcome.owners.iter().copied() {
                let block = block.hash;
                cx.output(GoodwillOutput::Owner { block, token, owner });
            }
            for asset in &outcome.assets {
                let asset = Asset { block: block.hash, ..*asset };
                cx.output(GoodwillOutput::Asset { asset });
            }
            let unapproved = outcome.tally.unapproved;
            cx.output(GoodwillOutput::Money { block: block.hash, money, unapproved });
        }
    }

    /// Says which blocks are deep enough now.
    fn confirm(&self, node: &mut Full, path: &Path, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let below = self.confirmations - 1;
        let common = node.height - path.joined.len() as u32;
        let from = node.confirmed.min(common.saturating_sub(below));
        let to = node.height.saturating_sub(below);
        node.confirmed = node.confirmed.max(to);
        let mut blocks = Vec::new();
        let mut at = ancestor(node.tip, node.height - to, &bodies);
        for height in (from + 1..=to).rev() {
            blocks.push((height, at));
            at = ancestor(at, 1, &bodies);
        }
        for (height, handle) in blocks.into_iter().rev() {
            let block = block_of(&bodies, handle);
            cx.output(GoodwillOutput::Confirmed { height, block: block.hash });
            for one in &block.transactions {
                let id = one.transaction.id();
                self.notify(node, (handle, id), self.confirmations, cx);
                if one.transaction.from == cx.id().0 && !one.transaction.is_attack {
                    cx.record(M::Confirmation, one.transaction.age(cx.now()).0);
                    cx.output(GoodwillOutput::Believed { transaction: id, block: block.hash });
                }
            }
        }
    }

    /// Node 0 counts what is in the main chain.
    fn count(&self, node: &mut Full, path: &Path, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let off = path.dropped.iter().map(|block| (*block, u64::MAX));
        for (handle, sign) in off.chain(path.joined.iter().map(|block| (*block, 1))) {
            let block = block_of(&bodies, handle);
            let Some(outcome) = self.outcome(block, &bodies) else { continue };
            let tally = &outcome.tally;
            let done = outcome.receipts.iter().filter(|one| one.refused.is_none()).count() as u64;
            let refused = outcome.receipts.len() as u64 - done;
            let is_stolen = block.is_attack && block.stamped == block.header.time;
            let mut add = |metric: M, value: u64| cx.record(metric, value.wrapping_mul(sign));
            add(M::ChainBlocks, 1);
            add(M::Stale, u64::MAX);
            add(M::Executed, done);
            add(M::Millionths, done * 1_000_000);
            add(M::Refused, refused);
            add(M::Minted, tally.minted);
            add(M::Burnt, tally.burnt);
            add(M::Donated, tally.donated);
            add(M::Kickback, tally.kickback);
            add(M::Admitted, tally.admitted.into());
            add(M::AdmittedScams, tally.admitted_scams.into());
            add(M::Vetoed, tally.vetoed.into());
            add(M::Revoked, tally.revoked.into());
            add(M::Bans, tally.bans.into());
            add(M::Starved, tally.starved.into());
            add(M::Calls, tally.calls.into());
            add(M::Halted, tally.halted.into());
            add(M::CallWait, tally.call_waits);
            add(M::CronFired, tally.cron_fired.into());
            add(M::CronLate, tally.cron_late);
            add(M::DeadManFired, tally.dead_man_fired.into());
            add(M::AttacksSucceeded, u64::from(tally.attacks) + u64::from(is_stolen));
            let last = self.forgers() - 1;
            if block.header.forger.0 == last {
                add(M::Gain, tally.minted + tally.fees);
            }
            for one in block.transactions.iter().filter(|one| one.transaction.from == last) {
                if let crate::transaction::Payload::Bid { amount, .. } = one.transaction.payload {
                    add(M::Given, amount);
                }
            }
        }
        self.measure_wealth(node, cx);
    }

    /// What tells the lottery of the present window, as a node sees it, from others.
    pub(crate) fn lottery_of((ledger, hash): (&Ledger, u64), window: u32) -> u64 {
        match window.checked_sub(ledger.window) {
            Some(0) => mix(ledger.tables[0].hash(), ledger.ends[0]),
            Some(1) => mix(ledger.tables[1].hash(), ledger.ends[1]),
            _ => mix(hash, u64::from(window)),
        }
    }
}
