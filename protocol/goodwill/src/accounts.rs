//! Balances and nonces of all accounts, persistent: a copy costs nothing, a change copies one path.
//!
//! Accounts are numbered densely, so they are a tree of fan-out 32 over numbers. A subtree that nobody
//! has touched is not there: its accounts are as the genesis made them, so a million of them cost nothing.

use std::sync::Arc;

/// The number of an account: a node's id, or `nodes` and above an association's.
pub(crate) type AccountId = u32;

const FAN: usize = 32;
const BITS: u32 = 5;
/// Five digits of five bits: 33 million accounts.
const LEVELS: u32 = 5;
/// Accounts from this number on do not exist: they hold nothing, and nothing can be paid to them.
pub(crate) const MOST: AccountId = 1 << (LEVELS * BITS);

/// What an account holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// In millionths of a coin.
    pub(crate) balance: u64,
    /// How many transactions it has made.
    pub(crate) nonce: u32,
}

/// What the genesis gives to each account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    pub(crate) forgers: u32,
    pub(crate) forger: u64,
    pub(crate) nodes: u32,
    pub(crate) light: u64,
    /// Forgers from this number on are given `rich` in place of it.
    pub(crate) first_rich: u32,
    pub(crate) rich: u64,
}

impl Grants {
    pub(crate) fn of(&self, id: AccountId) -> u64 {
        match id {
            id if id < self.forgers && id >= self.first_rich => self.rich,
            id if id < self.forgers => self.forger,
            id if id < self.nodes => self.light,
            _ => 0,
        }
    }

    /// All that it gives.
    pub(crate) fn total(&self) -> u64 {
        let rich = self.forgers.saturating_sub(self.first_rich);
        let forgers = u64::from(self.forgers - rich) * self.forger + u64::from(rich) * self.rich;
        forgers + u64::from(self.nodes.saturating_sub(self.forgers)) * self.light
    }
}

// Leaves are twice as large as forks, and there are more of them.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
enum Twig {
    Fork([Option<Arc<Twig>>; FAN]),
    Leaf([Account; FAN]),
}

/// All accounts.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    root: Option<Arc<Twig>>,
    grants: Grants,
    /// Of all balances.
    sum: u64,
    /// Groups of 32 that were changed since they were last asked for, some of them twice.
    changed: Vec<u32>,
}

impl Accounts {
    pub(crate) fn new(grants: Grants) -> Self {
        Self { root: None, grants, sum: grants.total(), changed: Vec::new() }
    }

    pub(crate) fn get(&self, id: AccountId) -> Account {
        if id >= MOST {
            return Account::default();
        }
        let mut at = &self.root;
        for level in (0..LEVELS).rev() {
            match at.as_deref() {
                None => break,
                Some(Twig::Fork(below)) => at = &below[digit(id, level)],
                Some(Twig::Leaf(accounts)) => return accounts[digit(id, 0)],
            }
        }
        self.granted(id)
    }

    fn granted(&self, id: AccountId) -> Account {
        Account { balance: self.grants.of(id), nonce: 0 }
    }

    pub(crate) fn balance(&self, id: AccountId) -> u64 {
        self.get(id).balance
    }

    pub(crate) fn sum(&self) -> u64 {
        self.sum
    }

