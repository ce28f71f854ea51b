//! Traders around a price they believe in: any arrivals, any walk of the price.

use super::arrivals::Arrivals;
use super::live::Live;
use super::prices::Prices;
use super::santa_fe::Best;
use crate::amount::{Lots, MAX_PRICE, Ticks};
use crate::command::{Command, Force, Kind, Order, OrderId, Side};
use crate::draw::Draws;
use crate::event::Event;

/// What arrivals are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TradersRates {
    /// The share of market orders.
    pub market: f64,
    /// The share of cancellations, of a random open order of the traders.
    pub cancel: f64,
    /// How far from the believed price limit orders are, in ticks, on average.
    pub away: f64,
    /// The mean lots of an order.
    pub size: f64,
    /// The most open orders: beyond it every arrival cancels.
    pub open: usize,
}

/// The generator, for accounts `first..first + accounts`.
#[derive(Clone, Debug)]
pub struct Traders {
    rates: TradersRates,
    arrivals: Arrivals,
    prices: Prices,
    draws: Draws,
    live: Live,
    instrument: u16,
    first: u32,
    numbers: Vec<u32>,
}

impl Traders {
    /// A stream of an instrument. Order numbers start at `number`.
    pub fn new(
        rates: TradersRates,
        arrivals: Arrivals,
        prices: Prices,
        seed: u64,
        instrument: u16,
        (first, accounts): (u32, u32),
        number: u32,
    ) -> Self {
        Self {
            rates,
            arrivals,
            prices,
            draws: Draws::new(seed),
            live: Live::default(),
            instrument,
            first,
            numbers: vec![number; accounts.max(1) as usize],
        }
    }

    /// The price they believe in.
    pub fn believed(&self) -> Ticks {
        self.prices.value()
    }

    fn id(&mut self) -> OrderId {
        let at = self.draws.below(self.numbers.len() as u64) as usize;
        self.numbers[at] = self.numbers[at].wrapping_add(1);
        OrderId::new(self.first + at as u32, self.numbers[at].wrapping_sub(1))
    }

    /// Geometric with the mean of the rates, at least 1.
    fn size(&mut self) -> Lots {
        let extra = self.draws.exponential() * (self.rates.size - 1.0).max(0.0);
        1 + extra.min(1e9) as Lots
    }

    /// The seconds until the next command, and the command. Market orders buy what is offered below
    /// the believed price and sell what is bid above it; without either, they go either way.
    pub fn next(&mut self, best: Best) -> (f64, Command) {
        let gap = self.arrivals.gap(&mut self.draws);
        self.prices.pass(gap);
        let draw = self.draws.unit();
        let full = self.live.len() >= self.rates.open;
        if (full || draw <= self.rates.cancel)
            && let Some(id) = self.live.draw(&mut self.draws)
        {
            return (gap, Command::Cancel { id });
        }
        let (id, quantity, believed) = (self.id(), self.size(), self.believed());
        let either = if self.draws.below(2) == 0 { Side::Bid } else { Side::Ask };
        let order = if draw <= self.rates.cancel + self.rates.market {
            let cheap = best.ask.is_some_and(|ask| ask < believed);
            let dear = best.bid.is_some_and(|bid| bid > believed);
            let side = match (cheap, dear) {
                (true, false) => Side::Bid,
                (false, true) => Side::Ask,
                _ => either,
            };
            Order::market(id, side, quantity)
        } else {
            let away = 1 + (self.draws.exponential() * self.rates.away).min(1e9) as Ticks;
            let price = if either == Side::Bid { believed - away } else { believed + away };
            let order = Order::limit(id, either, price.clamp(1, MAX_PRICE), quantity);
            order.kind(Kind::Limit(Force::Rest))
        };
        (gap, Command::Place(Order { instrument: self.instrument, ..order }))
    }

    /// Takes notice of what commands did.
    pub fn observe(&mut self, event: &Event) {
        let accounts = self.first..self.first + self.numbers.len() as u32;
        self.live.observe(event, |id| accounts.contains(&id.account));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;
    use crate::venue::Venue;
    use crate::workload::Price;

    /// The mean distance of the middle of the book from the believed price, and the trades.
    fn trade(price: Price, arrivals: Arrivals) -> (f64, u32, u128) {
        let mut venue = Venue::new(Rules { accounts: 20, ..Rules::default() });
        let mut events = Vec::new();
        for account in 0..20 {
            let id = OrderId::new(account, 0);
            venue.apply(&Command::Deposit { id, cash: 1 << 50 }, &mut events).unwrap();
            let id = OrderId::new(account, 1);
            let lots = Command::DepositLots { id, instrument: 0, lots: 1 << 30 };
            venue.apply(&lots, &mut events).unwrap();
        }
        let rates = TradersRates { market: 0.2, cancel: 0.2, away: 8.0, size: 4.0, open: 400 };
        let prices = Prices::new(price, 3, 10_000);
        let mut traders = Traders::new(rates, arrivals, prices, 5, 0, (0, 20), 2);
        let (mut error, mut trades, mut samples) = (0.0, 0, 0);
        for _ in 0..20_000 {
            let best = Best { bid: venue.best_bid(0), ask: venue.best_ask(0) };
            let (gap, command) = traders.next(best);
            assert!(gap > 0.0);
            events.clear();
            assert_eq!(venue.apply(&command, &mut events), Ok(()), "{command:?}");
            events.iter().for_each(|event| traders.observe(event));
            trades +=
                events.iter().filter(|event| matches!(event, Event::Traded(_))).count() as u32;
            if let (Some(bid), Some(ask)) = (venue.best_bid(0), venue.best_ask(0)) {
                error += ((bid + ask) as f64 / 2.0 - traders.believed() as f64).abs();
                samples += 1;
            }
        }
        assert_eq!(venue.audit(), Ok(()));
        assert!(samples > 19_000);
        (error / f64::from(samples), trades, venue.roots().book)
    }

    #[test]
    fn the_book_follows_the_believed_price_and_a_seed_repeats() {
        let still = trade(Price::STILL, Arrivals::Poisson { rate: 100.0 });
        assert!(still.0 < 4.0 && still.1 > 4_000, "{still:?}");
        assert_eq!(still, trade(Price::STILL, Arrivals::Poisson { rate: 100.0 }));
        let walk = Price { calm: 4.0, ..Price::STILL };
        let moving = trade(walk, Arrivals::hawkes(50.0, 0.5, 10.0));
        assert!(moving.0 < 30.0 && moving.1 > 4_000, "{moving:?}");
        assert_ne!(still.2, moving.2);
    }
}
