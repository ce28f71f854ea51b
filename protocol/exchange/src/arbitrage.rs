//! The arbitrageur: buys where an ask is lower than another venue's bid, and sells there, in one of three ways.
//!
//! | way | legs | one leg alone |
//! |---|---|---|
//! | naive | an order, and when that has traded another one | whenever the second quote has gone |
//! | hash-time-locked | both reserved under one hash, then its preimage shown to both | whenever that comes too late to one |
//! | two-phase | both reserved, then what a coordinator's log decides | never, while at most f of a chain fail |

use anthill_market::{
    Cash, Command, Force, Kind, Lots, Order, OrderId, Side, Terms, cost, fee, lock_of,
};
use anthill_protocol::kit::{Erased, Tick};
use anthill_protocol::{Context, NodeId, Snapshot, Time};

use crate::body::venue_height;
use crate::desk::Desk;
use crate::exchange::Exchange;
use crate::messages::{ExchangeMetric, Says, Top};
use crate::state::FIRST_ORDER;

/// The most lots of an attempt.
const MOST_LOTS: u64 = 20;

/// How far a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
enum Stage {
    /// It was not asked for yet.
    Idle,
    Asked,
    /// Reserved.
    Held,
    /// The preimage is on its way.
    Shown,
    /// Over: whether it has traded.
    Over(bool),
}

/// One leg.
#[derive(Clone, Copy, Debug, Snapshot)]
struct Leg {
    venue: u32,
    buys: bool,
    price: u64,
    stage: Stage,
    /// The request that is open.
    request: u32,
    cash: u64,
}

/// An attempt to trade at two venues.
#[derive(Clone, Debug, Snapshot)]
struct Attempt {
    number: u32,
    lots: u64,
    legs: [Leg; 2],
    /// Replicas that have said how a leg ended.
    ended: Vec<(NodeId, u32, bool)>,
    /// Whether the preimage has been shown.
    is_shown: bool,
}

/// The arbitrageur.
#[derive(Clone, Debug, Snapshot)]
pub(crate) struct Arbitrageur {
    account: u32,
    pub(crate) desk: Desk,
    /// By venue: height, bid, its lots, ask, its lots.
    seen: Vec<[u64; 5]>,
    /// The last opportunity: where to buy and sell, at what prices.
    last: [u64; 4],
    numbers: u32,
    attempt: Option<Attempt>,
    since: Time,
}

impl Arbitrageur {
    pub(crate) fn new(exchange: &Exchange) -> Self {
        let layout = &exchange.terrain.layout;
        Self {
            account: layout.arbitrageur(),
            desk: Desk::new(layout.venues),
            seen: vec![[0; 5]; layout.venues as usize],
            last: [0; 4],
            numbers: 0,
            attempt: None,
            since: Time::ZERO,
        }
    }

    /// Prices of a venue.
    pub(crate) fn on_quote(
        &mut self,
        exchange: &Exchange,
        from: NodeId,
        top: Top,
        cx: &mut Erased<'_, Exchange>,
    ) {
        let layout = &exchange.terrain.layout;
        let is_venue = layout.is_venue(top.venue) && top.is_sane();
        if !is_venue || layout.part(top.venue).inner(from).is_none() {
            return;
        }
        let seen = &mut self.seen[top.venue as usize];
        if top.height <= seen[0] {
            return;
        }
        *seen = [top.height, top.bid, top.bid_lots, top.ask, top.ask_lots];
        self.look(exchange, cx);
    }

