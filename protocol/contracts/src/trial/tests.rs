use super::*;
use crate::{Status, Trap, shipped};

fn step(text: &str) -> Step {
    Step::read(text).expect("a step")
}

#[test]
fn steps_are_read_word_by_word() {
    let step =
        step("from:bob value:7 at:9 fuel:11 u8:1 u32:2 u64:3 hex:00fF text:ab address:carol");
    assert_eq!((&step.from[..], step.value, step.time_ms, step.fuel), ("bob", 7, Some(9), 11));
    let numbers = [1, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, b'a', b'b'];
    assert_eq!(step.input, [&numbers[..], &address("carol").0].concat());
    let written = address("carol").to_string();
    assert_eq!(address(&written), address("carol"));
    assert_eq!(Step::read(""), Ok(Step::default()));
}

#[test]
fn words_that_mean_nothing_are_refused_by_name() {
    for (word, says) in [
        ("5", "`5`: write KIND:VALUE"),
        ("u16:5", "no kind `u16`"),
        ("u8:256", "from 0 to 255"),
        ("u32:-1", "from 0 to 4294967295"),
        ("u64:1.5", "from 0 to 2^64 - 1"),
        ("hex:abc", "pairs of hexadecimal digits"),
        ("hex:zz", "pairs of hexadecimal digits"),
        ("hex:ää", "pairs of hexadecimal digits"),
        ("value:x", "from 0 to 2^64 - 1"),
    ] {
        let error = Step::read(word).expect_err(word).to_string();
        assert!(error.contains(says) && error.contains(word), "{error}");
    }
    let long = format!("text:{}", "x".repeat(limits::INPUT + 1));
    assert_eq!(Step::read(&long), Err(StepError::TooLong { bytes: limits::INPUT + 1 }));
}

#[test]
fn a_token_is_tried() {
    let token = shipped::find("token").expect("shipped").wasm;
    let (mut trial, receipt) = Trial::deploy(token, &step("u64:100")).expect("accepted");
    assert_eq!((receipt.status, &receipt.output[..]), (Status::Done, &trial.contract().0[..]));
    let receipt = trial.call(&step("u8:1 address:bob u64:30"));
    assert_eq!((receipt.status, receipt.events.len()), (Status::Done, 1));
    let balance = |trial: &Trial, name: &str| {
        let outcome = trial.query(&step(&format!("u8:0 address:{name}")));
        u64::from_le_bytes(outcome.output.try_into().expect("eight bytes"))
    };
    assert_eq!((balance(&trial, "alice"), balance(&trial, "bob")), (70, 30));
    let receipt = trial.call(&step("from:bob u8:1 address:carol u64:31"));
    assert_eq!(receipt.status, Status::Trapped(Trap::Unreachable));
    assert_eq!((balance(&trial, "alice"), balance(&trial, "bob")), (70, 30));
}

#[test]
fn refused_code_is_told_all_its_faults() {
    assert_eq!(Trial::deploy(b"(module)", &Step::default()).err(), Some(vec![Refusal::NotBinary]));
}
