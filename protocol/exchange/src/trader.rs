//! Traders: what they ask for, and when.

use anthill_market::{Command, Force, Kind, Lots, Order, OrderId, Side, Ticks, codec, sealed};
use anthill_protocol::kit::{Arrivals, Erased};
use anthill_protocol::{Context, NodeId, Snapshot, Span, Time};

use crate::body::Asks;
use crate::desk::Desk;
use crate::exchange::Exchange;
use crate::messages::{Timer, Top};
use crate::state::number_of;

/// Where prices begin: 150.00 in hundredths.
pub(crate) const FIRST_PRICE: Ticks = 15_000;
/// What Alice buys of Bob in the example.
const EXAMPLE_LOTS: Lots = 100;
/// What the quotes of a flow of quotes are for: so much as an arbitrageur takes at once, at a gap in ticks.
const QUOTE_LOTS: Lots = 20;
const QUOTE_GAP: Ticks = 10;
/// Resting orders that a trader remembers, to cancel one of them.
const MOST_RESTING: usize = 64;

/// Rates of the flow without intelligence, per interval and in thousandths: limit orders on all ticks within
/// reach, market orders, and cancellations of each resting order.
const WEIGHT_LIMIT: u64 = 1_000;
const WEIGHT_MARKET: u64 = 250;
const WEIGHT_CANCEL: u64 = 25;
const REACH: u64 = 40;

/// Chances of at most 0, 1, 2 … of a Poisson variable with mean a half, in 2^-32.
const POISSON_HALF: [u64; 6] =
    [2_605_029_348, 3_907_544_023, 4_233_172_691, 4_287_444_136, 4_294_228_067, 4_294_906_460];

/// A trader of one venue.
#[derive(Clone, Debug, Snapshot)]
pub(crate) struct Trader {
    venue: u32,
    account: u32,
    pub(crate) desk: Desk,
    /// The last prices heard: height, bid, ask, last trade; 0: none.
    seen: [u64; 4],
    resting: Vec<u32>,
    /// Orders that are sealed and not opened yet: the request of the seal, the order, and its salt.
    sealed: Vec<(u32, Vec<u8>, [u8; 32])>,
}

