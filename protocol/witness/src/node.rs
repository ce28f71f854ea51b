//! The state of a participant: a wallet, a book of funds it watches, and its open dialogues.
//!
//! Wallet and book are durable: they survive a crash, also one "without state", as a real node's
//! would on disk; the dialogues do not. Everything is small until it is used: a participant that
//! never paid has no wallet entry, because its first fund follows from its id.

use super::adversary::Attempt;
use super::fund::{Fund, FundId};
use super::guilt::Guilt;
use super::lines::Lines;
use super::payee::Receiving;
use super::payer::Paying;
use super::rollover::Locked;
use super::sorted::place_of;
use super::stake::Standing;
use super::timeline::{Authoring, Tip};
use anthill_protocol::{Shared, Snapshot, SnapshotError, Time};

/// One participant.
#[derive(Debug, Snapshot)]
pub struct WitnessNode {
    /// Its funds.
    pub(super) wallet: Wallet,
    /// The funds that it watches, as a verifier.
    pub(super) book: Book,
    /// Gas that it was paid for watching over funds.
    pub(super) earned: u64,
    /// Payments it has begun.
    pub(super) payments: u32,
    /// Payments that wait for one to end.
    pub(super) waiting: u32,
    /// When it looks after its funds next; `Time::MAX` if nothing is due.
    pub(super) next_maintenance: Time,
    /// Payments under way.
    pub(super) paying: Vec<Paying>,
    /// Payments that it receives.
    pub(super) receiving: Vec<Receiving>,
    /// An attacker's attempt.
    pub(super) attempt: Option<Box<Attempt>>,
    /// The timeline that it knows; durable.
    pub(super) timeline: Tip,
    /// An event of its own that is being stamped.
    pub(super) authoring: Option<Box<Authoring>>,
    /// Claims of its own, and a lost stake.
    pub(super) guilt: Option<Box<Guilt>>,
    /// How it stands if it has begun to join or to leave; durable.
    pub(super) stake: Option<Box<Standing>>,
}

impl WitnessNode {
    /// Whether it was a verifier and is convicted.
    pub(super) fn is_convicted(&self) -> bool {
        self.guilt.as_ref().is_some_and(|guilt| guilt.lost.is_some())
    }

    /// The number of bodies that it retains, payments under way aside.
    #[cfg(test)]
    pub(super) fn handles(&self) -> usize {
        let Wallet { funds, locked, .. } = &self.wallet;
        let Book { lines, promises, withdrawals, evidence, .. } = &self.book;
        let voids = locked.iter().filter(|locked| locked.void.is_some()).count();
        let is_reserved = matches!(self.stake.as_deref(), Some(Standing::Reserved { .. }));
        let lists = [promises, withdrawals, evidence].map(Vec::len);
        let more = usize::from(self.timeline.is_some()) + usize::from(is_reserved);
        funds.len() + locked.len() + voids + lines.states() + lists.iter().sum::<usize>() + more
    }
}

impl Default for WitnessNode {
    fn default() -> Self {
        Self {
            wallet: Wallet::default(),
            book: Book::default(),
            earned: 0,
            payments: 0,
            waiting: 0,
            next_maintenance: Time::MAX,
            paying: Vec::new(),
            receiving: Vec::new(),
            attempt: None,
            timeline: None,
            authoring: None,
            guilt: None,
            stake: None,
        }
    }
}

/// The funds of a participant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Wallet {
    /// Whether its first fund is among the others by now.
    pub opened: bool,
    /// Funds that it may spend.
    pub funds: Vec<Fund>,
    /// Names of the contracts by which it was paid, sorted.
    pub received: Vec<FundId>,
    /// Funds that cannot be spent before they roll over.
    pub locked: Vec<Locked>,
}

impl Wallet {
    /// Notes a payment received; whether it was new.
    pub fn receive(&mut self, fund: FundId) -> bool {
        match place_of(&self.received, fund, |name| *name) {
            Ok(_) => false,
            Err(place) => {
                self.received.insert(place, fund);
                true
            }
        }
    }

    /// Whether a payment was received.
    pub fn has_received(&self, fund: FundId) -> bool {
        place_of(&self.received, fund, |name| *name).is_ok()
    }
}

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
    pub(super) next_sweep: Time,
}

