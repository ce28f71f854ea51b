//! Market makers: quotes on both sides around the last price, by inventory.
//!
//! After every block a replica tells a maker where it stands. When its quotes should be others, it cancels
//! them and makes new ones. Sealed orders would be stale when they are opened: where orders are sealed makers
//! do nothing.
//!
//! Where a venue has an oracle every maker reports now and then what it holds the price to be, with an error of
//! its own each time, and quotes around what the oracle makes of all reports.

use anthill_market::maker::{Leaning, Quotes};
use anthill_market::oracle::Report;
use anthill_market::{Command, Lots, MAX_LOTS, MAX_PRICE, Order, OrderId, Side, Ticks};
use anthill_protocol::kit::Erased;
use anthill_protocol::{Context, NodeId, Snapshot};

use crate::body::Asks;
use crate::desk::Desk;
use crate::exchange::Exchange;
use crate::messages::{ExchangeMetric, Timer};
use crate::state::{CONFIDENCE, number_of};
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
    /// The report that is not answered yet.
    reports: Option<u32>,
    /// What it had when it was last told, in ticks times lots.
    worth: Option<u64>,
}

impl Maker {
    pub(crate) fn start(
        exchange: &Exchange,
        (venue, account): (u32, u32),
        cx: &mut Erased<'_, Exchange>,
    ) -> Self {
        cx.set_timer(exchange.delta, Timer::Flow);
        if exchange.terrain.reporting.is_some() {
            cx.set_timer(exchange.delta, Timer::Report);
        }
        let desk = Desk::new(exchange.terrain.layout.venues);
        let (orders, quoted) = (Vec::new(), [0; 4]);
        Self { venue, account, desk, height: 0, orders, quoted, reports: None, worth: None }
    }

    /// Timers have died; what it has asked is on disk.
    pub(crate) fn restart(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        self.desk.restart(exchange, cx);
        if exchange.terrain.reporting.is_some() {
            cx.set_timer(exchange.report_every, Timer::Report);
        }
    }

    /// Reports what it holds the price to be, unless its last report is not answered yet.
    pub(crate) fn report(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        cx.set_timer(exchange.report_every, Timer::Report);
        if self.reports.is_some() || !self.desk.has_room(self.venue) {
            return;
        }
        let report = match exchange.lie_of(cx.id()) {
            Some(off) => {
                let mid = (FIRST_PRICE + off).min(MAX_PRICE);
                Report { mid, size: MAX_LOTS, confidence: u32::MAX }
            }
            None => {
                let mid = FIRST_PRICE + noise(exchange.report_noise, cx);
                Report { mid: mid.clamp(1, MAX_PRICE), size: RULE.size, confidence: CONFIDENCE }
            }
        };
        let request = self.desk.ask_for(exchange, self.venue, Asks::Report(report), cx);
        self.reports = Some(request);
    }

    pub(crate) fn on_answer(
        &mut self,
        exchange: &Exchange,
        from: NodeId,
        request: (u32, u32),
        answer: (u8, u64, u64),
        cx: &mut Erased<'_, Exchange>,
    ) {
        let is_over = self.desk.on_answer(exchange, from, request, answer, cx).is_some();
        if is_over && self.reports == Some(request.1) {
            self.reports = None;
        }
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
        (height, price, lots, cash): (u64, u64, u64, u64),
        cx: &mut Erased<'_, Exchange>,
    ) {
        let is_replica = exchange.terrain.layout.part(self.venue).inner(from).is_some();
        if !is_replica || height <= self.height {
            return;
        }
        self.height = height;
        let most = anthill_market::MAX_PRICE as u64;
        let price = if price == 0 { FIRST_PRICE } else { price.min(most) as Ticks };
        let inventory = (lots as Lots).saturating_sub(exchange.terrain.stock);
        cx.record(ExchangeMetric::Inventory, inventory.unsigned_abs());
        let worth = lots.saturating_mul(price.unsigned_abs()).saturating_add(cash);
        if let Some(before) = self.worth.replace(worth) {
            cx.record(ExchangeMetric::MakersGain, worth.saturating_sub(before));
            cx.record(ExchangeMetric::MakersLoss, before.saturating_sub(worth));
        }
        self.quote(exchange, price, inventory, cx);
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
        let is_waiting = self.desk.open() > usize::from(self.reports.is_some());
        if quoted == self.quoted || is_waiting || exchange.terrain.seals() {
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

/// A whole number of ticks from a distribution that is normal for all that an oracle makes of it: twelve uniform
/// draws have the variance 1 together.
fn noise(deviation: u64, cx: &mut Erased<'_, Exchange>) -> Ticks {
    let sum: i128 = (0..12).map(|_| i128::from(cx.random() >> 32)).sum();
    let centred = sum - (6 << 32);
    // The deviation is at most a million, the rest below 2^36.
    ((centred * i128::from(deviation)) >> 32) as Ticks
}
