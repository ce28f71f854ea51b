use super::*;

fn who(name: &str) -> Address {
    Address::pot(name)
}

fn base() -> State {
    let accounts = [("a", 10), ("b", 20)];
    State::of_accounts(accounts.map(|(name, balance)| (who(name), Account { balance, nonce: 3 })))
}

#[test]
fn money_moves_or_nothing_changes() {
    let mut journal = Journal::new(base());
    assert_eq!(journal.transfer(&who("a"), &who("b"), 4), Ok(()));
    let poor = Err(MoneyError::TooLittle { balance: 6, amount: 7 });
    assert_eq!(journal.transfer(&who("a"), &who("b"), 7), poor);
    assert_eq!(journal.transfer(&who("a"), &who("a"), 6), Ok(()));
    let full = Account { balance: u64::MAX, nonce: 0 };
    journal.set_account(&who("full"), full);
    let rich = Err(MoneyError::TooMuch { balance: u64::MAX, amount: 1 });
    assert_eq!(journal.transfer(&who("a"), &who("full"), 1), rich);
    assert_eq!(journal.account(&who("a")), Account { balance: 6, nonce: 3 });
    let state = journal.commit();
    assert_eq!(state.account(&who("b")), Account { balance: 24, nonce: 3 });
    assert_eq!(state.account(&who("full")), full);
}

#[test]
fn going_back_restores_every_kind_of_entry() {
    let mut journal = Journal::new(base());
    let contract = who("contract");
    journal.set_slot(&contract, b"kept", Some(b"1"));
    let roots = |journal: &Journal| journal.clone().commit().root();
    let outer = (journal.mark(), roots(&journal));
    journal.set_slot(&contract, b"kept", Some(&[7; 100]));
    journal.set_slot(&contract, b"new", Some(b""));
    assert_eq!(journal.slot(&contract, b"new"), Some(&b""[..]), "empty is not absent");
    let inner = (journal.mark(), roots(&journal));
    journal.set_slot(&contract, b"kept", None);
    journal.credit(&who("a"), 1).expect("no overflow");
    journal.set_account(&who("b"), Account::default());
    assert_ne!(roots(&journal), inner.1);
    journal.undo_to(inner.0);
    assert_eq!(roots(&journal), inner.1);
    assert_eq!(journal.slot(&contract, b"kept"), Some(&[7; 100][..]));
    journal.undo_to(outer.0);
    assert_eq!(roots(&journal), outer.1);
    // A mark further on than there is to undo undoes nothing.
    journal.undo_to(inner.0);
    assert_eq!(roots(&journal), outer.1);
}

#[test]
fn an_account_of_nothing_is_absent() {
    let mut journal = Journal::new(base());
    journal.credit(&who("c"), 5).expect("no overflow");
    journal.debit(&who("c"), 5).expect("enough");
    assert_eq!(journal.commit(), base());
}

#[test]
fn commits_leave_the_base_as_it_was_and_roots_tell_states_apart() {
    let base = base();
    let root = base.root();
    let mut journal = Journal::new(base.clone());
    journal.set_slot(&who("a"), b"k", Some(b"v"));
    let next = journal.commit();
    assert_eq!((base.root(), base.slot(&who("a"), b"k")), (root, None));
    assert_ne!(next, base);
    assert_eq!(next.slot(&who("a"), b"k"), Some(&b"v"[..]));
    assert_eq!((base.supply(), base.entries()), (30, 2));
}

#[test]
fn what_a_state_holds_is_proved() {
    let state = base();
    let key = crate::account_key(&who("a"));
    let value = Digest(blake3::hash(&state.account(&who("a")).encoded()).into());
    assert_eq!(state.prove(&key).verify(&state.root(), &key), Ok(Some(value)));
    let absent = crate::slot_key(&who("a"), &[1; 200]);
    assert_eq!(state.prove(&absent).verify(&state.root(), &absent), Ok(None));
}
