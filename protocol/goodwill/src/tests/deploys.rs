//! Contracts from outside, and the workload's.

use anthill_contracts::shipped::{self, Part, input};
use anthill_protocol::NodeId;

use super::schedules::Chain;
use super::{count, full, goodwill, ledger, number, run, share, word};
use crate::contracts::{Code, address};
use crate::ledger::Refusal;
use crate::metric::GoodwillMetric as M;
use crate::output::GoodwillOutput as Says;
use crate::transaction::{Payload, Transaction};

fn module(name: &str) -> Code {
    Code::Module(shipped::find(name).expect("shipped").wasm.into())
}

fn create(name: u32, code: Code, input: &[u8], fee: u64) -> Transaction {
    let payload = Payload::Create { name, fuel: 1, calls: 100, code, input: input.into() };
    let mut transaction = Transaction::new(5, 0, payload, true);
    transaction.fee = fee;
    transaction
}

fn call(from: u32, contract: u64, value: u64, input: &[u8]) -> Transaction {
    let input = input.into();
    let call = Payload::Call { contract, limit: 1_000_000, price: 1, value, input };
    Transaction::new(from, 0, call, true)
}

/// A module that clang made of a C function travels in a transaction and runs; what `anthill contract
/// check` refuses is refused.
#[test]
fn code_from_outside_is_deployed_and_runs() {
    let mut chain = Chain::new(&[count("forgers", 2)]);
    let fee = crate::vm::price_of(&module("crc32"));
    assert!(fee > 50_000);
    let short = chain.send(1, vec![create(1, module("crc32"), &[], fee - 1)]);
    assert_eq!(short, [Some(Refusal::Contract)], "too little for its bytes");
    assert_eq!(chain.send(2, vec![create(1, module("crc32"), &[], fee)]), [None]);
    // The same name again, and the same code under another.
    let again = chain
        .send(3, vec![create(1, module("crc32"), &[], fee), create(2, module("crc32"), &[], fee)]);
    assert_eq!(again, [Some(Refusal::Contract), None]);
    chain.send(4, vec![call(6, address(5, 1), 0, b"123456789"), call(6, address(5, 9), 0, b"")]);
    chain.add(5, &[]);
    assert_eq!((chain.tally().calls, chain.tally().halted), (1, 0));
    let mut floats = b"\0asm\x01\0\0\0".to_vec();
    // A function type with a float: (f32) -> ().
    floats.extend([1, 5, 1, 0x60, 1, 0x7d, 0]);
    let long = vec![0; anthill_contracts::limits::CODE + 1];
    for (slot, wrong) in (6..).zip([floats, b"(module)".to_vec(), Vec::new(), long]) {
        assert!(!anthill_contracts::check(&wrong).is_empty() || wrong.len() > 1_000);
        let before = chain.balance(5);
        let wrong = Code::Module(wrong.into());
        let fee = crate::vm::price_of(&wrong);
        let refused = chain.send(slot, vec![create(7, wrong, &[], fee)]);
        assert_eq!(refused, [Some(Refusal::Code)], "slot {slot}");
        assert_eq!(before - chain.balance(5), fee, "the fee is kept");
    }
    // Its `init` reads what comes with it, or gives up.
    let terms = input(&[5, 1, 2, 1_000].map(Part::U64));
    let fee = 1_000_000;
    let made = chain.send(
        20,
        vec![
            create(8, module("game_asset"), &terms, fee),
            create(9, module("game_asset"), &[], fee),
        ],
    );
    assert_eq!(made, [None, Some(Refusal::Contract)]);
    assert_eq!(
        chain.send(21, vec![create(9, Code::Shipped(200), &[], fee)]),
        [Some(Refusal::Contract)]
    );
}

/// Five there are, and two transfers a window of a second: the contract keeps to it, and what the judges
/// hear is counted apart from it.
#[test]
fn an_asset_is_capped() {
    let mut chain = Chain::new(&[count("forgers", 2)]);
    let terms = input(&[5, 1, 2, 25_000].map(Part::U64));
    assert_eq!(chain.send(1, vec![create(1, module("game_asset"), &terms, 1_000_000)]), [None]);
    let asset = address(5, 1);
    let buy = |from, count| call(from, asset, count, &input(&[Part::U8(1), Part::U64(count)]));
    let heir = Part::Address(crate::vm::of(8));
    let pass = |from| call(from, asset, 0, &input(&[Part::U8(2), heir, Part::U64(1)]));
    chain.send(2, vec![buy(6, 3), buy(7, 3), buy(7, 2), buy(6, 1)]);
    chain.add(3, &[]);
    assert_eq!((chain.tally().calls, chain.tally().halted), (4, 2));
    let said: Vec<_> = chain.outcome.assets.iter().map(|one| (one.sold, one.supply)).collect();
    assert_eq!(said, [(3, 5), (5, 5)]);
    chain.send(4, vec![pass(6), pass(6), pass(6), pass(7)]);
    // Slot 5 is the window of 50 s.
    chain.add(5, &[]);
    assert_eq!((chain.tally().calls, chain.tally().halted), (4, 1));
    let moved: Vec<_> = chain.outcome.assets.iter().map(|one| (one.moved, one.most)).collect();
    assert_eq!(moved, [(1, 2), (2, 2), (1, 2)]);
    chain.send(7, vec![pass(6)]);
    chain.add(8, &[]);
    assert_eq!((chain.tally().halted, chain.outcome.assets[0].moved), (0, 1), "another window");
}

/// Light peers buy and pass on, or have bytes summed by code that travelled in a transaction.
#[test]
fn the_workload_calls_what_it_is_told_to() {
    for contract in ["game_asset", "crc32"] {
        let set = [
            count("forgers", 6),
            count("window", 20),
            count("windows", 4),
            number("bid", 10.0),
            number("workload.rate", 0.4),
            share("workload.calls", 0.8),
            word("workload.contract", contract),
        ];
        let (mut pump, facts) = run(goodwill(30, None, &set), 30, 3);
        let (ran, halted) = (facts.totals.of(M::Calls), facts.totals.of(M::Halted));
        assert!(ran > 60, "{ran}");
        let of_node_1 = pump.outputs().iter().filter(|said| said.node == NodeId(1));
        let assets: Vec<_> = of_node_1
            .filter_map(|said| match said.output {
                Says::Asset { asset } => Some(asset),
                _ => None,
            })
            .collect();
        match contract {
            "crc32" => assert_eq!((halted, assets.len()), (0, 0)),
            // Whoever has none cannot pass one on.
            _ => assert!(assets.len() as u64 == ran - halted && halted > 0 && assets.len() > 10),
        }
        assert!(assets.iter().all(|one| one.sold <= one.supply && one.moved <= one.most));
        for check in pump.judged() {
            assert!(check.ok, "{contract}: {check:?}");
        }
        assert!(full(&pump, 0).height > 70 && ledger(&pump, 0).height > 70);
    }
}
