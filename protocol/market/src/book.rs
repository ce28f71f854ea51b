//! The book of one instrument: two ladders, the stops that wait, and the sum behind its root.

use crate::amount::Ticks;
use crate::command::{OrderId, Side};
use crate::ladder::Ladder;
use crate::slab::Slot;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
pub(crate) struct Book {
    pub(crate) bids: Ladder,
    pub(crate) asks: Ladder,
    /// (trigger, stamp, slot) of waiting bids: the lowest trigger fires first.
    pub(crate) rising: BTreeSet<(Ticks, u64, u32)>,
    /// (trigger, stamp, slot) of waiting asks: the highest trigger fires first.
    pub(crate) falling: BTreeSet<(Ticks, u64, u32)>,
    /// The sum of the elements of all open orders.
    pub(crate) sum: u128,
    /// The price of the last trade, 0 before the first.
    pub(crate) last: Ticks,
    /// The lowest and highest price traded since stops were last looked at.
    pub(crate) traded: Option<(Ticks, Ticks)>,
    /// Immediate orders of the block that a batch venue is collecting.
    pub(crate) passing: Vec<OrderId>,
}

impl Book {
    pub(crate) fn new(window: u32) -> Self {
        Self {
            bids: Ladder::new(Side::Bid, window),
            asks: Ladder::new(Side::Ask, window),
            rising: BTreeSet::new(),
            falling: BTreeSet::new(),
            sum: 0,
            last: 0,
            traded: None,
            passing: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        }
    }

    #[inline]
    pub(crate) fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.asks,
        }
    }

    /// The price range that an order may name, `collar` millionths around the last trade.
    #[inline]
    pub(crate) fn collar(&self, collar: u32) -> (Ticks, Ticks) {
        if collar == 0 || self.last == 0 {
            return (1, crate::amount::MAX_PRICE);
        }
        let room = i128::from(self.last) * i128::from(collar) / 1_000_000;
        let room = room.min(i128::from(crate::amount::MAX_PRICE)) as Ticks;
        ((self.last - room).max(1), (self.last + room).min(crate::amount::MAX_PRICE))
    }

    /// Notes a trade's price.
    #[inline]
    pub(crate) fn note(&mut self, price: Ticks) {
        self.last = price;
        let (low, high) = self.traded.unwrap_or((price, price));
        self.traded = Some((low.min(price), high.max(price)));
    }

    #[inline]
    pub(crate) fn has_stops(&self) -> bool {
        !self.rising.is_empty() || !self.falling.is_empty()
    }

    /// Adds an open order's element.
    #[inline(always)]
    pub(crate) fn count(&mut self, slot: &Slot) {
        self.sum = self.sum.wrapping_add(slot.element());
    }

    /// Takes an open order's element away, before it changes.
    #[inline(always)]
    pub(crate) fn discount(&mut self, slot: &Slot) {
        self.sum = self.sum.wrapping_sub(slot.element());
    }
}
