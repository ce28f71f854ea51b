//! Reading ahead: what transactions are likely to read is fetched for several at once.
//!
//! The way to one entry of a large state waits for memory at each level of the trie; the ways to many are waited for
//! together. Nothing depends on it but time: a wrong guess costs a look at an entry that nobody needs.

use anthill_protocol::Digest;

use super::{Payload, Transaction};
use crate::state::slot_key;
use crate::{State, account_key};

/// So many transactions are read ahead for at once: what they need stays in the cache until they are run.
pub const AHEAD: usize = 16;

/// Fetches what some transactions are likely to read of a state. How many of those entries there are.
pub fn read_ahead<'a>(
    state: &State,
    transactions: impl IntoIterator<Item = &'a Transaction>,
) -> usize {
    let mut keys = Vec::with_capacity(3 * AHEAD);
    for transaction in transactions {
        likely(transaction, &mut keys);
    }
    // Else nothing would need the result, and the compiler leave it out.
    core::hint::black_box(state.count_of(&keys))
}

/// The sender's account and what the payload names. A contract mostly has slots by address: of its caller, and of the
/// address that follows the first byte of the input, as the inputs of those that ship begin.
fn likely(transaction: &Transaction, keys: &mut Vec<Digest>) {
    keys.push(account_key(&transaction.sender));
    match &transaction.payload {
        Payload::Transfer { to } => keys.push(account_key(to)),
        Payload::Call { to, input } => {
            keys.push(slot_key(to, &transaction.sender.0));
            if let Some(named) = input.get(1..33) {
                keys.push(slot_key(to, named));
            }
        }
        Payload::Deploy { .. } | Payload::Other { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shipped::{self, Part};
    use crate::{Account, Address, Journal};

    #[test]
    fn a_token_transfer_is_read_ahead_for_whole() {
        let [token, from, to] = ["token", "from", "to"].map(Address::pot);
        let mut journal = Journal::default();
        for owner in [&from, &to] {
            journal.set_account(owner, Account { balance: 1, nonce: 0 });
            journal.set_slot(&token, &owner.0, Some(&[1]));
        }
        let state = journal.commit();
        let input = shipped::input(&[Part::U8(1), Part::Address(to), Part::U64(1)]);
        let order = |payload| Transaction {
            chain: 0,
            sender: from,
            nonce: 0,
            fuel_limit: 0,
            price: 0,
            value: 0,
            payload,
        };
        let call = order(Payload::Call { to: token, input: input.into() });
        let transfer = order(Payload::Transfer { to });
        let stranger = order(Payload::Transfer { to: Address::pot("nobody") });
        assert_eq!(read_ahead(&state, [&call]), 3);
        assert_eq!(read_ahead(&state, [&call, &transfer, &stranger]), 6);
    }
}
