use super::*;
use crate::shipped;

mod again;
mod limits_hold;
mod nested;
mod prices;
mod undo;

const FUEL: u64 = 10_000_000;
const FUNCTIONS: &str = r#"
    (import "env" "input" (func $input (param i32 i32 i32) (result i32)))
    (import "env" "ret" (func $ret (param i32 i32)))
    (import "env" "caller" (func $caller (param i32)))
    (import "env" "address" (func $address (param i32)))
    (import "env" "value" (func $value (result i64)))
    (import "env" "height" (func $height (result i64)))
    (import "env" "time_ms" (func $time_ms (result i64)))
    (import "env" "get" (func $get (param i32 i32 i32 i32) (result i32)))
    (import "env" "set" (func $set (param i32 i32 i32 i32)))
    (import "env" "del" (func $del (param i32 i32)))
    (import "env" "balance" (func $balance (param i32) (result i64)))
    (import "env" "transfer" (func $transfer (param i32 i64) (result i32)))
    (import "env" "call" (func $call (param i32 i64 i32 i32 i64 i32 i32) (result i32)))
    (import "env" "emit" (func $emit (param i32 i32 i32 i32)))
    (import "env" "hash" (func $hash (param i32 i32 i32)))
    (import "env" "verify" (func $verify (param i32 i32 i32 i32) (result i32)))"#;

/// A contract of one page whose `call` and `query` do something.
fn contract(code: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {FUNCTIONS} (memory (export "memory") 1)
            (func $do (export "call") {code}) (export "query" (func $do)))"#
    );
    wat::parse_str(text).expect("a test's module")
}

fn who(name: &str) -> Address {
    Address::pot(name)
}

/// A chain of contracts: each at the address of its name, and `rich`, who has money.
struct World {
    machine: Machine,
    journal: Journal,
    env: Environment,
}

impl World {
    fn of(rules: Rules, contracts: &[(&str, Vec<u8>)]) -> Self {
        let machine = Machine::new(rules);
        let mut journal = Journal::default();
        journal.credit(&who("rich"), 1_000_000).expect("no overflow");
        for (name, wasm) in contracts {
            journal.set_code(&who(name), machine.compile(wasm).expect("accepted"));
        }
        Self { machine, journal, env: Environment { height: 7, time_ms: 9_000 } }
    }

    fn new(contracts: &[(&str, Vec<u8>)]) -> Self {
        Self::of(Rules::default(), contracts)
    }

    fn call_with(&mut self, to: &str, value: u64, input: &[u8], fuel: u64) -> Outcome {
        let message = Message { caller: who("rich"), to: who(to), value, input, fuel };
        self.machine.call(&mut self.journal, &self.env, &message)
    }

    fn call(&mut self, to: &str) -> Outcome {
        self.call_with(to, 0, &[], FUEL)
    }

    fn query(&self, to: &str) -> Outcome {
        let state = self.journal.clone().commit();
        let message =
            Message { caller: who("rich"), to: who(to), value: 0, input: &[], fuel: FUEL };
        self.machine.query(&state, &self.env, &message)
    }
}

/// What a contract with that `call` does.
fn run(code: &str) -> Outcome {
    World::new(&[("it", contract(code))]).call("it")
}

fn trapped(code: &str) -> Trap {
    match run(code).status {
        Status::Trapped(trap) => trap,
        status => panic!("{status}: {code}"),
    }
}

#[test]
fn fuel_is_counted_as_the_reference_says() {
    let million = "(local i32) (local.set 0 (i32.const 1000000))
        (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))";
    let plain =
        format!(r#"(module (memory (export "memory") 1) (func (export "call") {million}))"#);
    let mut world = World::new(&[("loop", wat::parse_str(plain).expect("a module"))]);
    for _ in 0..2 {
        assert_eq!(world.call("loop"), Outcome::done(6_000_003));
    }
    let short = world.call_with("loop", 0, &[], 6_000_002);
    assert_eq!(short, Outcome::trapped(Trap::OutOfFuel, 6_000_002));
    assert_eq!(world.call_with("loop", 0, &[], 6_000_003), Outcome::done(6_000_003));
}

#[test]
fn endless_contracts_end() {
    let names = ["endless_loop", "memory_eater", "recursion"];
    let contracts = names.map(|name| (name, shipped::find(name).expect("shipped").wasm.to_vec()));
    let mut world = World::new(&contracts);
    for _ in 0..2 {
        assert_eq!(world.call("recursion"), Outcome::trapped(Trap::StackOverflow, 1_024));
        assert_eq!(world.call("endless_loop"), Outcome::trapped(Trap::OutOfFuel, FUEL));
        assert_eq!(world.call("memory_eater").status, Status::Trapped(Trap::GrowthLimit));
        let starved = world.call_with("memory_eater", 0, &[], 1_000);
        assert_eq!(starved, Outcome::trapped(Trap::OutOfFuel, 1_000));
    }
}

#[test]
fn compiled_lazily_the_first_call_pays_and_eagerly_none_does() {
    let code = "(call $ret (i32.const 0) (i32.const 8))";
    let mut eager = World::new(&[("it", contract(code))]);
    let cost = eager.call("it").fuel;
    assert_eq!(eager.call("it").fuel, cost);
    let lazy = Rules { lazy: true, ..Rules::default() };
    let mut lazy = World::of(lazy, &[("it", contract(code))]);
    assert!(lazy.call("it").fuel > cost, "the first call pays for the translation");
    assert_eq!(lazy.call("it").fuel, cost);
}

