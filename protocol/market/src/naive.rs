//! The same venue without any structure of its own: open orders in maps of the standard library,
//! reservations added up from an account's orders each time they are asked for, roots from all, numbers in
//! a set.
//! It is what [`Venue`](crate::Venue) is compared with, command by command.

mod auction;
mod check;
mod duel;
mod hold;
mod orders;

pub use duel::{Tally, duel};

use crate::account::REORDERING;
use crate::amount::{Cash, Lots, Ticks, cost, fee, worst_lot};
use crate::command::{Command, Force, Kind, Order, OrderId, Side};
use crate::event::{Event, Reason, Refusal, Trade};
use crate::hash::record;
use crate::rules::{Matching, Rules};
use crate::slab::{Slot, State};
use crate::stored::{Stored, StoredError, stored};
use hold::Promise;
use orders::Orders;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An open order.
#[derive(Clone, Debug)]
struct Open {
    order: Order,
    stamp: u64,
    remaining: Lots,
    /// What its slice still shows.
    visible: Lots,
    /// Its slice, or a stop's trigger.
    display: Lots,
    force: Force,
    state: State,
    dying: bool,
}

/// A trader.
#[derive(Clone, Debug, Default)]
struct Trader {
    cash: Cash,
    lots: BTreeMap<u16, Lots>,
    /// The newest, and those less than [`REORDERING`] behind: older ones are refused in any case.
    used: BTreeSet<u32>,
    killed: bool,
    /// Orders entered in the current block.
    entered: u32,
}

/// The plain venue.
#[derive(Clone, Debug)]
pub struct Naive {
    rules: Rules,
    /// Copies share those that have not changed since.
    traders: Vec<Arc<Trader>>,
    open: Orders,
    promises: Vec<Promise>,
    last: Vec<Ticks>,
    traded: Option<(Ticks, Ticks)>,
    /// Immediate orders of a batch block.
    passing: Vec<OrderId>,
    stamp: u64,
    height: u64,
    fees: Cash,
    inside: Vec<i128>,
}

stored! {
    Open { order, stamp, remaining, visible, display, force, state, dying }
    Trader { cash, lots, used, killed, entered }
    Naive { rules, traders, open, promises, last, traded, passing, stamp, height, fees, inside }
}

impl Naive {
    /// Appends the venue.
    pub fn save(&self, out: &mut Vec<u8>) {
        self.store(out);
    }

    /// Reads what [`Naive::save`] wrote, and advances `bytes` past it.
    ///
    /// # Errors
    /// If the bytes are no plain venue.
    pub fn load(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        Self::restore(bytes)
    }

    /// An empty venue.
    pub fn new(rules: Rules) -> Self {
        let instruments = usize::from(rules.instruments.max(1));
        Self {
            traders: vec![Arc::default(); rules.accounts as usize],
            open: Orders::default(),
            promises: Vec::new(),
            last: vec![0; instruments],
            traded: None,
            passing: Vec::new(),
            stamp: 0,
            height: 0,
            fees: 0,
            inside: vec![0; instruments],
            rules,
        }
    }

    /// As [`Venue::apply`](crate::Venue::apply).
    ///
    /// # Errors
    /// As there.
    pub fn apply(&mut self, command: &Command, events: &mut Vec<Event>) -> Result<(), Refusal> {
        match *command {
            Command::Place(order) => {
                self.check(&order, None)?;
                self.enter(&order, events);
                Ok(())
            }
            Command::Cancel { id } => {
                let at = self.find(id)?;
                self.remove(at, Reason::Asked, events);
                Ok(())
            }
            Command::Reduce { id, to } => self.reduce(id, to, events),
            Command::Replace { id, number, price, quantity } => {
                self.replace(id, number, price, quantity, events)
            }
            Command::Prepare { order, terms } => self.prepare(&order, terms, events),
            Command::Decide { id, coordinator, commit } => {
                self.decide(id, coordinator, commit, events)
            }
            Command::Reveal { id, preimage } => self.reveal(id, &preimage, events),
            Command::Kill { account, on } => self.kill(account, on, events),
            Command::Deposit { .. }
            | Command::Withdraw { .. }
            | Command::DepositLots { .. }
            | Command::WithdrawLots { .. } => self.transfer(command),
        }
    }

    /// As [`Venue::open_block`](crate::Venue::open_block).
    pub fn open_block(&mut self, height: u64, events: &mut Vec<Event>) {
        self.height = height;
        let entered = self.traders.iter_mut().filter(|trader| trader.entered > 0);
        entered.for_each(|trader| Arc::make_mut(trader).entered = 0);
        self.expire(events);
    }