    /// The groups of 32 accounts that were changed since the last time, in order.
    pub(crate) fn take_changed(&mut self) -> Vec<u32> {
        let mut changed = core::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// What the accounts of a group hold: balance and number of each, little-endian.
    pub(crate) fn encoded_group(&self, group: u32) -> [u8; FAN * 12] {
        let mut bytes = [0; FAN * 12];
        let first = group << BITS;
        for (account, place) in bytes.chunks_exact_mut(12).zip(0..) {
            let Account { balance, nonce } = self.get(first | place);
            account[..8].copy_from_slice(&balance.to_le_bytes());
            account[8..].copy_from_slice(&nonce.to_le_bytes());
        }
        bytes
    }

    /// The caller has seen to it that the account can exist.
    pub(crate) fn set(&mut self, id: AccountId, account: Account) {
        if id >= MOST {
            return;
        }
        let before = self.get(id);
        self.sum = self.sum.wrapping_sub(before.balance).wrapping_add(account.balance);
        let group = id >> BITS;
        if self.changed.last() != Some(&group) {
            self.changed.push(group);
        }
        let grants = self.grants;
        let mut at = &mut self.root;
        for level in (1..LEVELS).rev() {
            let twig = at.get_or_insert_with(|| Arc::new(Twig::Fork([const { None }; FAN])));
            match Arc::make_mut(twig) {
                Twig::Fork(below) => at = &mut below[digit(id, level)],
                Twig::Leaf(_) => return,
            }
        }
        let first = id - digit(id, 0) as u32;
        let leaf = at.get_or_insert_with(|| {
            let of = |i| Account { balance: grants.of(first.saturating_add(i as u32)), nonce: 0 };
            Arc::new(Twig::Leaf(core::array::from_fn(of)))
        });
        if let Twig::Leaf(accounts) = Arc::make_mut(leaf) {
            accounts[digit(id, 0)] = account;
        }
    }

    /// Adds to a balance.
    pub(crate) fn credit(&mut self, id: AccountId, amount: u64) {
        if amount > 0 {
            let account = self.get(id);
            self.set(id, Account { balance: account.balance.saturating_add(amount), ..account });
        }
    }

    /// Takes from a balance; false, and nothing is taken, if it is less.
    pub(crate) fn debit(&mut self, id: AccountId, amount: u64) -> bool {
        let account = self.get(id);
        match account.balance.checked_sub(amount) {
            Some(balance) => {
                if amount > 0 {
                    self.set(id, Account { balance, ..account });
                }
                true
            }
            None => false,
        }
    }
}

fn digit(id: AccountId, level: u32) -> usize {
    (id >> (BITS * level)) as usize & (FAN - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use anthill_protocol::Dice;

    use super::*;

    const GRANTS: Grants =
        Grants { forgers: 10, forger: 100, nodes: 1_000_000, light: 7, first_rich: 8, rich: 500 };

    #[test]
    fn a_million_untouched_accounts_are_as_the_genesis_made_them() {
        let accounts = Accounts::new(GRANTS);
        let balances =
            [0, 7, 8, 9, 10, 999_999, 1_000_000, u32::MAX].map(|id| accounts.balance(id));
        assert_eq!(balances, [100, 100, 500, 500, 7, 7, 0, 0]);
        assert_eq!(accounts.sum(), 8 * 100 + 2 * 500 + 999_990 * 7);
        assert!(accounts.root.is_none());
    }

    #[test]
    fn changes_are_those_of_a_map_and_old_versions_stay() {
        let mut dice = Dice::new(1);
        let mut accounts = Accounts::new(GRANTS);
        let mut map = BTreeMap::new();
        let mut old = Vec::new();
        for _ in 0..2_000 {
            let id = [dice.below(50), dice.below(1 << 20), dice.below(1 << 25)]
                [dice.below(3) as usize] as u32;
            let account = Account { balance: dice.below(1_000), nonce: dice.below(9) as u32 };
            accounts.set(id, account);
            map.insert(id, account);
            if dice.one_in(200) {
                old.push((accounts.clone(), map.clone()));
            }
        }
        old.push((accounts, map));
        for (accounts, map) in old {
            assert!(map.iter().all(|(id, account)| accounts.get(*id) == *account));
            let change: i64 = map
                .iter()
                .map(|(id, account)| account.balance as i64 - GRANTS.of(*id) as i64)
                .sum();
            assert_eq!(accounts.sum() as i64, GRANTS.total() as i64 + change);
        }
    }

    #[test]
    fn changed_groups_are_named_once() {
        let mut accounts = Accounts::new(GRANTS);
        assert!(accounts.debit(3, 40) && !accounts.debit(3, 61));
        let before = accounts.encoded_group(28);
        for id in [900, 3, 31, 32, 900] {
            accounts.credit(id, 40);
        }
        assert_eq!(accounts.take_changed(), [0, 1, 28]);
        assert_eq!(accounts.take_changed(), []);
        let after = accounts.encoded_group(28);
        let place = 12 * (900 - 28 * 32);
        assert_eq!((before[place], after[place]), (7, 87));
        assert_eq!(accounts.sum(), GRANTS.total() - 40 + 5 * 40);
    }
}
