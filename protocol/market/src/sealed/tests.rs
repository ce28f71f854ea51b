use super::*;
use crate::command::{Order, OrderId, Side};
use std::collections::BTreeSet;

fn order(account: u32, number: u32) -> Command {
    Command::Place(Order::limit(OrderId::new(account, number), Side::Bid, 100, 5))
}

#[test]
fn seals_open_once_in_time_and_only_to_what_was_sealed() {
    let mut seals = Seals::new(2, 2);
    let (command, salt) = (order(1, 0), [7; 32]);
    let name = seal(&command, &salt);
    assert_eq!(seals.commit(name, 1, 50, 10), Ok(()));
    assert_eq!(seals.commit(name, 2, 50, 10), Err(SealError::Twice));
    assert_eq!(seals.commit([1; 32], 1, 50, 10), Ok(()));
    assert_eq!(seals.commit([2; 32], 1, 50, 10), Err(SealError::Full));
    assert_eq!(seals.reveal([3; 32], &command, &salt, 11), Err(SealError::Unknown));
    assert_eq!(seals.reveal(name, &order(2, 0), &salt, 11), Err(SealError::Account));
    assert_eq!(seals.reveal(name, &order(1, 1), &salt, 11), Err(SealError::Different));
    assert_eq!(seals.reveal(name, &command, &[8; 32], 11), Err(SealError::Different));
    assert_eq!(seals.reveal(name, &command, &salt, 13), Err(SealError::Late));
    assert_eq!(seals.reveal(name, &command, &salt, 12), Ok(()));
    assert_eq!(seals.due(11), []);
    let opened = Outcome { account: 1, deposit: 50, command: Some(command) };
    let forfeit = Outcome { account: 1, deposit: 50, command: None };
    assert_eq!(seals.due(12), [opened, forfeit]);
    assert!(seals.is_empty());
}

#[test]
fn the_order_is_of_all_reveals_and_of_no_place() {
    let reveals: Vec<_> = (0..6u8).map(|at| ([at; 32], [at ^ 9; 32])).collect();
    let names = |reveals: &[(Seal, [u8; 32])]| -> Vec<u8> {
        rank(reveals).into_iter().map(|at| reveals[at].0[0]).collect()
    };
    let mut turned = reveals.clone();
    turned.rotate_left(2);
    turned.swap(0, 3);
    assert_eq!(names(&reveals), names(&turned));
    // Any one salt changes the order; over many, each of six comes first.
    let mut first = BTreeSet::new();
    for salt in 0..=255 {
        turned[3].1[5] = salt;
        first.insert(names(&turned)[0]);
    }
    assert_eq!(first.len(), 6);
}
