//! Traders: what they ask for, and when.

use anthill_market::{Command, Lots, Order, OrderId, Side, Ticks};
use anthill_protocol::kit::{Arrivals, Erased};
use anthill_protocol::{Context, NodeId, Snapshot};

use crate::desk::Desk;
use crate::exchange::Exchange;
use crate::messages::{Timer, Top};
use crate::state::number_of;

/// Where prices begin: 150.00 in hundredths.
pub(crate) const FIRST_PRICE: Ticks = 15_000;
/// What Alice buys of Bob in the example.
const EXAMPLE_LOTS: Lots = 100;
/// Resting orders that a trader remembers, to cancel one of them.
const MOST_RESTING: usize = 64;

/// A trader of one venue.
#[derive(Clone, Debug, Snapshot)]
pub(crate) struct Trader {
    venue: u32,
    account: u32,
    pub(crate) desk: Desk,
    /// The last prices heard: height, bid, ask, last trade; 0: none.
    seen: [u64; 4],
    resting: Vec<u32>,
}

impl Trader {
    pub(crate) fn start(
        exchange: &Exchange,
        (venue, account): (u32, u32),
        cx: &mut Erased<'_, Exchange>,
    ) -> Self {
        let desk = Desk::new(exchange.terrain.layout.venues);
        let trader = Self { venue, account, desk, seen: [0; 4], resting: Vec::new() };
        trader.await_flow(exchange, cx);
        trader
    }

    pub(crate) fn restart(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        self.desk.restart(exchange, cx);
        self.await_flow(exchange, cx);
    }

    /// Waits for the next thing to do.
    fn await_flow(&self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let is_over = exchange.requests > 0 && self.desk.made() >= exchange.requests;
        match exchange.flow {
            // Bob begins; Alice follows when she sees his offer.
            "example" if self.account == 1 && self.desk.made() == 0 => {
                cx.set_timer(exchange.delta, Timer::Flow);
            }
            "poisson" if !is_over => {
                Arrivals::poisson(exchange.interval).await_next(cx, Timer::Flow);
            }
            _ => {}
        }
    }

    fn order(&self, side: Side, price: Ticks, lots: Lots) -> Order {
        let number = number_of(self.desk.next(self.venue));
        Order::limit(OrderId::new(self.account, number), side, price, lots)
    }

    pub(crate) fn on_flow(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        if exchange.flow == "example" {
            let ask = self.order(Side::Ask, FIRST_PRICE, EXAMPLE_LOTS);
            self.desk.place(exchange, self.venue, ask, cx);
            return;
        }
        if self.desk.has_room(self.venue) {
            self.act(exchange, cx);
        }
        self.await_flow(exchange, cx);
    }

    /// A limit order around the last price, a market order, or the end of an order.
    fn act(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let (what, side) = (cx.random_below(10), cx.random() >> 63 == 0);
        let side = if side { Side::Bid } else { Side::Ask };
        let lots = 1 + cx.random_below(20) as Lots;
        let offset = cx.random_below(24) as Ticks - 4;
        let last = if self.seen[3] == 0 { FIRST_PRICE } else { self.seen[3] as Ticks };
        let price = if side == Side::Bid { last - offset } else { last + offset };
        match (what, self.resting.len()) {
            (0..=1, _) => {
                let order = self.order(side, 0, lots);
                let order = Order::market(order.id, side, lots);
                self.desk.place(exchange, self.venue, order, cx);
            }
            (2..=3, some @ 1..) => {
                let number = self.resting.swap_remove(cx.random_below(some as u64) as usize);
                let id = OrderId::new(self.account, number);
                self.desk.ask(exchange, (self.venue, self.venue), Command::Cancel { id }, cx);
            }
            _ => {
                let order = self.order(side, price.max(1), lots);
                if self.resting.len() == MOST_RESTING {
                    self.resting.remove(0);
                }
                self.resting.push(order.id.number);
                self.desk.place(exchange, self.venue, order, cx);
            }
        }
    }

    pub(crate) fn on_answer(
        &mut self,
        exchange: &Exchange,
        from: NodeId,
        request: (u32, u32),
        answer: (u8, u64, u64),
        cx: &mut Erased<'_, Exchange>,
    ) {
        let reply = self.desk.on_answer(exchange, from, request, answer, cx);
        if reply.is_some_and(|it| !it.is_accepted()) {
            self.resting.retain(|number| *number != number_of(request.1));
        }
    }

    /// One replica's word: a lie costs an order that is refused or rests, no more.
    pub(crate) fn on_quote(
        &mut self,
        exchange: &Exchange,
        from: NodeId,
        top: Top,
        cx: &mut Erased<'_, Exchange>,
    ) {
        let is_replica = exchange.terrain.layout.part(self.venue).inner(from).is_some();
        if top.venue != self.venue || !is_replica || top.height <= self.seen[0] {
            return;
        }
        self.seen = [top.height, top.bid, top.ask, top.last];
        let is_offered = top.ask == FIRST_PRICE as u64 && top.ask_lots >= EXAMPLE_LOTS as u64;
        let alice = exchange.flow == "example" && self.account == 0 && self.desk.made() == 0;
        if alice && is_offered {
            let bid = self.order(Side::Bid, FIRST_PRICE, EXAMPLE_LOTS);
            self.desk.place(exchange, self.venue, bid, cx);
        }
    }
}
