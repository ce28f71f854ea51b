//! What must hold after every command and block, whatever was ordered: money and assets are conserved and
//! cover what is promised, the book is not crossed, trades keep price and time priority and their limits.
//!
//! Beside the venue runs a naive one, a list that is searched from end to end: the two must do the same.

use std::collections::{BTreeMap, BTreeSet};

use anthill_market::naive::Naive;
use anthill_market::{
    Cash, Command, Event, Kind, Lots, MAX_PRICE, OrderId, Refusal, Rules, Side, Ticks, Trade, Venue,
};
use anthill_protocol::{Snapshot, SnapshotError};

use super::saved::refused;

/// The rules, as bits.
pub(crate) const CONSERVED: u8 = 1;
pub(crate) const COVERED: u8 = 2;
pub(crate) const UNCROSSED: u8 = 4;
pub(crate) const PRIORITY: u8 = 8;
pub(crate) const LIMITS: u8 = 16;
pub(crate) const ORACLE: u8 = 32;

/// An order that may still trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Track {
    side: Side,
    price: Ticks,
    left: Lots,
}

/// What is remembered to judge by.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    naive: Naive,
    instruments: u16,
    orders: BTreeMap<OrderId, Track>,
    touched: BTreeSet<u32>,
    /// Deposits that accounts have lost: the naive venue has none.
    forfeited: BTreeMap<u32, Cash>,
    wrong: u8,
}

/// Between blocks: what a block has touched is forgotten at its end.
impl Snapshot for Audit {
    fn save(&self, out: &mut Vec<u8>) {
        self.naive.save(out);
        let orders = self.orders.iter().map(|(id, it)| {
            let limits = (it.side == Side::Bid, it.price as u64, it.left as u64);
            (id.account, id.number, limits)
        });
        orders.collect::<Vec<_>>().save(out);
        let forfeited = self.forfeited.iter().map(|(account, cash)| (*account, *cash as u128));
        forfeited.collect::<Vec<_>>().save(out);
        (self.instruments, self.wrong).save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let naive = Naive::load(bytes).map_err(refused)?;
        let orders = Vec::<(u32, u32, (bool, u64, u64))>::load(bytes)?.into_iter();
        let orders = orders.map(|(account, number, (bids, price, left))| {
            let side = if bids { Side::Bid } else { Side::Ask };
            let track = Track { side, price: price as Ticks, left: left as Lots };
            (OrderId { account, number }, track)
        });
        let forfeited = Vec::<(u32, u128)>::load(bytes)?.into_iter();
        let forfeited = forfeited.map(|(account, cash)| (account, cash as Cash)).collect();
        let orders = orders.collect();
        let (instruments, wrong) = Snapshot::load(bytes)?;
        Ok(Self { naive, instruments, orders, touched: BTreeSet::new(), forfeited, wrong })
    }
}

impl Audit {
    pub(super) fn new(rules: Rules) -> Self {
        let instruments = rules.instruments.max(1);
        let (orders, touched, forfeited) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { naive: Naive::new(rules), instruments, orders, touched, forfeited, wrong: 0 }
    }

    /// A block begins.
    pub(super) fn begin(&mut self) {
        self.wrong = 0;
        self.touched.clear();
    }

    /// It is open, which has done something already.
    pub(super) fn open(&mut self, height: u64, events: &[Event]) {
        let mut expected = Vec::new();
        self.naive.open_block(height, &mut expected);
        self.compare(expected == events);
        self.follow(events);
    }

    /// It is closed.
    pub(super) fn close(&mut self, draw: u64, events: &[Event]) {
        let mut expected = Vec::new();
        self.naive.close_block(draw, &mut expected);
        self.compare(expected == events);
        self.follow(events);
    }

    /// A command has done something, or was refused.
    pub(super) fn hear(
        &mut self,
        command: &Command,
        result: Result<(), Refusal>,
        events: &[Event],
        is_uncrossed: bool,
    ) {
        let mut expected = Vec::new();
        let also = self.naive.apply(command, &mut expected);
        self.compare(also == result && expected == events);
        if !is_uncrossed {
            self.wrong |= UNCROSSED;
        }
        self.touched.insert(command.account());
        if result.is_ok() {
            self.enter(command);
        }
        self.follow(events);
    }

