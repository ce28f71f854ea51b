//! Reservations: one leg of a trade over several venues. A prepared order matches now and settles
//! when a decision comes; until then the resting quantity and both sides' funds are held. What is
//! released goes through matching again under its old stamp: linking it back where it was could
//! cross the book, which has moved on.

use super::Venue;
use super::enter::Credit;
use super::matching::Match;
use crate::amount::{Cash, Lots, MAX_LOTS, MAX_PRICE, Ticks, cost, fee};
use crate::command::{Force, Kind, Order, OrderId, Side, Terms};
use crate::event::{Event, Reason, Refusal, Trade};
use crate::hash::{halves, lock_of, record};
use crate::slab::{NONE, State};
use crate::stored::{Stored, StoredError, stored};

/// Resting quantity held for a prepared order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fill {
    pub(super) slot: u32,
    pub(super) maker: OrderId,
    pub(super) stamp: u64,
    pub(super) price: Ticks,
    pub(super) quantity: Lots,
}

/// A prepared order and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) order: Order,
    pub(super) terms: Terms,
    pub(super) since: u64,
    /// The cash reserved for the trades.
    pub(super) cash: Cash,
    /// The cash reserved for the holding fee.
    pub(super) deposit: Cash,
    pub(super) fills: Vec<Fill>,
}

stored! { Hold { order, terms, since, cash, deposit, fills } }

/// Without the slot: whoever restores it finds the order by its name.
impl Stored for Fill {
    fn store(&self, out: &mut Vec<u8>) {
        ((self.maker, self.stamp), (self.price, self.quantity)).store(out);
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        let ((maker, stamp), (price, quantity)) = Stored::restore(bytes)?;
        Ok(Self { slot: NONE, maker, stamp, price, quantity })
    }
}

impl Hold {
    /// The cash of its trades.
    fn value(&self) -> Cash {
        self.fills.iter().map(|fill| cost(fill.price, fill.quantity)).sum()
    }

    pub(super) fn view(&self) -> Reservation {
        let Self { order, terms, since, .. } = *self;
        Reservation { order, terms, since, value: self.value() }
    }

    pub(super) fn element(&self) -> u128 {
        let (kind, party, deadline) = match self.terms {
            Terms::Decision { coordinator } => (0, u128::from(coordinator), 0),
            Terms::Hash { lock, deadline } => (1, lock, deadline),
        };
        let kind = kind | u64::from(self.order.side == Side::Ask) << 1;
        let place = u64::from(self.order.instrument) << 8 | kind;
        let [party_low, party_high] = [party as u64, (party >> 64) as u64];
        let id = self.order.id.word();
        let words = [id, party_low, party_high, deadline, self.since, place];
        let funds = [halves(self.cash)[0], halves(self.deposit)[0]];
        let money = [id, funds[0], funds[1], self.order.quantity as u64, 5 << 32, 0];
        let fills = self.fills.iter().map(|fill| {
            let (price, quantity) = (fill.price as u64, fill.quantity as u64);
            record([id, fill.maker.word(), fill.stamp, price, quantity, 6 << 32])
        });
        fills.fold(record(words).wrapping_add(record(money)), u128::wrapping_add)
    }
}

/// A reservation, as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The prepared order.
    pub order: Order,
    /// What it waits for.
    pub terms: Terms,
    /// The block that prepared it.
    pub since: u64,
    /// The cash its trades exchange, without fees.
    pub value: Cash,
}

impl Venue {
    #[inline(never)]
    pub(super) fn prepare(
        &mut self,
        order: &Order,
        terms: Terms,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let order = Order { kind: Kind::Limit(Force::Fill), ..*order };
        let (cash, deposit) = self.check_hold(&order, terms)?;
        let fills = self.match_hold(&order, events);
        let id = order.id;
        let block = self.height as u32;
        self.accounts.enter(id, block);
        self.accounts.opened(id.account);
        self.accounts.add_reserved(id.account, cash + deposit);
        self.promise(&order, order.quantity);
        let hold = Hold { order, terms, since: self.height, cash, deposit, fills };
        self.held = self.held.wrapping_add(hold.element());
        self.holds.insert(id, hold);
        events.push(Event::Held { id });
        Ok(())
    }

