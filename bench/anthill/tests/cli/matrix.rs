//! What is saved does not depend on how it was computed: the determinism matrix, on files.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Desk, files, json, stdout};

/// Everything of a run directory that is a function of the scenario, by name.
fn saved_result(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut parts: Vec<_> = files(directory)
        .into_iter()
        .filter(|name| !matches!(name.as_str(), "manifest.json" | "summary.json"))
        .map(|name| {
            let bytes = fs::read(directory.join(&name)).expect("a saved file");
            (name, bytes)
        })
        .collect();
    let summary = json(&fs::read(directory.join("summary.json")).expect("the summary"));
    parts.push(("result of summary.json".into(), summary["result"].to_string().into_bytes()));
    parts
}

/// Runs the matrix on one scenario; returns the reference's result part.
fn one_result(scenario: &str, expected_files: &[&str]) -> Value {
    let desk = Desk::new();
    let run = |flags: &str, out: &str| {
        let line = format!("run {scenario} --format json --progress off {flags} --out {out}");
        let output = desk.anthill(&line);
        assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
        assert!(output.stderr.is_empty(), "{line}: {output:?}");
        saved_result(&desk.path(out))
    };
    let reference = run("--engine sequential", "sequential");
    let names: Vec<&str> = reference.iter().map(|(name, _)| name.as_str()).collect();
    for expected in expected_files {
        assert!(names.contains(expected), "{expected} is not among {names:?}");
    }
    for shards in [1, 2, 3, 7] {
        for threads in [1, 2, 7] {
            let flags = format!("--shards {shards} --threads {threads}");
            let found = run(&flags, &format!("{shards}-{threads}"));
            assert_eq!(found.len(), reference.len(), "{scenario} {flags}");
            for ((name, bytes), (reference_name, expected)) in found.iter().zip(&reference) {
                assert_eq!(name, reference_name, "{scenario} {flags}");
                assert!(bytes == expected, "{scenario} {flags}: {name} differs");
            }
        }
    }
    // Whatever computed it, replaying it agrees.
    for directory in ["sequential", "3-7"] {
        let replay = desk.anthill(&format!("replay {directory} --progress off"));
        assert_eq!(replay.status.code(), Some(0), "{replay:?}");
        assert!(stdout(&replay).starts_with("same digest "), "{replay:?}");
    }
    json(&reference.last().expect("the result").1)
}

#[test]
fn gossip_saves_the_same_bytes_however_it_is_run() {
    let result = one_result(
        "gossip --nodes 5k",
        &["checks.json", "metrics/coverage.hgrm", "metrics/coverage.hlog", "series.csv"],
    );
    assert!(result["events"].as_u64() > Some(30_000), "{result}");
}

#[test]
fn conditions_save_the_same_bytes_however_they_are_run() {
    let flags = "--nodes 3k --set protocol.interval=3s --set network.loss=0.01 \
                 --set fault=[{kind=\"crash\",at=\"12s\",heal=\"14s\",fraction=0.1}]";
    let result = one_result(&format!("flash-crowd {flags}"), &["metrics/rtt.hgrm", "series.csv"]);
    for name in ["lost", "missed", "downlink_dropped", "cpu_wait_ns", "restarts"] {
        assert!(result["conditions"][name].as_u64() > Some(0), "{name}: {result}");
    }
}

#[test]
fn phold_saves_the_same_bytes_however_it_is_run() {
    let result = one_result("phold --nodes 5k --until 50ms", &["checks.json", "series.csv"]);
    assert!(result["events"].as_u64() > Some(100_000), "{result}");
}
