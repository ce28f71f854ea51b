//! What the root covers.

use std::sync::Arc;

use anthill_contracts::{Address, Journal};
use anthill_protocol::{Dice, NodeId};

use super::{Kind, Parts, group_key, hashed, of_receipts, part_key};
use crate::accounts::Account;
use crate::contracts::Code;
use crate::ledger::{Ledger, Receipt, Refusal};
use crate::scheduled::Cron;
use crate::tests::{count, goodwill};

fn genesis() -> Ledger {
    goodwill(100, None, &[count("forgers", 5)]).genesis_ledger()
}

/// A change of one part.
fn change(ledger: &mut Ledger, kind: Kind) {
    let protocol = goodwill(100, None, &[count("forgers", 5)]);
    let table = Arc::new(crate::lottery::Table::new(&[(1, 2)].into()));
    match kind {
        Kind::Head => ledger.pots.burnt += 1,
        Kind::Contracts => {
            protocol.create(ledger, (3, 1), (1, 1), (&Code::None, &[], 0)).expect("created");
        }
        Kind::Code => {
            let mut journal = Journal::new(ledger.state.clone());
            journal.credit(&Address::of_node(NodeId(1)), 1).expect("little");
            ledger.state = journal.commit();
        }
        Kind::ThisTable => ledger.tables[0] = table,
        Kind::NextTable => ledger.tables[1] = table,
        Kind::Bids => drop(Arc::make_mut(&mut ledger.bids).insert(1, 2)),
        Kind::Associations => Arc::make_mut(&mut ledger.associations)[0].purpose ^= 1,
        Kind::Signs => ledger.note_sign(3),
        Kind::Bans => drop(Arc::make_mut(&mut ledger.bans).insert(1, 2)),
        Kind::Accusers => drop(Arc::make_mut(&mut ledger.accusers).insert((1, 2), vec![3])),
        Kind::Scheduled => {
            let cron =
                Cron { owner: 1, to: 2, amount: 3, period: 4, left: None, due: 5, skipped: 0 };
            protocol.schedule(ledger, 7, cron).expect("possible");
        }
    }
}

#[test]
fn every_part_is_in_the_root_and_can_be_proved() {
    let old = genesis();
    for kind in super::KINDS {
        let mut ledger = old.clone();
        change(&mut ledger, kind);
        ledger.commit(Some(&old));
        assert_ne!(ledger.root(), old.root(), "{kind:?}");
        let mut bytes = Vec::new();
        ledger.encode(kind, &mut bytes);
        let key = part_key(kind);
        let proved = ledger.parts.prove(&key).verify(&ledger.root(), &key);
        assert_eq!(proved, Ok(Some(hashed(&bytes))), "{kind:?}");
    }
}

/// A block at a time, and all at once from nothing, comes to the same; untouched accounts are absent.
#[test]
fn the_root_is_of_the_content() {
    let mut dice = Dice::new(5);
    let mut ledger = genesis();
    for _ in 0..40 {
        let old = ledger.clone();
        for _ in 0..dice.below(5) {
            let account = Account { balance: dice.below(1_000), nonce: dice.below(9) as u32 };
            ledger.accounts.set(dice.pick(&[3, 40, 41, 99, 3_000]), account);
        }
        change(&mut ledger, dice.pick(&[Kind::Head, Kind::Bans, Kind::Accusers, Kind::ThisTable]));
        ledger.commit(Some(&old));
    }
    let key = group_key(1);
    let proved = ledger.parts.prove(&key).verify(&ledger.root(), &key);
    assert_eq!(proved, Ok(Some(hashed(&ledger.accounts.encoded_group(1)))));
    assert_eq!(ledger.parts.prove(&group_key(2)).verify(&ledger.root(), &group_key(2)), Ok(None));
    let mut again = ledger.clone();
    again.parts = Parts::new();
    for id in [3, 40, 99, 3_000] {
        again.accounts.set(id, ledger.accounts.get(id));
    }
    again.commit(None);
    assert_eq!(again.root(), ledger.root());
    again.accounts.set(99, Account { balance: 1_000, nonce: 9 });
    again.commit(Some(&ledger));
    assert_ne!(again.root(), ledger.root());
}

#[test]
fn receipts_are_in_order_and_say_why() {
    let receipt = |id, refused| Receipt { id, refused };
    let root = of_receipts(&[receipt(1, None), receipt(2, Some(Refusal::Nonce))]);
    for others in [
        vec![],
        vec![receipt(1, None)],
        vec![receipt(2, Some(Refusal::Nonce)), receipt(1, None)],
        vec![receipt(1, None), receipt(2, Some(Refusal::Funds))],
        vec![receipt(1, None), receipt(2, None)],
    ] {
        assert_ne!(of_receipts(&others), root);
    }
}