    /// All cash of an account, and the part that its orders and reservations need.
    pub fn cash(&self, account: u32) -> (Cash, Cash) {
        self.cash_without(account, None)
    }

    /// As [`Naive::cash`], as if an order were gone.
    fn cash_without(&self, account: u32, gone: Option<OrderId>) -> (Cash, Cash) {
        let of = |open: &&Open| open.order.side == Side::Bid && Some(open.order.id) != gone;
        let rate = self.rules.worst_fee();
        let need = |price, lots| cost(worst_lot(price, rate), lots);
        let orders = self.open.of(account).filter(of);
        let orders: Cash = orders.map(|open| need(open.order.price, open.remaining)).sum();
        let mut promised = 0;
        for promise in &self.promises {
            for fill in promise.fills_of(account, Side::Bid) {
                promised += need(fill.price, fill.quantity);
            }
            if promise.order.id.account == account {
                promised += promise.cash + promise.deposit;
            }
        }
        (self.traders[account as usize].cash, orders + promised)
    }

    /// All lots of an account, the part promised, and the lots it may still buy.
    pub fn lots(&self, account: u32, instrument: u16) -> (Lots, Lots, Lots) {
        self.lots_without(account, instrument, None)
    }

    /// As [`Naive::lots`], as if an order were gone.
    fn lots_without(
        &self,
        account: u32,
        instrument: u16,
        gone: Option<OrderId>,
    ) -> (Lots, Lots, Lots) {
        let (mut selling, mut bidding) = (0, 0);
        let mut add = |side: Side, lots: Lots| match side {
            Side::Bid => bidding += lots,
            Side::Ask => selling += lots,
        };
        for open in self.open.of(account) {
            if open.order.instrument == instrument && Some(open.order.id) != gone {
                add(open.order.side, open.remaining);
            }
        }
        for promise in self.promises.iter().filter(|it| it.order.instrument == instrument) {
            for side in [Side::Bid, Side::Ask] {
                promise.fills_of(account, side).for_each(|fill| add(side, fill.quantity));
            }
            if promise.order.id.account == account {
                add(promise.order.side, promise.order.quantity);
            }
        }
        let lots = &self.traders[account as usize].lots;
        (lots.get(&instrument).copied().unwrap_or(0), selling, bidding)
    }

    /// Fees earned.
    pub fn fees(&self) -> Cash {
        self.fees
    }

    /// The book root, from nothing.
    pub fn book_root(&self) -> u128 {
        let mut root = 0u128;
        for instrument in 0..self.last.len() {
            let there =
                self.open.iter().filter(|it| usize::from(it.order.instrument) == instrument);
            let sum = there.map(Open::element).fold(0, u128::wrapping_add);
            let words = [sum as u64, (sum >> 64) as u64, instrument as u64, 0, 0, 0];
            root = root.wrapping_add(record(words));
        }
        root
    }

    /// The resting orders of a side, in the order in which they trade.
    pub fn queue(&self, instrument: u16, side: Side) -> Vec<(OrderId, Ticks, Lots)> {
        let queue = self.open.queue(instrument, side);
        queue.map(|open| (open.order.id, open.order.price, open.remaining)).collect()
    }

    /// The order that trades next.
    fn best(&self, instrument: u16, side: Side) -> Option<OrderId> {
        self.open.queue(instrument, side).next().map(|open| open.order.id)
    }

    /// An order that is open and not dying.
    fn find(&self, id: OrderId) -> Result<OrderId, Refusal> {
        let open = self.open.get(id).filter(|open| !open.dying);
        open.map(|_| id).ok_or(Refusal::Unknown)
    }

    fn trader(&mut self, account: u32) -> &mut Trader {
        Arc::make_mut(&mut self.traders[account as usize])
    }

    fn holds_of(&self, id: OrderId) -> usize {
        self.promises.iter().filter(|promise| promise.holds(id)).count()
    }

