//! Whatever is sent, money is conserved, everybody computes the same, nothing panics.

use proptest::prelude::*;

use super::*;
use crate::Rules;
use crate::shipped::Part;

/// A transaction with a sensible or an absurd part here and there.
fn any_transaction() -> impl Strategy<Value = (u8, u8, u64, u64, u64, u8, Vec<u8>)> {
    let amount = prop_oneof![0..1_000_u64, Just(u64::MAX), any::<u64>()];
    let fuel = prop_oneof![5 => 100_000..900_000_u64, 1 => 0..9_000_u64, 1 => any::<u64>()];
    let price = prop_oneof![4 => 0..3_u64, 1 => any::<u64>()];
    let input = proptest::collection::vec(any::<u8>(), 0..90);
    (0..4_u8, 0..8_u8, amount, fuel, price, 0..12_u8, input)
}

/// A world with a contract of each kind, and users with money.
fn world() -> State {
    let names = ["token", "nft", "escrow", "art", "counter", "endless_loop", "memory_eater"];
    let parts = [Part::Address(who("u1")), Part::Address(who("u2")), Part::U64(900)];
    let input: Arc<[u8]> = shipped::input(&parts).into();
    let deployments: Vec<_> = (0_u64..)
        .zip(names)
        .map(|(nonce, name)| {
            let code = shipped::find(name).expect("shipped").wasm.into();
            let payload = Payload::Deploy { code, input: input.clone() };
            let value = if name == "escrow" { 700 } else { 0 };
            Transaction { value, ..transaction("a", nonce, payload) }
        })
        .collect();
    let block = run(&genesis(), &deployments);
    assert!(block.receipts.iter().all(|receipt| receipt.status.is_done()));
    let mut journal = Journal::new(block.state);
    for i in 0..4 {
        journal.credit(&who(&format!("u{i}")), 5_000_000).expect("no overflow");
    }
    journal.commit()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn money_is_conserved_and_machines_agree(
        drawn in proptest::collection::vec(any_transaction(), 1..25),
        first in 0..25_usize,
    ) {
        let state = world();
        let supply = state.supply();
        let mut nonces = [0; 4];
        let transactions: Vec<_> = drawn
            .into_iter()
            .map(|(from, to, value, fuel_limit, price, kind, input)| {
                // Fuel without end has a price: else a contract without end would run as long.
                let price = if fuel_limit > 1_000_000 { price.max(1) } else { price };
                let contract = Address::of_contract(&who("a"), to.into());
                let payload = match kind {
                    0 | 1 => Payload::Transfer { to: who(&format!("u{}", to % 4)) },
                    2 => Payload::Transfer { to: contract },
                    3 => Payload::Deploy { code: input.as_slice().into(), input: [].into() },
                    4 => Payload::Other { kind: to, data: input.as_slice().into() },
                    _ => {
                        // A known action more often than noise alone gives one.
                        let mut input = input;
                        if let Some(action) = input.first_mut() {
                            *action %= 5;
                        }
                        Payload::Call { to: contract, input: input.as_slice().into() }
                    }
                };
                let nonce = nonces[usize::from(from)];
                nonces[usize::from(from)] += u64::from(kind != 7);
                let sender = who(&format!("u{from}"));
                Transaction { chain: CHAIN, sender, nonce, fuel_limit, price, value, payload }
            })
            .collect();
        let whole = run(&state, &transactions);
        prop_assert_eq!(whole.state.supply(), supply);
        prop_assert_eq!(&run(&state, &transactions), &whole);
        // In two blocks, the second on the first: the same state.
        let (head, tail) = transactions.split_at(first.min(transactions.len()));
        let head = run(&state, head);
        let tail = run(&head.state, tail);
        prop_assert_eq!(head.fees + tail.fees, whole.fees);
        let heads = head.receipts.iter().chain(tail.receipts.iter());
        let same = heads.map(|receipt| (receipt.id, receipt.status, receipt.fuel));
        prop_assert!(same.eq(whole.receipts.iter().map(|it| (it.id, it.status, it.fuel))));
        prop_assert_eq!(tail.state, whole.state);
        for (transaction, receipt) in transactions.iter().zip(whole.receipts.iter()) {
            prop_assert!(receipt.fuel <= transaction.fuel_limit);
        }
    }

    #[test]
    fn noise_is_no_transaction_that_encodes_otherwise(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut rest = &bytes[..];
        if let Some(transaction) = Transaction::decode(&mut rest) {
            prop_assert_eq!(transaction.encoded(), &bytes[..bytes.len() - rest.len()]);
        }
    }
}

/// [`Rules`] are about contracts: without any they change nothing.
#[test]
fn the_switches_do_not_touch_transfers() {
    let transactions: Vec<_> = (0..5).map(|nonce| transfer("a", nonce, "b", 3)).collect();
    let expected = run(&genesis(), &transactions);
    for rules in [Rules { reentry: true, lazy: false }, Rules { reentry: false, lazy: true }] {
        let (machine, env) = (Machine::new(rules), Environment { height: 1, time_ms: 1_000 });
        let to = &who("fees");
        let block =
            execute_block(&machine, genesis(), CHAIN, &env, &transactions, &NoExtension, to);
        assert_eq!(block, expected);
    }
}
