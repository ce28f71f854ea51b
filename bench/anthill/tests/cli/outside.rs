//! What other programs take from here: a scenario by a pipe, JSON, the schema, completions, man pages, the
//! dashboard, and the action that comments on pull requests.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::{Desk, json, refusal, stdout};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The command with a text on its standard input.
fn piped(desk: &Desk, line: &str, text: &str) -> Output {
    let mut command = desk.command(line);
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("it is read");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_scenario_may_come_by_a_pipe() {
    let desk = Desk::new();
    let text = "nodes = 100\nuntil = \"20ms\"\n[protocol]\nname = \"phold\"\n";
    let output = piped(&desk, "run - --format json --seed 3 --out p", text);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    fs::write(desk.path("same.toml"), text).expect("a file");
    let same = desk.anthill("run same.toml --format json --seed 3 --out f");
    assert_eq!(json(&output.stdout)["digest"], json(&same.stdout)["digest"]);
    assert_eq!(desk.anthill("replay p").status.code(), Some(0));
    let wrong = text.replace("nodes = 100", "node = 100");
    let message = refusal(&piped(&desk, "run -", &wrong));
    assert!(message.contains("standard input") && message.contains("nodes"), "{message}");
}

#[test]
fn what_is_printed_to_be_read_is_there_for_programs_too() {
    let desk = Desk::new();
    let of = |line: &str| json(&desk.anthill(line).stdout);
    let raft = of("protocols raft --format json");
    assert_eq!(raft["parameters"]["election_timeout"]["type"], "duration_ns");
    assert!(raft["judges"].as_object().is_some_and(|judges| judges.len() > 2), "{raft}");
    let all = of("protocols --format json");
    assert!(all["protocols"].as_array().is_some_and(|list| list.contains(&raft)));
    assert_eq!(all["scenarios"][0]["name"], "regional-outage");
    let phold = of("validate phold --nodes 1k --format json");
    assert_eq!(phold["scenario"]["nodes"], 1000);
    assert_eq!((&phold["memory"]["fits"], &phold["l_ns"]), (&"yes".into(), &1_000_000.into()));
    let schema = of("schema");
    let committed = fs::read(root().join("docs/scenario.schema.json")).expect("the schema");
    assert_eq!(schema, json(&committed));
}

#[test]
fn shells_and_man_are_served() {
    let desk = Desk::new();
    let bash = stdout(&desk.anthill("completions bash"));
    assert!(bash.contains("_anthill()") && bash.contains("--stop-on-violation"));
    assert!(refusal_of_clap(&desk.anthill("completions tcsh")).contains("bash"));
    assert!(stdout(&desk.anthill("man")).starts_with(".ie"));
    let told = stdout(&desk.anthill("man --out pages"));
    let pages = crate::files(&desk.path("pages"));
    assert_eq!(told, format!("{} pages in pages\n", pages.len()));
    assert!(pages.contains(&"anthill-contract-run.1".to_owned()), "{pages:?}");
}

fn refusal_of_clap(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The step of the action, without GitHub.
fn action(desk: &Desk, arguments: &str, not_worse: &str) -> Output {
    let mut command = Command::new(root().join("scripts/action/compare"));
    command.current_dir(desk.path("")).env("ANTHILL", env!("CARGO_BIN_EXE_anthill"));
    command.env("A", "gossip").env("B", "gossip").env("NOT_WORSE", not_worse);
    command.env("ARGUMENTS", format!("--nodes 200 --set network.loss=0.1 {arguments}"));
    command.env("GITHUB_STEP_SUMMARY", desk.path("summary.md")).env_remove("GH_TOKEN");
    command.output().expect("bash")
}

#[test]
fn the_action_says_what_got_worse_and_fails_if_it_must_not() {
    let desk = Desk::new();
    let worse = action(&desk, "--seeds 12 --set-b protocol.fanout=4", "metrics.coverage");
    assert_eq!(worse.status.code(), Some(1), "{worse:?}");
    let comment = fs::read_to_string(desk.path("summary.md")).expect("a summary");
    assert!(comment.starts_with("### anthill compare: 12 pairs\n"), "{comment}");
    assert!(comment.contains("| metrics.coverage | 🔴 worse | "), "{comment}");
    assert!(comment.contains("| messages | 🟢 better | 1,600 | "), "{comment}");

    let desk = Desk::new();
    let few = action(&desk, "--seeds 3 --set-b protocol.fanout=4", "metrics.coverage");
    assert_eq!(few.status.code(), Some(0), "{few:?}");
    let comment = fs::read_to_string(desk.path("summary.md")).expect("a summary");
    assert!(comment.contains("Too few pairs for any verdict"), "{comment}");

    let unknown = action(&Desk::new(), "--seeds 2", "metrics.nosuch");
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    // Arguments are split, never executed.
    let injected = action(&desk, "--seeds 2 $(touch,here)", "");
    assert_eq!(injected.status.code(), Some(2), "{injected:?}");
    assert!(!desk.path("here").exists() && !desk.path(",here").exists());
}

#[test]
fn names_in_a_comment_cannot_break_its_table() {
    let desk = Desk::new();
    let metric = serde_json::json!({
        "metric": "a|b<script>`\n", "verdict": "worse", "mean_a": 1.0, "mean_b": 2.0,
        "relative": null, "interval": [0.5, 1.5],
    });
    let found: Value = serde_json::json!({
        "pairs": 9, "pairs_needed": 2, "metrics": [metric], "allowed_differences": [],
    });
    fs::write(desk.path("c.json"), found.to_string()).expect("a file");
    let output = Command::new("python3")
        .arg(root().join("scripts/action/comment.py"))
        .arg(desk.path("c.json"))
        .output()
        .expect("python3");
    let text = stdout(&output);
    assert!(text.contains("| a\\|b&lt;script>\\`  | 🔴 worse | 1 | 2 |  | 0.5 to 1.5 |"), "{text}");
}
