//! Price–time priority: the best price first, then the place in the log; at the resting price.

use super::Venue;
use crate::amount::{Cash, Lots, Ticks, cost, fee};
use crate::command::{Force, Order, OrderId, Side};
use crate::event::{Event, Reason, Trade};
use crate::slab::State;

/// An order that is being matched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    pub(super) id: OrderId,
    pub(super) instrument: u16,
    pub(super) side: Side,
    pub(super) limit: Ticks,
    pub(super) remaining: Lots,
    /// Whether its account's reservation for it is on the books: orders that waited.
    reserved: bool,
}

impl Incoming {
    pub(super) fn new(order: &Order, limit: Ticks) -> Self {
        let Order { id, instrument, side, quantity: remaining, .. } = *order;
        Self { id, instrument, side, limit, remaining, reserved: false }
    }
}

impl Venue {
    /// Trades an order against the other side as far as its limit and the book go.
    pub(super) fn trade(&mut self, incoming: &mut Incoming, events: &mut Vec<Event>) {
        let Incoming { id, instrument, side, limit, .. } = *incoming;
        while incoming.remaining > 0 {
            let ladder = self.books[usize::from(instrument)].ladder(side.other());
            let price = ladder.best();
            if !side.accepts(limit, price) {
                break;
            }
            let at = ladder.level(price).head;
            let maker = self.slab.get(at);
            if maker.id.account == id.account {
                self.withdraw_order(at, Reason::SelfTrade, events);
                continue;
            }
            let quantity = maker.shown().min(incoming.remaining);
            incoming.remaining -= quantity;
            self.take(at, quantity);
            if self.slab.remaining(at) == 0 {
                if maker.holds == 0 { self.close(at) } else { self.hide(at) }
            }
            self.settle(&Match { maker: maker.id, taker: id, instrument, side, price, quantity });
            self.free(maker.id, instrument, maker.side, price, quantity);
            if incoming.reserved {
                self.free(id, instrument, side, limit, quantity);
            }
            self.books[usize::from(instrument)].note(price);
            let maker = maker.id;
            events.push(Event::Traded(Trade {
                instrument,
                side,
                maker,
                taker: id,
                price,
                quantity,
            }));
        }
    }

    /// Takes lots from the front of a resting order: it leaves its queue when none remain, and goes
    /// to the end of it when its slice is used up. An order with nothing left is no longer counted.
    #[inline(always)]
    pub(super) fn take(&mut self, at: u32, quantity: Lots) {
        let slot = self.slab.get(at);
        let book = &mut self.books[usize::from(slot.instrument)];
        book.discount(&slot);
        let ladder = match slot.side {
            Side::Bid => &mut book.bids,
            Side::Ask => &mut book.asks,
        };
        if slot.remaining == quantity {
            ladder.unlink(&mut self.slab, at);
            self.slab.set_remaining(at, 0);
            return;
        }
        if slot.shown() > quantity {
            ladder.adjust(slot.price, -quantity);
            self.slab.change(at, |slot| {
                slot.remaining -= quantity;
                slot.visible -= if slot.display == 0 { 0 } else { quantity };
            });
        } else {
            ladder.unlink(&mut self.slab, at);
            self.stamp += 1;
            let stamp = self.stamp;
            self.slab.change(at, |slot| {
                slot.remaining -= quantity;
                slot.visible = slot.display.min(slot.remaining);
                slot.stamp = stamp;
            });
            ladder.push(&mut self.slab, at);
        }
        book.count(&self.slab.get(at));
    }

    /// Keeps an order of which reservations hold the rest, though nothing of it is in the book.
    pub(super) fn hide(&mut self, at: u32) {
        self.slab.change(at, |slot| (slot.state, slot.visible) = (State::Held, 0));
        let book = &mut self.books[usize::from(self.slab.get(at).instrument)];
        book.count(&self.slab.get(at));
    }

