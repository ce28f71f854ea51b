//! Associations: who may receive donations, decided by the votes of those who may forge.

use std::collections::BTreeMap;
use std::sync::Arc;

use anthill_protocol::NodeId;
use anthill_protocol::draw::{below, mix};

use crate::Goodwill;
use crate::accounts::AccountId;
use crate::attacks::Plan;
use crate::ledger::{Ledger, Refusal, Tally};
use crate::root::{put, put_all};

/// Climate, hunger, diseases, children, the human condition.
pub(crate) const PURPOSES: u8 = 5;
/// Windows in a row in which an association needs its majority, with rule 5.
const WINDOWS: u8 = 3;
/// Of what an association spends in a window, so many light peers have a part each.
const RECIPIENTS: u64 = 10;

/// Where an association stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It has asked in this window, and has had its majority so often in a row.
    Asked {
        window: u32,
        passed: u8,
    },
    Admitted,
    Refused,
    Revoked,
}

/// An association. Its account has the number `nodes` plus its place in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Association {
    /// Whose key owns the account; `None`: it was there from the start and obeys the rules.
    pub(crate) key: Option<NodeId>,
    pub(crate) name: u32,
    pub(crate) purpose: u8,
    pub(crate) status: Status,
    /// Whether it is not what it says: for measurements, and for the eyes of its voters.
    pub(crate) is_scam: bool,
    pub(crate) votes: BTreeMap<AccountId, bool>,
}

impl Association {
    /// Puts its encoding behind others.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let status = match self.status {
            Status::Asked { window, passed } => {
                1 | u64::from(passed) << 8 | u64::from(window) << 16
            }
            Status::Admitted => 2,
            Status::Refused => 3,
            Status::Revoked => 4,
        };
        let key = self.key.map_or(u64::MAX, |key| key.0.into());
        let words = [key, self.name.into(), status, self.purpose.into(), self.votes.len() as u64];
        put_all(out, words);
        for (voter, yes) in &self.votes {
            put(out, u64::from(*voter) << 1 | u64::from(*yes));
        }
    }

    pub(crate) fn is_admitted(&self) -> bool {
        self.status == Status::Admitted
    }
}

impl Goodwill {
    /// The account of an association.
    pub(crate) fn account_of(&self, association: u32) -> AccountId {
        self.nodes().saturating_add(association)
    }

    /// The association of an account.
    pub(crate) fn association_of(&self, account: AccountId) -> Option<u32> {
        account.checked_sub(self.nodes())
    }

    /// What the scenario gives to a key that really is an association of this name: nobody can make one
    /// up, and it is worth nothing in the hands of another key.
    pub(crate) fn credential(&self, name: u32, key: NodeId) -> u64 {
        mix(self.seed() ^ 0x6372_6564, u64::from(name) << 32 | u64::from(key.0))
    }

    /// Those that were there from the start.
    pub(crate) fn first_associations(&self) -> Vec<Association> {
        let first = |name: u32| Association {
            key: None,
            name,
            purpose: (name % u32::from(PURPOSES)) as u8,
            status: Status::Admitted,
            is_scam: false,
            votes: BTreeMap::new(),
        };
        let mut all: Vec<Association> = (0..self.associations).map(first).collect();
        // A captor has got hold of two: one by its own key, one by that of its accomplice.
        if matches!(&self.attack, Some(attack) if attack.plan == Plan::Captor) {
            let last = self.forgers() - 1;
            for (key, name) in [last, last - 1].into_iter().zip(self.associations..) {
                all.push(Association { key: Some(NodeId(key)), is_scam: true, ..first(name) });
            }
        }
        all
    }

    /// A request to be approved.
    pub(crate) fn request(
        &self,
        ledger: &mut Ledger,
        key: NodeId,
        (name, purpose, credential, is_scam): (u32, u8, u64, bool),
    ) -> Result<(), Refusal> {
        if credential != self.credential(name, key) || purpose >= PURPOSES {
            return Err(Refusal::Credential);
        }
        if ledger.associations.len() >= self.most_associations() {
            return Err(Refusal::Association);
        }
        let status = Status::Asked { window: ledger.window, passed: 0 };
        let votes = BTreeMap::new();
        let new = Association { key: Some(key), name, purpose, status, is_scam, votes };
        Arc::make_mut(&mut ledger.associations).push(new);
        Ok(())
    }

