//! A venue from outside: prices, depth, accounts, open orders.

use super::hold::Hold;
use super::{Account, Flow, Holding, Reservation, Venue};
use crate::amount::{Cash, Lots, Ticks};
use crate::command::{OrderId, Side};
use crate::rules::Rules;
use crate::slab::{NONE, State};

/// An open order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Its name.
    pub id: OrderId,
    /// Its instrument.
    pub instrument: u16,
    /// Its side.
    pub side: Side,
    /// Its limit.
    pub price: Ticks,
    /// Lots in the book (of a stop: waiting), hidden ones included.
    pub remaining: Lots,
    /// Its place in time.
    pub stamp: u64,
    /// Whether it is a stop that waits.
    pub waiting: bool,
    /// Reservations that hold some of it.
    pub holds: u32,
}

impl Venue {
    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The height of the open block.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The best bid of an instrument.
    pub fn best_bid(&self, instrument: u16) -> Option<Ticks> {
        self.books.get(usize::from(instrument))?.bids.top()
    }

    /// The best ask of an instrument.
    pub fn best_ask(&self, instrument: u16) -> Option<Ticks> {
        self.books.get(usize::from(instrument))?.asks.top()
    }

    /// The price of an instrument's last trade.
    pub fn last(&self, instrument: u16) -> Option<Ticks> {
        self.books.get(usize::from(instrument)).map(|book| book.last).filter(|&last| last > 0)
    }

    /// The prices of a side with their lots (hidden ones included), best first.
    pub fn depth(&self, instrument: u16, side: Side) -> impl Iterator<Item = (Ticks, Lots)> + '_ {
        let book = self.books.get(usize::from(instrument));
        book.into_iter().flat_map(move |book| book.ladder(side).depth())
    }

    /// The lots a side offers at one price.
    pub fn lots_at(&self, instrument: u16, side: Side, price: Ticks) -> Lots {
        let book = self.books.get(usize::from(instrument));
        book.map_or(0, |book| book.ladder(side).level(price).lots)
    }

    /// The resting orders of a side, in the order in which they trade.
    pub fn queue(&self, instrument: u16, side: Side) -> Vec<OpenOrder> {
        let Some(book) = self.books.get(usize::from(instrument)) else { return Vec::new() };
        let ladder = book.ladder(side);
        let mut queue = Vec::new();
        for (price, _) in ladder.depth() {
            let mut at = ladder.level(price).head;
            while at != NONE {
                let slot = self.slab.get(at);
                queue.extend(self.order(slot.id));
                at = self.slab.link(at).next;
            }
        }
        queue
    }

    /// The order of a side that trades next.
    pub fn front(&self, instrument: u16, side: Side) -> Option<OrderId> {
        let ladder = self.books.get(usize::from(instrument))?.ladder(side);
        Some(self.slab.id(ladder.level(ladder.top()?).head))
    }

    /// An open order.
    pub fn order(&self, id: OrderId) -> Option<OpenOrder> {
        let slot = self.slab.get(self.index.get(id, &self.slab)?);
        Some(OpenOrder {
            id,
            instrument: slot.instrument,
            side: slot.side,
            price: slot.price,
            remaining: slot.remaining,
            stamp: slot.stamp,
            waiting: slot.state == State::Stop,
            holds: slot.holds,
        })
    }

    /// Open orders, stops and held ones included.
    pub fn open_orders(&self) -> u32 {
        self.slab.used()
    }

    /// An account.
    pub fn account(&self, account: u32) -> Option<&Account> {
        self.accounts.get(account)
    }

    /// An account's lots of an instrument.
    pub fn holding(&self, account: u32, instrument: u16) -> Option<&Holding> {
        let exists = account < self.accounts.len() && instrument < self.rules.instruments;
        exists.then(|| self.accounts.holding(account, instrument))
    }

    /// Reservations, by the name of the prepared order.
    pub fn reservations(&self) -> impl Iterator<Item = Reservation> + '_ {
        self.holds.values().map(Hold::view)
    }

    /// A reservation.
    pub fn reservation(&self, id: OrderId) -> Option<Reservation> {
        self.holds.get(&id).map(Hold::view)
    }

    /// Fees the venue has earned.
    pub fn fees(&self) -> Cash {
        self.fees
    }

    /// Cash that went in and out.
    pub fn cash_flow(&self) -> Flow {
        self.cash
    }

    /// Lots of an instrument that went in and out.
    pub fn lots_flow(&self, instrument: u16) -> Flow {
        self.lots.get(usize::from(instrument)).copied().unwrap_or_default()
    }

    /// Whether no instrument's best bid reaches its best ask (inside a batch block it may).
    pub fn uncrossed(&self) -> bool {
        self.books.iter().all(|book| book.bids.best() < book.asks.best())
    }
}
