//! The plain venue's auction: every price is tried.

use super::{Naive, Open};
use crate::amount::{Lots, Ticks, cost, fee};
use crate::command::{OrderId, Side};
use crate::event::{Event, Reason, Trade};
use crate::hash::mix;
use crate::rules::Matching;

impl Naive {
    /// As [`Venue::close_block`](crate::Venue::close_block).
    pub fn close_block(&mut self, draw: u64, events: &mut Vec<Event>) {
        if self.rules.matching != Matching::Batch {
            return;
        }
        let passing = std::mem::take(&mut self.passing);
        for instrument in 0..self.last.len() as u16 {
            self.auction(instrument, draw, events);
            for &id in &passing {
                if let Ok(at) = self.find(id)
                    && self.open[at].order.instrument == instrument
                {
                    self.remove(at, Reason::Unfilled, events);
                }
            }
        }
    }

    fn auction(&mut self, instrument: u16, draw: u64, events: &mut Vec<Event>) {
        let price = |at: Option<OrderId>| at.map(|at| self.open[at].order.price);
        let high = price(self.best(instrument, Side::Bid));
        let low = price(self.best(instrument, Side::Ask));
        let Some((high, low)) = high.zip(low).filter(|(high, low)| high >= low) else { return };
        let last = match self.last[usize::from(instrument)] {
            0 => low + (high - low) / 2,
            last => last,
        };
        let lots = |side: Side, price: Ticks| -> Lots {
            let there = self.open.queue(instrument, side);
            there.filter(|it| side.accepts(it.order.price, price)).map(|it| it.remaining).sum()
        };
        let rank = |&price: &Ticks| {
            let (bid, ask) = (lots(Side::Bid, price), lots(Side::Ask, price));
            (-bid.min(ask), (bid - ask).abs(), (price - last).abs(), price)
        };
        let Some(price) = (low..=high).min_by_key(rank) else { return };
        let volume = lots(Side::Bid, price).min(lots(Side::Ask, price));
        events.push(Event::Cleared { instrument, price, volume });
        let bids = self.shares(instrument, Side::Bid, price, volume, draw);
        let asks = self.shares(instrument, Side::Ask, price, volume, draw);
        self.last[usize::from(instrument)] = price;
        self.pair(instrument, price, bids, asks, events);
    }

    /// Who trades how much of `volume`, best price first and by age within one.
    fn shares(
        &self,
        instrument: u16,
        side: Side,
        price: Ticks,
        volume: Lots,
        draw: u64,
    ) -> Vec<(OrderId, Lots)> {
        let mut left = volume;
        let mut seats: Vec<&Open> = self.open.queue(instrument, side).collect();
        seats.retain(|open| side.accepts(open.order.price, price));
        let mut shares = Vec::new();
        for level in seats.chunk_by(|a, b| a.order.price == b.order.price) {
            let total: Lots = level.iter().map(|open| open.remaining).sum();
            let here = total.min(left);
            left -= here;
            let part =
                |lots: Lots| (i128::from(lots) * i128::from(here) / i128::from(total)) as Lots;
            let mut spare = here - level.iter().map(|open| part(open.remaining)).sum::<Lots>();
            let mut lucky: Vec<_> =
                level.iter().filter(|open| part(open.remaining) < open.remaining).collect();
            lucky.sort_by_key(|open| (mix(draw, open.order.id.word()), open.order.id));
            let lucky: Vec<_> = lucky.iter().map(|open| open.order.id).collect();
            for open in level {
                let id = open.order.id;
                let extra =
                    lucky.iter().position(|&it| it == id).is_some_and(|at| (at as Lots) < spare);
                shares.push((id, part(open.remaining) + Lots::from(extra)));
            }
            spare -= lucky.len() as Lots;
            debug_assert!(spare <= 0);
        }
        shares.retain(|&(_, lots)| lots > 0);
        shares
    }

    fn pair(
        &mut self,
        instrument: u16,
        price: Ticks,
        mut bids: Vec<(OrderId, Lots)>,
        mut asks: Vec<(OrderId, Lots)>,
        events: &mut Vec<Event>,
    ) {
        while let (Some(&(taker, buys)), Some(&(maker, sells))) = (bids.first(), asks.first()) {
            let quantity = buys.min(sells);
            let each = fee(cost(price, quantity), self.rules.taker_fee);
            for (shares, id) in [(&mut bids, taker), (&mut asks, maker)] {
                shares[0].1 -= quantity;
                if shares[0].1 == 0 {
                    shares.remove(0);
                }
                if let Ok(at) = self.find(id) {
                    self.consume(at, quantity);
                }
            }
            self.fees += 2 * each;
            let cash = cost(price, quantity);
            let buyer = self.trader(taker.account);
            buyer.cash -= cash + each;
            *buyer.lots.entry(instrument).or_insert(0) += quantity;
            let seller = self.trader(maker.account);
            seller.cash += cash - each;
            *seller.lots.entry(instrument).or_insert(0) -= quantity;
            let side = Side::Bid;
            events.push(Event::Traded(Trade { instrument, side, maker, taker, price, quantity }));
        }
    }
}
