//! Payments that happen by themselves: at slots of a schedule, and when somebody is no more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Goodwill;
use crate::accounts::AccountId;
use crate::ledger::{Ledger, Refusal, Tally};
use crate::root::{put, put_all};

/// After so many payments in a row that could not be made a schedule ends.
const MOST_SKIPPED: u8 = 3;
/// So many schedules there are at most; more are refused.
const MOST: usize = 100_000;

/// A payment at slots of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    pub(crate) owner: AccountId,
    pub(crate) to: AccountId,
    pub(crate) amount: u64,
    pub(crate) period: u32,
    /// Payments that are left; `None`: no end.
    pub(crate) left: Option<u32>,
    /// When the next one is due.
    pub(crate) due: u32,
    pub(crate) skipped: u8,
}

/// Everything goes to an heir once its owner has been silent for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeadMan {
    pub(crate) heir: AccountId,
    /// In slots.
    pub(crate) patience: u32,
    /// After this slot it fires.
    pub(crate) last: u32,
}

/// All of these.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scheduled {
    crons: BTreeMap<u64, Cron>,
    /// By when they are due.
    queue: BTreeSet<(u32, u64)>,
    dead_men: BTreeMap<AccountId, DeadMan>,
    /// By when they fire unless somebody lives.
    watched: BTreeSet<(u32, AccountId)>,
}

impl Scheduled {
    /// Puts its encoding behind others.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.crons.len() as u64);
        for (id, one) in &self.crons {
            let who = u64::from(one.owner) << 32 | u64::from(one.to);
            let when = u64::from(one.due) << 32 | u64::from(one.period);
            let left = one.left.map_or(u64::MAX, u64::from);
            put_all(out, [*id, who, when, one.amount, left, one.skipped.into()]);
        }
        for (id, one) in &self.dead_men {
            let who = u64::from(*id) << 32 | u64::from(one.heir);
            put_all(out, [who, u64::from(one.last) << 32 | u64::from(one.patience)]);
        }
    }

    /// Whether anything is due by a slot.
    fn is_due(&self, slot: u32) -> bool {
        self.queue.first().is_some_and(|(due, _)| *due <= slot)
            || self.watched.first().is_some_and(|(last, _)| *last < slot)
    }

    #[cfg(test)]
    pub(crate) fn crons(&self) -> usize {
        self.crons.len()
    }
}

impl Goodwill {
    /// Somebody schedules payments.
    pub(crate) fn schedule(&self, ledger: &mut Ledger, id: u64, cron: Cron) -> Result<(), Refusal> {
        let scheduled = &ledger.scheduled;
        let is_possible = cron.period > 0
            && cron.amount > 0
            && scheduled.crons.len() < MOST
            && !scheduled.crons.contains_key(&id);
        if !is_possible {
            return Err(Refusal::Schedule);
        }
        let scheduled = Arc::make_mut(&mut ledger.scheduled);
        scheduled.queue.insert((cron.due, id));
        scheduled.crons.insert(id, cron);
        Ok(())
    }

    /// Its owner ends it.
    pub(crate) fn stop(
        &self,
        ledger: &mut Ledger,
        owner: AccountId,
        id: u64,
    ) -> Result<(), Refusal> {
        let found = ledger.scheduled.crons.get(&id).copied().filter(|cron| cron.owner == owner);
        let cron = found.ok_or(Refusal::Schedule)?;
        let scheduled = Arc::make_mut(&mut ledger.scheduled);
        scheduled.queue.remove(&(cron.due, id));
        scheduled.crons.remove(&id);
        Ok(())
    }

    /// Somebody names an heir, or another one.
    pub(crate) fn watch(
        &self,
        ledger: &mut Ledger,
        owner: AccountId,
        (heir, patience): (AccountId, u32),
    ) -> Result<(), Refusal> {
        let known = ledger.scheduled.dead_men.get(&owner).copied();
        if patience == 0 || known.is_none() && ledger.scheduled.dead_men.len() >= MOST {
            return Err(Refusal::Schedule);
        }
        let last = ledger.slot.saturating_add(patience);
        let scheduled = Arc::make_mut(&mut ledger.scheduled);
        known.into_iter().for_each(|one| {
            scheduled.watched.remove(&(one.last, owner));
        });
        scheduled.watched.insert((last, owner));
        scheduled.dead_men.insert(owner, DeadMan { heir, patience, last });
        Ok(())
    }

    /// Somebody says that it lives.
    pub(crate) fn lives(&self, ledger: &mut Ledger, owner: AccountId) -> Result<(), Refusal> {
        let found = ledger.scheduled.dead_men.get(&owner).copied().ok_or(Refusal::Schedule)?;
        self.watch(ledger, owner, (found.heir, found.patience))
    }

    /// The first block at or after them carries out what is due; several times, if several were missed.
    pub(crate) fn run_due(&self, ledger: &mut Ledger, tally: &mut Tally) {
        let slot = ledger.slot;
        if !ledger.scheduled.is_due(slot) {
            return;
        }
        let shared = Arc::clone(&ledger.scheduled);
        let mut scheduled = (*shared).clone();
        let mut runs = self.most_due;
        while let Some((due, id)) = scheduled.queue.first().copied() {
            if due > slot || runs == 0 {
                break;
            }
            runs -= 1;
            scheduled.queue.pop_first();
            let Some(cron) = scheduled.crons.get_mut(&id) else { continue };
            if ledger.accounts.debit(cron.owner, cron.amount) {
                ledger.accounts.credit(cron.to, cron.amount);
                tally.cron_fired += 1;
                tally.cron_late += u64::from(slot - due);
                cron.skipped = 0;
            } else {
                cron.skipped += 1;
            }
            cron.left = cron.left.map(|left| left.saturating_sub(1));
            cron.due = due.saturating_add(cron.period);
            if cron.left == Some(0) || cron.skipped >= MOST_SKIPPED {
                scheduled.crons.remove(&id);
            } else {
                scheduled.queue.insert((cron.due, id));
            }
        }
        while let Some((_, owner)) =
            scheduled.watched.first().copied().filter(|(last, _)| *last < slot)
        {
            scheduled.watched.pop_first();
            if let Some(will) = scheduled.dead_men.remove(&owner) {
                let all = ledger.accounts.balance(owner);
                if ledger.accounts.debit(owner, all) {
                    ledger.accounts.credit(will.heir, all);
                }
                tally.dead_man_fired += 1;
            }
        }
        ledger.scheduled = Arc::new(scheduled);
    }
}
