//! A venue: books, accounts and reservations, changed by one command at a time.

mod ahead;
mod amend;
mod audit;
mod batch;
mod enter;
mod hold;
mod matching;
mod saved;
mod stake;
mod view;

pub use audit::Violation;
pub use hold::Reservation;
pub use view::OpenOrder;

use crate::account::{Account, Accounts, Holding};
use crate::amount::{Cash, Lots, MAX_CASH, MAX_LOTS, Ticks, cost, worst_lot};
use crate::book::Book;
use crate::command::{Command, OrderId, Side};
use crate::event::{Event, Refusal};
use crate::hash::{halves, record};
use crate::index::Index;
use crate::rules::{Limits, Rules};
use crate::slab::{Slab, Slot};
use ahead::Ahead;
use hold::Hold;
use std::collections::BTreeMap;

/// What replicas compare: a digest of the books and one of everything else. Equal states have equal
/// roots; see the [crate] for what a root is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Roots {
    /// All open orders, by side, price, place in the queue, name and what remains.
    pub book: u128,
    /// Accounts, reservations, fees, last prices and the height.
    pub accounts: u128,
}

/// Cash or lots that went in and out of a venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Deposited.
    pub paid_in: i128,
    /// Withdrawn.
    pub paid_out: i128,
}

crate::stored::stored! { Flow { paid_in, paid_out } }

/// The state of a venue: a deterministic function of its rules and the commands applied.
#[derive(Clone, Debug)]
pub struct Venue {
    rules: Rules,
    slab: Slab,
    index: Index,
    books: Vec<Book>,
    accounts: Accounts,
    holds: BTreeMap<OrderId, Hold>,
    /// The sum of the elements of all holds.
    held: u128,
    /// Deposits by account.
    stakes: BTreeMap<u32, Cash>,
    stamp: u64,
    height: u64,
    fees: Cash,
    cash: Flow,
    lots: Vec<Flow>,
}

impl Venue {
    /// An empty venue.
    pub fn new(rules: Rules) -> Self {
        let instruments = rules.instruments.max(1);
        // A fee of more than everything would leave a seller with less than nothing.
        let most = crate::amount::MILLION as u32;
        let (taker_fee, maker_fee) = (rules.taker_fee.min(most), rules.maker_fee.min(most));
        // Sums of lots must not overflow whatever the limit.
        let limits = Limits { position: rules.limits.position.min(Lots::MAX / 4), ..rules.limits };
        let rules = Rules { instruments, taker_fee, maker_fee, limits, ..rules };
        Self {
            slab: Slab::new(),
            index: Index::new(),
            books: (0..instruments).map(|_| Book::new(rules.window)).collect(),
            accounts: Accounts::new(rules.accounts, instruments),
            holds: BTreeMap::new(),
            held: 0,
            stakes: BTreeMap::new(),
            stamp: 0,
            height: 0,
            fees: 0,
            cash: Flow::default(),
            lots: vec![Flow::default(); usize::from(instruments)],
            rules,
        }
    }

    /// Applies one command and appends what it does to `events`.
    ///
    /// # Errors
    /// Says why the command is refused; nothing has changed then.
    pub fn apply(&mut self, command: &Command, events: &mut Vec<Event>) -> Result<(), Refusal> {
        match *command {
            Command::Place(ref order) => self.place(order, events),
            Command::Cancel { id } => self.cancel(id, events),
            Command::Reduce { id, to } => self.reduce(id, to, events),
            Command::Replace { id, number, price, quantity } => {
                self.replace(id, number, price, quantity, events)
            }
            Command::Prepare { ref order, terms } => self.prepare(order, terms, events),
            Command::Decide { id, coordinator, commit } => {
                self.decide(id, coordinator, commit, events)
            }
            Command::Reveal { id, ref preimage } => self.reveal(id, preimage, events),
            Command::Kill { account, on } => self.kill(account, on, events),
            Command::Deposit { id, cash } => self.deposit(id, cash),
            Command::Withdraw { id, cash } => self.withdraw_cash(id, cash),
            Command::DepositLots { id, instrument, lots } => {
                self.deposit_lots(id, instrument, lots)
            }
            Command::WithdrawLots { id, instrument, lots } => {
                self.withdraw_lots(id, instrument, lots)
            }
        }
    }