    /// An account has lost a deposit.
    pub(super) fn forfeit(&mut self, account: u32, cash: Cash) {
        *self.forfeited.entry(account).or_default() += cash;
        self.touched.insert(account);
    }

    fn compare(&mut self, same: bool) {
        if !same {
            self.wrong |= PRIORITY;
        }
    }

    fn enter(&mut self, command: &Command) {
        let (id, side, price, left) = match *command {
            Command::Place(order) | Command::Prepare { order, .. } => {
                let any = if order.side == Side::Bid { MAX_PRICE } else { 0 };
                let price = if order.kind == Kind::Market { any } else { order.price };
                (order.id, order.side, price, order.quantity)
            }
            Command::Replace { id, number, price, quantity } => {
                let Some(old) = self.orders.get(&id) else { return };
                (OrderId { number, ..id }, old.side, price, quantity)
            }
            _ => return,
        };
        self.orders.insert(id, Track { side, price, left });
    }

    fn follow(&mut self, events: &[Event]) {
        for event in events {
            match *event {
                Event::Traded(trade) => self.trade(&trade),
                Event::Cancelled { id, remaining, .. } => self.take(id, remaining),
                Event::Reduced { id, remaining } => {
                    if let Some(track) = self.orders.get_mut(&id) {
                        track.left = remaining;
                    }
                }
                Event::Released { id } => {
                    self.touched.insert(id.account);
                    self.orders.remove(&id);
                }
                _ => {}
            }
        }
    }

    /// Within both limits, and of no order more than there was.
    fn trade(&mut self, trade: &Trade) {
        for (id, side) in [(trade.maker, trade.side.other()), (trade.taker, trade.side)] {
            self.touched.insert(id.account);
            let track = self.orders.get(&id);
            let fits =
                track.is_some_and(|it| it.side == side && side.accepts(it.price, trade.price));
            if !fits {
                self.wrong |= LIMITS;
            }
            self.take(id, trade.quantity);
        }
    }

    fn take(&mut self, id: OrderId, lots: Lots) {
        let Some(track) = self.orders.get_mut(&id) else { return };
        track.left -= lots;
        match track.left {
            0 => drop(self.orders.remove(&id)),
            left if left < 0 => self.wrong |= LIMITS,
            _ => {}
        }
    }

    /// What is wrong after the block.
    pub(super) fn end(&mut self, venue: &Venue) -> u8 {
        if !self.is_conserved(venue) {
            self.wrong |= CONSERVED;
        }
        let touched = core::mem::take(&mut self.touched);
        if !touched.iter().all(|account| self.is_covered(venue, *account)) {
            self.wrong |= COVERED;
        }
        if !venue.uncrossed() {
            self.wrong |= UNCROSSED;
        }
        if self.naive.book_root() != venue.roots().book {
            self.wrong |= PRIORITY;
        }
        self.wrong
    }

    fn is_conserved(&self, venue: &Venue) -> bool {
        let accounts = (0..).map_while(|account| venue.account(account));
        let cash: i128 = accounts.map(|account| account.cash()).sum();
        let flow = venue.cash_flow();
        let lots = |instrument| -> i128 {
            let all = (0..).map_while(|account| venue.holding(account, instrument));
            all.map(|holding| i128::from(holding.lots())).sum()
        };
        let all_lots = (0..self.instruments).all(|instrument| {
            let flow = venue.lots_flow(instrument);
            lots(instrument) == flow.paid_in - flow.paid_out
        });
        cash + venue.fees() == flow.paid_in - flow.paid_out && all_lots
    }

    /// Nothing is negative, and what is reserved is what open orders and reservations need.
    fn is_covered(&self, venue: &Venue, account: u32) -> bool {
        let Some(it) = venue.account(account) else { return true };
        let cash = it.reserved() >= 0 && it.free() >= 0;
        let (lost, staked) =
            (self.forfeited.get(&account).copied().unwrap_or(0), venue.staked(account));
        let same = self.naive.cash(account) == (it.cash() + lost, it.reserved() - staked);
        let lots = (0..self.instruments).all(|instrument| {
            venue.holding(account, instrument).is_some_and(|it| {
                let own = (it.lots(), it.reserved(), it.bidding());
                it.reserved() >= 0 && it.free() >= 0 && self.naive.lots(account, instrument) == own
            })
        });
        cash && same && lots
    }
}
