//! Traces: the same bytes however a run is executed, within bounds, and explained from a rerun.

use std::fs;

use serde_json::Value;

use crate::{Desk, json, refusal, stdout};

const FILES: [&str; 2] = ["trace.jsonl", "trace.perfetto.json"];

/// Runs a traced scenario on every shape; returns the oracle's records.
fn one_trace(desk: &Desk, scenario: &str) -> Vec<Value> {
    let run = |flags: &str, out: &str| {
        let line = format!("run {scenario} --trace --progress off {flags} --out {out}");
        let output = desk.anthill(&line);
        assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
        FILES.map(|name| fs::read(desk.path(&format!("{out}/{name}"))).expect("a trace"))
    };
    let expected = run("--engine sequential", "oracle");
    for (shards, threads) in [(1, 1), (2, 2), (3, 7), (7, 2)] {
        let flags = format!("--shards {shards} --threads {threads}");
        let found = run(&flags, &format!("{shards}-{threads}"));
        assert!(found == expected, "{scenario} {flags}: the trace differs");
    }
    let perfetto = json(&expected[1]);
    assert!(perfetto["traceEvents"].as_array().is_some_and(|events| events.len() > 10));
    String::from_utf8_lossy(&expected[0]).lines().map(|line| json(line.as_bytes())).collect()
}

#[test]
fn a_trace_is_the_same_on_every_shape_and_complete() {
    let desk = Desk::new();
    let records = one_trace(&desk, "gossip --nodes 500");
    let summary = desk.json("oracle/summary.json");
    assert_eq!(Some(records.len() as u64), summary["messages"].as_u64());
    let bytes: u64 = records.iter().filter_map(|record| record["bytes"].as_u64()).sum();
    assert_eq!(Some(bytes), summary["bytes_on_wire"].as_u64());
    for record in &records {
        let of = |key: &str| record[key].as_u64().expect(key);
        assert_eq!(of("sent_ns") + of("latency_ns"), of("at_ns"), "{record}");
    }
    // A trace changes nothing.
    desk.anthill("run gossip --nodes 500 --progress off --out plain");
    assert_eq!(desk.json("plain/summary.json")["digest"], summary["digest"]);
}

