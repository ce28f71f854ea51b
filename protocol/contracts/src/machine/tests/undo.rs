//! A trap undoes its call, a callee's trap its own, and a query writes nothing.

use super::*;

/// The address of another contract, as a data segment of 32 bytes in WebAssembly text.
pub(super) fn data(name: &str) -> String {
    who(name).0.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// A contract whose memory begins with another's address.
pub(super) fn knowing(other: &str, code: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {FUNCTIONS} (memory (export "memory") 1)
            (data (i32.const 0) "{}") (data (i32.const 32) "abcdefgh")
            (func (export "call") {code}))"#,
        data(other)
    );
    wat::parse_str(text).expect("a test's module")
}

pub(super) const SET_A: &str =
    "(call $set (i32.const 32) (i32.const 1) (i32.const 40) (i32.const 8))";
pub(super) const SET_C: &str =
    "(call $set (i32.const 34) (i32.const 1) (i32.const 40) (i32.const 8))";
const EMIT: &str = "(call $emit (i32.const 32) (i32.const 3) (i32.const 32) (i32.const 8))";

#[test]
fn a_trap_undoes_writes_money_and_events() {
    let code = format!(
        "{SET_A} {EMIT} (drop (call $transfer (i32.const 0) (i64.const 10))) (unreachable)"
    );
    let mut world = World::new(&[("it", knowing("friend", &code))]);
    let before = world.journal.clone().commit();
    let outcome = world.call_with("it", 100, &[], FUEL);
    assert_eq!(outcome.status, Status::Trapped(Trap::Unreachable));
    assert!(outcome.events.is_empty() && outcome.output.is_empty());
    assert!(outcome.fuel > 5_000);
    assert_eq!(world.journal.commit(), before);
    // Without the trap it all stays.
    let mut world = World::new(&[("it", knowing("friend", &code.replace("unreachable", "nop")))]);
    let outcome = world.call_with("it", 100, &[], FUEL);
    assert_eq!((outcome.status, outcome.events.len()), (Status::Done, 1));
    assert_eq!(outcome.events[0].topic, b"abc");
    assert_eq!(world.journal.account(&who("friend")).balance, 10);
    assert_eq!(world.journal.account(&who("it")).balance, 90);
    assert!(world.journal.slot(&who("it"), b"a").is_some());
}

#[test]
fn a_callee_that_traps_undoes_its_own_and_no_more() {
    let outer = format!(
        "{SET_A} {EMIT}
         (if (i32.ne (i32.const -1) (call $call (i32.const 0) (i64.const 7) (i32.const 0)
            (i32.const 0) (i64.const 100000) (i32.const 0) (i32.const 0))) (then (unreachable)))
         {SET_C}"
    );
    let inner =
        format!("{SET_A} {EMIT} (drop (call $transfer (i32.const 0) (i64.const 3))) (unreachable)");
    let mut world =
        World::new(&[("outer", knowing("inner", &outer)), ("inner", knowing("friend", &inner))]);
    let outcome = world.call_with("outer", 20, &[], FUEL);
    assert_eq!((outcome.status, outcome.events.len()), (Status::Done, 1));
    assert_eq!(outcome.events[0].contract, who("outer"));
    assert!(world.journal.slot(&who("outer"), b"a").is_some());
    assert!(world.journal.slot(&who("outer"), b"c").is_some());
    assert!(world.journal.slot(&who("inner"), b"a").is_none());
    let balance = |name| world.journal.account(&who(name)).balance;
    assert_eq!([balance("outer"), balance("inner"), balance("friend")], [20, 0, 0]);
}

#[test]
fn writes_trap_in_a_query() {
    let writes = [
        SET_A,
        EMIT,
        "(call $del (i32.const 32) (i32.const 1))",
        "(drop (call $transfer (i32.const 0) (i64.const 0)))",
        "(drop (call $call (i32.const 0) (i64.const 1) (i32.const 0) (i32.const 0) (i64.const 9)
            (i32.const 0) (i32.const 0)))",
    ];
    for code in writes {
        let world = World::new(&[("it", contract(code))]);
        assert_eq!(world.query("it").status, Status::Trapped(Trap::WriteInQuery), "{code}");
        assert!(
            world
                .machine
                .call(&mut world.journal.clone(), &world.env, &message_of("it"))
                .status
                .is_done()
        );
    }
    let world = World::new(&[("it", contract("(call $ret (i32.const 0) (i32.const 3))"))]);
    assert_eq!(world.query("it").output, [0; 3]);
}

#[test]
fn nor_can_a_query_write_through_another_contract() {
    let outer = "(i32.store (i32.const 64) (call $call (i32.const 0) (i64.const 0) (i32.const 0)
            (i32.const 0) (i64.const 100000) (i32.const 0) (i32.const 0)))
        (call $ret (i32.const 64) (i32.const 4))";
    let text = String::from_utf8_lossy(outer.as_bytes()).into_owned();
    let module = format!(
        r#"(module {FUNCTIONS} (memory (export "memory") 1) (data (i32.const 0) "{}")
            (func (export "call")) (func (export "query") {text}))"#,
        data("inner")
    );
    let outer = wat::parse_str(module).expect("a module");
    let world = World::new(&[("outer", outer), ("inner", knowing("outer", SET_A))]);
    assert_eq!(world.query("outer").output, (-1_i32).to_le_bytes());
}