#[test]
fn machines_agree_on_every_thread_and_on_code_of_another_machine() {
    let token = shipped::find("token").expect("shipped").wasm;
    let outcome = || {
        let mut world = World::new(&[("token", token.to_vec())]);
        world.call_with("token", 0, &[7; 80], FUEL)
    };
    let here = outcome();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(outcome)).collect();
        for thread in threads {
            assert_eq!(thread.join().expect("no panic"), here);
        }
    });
    let mut world = World::new(&[("token", token.to_vec())]);
    world.machine = Machine::default();
    assert_eq!(world.call_with("token", 0, &[7; 80], FUEL), here);
}

#[test]
fn a_contract_sees_its_call_and_its_chain() {
    let mut world = World::new(&[(
        "it",
        contract(
            "(call $caller (i32.const 0)) (call $address (i32.const 32))
             (i64.store (i32.const 64) (call $value))
             (i64.store (i32.const 72) (call $height))
             (i64.store (i32.const 80) (call $time_ms))
             (i64.store (i32.const 88) (call $balance (i32.const 32)))
             (i32.store (i32.const 96)
                (call $input (i32.const 100) (i32.const 1) (i32.const 50)))
             (call $hash (i32.const 100) (i32.const 2) (i32.const 102))
             (call $ret (i32.const 0) (i32.const 134))",
        ),
    )]);
    let outcome = world.call_with("it", 41, b"abc", FUEL);
    assert!(outcome.status.is_done(), "{}", outcome.status);
    let hashed = blake3::hash(b"bc");
    let expected = [
        &who("rich").0[..],
        &who("it").0,
        &41_u64.to_le_bytes(),
        &7_u64.to_le_bytes(),
        &9_000_u64.to_le_bytes(),
        &41_u64.to_le_bytes(),
        &2_u32.to_le_bytes(),
        b"bc",
        hashed.as_bytes(),
    ];
    assert_eq!(outcome.output, expected.concat());
    assert_eq!(world.journal.account(&who("rich")).balance, 1_000_000 - 41);
}

#[test]
fn calls_that_cannot_start_cost_nothing_and_change_nothing() {
    let mut world = World::new(&[("it", contract(""))]);
    let before = world.journal.clone().commit();
    let long = vec![0; limits::INPUT + 1];
    let cases = [
        (world.call("nobody"), Trap::NoContract),
        (world.call_with("it", 1_000_001, &[], FUEL), Trap::Money),
        (world.call_with("it", 0, &long, FUEL), Trap::InputTooLong),
    ];
    for (outcome, trap) in cases {
        assert_eq!(outcome, Outcome::trapped(trap, 0));
    }
    assert_eq!(world.journal.clone().commit(), before);
    let text = r#"(module (memory (export "memory") 1) (func (export "call")))"#;
    let plain = World::new(&[("it", wat::parse_str(text).expect("a module"))]);
    assert_eq!(plain.query("it").status, Status::Trapped(Trap::NoEntry));
}

#[test]
fn deployment_runs_init_once_per_address() {
    let text = format!(
        r#"(module {FUNCTIONS} (memory (export "memory") 1) (func (export "call"))
            (func (export "init")
                (drop (call $input (i32.const 0) (i32.const 0) (i32.const 8)))
                (call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8))
                (if (i64.eqz (call $value)) (then (unreachable)))))"#
    );
    let wasm = wat::parse_str(text).expect("a module");
    let mut world = World::new(&[]);
    let deploy = |world: &mut World, value, code: &[u8]| {
        let message =
            Message { caller: who("rich"), to: who("new"), value, input: b"k1234567", fuel: FUEL };
        world.machine.deploy(&mut world.journal, &world.env, &message, code)
    };
    let price = price::deploy(wasm.len());
    let failed = deploy(&mut world, 0, &wasm);
    assert_eq!(failed.status, Status::Trapped(Trap::Unreachable));
    assert!(failed.fuel > price);
    assert_eq!(world.journal.clone().commit(), World::new(&[]).journal.commit());
    let done = deploy(&mut world, 5, &wasm);
    assert!(done.status.is_done() && done.fuel > price);
    assert_eq!(world.journal.slot(&who("new"), b"k"), Some(&b"k1234567"[..]));
    assert_eq!(world.journal.account(&who("new")).balance, 5);
    assert_eq!(deploy(&mut world, 5, &wasm), Outcome::trapped(Trap::Occupied, price));
    let mut world = World::new(&[]);
    let refused = deploy(&mut world, 5, b"(module)");
    assert_eq!(refused, Outcome::trapped(Trap::CodeRefused, price::deploy(8)));
    let starved = Message { fuel: 20_000, ..message_of("new") };
    let outcome = world.machine.deploy(&mut world.journal, &world.env, &starved, &wasm);
    assert_eq!(outcome, Outcome::trapped(Trap::OutOfFuel, 20_000));
}

fn message_of(to: &str) -> Message<'static> {
    Message { caller: who("rich"), to: who(to), value: 0, input: &[], fuel: FUEL }
}
