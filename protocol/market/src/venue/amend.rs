//! Open orders change: cancel, reduce, replace, and the kill switch.

use super::Venue;
use super::enter::Credit;
use crate::amount::{Cash, Lots, Ticks, cost, worst_lot};
use crate::command::{Force, Kind, Order, OrderId, Side};
use crate::event::{Event, Reason, Refusal};
use crate::slab::State;

impl Venue {
    #[inline(always)]
    fn find(&self, id: OrderId) -> Result<u32, Refusal> {
        let at = self.index.get(id, &self.slab).ok_or(Refusal::Unknown)?;
        if self.slab.get(at).dying { Err(Refusal::Unknown) } else { Ok(at) }
    }

    pub(super) fn cancel(&mut self, id: OrderId, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let at = self.find(id)?;
        self.withdraw(at, Reason::Asked, events);
        Ok(())
    }

    /// Takes an open order out. What reservations hold of it may still trade, but not come back.
    pub(super) fn withdraw_order(&mut self, at: u32, reason: Reason, events: &mut Vec<Event>) {
        self.withdraw(at, reason, events);
    }

    #[inline(always)]
    fn withdraw(&mut self, at: u32, reason: Reason, events: &mut Vec<Event>) {
        let slot = self.slab.get(at);
        let book = &mut self.books[usize::from(slot.instrument)];
        book.discount(&slot);
        match (slot.state, slot.side) {
            (State::Book, side) => book.ladder_mut(side).unlink(&mut self.slab, at),
            (State::Stop, Side::Bid) => {
                book.rising.remove(&(slot.display, slot.stamp, at));
            }
            (State::Stop, Side::Ask) => {
                book.falling.remove(&(slot.display, slot.stamp, at));
            }
            (State::Held | State::Free, _) => {}
        }
        self.free(slot.id, slot.instrument, slot.side, slot.price, slot.remaining);
        events.push(Event::Cancelled { id: slot.id, remaining: slot.remaining, reason });
        if slot.holds == 0 {
            self.close(at);
        } else {
            self.slab.change(at, |slot| (slot.remaining, slot.dying) = (0, true));
            self.hide(at);
        }
    }

    #[inline(never)]
    pub(super) fn reduce(
        &mut self,
        id: OrderId,
        to: Lots,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let at = self.find(id)?;
        let slot = self.slab.get(at);
        if slot.holds > 0 {
            return Err(Refusal::Held);
        }
        if !(1..slot.remaining).contains(&to) {
            return Err(Refusal::Quantity);
        }
        let less = slot.remaining - to;
        let book = &mut self.books[usize::from(slot.instrument)];
        book.discount(&self.slab.get(at));
        if slot.state == State::Book {
            book.ladder_mut(slot.side).adjust(slot.price, -less);
            self.slab.change(at, |slot| slot.visible = slot.visible.min(to));
        }
        self.slab.set_remaining(at, to);
        book.count(&self.slab.get(at));
        self.free(id, slot.instrument, slot.side, slot.price, less);
        events.push(Event::Reduced { id, remaining: to });
        Ok(())
    }

    #[inline(never)]
    pub(super) fn replace(
        &mut self,
        id: OrderId,
        number: u32,
        price: Ticks,
        quantity: Lots,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let at = self.find(id)?;
        let slot = self.slab.get(at);
        if slot.holds > 0 {
            return Err(Refusal::Held);
        }
        if slot.state != State::Book || slot.force != Force::Rest {
            return Err(Refusal::Kind);
        }
        let kind = match slot.display {
            0 => Kind::Limit(Force::Rest),
            display => Kind::Iceberg { display: display.min(quantity) },
        };
        let (instrument, side) = (slot.instrument, slot.side);
        let id_of_new = OrderId::new(id.account, number);
        let order = Order { id: id_of_new, instrument, side, price, quantity, kind };
        let worst = Cash::from(worst_lot(slot.price, self.rules.worst_fee()));
        let credit = match side {
            Side::Bid => Credit {
                cash: worst * Cash::from(slot.remaining),
                bidding: slot.remaining,
                open: 1,
                lots: 0,
            },
            Side::Ask => Credit { lots: slot.remaining, open: 1, ..Credit::default() },
        };
        debug_assert!(side == Side::Ask || credit.cash == cost(worst as Ticks, slot.remaining));
        let limit = self.check(&order, credit)?;
        self.withdraw_order(at, Reason::Replaced, events);
        self.enter(&order, limit, events);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn kill(
        &mut self,
        account: u32,
        on: bool,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        self.accounts.get(account).ok_or(Refusal::Account)?;
        self.accounts.set_killed(account, on);
        if on {
            let of = self.slab.open().filter(|(_, slot)| slot.id.account == account && !slot.dying);
            let mut open: Vec<_> = of.map(|(at, slot)| (slot.stamp, at)).collect();
            open.sort_unstable();
            for (_, at) in open {
                self.withdraw_order(at, Reason::Killed, events);
            }
        }
        Ok(())
    }
}