    /// Opens the block `height`: counts of the rate limit restart, hash locks whose deadline this is
    /// are released. Heights do not fall.
    pub fn open_block(&mut self, height: u64, events: &mut Vec<Event>) {
        self.height = self.height.max(height);
        self.expire(events);
    }

    /// Closes the block: a batch venue clears each instrument at one price. `draw` decides who gets
    /// the lots that pro rata leaves over: it must be fixed only after the block's contents are,
    /// for example the block's hash.
    pub fn close_block(&mut self, draw: u64, events: &mut Vec<Event>) {
        self.clear_all(draw, events);
    }

    /// Executes a whole block. A batch venue takes the commands in an order that depends on `draw`
    /// and their contents only, never on their order in `commands`. `refused` is told the index and
    /// the reason of each refused command.
    pub fn execute(
        &mut self,
        height: u64,
        commands: &[Command],
        draw: u64,
        events: &mut Vec<Event>,
        mut refused: impl FnMut(usize, Refusal),
    ) {
        self.open_block(height, events);
        if self.rules.matching == crate::Matching::Batch {
            for at in crate::auction::canonical(commands, draw) {
                if let Err(reason) = self.apply(&commands[at], events) {
                    refused(at, reason);
                }
            }
        } else {
            self.apply_all(commands, events, refused);
        }
        self.close_block(draw, events);
    }

    /// Applies commands in order, as [`Venue::apply`] one by one, but reads ahead: what the next few
    /// commands are going to touch is brought into cache while others are applied.
    pub fn apply_all(
        &mut self,
        commands: &[Command],
        events: &mut Vec<Event>,
        mut refused: impl FnMut(usize, Refusal),
    ) {
        let mut ahead = Ahead::new(self, commands);
        for (at, command) in commands.iter().enumerate() {
            ahead.step(self, commands, at);
            if let Err(reason) = self.apply(command, events) {
                refused(at, reason);
            }
        }
    }

    /// The roots of the state.
    pub fn roots(&self) -> Roots {
        let mut book = 0u128;
        let mut rest = self.accounts.sum().wrapping_add(self.held);
        for (at, each) in (0..).zip(&self.books) {
            let [low, high] = [each.sum as u64, (each.sum >> 64) as u64];
            book = book.wrapping_add(record([low, high, at, 0, 0, 0]));
            let flow = &self.lots[at as usize];
            let lots = [halves(flow.paid_in)[0], halves(flow.paid_out)[0]];
            rest = rest.wrapping_add(record([lots[0], lots[1], each.last as u64, at, 0, 2 << 32]));
        }
        for (&account, &stake) in &self.stakes {
            let [low, high] = halves(stake);
            rest = rest.wrapping_add(record([u64::from(account), low, high, 0, 0, 4 << 32]));
        }
        let ([fees, _], [paid_in, _], [paid_out, _]) =
            (halves(self.fees), halves(self.cash.paid_in), halves(self.cash.paid_out));
        let words = [fees, paid_in, paid_out, self.height, self.stamp, 3 << 32];
        Roots { book, accounts: rest.wrapping_add(record(words)) }
    }

    #[inline(always)]
    fn check_transfer(&self, id: OrderId, instrument: u16) -> Result<(), Refusal> {
        let account = self.accounts.get(id.account).ok_or(Refusal::Account)?;
        if instrument >= self.rules.instruments {
            return Err(Refusal::Instrument);
        }
        if account.fresh(id.number) { Ok(()) } else { Err(Refusal::Replay) }
    }

