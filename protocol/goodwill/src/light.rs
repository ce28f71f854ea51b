//! Light peers: they push transactions to their homes, and believe what all of these agree on.

use anthill_protocol::kit::Arrivals;
use anthill_protocol::{Bodies, Context, NodeId, Shared, Span};

use crate::accounts::AccountId;
use crate::message::{Attested, GoodwillMessage};
use crate::metric::GoodwillMetric as M;
use crate::node::{Light, Node, Pending};
use crate::output::GoodwillOutput;
use crate::transaction::{Payload, Payment, Transaction};
use crate::{Goodwill, Timer};

/// Slots after which a light peer sends a transaction again that no home has seen in a block.
const PATIENCE: u64 = 8;
/// Windows of silence after which an heir has everything.
const PATIENT_WINDOWS: u32 = 3;
/// Payments that a schedule makes.
const CRON_COUNT: u32 = 3;

impl Goodwill {
    /// Whether a node makes transactions: light peers do, and forgers if there are no light peers.
    fn pays(&self, node: NodeId) -> bool {
        node.0 >= self.forgers() || self.nodes() == self.forgers()
    }

    fn arrivals(&self) -> Option<Arrivals> {
        let light = self.nodes() - self.forgers();
        let payers = if light == 0 { self.forgers() } else { light };
        let mean = Span((f64::from(payers) / self.rate * 1e9) as u64);
        (self.rate > 0.0).then(|| Arrivals::poisson(mean))
    }

    /// A peer waits for its next transaction.
    pub(crate) fn await_payment(&self, cx: &mut impl Context<Self>) {
        if let Some(arrivals) =
            self.arrivals().filter(|_| self.pays(cx.id()) && !self.is_attacker(cx.id()))
        {
            arrivals.await_next(cx, Timer::Pay);
        }
    }

    /// A peer makes a transaction; none once the run is to end.
    pub(crate) fn pay(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        if self.slot_at(cx.now()) >= self.last_slot() {
            return;
        }
        self.await_payment(cx);
        let (own, nonce) = match node {
            Node::Light(light) if light.pending.is_some() => return,
            Node::Light(light) => (cx.id().0, light.nonce),
            Node::Full(full) => (cx.id().0, full.nonce),
        };
        let transaction = self.payment(own, nonce, cx);
        let id = transaction.id();
        let handle = self.sign_and_share(transaction, cx);
        self.tell_of(id, cx);
        match node {
            Node::Full(full) => {
                full.nonce = full.nonce.saturating_add(1);
                self.on_transaction(full, None, handle, cx);
            }
            Node::Light(light) => {
                cx.retain(handle);
                let (block, homes, is_included) = (0, 0, false);
                light.pending = Some(Pending { handle, id, block, homes, is_included });
                light.nonce = light.nonce.saturating_add(1);
                self.push(light, cx);
            }
        }
    }

    /// A payment to anybody, or what the workload asks for in its place.
    fn payment(&self, own: AccountId, nonce: u32, cx: &mut impl Context<Self>) -> Transaction {
        let to = cx.random_below(self.nodes().into()) as u32;
        let draw = cx.random();
        let slot = self.slot_at(cx.local_clock());
        let crons = anthill_protocol::draw::threshold(self.crons);
        let of_calls = anthill_protocol::draw::threshold(self.crons + self.calls);
        let payload = match (draw < crons, draw < of_calls) {
            // Of four such one names an heir, and one says that it lives.
            (true, _) if nonce % 4 == 1 => {
                Payload::DeadMan { heir: to, patience: self.window.saturating_mul(PATIENT_WINDOWS) }
            }
            (true, _) if nonce % 4 == 2 => Payload::Alive,
            (true, _) => Payload::Cron {
                to,
                amount: self.payment,
                first: slot.saturating_add(2),
                period: 2,
                count: CRON_COUNT,
            },
            (false, true) => self.order_of(self.window_of(slot), (own, nonce), to),
            (false, false) => Payload::None,
        };
        let mut transaction = Transaction::new(own, nonce, payload, self.law.covers_all);
        if transaction.payload == Payload::None {
            transaction.outputs = Box::new([Payment { to, amount: self.payment }]);
        }
        transaction.fee = self.usual_fee;
        transaction
    }

    /// Sends the pending transaction to all homes, and looks again later.
    fn push(&self, light: &Light, cx: &mut impl Context<Self>) {
        let Some(pending) = light.pending else { return };
        for home in self.homes(cx.id()) {
            cx.send(home, GoodwillMessage::Transaction { transaction: pending.handle });
        }
        cx.set_timer(self.slot * PATIENCE, Timer::Again { nonce: light.nonce });
    }

    /// Nobody has said that the transaction is in a block.
    pub(crate) fn push_again(&self, node: &mut Node, nonce: u32, cx: &mut impl Context<Self>) {
        let Node::Light(light) = node else { return };
        let waits = light.pending.is_some_and(|pending| !pending.is_included);
        if waits && light.nonce == nonce && self.slot_at(cx.now()) < self.last_slot() {
            self.push(light, cx);
        }
    }

    /// A home says where the pending transaction is. It is believed once all homes have said that the
    /// same block has it, deep enough.
    pub(crate) fn on_notice(
        &self,
        light: &mut Light,
        from: NodeId,
        (proof, id, depth): (Attested, u64, u32),
        cx: &mut impl Context<Self>,
    ) {
        let Some(pending) = light.pending.as_mut().filter(|pending| pending.id == id) else {
            return;
        };
        let Some(slot) = self.homes(cx.id()).position(|home| home == from) else { return };
        let bodies = cx.bodies();
        let Some(block) = bodies.get(proof.block.0).block() else { return };
        // What the path of hashes proves.
        if !block.transactions.iter().any(|one| one.transaction.id() == id) {
            return;
        }
        let made = bodies.get(pending.handle).transaction().map(|one| one.made).unwrap_or_default();
        if !pending.is_included {
            pending.is_included = true;
            cx.record(M::Inclusion, cx.now().since(made).0);
        }
        if depth < self.confirmations {
            return;
        }
        if pending.block != block.hash {
            (pending.block, pending.homes) = (block.hash, 0);
        }
        pending.homes |= 1 << slot.min(15);
        if pending.homes.count_ones() < self.home_count() {
            return;
        }
        cx.record(M::Confirmation, cx.now().since(made).0);
        if block.is_attack {
            cx.record(M::AttacksSucceeded, 1);
        }
        cx.output(GoodwillOutput::Believed { transaction: id, block: block.hash });
        (light.header, light.height) = (block.hash, block.header.height);
        let handle: Shared = pending.handle;
        light.pending = None;
        cx.release(handle);
    }
}
