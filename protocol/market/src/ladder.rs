//! One side of a book: a queue per price, linked through the slots of its orders. Prices within a
//! window lie in an array under a bitmap; the few outside are in a tree, so that memory is bounded
//! by the open orders whatever their prices. Where a level is kept never changes a result.

use crate::amount::{Lots, Ticks};
use crate::bitmap::Bitmap;
use crate::command::Side;
use crate::slab::{Link, NONE, Slab, Slot};
use std::collections::BTreeMap;
use std::hint::select_unpredictable;

/// A queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) head: u32,
    pub(crate) tail: u32,
    /// Lots of its orders, hidden ones included.
    pub(crate) lots: Lots,
}

const EMPTY: Level = Level { head: NONE, tail: NONE, lots: 0 };

#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    side: Side,
    /// The price of the first level of the array.
    base: Ticks,
    levels: Vec<Level>,
    occupied: Bitmap,
    far: BTreeMap<Ticks, Level>,
    /// The best price, or [`Ladder::nothing`].
    best: Ticks,
    /// Changes of the best level since the window last moved.
    settled: u32,
}

impl Ladder {
    pub(crate) fn new(side: Side, window: u32) -> Self {
        let window = window.next_power_of_two().clamp(64, 1 << 18) as usize;
        Self {
            side,
            base: 0,
            levels: vec![EMPTY; window],
            occupied: Bitmap::new(window),
            far: BTreeMap::new(),
            best: Self::nothing(side),
            settled: u32::MAX,
        }
    }

    /// What stands for the best price of an empty side: a price that no order accepts.
    #[inline]
    fn nothing(side: Side) -> Ticks {
        match side {
            Side::Bid => 0,
            Side::Ask => Ticks::MAX,
        }
    }

    /// The best price; 0 for no bid, `i64::MAX` for no ask.
    #[inline]
    pub(crate) fn best(&self) -> Ticks {
        self.best
    }

    /// The best price, if any order rests.
    pub(crate) fn top(&self) -> Option<Ticks> {
        (self.best != Self::nothing(self.side)).then_some(self.best)
    }

    #[inline]
    fn offset(&self, price: Ticks) -> Option<usize> {
        let offset = price.wrapping_sub(self.base) as u64;
        (offset < self.levels.len() as u64).then_some(offset as usize)
    }

    #[inline]
    fn better(&self, a: Ticks, b: Ticks) -> bool {
        let bids = self.side == Side::Bid;
        bids & (a > b) | !bids & (a < b)
    }

    /// The queue at a price.
    #[inline]
    pub(crate) fn level(&self, price: Ticks) -> Level {
        match self.offset(price) {
            Some(at) => self.levels[at],
            None => self.far.get(&price).copied().unwrap_or(EMPTY),
        }
    }

    #[inline]
    fn level_mut(&mut self, price: Ticks) -> &mut Level {
        match self.offset(price) {
            Some(at) => &mut self.levels[at],
            None => self.far.entry(price).or_insert(EMPTY),
        }
    }

    /// Asks for the link of the last order at a price that is near.
    #[inline]
    pub(crate) fn read_ahead(&self, slab: &Slab, price: Ticks) {
        let tail = self.offset(price).map_or(NONE, |at| self.levels[at].tail);
        slab.read_ahead_link(tail);
    }

    /// The nearest occupied price strictly worse than `price`.
    pub(crate) fn worse(&self, price: Ticks) -> Option<Ticks> {
        match self.side {
            Side::Ask => {
                let from = price.saturating_add(1);
                let start = from.saturating_sub(self.base).max(0) as u64;
                let near = usize::try_from(start).ok().and_then(|at| self.occupied.above(at));
                let near = near.map(|at| self.base + at as Ticks);
                if self.far.is_empty() {
                    return near;
                }
                let far = self.far.range(from..).next().map(|(&price, _)| price);
                near.into_iter().chain(far).min()
            }
            Side::Bid => {
                let last = price.saturating_sub(1);
                let near = usize::try_from(last.saturating_sub(self.base)).ok();
                let near = near.and_then(|at| self.occupied.below(at));
                let near = near.map(|at| self.base + at as Ticks);
                if self.far.is_empty() {
                    return near;
                }
                let far = self.far.range(..=last).next_back().map(|(&price, _)| price);
                near.into_iter().chain(far).max()
            }
        }
    }