    /// Moves cash, lots and fees of a trade.
    #[inline(always)]
    pub(super) fn settle(&mut self, trade: &Match) {
        let cash = cost(trade.price, trade.quantity);
        let maker_fee = fee(cash, self.rules.maker_fee);
        let taker_fee = fee(cash, self.rules.taker_fee);
        let (buyer, bought, seller, sold) = match trade.side {
            Side::Bid => (trade.taker, cash + taker_fee, trade.maker, cash - maker_fee),
            Side::Ask => (trade.maker, cash + maker_fee, trade.taker, cash - taker_fee),
        };
        self.move_trade(trade, (buyer.account, bought), (seller.account, sold));
        self.fees += maker_fee + taker_fee;
    }

    #[inline(always)]
    pub(super) fn move_trade(&mut self, trade: &Match, buy: (u32, Cash), sell: (u32, Cash)) {
        self.accounts.add_cash(buy.0, -buy.1);
        self.accounts.add_cash(sell.0, sell.1);
        self.accounts.add_lots(buy.0, trade.instrument, trade.quantity);
        self.accounts.add_lots(sell.0, trade.instrument, -trade.quantity);
    }

    /// Fires the stops that trades have reached, in the order they were entered, until no trade
    /// reaches another.
    #[inline(always)]
    pub(super) fn fire(&mut self, instrument: u16, events: &mut Vec<Event>) {
        let book = &mut self.books[usize::from(instrument)];
        let Some(range) = book.traded.take() else { return };
        if book.has_stops() {
            self.fire_all(instrument, range, events);
        }
    }

    #[inline(never)]
    fn fire_all(&mut self, instrument: u16, first: (Ticks, Ticks), events: &mut Vec<Event>) {
        let mut range = Some(first);
        while let Some((low, high)) = range {
            let book = &self.books[usize::from(instrument)];
            let rising = book.rising.range(..(high + 1, 0, 0));
            let falling = book.falling.range((low, 0, 0)..);
            let mut due: Vec<_> = rising.chain(falling).copied().collect();
            due.sort_unstable_by_key(|&(_, stamp, _)| stamp);
            for (trigger, stamp, at) in due {
                // Matching an earlier stop may have cancelled this one, never another in its slot:
                // no slot is opened while stops fire.
                let book = &mut self.books[usize::from(instrument)];
                let waited = book.rising.remove(&(trigger, stamp, at))
                    || book.falling.remove(&(trigger, stamp, at));
                if waited {
                    book.discount(&self.slab.get(at));
                    events.push(Event::Triggered { id: self.slab.id(at) });
                    let stamp = self.next_stamp();
                    self.slab.change(at, |slot| (slot.stamp, slot.display) = (stamp, 0));
                    self.rematch(at, events);
                }
            }
            range = self.books[usize::from(instrument)].traded.take();
        }
    }

    /// Matches an order that waited, whose slot is in no queue and not counted; what is left rests
    /// where its stamp belongs, or is cancelled if it is immediate.
    pub(super) fn rematch(&mut self, at: u32, events: &mut Vec<Event>) {
        let slot = self.slab.get(at);
        let mut incoming = Incoming {
            id: slot.id,
            instrument: slot.instrument,
            side: slot.side,
            limit: slot.price,
            remaining: slot.remaining,
            reserved: true,
        };
        if self.rules.matching == crate::Matching::Continuous {
            self.trade(&mut incoming, events);
        }
        let remaining = incoming.remaining;
        self.slab.set_remaining(at, remaining);
        let id = slot.id;
        if remaining > 0 && slot.force == Force::Immediate {
            self.free(id, slot.instrument, slot.side, slot.price, remaining);
            events.push(Event::Cancelled { id, remaining, reason: Reason::Unfilled });
            self.slab.set_remaining(at, 0);
        }
        if self.slab.remaining(at) == 0 {
            if slot.holds == 0 {
                self.close(at)
            } else {
                self.hide(at)
            }
            return;
        }
        let visible = slot.display.min(remaining);
        self.slab.change(at, |slot| (slot.state, slot.visible) = (State::Book, visible));
        let book = &mut self.books[usize::from(slot.instrument)];
        book.ladder_mut(slot.side).insert(&mut self.slab, at);
        book.count(&self.slab.get(at));
        events.push(Event::Rested { id, remaining });
    }
}

/// Who trades what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    pub(super) maker: OrderId,
    pub(super) taker: OrderId,
    pub(super) instrument: u16,
    pub(super) side: Side,
    pub(super) price: Ticks,
    pub(super) quantity: Lots,
}
