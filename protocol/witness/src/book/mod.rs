//! What a participant keeps: the book of a witness, and the wallet of an owner.
//!
//! Both are durable: they survive a crash, also one "without state", as they would on disk.
//! [`Book`] says of each fund that a verifier watches what it knows, [`Wallet`] which funds a user
//! may spend. Neither decides anything: roles do ([`crate::roles`]).

mod balance;
mod lines;
mod sorted;
mod wallet;

pub(crate) use balance::Balance;
pub use wallet::{Locked, Wallet};

use crate::objects::fund::FundId;
use anthill_protocol::{Shared, Snapshot, SnapshotError, Time};
use lines::Lines;

/// The funds that a verifier watches over, as far as they differ from genesis.
///
/// 32 bytes an entry: the receipt says the rest. Of the funds of genesis only those that were
/// touched are here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// The receipt that set the present state of a fund: the one that made it, or its last
    /// withdrawal; and the gas earned with it while it is not used up.
    lines: Lines,
    /// The contract to which a fund is promised: few at a time. Sorted by name.
    promises: Vec<(FundId, Shared)>,
    /// Without R5: the withdrawals that this witness has seen, which need not be a chain.
    withdrawals: Vec<(FundId, Shared)>,
    /// R9: receipts of earlier withdrawals, and of those refused; the oldest of a fund first.
    evidence: Vec<(FundId, Shared)>,
    /// When it forgets next what expired long ago; not durable.
    pub(crate) next_sweep: Time,
}

impl Book {
    /// Where what is known of a fund is likely to be.
    pub(crate) fn hint(&self, fund: FundId, mut fetch: impl FnMut(*const u8)) {
        fetch(self.promises.as_ptr().cast());
        self.lines.hint(fund, fetch);
    }

    /// The receipt that set the present state of a fund.
    pub fn state(&self, fund: FundId) -> Option<Shared> {
        self.lines.state(fund)
    }

    /// Sets it; returns the one before.
    pub fn set_state(&mut self, fund: FundId, receipt: Shared) -> Option<Shared> {
        self.lines.set_state(fund, receipt)
    }

    /// The contract to which a fund is promised.
    pub fn promise(&self, fund: FundId) -> Option<Shared> {
        let place = self.place_of_promise(fund).ok()?;
        Some(self.promises[place].1)
    }

    /// Promises it; returns the promise before.
    pub fn set_promise(&mut self, fund: FundId, contract: Shared) -> Option<Shared> {
        match self.place_of_promise(fund) {
            Ok(place) => Some(core::mem::replace(&mut self.promises[place].1, contract)),
            Err(place) => {
                self.promises.insert(place, (fund, contract));
                None
            }
        }
    }

    fn place_of_promise(&self, fund: FundId) -> Result<usize, usize> {
        self.promises.binary_search_by_key(&fund, |(fund, _)| *fund)
    }

