//! Deposits that stand behind a promise, such as to reveal what was sealed.

use super::Venue;
use crate::amount::{Cash, MAX_CASH};
use crate::event::Refusal;

impl Venue {
    /// Reserves cash of an account as a deposit.
    ///
    /// # Errors
    /// If the account does not exist or has not as much free.
    pub fn stake(&mut self, account: u32, cash: Cash) -> Result<(), Refusal> {
        if !(1..=MAX_CASH).contains(&cash) {
            return Err(Refusal::Quantity);
        }
        if self.accounts.get(account).ok_or(Refusal::Account)?.free() < cash {
            return Err(Refusal::Cash);
        }
        self.accounts.add_reserved(account, cash);
        *self.stakes.entry(account).or_insert(0) += cash;
        Ok(())
    }

    /// Gives up to `cash` of a deposit back.
    pub fn unstake(&mut self, account: u32, cash: Cash) {
        self.end_stake(account, cash);
    }

    /// Takes up to `cash` of a deposit for the venue.
    pub fn forfeit(&mut self, account: u32, cash: Cash) {
        let taken = self.end_stake(account, cash);
        if taken > 0 {
            self.accounts.add_cash(account, -taken);
            self.fees += taken;
        }
    }

    /// The deposits of an account.
    pub fn staked(&self, account: u32) -> Cash {
        self.stakes.get(&account).copied().unwrap_or(0)
    }

    fn end_stake(&mut self, account: u32, cash: Cash) -> Cash {
        let staked = self.staked(account);
        let ended = cash.clamp(0, staked);
        if ended > 0 {
            self.accounts.add_reserved(account, -ended);
            self.stakes.insert(account, staked - ended);
            if staked == ended {
                self.stakes.remove(&account);
            }
        }
        ended
    }
}
