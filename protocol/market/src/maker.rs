//! What a market maker quotes around a reference price, in whole ticks and lots: two rules, neither
//! with a float in it.

use crate::amount::{Lots, Ticks};
use crate::oracle::round_half_even;

/// A quote on both sides; a size of 0 means none on that side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotes {
    /// Ticks, at least 1.
    pub bid: Ticks,
    /// Lots.
    pub bid_size: Lots,
    /// Ticks, above `bid`.
    pub ask: Ticks,
    /// Lots.
    pub ask_size: Lots,
}

impl Quotes {
    /// Keeps prices positive and apart.
    fn sane(self) -> Self {
        let bid = self.bid.clamp(1, crate::MAX_PRICE - 1);
        Self { bid, ask: self.ask.clamp(bid + 1, crate::MAX_PRICE), ..self }
    }
}

/// Spread and size by inventory: the spread widens with it, prices lean against it, and the size on
/// the side that would add to it shrinks to nothing at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaning {
    /// Half of the spread without inventory, in ticks.
    pub half_spread: Ticks,
    /// How far prices move at the limit of inventory, in ticks.
    pub lean: Ticks,
    /// Lots on a side without inventory.
    pub size: Lots,
    /// The most lots to be long or short of the target.
    pub limit: Lots,
}

impl Leaning {
    /// The quotes around `reference` with `inventory` lots more than wanted.
    pub fn quotes(&self, reference: Ticks, inventory: Lots) -> Quotes {
        let limit = self.limit.max(1);
        let held = inventory.clamp(-limit, limit);
        let part = |of: i64, by: i64| {
            round_half_even(i128::from(of) * i128::from(by), i128::from(limit)).unwrap_or(0)
        };
        let middle = reference.saturating_sub(part(self.lean, held));
        let half = self.half_spread.saturating_add(part(self.half_spread, held.abs())).max(1);
        Quotes {
            bid: middle.saturating_sub(half),
            bid_size: part(self.size, limit.saturating_sub(held).min(limit)).max(0),
            ask: middle.saturating_add(half),
            ask_size: part(self.size, limit.saturating_add(held).min(limit)).max(0),
        }
        .sane()
    }
}

/// Bits after the point of a [`Fixed`].
pub const FRACTION: u32 = 32;
/// A number with 32 bits after the point.
pub type Fixed = i64;

/// The natural logarithm of a positive number, as fixed point; below and at 0 it is that of the
/// smallest positive one. Exact to two units of the last place: 40 bits of the base-2 logarithm by
/// repeated squaring.
pub fn ln(value: Fixed) -> Fixed {
    const LN_2: i128 = 0x2c5c_85fd_f473_de6b; // ln 2, 62 bits after the point
    let value = value.max(1) as u64;
    let whole = i64::from(value.ilog2());
    let mut mantissa = u128::from(value) << (62 - whole);
    let mut log = i128::from(whole - i64::from(FRACTION)) << 40;
    for bit in (0..40).rev() {
        mantissa = (mantissa * mantissa) >> 62;
        if mantissa >> 63 != 0 {
            mantissa >>= 1;
            log |= 1 << bit;
        }
    }
    ((log * (LN_2 >> 22)) >> 48) as Fixed
}

/// Avellaneda and Stoikov 2008: the price at which a risk-averse maker is indifferent, and the
/// spread that maximises its utility against orders that thin out exponentially with distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvellanedaStoikov {
    /// Risk aversion γ, per tick and lot; positive.
    pub risk_aversion: Fixed,
    /// Variance of the price σ², ticks² per unit of time.
    pub variance: Fixed,
    /// How fast the chance of a fill falls with the distance, k, per tick; positive.
    pub decay: Fixed,
    /// Lots on each side.
    pub size: Lots,
    /// The most lots to be long or short.
    pub limit: Lots,
}

impl AvellanedaStoikov {
    /// The quotes with `inventory` lots and `left` time to go, in the unit of the variance:
    /// s − q γ σ² τ ± (γ σ² τ / 2 + ln(1 + γ / k) / γ), rounded outwards.
    pub fn quotes(&self, reference: Ticks, inventory: Lots, left: Fixed) -> Quotes {
        let gamma = i128::from(self.risk_aversion.max(1));
        let one = 1i128 << FRACTION;
        let risk = (gamma * i128::from(self.variance.max(0))) >> FRACTION;
        // Beyond any price there is: the products below stay far from overflow.
        let risk = (risk.min(one << 20) * i128::from(left.max(0))) >> FRACTION;
        let risk = risk.min(one << 20);
        let ratio = (gamma << FRACTION) / i128::from(self.decay.max(1));
        let ratio = Fixed::try_from(ratio + one).unwrap_or(Fixed::MAX);
        let half = risk / 2 + (i128::from(ln(ratio)) << FRACTION) / gamma;
        let middle = (i128::from(reference) << FRACTION) - i128::from(inventory) * risk;
        let ticks =
            |fixed: i128| (fixed >> FRACTION).clamp(0, i128::from(crate::MAX_PRICE)) as Ticks;
        let size = |room: Lots| self.size.min(room).max(0);
        Quotes {
            bid: ticks(middle - half),
            bid_size: size(self.limit.saturating_sub(inventory)),
            ask: ticks(middle + half + one - 1),
            ask_size: size(self.limit.saturating_add(inventory)),
        }
        .sane()
    }
}

#[cfg(test)]
mod tests;