    /// The cash to reserve for the trades and for the holding fee.
    fn check_hold(&self, order: &Order, terms: Terms) -> Result<(Cash, Cash), Refusal> {
        self.check_standing(order.id, order.instrument, 0)?;
        if !(1..=MAX_LOTS).contains(&order.quantity) {
            return Err(Refusal::Quantity);
        }
        if !(1..=MAX_PRICE).contains(&order.price) {
            return Err(Refusal::Price);
        }
        if let Terms::Hash { deadline, .. } = terms
            && deadline <= self.height
        {
            return Err(Refusal::Decision);
        }
        let limits = &self.rules.limits;
        let (low, high) = self.books[usize::from(order.instrument)].collar(limits.collar);
        if order.price < low || order.price > high {
            return Err(Refusal::Collar);
        }
        let (side, price) = (order.side, order.price);
        let reach = self.reach(order.id, order.instrument, side, price, order.quantity);
        if reach.value > limits.value {
            return Err(Refusal::Value);
        }
        let deposit = fee(reach.value, self.rules.holding_most);
        let cash = if side == Side::Bid { reach.worst } else { 0 };
        self.check_funds(order, cash + deposit, Credit::default())?;
        if self.accounts.account(order.id.account).free() < cash + deposit {
            return Err(Refusal::Cash);
        }
        if reach.lots < order.quantity {
            return Err(Refusal::Unfilled);
        }
        Ok((cash, deposit))
    }

    /// Takes the order's quantity out of the book.
    fn match_hold(&mut self, order: &Order, events: &mut Vec<Event>) -> Vec<Fill> {
        let mut fills: Vec<Fill> = Vec::new();
        let mut remaining = order.quantity;
        while remaining > 0 {
            let ladder = self.books[usize::from(order.instrument)].ladder(order.side.other());
            let price = ladder.best();
            if !order.side.accepts(order.price, price) {
                debug_assert!(false, "checked to be fillable");
                break;
            }
            let at = ladder.level(price).head;
            let maker = self.slab.get(at);
            if maker.id.account == order.id.account {
                self.withdraw_order(at, Reason::SelfTrade, events);
                continue;
            }
            let quantity = maker.shown().min(remaining);
            remaining -= quantity;
            self.take(at, quantity);
            let again = fills.iter_mut().find(|fill| fill.slot == at);
            match again {
                Some(fill) => fill.quantity += quantity,
                None => {
                    let (slot, maker, stamp) = (at, maker.id, maker.stamp);
                    fills.push(Fill { slot, maker, stamp, price, quantity });
                    self.hold_slot(at);
                }
            }
            if self.slab.remaining(at) == 0 {
                self.hide(at);
            }
            events.push(Event::Matched { id: order.id, maker: maker.id, price, quantity });
        }
        fills
    }

    /// Promises lots of a prepared order: to sell, or to buy.
    fn promise(&mut self, order: &Order, lots: Lots) {
        match order.side {
            Side::Bid => self.accounts.add_bidding(order.id.account, order.instrument, lots),
            Side::Ask => self.accounts.add_lots_reserved(order.id.account, order.instrument, lots),
        }
    }

    fn hold_slot(&mut self, at: u32) {
        self.slab.change(at, |slot| slot.holds += 1);
    }

    #[inline(never)]
    pub(super) fn decide(
        &mut self,
        id: OrderId,
        coordinator: u32,
        commit: bool,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let Some(hold) = self.holds.get(&id) else {
            return self.bar(id, commit, events);
        };
        if hold.terms != (Terms::Decision { coordinator }) {
            return Err(Refusal::Decision);
        }
        if commit {
            self.settle_hold(id, events)
        } else {
            self.release_hold(id, events)
        }
        Ok(())
    }

    /// Refuses for good an order whose abort came first.
    fn bar(&mut self, id: OrderId, commit: bool, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let account = self.accounts.get(id.account).ok_or(Refusal::Account)?;
        if commit || !account.fresh(id.number) {
            return Err(Refusal::Unknown);
        }
        self.accounts.use_up(id);
        events.push(Event::Barred { id });
        Ok(())
    }

