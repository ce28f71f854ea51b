//! The consensus family on the command line: histories, what it costs, the demonstration.

use std::collections::BTreeSet;
use std::fs;

use crate::{Desk, json};

#[test]
fn a_history_has_outputs_and_operations_and_is_the_same_for_both_engines() {
    let desk = Desk::new();
    let run = |engine: &str, out: &str| {
        let line = format!("run pbft --nodes 4 --history --engine {engine} --out {out}");
        let output = desk.anthill(&line);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        ["history.jsonl", "history.edn"]
            .map(|name| fs::read_to_string(desk.path(out).join(name)).expect("it is saved"))
    };
    let [lines, operations] = run("sharded", "a");
    assert_eq!([lines.clone(), operations.clone()], run("sequential", "b"));
    let outputs: Vec<_> = lines.lines().map(|line| json(line.as_bytes())).collect();
    let times: Vec<_> = outputs.iter().map(|output| output["time_ns"].as_u64()).collect();
    assert!(times.is_sorted() && times[0].is_some() && outputs.len() > 1_000);
    assert!(outputs.iter().all(|output| output["output"].is_string() && output["node"].is_u64()));
    // Every operation ends once, after it has begun.
    let mut open = BTreeSet::new();
    let mut ended = 0;
    for line in operations.lines() {
        let field = |name: &str| {
            let (_, rest) = line.split_once(name).expect("a field");
            rest.split([',', '}']).next().expect("a value").trim().to_owned()
        };
        let operation = (field(":process"), field(":value"));
        match field(":type").as_str() {
            ":invoke" => assert!(open.insert(operation), "{line}"),
            ":ok" => {
                assert!(open.remove(&operation), "{line}");
                ended += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(ended > 50 && open.is_empty(), "{ended} ended, {open:?} did not");
    let refused = desk.anthill("run phold --history");
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
}

#[test]
fn costs_are_as_theory_says() {
    let desk = Desk::new();
    let line = "complexity --protocol streamlet,dolev-strong --n 4,7,10 --seeds 2 \
                --set crypto.mode=modelled --progress off --out c";
    let output = desk.anthill(line);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found = desk.json("c/complexity.json");
    let cells = found["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), 6);
    for cell in cells {
        let n = cell["n"].as_f64().expect("nodes");
        let costs = cell["costs"].as_array().expect("costs");
        let messages = costs.iter().find(|cost| cost["cost"] == "messages").expect("messages");
        let expected = match cell["protocol"].as_str() {
            Some("streamlet") => n * n - 1.0,
            _ => (n - 1.0) * (n - 1.0),
        };
        assert_eq!(messages["mean"].as_f64(), Some(expected), "{cell}");
        assert_eq!(messages["theory"]["agrees"], true, "{cell}");
        // With as many faults as the nodes allow: all but one, so a round for each node.
        let rounds = costs.iter().find(|cost| cost["cost"] == "rounds").expect("rounds");
        let expected = if cell["protocol"] == "streamlet" { 2.0 } else { n };
        assert_eq!(rounds["mean"].as_f64(), Some(expected), "{cell}");
    }
    for name in ["costs.csv", "exponents.csv", "messages.svg", "report.html"] {
        assert!(desk.path("c").join(name).exists(), "{name}");
    }
    for wrong in ["--protocol raft --n 5 --f 1", "--protocol paxos --n 5", "--protocol pbft --n 0"]
    {
        let refused = desk.anthill(&format!("complexity {wrong}"));
        assert_eq!(refused.status.code(), Some(2), "{wrong}: {refused:?}");
    }
}

/// A law that does not hold under an attack ends the command with 1.
#[test]
fn a_broken_law_is_told() {
    let desk = Desk::new();
    let line = "complexity --protocol dolev-strong --n 7 --seeds 2 --set crypto.mode=modelled \
                --set adversary={kind=\"equivocating-sender\"} --progress off --out c";
    let output = desk.anthill(line);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected exactly 36"), "{output:?}");
}

#[test]
fn every_act_of_the_demonstration_shows_what_it_says() {
    let desk = Desk::new();
    let output = desk.anthill("demo --out d --progress off");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let acts = desk.json("d/demo.json");
    let acts = acts["acts"].as_array().expect("acts");
    assert!(acts.len() > 30 && acts.iter().all(|act| act["as_expected"] == true));
    let page = fs::read_to_string(desk.path("d/report.html")).expect("a page");
    assert!(page.contains("How messages grow") && !page.contains("UNEXPECTED"));
}
