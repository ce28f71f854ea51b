//! The end of a block at a batch venue: each instrument clears at one price.

use super::Venue;
use super::matching::Match;
use crate::amount::{Lots, Ticks, cost, fee};
use crate::auction::{Quote, clear, ration};
use crate::command::Side;
use crate::event::{Event, Reason, Trade};
use crate::rules::Matching;
use crate::slab::NONE;

/// An order in an auction, with its slot.
type Seat = (u32, Quote);

impl Venue {
    pub(super) fn clear_all(&mut self, draw: u64, events: &mut Vec<Event>) {
        if self.rules.matching == Matching::Batch {
            for instrument in 0..self.rules.instruments {
                self.clear_one(instrument, draw, events);
                self.end_immediate(instrument, events);
            }
        }
    }

    fn clear_one(&mut self, instrument: u16, draw: u64, events: &mut Vec<Event>) {
        let book = &self.books[usize::from(instrument)];
        let (best_bid, best_ask) = (book.bids.best(), book.asks.best());
        let bids = self.seats(instrument, Side::Bid, best_ask);
        let asks = self.seats(instrument, Side::Ask, best_bid);
        let quotes = |seats: &[Seat]| seats.iter().map(|&(_, quote)| quote).collect::<Vec<_>>();
        let last = (book.last > 0).then_some(book.last);
        let Some(clearing) = clear(&quotes(&bids), &quotes(&asks), last) else { return };
        let (price, volume) = (clearing.price, clearing.volume);
        events.push(Event::Cleared { instrument, price, volume });
        let bids = filled(bids, Side::Bid, price, volume, draw);
        let asks = filled(asks, Side::Ask, price, volume, draw);
        self.books[usize::from(instrument)].note(price);
        self.books[usize::from(instrument)].traded = None;
        self.pair_up(instrument, price, bids, asks, events);
    }

    /// The orders of a side that reach `limit`, best first.
    fn seats(&self, instrument: u16, side: Side, limit: Ticks) -> Vec<Seat> {
        let ladder = self.books[usize::from(instrument)].ladder(side);
        let mut seats = Vec::new();
        for (price, _) in ladder.depth().take_while(|&(price, _)| side.accepts(price, limit)) {
            let mut at = ladder.level(price).head;
            while at != NONE {
                let slot = self.slab.get(at);
                seats.push((at, Quote { id: slot.id, price, quantity: slot.remaining }));
                at = self.slab.link(at).next;
            }
        }
        seats
    }

    /// Trades the fills of both sides against each other. Who is paired with whom changes nothing:
    /// the price is one. An account may meet itself here; it then pays both fees.
    fn pair_up(
        &mut self,
        instrument: u16,
        price: Ticks,
        bids: Vec<(u32, Quote, Lots)>,
        asks: Vec<(u32, Quote, Lots)>,
        events: &mut Vec<Event>,
    ) {
        let (mut bids, mut asks) = (bids.into_iter(), asks.into_iter());
        let (mut bid, mut ask) = (bids.next(), asks.next());
        while let (Some(buy), Some(sell)) = (&mut bid, &mut ask) {
            let quantity = buy.2.min(sell.2);
            let (maker, taker) = (sell.1.id, buy.1.id);
            for (at, limit, side) in
                [(buy.0, buy.1.price, Side::Bid), (sell.0, sell.1.price, Side::Ask)]
            {
                self.take(at, quantity);
                let slot = self.slab.get(at);
                self.free(slot.id, instrument, side, limit, quantity);
                if slot.remaining == 0 {
                    if slot.holds == 0 { self.close(at) } else { self.hide(at) }
                }
            }
            self.settle_batch(&Match {
                maker,
                taker,
                instrument,
                side: Side::Bid,
                price,
                quantity,
            });
            let side = Side::Bid;
            events.push(Event::Traded(Trade { instrument, side, maker, taker, price, quantity }));
            buy.2 -= quantity;
            sell.2 -= quantity;
            if buy.2 == 0 {
                bid = bids.next();
            }
            if sell.2 == 0 {
                ask = asks.next();
            }
        }
    }

    /// In an auction both sides pay the taker's fee.
    fn settle_batch(&mut self, trade: &Match) {
        let cash = cost(trade.price, trade.quantity);
        let each = fee(cash, self.rules.taker_fee);
        let (buyer, seller) = (trade.taker.account, trade.maker.account);
        self.move_trade(trade, (buyer, cash + each), (seller, cash - each));
        self.fees += 2 * each;
    }

    /// Cancels what immediate orders could not trade, in the order they came.
    fn end_immediate(&mut self, instrument: u16, events: &mut Vec<Event>) {
        let mut passing = std::mem::take(&mut self.books[usize::from(instrument)].passing);
        for id in passing.drain(..) {
            let open = self.index.get(id, &self.slab).filter(|&at| !self.slab.get(at).dying);
            if let Some(at) = open {
                self.withdraw_order(at, Reason::Unfilled, events);
            }
        }
        self.books[usize::from(instrument)].passing = passing;
    }
}

/// The seats that trade, with their lots, best price first.
fn filled(
    mut seats: Vec<Seat>,
    side: Side,
    price: Ticks,
    volume: Lots,
    draw: u64,
) -> Vec<(u32, Quote, Lots)> {
    seats.retain(|(_, quote)| side.accepts(quote.price, price));
    let quotes: Vec<_> = seats.iter().map(|&(_, quote)| quote).collect();
    let fills = ration(&quotes, side, volume, draw);
    let with = seats.into_iter().zip(fills).map(|((at, quote), lots)| (at, quote, lots));
    with.filter(|&(_, _, lots)| lots > 0).collect()
}
