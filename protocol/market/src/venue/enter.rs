//! New orders: what is checked before anything changes, on what the order could become.

use super::Venue;
use super::matching::Incoming;
use crate::amount::{Cash, Lots, MAX_LOTS, MAX_PRICE, Ticks, cost, worst_lot};
use crate::command::{Force, Kind, Order, OrderId, Side};
use crate::event::{Event, Reason, Refusal};
use crate::rules::Matching;
use crate::slab::{NONE, Slot, State};
use std::hint::select_unpredictable;

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
    #[inline]
    pub(super) fn place(&mut self, order: &Order, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let limit = self.check(order, Credit::default())?;
        self.enter(order, limit, events);
        Ok(())
    }

    /// Enters a checked order with the worst price it accepts.
    #[inline(always)]
    pub(super) fn enter(&mut self, order: &Order, limit: Ticks, events: &mut Vec<Event>) {
        self.accounts.enter(order.id, self.height as u32);
        let (force, display) = match order.kind {
            Kind::Limit(force) => (force, 0),
            Kind::Market => (Force::Immediate, 0),
            Kind::Iceberg { display } => (Force::Rest, display),
            Kind::Stop { trigger, force } => return self.wait(order, trigger, force, events),
        };
        if self.rules.matching == Matching::Batch {
            if force == Force::Immediate {
                self.books[usize::from(order.instrument)].passing.push(order.id);
            }
            return self.rest(order, limit, order.quantity, force, 0, events);
        }
        let best = self.books[usize::from(order.instrument)].ladder(order.side.other()).best();
        let mut remaining = order.quantity;
        if order.side.accepts(limit, best) {
            let mut incoming = Incoming::new(order, limit);
            self.trade(&mut incoming, events);
            remaining = incoming.remaining;
        }
        if remaining > 0 {
            if force == Force::Immediate {
                let (id, reason) = (order.id, Reason::Unfilled);
                events.push(Event::Cancelled { id, remaining, reason });
            } else {
                self.rest(order, limit, remaining, Force::Rest, display, events);
            }
        }
        self.fire(order.instrument, events);
    }

    /// Puts what remains of an order at the end of its queue.
    #[inline(always)]
    fn rest(
        &mut self,
        order: &Order,
        price: Ticks,
        remaining: Lots,
        force: Force,
        display: Lots,
        events: &mut Vec<Event>,
    ) {
        let Order { id, instrument, side, .. } = *order;
        self.reserve(id, instrument, side, price, remaining);
        let stamp = self.next_stamp();
        let slot = Slot {
            id,
            price,
            remaining,
            stamp,
            visible: display.min(remaining),
            display,
            holds: 0,
            instrument,
            side,
            state: State::Book,
            force,
            dying: false,
        };
        let book = &mut self.books[usize::from(instrument)];
        book.sum = book.sum.wrapping_add(slot.element());
        let at = self.open(slot);
        let book = &mut self.books[usize::from(instrument)];
        book.ladder_mut(side).push(&mut self.slab, at);
        events.push(Event::Rested { id, remaining });
    }

    /// Lets a stop wait.
    #[inline(never)]
    fn wait(&mut self, order: &Order, trigger: Ticks, force: Force, events: &mut Vec<Event>) {
        self.reserve(order.id, order.instrument, order.side, order.price, order.quantity);
        let slot = Slot {
            id: order.id,
            price: order.price,
            remaining: order.quantity,
            stamp: self.next_stamp(),
            visible: 0,
            display: trigger,
            holds: 0,
            instrument: order.instrument,
            side: order.side,
            state: State::Stop,
            force,
            dying: false,
        };
        let at = self.open(slot);
        let book = &mut self.books[usize::from(order.instrument)];
        match order.side {
            Side::Bid => book.rising.insert((trigger, slot.stamp, at)),
            Side::Ask => book.falling.insert((trigger, slot.stamp, at)),
        };
        book.count(&slot);
        events.push(Event::Rested { id: order.id, remaining: order.quantity });
    }

    /// The worst price an order trades at: its own, or the edge of the collar.
    #[inline(always)]
    fn limit_of(&self, order: &Order) -> Ticks {
        if order.kind != Kind::Market {
            return order.price;
        }
        let (low, high) =
            self.books[usize::from(order.instrument)].collar(self.rules.limits.collar);
        if order.side == Side::Bid { high } else { low }
    }

    /// Everything that can refuse an order. Returns the worst price it accepts.
    #[inline(always)]
    pub(super) fn check(&self, order: &Order, credit: Credit) -> Result<Ticks, Refusal> {
        self.check_standing(order.id, order.instrument, credit.open)?;
        self.check_shape(order)?;
        let limits = &self.rules.limits;
        let limit = self.limit_of(order);
        let (value, worst) = if order.kind == Kind::Market
            && self.rules.matching == Matching::Continuous
        {
            self.market_value(order, limit)
        } else {
            if limits.collar > 0 {
                let (low, high) = self.books[usize::from(order.instrument)].collar(limits.collar);
                if limit < low || limit > high {
                    return Err(Refusal::Collar);
                }
            }
            let worst = worst_lot(limit, self.rules.worst_fee());
            (cost(limit, order.quantity), cost(worst, order.quantity))
        };
        if value > limits.value {
            return Err(Refusal::Value);
        }
        self.check_funds(order, worst, credit)?;
        if let Kind::Limit(force @ (Force::Fill | Force::Post)) = order.kind {
            self.check_force(order, force)?;
        }
        Ok(limit)
    }

    /// The cash a market order could trade, and what it could cost with fees.
    #[inline]
    fn market_value(&self, order: &Order, limit: Ticks) -> (Cash, Cash) {
        let Order { id, instrument, side, quantity, .. } = *order;
        if side == Side::Ask {
            // No bid is above the best: enough to know, unless it is too much.
            let most = cost(self.books[usize::from(instrument)].bids.best(), quantity);
            if most <= self.rules.limits.value {
                return (most, 0);
            }
        }
        let reach = self.reach(id, instrument, side, limit, quantity);
        (reach.value, reach.worst)
    }

    /// All or nothing, and nothing at once.
    #[inline(never)]
    fn check_force(&self, order: &Order, force: Force) -> Result<(), Refusal> {
        let Order { id, instrument, side, price, quantity, .. } = *order;
        if force == Force::Fill {
            let reach = self.reach(id, instrument, side, price, quantity);
            return if reach.lots < quantity { Err(Refusal::Unfilled) } else { Ok(()) };
        }
        let best = self.books[usize::from(instrument)].ladder(side.other()).best();
        if side.accepts(price, best) { Err(Refusal::WouldTrade) } else { Ok(()) }
    }

    /// Account, number, kill switch, rate and room.
    #[inline(always)]
    pub(super) fn check_standing(
        &self,
        id: OrderId,
        instrument: u16,
        freed: u32,
    ) -> Result<(), Refusal> {
        self.check_transfer(id, instrument)?;
        let account = self.accounts.account(id.account);
        let limits = &self.rules.limits;
        if account.killed() {
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

    #[inline(always)]
    fn check_shape(&self, order: &Order) -> Result<(), Refusal> {
        if !(1..=MAX_LOTS).contains(&order.quantity) {
            return Err(Refusal::Quantity);
        }
        let least = Ticks::from(order.kind != Kind::Market);
        let most = least * MAX_PRICE;
        if !(least..=most).contains(&order.price) {
            return Err(Refusal::Price);
        }
        let plain = matches!(order.kind, Kind::Limit(Force::Rest | Force::Immediate));
        if plain { Ok(()) } else { self.check_kind(order) }
    }

    /// What belongs to each kind, and what a batch venue takes.
    #[inline(never)]
    fn check_kind(&self, order: &Order) -> Result<(), Refusal> {
        match order.kind {
            Kind::Stop { force: Force::Fill | Force::Post, .. } => return Err(Refusal::Kind),
            Kind::Stop { trigger, .. } if !(1..=MAX_PRICE).contains(&trigger) => {
                return Err(Refusal::Price);
            }
            Kind::Iceberg { display } if !(1..=order.quantity).contains(&display) => {
                return Err(Refusal::Quantity);
            }
            _ => {}
        }
        if self.rules.matching == Matching::Continuous {
            return Ok(());
        }
        let book = &self.books[usize::from(order.instrument)];
        match order.kind {
            Kind::Limit(Force::Rest | Force::Immediate) => Ok(()),
            // Without a price to start from nothing bounds what it could cost.
            Kind::Market if self.rules.limits.collar > 0 && book.last > 0 => Ok(()),
            Kind::Market => Err(Refusal::Collar),
            _ => Err(Refusal::Batch),
        }
    }

    /// Position and funds for an order that could cost `worst`.
    #[inline(always)]
    pub(super) fn check_funds(
        &self,
        order: &Order,
        worst: Cash,
        credit: Credit,
    ) -> Result<(), Refusal> {
        let holding = self.accounts.holding(order.id.account, order.instrument);
        // Which side it is no branch predictor knows: one branch for both, on what is rare.
        let bids = order.side == Side::Bid;
        let could = holding.lots() + holding.bidding() - credit.bidding + order.quantity;
        let cash = self.accounts.account(order.id.account).free() + credit.cash;
        let lots = holding.free() + credit.lots;
        let above = could - self.rules.limits.position;
        if select_unpredictable(bids, above, order.quantity - lots) > 0 {
            return Err(if bids { Refusal::Position } else { Refusal::Assets });
        }
        if select_unpredictable(bids, worst - cash, 0) > 0 {
            return Err(Refusal::Cash);
        }
        Ok(())
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
            Side::Bid => holding.reserved() > 0,
            Side::Ask => holding.bidding() > 0,
        };
        let ladder = self.books[usize::from(instrument)].ladder(side.other());
        let mut reach = Reach::default();
        let mut price = ladder.best();
        while side.accepts(limit, price) && reach.lots < quantity {
            let level = ladder.level(price);
            let wanted = quantity - reach.lots;
            let there = if own { self.others(level.head, id.account, wanted) } else { level.lots };
            let lots = there.min(wanted);
            reach.lots += lots;
            reach.value += cost(price, lots);
            reach.worst += cost(worst_lot(price, self.rules.worst_fee()), lots);
            let Some(next) = ladder.worse(price) else { break };
            price = next;
        }
        reach
    }

    /// The lots in a queue that are not an account's own, counted until they are `wanted`.
    fn others(&self, head: u32, account: u32, wanted: Lots) -> Lots {
        let (mut lots, mut at) = (0, head);
        while at != NONE && lots < wanted {
            let slot = self.slab.get(at);
            lots += if slot.id.account == account { 0 } else { slot.remaining };
            at = self.slab.link(at).next;
        }
        lots
    }
}
