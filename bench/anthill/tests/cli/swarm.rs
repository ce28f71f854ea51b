//! `anthill swarm` over protocols that ship: nothing is found, and it says what was exercised.

use crate::{Desk, refusal, stdout};

#[test]
fn a_swarm_says_what_it_exercised_whatever_the_threads() {
    let desk = Desk::new();
    let line = "swarm --protocol raft --protocol gossip --runs 40 --seed 3";
    let output = desk.anthill(&format!("{line} --threads 2 --out s"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    for part in [
        "raft: 20 runs, ",
        "gossip: 20 runs, ",
        "2 compared with the oracle",
        "  nodes ",
        "  networks ",
        "  adversaries ",
        "  conditions ",
        "elections (",
        "coverage (",
        "  election safety: inside its bound ",
        "nothing found in 40 runs, seed 3\n",
        "Saved in s\n",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    let json = desk.json("s/swarm.json");
    assert_eq!((&json["runs"], &json["find"]), (&40.into(), &serde_json::Value::Null));
    let raft = &json["protocols"]["raft"];
    let count = |value: &serde_json::Value| value.as_u64().expect("a number");
    let judged = &raft["judges"]["election safety"];
    let kinds = ["within_bound", "beyond_bound_held", "beyond_bound_broken", "not_judged"];
    let sum: u64 = kinds.iter().map(|kind| count(&judged[*kind])).sum();
    assert_eq!(sum + count(&raft["too_large"]), 20, "{judged}");
    assert!(count(&judged["within_bound"]) > 0 && count(&raft["events"]) > 1_000);
    assert_eq!(raft["not_exercised"], serde_json::json!([]), "too few runs to say so");

    let alone = desk.anthill(&format!("{line} --threads 1 --format json"));
    assert_eq!(alone.status.code(), Some(0));
    assert_eq!(crate::json(&alone.stdout), json);
}

#[test]
fn the_witness_protocol_is_drawn_with_terms_of_its_own() {
    let desk = Desk::new();
    let output = desk.anthill("swarm --protocol witness --runs 6 --seed 1 --format json");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let json = crate::json(&output.stdout);
    let metrics = &json["protocols"]["witness"]["metrics"];
    assert!(metrics["payments_final"].as_u64().is_some_and(|runs| runs >= 3), "{metrics}");
}

#[test]
fn what_cannot_be_done_is_refused() {
    let desk = Desk::new();
    for (line, expected) in [
        ("swarm --protocol rafd", "no protocol `rafd`; did you mean `raft`?"),
        ("swarm --runs 0", "--runs 0: must be a whole number from 1 to "),
        ("swarm --runs many", "--runs many: must be"),
        ("swarm --seed -1", "--seed -1: must be a whole number from 0 to "),
        ("swarm --seconds 1.5", "--seconds 1.5: must be"),
        ("swarm --threads 0", "--threads 0: must be a whole number from 1 to 64"),
        ("swarm --protocol raft --protocol raft", "--protocol raft: given twice"),
    ] {
        let refused = refusal(&desk.anthill(line));
        assert!(refused.contains(expected), "{line}: {refused}");
    }
    std::fs::create_dir(desk.path("s")).expect("a directory");
    std::fs::write(desk.path("s/mine"), "x").expect("a file");
    let refused = refusal(&desk.anthill("swarm --protocol raft --runs 1 --out s"));
    assert!(refused.contains("s is not empty"), "{refused}");
}

#[test]
fn an_interrupted_swarm_saves_what_it_has_done() {
    let desk = Desk::new();
    // Its directory is claimed before the first run begins.
    let output = desk.interrupted("swarm --protocol raft --runs 1000000 --seed 1 --out s", "s");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let json = desk.json("s/swarm.json");
    assert!(json["find"].is_null() && json["runs"].as_u64().is_some(), "{json}");
    assert!(stdout(&output).contains("nothing found in "), "{output:?}");
}

#[test]
fn a_swarm_ends_when_its_time_is_over() {
    let desk = Desk::new();
    let output = desk.anthill("swarm --protocol raft --seconds 1 --format json");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let json = crate::json(&output.stdout);
    assert!(json["runs"].as_u64().is_some_and(|runs| runs > 0), "{json}");
}
