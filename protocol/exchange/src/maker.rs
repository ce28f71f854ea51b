//! Market makers: quotes on both sides around the last price, by inventory.
//!
//! After every block a replica tells a maker where it stands. When its quotes should be others, it cancels
//! them and makes new ones. Sealed orders would be stale when they are opened: where orders are sealed makers
//! do nothing.

use anthill_market::maker::{Leaning, Quotes};
use anthill_market::{Command, Lots, Order, OrderId, Side, Ticks};
use anthill_protocol::kit::Erased;
use anthill_protocol::{Context, NodeId, Snapshot};

use crate::desk::Desk;
use crate::exchange::Exchange;
use crate::messages::{ExchangeMetric, Timer};
use crate::state::number_of;
use crate::trader::FIRST_PRICE;

/// What every maker quotes: 3 ticks to either side and 20 lots, leaning by 5 ticks at 100 lots more or less
/// than it began with.
const RULE: Leaning = Leaning { half_spread: 3, lean: 5, size: 20, limit: 100 };

/// A maker at a venue.
#[derive(Clone, Debug, Snapshot)]
pub(crate) struct Maker {
    venue: u32,
    account: u32,
    pub(crate) desk: Desk,
    height: u64,
    /// Numbers of the orders that it has in the book, as far as it knows.
    orders: Vec<u32>,
    /// What it quotes: bid, its lots, ask, its lots.
    quoted: [u64; 4],
}

impl Maker {
    pub(crate) fn start(
        exchange: &Exchange,
        (venue, account): (u32, u32),
        cx: &mut Erased<'_, Exchange>,
    ) -> Self {
        cx.set_timer(exchange.delta, Timer::Flow);
        let desk = Desk::new(exchange.terrain.layout.venues);
        Self { venue, account, desk, height: 0, orders: Vec::new(), quoted: [0; 4] }
    }

    /// Its first quotes.
    pub(crate) fn open(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        self.quote(exchange, FIRST_PRICE, 0, cx);
    }

    /// A replica says where it stands.
    pub(crate) fn on_standing(
        &mut self,
        exchange: &Exchange,
        from: NodeId,
        (height, last, lots): (u64, u64, u64),
        cx: &mut Erased<'_, Exchange>,
    ) {
        let is_replica = exchange.terrain.layout.part(self.venue).inner(from).is_some();
        if !is_replica || height <= self.height {
            return;
        }
        self.height = height;
        let most = anthill_market::MAX_PRICE as u64;
        let last = if last == 0 { FIRST_PRICE } else { last.min(most) as Ticks };
        let inventory = (lots as Lots).saturating_sub(exchange.terrain.stock);
        cx.record(ExchangeMetric::Inventory, inventory.unsigned_abs());
        self.quote(exchange, last, inventory, cx);
    }

    /// Quotes anew, unless its last requests are not answered yet.
    fn quote(
        &mut self,
        exchange: &Exchange,
        reference: Ticks,
        inventory: Lots,
        cx: &mut Erased<'_, Exchange>,
    ) {
        let Quotes { bid, bid_size, ask, ask_size } = RULE.quotes(reference, inventory);
        let quoted = [bid, bid_size, ask, ask_size].map(|it| it as u64);
        if quoted == self.quoted || self.desk.open() > 0 || exchange.terrain.seals() {
            return;
        }
        self.quoted = quoted;
        let venue = self.venue;
        for number in core::mem::take(&mut self.orders) {
            let id = OrderId::new(self.account, number);
            self.desk.ask(exchange, (venue, venue), Command::Cancel { id }, cx);
        }
        for (side, price, lots) in [(Side::Bid, bid, bid_size), (Side::Ask, ask, ask_size)] {
            if lots > 0 {
                let number = number_of(self.desk.next(venue));
                let order = Order::limit(OrderId::new(self.account, number), side, price, lots);
                self.orders.push(number);
                self.desk.ask(exchange, (venue, venue), Command::Place(order), cx);
            }
        }
    }
}
