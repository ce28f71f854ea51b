//! Forging: a forger's own slots, the block it makes in one, and what it does for every window.

use anthill_protocol::draw::{below, mix};
use anthill_protocol::{Bodies, Context, Digest, NodeId, Shared};

use crate::associations::Association;
use crate::block::{Block, HEADER_BYTES, Header, Included, Item, MOST_BYTES};
use crate::chain::block_of;
use crate::ledger::Ledger;
use crate::metric::GoodwillMetric as M;
use crate::node::Full;
use crate::orders::PRICE;
use crate::output::GoodwillOutput;
use crate::parameters::Strategy;
use crate::transaction::{Payload, Transaction};
use crate::{Goodwill, Timer};

impl Goodwill {
    /// Sets a timer for the next slot of its own in this window, or for the next window.
    pub(crate) fn plan(&self, node: &mut Full, after: u32, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let tip = block_of(&bodies, node.tip);
        let Some(outcome) = self.outcome(tip, &bodies) else { return };
        let tip = (&outcome.ledger, tip.hash);
        let first = after.saturating_add(1);
        let window = self.window_of(first);
        let end = window.saturating_add(1).saturating_mul(self.window);
        node.clock = node.clock.wrapping_add(1);
        node.lottery = Self::lottery_of(tip, window);
        let own = |slot: &u32| self.leader_after(tip, *slot) == Some(cx.id().0);
        let slot = (first..=end).find(own).unwrap_or(end.saturating_add(1));
        if slot <= self.last_slot() {
            let wait = self.start_of(slot).since(cx.local_clock());
            cx.set_timer(wait, Timer::Slot { slot, clock: node.clock });
        }
    }

    /// The tip has changed: plans anew if the lottery did.
    pub(crate) fn keep_plan(&self, node: &mut Full, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let now = self.slot_at(cx.local_clock());
        let tip = block_of(&bodies, node.tip);
        let Some(outcome) = self.outcome(tip, &bodies) else { return };
        let lottery = Self::lottery_of((&outcome.ledger, tip.hash), self.window_of(now + 1));
        if lottery != node.lottery {
            self.plan(node, now, cx);
        }
    }

    /// A slot has come that may be the node's own.
    pub(crate) fn on_slot(&self, node: &mut Full, slot: u32, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let tip = block_of(&bodies, node.tip);
        if self.leader(tip, slot, &bodies) == Some(cx.id().0) && tip.header.slot < slot {
            let block = self.forge(node, node.tip, slot, 0, cx);
            self.publish(node, block, cx);
        }
        self.plan(node, slot, cx);
    }

    /// A forger's own block is in its chain, and on its way.
    pub(crate) fn publish(&self, node: &mut Full, handle: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let block = block_of(&bodies, handle);
        let Header { slot, height, .. } = block.header;
        node.forged += 1;
        cx.record(M::Blocks, 1);
        cx.record(M::Stale, 1);
        cx.record(M::Executions, 1);
        cx.output(GoodwillOutput::Forged { slot, height, block: block.hash });
        self.receive(node, None, handle, cx);
    }

    /// Makes a block on top of another one.
    pub(crate) fn forge(
        &self,
        node: &Full,
        parent: Shared,
        slot: u32,
        salt: u32,
        cx: &mut impl Context<Self>,
    ) -> Shared {
        let bodies = cx.bodies();
        let below = block_of(&bodies, parent);
        let outcome = self.outcome(below, &bodies);
        let state = outcome.as_deref().map(|outcome| &outcome.ledger);
        let transactions =
            state.map_or_else(Box::default, |state| self.choose(node, state, &bodies));
        let time = match self.slot_at(cx.local_clock()) == slot {
            true => cx.local_clock(),
            false => self.start_of(slot),
        };
        let mut header = Header {
            slot,
            height: below.header.height.saturating_add(1),
            parent: below.hash,
            time,
            forger: cx.id(),
            root: Digest([0; 32]),
            price: self.price_of(cx.id()),
            salt,
        };
        let outcome = state.map(|state| {
            let execute = || self.execute((state, below.hash), &header, &transactions);
            self.executions.count(execute)
        });
        if let Some(outcome) = &outcome {
            header.root = outcome.root;
        }
        let mut block = Block::new(Some(parent), header, transactions, self.law.covers_time);
        if let Some(outcome) = outcome {
            self.keep(&block, outcome, &bodies);
        }
        self.sign_block(&mut block, cx);
        cx.share(Item::Block(block.into()))
    }

