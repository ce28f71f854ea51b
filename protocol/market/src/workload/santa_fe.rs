//! Zero-intelligence flow: Smith, Farmer, Gillemot and Krishnamurthy, "Statistical theory of the
//! continuous double auction", 2003. Limit orders fall uniformly on the prices below the best ask
//! (bids) and above the best bid (asks), market orders come at a constant rate, and every resting
//! order is cancelled at a constant rate. Far from the middle the depth per price is Poisson with
//! mean α/δ; scaling all rates together changes nothing but the clock.

use super::live::Live;
use crate::amount::{Lots, Ticks};
use crate::command::{Command, Order, OrderId, Side};
use crate::draw::Draws;
use crate::event::Event;

/// The rates, per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SantaFeRates {
    /// α: limit orders per tick, on each side.
    pub limit: f64,
    /// μ: market orders, on each side.
    pub market: f64,
    /// δ: cancellations of each resting order.
    pub cancel: f64,
    /// How many ticks beyond the best opposite price limit orders reach.
    pub reach: u32,
    /// Lots of every order.
    pub size: Lots,
}

/// The best quotes that a generator sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Best {
    /// The best bid.
    pub bid: Option<Ticks>,
    /// The best ask.
    pub ask: Option<Ticks>,
}

/// The generator. Accounts `first..first + accounts` enter its orders: the first half limit orders,
/// the second half market orders, so that none meets its own.
#[derive(Clone, Debug)]
pub struct SantaFe {
    rates: SantaFeRates,
    draws: Draws,
    live: Live,
    instrument: u16,
    first: u32,
    numbers: Vec<u32>,
    /// The last best quotes seen.
    seen: (Ticks, Ticks),
}

impl SantaFe {
    /// A stream of an instrument that starts around `middle`. `accounts` is at least 2; numbers
    /// start at `number`.
    pub fn new(
        rates: SantaFeRates,
        seed: u64,
        instrument: u16,
        middle: Ticks,
        (first, accounts): (u32, u32),
        number: u32,
    ) -> Self {
        Self {
            rates,
            draws: Draws::new(seed),
            live: Live::default(),
            instrument,
            first,
            numbers: vec![number; accounts.max(2) as usize],
            seen: (middle - 50, middle + 50),
        }
    }

    fn id(&mut self, market: bool) -> OrderId {
        let all = self.numbers.len();
        let half = all / 2;
        let (from, count) = if market { (half, all - half) } else { (0, half) };
        let at = from + self.draws.below(count as u64) as usize;
        self.numbers[at] = self.numbers[at].wrapping_add(1);
        OrderId::new(self.first + at as u32, self.numbers[at].wrapping_sub(1))
    }

    /// The seconds until the next command, and the command.
    pub fn next(&mut self, best: Best) -> (f64, Command) {
        // An empty side counts as where it was last.
        self.seen = (best.bid.unwrap_or(self.seen.0), best.ask.unwrap_or(self.seen.1));
        let (bid, ask) = (self.seen.0, self.seen.1.max(self.seen.0 + 1));
        let SantaFeRates { limit, market, cancel, reach, size } = self.rates;
        let limits = limit * f64::from(reach);
        let total = 2.0 * (limits + market) + cancel * self.live.len() as f64;
        let gap = self.draws.exponential() / total;
        let draw = self.draws.unit() * total;
        let side = if self.draws.below(2) == 0 { Side::Bid } else { Side::Ask };
        let (side, market) = if draw <= 2.0 * limits {
            (side, false)
        } else if draw <= 2.0 * (limits + market) {
            (side, true)
        } else if let Some(id) = self.live.draw(&mut self.draws) {
            return (gap, Command::Cancel { id });
        } else {
            (side, true)
        };
        let id = self.id(market);
        let away = 1 + self.draws.below(u64::from(reach)) as Ticks;
        let order = if market {
            Order::market(id, side, size)
        } else {
            let price = if side == Side::Bid { ask - away } else { bid + away };
            Order::limit(id, side, price.max(1), size)
        };
        (gap, Command::Place(Order { instrument: self.instrument, ..order }))
    }

    /// Takes notice of what commands did.
    pub fn observe(&mut self, event: &Event) {
        let accounts = self.first..self.first + self.numbers.len() as u32;
        self.live.observe(event, |id| accounts.contains(&id.account));
    }

    /// Its open orders.
    pub fn open(&self) -> usize {
        self.live.len()
    }
}

#[cfg(test)]
mod tests;