    /// Appends a slot to the queue of its price.
    #[inline(always)]
    pub(crate) fn push(&mut self, slab: &mut Slab, at: u32) {
        let Slot { price, remaining: lots, .. } = slab.get(at);
        if self.offset(price).is_none() {
            self.make_room(price);
        }
        let level = match self.offset(price) {
            Some(place) => {
                self.occupied.set(place);
                &mut self.levels[place]
            }
            None => self.far.entry(price).or_insert(EMPTY),
        };
        let tail = std::mem::replace(&mut level.tail, at);
        level.lots += lots;
        level.head = select_unpredictable(tail == NONE, at, level.head);
        slab.link_mut(tail).next = at;
        *slab.link_mut(at) = Link { next: NONE, prev: tail };
        self.look_at(price);
    }

    /// Puts a slot where its stamp belongs in the queue of its price.
    pub(crate) fn insert(&mut self, slab: &mut Slab, at: u32) {
        let Slot { price, remaining: lots, stamp, .. } = slab.get(at);
        if self.offset(price).is_none() {
            self.make_room(price);
        }
        let level = *self.level_mut(price);
        let mut before = level.tail;
        while before != NONE && slab.get(before).stamp > stamp {
            before = slab.link(before).prev;
        }
        let after = if before == NONE { level.head } else { slab.link(before).next };
        *slab.link_mut(at) = Link { next: after, prev: before };
        let level = self.level_mut(price);
        level.lots += lots;
        if before == NONE {
            level.head = at;
        }
        if after == NONE {
            level.tail = at;
        }
        if before != NONE {
            slab.link_mut(before).next = at;
        }
        if after != NONE {
            slab.link_mut(after).prev = at;
        }
        if let Some(place) = self.offset(price) {
            self.occupied.set(place);
        }
        self.look_at(price);
    }

    /// Takes a slot out of its queue. Whether it was the first, the last or the only one no branch
    /// predictor knows.
    #[inline(always)]
    pub(crate) fn unlink(&mut self, slab: &mut Slab, at: u32) {
        let Slot { price, remaining: lots, .. } = slab.get(at);
        let Link { next, prev } = slab.link(at);
        let is_empty = prev & next == NONE;
        let place = self.offset(price);
        let level = self.level_mut(price);
        level.lots -= lots;
        level.head = select_unpredictable(prev == NONE, next, level.head);
        level.tail = select_unpredictable(next == NONE, prev, level.tail);
        slab.link_mut(prev).next = next;
        slab.link_mut(next).prev = prev;
        match place {
            Some(place) => self.occupied.clear_if(place, is_empty),
            None if is_empty => drop(self.far.remove(&price)),
            None => {}
        }
        if is_empty & (price == self.best) {
            self.best = self.worse(price).unwrap_or(Self::nothing(self.side));
            self.settled = self.settled.saturating_add(1);
        }
    }

    /// Lowers the lots of a level, whose order shrank in place, or raises them.
    #[inline]
    pub(crate) fn adjust(&mut self, price: Ticks, lots: Lots) {
        self.level_mut(price).lots += lots;
    }

    /// Notes that there is an order at a price.
    #[inline]
    fn look_at(&mut self, price: Ticks) {
        if self.better(price, self.best) {
            self.best = price;
            self.settled = self.settled.saturating_add(1);
        }
    }

    /// Moves the window when the action is outside it: at once while it is empty, else at most once
    /// in as many changes of the best level as it has levels, so that the copying is paid for.
    #[cold]
    fn make_room(&mut self, price: Ticks) {
        let idle = self.settled as usize >= self.levels.len();
        if self.occupied.is_empty() && self.far.is_empty() {
            self.base = price - self.levels.len() as Ticks / 2;
        } else if idle && !self.better(self.best, price) {
            self.recentre(price);
        }
    }

    /// Moves the window so that `price` is in its middle.
    fn recentre(&mut self, price: Ticks) {
        let mut at = 0;
        while let Some(next) = self.occupied.above(at) {
            let level = std::mem::replace(&mut self.levels[next], EMPTY);
            self.far.insert(self.base + next as Ticks, level);
            self.occupied.clear(next);
            at = next + 1;
        }
        self.settled = 0;
        self.base = price - self.levels.len() as Ticks / 2;
        let last = self.base + self.levels.len() as Ticks - 1;
        while let Some((&price, _)) = self.far.range(self.base..=last).next() {
            let Some(level) = self.far.remove(&price) else { break };
            let at = (price - self.base) as usize;
            self.levels[at] = level;
            self.occupied.set(at);
        }
    }

    /// The occupied prices with their lots, best first.
    pub(crate) fn depth(&self) -> impl Iterator<Item = (Ticks, Lots)> + '_ {
        std::iter::successors(self.top(), |&price| self.worse(price))
            .map(|price| (price, self.level(price).lots))
    }
}
