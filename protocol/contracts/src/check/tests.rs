use super::*;
use crate::{Machine, Rules};

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("a test's module")
}

/// A contract with something added.
fn with(extra: &str) -> String {
    format!(r#"(module {extra} (memory (export "memory") 1) (func (export "call")))"#)
}

/// A contract whose call does something.
fn doing(code: &str) -> String {
    format!(r#"(module (memory (export "memory") 1) (func (export "call") {code}))"#)
}

fn import(module: &str, name: &str) -> Refusal {
    Refusal::Import { module: module.into(), name: name.into() }
}

#[test]
fn each_reason_to_refuse_code_is_named_and_no_refused_code_compiles() {
    use Refusal::{EntryType, Feature, NoCall, NoMemory};
    let cases = [
        (doing("(drop (f32.const 1))"), vec![Feature("floating point")]),
        (with("(func (param f64))"), vec![Feature("floating point")]),
        (with("(global f32 (f32.const 1))"), vec![Feature("floating point")]),
        (doing("(drop (v128.const i64x2 0 0))"), vec![Feature("SIMD")]),
        (with("(func (param v128))"), vec![Feature("SIMD")]),
        (
            r#"(module (memory (export "memory") 1 1 shared) (func (export "call")))"#.into(),
            vec![Feature("threads")],
        ),
        (doing("(atomic.fence)"), vec![Feature("threads")]),
        (
            r#"(module (memory (export "memory") i64 1) (func (export "call")))"#.into(),
            vec![Feature("memory64")],
        ),
        (with("(memory 1)"), vec![Feature("several memories")]),
        (with("(func $f (return_call $f))"), vec![Feature("tail calls")]),
        (
            with("(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
            vec![Feature("extended constant expressions")],
        ),
        (with("(tag)"), vec![Feature("exceptions")]),
        (
            with("(memory 1) (func (param f32))"),
            vec![Feature("floating point"), Feature("several memories")],
        ),
        (with("(func $s) (start $s)"), vec![Refusal::Start]),
        (with(r#"(import "env" "random" (func))"#), vec![import("env", "random")]),
        (with(r#"(import "wasi" "get" (func))"#), vec![import("wasi", "get")]),
        (with(r#"(import "env" "value" (global i64))"#), vec![import("env", "value")]),
        (with(r#"(import "env" "t" (table 1 funcref))"#), vec![import("env", "t")]),
        (
            r#"(module (import "env" "m" (memory 1)) (export "memory" (memory 0))
                (func (export "call")))"#
                .into(),
            vec![import("env", "m")],
        ),
        (
            with(r#"(import "env" "value" (func (result i32)))"#),
            vec![Refusal::ImportType("value".into())],
        ),
        (r#"(module (func (export "call")))"#.into(), vec![NoMemory]),
        (r#"(module (memory 1) (func (export "call")))"#.into(), vec![NoMemory]),
        (
            r#"(module (memory 1) (func (export "memory")) (func (export "call")))"#.into(),
            vec![NoMemory],
        ),
        (r#"(module (memory (export "memory") 1))"#.into(), vec![NoCall]),
        (r#"(module)"#.into(), vec![NoMemory, NoCall]),
        (
            r#"(module (memory (export "memory") 1) (func (export "call") (param i32)))"#.into(),
            vec![EntryType("call")],
        ),
        (with(r#"(func (export "init") (result i32) (i32.const 1))"#), vec![EntryType("init")]),
        (with(r#"(global (export "query") i32 (i32.const 1))"#), vec![EntryType("query")]),
        (
            r#"(module (memory (export "memory") 17) (func (export "call")))"#.into(),
            vec![Refusal::Pages { pages: 17 }],
        ),
        (with("(table 1025 funcref)"), vec![Refusal::Table { entries: 1_025 }]),
        (with("(table 1 funcref) (table 1 funcref)"), vec![Refusal::Tables { tables: 2 }]),
    ];
    let machine = Machine::new(Rules::default());
    for (text, expected) in cases {
        let wasm = wasm(&text);
        assert_eq!(check(&wasm), expected, "{text}");
        assert_eq!(machine.compile(&wasm).err().as_ref(), expected.first(), "{text}");
        assert!(!expected[0].to_string().is_empty());
    }
}

#[test]
fn what_contracts_may_use_is_accepted() {
    let accepted = [
        with(""),
        with("(table 1024 funcref)"),
        with("(func (result i32 i32) (i32.const 1) (i32.const 2))"),
        with("(global (mut i64) (i64.const 1))"),
        doing("(memory.fill (i32.const 0) (i32.const 0) (i32.const 9))"),
        doing("(drop (i64.extend32_s (i64.const 1)))"),
        with("(func (result funcref) (ref.null func))"),
        r#"(module (memory (export "memory") 16 100) (func (export "call")))"#.into(),
    ];
    let machine = Machine::new(Rules::default());
    for text in accepted {
        assert_eq!(check(&wasm(&text)), [], "{text}");
        assert!(machine.compile(&wasm(&text)).is_ok(), "{text}");
    }
}

#[test]
fn every_function_of_the_interface_can_be_imported_with_its_type_alone() {
    let list = |types: &[abi::Type]| {
        types.iter().map(|ty| format!("{ty:?} ").to_lowercase()).collect::<String>()
    };
    let machine = Machine::default();
    for function in abi::FUNCTIONS {
        let (name, results) = (function.name, list(function.results));
        let import = |parameters: String| {
            wasm(&with(&format!(
                r#"(import "env" "{name}" (func (param {parameters}) (result {results})))"#
            )))
        };
        let code = import(list(function.parameters));
        assert_eq!(check(&code), [], "{name}");
        let mut journal = crate::Journal::default();
        let code = machine.compile(&code).expect("accepted");
        let to = crate::Address::pot("contract");
        journal.set_code(&to, code);
        let message = crate::Message { caller: to, to, value: 0, input: &[], fuel: 100 };
        // The linker has it with the same type, or the instance could not be made.
        let outcome = machine.call(&mut journal, &crate::Environment::default(), &message);
        assert!(outcome.status.is_done(), "{name}: {}", outcome.status);
        let other = import(list(function.parameters) + "i32");
        assert_eq!(check(&other), [Refusal::ImportType(name.into())]);
    }
}

#[test]
fn text_modules_long_modules_and_broken_ones_are_refused() {
    let text = with("");
    let machine = Machine::default();
    assert_eq!(check(text.as_bytes()), [Refusal::NotBinary]);
    assert_eq!(machine.compile(text.as_bytes()).err(), Some(Refusal::NotBinary));
    assert_eq!(check(b""), [Refusal::NotBinary]);
    // A custom section fills the code up to the limit, and one byte beyond.
    let padded = |bytes: usize| {
        let mut code = wasm(&text);
        let body = bytes - code.len() - 4;
        code.extend([0, body as u8 | 0x80, (body >> 7) as u8 | 0x80, (body >> 14) as u8]);
        code.push(0);
        code.resize(bytes, 0);
        code
    };
    assert_eq!(check(&padded(limits::CODE)), []);
    assert!(machine.compile(&padded(limits::CODE)).is_ok());
    let long = padded(limits::CODE + 1);
    assert_eq!(check(&long), [Refusal::TooLong { bytes: limits::CODE + 1 }]);
    assert!(machine.compile(&long).is_err());
    let whole = wasm(&text);
    for cut in 4..whole.len() {
        assert!(!check(&whole[..cut]).is_empty(), "cut at {cut}");
        assert!(machine.compile(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

/// wasmi's feature of that name would accept text, and with it whatever the next version accepts.
#[test]
fn the_runtime_is_the_one_in_the_chain_id_and_reads_no_text() {
    let manifest = include_str!("../../../../Cargo.toml");
    let line = manifest.lines().find(|line| line.starts_with("wasmi = ")).expect("a dependency");
    assert_eq!(
        line,
        r#"wasmi = { version = "=2.0.0", default-features = false, features = ["std", "validate", "auto-dispatch"] }"#
    );
    assert_eq!(Machine::RUNTIME, "wasmi 2.0.0");
    let engine = wasmi::Engine::default();
    assert!(wasmi::Module::new(&engine, with("").as_bytes()).is_err());
}
