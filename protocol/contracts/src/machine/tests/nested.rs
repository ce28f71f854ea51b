//! Contracts that call contracts: results, fuel, re-entry, depth.

use super::undo::{SET_A, data, knowing};
use super::*;

/// Calls the other contract with all its fuel and returns what the call gave.
fn forward(fuel: u64) -> String {
    format!(
        "(i32.store (i32.const 64) (call $call (i32.const 0) (i64.const 0) (i32.const 32)
            (i32.const 3) (i64.const {fuel}) (i32.const 68) (i32.const 8)))
         (call $ret (i32.const 64) (i32.const 12))"
    )
}

fn result(outcome: &Outcome) -> i32 {
    assert!(outcome.status.is_done(), "{}", outcome.status);
    i32::from_le_bytes(outcome.output[..4].try_into().expect("four bytes"))
}

#[test]
fn a_call_passes_input_and_output() {
    let echo = "(drop (call $input (i32.const 64) (i32.const 0) (i32.const 3)))
        (call $caller (i32.const 67)) (call $ret (i32.const 64) (i32.const 35))";
    let mut world = World::new(&[
        ("outer", knowing("inner", &forward(FUEL))),
        ("inner", knowing("outer", echo)),
    ]);
    let outcome = world.call("outer");
    // The whole length, and as many bytes as there was room for.
    assert_eq!(result(&outcome), 35);
    assert_eq!(outcome.output[4..7], *b"abc");
    assert_eq!(outcome.output[7..12], who("outer").0[..5]);
}

#[test]
fn a_callee_uses_no_more_fuel_than_it_was_given_and_the_caller_pays() {
    let endless = "(loop (br 0))";
    let contracts =
        |fuel| [("outer", knowing("inner", &forward(fuel))), ("inner", knowing("outer", endless))];
    let cheap = World::new(&contracts(1_000)).call("outer");
    let dear = World::new(&contracts(51_000)).call("outer");
    assert_eq!((result(&cheap), result(&dear)), (-1, -1));
    assert_eq!(dear.fuel - cheap.fuel, 50_000);
    // More than there is gives all there is.
    let all = World::new(&contracts(u64::MAX)).call("outer");
    assert_eq!(all, Outcome::trapped(Trap::OutOfFuel, FUEL));
}

#[test]
fn calls_of_nobody_and_without_money_fail() {
    let mut world = World::new(&[("outer", knowing("nobody", &forward(FUEL)))]);
    assert_eq!(result(&world.call("outer")), -1);
    let paying = forward(FUEL).replace("(i64.const 0)", "(i64.const 5)");
    let mut world = World::new(&[("outer", knowing("inner", &paying)), ("inner", contract(""))]);
    assert_eq!(result(&world.call("outer")), -1);
    assert_eq!(result(&world.call_with("outer", 5, &[], FUEL)), 0);
    assert_eq!(world.journal.account(&who("inner")).balance, 5);
}

/// The classic theft: pays the caller back before it notes that it did.
#[test]
fn a_contract_is_not_entered_twice_unless_the_rule_is_off() {
    let outer = format!("{SET_A} {}", forward(FUEL));
    let inner = forward(FUEL);
    let contracts = [("outer", knowing("inner", &outer)), ("inner", knowing("outer", &inner))];
    let outcome = World::new(&contracts).call("outer");
    assert_eq!(result(&outcome), 12);
    assert_eq!(outcome.output[4..8], (-2_i32).to_le_bytes());
    let itself = [("it", knowing("it", &forward(FUEL)))];
    assert_eq!(result(&World::new(&itself).call("it")), -2);
    let open = Rules { reentry: true, ..Rules::default() };
    // Entered again and again, up to eight deep, where the call fails as too deep.
    assert_eq!(result(&World::of(open, &itself).call("it")), 12);
}

#[test]
fn eight_contracts_nest_and_the_ninth_does_not() {
    let names: Vec<_> = (0..10).map(|i| format!("c{i}")).collect();
    let chain = |length: usize| {
        let mut contracts: Vec<_> = (0..length)
            .map(|i| (&names[i][..], knowing(&names[i + 1], &forward_result())))
            .collect();
        contracts.push((&names[length], contract("(call $ret (i32.const 0) (i32.const 4))")));
        World::new(&contracts).call("c0")
    };
    assert_eq!(result(&chain(7)), 0, "eight");
    assert_eq!(result(&chain(8)), -1, "nine");
}

/// Passes on the innermost result: −1 if that call failed, else the four bytes it returned.
fn forward_result() -> String {
    "(i32.store (i32.const 64) (call $call (i32.const 0) (i64.const 0) (i32.const 32)
        (i32.const 3) (i64.const 9000000) (i32.const 68) (i32.const 4)))
     (if (i32.ge_s (i32.load (i32.const 64)) (i32.const 0))
        (then (i32.store (i32.const 64) (i32.load (i32.const 68)))))
     (call $ret (i32.const 64) (i32.const 4))"
        .into()
}

#[test]
fn a_query_may_call_what_only_reads() {
    let module = format!(
        r#"(module {FUNCTIONS} (memory (export "memory") 1) (data (i32.const 0) "{}")
            (func (export "call")) (func (export "query") {}))"#,
        data("inner"),
        forward(FUEL)
    );
    let outer = wat::parse_str(module).expect("a module");
    let echo = "(call $ret (i32.const 0) (i32.const 5))";
    let world = World::new(&[("outer", outer), ("inner", contract(echo))]);
    assert_eq!(result(&world.query("outer")), 5);
}