    /// Looks for the best opportunity, and goes for it if none is under way.
    fn look(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let rate = exchange.terrain.rules.taker_fee;
        let venues = self.seen.len();
        let mut best: Option<(i128, usize, usize)> = None;
        for (buy, sell) in (0..venues).flat_map(|a| (0..venues).map(move |b| (a, b))) {
            let ([_, _, _, ask, asked], [_, bid, bidden, _, _]) = (self.seen[buy], self.seen[sell]);
            if buy == sell || ask == 0 || bid <= ask || asked == 0 || bidden == 0 {
                continue;
            }
            let net = |price: u64, sign: i128| {
                let cash = cost(price as i64, 1);
                sign * cash - fee(cash, rate)
            };
            let gain = net(bid, 1) + net(ask, -1);
            if gain > 0 && best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, buy, sell));
            }
        }
        let Some((_, buy, sell)) = best else { return };
        let (ask, bid) = (self.seen[buy][3], self.seen[sell][1]);
        let this = [buy as u64, sell as u64, ask, bid];
        if core::mem::replace(&mut self.last, this) != this {
            cx.record(ExchangeMetric::Found, 1);
        }
        // What it was to hear of the last attempt may have been lost.
        let most = exchange.terrain.patience * 4 + exchange.lock_timeout * 4;
        if cx.now().since(self.since) >= most {
            self.attempt = None;
        }
        let has_room = [buy, sell].iter().all(|venue| self.desk.has_room(*venue as u32));
        if self.attempt.is_some() || !has_room {
            return;
        }
        let lots = self.seen[buy][4].min(self.seen[sell][2]).min(MOST_LOTS);
        let leg = |venue: usize, buys, price| Leg {
            venue: venue as u32,
            buys,
            price,
            stage: Stage::Idle,
            request: 0,
            cash: 0,
        };
        let legs = [leg(buy, true, ask), leg(sell, false, bid)];
        self.numbers += 1;
        let number = FIRST_ORDER + self.numbers;
        cx.record(ExchangeMetric::Attempted, 1);
        self.since = cx.now();
        self.attempt = Some(Attempt { number, lots, legs, ended: Vec::new(), is_shown: false });
        self.step(exchange, cx);
    }

    /// Does what is to be done next.
    fn step(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let Some(attempt) = self.attempt.clone() else { return };
        let [first, second] = attempt.legs.map(|leg| leg.stage);
        match (exchange.arbitrage, first, second) {
            ("naive", Stage::Idle, _) => self.ask(exchange, 0, cx),
            ("naive", Stage::Over(true), Stage::Idle) => self.ask(exchange, 1, cx),
            (_, Stage::Idle, Stage::Idle) => {
                self.ask(exchange, 0, cx);
                self.ask(exchange, 1, cx);
            }
            ("htlc", Stage::Held, Stage::Held) if !attempt.is_shown => self.show(exchange, cx),
            _ => {}
        }
        self.conclude(exchange, cx);
    }

    fn order(&self, attempt: &Attempt, leg: &Leg) -> Order {
        let id = OrderId::new(self.account, attempt.number);
        let side = if leg.buys { Side::Bid } else { Side::Ask };
        let order = Order::limit(id, side, leg.price as i64, attempt.lots as Lots);
        order.kind(Kind::Limit(Force::Fill))
    }

    /// What hashes to the lock of an attempt; nobody else is to know it before it is shown.
    fn preimage(&self, number: u32, scenario: u64) -> [u8; 32] {
        anthill_protocol::Digest::of("exchange: preimage", scenario, number, &[]).0
    }

    fn ask(&mut self, exchange: &Exchange, place: usize, cx: &mut Erased<'_, Exchange>) {
        let Some(attempt) = self.attempt.clone() else { return };
        let (leg, other) = (attempt.legs[place], attempt.legs[1 - place].venue);
        let order = self.order(&attempt, &leg);
        let command = match exchange.arbitrage {
            "naive" => Command::Place(order),
            "htlc" => {
                let lock = lock_of(&self.preimage(attempt.number, cx.scenario()));
                let deadline = venue_height(self.since + exchange.lock_timeout);
                Command::Prepare { order, terms: Terms::Hash { lock, deadline } }
            }
            _ => {
                let coordinator = exchange.terrain.layout.coordinator();
                Command::Prepare { order, terms: Terms::Decision { coordinator } }
            }
        };
        let request = self.desk.ask(exchange, (leg.venue, other), command, cx);
        if let Some(attempt) = &mut self.attempt {
            attempt.legs[place].stage = Stage::Asked;
            attempt.legs[place].request = request;
        }
    }

    /// Shows the preimage to both venues.
    fn show(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let Some(attempt) = &mut self.attempt else { return };
        attempt.is_shown = true;
        let (number, mut legs) = (attempt.number, attempt.legs);
        let id = OrderId::new(self.account, number);
        let preimage = self.preimage(number, cx.scenario());
        for leg in &mut legs {
            let command = Command::Reveal { id, preimage };
            leg.request = self.desk.ask(exchange, (leg.venue, leg.venue), command, cx);
            leg.stage = Stage::Shown;
        }
        if let Some(attempt) = &mut self.attempt {
            attempt.legs = legs;
        }
    }

    pub(crate) fn on_answer(
        &mut self,
        exchange: &Exchange,
        from: NodeId,
        (venue, request): (u32, u32),
        answer: (u8, u64, u64),
        cx: &mut Erased<'_, Exchange>,
    ) {
        let reply = self.desk.on_answer(exchange, from, (venue, request), answer, cx);
        let (Some(reply), Some(attempt)) = (reply, &mut self.attempt) else { return };
        let lots = attempt.lots as Lots;
        let own = |leg: &&mut Leg| leg.venue == venue && leg.request == request;
        let Some(leg) = attempt.legs.iter_mut().find(own) else { return };
        if leg.stage == Stage::Shown {
            // Whether it came in time.
            leg.stage = Stage::Over(reply.is_accepted());
        }
        if leg.stage == Stage::Asked {
            leg.cash = reply.cash().try_into().unwrap_or(u64::MAX);
            leg.stage = match (exchange.arbitrage, reply.is_accepted()) {
                ("naive", accepted) => Stage::Over(accepted && reply.filled() == lots),
                (_, true) => Stage::Held,
                // A venue that said no has nothing to settle; the other one may hold its leg still.
                (_, false) => Stage::Over(false),
            };
        }
        self.step(exchange, cx);
    }

    /// A replica says how a leg ended; f + 1 are believed.
    pub(crate) fn on_ended(
        &mut self,
        exchange: &Exchange,
        from: NodeId,
        (venue, number, settled): (u32, u32, bool),
        cx: &mut Erased<'_, Exchange>,
    ) {
        let layout = &exchange.terrain.layout;
        let is_replica = layout.is_venue(venue) && layout.part(venue).inner(from).is_some();
        let Some(attempt) = self.attempt.as_mut().filter(|it| is_replica && it.number == number)
        else {
            return;
        };
        if attempt.ended.contains(&(from, venue, settled)) {
            return;
        }
        attempt.ended.push((from, venue, settled));
        let said = (venue, settled);
        let same = attempt.ended.iter().filter(|(_, venue, it)| (*venue, *it) == said).count();
        if same > exchange.faults() as usize
            && let Some(leg) = attempt.legs.iter_mut().find(|leg| leg.venue == venue)
        {
            leg.stage = Stage::Over(settled);
        }
        self.step(exchange, cx);
    }

    /// Counts an attempt both legs of which are over.
    fn conclude(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let Some(attempt) = &self.attempt else { return };
        let number = attempt.number;
        let ended = match attempt.legs.map(|leg| leg.stage) {
            [Stage::Over(first), Stage::Over(second)] => [first, second],
            // The second was never asked for.
            [Stage::Over(false), Stage::Idle] => [false; 2],
            _ => return,
        };
        let (taken, one) = (ended == [true; 2], ended[0] != ended[1]);
        cx.record(ExchangeMetric::Taken, taken.into());
        cx.record(ExchangeMetric::OneLeg, one.into());
        cx.output(Says::Concluded { number, both: taken, one });
        if taken {
            let rate = exchange.terrain.rules.taker_fee;
            let cash = attempt.legs.map(|leg| Cash::from(leg.cash));
            let gain = cash[1] - cash[0] - fee(cash[0], rate) - fee(cash[1], rate);
            cx.record(ExchangeMetric::Profit, u64::try_from(gain).unwrap_or(0));
        }
        self.attempt = None;
    }

    pub(crate) fn on_again(
        &mut self,
        exchange: &Exchange,
        tick: Tick,
        cx: &mut Erased<'_, Exchange>,
    ) {
        self.desk.on_again(exchange, tick, cx);
    }
}
