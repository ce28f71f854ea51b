//! `anthill contract`: what may be deployed, and what a contract does when it is tried.

use std::fs;

use crate::{Desk, refusal, stdout};

#[test]
fn a_shipped_contract_is_tried_step_by_step() {
    let desk = Desk::new();
    let steps = [
        ("--init", "u64:1000"),
        ("--call", "u8:1 address:bob u64:30"),
        ("--call", "from:bob u8:1 address:carol u64:31"),
        ("--query", "u8:0 address:bob"),
    ];
    let mut command = desk.command("contract run token");
    steps.iter().for_each(|(flag, step)| {
        command.args([flag, step]);
    });
    let output = command.output().expect("the binary starts");
    // The second call is refused by the contract: the query still answers.
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = stdout(&output);
    for part in [
        "deployed: done, ",
        "call: done, ",
        "event transfer: ",
        "call: trapped: unreachable executed, ",
        "returned 1e00000000000000 (u64 30)",
        "the contract has 0 of money",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn code_is_checked_with_all_reasons_by_file() {
    let desk = Desk::new();
    assert!(stdout(&desk.anthill("contract check token nft")).contains("nft: may be deployed ("));
    fs::write(desk.path("text.wasm"), "(module)").expect("a file");
    fs::write(desk.path("empty.wasm"), b"\0asm\x01\0\0\0").expect("a file");
    let long = fs::File::create(desk.path("long.wasm")).expect("a file");
    long.set_len(1 << 30).expect("a sparse file");
    for (line, parts) in [
        ("contract check text.wasm", &["text.wasm", "a text module must be compiled"][..]),
        ("contract check empty.wasm", &["no memory named `memory`", "no function named `call`"]),
        ("contract check long.wasm", &["long.wasm", "1073741824 bytes of code"]),
        ("contract run text.wasm", &["text.wasm", "a text module must be compiled"]),
        ("contract run none.wasm", &["cannot read none.wasm", "organisation"]),
        ("contract run .", &["not a file"]),
        ("contract run token --call u8:300", &["--call", "`u8:300`", "from 0 to 255"]),
    ] {
        let message = refusal(&desk.anthill(line));
        for part in parts {
            assert!(message.contains(part), "{line}: {part} in {message}");
        }
    }
}
