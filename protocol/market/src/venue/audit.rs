//! The invariants of a venue, each worked out from nothing.

use super::{Flow, Venue};
use crate::amount::{Cash, Lots, cost, worst_lot};
use crate::command::{OrderId, Side};
use crate::slab::{NONE, State};
use std::collections::BTreeMap;
use thiserror::Error;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// Σ accounts + fees ≠ deposits − withdrawals.
    #[error("cash: accounts and fees hold {held}, {flow:?} went in and out")]
    Cash {
        /// Units in accounts and fees.
        held: Cash,
        /// Units in and out.
        flow: Flow,
    },
    /// Σ holdings ≠ deposits − withdrawals.
    #[error("instrument {instrument}: accounts hold {held} lots, {flow:?} went in and out")]
    Assets {
        /// The instrument.
        instrument: u16,
        /// Lots in accounts.
        held: i128,
        /// Lots in and out.
        flow: Flow,
    },
    /// Something of an account is below zero.
    #[error("account {0} has less than nothing")]
    Negative(u32),
    /// What is reserved is not what open orders and reservations need.
    #[error("account {account}: {reserved} is reserved, {needed} is needed")]
    Reserved {
        /// The account.
        account: u32,
        /// Units, lots or orders noted.
        reserved: i128,
        /// The same, added up.
        needed: i128,
    },
    /// The best bid reaches the best ask.
    #[error("instrument {0}: crossed")]
    Crossed(u16),
    /// A queue is not in order of time, or its links or sum are wrong.
    #[error("instrument {instrument}: queue at {price}")]
    Queue {
        /// The instrument.
        instrument: u16,
        /// Ticks.
        price: i64,
    },
    /// A position beyond the limit.
    #[error("account {0}: position limit")]
    Position(u32),
    /// A root is not that of the state.
    #[error("{0} root is not that of the state")]
    Root(&'static str),
}

/// What an account's open orders and reservations need.
#[derive(Clone, Copy, Debug, Default)]
struct Need {
    cash: Cash,
    orders: u32,
}

