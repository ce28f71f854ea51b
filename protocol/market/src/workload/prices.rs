//! A price for traders to believe in: a random walk whose pace changes between regimes, with jumps.

use crate::amount::{MAX_PRICE, Ticks};
use crate::draw::Draws;

/// How prices move. Every parameter is per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Standard deviation of the walk in the calm regime, in ticks per √s.
    pub calm: f64,
    /// The same in the rough regime.
    pub rough: f64,
    /// How often the calm regime ends.
    pub unrest: f64,
    /// How often the rough regime ends.
    pub rest: f64,
    /// How often it jumps.
    pub shocks: f64,
    /// Standard deviation of a jump, in ticks.
    pub shock: f64,
}

impl Price {
    /// A constant price.
    pub const STILL: Self =
        Self { calm: 0.0, rough: 0.0, unrest: 0.0, rest: 0.0, shocks: 0.0, shock: 0.0 };
}

/// The walk.
#[derive(Clone, Debug)]
pub struct Prices {
    how: Price,
    draws: Draws,
    value: f64,
    rough: bool,
}

impl Prices {
    /// Starts calm at `value`.
    pub fn new(how: Price, seed: u64, value: Ticks) -> Self {
        Self { how, draws: Draws::new(seed), value: value as f64, rough: false }
    }

    /// The price now.
    pub fn value(&self) -> Ticks {
        (self.value as Ticks).clamp(1, MAX_PRICE)
    }

    /// Whether the regime is rough.
    pub fn rough(&self) -> bool {
        self.rough
    }

    /// Lets time pass; returns the jump if there was one.
    pub fn pass(&mut self, seconds: f64) -> Option<Ticks> {
        let chance = |rate: f64| 1.0 - libm::exp(-rate * seconds);
        let ends = chance(if self.rough { self.how.rest } else { self.how.unrest });
        if self.draws.unit() <= ends {
            self.rough = !self.rough;
        }
        let pace = if self.rough { self.how.rough } else { self.how.calm };
        self.value += self.draws.normal() * pace * libm::sqrt(seconds);
        let jumps = self.draws.unit() <= chance(self.how.shocks);
        let jump = if jumps { self.draws.normal() * self.how.shock } else { 0.0 };
        self.value = (self.value + jump).clamp(1.0, MAX_PRICE as f64);
        jumps.then_some(jump as Ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regimes_take_their_share_and_moves_their_size() {
        let how =
            Price { calm: 1.0, rough: 10.0, unrest: 0.1, rest: 0.3, shocks: 0.01, shock: 500.0 };
        let mut prices = Prices::new(how, 1, 1 << 30);
        let (mut rough, mut jumps, mut squares) = (0, 0, [0.0; 2]);
        let steps = 100_000;
        for _ in 0..steps {
            let before = prices.value;
            let jump = prices.pass(1.0);
            let regime = usize::from(prices.rough());
            rough += regime;
            jumps += usize::from(jump.is_some());
            if jump.is_none() {
                squares[regime] += (prices.value - before) * (prices.value - before);
            }
        }
        let share = rough as f64 / steps as f64;
        // Per step of a second: chances 1 − e^−.1 and 1 − e^−.3.
        assert!((share - 0.0952 / (0.0952 + 0.2592)).abs() < 0.02, "{share}");
        assert!((jumps as f64 / steps as f64 - 0.00995).abs() < 0.001, "{jumps}");
        let variance = squares[1] / rough as f64;
        assert!((variance / 100.0 - 1.0).abs() < 0.05, "{variance}");
        let mut still = Prices::new(Price::STILL, 1, 77);
        assert_eq!((still.pass(1e6), still.value()), (None, 77));
    }
}