    pub(crate) fn sign_block(&self, block: &mut Block, cx: &mut impl Context<Self>) {
        let digest = block.digest(cx.scenario());
        block.signature = cx.sign(&digest);
    }

    /// What goes into a block: of each account its next ones, as long as it can pay.
    fn choose(&self, node: &Full, state: &Ledger, bodies: &impl Bodies<Item>) -> Box<[Included]> {
        let accounts = &state.accounts;
        let (mut chosen, mut bytes) = (Vec::new(), HEADER_BYTES);
        let (mut from, mut nonce, mut left) = (u32::MAX, 0, 0);
        for one in node.pool.iter() {
            if chosen.len() >= self.block_transactions as usize {
                break;
            }
            if one.from != from {
                let account = accounts.get(one.from);
                (from, nonce, left) = (one.from, account.nonce, account.balance);
            }
            let Some(transaction) = bodies.get(one.handle).transaction() else { continue };
            let is_next = !self.law.covers_all || one.nonce == nonce;
            if is_next && transaction.cost() <= left {
                bytes = bytes.saturating_add(transaction.encoded_len());
                if bytes > MOST_BYTES {
                    break;
                }
                left -= transaction.cost();
                nonce = nonce.saturating_add(1);
                chosen.push(Included { handle: one.handle, transaction: transaction.clone() });
            }
        }
        chosen.into()
    }

    /// Half a slot before a window a forger does what it does for every window.
    pub(crate) fn on_window(&self, node: &mut Full, window: u32, cx: &mut impl Context<Self>) {
        self.await_window(window.saturating_add(1), cx);
        let bodies = cx.bodies();
        let tip = block_of(&bodies, node.tip);
        let Some(outcome) = self.outcome(tip, &bodies) else { return };
        let ledger = &outcome.ledger;
        self.resume_nonce(node, ledger, cx);
        if let Some(bid) = self.next_bid(ledger, window, cx) {
            self.give(node, ledger, (bid, window), cx);
        }
        self.ask_for_approval(node, window, cx);
        self.open_contract(node, window, cx);
        self.vote_on_new(node, ledger, cx);
    }

    pub(crate) fn await_window(&self, window: u32, cx: &mut impl Context<Self>) {
        let first = window.saturating_mul(self.window).saturating_add(1);
        if first <= self.last_slot() {
            let half = anthill_protocol::Span(self.slot.0 / 2);
            let at = self.start_of(first).since(cx.local_clock());
            let wait = anthill_protocol::Span(at.0.saturating_sub(half.0));
            cx.set_timer(wait, Timer::Window { window });
        }
    }

    /// Transactions that were lost, or refused, leave a gap: a forger whose pool is empty of its own
    /// begins where the chain is.
    fn resume_nonce(&self, node: &mut Full, ledger: &Ledger, cx: &mut impl Context<Self>) {
        let own = cx.id().0;
        let waits = node.pool.iter().any(|one| one.from == own);
        if !waits {
            node.nonce = ledger.accounts.get(own).nonce;
        }
    }

    /// A forger's bid for the window after the next, if it makes one.
    pub(crate) fn next_bid(
        &self,
        ledger: &Ledger,
        window: u32,
        cx: &mut impl Context<Self>,
    ) -> Option<u64> {
        let own = cx.id().0;
        let balance = ledger.accounts.balance(own);
        let bid = match self.strategy {
            _ if self.is_attacker(cx.id()) || self.is_odd(own) => self.first_bid(own),
            Strategy::Fixed => self.usual_bid,
            Strategy::WealthShare => below(self.wealth_part, balance),
            Strategy::BestReply => {
                let (last, total) = self.last_known(ledger, window, own);
                let others = total.saturating_sub(last);
                let value = u128::from(self.window) * u128::from(self.reward);
                let best = (value * u128::from(others)).isqrt().saturating_sub(others.into());
                let best = u64::try_from(best).unwrap_or(u64::MAX);
                let n = u64::from(self.forgers().max(1));
                match best >= last {
                    true => last + (best - last) / n,
                    false => last - (last - best) / n,
                }
            }
        };
        let bid = bid.min(balance);
        (bid >= self.least_bid).then_some(bid)
    }