    fn enter(&mut self, order: &Order, events: &mut Vec<Event>) {
        self.trader(order.id.account).enter(order.id.number);
        let limit = self.limit_of(order);
        let mut order = Order { price: limit, ..*order };
        let id = order.id;
        let (state, force, display) = match order.kind {
            Kind::Limit(force) => (State::Book, force, 0),
            Kind::Market => (State::Book, Force::Immediate, 0),
            Kind::Iceberg { display } => (State::Book, Force::Rest, display),
            Kind::Stop { trigger, force } => (State::Stop, force, trigger),
        };
        let batch = self.rules.matching == Matching::Batch;
        if state == State::Book && !batch {
            order.quantity = self.trade(&order, events);
        }
        if order.quantity > 0 && force == Force::Immediate && state == State::Book && !batch {
            let (remaining, reason) = (order.quantity, Reason::Unfilled);
            events.push(Event::Cancelled { id, remaining, reason });
        } else if order.quantity > 0 {
            self.stamp += 1;
            let stops = state == State::Stop;
            if batch && force == Force::Immediate {
                self.passing.push(id);
            }
            self.open.insert(Open {
                order,
                stamp: self.stamp,
                remaining: order.quantity,
                visible: if stops { 0 } else { display.min(order.quantity) },
                display,
                force: if stops || batch { force } else { Force::Rest },
                state,
                dying: false,
            });
            events.push(Event::Rested { id, remaining: order.quantity });
        }
        self.fire(order.instrument, events);
    }

    /// Trades an order; returns what is left of it.
    fn trade(&mut self, order: &Order, events: &mut Vec<Event>) -> Lots {
        let mut left = order.quantity;
        while left > 0 {
            let Some(at) = self.best(order.instrument, order.side.other()) else { break };
            let maker = self.open[at].order;
            if !order.side.accepts(order.price, maker.price) {
                break;
            }
            if maker.id.account == order.id.account {
                self.remove(at, Reason::SelfTrade, events);
                continue;
            }
            let quantity = self.open[at].shown().min(left);
            left -= quantity;
            self.consume(at, quantity);
            self.pay(order, maker.id, maker.price, quantity, events);
            self.last[usize::from(order.instrument)] = maker.price;
            let (low, high) = self.traded.unwrap_or((maker.price, maker.price));
            self.traded = Some((low.min(maker.price), high.max(maker.price)));
        }
        left
    }

    /// Takes lots from an order in the book.
    fn consume(&mut self, at: OrderId, quantity: Lots) {
        let stamp = &mut self.stamp;
        self.open.change(at, |open| {
            open.remaining -= quantity;
            if open.remaining == 0 {
                open.visible = 0;
            } else if open.display > 0 {
                open.visible -= quantity;
                if open.visible == 0 {
                    open.visible = open.display.min(open.remaining);
                    *stamp += 1;
                    open.stamp = *stamp;
                }
            }
        });
        if self.open[at].remaining == 0 {
            self.bury(at);
        }
    }

    /// Forgets an order with nothing left, unless a reservation holds some of it.
    fn bury(&mut self, at: OrderId) {
        if self.holds_of(self.open[at].order.id) == 0 {
            self.open.remove(at);
        } else {
            self.open.change(at, |open| open.state = State::Held);
        }
    }

    fn pay(
        &mut self,
        taker: &Order,
        maker: OrderId,
        price: Ticks,
        quantity: Lots,
        events: &mut Vec<Event>,
    ) {
        let cash = cost(price, quantity);
        let fees = [fee(cash, self.rules.taker_fee), fee(cash, self.rules.maker_fee)];
        let parties = [(taker.id, taker.side, fees[0]), (maker, taker.side.other(), fees[1])];
        for (id, side, fee) in parties {
            let trader = self.trader(id.account);
            let lots = trader.lots.entry(taker.instrument).or_insert(0);
            match side {
                Side::Bid => {
                    trader.cash -= cash + fee;
                    *lots += quantity;
                }
                Side::Ask => {
                    trader.cash += cash - fee;
                    *lots -= quantity;
                }
            }
            self.fees += fee;
        }
        let Order { id, instrument, side, .. } = *taker;
        events.push(Event::Traded(Trade { instrument, side, maker, taker: id, price, quantity }));
    }

    /// Fires stops, round after round.
    fn fire(&mut self, instrument: u16, events: &mut Vec<Event>) {
        while let Some((low, high)) = self.traded.take() {
            let due = |open: &&Open| {
                open.order.instrument == instrument
                    && match open.order.side {
                        Side::Bid => open.display <= high,
                        Side::Ask => open.display >= low,
                    }
            };
            let mut round: Vec<_> =
                self.open.stops().filter(due).map(|open| (open.stamp, open.order.id)).collect();
            round.sort();
            for (_, id) in round {
                let Ok(at) = self.find(id) else { continue };
                events.push(Event::Triggered { id });
                self.stamp += 1;
                let stamp = self.stamp;
                self.open.change(at, |open| (open.stamp, open.display) = (stamp, 0));
                self.again(at, events);
            }
        }
    }

