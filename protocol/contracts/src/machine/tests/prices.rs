//! What each function of the interface costs, to the unit.

use ed25519_zebra::{SigningKey, VerificationKey};

use super::*;

/// The fuel of some code beyond that of an empty contract.
fn cost(code: &str) -> u64 {
    let outcome = run(code);
    assert!(outcome.status.is_done(), "{}: {code}", outcome.status);
    outcome.fuel - run("").fuel
}

#[test]
fn every_function_costs_what_the_table_says() {
    // Beside the price: one for the call, one for each constant that is no operand of it.
    let cases = [
        ("(drop (call $input (i32.const 0) (i32.const 0) (i32.const 0)))", 20),
        ("(call $ret (i32.const 0) (i32.const 800))", 120),
        ("(call $caller (i32.const 0))", 24),
        ("(call $address (i32.const 0))", 24),
        ("(drop (call $value))", 20),
        ("(drop (call $height))", 20),
        ("(drop (call $time_ms))", 20),
        ("(drop (call $get (i32.const 0) (i32.const 64) (i32.const 0) (i32.const 9)))", 1_028),
        ("(call $set (i32.const 0) (i32.const 32) (i32.const 0) (i32.const 8))", 5_425),
        ("(call $del (i32.const 0) (i32.const 32))", 5_024),
        ("(drop (call $balance (i32.const 0)))", 524),
        ("(drop (call $transfer (i32.const 0) (i64.const 0)))", 2_024),
        (
            "(drop (call $call (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 16)
                (i64.const 0) (i32.const 0) (i32.const 0)))",
            5_026,
        ),
        ("(call $emit (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 40))", 766),
        ("(call $hash (i32.const 0) (i32.const 80) (i32.const 0))", 310),
        ("(drop (call $verify (i32.const 0) (i32.const 0) (i32.const 80) (i32.const 0)))", 60_042),
    ];
    assert_eq!(cases.len(), crate::abi::FUNCTIONS.len());
    for (code, price) in cases {
        let cost = cost(code);
        assert!((price..price + 20).contains(&cost), "{cost} for {code}");
        // Twice costs twice: nothing of the price is hidden in the first call.
        let twice = run(&format!("{code} {code}")).fuel - run(code).fuel;
        assert_eq!(twice, cost, "{code}");
        // One unit less than the whole does not do.
        let whole = run(code).fuel;
        let mut world = World::new(&[("it", contract(code))]);
        assert_eq!(world.call_with("it", 0, &[], whole).status, Status::Done, "{code}");
        let short = world.call_with("it", 0, &[], whole - 1);
        assert_eq!(short, Outcome::trapped(Trap::OutOfFuel, whole - 1), "{code}");
    }
}

#[test]
fn what_is_copied_is_paid_for() {
    let read = |room: u32| {
        format!(
            "(call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 4096))
             (drop (call $get (i32.const 0) (i32.const 1) (i32.const 0) (i32.const {room})))"
        )
    };
    assert_eq!(cost(&read(4_096)) - cost(&read(0)), 512);
    assert_eq!(cost(&read(100_000)) - cost(&read(0)), 512, "no more than there is");
    let code = "(drop (call $input (i32.const 0) (i32.const 0) (i32.const 1000)))";
    let mut world = World::new(&[("it", contract(code))]);
    let empty = world.call_with("it", 0, &[], FUEL).fuel;
    assert_eq!(world.call_with("it", 0, &[1; 80], FUEL).fuel - empty, 10);
}

#[test]
fn signatures_are_verified() {
    let key = SigningKey::from([3; 32]);
    let public: [u8; 32] = VerificationKey::from(&key).into();
    let message = b"eight by";
    let signature: [u8; 64] = key.sign(message).into();
    let code = "(drop (call $input (i32.const 0) (i32.const 0) (i32.const 104)))
        (i32.store (i32.const 200)
            (call $verify (i32.const 0) (i32.const 32) (i32.const 8) (i32.const 40)))
        (call $ret (i32.const 200) (i32.const 4))";
    let mut world = World::new(&[("it", contract(code))]);
    let input = [&public[..], message, &signature].concat();
    assert_eq!(world.call_with("it", 0, &input, FUEL).output, [1, 0, 0, 0]);
    for byte in 0..input.len() {
        let mut altered = input.clone();
        altered[byte] ^= 1;
        assert_eq!(world.call_with("it", 0, &altered, FUEL).output, [0; 4], "byte {byte}");
    }
}
