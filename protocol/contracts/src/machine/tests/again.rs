//! Instances that are used again are as new.

use super::*;

/// A contract that changes its global and its memory, does more, and returns what it finds: the sum of its globals
/// so far, the size of its memory, a byte of data that it counts up.
fn changing(more: &str, exported: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {FUNCTIONS} (memory (export "memory") 1 4) (table 2 funcref)
            (global $g {exported} (mut i32) (i32.const 5))
            (data (i32.const 8) "x")
            (func (export "call")
                (global.set $g (i32.add (global.get $g) (i32.const 1)))
                (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (global.get $g)))
                (i32.store8 (i32.const 8) (i32.add (i32.load8_u (i32.const 8)) (i32.const 1)))
                (i32.store (i32.const 4) (memory.size))
                (call $ret (i32.const 0) (i32.const 12))
                {more}))"#
    );
    wat::parse_str(text).expect("a test's module")
}

/// The outputs of three calls, which use equal fuel, and how many instances wait after them.
fn calls(wasm: Vec<u8>) -> (Vec<Vec<u8>>, usize) {
    let mut world = World::new(&[("it", wasm)]);
    let outcomes = [0; 3].map(|_| world.call("it"));
    assert!(outcomes.iter().all(|outcome| outcome.fuel == outcomes[0].fuel));
    (outcomes.map(|outcome| outcome.output).to_vec(), world.machine.0.idle.len())
}

const AS_NEW: [u8; 12] = [6, 0, 0, 0, 1, 0, 0, 0, b'y', 0, 0, 0];

#[test]
fn what_a_call_changed_the_next_does_not_see() {
    for (more, exported, kept) in [
        ("", "", 1),
        ("", r#"(export "mine")"#, 1),
        // What cannot be put back is not kept.
        ("", "(export \"\\01global 7\")", 0),
        ("(drop (memory.grow (i32.const 1)))", "", 0),
        ("(table.set (i32.const 0) (ref.null func))", "", 0),
    ] {
        assert_eq!(calls(changing(more, exported)), (vec![AS_NEW.to_vec(); 3], kept), "{more}");
    }
    assert_eq!(calls(changing("(unreachable)", "")), (vec![Vec::new(); 3], 0));
}

#[test]
fn a_trap_between_two_calls_is_not_seen_either() {
    // It traps if there is an input.
    let more = "(if (call $input (i32.const 0) (i32.const 0) (i32.const 1)) (then (unreachable)))";
    let mut world = World::new(&[("it", changing(more, ""))]);
    for input in [&[][..], &[1], &[], &[1], &[1], &[]] {
        let outcome = world.call_with("it", 0, input, FUEL);
        assert_eq!(outcome.status.is_done(), input.is_empty());
        assert!(outcome.output == AS_NEW || !input.is_empty());
    }
}

/// Two contracts of one code, at two addresses, one within the other's call.
#[test]
fn contracts_of_one_code_are_told_apart() {
    // Stores its own address; called with an address, calls there first.
    let code = "(if (call $input (i32.const 0) (i32.const 0) (i32.const 32)) (then
            (drop (call $call (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0)
                (i64.const 100000) (i32.const 0) (i32.const 0)))))
        (call $address (i32.const 64))
        (call $set (i32.const 96) (i32.const 1) (i32.const 64) (i32.const 32))";
    let wasm = contract(code);
    let mut world = World::new(&[("one", wasm.clone()), ("two", wasm)]);
    for kept in [2, 2] {
        assert!(world.call_with("one", 0, &who("two").0, FUEL).status.is_done());
        for name in ["one", "two"] {
            assert_eq!(world.journal.slot(&who(name), &[0]), Some(&who(name).0[..]));
            world.journal.set_slot(&who(name), &[0], None);
        }
        assert_eq!(world.machine.0.idle.len(), kept);
    }
}

#[test]
fn no_more_than_so_many_wait() {
    let many = (0..40).map(|i| contract(&format!("(drop (i32.const {i}))")));
    let machine = Machine::default();
    let mut journal = Journal::default();
    for (i, wasm) in many.enumerate() {
        let to = Address::pot(&i.to_string());
        journal.set_code(&to, machine.compile(&wasm).expect("accepted"));
        let message = Message { caller: who("rich"), to, value: 0, input: &[], fuel: FUEL };
        let outcome = machine.call(&mut journal, &Environment::default(), &message);
        assert!(outcome.status.is_done());
    }
    assert_eq!(machine.0.idle.len(), 32);
}