    /// A vote; of an approved association it is on whether it stays.
    pub(crate) fn vote(
        &self,
        ledger: &mut Ledger,
        voter: AccountId,
        (association, yes): (u32, bool),
    ) -> Result<(), Refusal> {
        if ledger.tables[0].weight(voter) == 0 {
            return Err(Refusal::Vote);
        }
        let place = association as usize;
        let open = ledger.associations.get(place).is_some_and(|one| match one.status {
            Status::Asked { .. } => true,
            Status::Admitted => self.law.weighs_votes,
            Status::Refused | Status::Revoked => false,
        });
        if !open {
            return Err(Refusal::Association);
        }
        Arc::make_mut(&mut ledger.associations)[place].votes.insert(voter, yes);
        ledger.note_sign(voter);
        Ok(())
    }

    /// The end of a window: counts the votes.
    pub(crate) fn count_votes(&self, ledger: &mut Ledger, tally: &mut Tally) {
        let is_open = |one: &Association| match one.status {
            Status::Asked { window, .. } => window < ledger.window,
            Status::Admitted => one.votes.values().any(|yes| !yes),
            Status::Refused | Status::Revoked => false,
        };
        if !ledger.associations.iter().any(is_open) {
            return;
        }
        let live: Vec<(AccountId, u64)> =
            ledger.tables[0].iter().filter(|(forger, _)| ledger.is_live(*forger)).collect();
        let weigh = |weight: u64| if self.law.weighs_votes { u128::from(weight) } else { 1 };
        let all: u128 = live.iter().map(|(_, weight)| weigh(*weight)).sum();
        let total: u128 = ledger.tables[0].iter().map(|(_, weight)| weigh(weight)).sum();
        let sum = |one: &Association, what: bool| -> u128 {
            let of = |(forger, weight): &(AccountId, u64)| match one.votes.get(forger) {
                Some(vote) if *vote == what => weigh(*weight),
                _ => 0,
            };
            live.iter().map(of).sum()
        };
        let mut all_of_them = (*ledger.associations).clone();
        for one in all_of_them.iter_mut().filter(|one| is_open(one)) {
            let Status::Asked { window, passed } = one.status else {
                // More than half of the weight takes it back.
                if 2 * sum(one, false) > total {
                    one.status = Status::Revoked;
                    tally.revoked += 1;
                }
                continue;
            };
            let passes = all > 0 && 4 * sum(one, true) >= 3 * all;
            let needed = if self.law.weighs_votes { WINDOWS } else { 1 };
            let passed = passed + u8::from(passes);
            one.status = match passes {
                false => Status::Refused,
                true if passed >= needed => Status::Admitted,
                true => Status::Asked { window, passed },
            };
            match one.status {
                Status::Admitted if one.is_scam => tally.admitted_scams += 1,
                Status::Admitted => tally.admitted += 1,
                Status::Refused if !one.is_scam => tally.vetoed += 1,
                _ => {}
            }
            if one.status == Status::Admitted {
                one.votes.clear();
            }
        }
        ledger.associations = Arc::new(all_of_them);
    }

    /// The end of a window: approved associations spend a part of what they have on random light peers.
    /// Those whose accounts somebody owns decide for themselves.
    pub(crate) fn spend(&self, ledger: &mut Ledger, beacon: u64) {
        let light = self.nodes() - self.forgers();
        if self.spends == 0 || light == 0 {
            return;
        }
        let associations = Arc::clone(&ledger.associations);
        for (place, _) in associations
            .iter()
            .enumerate()
            .filter(|(_, one)| one.is_admitted() && (one.key.is_none() || !one.is_scam))
        {
            let account = self.account_of(place as u32);
            let part = below(self.spends, ledger.accounts.balance(account)) / RECIPIENTS;
            for i in 0..RECIPIENTS {
                let draw = mix(mix(beacon, place as u64), i);
                let to = self.forgers() + below(draw, light.into()) as u32;
                if ledger.accounts.debit(account, part) {
                    ledger.accounts.credit(to, part);
                }
            }
        }
    }
}
