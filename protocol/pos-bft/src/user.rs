//! Users: they sign transactions, hand them to a validator, and wait for the receipt.

use anthill_contracts::{Address, Payload, Transaction};
use anthill_protocol::kit::Arrivals;
use anthill_protocol::{Context, NodeId, Shared, Snapshot, Span, Time};

use crate::bodies::ChainBody;
use crate::light::Light;
use crate::messages::{ChainMessage, ChainMetric, Timer};
use crate::node::Node;
use crate::protocol::PosBft;
use crate::transaction::Signed;

/// Transactions of a user under way at once.
const MOST_OPEN: usize = 16;
/// How long a user waits before it hands a transaction to another validator.
const PATIENCE: Span = Span::from_secs(30);

/// A transaction under way; the body is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Open {
    pub nonce: u64,
    pub made: Time,
    pub tries: u32,
    pub body: Shared,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct User {
    pub nonce: u64,
    pub open: Vec<Open>,
    pub light: Light,
    /// How long its transactions took.
    #[cfg(test)]
    pub took: Vec<Span>,
}

impl PosBft {
    /// The mean time between a user's transactions; `None`: it makes none.
    fn pause(&self) -> Option<Arrivals> {
        let is_any = self.rate > 0.0 && self.users > 0 && self.executes();
        is_any.then(|| Arrivals::poisson(Span((f64::from(self.users) / self.rate * 1e9) as u64)))
    }

    pub(crate) fn start_user(&self, cx: &mut impl Context<Self>) -> Node {
        if let Some(arrivals) = self.pause() {
            arrivals.await_next(cx, Timer::Arrival);
        }
        self.start_light(cx);
        Node::User(User::default())
    }

    /// The validator that a user hands its transactions to.
    pub(crate) fn entry(&self, user: NodeId, tries: u32) -> NodeId {
        NodeId(user.0.wrapping_add(tries) % self.candidates.max(1))
    }

    /// A user makes its next transaction.
    pub(crate) fn on_arrival(&self, user: &mut User, cx: &mut impl Context<Self>) {
        let Some(arrivals) = self.pause() else { return };
        arrivals.await_next(cx, Timer::Arrival);
        let now = cx.now();
        for open in &mut user.open {
            if now.since(open.made) > PATIENCE * u64::from(open.tries + 1) {
                open.tries += 1;
                cx.send(self.entry(cx.id(), open.tries), ChainMessage::Transaction(open.body));
            }
        }
        if user.open.len() >= MOST_OPEN {
            return;
        }
        let to = NodeId(self.servers + cx.random_below(self.users.into()) as u32);
        let payload = self.order(Address::of_node(to));
        let value = u64::from(matches!(payload, Payload::Transfer { .. }));
        let (body, nonce) = (self.transaction(user.nonce, value, payload, cx), user.nonce);
        user.nonce += 1;
        cx.retain(body);
        if user.open.is_empty() {
            user.open.reserve_exact(1);
        }
        user.open.push(Open { nonce, made: now, tries: 0, body });
        cx.record(ChainMetric::Transactions, 1);
        cx.send(self.entry(cx.id(), 0), ChainMessage::Transaction(body));
    }

    /// A signed transaction of this node, at the price of 1.
    pub(crate) fn transaction(
        &self,
        nonce: u64,
        value: u64,
        payload: Payload,
        cx: &mut impl Context<Self>,
    ) -> Shared {
        let sender = Address::of_node(cx.id());
        let (chain, fuel_limit, price) = (self.chain, 0, 1);
        let mut it = Transaction { chain, sender, nonce, fuel_limit, price, value, payload };
        let spare = if matches!(it.payload, Payload::Call { .. }) { 1_000_000 } else { 0 };
        it.fuel_limit = it.own_fuel() + spare;
        let signed = Signed::new(it, cx).padded(self.bytes);
        cx.share(ChainBody::Transaction(signed))
    }

    /// A user comes up again.
    pub(crate) fn revive_user(&self, user: &mut User, keep: bool, cx: &mut impl Context<Self>) {
        if !keep {
            // Its nonce is on the chain, where a user that forgot it would look.
            user.open.drain(..).for_each(|it| cx.release(it.body));
            let Light { trusted, wanted, .. } = core::mem::take(&mut user.light);
            wanted.into_iter().chain(trusted).for_each(|it| cx.release(it));
        }
        if let Some(arrivals) = self.pause() {
            arrivals.await_next(cx, Timer::Arrival);
        }
        self.start_light(cx);
    }

    /// A transaction is in a block.
    pub(crate) fn on_receipt(&self, user: &mut User, nonce: u64, cx: &mut impl Context<Self>) {
        let place = user.open.iter().position(|it| it.nonce == nonce);
        if let Some(place) = place {
            let open = user.open.remove(place);
            if user.open.is_empty() {
                // Users are many, and few of them wait at one time.
                user.open = Vec::new();
            }
            cx.record(ChainMetric::Transaction, cx.now().since(open.made).0);
            cx.release(open.body);
            #[cfg(test)]
            user.took.push(cx.now().since(open.made));
        }
    }
}
