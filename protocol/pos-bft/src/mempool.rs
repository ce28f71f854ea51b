//! Transactions that wait for a block, at every validator: so many at most, the cheapest leave first.
//!
//! There is a pool at each of many validators, and most transactions leave it in the order in which they came. So they
//! lie in a queue, in which those that leave early make gaps; and what few need, the order of prices, is only there
//! where a pool was full.

mod places;

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use anthill_contracts::{Account, Receipt, State, Status};
use anthill_protocol::{Bodies, Context, Shared, Snapshot, SnapshotError};

use crate::bodies::ChainBody;
use crate::protocol::PosBft;
use crate::transaction::Signed;
use places::Places;

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
    places: Places,
    /// No transaction here is cheaper.
    least: u64,
    /// By price, the latest of equals first; since the pool was full.
    by_price: Option<BTreeSet<(u64, Reverse<u32>)>>,
}

impl Snapshot for Mempool {
    fn save(&self, out: &mut Vec<u8>) {
        self.places.iter().map(|(_, it)| it).collect::<Vec<_>>().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let mut pool = Self::default();
        Vec::<Waiting>::load(bytes)?.into_iter().for_each(|it| pool.push(it));
        Ok(pool)
    }
}

impl Mempool {
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// How many of a sender's transactions wait.
    pub fn of_sender(&self, sender: u32) -> usize {
        self.places.of(sender).count()
    }

    fn push(&mut self, it: Waiting) {
        if self.places.is_sparse() {
            self.places.close_gaps();
            // Its numbers are others now.
            self.by_price = None;
        }
        self.least = if self.len() == 0 { it.price } else { self.least.min(it.price) };
        let number = self.places.push(it);
        if let Some(by_price) = &mut self.by_price {
            by_price.insert((it.price, Reverse(number)));
        }
    }

    fn remove(&mut self, number: u32, cx: &mut impl Context<PosBft>) {
        let Some(it) = self.places.remove(number) else { return };
        if let Some(by_price) = &mut self.by_price {
            by_price.remove(&(it.price, Reverse(number)));
        }
        cx.release(it.body);
    }

    /// The latest of the cheapest, if they are cheaper than this.
    fn cheapest(&mut self, price: u64) -> Option<u32> {
        if price <= self.least {
            return None;
        }
        let by_price = self.by_price.get_or_insert_with(|| {
            self.places.iter().map(|(number, it)| (it.price, Reverse(number))).collect()
        });
        let (least, Reverse(number)) = *by_price.first()?;
        self.least = least;
        (least < price).then_some(number)
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
        let own = self.places.of(*sender).map(|(_, it)| it.spends);
        let (waiting, spent) =
            own.fold((0u64, 0u64), |(count, sum), it| (count + 1, sum.saturating_add(it)));
        let Some(spends) = it.dearest() else { return false };
        let is_next = it.nonce == account.nonce.saturating_add(waiting);
        let can_pay = spends.saturating_add(spent) <= account.balance;
        if it.chain != chain || !is_next || !can_pay || it.fuel_limit < it.own_fuel() {
            return false;
        }
        if self.len() >= most {
            let Some(number) = self.cheapest(it.price) else { return false };
            self.remove(number, cx);
        } else if self.len() < most / 2 {
            self.by_price = None;
        }
        cx.retain(body);
        self.push(Waiting { sender: *sender, nonce: it.nonce, price: it.price, spends, body });
        true
    }

    /// What a block on top of a state takes, in the order in which it came: so many at most, and of each
    /// sender nonces in sequence.
    pub fn take(&self, state: &State, most: usize, bodies: &impl Bodies<ChainBody>) -> Vec<Shared> {
        let mut next: BTreeMap<u32, u64> = BTreeMap::new();
        let fits = |it: &Waiting| {
            let nonce = next.entry(it.sender).or_insert_with(|| {
                let sender = bodies.get(it.body).transaction().map(|it| it.transaction.sender);
                sender.map_or(0, |sender| state.account(&sender).nonce)
            });
            let is_next = it.nonce == *nonce;
            *nonce += u64::from(is_next);
            is_next
        };
        self.places.iter().map(|(_, it)| it).filter(fits).take(most).map(|it| it.body).collect()
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
            // Its nonce is counted unless it was refused: most senders have no more that waits.
            let counted =
                receipts.get(at).is_some_and(|it| !matches!(it.status, Status::Refused(_)));
            let is_done = |it: &Waiting| counted && it.body == *body;
            if let Some((number, _)) = self.places.only(signed.sender).filter(|it| is_done(&it.1)) {
                self.remove(number, cx);
                continue;
            }
            let mut own: Vec<_> = self.places.of(signed.sender).collect();
            if let Some((number, _)) = own.pop_if(|it| is_done(&it.1)) {
                self.remove(number, cx);
            }
            if own.is_empty() {
                continue;
            }
            own.reverse();
            let state = looked_up.get_or_insert_with(&state);
            let account = state.account(&signed.transaction.sender);
            let (mut nonce, mut spent) = (account.nonce, 0u64);
            for (number, it) in own {
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

    /// Forgets everything.
    pub fn forget(&mut self, cx: &mut impl Context<PosBft>) {
        core::mem::take(self).places.iter().for_each(|(_, it)| cx.release(it.body));
    }
}
