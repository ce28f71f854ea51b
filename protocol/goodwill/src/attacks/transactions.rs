//! Transactions that should not be: of what others have signed, and more schedules than money.

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Bodies as _, Context, NodeId, Protocol as _, Shared};

use super::{Plan, full, shout};
use crate::block::Item;
use crate::chain::block_of;
use crate::contracts::{Code, address};
use crate::message::GoodwillMessage;
use crate::metric::GoodwillMetric as M;
use crate::node::{Full, Node};
use crate::transaction::{Payload, Payment, Transaction};
use crate::{Goodwill, Timer};

/// Copies of a transaction that are tried.
const COPIES: u32 = 20;
/// Schedules made in a window.
const SCHEDULES: u32 = 200;
/// A payment that nobody has the money for.
const TOO_MUCH: u64 = u64::MAX / 4;

/// A maker of such transactions.
#[derive(Debug)]
pub(super) struct Transactions {
    plan: Plan,
}

impl Transactions {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan }
    }

    /// Spends what somebody has signed again, and again, to itself.
    fn replay(
        &self,
        honest: &Goodwill,
        node: &mut Full,
        seen: &Transaction,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        let own = cx.id().0;
        for copy in 1..=COPIES {
            let mut again = seen.clone();
            again.nonce = seen.nonce.wrapping_add(copy);
            again.outputs = Box::new([Payment { to: own, amount: seen.amount() }]);
            (again.payload, again.made, again.is_attack) = (Payload::None, cx.now(), true);
            let handle = cx.share(Item::Transaction(again.into()));
            cx.record(M::Attacks, 1);
            self.send(honest, node, handle, cx);
        }
    }

    fn send(
        &self,
        honest: &Goodwill,
        node: &mut Full,
        handle: Shared,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        shout(honest, GoodwillMessage::Transaction { transaction: handle }, cx);
        honest.on_transaction(node, None, handle, cx);
    }

    /// Ends a schedule of somebody else.
    fn stop(&self, honest: &Goodwill, node: &mut Full, cron: u64, cx: &mut Tap<'_, '_, Goodwill>) {
        let (own, covers) = (cx.id().0, honest.law.covers_all);
        let mut stop = Transaction::new(own, node.nonce, Payload::Stop { cron }, covers);
        stop.is_attack = true;
        node.nonce = node.nonce.saturating_add(1);
        cx.record(M::Attacks, 1);
        let handle = honest.sign_and_share(stop, cx);
        self.send(honest, node, handle, cx);
    }

    /// Calls a contract of its own for nothing.
    fn starve(
        &self,
        honest: &Goodwill,
        node: &mut Full,
        window: u32,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        honest.make(
            node,
            Payload::Create {
                name: window,
                fuel: 1,
                calls: u32::MAX,
                code: Code::None,
                input: Box::default(),
            },
            cx,
        );
        let contract = address(cx.id().0, window);
        for limit in 1..=u64::from(SCHEDULES) {
            cx.record(M::Attacks, 1);
            honest.make(
                node,
                Payload::Call { contract, limit, price: 0, value: 0, input: Box::default() },
                cx,
            );
        }
    }

    fn flood(&self, honest: &Goodwill, node: &mut Full, cx: &mut Tap<'_, '_, Goodwill>) {
        let bodies = cx.bodies();
        let first = block_of(&bodies, node.tip).header.slot.saturating_add(2);
        for _ in 0..SCHEDULES {
            cx.record(M::Attacks, 1);
            let to = cx.id().0;
            honest.make(
                node,
                Payload::Cron { to, amount: TOO_MUCH, first, period: 1, count: 0 },
                cx,
            );
        }
    }
}

impl Behaviour<Goodwill> for Transactions {
    fn on_message(
        &mut self,
        honest: &Goodwill,
        node: &mut Node,
        from: NodeId,
        message: &GoodwillMessage,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        honest.on_message(node, from, message, cx);
        let GoodwillMessage::Transaction { transaction } = *message else { return };
        let bodies = cx.bodies();
        if self.plan == Plan::CronFlooder
            && let Some(full) = full(node)
            && let Some(seen) = bodies.get(transaction).transaction()
            && matches!(seen.payload, Payload::Cron { .. })
            && seen.from != cx.id().0
        {
            self.stop(honest, full, seen.id(), cx);
        }
        if self.plan == Plan::InputReplayer
            && let Some(full) = full(node)
            && let Some(seen) = bodies.get(transaction).transaction()
            && seen.payload == Payload::None
            && !seen.is_attack
            && seen.amount() > 0
            && !full.accused.contains(&seen.id())
        {
            full.accused.push(seen.id());
            self.replay(honest, full, seen, cx);
        }
    }

    fn on_timer(
        &mut self,
        honest: &Goodwill,
        node: &mut Node,
        timer: Timer,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        honest.on_timer(node, timer, cx);
        let (Timer::Window { window }, Some(full)) = (timer, full(node)) else { return };
        match self.plan {
            Plan::CronFlooder => self.flood(honest, full, cx),
            Plan::FeeStarver => self.starve(honest, full, window, cx),
            _ => {}
        }
    }
}
