//! The plain venue's reservations.

use super::Naive;
use crate::amount::{Cash, Lots, MAX_LOTS, MAX_PRICE, Ticks, fee};
use crate::command::{Force, Kind, Order, OrderId, Side, Terms};
use crate::event::{Event, Reason, Refusal};
use crate::hash::lock_of;
use crate::slab::State;
use crate::stored::stored;

/// Resting quantity held for a prepared order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) maker: OrderId,
    pub(super) stamp: u64,
    pub(super) price: Ticks,
    pub(super) quantity: Lots,
}

/// A prepared order.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    pub(super) order: Order,
    terms: Terms,
    since: u64,
    pub(super) cash: Cash,
    pub(super) deposit: Cash,
    value: Cash,
    parts: Vec<Part>,
}

stored! {
    Part { maker, stamp, price, quantity }
    Promise { order, terms, since, cash, deposit, value, parts }
}

impl Promise {
    pub(super) fn holds(&self, id: OrderId) -> bool {
        self.parts.iter().any(|part| part.maker == id)
    }

    /// What it holds of an account's orders of a side.
    pub(super) fn fills_of(&self, account: u32, side: Side) -> impl Iterator<Item = &Part> {
        let mine = move |part: &&Part| part.maker.account == account && self.order.side != side;
        self.parts.iter().filter(mine)
    }
}

impl Naive {
    pub(super) fn prepare(
        &mut self,
        order: &Order,
        terms: Terms,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let order = Order { kind: Kind::Limit(Force::Fill), ..*order };
        self.check_standing(order.id, order.instrument, 0)?;
        if order.quantity < 1 || order.quantity > MAX_LOTS {
            return Err(Refusal::Quantity);
        }
        if order.price < 1 || order.price > MAX_PRICE {
            return Err(Refusal::Price);
        }
        if matches!(terms, Terms::Hash { deadline, .. } if deadline <= self.height) {
            return Err(Refusal::Decision);
        }
        let market = |side| self.limit_of(&Order { kind: Kind::Market, side, ..order });
        if order.price > market(Side::Bid) || order.price < market(Side::Ask) {
            return Err(Refusal::Collar);
        }
        let (lots, value, worst) = self.reach(&order, order.price);
        if value > self.rules.limits.value {
            return Err(Refusal::Value);
        }
        let deposit = fee(value, self.rules.holding_most);
        let cash = if order.side == Side::Bid { worst } else { 0 };
        self.check_funds(&order, cash + deposit, None)?;
        let (all, reserved) = self.cash(order.id.account);
        if all - reserved < cash + deposit {
            return Err(Refusal::Cash);
        }
        if lots < order.quantity {
            return Err(Refusal::Unfilled);
        }
        self.trader(order.id.account).enter(order.id.number);
        let (since, parts) = (self.height, Vec::new());
        self.promises.push(Promise { order, terms, since, cash, deposit, value, parts });
        self.gather(&order, events);
        events.push(Event::Held { id: order.id });
        Ok(())
    }

    /// Moves the quantity of the newest promise out of the book.
    fn gather(&mut self, order: &Order, events: &mut Vec<Event>) {
        let mut left = order.quantity;
        while left > 0 {
            let Some(at) = self.best(order.instrument, order.side.other()) else { break };
            let maker = self.open[at].order;
            if maker.id.account == order.id.account {
                self.remove(at, Reason::SelfTrade, events);
                continue;
            }
            let quantity = self.open[at].shown().min(left);
            let stamp = self.open[at].stamp;
            left -= quantity;
            if let Some(promise) = self.promises.last_mut() {
                match promise.parts.iter_mut().find(|part| part.maker == maker.id) {
                    Some(part) => part.quantity += quantity,
                    None => {
                        let (maker, price) = (maker.id, maker.price);
                        promise.parts.push(Part { maker, stamp, price, quantity });
                    }
                }
            }
            self.consume(at, quantity);
            let (id, maker, price) = (order.id, maker.id, maker.price);
            events.push(Event::Matched { id, maker, price, quantity });
        }
    }

    pub(super) fn decide(
        &mut self,
        id: OrderId,
        coordinator: u32,
        commit: bool,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let Some(at) = self.promises.iter().position(|promise| promise.order.id == id) else {
            self.check_bar(id)?;
            if commit {
                return Err(Refusal::Unknown);
            }
            self.trader(id.account).use_up(id.number);
            events.push(Event::Barred { id });
            return Ok(());
        };
        if self.promises[at].terms != (Terms::Decision { coordinator }) {
            return Err(Refusal::Decision);
        }
        if commit {
            self.perform(at, events)
        } else {
            self.let_go(at, events)
        }
        Ok(())
    }

    pub(super) fn reveal(
        &mut self,
        id: OrderId,
        preimage: &[u8; 32],
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let at = self.promises.iter().position(|promise| promise.order.id == id);
        let at = at.ok_or(Refusal::Unknown)?;
        match self.promises[at].terms {
            Terms::Hash { lock, .. } if lock == lock_of(preimage) => self.perform(at, events),
            _ => return Err(Refusal::Decision),
        }
        Ok(())
    }

    pub(super) fn expire(&mut self, events: &mut Vec<Event>) {
        let height = self.height;
        let late = |promise: &&Promise| matches!(promise.terms, Terms::Hash { deadline, .. } if deadline <= height);
        let mut due: Vec<_> =
            self.promises.iter().filter(late).map(|promise| promise.order.id).collect();
        due.sort();
        for id in due {
            let at = self.promises.iter().position(|promise| promise.order.id == id);
            self.let_go(at.unwrap_or(0), events);
        }
    }

    fn end(&mut self, at: usize) -> Promise {
        let promise = self.promises.remove(at);
        let blocks = Cash::from(self.height - promise.since);
        let charge = (fee(promise.value, self.rules.holding_fee) * blocks).min(promise.deposit);
        self.trader(promise.order.id.account).cash -= charge;
        self.fees += charge;
        promise
    }

    fn perform(&mut self, at: usize, events: &mut Vec<Event>) {
        let promise = self.end(at);
        for part in &promise.parts {
            self.pay(&promise.order, part.maker, part.price, part.quantity, events);
            self.tidy(part.maker);
        }
        events.push(Event::Settled { id: promise.order.id });
    }

    /// Forgets an order of which nothing is left, in the book or held.
    fn tidy(&mut self, id: OrderId) {
        let is_held = self.open.get(id).is_some_and(|open| open.state == State::Held);
        if is_held && self.holds_of(id) == 0 {
            self.open.remove(id);
        }
    }

    fn let_go(&mut self, at: usize, events: &mut Vec<Event>) {
        let mut promise = self.end(at);
        events.push(Event::Released { id: promise.order.id });
        promise.parts.sort_by_key(|part| part.stamp);
        // Until its turn comes, a part is still held.
        let mut held = Promise { cash: 0, deposit: 0, ..promise.clone() };
        held.order = Order { quantity: 0, ..held.order };
        for part in &promise.parts {
            held.parts.remove(0);
            self.promises.push(held.clone());
            if let Ok(at) = self.find(part.maker) {
                self.open.change(at, |open| open.remaining += part.quantity);
                if self.open[at].state == State::Book {
                    let remaining = self.open[at].remaining;
                    events.push(Event::Rested { id: part.maker, remaining });
                } else {
                    self.again(at, events);
                }
            } else {
                self.tidy(part.maker);
            }
            self.promises.pop();
        }
        self.fire(promise.order.instrument, events);
    }
}