impl Venue {
    /// Checks every invariant, in time proportional to the state. Inside a batch block the book may
    /// be crossed.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn audit(&self) -> Result<(), Violation> {
        self.audit_totals()?;
        self.audit_reserved()?;
        for instrument in 0..self.rules.instruments {
            self.audit_book(instrument)?;
        }
        if !self.accounts.digest_holds() {
            return Err(Violation::Root("accounts"));
        }
        let held = self.holds.values().map(|hold| hold.element()).fold(0, u128::wrapping_add);
        if held != self.held {
            return Err(Violation::Root("reservations"));
        }
        Ok(())
    }

    fn audit_totals(&self) -> Result<(), Violation> {
        let accounts = 0..self.rules.accounts;
        let cash: Cash = accounts.clone().map(|at| self.accounts.account(at).cash()).sum();
        let flow = self.cash;
        let held = cash + self.fees;
        if held != flow.paid_in - flow.paid_out {
            return Err(Violation::Cash { held, flow });
        }
        for instrument in 0..self.rules.instruments {
            let lots = |at| i128::from(self.accounts.holding(at, instrument).lots());
            let held: i128 = accounts.clone().map(lots).sum();
            let flow = self.lots[usize::from(instrument)];
            if held != flow.paid_in - flow.paid_out {
                return Err(Violation::Assets { instrument, held, flow });
            }
        }
        for at in accounts {
            let account = self.accounts.account(at);
            if account.cash() < 0 || account.reserved() < 0 || account.free() < 0 {
                return Err(Violation::Negative(at));
            }
            for instrument in 0..self.rules.instruments {
                let holding = self.accounts.holding(at, instrument);
                let (bids, asks) = (holding.bidding(), holding.reserved());
                if holding.lots() < 0 || asks < 0 || bids < 0 || holding.free() < 0 {
                    return Err(Violation::Negative(at));
                }
                if holding.lots() + bids > self.rules.limits.position {
                    return Err(Violation::Position(at));
                }
            }
        }
        Ok(())
    }

    fn audit_reserved(&self) -> Result<(), Violation> {
        let mut needs = vec![Need::default(); self.rules.accounts as usize];
        let mut lots: BTreeMap<(u32, u16, Side), Lots> = BTreeMap::new();
        let rate = self.rules.worst_fee();
        let mut add = |id: OrderId, instrument, side: Side, price, quantity: Lots| {
            if side == Side::Bid {
                needs[id.account as usize].cash += cost(worst_lot(price, rate), quantity);
            }
            *lots.entry((id.account, instrument, side)).or_insert(0) += quantity;
        };
        for (_, slot) in self.slab.open() {
            add(slot.id, slot.instrument, slot.side, slot.price, slot.remaining);
        }
        for hold in self.holds.values() {
            let (instrument, side) = (hold.order.instrument, hold.order.side);
            for fill in &hold.fills {
                add(fill.maker, instrument, side.other(), fill.price, fill.quantity);
            }
            add(hold.order.id, instrument, side, 0, hold.order.quantity);
        }
        for hold in self.holds.values() {
            needs[hold.order.id.account as usize].cash += hold.cash + hold.deposit;
            needs[hold.order.id.account as usize].orders += 1;
        }
        self.slab.open().for_each(|(_, slot)| needs[slot.id.account as usize].orders += 1);
        self.stakes.iter().for_each(|(&account, &stake)| needs[account as usize].cash += stake);
        for (account, need) in (0..).zip(&needs) {
            let noted = self.accounts.account(account);
            let differ = |reserved, needed| Violation::Reserved { account, reserved, needed };
            if noted.reserved() != need.cash {
                return Err(differ(noted.reserved(), need.cash));
            }
            if noted.open != need.orders {
                return Err(differ(i128::from(noted.open), i128::from(need.orders)));
            }
            for instrument in 0..self.rules.instruments {
                let holding = self.accounts.holding(account, instrument);
                for (side, noted) in
                    [(Side::Bid, holding.bidding()), (Side::Ask, holding.reserved())]
                {
                    let needed = lots.get(&(account, instrument, side)).copied().unwrap_or(0);
                    if noted != needed {
                        return Err(differ(i128::from(noted), i128::from(needed)));
                    }
                }
            }
        }
        Ok(())
    }

    fn audit_book(&self, instrument: u16) -> Result<(), Violation> {
        let book = &self.books[usize::from(instrument)];
        let continuous = self.rules.matching == crate::Matching::Continuous;
        if continuous && book.bids.best() >= book.asks.best() {
            return Err(Violation::Crossed(instrument));
        }
        let mut resting = 0;
        for side in [Side::Bid, Side::Ask] {
            let ladder = book.ladder(side);
            let mut better = None;
            for (price, lots) in ladder.depth() {
                let wrong = Violation::Queue { instrument, price };
                let (mut at, mut before, mut sum) = (ladder.level(price).head, NONE, 0);
                if at == NONE || better.is_some_and(|better| !side.accepts(better, price)) {
                    return Err(wrong);
                }
                better = Some(price);
                while at != NONE {
                    let slot = self.slab.get(at);
                    let older = before == NONE || self.slab.get(before).stamp < slot.stamp;
                    let here = (slot.price, slot.side, slot.state) == (price, side, State::Book);
                    let shown = (1..=slot.remaining).contains(&slot.shown());
                    if !older || !here || !shown || self.slab.link(at).prev != before {
                        return Err(wrong);
                    }
                    sum += slot.remaining;
                    resting += 1;
                    (before, at) = (at, self.slab.link(at).next);
                }
                if sum != lots || ladder.level(price).tail != before {
                    return Err(wrong);
                }
            }
        }
        let mine = || self.slab.open().filter(|(_, slot)| slot.instrument == instrument);
        let in_book = mine().filter(|(_, slot)| slot.state == State::Book).count();
        let stops = mine().filter(|(_, slot)| slot.state == State::Stop).count();
        if in_book != resting || stops != book.rising.len() + book.falling.len() {
            return Err(Violation::Queue { instrument, price: 0 });
        }
        let sum = mine().map(|(_, slot)| slot.element()).fold(0, u128::wrapping_add);
        if sum != book.sum { Err(Violation::Root("book")) } else { Ok(()) }
    }
}