    /// A forger's weight and that of all in the next window: half a slot before this one it is the one
    /// that is bid for in the chain's last blocks.
    fn last_known(&self, ledger: &Ledger, window: u32, own: u32) -> (u64, u64) {
        if ledger.window < window && !ledger.bids.is_empty() {
            let total = ledger.bids.values().fold(0u64, |sum, bid| sum.saturating_add(*bid));
            return (ledger.bids.get(&own).copied().unwrap_or(0), total);
        }
        (ledger.tables[1].weight(own), ledger.tables[1].total())
    }

    /// Bids so much, for the good of some approved association.
    fn give(
        &self,
        node: &mut Full,
        ledger: &Ledger,
        (amount, window): (u64, u32),
        cx: &mut impl Context<Self>,
    ) {
        let all = ledger.associations.iter().zip(0u32..);
        // Nobody gives to one that it would not vote for, nor to its own if that is refused.
        let is_own = |one: &Association| self.law.refuses_own && one.key == Some(cx.id());
        let trusts = |one: &Association| {
            one.is_admitted()
                && !is_own(one)
                && (one.key.is_none() || self.likes(cx.id(), one.name, one.is_scam))
        };
        let admitted: Vec<u32> =
            all.filter(|(one, _)| trusts(one)).map(|(_, place)| place).collect();
        let association = match admitted.is_empty() {
            true => 0,
            false => admitted[cx.random_below(admitted.len() as u64) as usize],
        };
        node.bid = node.bid.saturating_add(amount);
        let payload = Payload::Bid { association, amount, window: window.saturating_add(2) };
        self.make(node, payload, cx);
    }

    /// Node 0 stands for those who ask for approval, genuine and not.
    fn ask_for_approval(&self, node: &mut Full, window: u32, cx: &mut impl Context<Self>) {
        if cx.id() != NodeId(0) {
            return;
        }
        for number in 0..self.requests + self.scams {
            let name = mix(self.seed(), u64::from(window) << 32 | u64::from(number)) as u32;
            let payload = Payload::Request {
                name,
                purpose: (number % 5) as u8,
                credential: self.credential(name, cx.id()),
                is_scam: number >= self.requests,
            };
            self.make(node, payload, cx);
        }
    }

    /// What a forger asks for a unit of fuel: those that are willing what callers pay, others far more.
    pub(crate) fn price_of(&self, forger: NodeId) -> u64 {
        let draw = mix(self.seed() ^ 0x7072_6963, forger.0.into());
        if draw <= self.is_willing { PRICE } else { PRICE * 1_000 }
    }

    /// An honest forger votes once on every association that asks.
    fn vote_on_new(&self, node: &mut Full, ledger: &Ledger, cx: &mut impl Context<Self>) {
        let mut is_open = false;
        let mut votes = 0;
        for (one, place) in ledger.associations.iter().zip(0u32..) {
            if !matches!(one.status, crate::associations::Status::Asked { .. }) {
                continue;
            }
            is_open = true;
            if place >= node.voted && !self.is_attacker(cx.id()) {
                let yes = self.likes(cx.id(), one.name, one.is_scam);
                self.make(node, Payload::Vote { association: place, yes }, cx);
                node.voted = place + 1;
                votes += 1;
            }
        }
        if is_open && votes == 0 && !self.is_attacker(cx.id()) {
            self.make(node, Payload::Here, cx);
        }
    }

    /// What a forger thinks of an association, once and for all.
    pub(crate) fn likes(&self, forger: NodeId, name: u32, is_scam: bool) -> bool {
        let draw = mix(self.seed() ^ 0x6c69_6b65, u64::from(forger.0) << 32 | u64::from(name));
        draw < if is_scam { self.fooled } else { self.approves }
    }

    /// A full node makes a transaction of its own and passes it on.
    pub(crate) fn make(
        &self,
        node: &mut Full,
        payload: Payload,
        cx: &mut impl Context<Self>,
    ) -> Shared {
        let transaction = Transaction::new(cx.id().0, node.nonce, payload, self.law.covers_all);
        node.nonce = node.nonce.saturating_add(1);
        let handle = self.sign_and_share(transaction, cx);
        self.on_transaction(node, None, handle, cx);
        handle
    }

    pub(crate) fn sign_and_share(
        &self,
        mut transaction: Transaction,
        cx: &mut impl Context<Self>,
    ) -> Shared {
        transaction.made = cx.now();
        transaction.signature = cx.sign(&transaction.digest(cx.scenario()));
        cx.share(Item::Transaction(transaction.into()))
    }
}
