//! Transactions that wait for a block, at every validator: so many at most, the cheapest leave first.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use anthill_contracts::{Account, Receipt, State, Status};
use anthill_protocol::{Bodies, Context, Shared, Snapshot, SnapshotError};

use crate::bodies::ChainBody;
use crate::protocol::PosBft;
use crate::transaction::Signed;

/// A transaction that waits; the body is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Waiting {
    pub sender: u32,
    pub nonce: u64,
    pub price: u64,
    /// Value and dearest fee.
    pub spends: u64,
    pub body: Shared,
}

/// The transactions that wait, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Mempool {
    waiting: BTreeMap<u64, Waiting>,
    by_price: BTreeSet<(u64, Reverse<u64>)>,
    /// Sender and place of each: a sender's are in the order of nonces.
    of: BTreeSet<(u32, u64)>,
    next: u64,
}

impl Snapshot for Mempool {
    fn save(&self, out: &mut Vec<u8>) {
        self.waiting.values().copied().collect::<Vec<_>>().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let mut pool = Self::default();
        Vec::<Waiting>::load(bytes)?.into_iter().for_each(|it| pool.push(it));
        Ok(pool)
    }
}

impl Mempool {
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many of a sender's transactions wait.
    pub fn of_sender(&self, sender: u32) -> usize {
        self.places(sender).count()
    }

    fn places(&self, sender: u32) -> impl Iterator<Item = u64> + '_ {
        self.of.range((sender, 0)..=(sender, u64::MAX)).map(|(_, place)| *place)
    }

    fn push(&mut self, it: Waiting) {
        self.next += 1;
        self.waiting.insert(self.next, it);
        self.by_price.insert((it.price, Reverse(self.next)));
        self.of.insert((it.sender, self.next));
    }

    fn remove(&mut self, number: u64, cx: &mut impl Context<PosBft>) {
        let Some(it) = self.waiting.remove(&number) else { return };
        self.by_price.remove(&(it.price, Reverse(number)));
        self.of.remove(&(it.sender, number));
        cx.release(it.body);
    }

    /// Takes a transaction in if it is the sender's next and it can pay for all that it has here; of a
    /// full pool the cheapest leaves, if it is cheaper. Its signature was checked; the account is the sender's.
    pub fn add(
        &mut self,
        body: Shared,
        (account, chain, most): (Account, u64, usize),
        cx: &mut impl Context<PosBft>,
    ) -> bool {
        let bodies = cx.bodies();
        let Some(Signed { sender, transaction: it, .. }) = bodies.get(body).transaction() else {
            return false;
        };
        let own = self.places(*sender).filter_map(|place| self.waiting.get(&place));
        let (waiting, spent) =
            own.fold((0u64, 0u64), |(count, sum), it| (count + 1, sum.saturating_add(it.spends)));
        let Some(spends) = it.dearest() else { return false };
        let is_next = it.nonce == account.nonce.saturating_add(waiting);
        let can_pay = spends.saturating_add(spent) <= account.balance;
        if it.chain != chain || !is_next || !can_pay || it.fuel_limit < it.own_fuel() {
            return false;
        }
        if self.len() >= most {
            let cheapest = self.by_price.first().copied();
            let Some((_, Reverse(number))) = cheapest.filter(|(price, _)| *price < it.price) else {
                return false;
            };
            self.remove(number, cx);
        }
        cx.retain(body);
        self.push(Waiting { sender: *sender, nonce: it.nonce, price: it.price, spends, body });
        true
    }

    /// What a block on top of a state takes, in the order in which it came: so many at most, and of each
    /// sender nonces in sequence.
    pub fn take(&self, state: &State, most: usize, bodies: &impl Bodies<ChainBody>) -> Vec<Shared> {
        let mut next: BTreeMap<u32, u64> = BTreeMap::new();
        let fits = |it: &&Waiting| {
            let nonce = next.entry(it.sender).or_insert_with(|| {
                let sender = bodies.get(it.body).transaction().map(|it| it.transaction.sender);
                sender.map_or(0, |sender| state.account(&sender).nonce)
            });
            let is_next = it.nonce == *nonce;
            *nonce += u64::from(is_next);
            is_next
        };
        self.waiting.values().filter(fits).take(most).map(|it| it.body).collect()
    }

    /// Forgets what a block has done, and what cannot be done after it: senders of the block are looked at
    /// again.
    pub fn recheck(
        &mut self,
        block: &[Shared],
        receipts: &[Receipt],
        state: impl Fn() -> State,
        cx: &mut impl Context<PosBft>,
    ) {
        let bodies = cx.bodies();
        let mut looked_up = None;
        for (at, body) in block.iter().enumerate() {
            let Some(signed) = bodies.get(*body).transaction() else { continue };
            let mut own: Vec<u64> = self.places(signed.sender).collect();
            // Its nonce is counted unless it was refused: most senders have no more that waits.
            let counted = receipts.get(at).map(|it| !matches!(it.status, Status::Refused(_)));
            if counted == Some(true) && own.first().is_some_and(|first| self.is(*first, *body)) {
                self.remove(own.remove(0), cx);
            }
            if own.is_empty() {
                continue;
            }
            let state = looked_up.get_or_insert_with(&state);
            let account = state.account(&signed.transaction.sender);
            let (mut nonce, mut spent) = (account.nonce, 0u64);
            for number in own {
                let Some(it) = self.waiting.get(&number) else { continue };
                spent = spent.saturating_add(it.spends);
                if it.nonce == nonce && spent <= account.balance {
                    nonce += 1;
                } else {
                    spent -= it.spends.min(spent);
                    self.remove(number, cx);
                }
            }
        }
    }

    fn is(&self, number: u64, body: Shared) -> bool {
        self.waiting.get(&number).is_some_and(|it| it.body == body)
    }

    /// Forgets everything.
    pub fn forget(&mut self, cx: &mut impl Context<PosBft>) {
        core::mem::take(self).waiting.into_values().for_each(|it| cx.release(it.body));
    }
}