    #[inline(never)]
    pub(super) fn reveal(
        &mut self,
        id: OrderId,
        preimage: &[u8; 32],
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let hold = self.holds.get(&id).ok_or(Refusal::Unknown)?;
        match hold.terms {
            Terms::Hash { lock, .. } if lock == lock_of(preimage) => {}
            _ => return Err(Refusal::Decision),
        }
        self.settle_hold(id, events);
        Ok(())
    }

    /// Releases the hash locks whose deadline has come.
    pub(super) fn expire(&mut self, events: &mut Vec<Event>) {
        let late = |hold: &Hold| match hold.terms {
            Terms::Hash { deadline, .. } => deadline <= self.height,
            Terms::Decision { .. } => false,
        };
        let due: Vec<_> =
            self.holds.iter().filter(|(_, hold)| late(hold)).map(|(&id, _)| id).collect();
        for id in due {
            self.release_hold(id, events);
        }
    }

    /// Ends a hold: frees what the prepared order had reserved and charges for the time.
    fn end_hold(&mut self, id: OrderId) -> Option<Hold> {
        let hold = self.holds.remove(&id)?;
        self.held = self.held.wrapping_sub(hold.element());
        let blocks = (self.height - hold.since).min(u64::from(u32::MAX));
        let price = fee(hold.value(), self.rules.holding_fee).saturating_mul(Cash::from(blocks));
        let charge = price.min(hold.deposit);
        self.accounts.closed(id.account);
        self.accounts.add_reserved(id.account, -hold.cash - hold.deposit);
        self.accounts.add_cash(id.account, -charge);
        self.fees += charge;
        self.promise(&hold.order, -hold.order.quantity);
        Some(hold)
    }

    /// Settles a hold. Its trades were agreed when it was prepared: they move neither the last
    /// price nor any stop.
    fn settle_hold(&mut self, id: OrderId, events: &mut Vec<Event>) {
        let Some(hold) = self.end_hold(id) else { return };
        let Order { instrument, side, .. } = hold.order;
        for fill in hold.fills {
            let Fill { maker, price, quantity, .. } = fill;
            self.settle(&Match { maker, taker: id, instrument, side, price, quantity });
            self.free(maker, instrument, side.other(), price, quantity);
            self.drop_fill(&fill);
            let trade = Trade { instrument, side, maker, taker: id, price, quantity };
            events.push(Event::Traded(trade));
        }
        events.push(Event::Settled { id });
    }

    /// Lets go of a resting order, and forgets it if nothing remains.
    fn drop_fill(&mut self, fill: &Fill) {
        self.slab.change(fill.slot, |slot| slot.holds -= 1);
        let slot = self.slab.get(fill.slot);
        if slot.holds == 0 && slot.state == State::Held {
            let book = &mut self.books[usize::from(slot.instrument)];
            book.discount(&slot);
            self.close(fill.slot);
        }
    }

    fn release_hold(&mut self, id: OrderId, events: &mut Vec<Event>) {
        let Some(mut hold) = self.end_hold(id) else { return };
        events.push(Event::Released { id });
        let Order { instrument, side, .. } = hold.order;
        hold.fills.sort_unstable_by_key(|fill| fill.stamp);
        for fill in hold.fills {
            let slot = self.slab.get(fill.slot);
            if slot.dying {
                self.free(fill.maker, instrument, side.other(), fill.price, fill.quantity);
                self.drop_fill(&fill);
                continue;
            }
            let book = &mut self.books[usize::from(instrument)];
            book.discount(&slot);
            self.slab.change(fill.slot, |slot| {
                slot.holds -= 1;
                slot.remaining += fill.quantity;
            });
            if slot.state == State::Book {
                // The rest of it kept its place, and does not cross: neither does more of it.
                book.ladder_mut(slot.side).adjust(slot.price, fill.quantity);
                book.count(&self.slab.get(fill.slot));
                let remaining = slot.remaining + fill.quantity;
                events.push(Event::Rested { id: fill.maker, remaining });
            } else {
                self.rematch(fill.slot, events);
            }
        }
        self.fire(instrument, events);
    }
}
