//! Every limit holds at its value and traps one beyond; absurd arguments trap.

use super::*;

#[test]
fn limits_of_the_interface_trap_one_beyond() {
    let page = |code: &str, bytes: usize| code.replace('N', &bytes.to_string());
    let cases = [
        ("(call $ret (i32.const 0) (i32.const N))", limits::OUTPUT),
        ("(call $set (i32.const 0) (i32.const N) (i32.const 0) (i32.const 1))", limits::KEY),
        ("(call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const N))", limits::VALUE),
        ("(call $del (i32.const 0) (i32.const N))", limits::KEY),
        ("(drop (call $get (i32.const 0) (i32.const N) (i32.const 0) (i32.const 1)))", limits::KEY),
        ("(call $emit (i32.const 0) (i32.const N) (i32.const 0) (i32.const 0))", limits::EVENT),
        (
            "(call $emit (i32.const 0) (i32.const 96) (i32.const 0) (i32.const N))",
            limits::EVENT - 96,
        ),
        (
            "(drop (call $call (i32.const 0) (i64.const 0) (i32.const 0) (i32.const N)
                (i64.const 9) (i32.const 0) (i32.const 0)))",
            limits::INPUT,
        ),
        (
            "(local i32) (loop (call $emit (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))
                (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1)))
                    (i32.const N))))",
            limits::EVENTS,
        ),
    ];
    for (code, most) in cases {
        assert_eq!(run(&page(code, most)).status, Status::Done, "{code}");
        assert_eq!(trapped(&page(code, most + 1)), Trap::InterfaceLimit, "{code}");
    }
}

#[test]
fn a_long_input_is_read_and_a_longer_refused() {
    let code = "(drop (call $input (i32.const 0) (i32.const 0) (i32.const 65536)))
        (call $ret (i32.const 0) (i32.const 16384))";
    let mut world = World::new(&[("it", contract(code))]);
    let input: Vec<_> = (0..limits::INPUT).map(|i| (i % 251) as u8).collect();
    assert_eq!(world.call_with("it", 0, &input, FUEL).output, input);
}

#[test]
fn memory_and_tables_grow_to_their_limits_and_no_further() {
    let grow = |pages: u64| format!("(drop (memory.grow (i32.const {pages})))");
    assert_eq!(run(&grow(limits::PAGES - 1)).status, Status::Done);
    assert_eq!(trapped(&grow(limits::PAGES)), Trap::GrowthLimit);
    assert_eq!(trapped(&grow(65_535)), Trap::GrowthLimit);
    // Beyond the module's own maximum, but not the chain's: −1, and the call goes on.
    let own = r#"(module (memory (export "memory") 1 2) (func (export "call")
        (if (i32.ne (memory.grow (i32.const 2)) (i32.const -1)) (then (unreachable)))))"#;
    let mut world = World::new(&[("it", wat::parse_str(own).expect("a module"))]);
    assert_eq!(world.call("it").status, Status::Done);
    let table = |entries: u64| {
        let text = format!(
            r#"(module (memory (export "memory") 1) (table $t 1 funcref) (func (export "call")
                (drop (table.grow $t (ref.null func) (i32.const {entries})))))"#
        );
        World::new(&[("it", wat::parse_str(text).expect("a module"))]).call("it").status
    };
    assert_eq!(table(limits::TABLE - 1), Status::Done);
    assert_eq!(table(limits::TABLE), Status::Trapped(Trap::GrowthLimit));
}

#[test]
fn recursion_ends_at_512() {
    // Counts in memory how deep it came: what is written before the trap is lost with the instance,
    // so the depth is limited from inside.
    let deep = |depth: u32| {
        let text = format!(
            r#"(module (memory (export "memory") 1)
                (func $f (param i32)
                    (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1))))))
                (func (export "call") (call $f (i32.const {depth}))))"#
        );
        World::new(&[("it", wat::parse_str(text).expect("a module"))]).call("it").status
    };
    let most = limits::RECURSION as u32;
    assert_eq!(deep(most - 2), Status::Done);
    assert_eq!(deep(most), Status::Trapped(Trap::StackOverflow));
}

#[test]
fn traps_of_code_are_told_apart() {
    let cases = [
        ("(unreachable)", Trap::Unreachable),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", Trap::BadDivision),
        ("(drop (i32.div_s (i32.const -2147483648) (i32.const -1)))", Trap::BadDivision),
        ("(drop (i32.load (i32.const 65533)))", Trap::MemoryOutOfBounds),
        ("(memory.fill (i32.const 1) (i32.const 0) (i32.const 65536))", Trap::MemoryOutOfBounds),
    ];
    for (code, trap) in cases {
        assert_eq!(trapped(code), trap, "{code}");
    }
    let table = |code: &str| {
        let text = format!(
            r#"(module (memory (export "memory") 1) (table 2 funcref) (func $p (param i32))
                (elem (i32.const 0) $p) (func (export "call") {code}))"#
        );
        World::new(&[("it", wat::parse_str(text).expect("a module"))]).call("it").status
    };
    assert_eq!(table("(call_indirect (i32.const 0))"), Status::Trapped(Trap::BadIndirectCall));
    assert_eq!(table("(call_indirect (i32.const 1))"), Status::Trapped(Trap::BadIndirectCall));
    assert_eq!(table("(call_indirect (i32.const 2))"), Status::Trapped(Trap::TableOutOfBounds));
}

/// Every function with every combination of extreme arguments: some trap, none panics, and what
/// succeeds stays inside the memory.
#[test]
fn absurd_arguments_are_survived() {
    let narrow = ["0", "1", "64", "65504", "65536", "-1", "-32", "2147483647"];
    let wide = ["0", "1", "-1"];
    for (which, function) in crate::abi::FUNCTIONS.iter().enumerate() {
        let extremes: Vec<_> = function
            .parameters
            .iter()
            .map(|ty| match ty {
                crate::abi::Type::I32 => (&narrow[..], "i32"),
                crate::abi::Type::I64 => (&wide[..], "i64"),
            })
            .collect();
        let combinations: usize = extremes.iter().map(|(values, _)| values.len()).product();
        // At most a few hundred of each, spread over all combinations.
        let step = (combinations / 200).max(1);
        for mut choice in (0..combinations).step_by(step) {
            let mut arguments = String::new();
            for (values, ty) in &extremes {
                let value = values[choice % values.len()];
                arguments += &format!("({ty}.const {value}) ");
                choice /= values.len();
            }
            let call = format!("(call ${} {arguments})", function.name);
            let code = if function.results.is_empty() { call } else { format!("(drop {call})") };
            let outcome = run(&code);
            assert!(outcome.fuel <= FUEL, "{code}");
            let free = function.parameters.is_empty();
            assert!(!free || outcome.status.is_done(), "{code}: {}", outcome.status);
        }
        assert!(which < 16);
    }
}
