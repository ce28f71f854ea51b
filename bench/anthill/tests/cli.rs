//! The `anthill` binary as its users meet it: exit codes, streams, files.
//!
//! Every test runs the real binary in a directory of its own. Runs are of a few thousand nodes,
//! so the whole file takes seconds. `refusals` has one test per kind of bad input; `matrix`
//! compares what is saved across engines, shards and threads; `scenarios` runs those that ship;
//! `signatures` has modes, keys, costs and `calibrate`; `report`, `playback` and `serve` have the pages;
//! `contract` checks and tries contracts; `saved` has runs that go on and fork, `ledger` the chain of a run; `diagrams` draws every protocol; `profile` samples runs; `trace`, `verbose` and `table` look at
//! single events and nodes; `swarm` judges random runs; `scale`, `sweep` and `compare` make many runs, are interrupted and
//! continue; `outside` is what other programs take; `external` lets programs play nodes; `signals` ends and kills them; `files` has what users bring, `inputs` what is known of it
//! later; `full_disk` has what happens where there is no room, and `refused_by_the_system` where memory
//! or threads are refused.

#[path = "cli/compare.rs"]
mod compare;
#[path = "cli/contract.rs"]
mod contract;
#[path = "cli/diagrams.rs"]
mod diagrams;
#[path = "cli/external.rs"]
mod external;
#[path = "cli/family.rs"]
mod family;
#[path = "cli/files.rs"]
mod files_of_users;
#[path = "cli/full_disk.rs"]
mod full_disk;
#[path = "cli/inputs.rs"]
mod inputs;
#[path = "cli/judges.rs"]
mod judges;
#[path = "cli/ledger.rs"]
mod ledger;
#[path = "cli/matrix.rs"]
mod matrix;
#[path = "cli/outside.rs"]
mod outside;
#[path = "cli/parquet.rs"]
mod parquet;
#[path = "cli/playback.rs"]
mod playback;
#[path = "cli/profile.rs"]
mod profile;
#[path = "cli/readme.rs"]
mod readme;
#[path = "cli/refusals.rs"]
mod refusals;
#[path = "cli/refused_by_the_system.rs"]
mod refused_by_the_system;
#[path = "cli/report.rs"]
mod report;
#[path = "cli/saved.rs"]
mod saved;
#[path = "cli/scale.rs"]
mod scale;
#[path = "cli/scenarios.rs"]
mod scenarios;
#[path = "cli/serve.rs"]
mod serve;
#[path = "cli/signals.rs"]
mod signals;
#[path = "cli/signatures.rs"]
mod signatures;
#[path = "cli/swarm.rs"]
mod swarm;
#[path = "cli/sweep.rs"]
mod sweep;
#[path = "cli/table.rs"]
mod table;
#[path = "cli/trace.rs"]
mod trace;
#[path = "cli/verbose.rs"]
mod verbose;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// A directory to run in, and the binary.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anthill"));
        command.args(line.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    fn anthill(&self, line: &str) -> Output {
        self.command(line).output().expect("the binary starts")
    }

    /// The command, told to end as by Ctrl-C once that file is there.
    fn interrupted(&self, line: &str, file: &str) -> Output {
        let mut command = self.command(line);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.expect("the binary starts");
        for _ in 0..12_000 {
            if self.path(file).exists() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        child.wait_with_output().expect("it ends")
    }

    fn json(&self, name: &str) -> Value {
        json(&fs::read(self.path(name)).expect("the file is there"))
    }
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The one message of a refusal, which must come with exit code 2 and nothing on stdout.
fn refusal(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stdout(output), "", "{stderr}");
    assert!(stderr.starts_with("error: "), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

const SMALL: &str = "run phold --nodes 1k --until 50ms --progress off";

#[test]
fn a_run_saves_its_directory_and_says_where() {
    let desk = Desk::new();
    let output = desk.anthill(SMALL);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    assert!(text.starts_with("phold: 1,000 nodes, seed 1\n"), "{text}");
    assert!(text.ends_with("Saved in anthill-runs/phold-1-1\n"), "{text}");
    assert_eq!(
        files(&desk.path("anthill-runs/phold-1-1")),
        ["checks.json", "manifest.json", "series.csv", "summary.json"]
    );
    let manifest = desk.json("anthill-runs/phold-1-1/manifest.json");
    assert_eq!(manifest["scenario"]["protocol"]["name"], "phold");
    assert_eq!(manifest["seed"], 1);
    // The next one gets the next number.
    assert!(stdout(&desk.anthill(SMALL)).ends_with("Saved in anthill-runs/phold-1-2\n"));
}

#[test]
fn json_alone_is_on_stdout_and_equals_the_file() {
    let desk = Desk::new();
    let output = desk.anthill(&format!("{SMALL} --seed 7 --format json --out here"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stdout, fs::read(desk.path("here/summary.json")).expect("summary"));
    assert!(output.stderr.is_empty(), "{output:?}");
    let summary = json(&output.stdout);
    assert_eq!(summary["run_directory"], "here");
    assert_eq!(summary["nodes"], 1_000);
    assert_eq!(summary["seed"], 7);
    assert_eq!(summary["digest"].as_str().map(str::len), Some(16));
    assert_eq!(summary["result"]["digest"], summary["digest"]);
    assert_eq!(summary["result"]["events"], summary["events"]);
}

#[test]
fn neither_engine_nor_shards_change_the_result() {
    let desk = Desk::new();
    let result = |flags: &str| {
        let output = desk.anthill(&format!("{SMALL} --format json {flags}"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        json(&output.stdout)["result"].to_string()
    };
    let oracle = result("--engine sequential");
    assert_eq!(result("--shards 1 --threads 1"), oracle);
    assert_eq!(result("--shards 3 --threads 2"), oracle);
    assert_ne!(result("--seed 2"), oracle);
}

#[test]
fn what_is_saved_is_never_overwritten() {
    let desk = Desk::new();
    assert_eq!(desk.anthill(&format!("{SMALL} --out mine")).status.code(), Some(0));
    let before = fs::read(desk.path("mine/summary.json")).expect("summary");
    let refused = refusal(&desk.anthill(&format!("{SMALL} --seed 2 --out mine")));
    assert!(refused.contains("not empty") && refused.contains("--out"), "{refused}");
    assert_eq!(fs::read(desk.path("mine/summary.json")).expect("summary"), before);
    fs::write(desk.path("file"), "x").expect("a file");
    assert!(refusal(&desk.anthill(&format!("{SMALL} --out file"))).contains("not a directory"));
    assert!(refusal(&desk.anthill(&format!("{SMALL} --out file/below"))).contains("--out"));
}

#[test]
fn bad_input_is_one_message_and_leaves_nothing_behind() {
    let desk = Desk::new();
    fs::write(desk.path("broken.toml"), "nodes = = 3").expect("a file");
    fs::write(desk.path("latin1.toml"), b"name = \"\xe9\"").expect("a file");
    for (line, part) in [
        ("run fold", "did you mean `phold`"),
        ("run --protocol fold", "did you mean `phold`"),
        ("run missing.toml", "missing.toml"),
        ("run .", "`.`"),
        ("run ./", "not a regular file"),
        ("run broken.toml", "broken.toml"),
        ("run latin1.toml", "latin1.toml"),
        ("run phold --nodes 0", "nodes"),
        ("run phold --nodes many", "nodes"),
        ("run phold --nodes 5G", "nodes"),
        ("run phold --until soon", "until"),
        ("run phold --set nodes", "--set nodes"),
        ("run phold --set protocol.fan=3", "fan"),
        ("run phold --crypto reel", "reel"),
        ("run phold --stop-on-violation", "`phold` names nothing that every event must keep"),
        ("protocols fold", "did you mean `phold`"),
        ("validate fold", "did you mean `phold`"),
        ("replay .", "manifest.json"),
    ] {
        let message = refusal(&desk.anthill(line));
        assert!(message.contains(part), "{line}: {message}");
    }
    assert!(!desk.path("anthill-runs").exists(), "refused runs leave no directory");
}

#[test]
fn unknown_flags_and_commands_are_bad_input() {
    let desk = Desk::new();
    for line in ["fly", "run --fly", "run --format xml", "run --nodes", "scale", "run a b"] {
        let output = desk.anthill(line);
        assert_eq!(output.status.code(), Some(2), "{line}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{line}: {output:?}");
    }
}

#[test]
fn help_shows_examples() {
    let desk = Desk::new();
    for line in ["--help", "run --help", "swarm --help"] {
        let output = desk.anthill(line);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(stdout(&output).contains("Examples:"), "{line}");
    }
    assert!(stdout(&desk.anthill("--version")).starts_with("anthill "));
}

#[test]
fn scenario_files_take_overrides() {
    let desk = Desk::new();
    fs::create_dir(desk.path("sub")).expect("a directory");
    fs::write(
        desk.path("sub/my.toml"),
        "nodes = 500\nuntil = \"20ms\"\nseed = 3\n[protocol]\nname = \"phold\"\n",
    )
    .expect("a file");
    let output = desk.anthill("run sub/my.toml --set protocol.remote=0.5 --set seed=4");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).ends_with("Saved in anthill-runs/my-4-1\n"), "{output:?}");
    let manifest = desk.json("anthill-runs/my-4-1/manifest.json");
    assert_eq!(manifest["scenario"]["protocol"]["remote"], 0.5);
    let toml = manifest["scenario_toml"].as_str().expect("TOML");
    assert!(toml.parse::<toml::Table>().is_ok(), "{toml}");
}

#[test]
fn validate_prints_windows_and_memory_and_runs_nothing() {
    let desk = Desk::new();
    let output = desk.anthill("validate phold --nodes 10k");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    for part in ["nodes = ", "lookahead L", "window W", "events/window", "expected peak", "limit L"]
    {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    assert!(files(desk.0.path()).is_empty());
}

#[test]
fn protocols_lists_and_describes() {
    let desk = Desk::new();
    let list = stdout(&desk.anthill("protocols"));
    assert!(list.contains("phold ") && list.contains("flash-crowd "), "{list}");
    let text = stdout(&desk.anthill("protocols phold"));
    assert!(text.contains("lookahead = \"1ms\"") && text.contains("handled"), "{text}");
}

#[test]
fn a_replay_meets_the_digest_or_says_that_it_differs() {
    let desk = Desk::new();
    assert_eq!(desk.anthill(&format!("{SMALL} --seed 5 --out first")).status.code(), Some(0));
    let same = desk.anthill("replay first");
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    assert!(stdout(&same).starts_with("same digest "), "{same:?}");

    let summary = fs::read_to_string(desk.path("first/summary.json")).expect("summary");
    let digest = json(summary.as_bytes())["digest"].as_str().expect("hex").to_owned();
    let forged = summary.replace(&digest, "0123456789abcdef");
    fs::write(desk.path("first/summary.json"), forged).expect("written");
    let different = desk.anthill("replay first");
    assert_eq!(different.status.code(), Some(1), "{different:?}");
    assert!(stdout(&different).contains(&digest), "{different:?}");
}

#[test]
fn a_run_stops_at_a_violation_and_replays_to_there() {
    let desk = Desk::new();
    let line = "run witness --nodes 400 --until 2min --seed 5 --stop-on-violation --set \
                protocol.verifiers=0.5 --set protocol.witnesses=20 --set protocol.redundancy=13 \
                --set adversary.kind=double-signer --set adversary.attempts=20 --progress off";
    let told = stdout(&desk.anthill(&format!("{line} --set protocol.rules=seed --out v")));
    assert!(told.contains("STOPPED AT A VIOLATION"), "{told}");
    assert!(
        told.contains("\nViolations, event by event (seed 5)\n  double spend   by 1 event"),
        "{told}"
    );
    let summary = desk.json("v/summary.json");
    assert_eq!(summary["ended"], "violation");
    let [violation] = &summary["violations"].as_array().expect("a list")[..] else {
        panic!("{}", summary["violations"])
    };
    assert_eq!(
        (&violation["invariant"], &violation["events"]),
        (&"double spend".into(), &1.into())
    );
    let at = violation["first"]["time_ns"].as_u64().expect("a time") as f64 / 1e9;
    assert!((at..at + 0.1).contains(&summary["virtual_s"].as_f64().expect("seconds")), "{at}");
    assert!(stdout(&desk.anthill("replay v")).starts_with("same digest"));
    let page = fs::read_to_string({
        stdout(&desk.anthill("report v --out v.html"));
        desk.path("v.html")
    });
    let page = page.expect("a page");
    assert!(page.contains("STOPPED AT A VIOLATION") && page.contains("double spend: 1 event"));

    // With all corrections there is none, and the run goes to its end.
    stdout(&desk.anthill(&format!("{line} --out w")));
    let summary = desk.json("w/summary.json");
    assert_eq!((&summary["ended"], &summary["violations"]), (&"finished".into(), &Value::Null));
}

#[test]
fn ctrl_c_saves_what_is_finished() {
    let desk = Desk::new();
    let line = "run phold --nodes 1k --until 1000h --progress off --out long --format json";
    // The manifest is written once Ctrl-C is watched for; a run of 1000 hours is then under way.
    let output = desk.interrupted(line, "long/manifest.json");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(desk.json("long/summary.json")["ended"], "interrupted");
    let replay = desk.anthill("replay long");
    assert!(refusal(&replay).contains("cut short"), "{replay:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let desk = Desk::new();
    let mut child = desk
        .command("protocols phold")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

/// A measured table with gaps and impossible entries: what was done about them is said, by the run
/// and before it.
#[test]
fn gaps_and_impossible_entries_of_a_table_are_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("gaps.toml");
    std::fs::write(
        &scenario,
        "nodes = 50\nuntil = \"1s\"\n[protocol]\nname = \"phold\"\n[network]\nmodel = \"regional\"\n\
         regions = { file = \"t.csv\", format = \"ripe-country\", latency = \"rtt\" }\n",
    )
    .expect("writable");
    let header = "cty1,cty2,rtt_cnt,rtt_avg,rtt_std,rtt_min,rtt_max\n";
    let rows = "AA,AA,3,0.01,0.001,0.01,0.02\nAA,BB,3,20,1,19,22\nBB,BB,3,2,0.1,1.9,2.2\n\
                CC,AA,3,9,1,8,11\nCC,CC,3,2,0.1,1.9,2.2\n";
    std::fs::write(folder.path().join("t.csv"), format!("{header}{rows}")).expect("writable");
    let run = |command: &[&str]| {
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_anthill"))
            .args(command)
            .arg(&scenario)
            .current_dir(folder.path())
            .output()
            .expect("starts");
        assert!(done.status.code().is_some_and(|code| code < 2), "{done:?}");
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
    };
    for text in [run(&["validate"]), run(&["run", "--out", "r"])] {
        assert!(text.contains("1 latencies below network.min_delay were raised to it"), "{text}");
        assert!(text.contains("regions hold no node because the table lacks latencies"), "{text}");
    }
}