    /// Matches an order that waited; what is left rests or, if immediate, ends.
    fn again(&mut self, at: OrderId, events: &mut Vec<Event>) {
        let id = self.open[at].order.id;
        self.open.change(at, |open| open.state = State::Held);
        let order = Order { quantity: self.open[at].remaining, ..self.open[at].order };
        let left = match self.rules.matching {
            Matching::Continuous => self.trade(&order, events),
            Matching::Batch => order.quantity,
        };
        let Ok(at) = self.find(id) else { return };
        if left > 0 && self.open[at].force == Force::Immediate {
            let reason = Reason::Unfilled;
            events.push(Event::Cancelled { id, remaining: left, reason });
        }
        self.open.change(at, |open| {
            open.remaining = if open.force == Force::Immediate { 0 } else { left };
            open.visible = open.display.min(open.remaining);
            if open.remaining > 0 {
                open.state = State::Book;
            }
        });
        if self.open[at].remaining == 0 {
            self.bury(at);
        } else {
            events.push(Event::Rested { id, remaining: left });
        }
    }

    fn remove(&mut self, at: OrderId, reason: Reason, events: &mut Vec<Event>) {
        let id = self.open[at].order.id;
        let remaining = self.open[at].remaining;
        events.push(Event::Cancelled { id, remaining, reason });
        self.open.change(at, |open| {
            (open.remaining, open.visible, open.dying) = (0, 0, true);
        });
        self.bury(at);
    }

    fn reduce(&mut self, id: OrderId, to: Lots, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let at = self.find(id)?;
        if self.holds_of(id) > 0 {
            return Err(Refusal::Held);
        }
        if to < 1 || to >= self.open[at].remaining {
            return Err(Refusal::Quantity);
        }
        self.open.change(at, |open| {
            (open.remaining, open.visible) = (to, open.visible.min(to));
        });
        events.push(Event::Reduced { id, remaining: to });
        Ok(())
    }

    fn replace(
        &mut self,
        id: OrderId,
        number: u32,
        price: Ticks,
        quantity: Lots,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let at = self.find(id)?;
        if self.holds_of(id) > 0 {
            return Err(Refusal::Held);
        }
        let open = &self.open[at];
        if open.state != State::Book || open.force != Force::Rest {
            return Err(Refusal::Kind);
        }
        let kind = match open.display {
            0 => Kind::Limit(Force::Rest),
            display => Kind::Iceberg { display: display.min(quantity) },
        };
        let new = OrderId::new(id.account, number);
        let order = Order { id: new, price, quantity, kind, ..open.order };
        self.check(&order, Some(at))?;
        self.remove(at, Reason::Replaced, events);
        self.enter(&order, events);
        Ok(())
    }

    fn kill(&mut self, account: u32, on: bool, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let trader = self.traders.get_mut(account as usize).ok_or(Refusal::Account)?;
        Arc::make_mut(trader).killed = on;
        if on {
            let mut ids: Vec<_> = self
                .open
                .of(account)
                .filter(|open| !open.dying)
                .map(|open| (open.stamp, open.order.id))
                .collect();
            ids.sort();
            for (_, id) in ids {
                let at = self.find(id)?;
                self.remove(at, Reason::Killed, events);
            }
        }
        Ok(())
    }
}

impl Trader {
    fn use_up(&mut self, number: u32) {
        self.used.insert(number);
        let newest = self.used.last().copied().unwrap_or(0);
        self.used = self.used.split_off(&newest.saturating_sub(REORDERING - 1));
    }

    /// As [`Trader::use_up`], for an order.
    fn enter(&mut self, number: u32) {
        self.use_up(number);
        self.entered += 1;
    }
}

impl Open {
    /// Smaller trades first.
    fn priority(&self) -> (Ticks, u64) {
        match self.order.side {
            Side::Bid => (-self.order.price, self.stamp),
            Side::Ask => (self.order.price, self.stamp),
        }
    }

    fn shown(&self) -> Lots {
        if self.display == 0 { self.remaining } else { self.visible }
    }

    fn element(&self) -> u128 {
        let Order { id, instrument, side, price, .. } = self.order;
        Slot {
            id,
            price,
            remaining: self.remaining,
            stamp: self.stamp,
            visible: self.visible,
            display: self.display,
            holds: 0,
            instrument,
            side,
            state: self.state,
            force: self.force,
            dying: self.dying,
        }
        .element()
    }
}

#[cfg(test)]
mod tests;