impl Trader {
    pub(crate) fn start(
        exchange: &Exchange,
        (venue, account): (u32, u32),
        cx: &mut Erased<'_, Exchange>,
    ) -> Self {
        let desk = Desk::new(exchange.terrain.layout.venues);
        let trader =
            Self { venue, account, desk, seen: [0; 4], resting: Vec::new(), sealed: Vec::new() };
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
            // Every arrival causes half of one more: as many in all, in clusters.
            "hawkes" if !is_over => {
                Arrivals::poisson(exchange.interval * 2).await_next(cx, Timer::Flow);
            }
            // Every resting order may be the next to be cancelled: the more there are, the sooner.
            "santa-fe" if !is_over => {
                let per_mille = WEIGHT_LIMIT + WEIGHT_MARKET + self.weight_cancel();
                let mean = Span(exchange.interval.0.saturating_mul(1_000) / per_mille);
                Arrivals::poisson(mean).await_next(cx, Timer::Flow);
            }
            // Whoever quotes begins; the others take what they see at venues that are dear.
            "quotes" if self.account == 0 && self.desk.made() == 0 => {
                cx.set_timer(exchange.delta, Timer::Flow);
            }
            "quotes" if self.account > 0 && self.venue > 0 && !is_over => {
                Arrivals::poisson(exchange.interval).await_next(cx, Timer::Flow);
            }
            "file" if !is_over => self.await_line(exchange, cx),
            _ => {}
        }
    }

    /// Waits for the next line of its part of a file. What was there before is placed at once; then the rest
    /// begins.
    fn await_line(&self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let Some(after) = exchange.script.next(self.account, self.desk.made()) else { return };
        let begin = Time::ZERO + exchange.delta * 16;
        let due = after.map_or(Time::ZERO, |after| begin + after);
        // Out of room, it waits for answers.
        let least = if self.desk.has_room(self.venue) { Span(1) } else { exchange.delta };
        cx.set_timer(due.since(cx.now()).max(least), Timer::Flow);
    }

    fn play_line(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let command = exchange.script.command(self.account, self.desk.made());
        if let Some(command) = command.filter(|_| self.desk.has_room(self.venue)) {
            self.desk.ask(exchange, (self.venue, self.venue), command, cx);
        }
    }

    /// Side and price of the quote of a venue: one buys at venue 0 what can be sold dearer at the others.
    fn quote_of(&self) -> (Side, Ticks) {
        if self.venue == 0 {
            (Side::Ask, FIRST_PRICE)
        } else {
            (Side::Bid, FIRST_PRICE + QUOTE_GAP)
        }
    }

    /// Puts its quote into the book, or takes somebody else's.
    fn quote_or_take(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let (side, price) = self.quote_of();
        if self.account == 0 {
            let order = self.order(side, price, QUOTE_LOTS);
            self.resting = vec![order.id.number];
            self.place(exchange, order, cx);
        } else if self.desk.has_room(self.venue) {
            let order = self.order(side.other(), price, QUOTE_LOTS);
            self.place(exchange, order.kind(Kind::Limit(Force::Immediate)), cx);
        }
    }

    /// Its quote has gone: it makes a new one, later than anybody who has seen the old one can still come.
    fn renew_quote(&mut self, exchange: &Exchange, top: Top, cx: &mut Erased<'_, Exchange>) {
        let is_gone = if self.venue == 0 { top.ask == 0 } else { top.bid == 0 };
        if is_gone && !self.resting.is_empty() && self.desk.open() == 0 {
            self.resting.clear();
            cx.set_timer(exchange.delta * 24, Timer::Flow);
        }
    }

    fn order(&self, side: Side, price: Ticks, lots: Lots) -> Order {
        let number = number_of(self.desk.next(self.venue));
        Order::limit(OrderId::new(self.account, number), side, price, lots)
    }

    /// Places an order that carries the number of its request: openly, or sealed first.
    fn place(&mut self, exchange: &Exchange, order: Order, cx: &mut Erased<'_, Exchange>) {
        let command = Command::Place(order);
        if !exchange.terrain.seals() {
            self.desk.ask(exchange, (self.venue, self.venue), command, cx);
            return;
        }
        let mut salt = [0; 32];
        for bytes in salt.chunks_mut(8) {
            bytes.copy_from_slice(&cx.random().to_le_bytes());
        }
        let asks = Asks::Seal(sealed::seal(&command, &salt));
        let request = self.desk.ask_for(exchange, self.venue, asks, cx);
        self.sealed.push((request, codec::encode(&command), salt));
    }

    /// Opens the order of a seal that a venue has taken; it is gone if the venue has not.
    fn open(
        &mut self,
        exchange: &Exchange,
        request: u32,
        taken: bool,
        cx: &mut Erased<'_, Exchange>,
    ) {
        let Some(at) = self.sealed.iter().position(|(of, ..)| *of == request) else { return };
        let (_, bytes, salt) = self.sealed.swap_remove(at);
        if let Some(command) = codec::decode(&bytes).ok().filter(|_| taken) {
            self.desk.ask_for(exchange, self.venue, Asks::Open { command, salt }, cx);
        }
    }

    pub(crate) fn on_flow(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        if exchange.flow == "quotes" {
            self.quote_or_take(exchange, cx);
            return self.await_flow(exchange, cx);
        }
        if exchange.flow == "file" {
            self.play_line(exchange, cx);
            return self.await_flow(exchange, cx);
        }
        if exchange.flow == "example" {
            let ask = self.order(Side::Ask, FIRST_PRICE, EXAMPLE_LOTS);
            self.place(exchange, ask, cx);
            return;
        }
        self.arrive(exchange, cx);
        self.await_flow(exchange, cx);
    }

    /// An arrival, of its own accord or caused by another one.
    pub(crate) fn arrive(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let is_over = exchange.requests > 0 && self.desk.made() >= exchange.requests;
        if self.desk.has_room(self.venue) && !is_over {
            match exchange.flow {
                "santa-fe" => self.act_blindly(exchange, cx),
                _ => self.act(exchange, cx),
            }
        }
        if exchange.flow == "hawkes" && !is_over {
            // A Hawkes process as clusters (Hawkes and Oakes 1974): the number of arrivals that one causes is
            // Poisson with mean a half, each after an exponential time.
            let drawn = cx.random() >> 32;
            let caused = POISSON_HALF.iter().take_while(|bound| drawn >= **bound).count();
            for _ in 0..caused {
                Arrivals::poisson(exchange.interval).await_next(cx, Timer::Caused);
            }
        }
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
                self.place(exchange, order, cx);
            }
            (2..=3, some @ 1..) => {
                let number = self.resting.swap_remove(cx.random_below(some as u64) as usize);
                let id = OrderId::new(self.account, number);
                self.desk.ask(exchange, (self.venue, self.venue), Command::Cancel { id }, cx);
            }
            _ => {
                let order = self.order(side, price.max(1), lots);
                self.remember(order.id.number);
                self.place(exchange, order, cx);
            }
        }
    }

    fn weight_cancel(&self) -> u64 {
        WEIGHT_CANCEL * self.resting.len() as u64
    }

    /// A limit order anywhere within reach of the other side's best price, a market order, or the end of any
    /// resting order, each at its rate.
    fn act_blindly(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let drawn = cx.random_below(WEIGHT_LIMIT + WEIGHT_MARKET + self.weight_cancel());
        let side = if cx.random() >> 63 == 0 { Side::Bid } else { Side::Ask };
        let [_, bid, ask, _] = self.seen.map(|price| price as Ticks);
        let or = |price, default| if price == 0 { default } else { price };
        let (bid, ask) = (or(bid, FIRST_PRICE - 5), or(ask, FIRST_PRICE + 5));
        let away = 1 + cx.random_below(REACH) as Ticks;
        let price = if side == Side::Bid { ask - away } else { bid + away };
        let venue = self.venue;
        if drawn < WEIGHT_LIMIT {
            let order = self.order(side, price.max(1), 1);
            self.remember(order.id.number);
            self.place(exchange, order, cx);
        } else if drawn < WEIGHT_LIMIT + WEIGHT_MARKET {
            let order = Order::market(self.order(side, 0, 1).id, side, 1);
            self.place(exchange, order, cx);
        } else {
            let place = cx.random_below(self.resting.len() as u64) as usize;
            let id = OrderId::new(self.account, self.resting.swap_remove(place));
            self.desk.ask(exchange, (venue, venue), Command::Cancel { id }, cx);
        }
    }

    fn remember(&mut self, number: u32) {
        if self.resting.len() == MOST_RESTING {
            self.resting.remove(0);
        }
        self.resting.push(number);
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
        if let Some(reply) = reply {
            self.open(exchange, request.1, reply.is_accepted(), cx);
        }
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
        if top.venue != self.venue || !is_replica || !top.is_sane() || top.height <= self.seen[0] {
            return;
        }
        self.seen = [top.height, top.bid, top.ask, top.last];
        if exchange.flow == "quotes" && self.account == 0 {
            self.renew_quote(exchange, top, cx);
        }
        let is_offered = top.ask == FIRST_PRICE as u64 && top.ask_lots >= EXAMPLE_LOTS as u64;
        let alice = exchange.flow == "example" && self.account == 0 && self.desk.made() == 0;
        if alice && is_offered {
            let bid = self.order(Side::Bid, FIRST_PRICE, EXAMPLE_LOTS);
            self.place(exchange, bid, cx);
        }
    }
}