#[test]
fn a_sample_under_conditions_is_the_same_on_every_shape_and_bounded() {
    let desk = Desk::new();
    let flags = "--nodes 150 --until 20s --set protocol.interval=1s --set network.loss=0.05 \
                 --set network.duplication=0.05 --most 3k --timers";
    let records = one_trace(&desk, &format!("flash-crowd {flags}"));
    assert_eq!(records.len(), 3_000);
    for fate in ["handled", "lost"] {
        assert!(records.iter().any(|record| record["fate"] == fate), "{fate}");
    }
    assert!(records.iter().any(|record| record["kind"] == "timer"));
    // As many of its records as of all are of the run's second half.
    desk.anthill("trace oracle --timers --most 2M --out full --progress off");
    let full = fs::read_to_string(desk.path("full/trace.jsonl")).expect("a trace");
    let full: Vec<Value> = full.lines().map(|line| json(line.as_bytes())).collect();
    let late = |records: &[Value]| {
        let late = |record: &&Value| record["sent_ns"].as_u64() > Some(10_000_000_000);
        records.iter().filter(late).count() as f64 / records.len() as f64
    };
    assert!(full.len() > 20_000, "{}", full.len());
    assert!((late(&full) - late(&records)).abs() < 0.05, "{} {}", late(&full), late(&records));
    let output = desk.anthill(&format!("run flash-crowd {flags} --trace --progress off --out n"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("an even sample: 3,000 of "), "{stderr}");
}

#[test]
fn a_saved_run_is_traced_afterwards() {
    let desk = Desk::new();
    let run = "run gossip --nodes 500 --progress off --node 7 --to 1s --trace --out now";
    assert_eq!(desk.anthill(run).status.code(), Some(0));
    desk.anthill("run gossip --nodes 500 --progress off --out plain");
    let later = desk.anthill("trace plain --node 7 --to 1s --out later --progress off");
    assert_eq!(stdout(&later), "Saved in later\n", "{later:?}");
    for name in FILES {
        let read = |run: &str| fs::read(desk.path(&format!("{run}/{name}"))).expect("a trace");
        assert!(read("now") == read("later"), "{name}");
    }
    let lines = stdout(&desk.anthill("trace plain --node 7 --to 1s --progress off"));
    let text =
        String::from_utf8_lossy(&fs::read(desk.path("now/trace.jsonl")).expect("it")).into_owned();
    assert_eq!(lines.lines().count(), text.lines().count());
    assert!(lines.lines().count() > 8, "{lines}");
    // A version that would not repeat the run must not pretend to show it.
    let path = desk.path("plain/summary.json");
    let forged = fs::read_to_string(&path)
        .expect("the summary")
        .replace("\"digest\": \"", "\"digest\": \"0");
    fs::write(&path, forged).expect("written");
    let refused = refusal(&desk.anthill("trace plain --progress off"));
    assert!(refused.contains("does not repeat the run"), "{refused}");
}

/// The chain of the first copy of a rumour is a path in the trace, and its delays are the latency.
#[test]
fn a_delivery_is_explained_by_the_events_that_led_to_it() {
    let desk = Desk::new();
    desk.anthill("run gossip --nodes 500 --progress off --trace --out run");
    let text = stdout(&desk.anthill("trace run --explain=first --node 123 --progress off"));
    let first = String::from_utf8_lossy(&fs::read(desk.path("run/trace.jsonl")).expect("a trace"))
        .lines()
        .map(|line| json(line.as_bytes()))
        .find(|record| record["to"] == 123)
        .expect("it hears of it");
    let id = first["id"].as_str().expect("a name");
    assert!(text.starts_with(&format!("data at node 123, event {id}\n")), "{text}");
    assert!(text.contains("after the start of node 0"), "{text}");
    let steps: Vec<Vec<&str>> = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("step"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(steps.len() > 1, "{text}");
    // Each step begins where the one before it ended: number, time, "s", from, "->", to.
    for pair in steps.windows(2) {
        assert_eq!(pair[0][5], pair[1][3], "{text}");
    }
    assert_eq!((steps[0][3], steps[steps.len() - 1][5]), ("0", "123"));
    assert!(text.contains("in the network") && text.contains("100.0 %"), "{text}");
    // By name it is the same.
    let named = stdout(&desk.anthill(&format!("trace run --explain={id} --progress off")));
    assert_eq!(named, text);
    let cut = stdout(&desk.anthill(&format!("trace run --explain={id} --hops 1 --progress off")));
    assert!(cut.contains("(1 steps back)"), "{cut}");
}

#[test]
fn what_cannot_be_traced_is_refused() {
    let desk = Desk::new();
    desk.anthill("run gossip --nodes 100 --progress off --out run");
    for (line, expected) in [
        ("trace run --kind dta", "did you mean `data`?"),
        ("trace run --node 100", "there is no node 100"),
        ("trace run --node=-1", "is not a node"),
        ("trace run --from 2s --to 1s", "no event can lie between them"),
        ("trace run --from 9h", "the run's end at"),
        ("trace run --from soon", "--from soon"),
        ("trace run --sample 2", "is no share"),
        ("trace run --most 0", "write 1 to 2,000,000"),
        ("trace run --hops 0 --explain", "--hops 0 is out of bounds"),
        ("trace run --explain=latest", "write last, first, or the name"),
        ("trace run --explain=5-100-1", "there is no node 100"),
        ("trace run --explain=5-1-1", "no event of that name"),
        ("trace run --explain --out x", "give one of them"),
        ("trace run --out run", "is not empty"),
        ("trace nowhere", "give a run directory"),
        ("run gossip --node 5", "--node needs --verbose"),
        ("run gossip --most 5", "--most needs --verbose"),
        ("run gossip --trace --kind rumor", "kinds: "),
        ("run gossip --nodes 10 --trace --node 10", "there is no node 10"),
    ] {
        let refused = refusal(&desk.anthill(&format!("{line} --progress off")));
        assert!(refused.contains(expected), "{line}: {refused}");
    }
    assert!(!desk.path("anthill-runs").exists() && !desk.path("x").exists());
}
