//! New orders: what is checked before anything changes, on what the order could become.

use super::Venue;
use super::matching::Incoming;
use crate::amount::{Cash, Lots, MAX_LOTS, MAX_PRICE, Ticks, cost, worst_lot};
use crate::command::{Force, Kind, Order, OrderId, Side};
use crate::event::{Event, Reason, Refusal};
use crate::rules::Matching;
use crate::slab::{NONE, Slot, State};

/// What an order may count on beyond what is free: the order it replaces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Credit {
    pub(super) cash: Cash,
    pub(super) lots: Lots,
    pub(super) bidding: Lots,
    pub(super) open: u32,
}

/// What an order would meet in the book now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reach {
    /// Lots it would trade.
    pub(super) lots: Lots,
    /// Their cash.
    pub(super) value: Cash,
    /// What buying them could cost at most, fees included.
    pub(super) worst: Cash,
}

impl Venue {
    pub(super) fn place(&mut self, order: &Order, events: &mut Vec<Event>) -> Result<(), Refusal> {
        self.check(order, Credit::default())?;
        self.enter(order, events);
        Ok(())
    }

    /// Enters a checked order.
    pub(super) fn enter(&mut self, order: &Order, events: &mut Vec<Event>) {
        let block = self.height as u32;
        let account = self.accounts.account_mut(order.id.account);
        account.use_up(order.id.number);
        account.enter(block);
        let (force, display) = match order.kind {
            Kind::Limit(force) => (force, 0),
            Kind::Market => (Force::Immediate, 0),
            Kind::Iceberg { display } => (Force::Rest, display),
            Kind::Stop { trigger, force } => return self.wait(order, trigger, force, events),
        };
        let limit = self.limit_of(order);
        if self.rules.matching == Matching::Batch {
            if force == Force::Immediate {
                self.books[usize::from(order.instrument)].passing.push(order.id);
            }
            return self.rest(&Order { price: limit, ..*order }, force, 0, events);
        }
        let mut incoming = Incoming::new(order, limit);
        self.trade(&mut incoming, events);
        if incoming.remaining > 0 {
            let left = Order { price: limit, quantity: incoming.remaining, ..*order };
            if force == Force::Immediate {
                let (id, remaining) = (order.id, incoming.remaining);
                events.push(Event::Cancelled { id, remaining, reason: Reason::Unfilled });
            } else {
                self.rest(&left, Force::Rest, display, events);
            }
        }
        self.fire(order.instrument, events);
    }

    /// Puts an order, or what remains of it, at the end of its queue.
    fn rest(&mut self, order: &Order, force: Force, display: Lots, events: &mut Vec<Event>) {
        let remaining = order.quantity;
        self.reserve(order.id, order.instrument, order.side, order.price, remaining);
        let slot = self.slot(order, State::Book, force, display);
        let at = self.open(slot);
        let book = &mut self.books[usize::from(order.instrument)];
        book.ladder_mut(order.side).push(&mut self.slab, at);
        book.count(&self.slab, at);
        events.push(Event::Rested { id: order.id, remaining });
    }

    /// Lets a stop wait.
    fn wait(&mut self, order: &Order, trigger: Ticks, force: Force, events: &mut Vec<Event>) {
        self.reserve(order.id, order.instrument, order.side, order.price, order.quantity);
        let slot = self.slot(order, State::Stop, force, trigger);
        let at = self.open(slot);
        let book = &mut self.books[usize::from(order.instrument)];
        match order.side {
            Side::Bid => book.rising.insert((trigger, slot.stamp, at)),
            Side::Ask => book.falling.insert((trigger, slot.stamp, at)),
        };
        book.count(&self.slab, at);
        events.push(Event::Rested { id: order.id, remaining: order.quantity });
    }

    fn slot(&mut self, order: &Order, state: State, force: Force, display: Lots) -> Slot {
        Slot {
            id: order.id,
            price: order.price,
            remaining: order.quantity,
            stamp: self.next_stamp(),
            visible: if state == State::Book { display.min(order.quantity) } else { 0 },
            display,
            next: NONE,
            prev: NONE,
            holds: 0,
            instrument: order.instrument,
            side: order.side,
            state,
            force,
            dying: false,
        }
    }

    /// The worst price an order trades at: its own, or the edge of the collar.
    fn limit_of(&self, order: &Order) -> Ticks {
        if order.kind != Kind::Market {
            return order.price;
        }
        let (low, high) =
            self.books[usize::from(order.instrument)].collar(self.rules.limits.collar);
        if order.side == Side::Bid { high } else { low }
    }

