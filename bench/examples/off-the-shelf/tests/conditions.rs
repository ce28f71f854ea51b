//! The crates under conditions, as a user runs them: one result on both engines, judges content, and the clock that one
//! crate reads found by comparing runs.

use std::path::Path;
use std::process::Command;

/// The summary of a run; whatever its judges find is in it.
fn run(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let out = folder.join(arguments.join("_").replace(|c: char| !c.is_alphanumeric(), "-"));
    let output = Command::new(env!("CARGO_BIN_EXE_off-the-shelf"))
        .arg("run")
        .args(arguments)
        .args(["--format", "json", "--progress", "off", "--out"])
        .arg(&out)
        .output()
        .expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a summary")
}

const LOSS: &str = "network.loss=0.02";
const CRASH: &str = r#"fault=[{at="5s",heal="10s",kind="crash",nodes=[0,1],keep_state=true}]"#;
const PARTITION: &str = r#"fault=[{at="5s",heal="10s",kind="partition",nodes=["0-3"]}]"#;
const TWINS: &str = r#"adversary={kind="twins",fraction=0.25}"#;

#[test]
fn both_crates_give_one_result_on_both_engines_under_all_conditions() {
    let folder = tempfile::tempdir().expect("a folder");
    for (protocol, nodes) in [("omnipaxos", "10"), ("malachite", "8")] {
        for condition in [LOSS, CRASH, PARTITION] {
            let base = [protocol, "--nodes", nodes, "--until", "20s", "--set", condition];
            let windows = run(folder.path(), &[&base[..], &["--shards", "3"]].concat());
            let oracle = run(folder.path(), &[&base[..], &["--engine", "sequential"]].concat());
            assert_eq!(windows["digest"], oracle["digest"], "{protocol}, {condition}");
            assert!(
                windows["metrics"]["decided"].as_u64() > Some(40),
                "{protocol}, {condition}: {windows}"
            );
            for check in windows["checks"].as_array().expect("judged") {
                assert_eq!(check["ok"], true, "{protocol}, {condition}: {check}");
            }
        }
    }
}

#[test]
fn liars_below_a_third_cost_malachite_time_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let summary = run(folder.path(), &["malachite", "--until", "60s", "--set", TWINS]);
    assert!(summary["metrics"]["decided"].as_u64() > Some(200), "{summary}");
    assert_eq!(summary["checks"][0]["ok"], true, "{summary}");
}

/// With a target time for heights the crate reads the machine's clock, and says how long to wait by it.
#[test]
fn comparing_two_runs_finds_the_clock_that_malachite_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let base = ["malachite", "--until", "10s"];
    let digests = |more: &[&str]| {
        [["--shards", "1"], ["--shards", "2"]].map(|shards| {
            run(folder.path(), &[&base[..], more, &shards].concat())["digest"].clone()
        })
    };
    let [first, second] = digests(&[]);
    assert_eq!(first, second);
    let [first, second] = digests(&["--set", "protocol.target=3s"]);
    assert_ne!(first, second);
}
