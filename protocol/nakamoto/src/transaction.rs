//! Transactions, and a node's pool of them: asked for, waiting for a block, or in one.

use anthill_protocol::{NodeId, Snapshot, Span, Time, Wire, draw};

/// So many a node knows at most; more it does not take.
const MOST: usize = 5_000;
/// After so many blocks on top of it a node forgets a transaction.
const FORGOTTEN_AFTER: u32 = 100;
/// After so long it forgets one that nobody sent.
const ASKED_FOR: Span = Span::from_secs(3_600);

/// A transaction, by its payer and the payer's sequence number. Of a transaction and its twin, which spends the same, a
/// chain has one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Wire, Snapshot)]
pub struct Transaction {
    pub(crate) payer: NodeId,
    pub(crate) number: u32,
    pub(crate) is_twin: bool,
    /// When the payer made it.
    pub(crate) made: Time,
}

impl Transaction {
    /// What it spends.
    pub(crate) fn spends(&self) -> (NodeId, u32) {
        (self.payer, self.number)
    }

    /// A hash of it.
    pub(crate) fn word(&self) -> u64 {
        let spends = u64::from(self.payer.0) << 32 | u64::from(self.number);
        draw::mix(spends, self.made.0 << 1 | u64::from(self.is_twin))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
enum State {
    Asked { since: Time },
    Waiting { since: Time },
    Mined { height: u32, is_confirmed: bool },
}

/// One transaction for each thing spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
struct Entry {
    transaction: Transaction,
    state: State,
}

/// What a node knows of transactions, in the order of what they spend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub(crate) struct Pool {
    entries: Vec<Entry>,
}

impl Pool {
    fn place(&self, spends: (NodeId, u32)) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&spends, |entry| entry.transaction.spends())
    }

    fn entry(&mut self, transaction: &Transaction) -> Option<&mut Entry> {
        let place = self.place(transaction.spends()).ok()?;
        self.entries.get_mut(place)
    }

    fn insert(&mut self, transaction: Transaction, state: State) -> bool {
        match self.place(transaction.spends()) {
            Err(place) if self.entries.len() < MOST => {
                self.entries.insert(place, Entry { transaction, state });
                true
            }
            _ => false,
        }
    }

    /// A transaction is announced: whether to ask for it. What was asked for longer ago than `retry`
    /// is asked for again.
    pub(crate) fn is_wanted(&mut self, transaction: Transaction, now: Time, retry: Span) -> bool {
        let asked = State::Asked { since: now };
        match self.entry(&transaction) {
            Some(Entry { state: State::Asked { since }, .. }) if now.since(*since) < retry => false,
            Some(entry) if matches!(entry.state, State::Asked { .. }) => {
                entry.state = asked;
                true
            }
            Some(_) => false,
            None => self.insert(transaction, asked),
        }
    }

    /// A transaction is here: whether it is new, and spends nothing that another spends.
    pub(crate) fn add(&mut self, transaction: Transaction, now: Time) -> bool {
        let waiting = State::Waiting { since: now };
        match self.entry(&transaction) {
            Some(entry) if matches!(entry.state, State::Asked { .. }) => {
                *entry = Entry { transaction, state: waiting };
                true
            }
            Some(_) => false,
            None => self.insert(transaction, waiting),
        }
    }

    /// Whether the node has this very transaction.
    pub(crate) fn has(&self, transaction: &Transaction) -> bool {
        let known = self.place(transaction.spends()).ok().and_then(|place| self.entries.get(place));
        known.is_some_and(|entry| {
            entry.transaction == *transaction && !matches!(entry.state, State::Asked { .. })
        })
    }

    /// It is in a block of the node's chain: whether it was not before.
    pub(crate) fn mined(&mut self, transaction: Transaction, height: u32) -> bool {
        let state = State::Mined { height, is_confirmed: false };
        match self.entry(&transaction) {
            Some(Entry { state: State::Mined { .. }, .. }) => false,
            Some(entry) => {
                *entry = Entry { transaction, state };
                true
            }
            None => self.insert(transaction, state),
        }
    }

    /// Its block was taken off the chain: whether it had been confirmed. It waits for another.
    pub(crate) fn unmined(&mut self, transaction: &Transaction, now: Time) -> bool {
        let Some(entry) = self.entry(transaction) else { return false };
        let was = entry.state;
        entry.state = State::Waiting { since: now };
        matches!(was, State::Mined { is_confirmed: true, .. })
    }

    /// It has the confirmations asked for: whether it had not before.
    pub(crate) fn confirm(&mut self, transaction: &Transaction) -> bool {
        match self.entry(transaction) {
            Some(Entry { state: State::Mined { is_confirmed, .. }, .. }) => {
                !core::mem::replace(is_confirmed, true)
            }
            _ => false,
        }
    }

    /// Those that wait for a block, oldest first, so many at most.
    pub(crate) fn oldest(&self, most: u32) -> Box<[Transaction]> {
        let since = |entry: &Entry| match entry.state {
            State::Waiting { since } => Some((since, entry.transaction)),
            _ => None,
        };
        let mut waiting: Vec<_> = self.entries.iter().filter_map(since).collect();
        waiting.sort_unstable();
        waiting.into_iter().take(most as usize).map(|(_, transaction)| transaction).collect()
    }

    /// Forgets what is deep in the chain, and what did not come.
    pub(crate) fn forget(&mut self, tip: u32, now: Time) {
        self.entries.retain(|entry| match entry.state {
            State::Mined { height, .. } => height.saturating_add(FORGOTTEN_AFTER) > tip,
            State::Asked { since } => now.since(since) < ASKED_FOR,
            State::Waiting { .. } => true,
        });
    }

    /// Whether it knows of none.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(number: u32) -> Transaction {
        Transaction { payer: NodeId(1), number, is_twin: false, made: Time(5) }
    }

    #[test]
    fn a_transaction_is_asked_for_once_and_again_after_a_while() {
        let (mut pool, retry) = (Pool::default(), Span(10));
        let wanted: Vec<bool> =
            [0, 9, 10, 11].map(|now| pool.is_wanted(payment(1), Time(now), retry)).to_vec();
        assert_eq!(wanted, [true, false, true, false]);
        assert!(!pool.has(&payment(1)));
        assert!(pool.add(payment(1), Time(12)) && pool.has(&payment(1)));
        assert!(!pool.is_wanted(payment(1), Time(99), retry) && !pool.add(payment(1), Time(99)));
    }

    #[test]
    fn of_twins_the_first_is_taken() {
        let mut pool = Pool::default();
        let twin = Transaction { is_twin: true, ..payment(1) };
        assert!(pool.add(payment(1), Time(1)) && !pool.add(twin, Time(2)));
        assert!(pool.mined(twin, 7), "but a block decides");
        assert!(pool.has(&twin) && !pool.has(&payment(1)));
    }

    #[test]
    fn blocks_take_the_oldest_and_give_them_back() {
        let mut pool = Pool::default();
        for (number, at) in [(1, 30), (2, 10), (3, 20)] {
            assert!(pool.add(payment(number), Time(at)));
        }
        assert_eq!(*pool.oldest(2), [payment(2), payment(3)]);
        assert!(pool.mined(payment(2), 4) && !pool.mined(payment(2), 4));
        assert_eq!(*pool.oldest(9), [payment(3), payment(1)]);
        assert!(!pool.unmined(&payment(2), Time(50)), "it was not confirmed");
        assert_eq!(*pool.oldest(9), [payment(3), payment(1), payment(2)]);
        assert!(pool.mined(payment(2), 5) && pool.confirm(&payment(2)));
        assert!(!pool.confirm(&payment(2)) && !pool.confirm(&payment(3)));
        assert!(pool.unmined(&payment(2), Time(60)));
        anthill_protocol::laws::state(&pool);
    }

    #[test]
    fn a_pool_forgets_and_is_bounded() {
        let mut pool = Pool::default();
        pool.mined(payment(1), 10);
        pool.forget(109, Time(0));
        assert!(!pool.is_empty());
        pool.forget(110, Time(0));
        assert!(pool.is_empty());
        assert!(pool.is_wanted(payment(1), Time(5), Span(1)));
        pool.forget(110, Time(4) + ASKED_FOR);
        assert!(!pool.is_empty());
        pool.forget(110, Time(5) + ASKED_FOR);
        assert!(pool.is_empty());
        let taken = (0..6_000).filter(|number| pool.add(payment(*number), Time(1))).count();
        assert_eq!(taken, MOST);
    }
}