    /// Everything that can refuse an order.
    pub(super) fn check(&self, order: &Order, credit: Credit) -> Result<(), Refusal> {
        self.check_standing(order.id, order.instrument, credit.open)?;
        self.check_shape(order)?;
        let limits = &self.rules.limits;
        let book = &self.books[usize::from(order.instrument)];
        let (low, high) = book.collar(limits.collar);
        let immediate = order.kind == Kind::Market && self.rules.matching == Matching::Continuous;
        let (value, worst) = if immediate {
            let limit = self.limit_of(order);
            let reach = self.reach(order.id, order.instrument, order.side, limit, order.quantity);
            (reach.value, reach.worst)
        } else {
            let limit = self.limit_of(order);
            if limit < low || limit > high {
                return Err(Refusal::Collar);
            }
            let worst = worst_lot(limit, self.rules.worst_fee());
            (cost(limit, order.quantity), cost(worst, order.quantity))
        };
        if value > limits.value {
            return Err(Refusal::Value);
        }
        self.check_funds(order, worst, credit)?;
        match order.kind {
            Kind::Limit(Force::Fill) => {
                let (side, limit) = (order.side, order.price);
                let reach = self.reach(order.id, order.instrument, side, limit, order.quantity);
                if reach.lots < order.quantity { Err(Refusal::Unfilled) } else { Ok(()) }
            }
            Kind::Limit(Force::Post) => {
                let best = book.ladder(order.side.other()).best();
                let trades = order.side.accepts(order.price, best);
                if trades { Err(Refusal::WouldTrade) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Account, number, kill switch, rate and room.
    #[inline]
    pub(super) fn check_standing(
        &self,
        id: OrderId,
        instrument: u16,
        freed: u32,
    ) -> Result<(), Refusal> {
        self.check_transfer(id, instrument)?;
        let account = self.accounts.account(id.account);
        let limits = &self.rules.limits;
        if account.killed {
            return Err(Refusal::Killed);
        }
        if account.entered(self.height as u32) >= limits.rate {
            return Err(Refusal::Rate);
        }
        let open = account.open.saturating_sub(freed);
        let orders = self.slab.used() + self.holds.len() as u32 - freed;
        if open >= limits.open || orders >= limits.orders {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    fn check_shape(&self, order: &Order) -> Result<(), Refusal> {
        if !(1..=MAX_LOTS).contains(&order.quantity) {
            return Err(Refusal::Quantity);
        }
        let price = 1..=MAX_PRICE;
        if order.kind == Kind::Market {
            if order.price != 0 {
                return Err(Refusal::Price);
            }
        } else if !price.contains(&order.price) {
            return Err(Refusal::Price);
        }
        match order.kind {
            Kind::Stop { force: Force::Fill | Force::Post, .. } => return Err(Refusal::Kind),
            Kind::Stop { trigger, .. } if !price.contains(&trigger) => return Err(Refusal::Price),
            Kind::Iceberg { display } if !(1..=order.quantity).contains(&display) => {
                return Err(Refusal::Quantity);
            }
            _ => {}
        }
        if self.rules.matching == Matching::Batch {
            let book = &self.books[usize::from(order.instrument)];
            match order.kind {
                Kind::Limit(Force::Rest | Force::Immediate) => {}
                // Without a price to start from nothing bounds what it could cost.
                Kind::Market if self.rules.limits.collar > 0 && book.last > 0 => {}
                Kind::Market => return Err(Refusal::Collar),
                _ => return Err(Refusal::Batch),
            }
        }
        Ok(())
    }

    /// Position and funds for an order that could cost `worst`.
    #[inline]
    pub(super) fn check_funds(
        &self,
        order: &Order,
        worst: Cash,
        credit: Credit,
    ) -> Result<(), Refusal> {
        let holding = self.accounts.holding(order.id.account, order.instrument);
        match order.side {
            Side::Bid => {
                let could = holding.lots + holding.bidding - credit.bidding + order.quantity;
                if could > self.rules.limits.position {
                    return Err(Refusal::Position);
                }
                let free = self.accounts.account(order.id.account).free() + credit.cash;
                if free < worst { Err(Refusal::Cash) } else { Ok(()) }
            }
            Side::Ask => {
                let free = holding.free() + credit.lots;
                if free < order.quantity { Err(Refusal::Assets) } else { Ok(()) }
            }
        }
    }

    /// What an order of `side` up to `limit` would trade, without its account's own orders.
    pub(super) fn reach(
        &self,
        id: OrderId,
        instrument: u16,
        side: Side,
        limit: Ticks,
        quantity: Lots,
    ) -> Reach {
        let holding = self.accounts.holding(id.account, instrument);
        let own = match side {
            Side::Bid => holding.reserved > 0,
            Side::Ask => holding.bidding > 0,
        };
        let ladder = self.books[usize::from(instrument)].ladder(side.other());
        let mut reach = Reach::default();
        let mut price = ladder.best();
        while side.accepts(limit, price) && reach.lots < quantity {
            let level = ladder.level(price);
            let mut there = level.lots;
            if own {
                let mut at = level.head;
                while at != NONE {
                    let slot = &self.slab[at];
                    there -= if slot.id.account == id.account { slot.remaining } else { 0 };
                    at = slot.next;
                }
            }
            let lots = there.min(quantity - reach.lots);
            reach.lots += lots;
            reach.value += cost(price, lots);
            reach.worst += cost(worst_lot(price, self.rules.worst_fee()), lots);
            let Some(next) = ladder.worse(price) else { break };
            price = next;
        }
        reach
    }
}