    /// All contracts to which something is promised.
    pub fn promises(&self) -> impl Iterator<Item = Shared> + '_ {
        self.promises.iter().map(|(_, contract)| *contract)
    }

    /// Drops what is over, and what was earned with funds that are unknown then; returns the bodies.
    pub(crate) fn drop_where(&mut self, is_over: impl Fn(FundId, Shared) -> bool) -> Vec<Shared> {
        let mut dropped = Vec::new();
        let withdrawn: Vec<Shared> = self
            .withdrawals
            .extract_if(.., |(fund, body)| is_over(*fund, *body))
            .map(second)
            .collect();
        let withdrawals = &self.withdrawals;
        self.lines.retain(|line| {
            let over = line.state().filter(|state| is_over(line.fund, *state));
            dropped.extend(over);
            let is_known = line.state().is_some() && over.is_none();
            (is_known, is_known || withdrawals.iter().any(|(of, _)| *of == line.fund))
        });
        let promised = self.promises.extract_if(.., |(fund, body)| is_over(*fund, *body));
        dropped.extend(promised.map(second).chain(withdrawn));
        self.promises.shrink_to(2 * self.promises.len());
        self.withdrawals.shrink_to(2 * self.withdrawals.len());
        dropped
    }

    /// Ends a promise.
    pub fn end_promise(&mut self, fund: FundId) -> Option<Shared> {
        let place = self.place_of_promise(fund).ok()?;
        Some(self.promises.remove(place).1)
    }

    /// Without R5: notes one of a fund's withdrawals.
    pub fn add_withdrawal(&mut self, fund: FundId, receipt: Shared) {
        self.withdrawals.push((fund, receipt));
    }

    /// Without R5: the withdrawals of a fund that this witness has seen.
    pub fn withdrawals(&self, fund: FundId) -> impl Iterator<Item = Shared> + '_ {
        self.withdrawals.iter().filter(move |(of, _)| *of == fund).map(|(_, receipt)| *receipt)
    }

    /// Keeps a receipt of a fund; returns the oldest if there were `most` already.
    pub fn add_evidence(&mut self, fund: FundId, receipt: Shared, most: usize) -> Option<Shared> {
        self.evidence.push((fund, receipt));
        let is_too_many = self.evidence(fund).count() > most;
        let place = self.evidence.iter().position(|(of, _)| is_too_many && *of == fund)?;
        Some(self.evidence.remove(place).1)
    }

    /// Receipts of a fund that do not say what is in it.
    pub fn evidence(&self, fund: FundId) -> impl Iterator<Item = Shared> + '_ {
        self.evidence.iter().filter(move |(of, _)| *of == fund).map(|(_, receipt)| *receipt)
    }

    /// All receipts of a fund that are known.
    pub fn receipts(&self, fund: FundId) -> impl Iterator<Item = Shared> + '_ {
        self.state(fund).into_iter().chain(self.withdrawals(fund)).chain(self.evidence(fund))
    }

    /// Notes what was earned with a fund.
    pub fn add_due(&mut self, fund: FundId, amount: u64) {
        self.lines.add_due(fund, amount);
    }

    /// Removes and returns what was earned with a fund.
    pub fn end_due(&mut self, fund: FundId) -> u64 {
        self.lines.end_due(fund)
    }

    /// All that was earned with funds that are not used up yet.
    #[cfg(test)]
    pub(crate) fn all_due(&self) -> u64 {
        self.lines.iter().map(|line| line.due).sum()
    }

    /// Forgets a fund; returns what was known of its state and its withdrawals.
    pub fn forget(&mut self, fund: FundId) -> Vec<Shared> {
        let state = self.lines.end_state(fund);
        let withdrawn = self.withdrawals.extract_if(.., |(of, _)| *of == fund);
        state.into_iter().chain(withdrawn.map(|(_, receipt)| receipt)).collect()
    }

    /// The number of bodies that it retains.
    #[cfg(test)]
    pub(crate) fn handles(&self) -> usize {
        let Self { lines, promises, withdrawals, evidence, .. } = self;
        lines.states() + [promises, withdrawals, evidence].map(Vec::len).iter().sum::<usize>()
    }

    /// The number of funds that it watches, untouched ones of genesis aside.
    pub fn len(&self) -> usize {
        self.lines.states()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.states() == 0
    }
}

/// The body of an entry.
fn second((_, body): (FundId, Shared)) -> Shared {
    body
}

/// States and what was earned as two lists, which is how they are read, too; then the other lists.
impl Snapshot for Book {
    fn save(&self, out: &mut Vec<u8>) {
        self.save_durable(out);
        self.next_sweep.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let states = Vec::<(FundId, Shared)>::load(bytes)?;
        let [promises, withdrawals, evidence] =
            [Snapshot::load(bytes)?, Snapshot::load(bytes)?, Snapshot::load(bytes)?];
        let due = Vec::<(FundId, u64)>::load(bytes)?;
        let mut lines = Lines::default();
        for (fund, state) in states {
            if state.id() == 0 {
                return Err(SnapshotError("a body without a name"));
            }
            lines.set_state(fund, state);
        }
        due.into_iter().for_each(|(fund, due)| lines.add_due(fund, due));
        Ok(Self { lines, promises, withdrawals, evidence, next_sweep: Time::load(bytes)? })
    }
}