    #[inline(never)]
    fn deposit(&mut self, id: OrderId, cash: Cash) -> Result<(), Refusal> {
        self.check_transfer(id, 0)?;
        // The total in stays far from overflow for as many deposits as can be.
        if !(1..=MAX_CASH).contains(&cash) || self.cash.paid_in > Cash::MAX / 2 {
            return Err(Refusal::Quantity);
        }
        self.accounts.use_up(id);
        self.accounts.add_cash(id.account, cash);
        self.cash.paid_in += cash;
        Ok(())
    }

    #[inline(never)]
    fn withdraw_cash(&mut self, id: OrderId, cash: Cash) -> Result<(), Refusal> {
        self.check_transfer(id, 0)?;
        if cash < 1 {
            return Err(Refusal::Quantity);
        }
        if self.accounts.account(id.account).free() < cash {
            return Err(Refusal::Cash);
        }
        self.accounts.use_up(id);
        self.accounts.add_cash(id.account, -cash);
        self.cash.paid_out += cash;
        Ok(())
    }

    #[inline(never)]
    fn deposit_lots(&mut self, id: OrderId, instrument: u16, lots: Lots) -> Result<(), Refusal> {
        self.check_transfer(id, instrument)?;
        let flow = self.lots[usize::from(instrument)];
        // All lots of an instrument together fit in an i64.
        let inside = flow.paid_in - flow.paid_out + i128::from(lots);
        if !(1..=MAX_LOTS).contains(&lots) || inside > 1 << 62 {
            return Err(Refusal::Quantity);
        }
        let holding = self.accounts.holding(id.account, instrument);
        if holding.lots() + holding.bidding() + lots > self.rules.limits.position {
            return Err(Refusal::Position);
        }
        self.accounts.use_up(id);
        self.accounts.add_lots(id.account, instrument, lots);
        self.lots[usize::from(instrument)].paid_in += i128::from(lots);
        Ok(())
    }

    #[inline(never)]
    fn withdraw_lots(&mut self, id: OrderId, instrument: u16, lots: Lots) -> Result<(), Refusal> {
        self.check_transfer(id, instrument)?;
        if lots < 1 {
            return Err(Refusal::Quantity);
        }
        if self.accounts.holding(id.account, instrument).free() < lots {
            return Err(Refusal::Assets);
        }
        self.accounts.use_up(id);
        self.accounts.add_lots(id.account, instrument, -lots);
        self.lots[usize::from(instrument)].paid_out += i128::from(lots);
        Ok(())
    }

    /// Opens a slot for an order.
    #[inline(always)]
    fn open(&mut self, slot: Slot) -> u32 {
        let at = self.slab.insert(slot);
        self.index.insert(slot.id, at);
        self.accounts.opened(slot.id.account);
        at
    }

    /// Forgets an order.
    #[inline(always)]
    fn close(&mut self, at: u32) {
        let id = self.slab.id(at);
        self.index.remove(id, at);
        self.slab.remove(at);
        self.accounts.closed(id.account);
    }

    #[inline]
    fn next_stamp(&mut self) -> u64 {
        self.stamp += 1;
        self.stamp
    }

    /// Reserves what an order of this side, price and quantity may need.
    #[inline(always)]
    fn reserve(&mut self, id: OrderId, instrument: u16, side: Side, price: Ticks, lots: Lots) {
        // Which side it is no branch predictor knows: both are done, one of them for nothing.
        let bid = Lots::from(side == Side::Bid) * lots;
        let worst = worst_lot(price, self.rules.worst_fee());
        self.accounts.promise((id.account, instrument), (lots - bid, bid), cost(worst, bid));
    }

    /// Frees what [`Venue::reserve`] reserved for `lots` of an order.
    #[inline(always)]
    fn free(&mut self, id: OrderId, instrument: u16, side: Side, price: Ticks, lots: Lots) {
        self.reserve(id, instrument, side, price, -lots);
    }
}

#[cfg(test)]
mod tests;