impl Book {
    /// Where what is known of a fund is likely to be.
    pub(super) fn hint(&self, fund: FundId, mut fetch: impl FnMut(*const u8)) {
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
    pub(super) fn drop_where(&mut self, is_over: impl Fn(FundId, Shared) -> bool) -> Vec<Shared> {
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
    pub(super) fn all_due(&self) -> u64 {
        self.lines.iter().map(|line| line.due).sum()
    }

    /// Forgets a fund; returns what was known of its state and its withdrawals.
    pub fn forget(&mut self, fund: FundId) -> Vec<Shared> {
        let state = self.lines.end_state(fund);
        let withdrawn = self.withdrawals.extract_if(.., |(of, _)| *of == fund);
        state.into_iter().chain(withdrawn.map(|(_, receipt)| receipt)).collect()
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
    fn save_durable(&self, out: &mut Vec<u8>) {
        let Self { lines, promises, withdrawals, evidence, next_sweep: _ } = self;
        let states: Vec<(FundId, Shared)> =
            lines.iter().filter_map(|line| Some((line.fund, line.state()?))).collect();
        let due: Vec<(FundId, u64)> =
            lines.iter().filter(|line| line.due > 0).map(|line| (line.fund, line.due)).collect();
        [&states, promises, withdrawals, evidence].iter().for_each(|list| list.save(out));
        due.save(out);
    }
}

impl WitnessNode {
    /// What survives a crash, also one "without state", and enters the hash of the state: wallet, book and
    /// standing, and no dialogues.
    pub(super) fn save_durable(&self, out: &mut Vec<u8>) {
        self.wallet.save(out);
        self.book.save_durable(out);
        self.earned.save(out);
        self.payments.save(out);
        self.timeline.save(out);
        self.guilt.is_some().save(out);
        self.guilt.iter().for_each(|guilt| guilt.lost.save(out));
        self.stake.save(out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::Rules;
    use super::*;

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

    #[test]
    fn a_payment_is_received_once() {
        let mut wallet = Wallet::default();
        assert!(wallet.receive(FundId(4)) && wallet.receive(FundId(2)));
        assert!(!wallet.receive(FundId(4)) && wallet.has_received(FundId(2)));
    }

    #[test]
    fn a_node_round_trips() {
        let mut node = WitnessNode { payments: 3, ..WitnessNode::default() };
        node.wallet.opened = true;
        node.wallet.receive(FundId(8));
        node.wallet.funds.push(Fund {
            id: FundId(1),
            amount: 2,
            sequence: 3,
            previous: FundId(4),
            selection: body(5),
        });
        let (fund, void) = (node.wallet.funds[0], Some(body(12)));
        node.wallet.locked.push(Locked { fund, reserved: 1, void, ready: Time(13) });
        node.book.set_state(FundId(6), body(7));
        node.book.set_promise(FundId(6), body(8));
        node.book.add_withdrawal(FundId(6), body(9));
        node.book.add_evidence(FundId(6), body(11), 8);
        node.book.add_due(FundId(6), 16);
        node.earned = 11;
        node.timeline = Some(body(10));
        node.stake = Some(Box::new(Standing::Leaving { until: Time(14), has_compared: true }));
        let mut bytes = Vec::new();
        node.save(&mut bytes);
        let mut rest = &bytes[..];
        let loaded = WitnessNode::load(&mut rest).expect("whole");
        assert!(rest.is_empty());
        assert_eq!(
            (&loaded.wallet, &loaded.book, loaded.timeline, loaded.earned, &loaded.stake),
            (&node.wallet, &node.book, node.timeline, node.earned, &node.stake)
        );
        let mut durable = Vec::new();
        node.save_durable(&mut durable);
        let mut again = Vec::new();
        loaded.save_durable(&mut again);
        assert!(durable == again && durable.len() < bytes.len());
        for length in 0..bytes.len() {
            assert!(WitnessNode::load(&mut &bytes[..length]).is_err());
        }
        let receipt = body(9);
        for standing in [
            Standing::Reserving,
            Standing::Reserved { receipt },
            Standing::Joined,
            Standing::Leaving { until: Time(8), has_compared: false },
            Standing::Released,
        ] {
            let mut bytes = Vec::new();
            standing.save(&mut bytes);
            assert_eq!(Standing::load(&mut &bytes[..]), Ok(standing));
        }
        assert!(Standing::load(&mut &[5u8][..]).is_err());
    }
}