impl Book {
    /// What enters the hash of the state.
    pub(crate) fn save_durable(&self, out: &mut Vec<u8>) {
        let Self { lines, promises, withdrawals, evidence, next_sweep: _ } = self;
        let states: Vec<(FundId, Shared)> =
            lines.iter().filter_map(|line| Some((line.fund, line.state()?))).collect();
        let due: Vec<(FundId, u64)> =
            lines.iter().filter(|line| line.due > 0).map(|line| (line.fund, line.due)).collect();
        [&states, promises, withdrawals, evidence].iter().for_each(|list| list.save(out));
        due.save(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    fn body(id: u64) -> Shared {
        Shared::new(id, 0, 100)
    }

    #[test]
    fn a_book_finds_what_was_set_last() {
        let mut book = Book::default();
        assert!(book.is_empty());
        for fund in [5, 1, 9, 3] {
            assert_eq!(book.set_state(FundId(fund), body(fund)), None);
        }
        assert_eq!(book.set_state(FundId(9), body(90)), Some(body(9)));
        assert_eq!((book.state(FundId(9)), book.state(FundId(2))), (Some(body(90)), None));
        assert!(!book.is_empty());
        assert_eq!(book.set_promise(FundId(3), body(7)), None);
        assert_eq!(book.end_promise(FundId(3)), Some(body(7)));
        assert_eq!((book.end_promise(FundId(3)), book.len()), (None, 4));
        book.add_withdrawal(FundId(9), body(91));
        book.add_withdrawal(FundId(5), body(51));
        assert_eq!(book.forget(FundId(9)), [body(90), body(91)]);
        assert_eq!((book.forget(FundId(9)), book.len()), (vec![], 3));
        assert_eq!(book.withdrawals(FundId(5)).collect::<Vec<_>>(), [body(51)]);
        assert_eq!(book.add_evidence(FundId(5), body(52), 2), None);
        assert_eq!(book.add_evidence(FundId(6), body(60), 2), None);
        assert_eq!(book.add_evidence(FundId(5), body(53), 2), None);
        assert_eq!(book.add_evidence(FundId(5), body(54), 2), Some(body(52)));
        let known = [body(5), body(51), body(53), body(54)];
        assert_eq!(book.receipts(FundId(5)).collect::<Vec<_>>(), known);
    }

    /// With R5 one promise of a fund, without it all that may be of it.
    #[test]
    fn promises_are_found_by_fund_or_all() {
        let mut book = Book::default();
        for fund in [1, 2, 3] {
            book.set_promise(FundId(fund), body(10 * fund));
        }
        let of = |fund, chained| {
            let rules = Rules { chained, ..Rules::CORRECTED };
            rules.promises_of(FundId(fund), &book).collect::<Vec<_>>()
        };
        assert_eq!((of(2, true), of(9, true)), (vec![body(20)], vec![]));
        assert_eq!(of(2, false), [body(20), body(10), body(20), body(30)]);
        assert_eq!(of(9, false), [body(10), body(20), body(30)]);
    }

    /// Expired entries go, with what was earned with funds of which nothing is known then.
    #[test]
    fn what_is_over_is_dropped() {
        let mut book = Book::default();
        for fund in [1, 2, 3, 4] {
            book.add_due(FundId(fund), 5);
            book.add_due(FundId(fund), 0);
        }
        book.add_due(FundId(7), 0);
        assert_eq!(book.lines.iter().count(), 4, "nothing is not noted");
        book.set_state(FundId(1), body(11));
        book.set_state(FundId(2), body(12));
        book.set_promise(FundId(2), body(22));
        book.set_promise(FundId(3), body(23));
        book.add_withdrawal(FundId(4), body(34));
        book.add_withdrawal(FundId(5), body(35));
        let dropped = book.drop_where(|fund, _| [FundId(1), FundId(3), FundId(5)].contains(&fund));
        assert_eq!(dropped, [body(11), body(23), body(35)]);
        assert_eq!((book.state(FundId(1)), book.state(FundId(2))), (None, Some(body(12))));
        let dues = [1, 2, 3, 4, 7].map(|fund| book.end_due(FundId(fund)));
        assert_eq!((dues, book.all_due()), ([0, 5, 0, 5, 0], 0));
        assert_eq!(book.drop_where(|_, body| body.id() == 22), [body(22)]);
    }
}
