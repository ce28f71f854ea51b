//! Commands that write, on a disk without room: which file could not be written is said, with exit
//! code 2, nothing is left half written, what was there stays, and with room the work goes on.
//!
//! The disk is full in that no file may grow beyond a limit. A limit that doubles from nothing lets
//! each file of a command be the first one that does not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Output, Stdio};

use crate::{Desk, files, json, refusal, stdout};

/// The command, no file of which may exceed so many blocks of 512 bytes. The signal that would end
/// it there is ignored, so that it is told as it is of a full disk.
fn with_room(desk: &Desk, blocks: u32, line: &str) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" {line}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_anthill")]).current_dir(desk.0.path());
    shell.stdin(Stdio::null()).output().expect("a shell")
}

/// Every file with what it holds.
fn contents(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| {
        let content = fs::read(desk.path(&name)).expect("readable");
        (name, content)
    };
    files(desk.0.path()).into_iter().map(read).collect()
}

/// The file that could not be written, of a command that must have said so.
fn refused_file(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let rest = ["cannot write ", "cannot use ", "error: --out "]
        .iter()
        .find_map(|words| said.split_once(words))
        .unwrap_or_else(|| panic!("no file is named: {said}"));
    assert_eq!(said.matches("File too large").count(), 1, "why, and once: {said}");
    rest.1.split([':', ';']).next().unwrap_or_default().to_owned()
}

/// Gives a command more and more room until it is done; the files that did not fit. Each attempt
/// must leave what was there, unless it `renews` it, and nothing unfinished.
fn until_it_fits(desk: &Desk, line: &str, renews: fn(&str) -> bool) -> BTreeSet<String> {
    let mut refused = BTreeSet::new();
    for power in 0..16 {
        let before = contents(desk);
        // A run has a directory of its own each time.
        let output = with_room(desk, (1 << power) - 1, &line.replace("{n}", &power.to_string()));
        let after = contents(desk);
        for (name, content) in &before {
            assert!(renews(name) || after.get(name) == Some(content), "{name}: {output:?}");
        }
        let unfinished = |name: &&String| name.contains(".partial") || name.contains("running/");
        assert_eq!(after.keys().find(unfinished), None, "{output:?}");
        if output.status.code() == Some(0) {
            return refused;
        }
        let file = refused_file(&output);
        assert_eq!(after.get(&file), before.get(&file), "{file}: {output:?}");
        refused.insert(file);
    }
    panic!("it never fits: {refused:?}");
}

#[test]
fn without_any_room_every_command_names_the_file_and_leaves_nothing() {
    let desk = Desk::new();
    let run = "run gossip --nodes 300 --progress off";
    for line in [format!("{run} --out r"), "report r --out old.html".into()] {
        assert_eq!(desk.anthill(&line).status.code(), Some(0), "{line}");
    }
    let before = contents(&desk);
    for (line, file) in [
        (run, "anthill-runs/gossip-1-1/manifest.json"),
        ("run phold --until 5ms --nodes 1k --out a/b/c", "a/b/c/manifest.json"),
        ("scale gossip --nodes 200,400 --out s", "s/plan.json"),
        ("sweep gossip --nodes 200 --vary protocol.fanout=3,6 --seeds 2 --out s", "s/plan.json"),
        ("compare gossip gossip --nodes 200 --set-b seed=2 --seeds 2 --out s", "s/plan.json"),
        ("profile phold --until 5ms --nodes 1k --out p", "p/manifest.json"),
        ("profile phold --until 5ms --nodes 1k,2k --out p", "p/1000/manifest.json"),
        ("trace r --out t", "t/trace.jsonl"),
        ("report r", "r/report.html"),
        ("report r --out old.html", "old.html"),
        ("report r --out new.html", "new.html"),
    ] {
        let output = with_room(&desk, 0, line);
        refusal(&output);
        assert_eq!(refused_file(&output), file, "{line}");
        assert_eq!(contents(&desk), before, "{line}");
        let left = fs::read_dir(desk.0.path()).expect("a directory").count();
        assert_eq!(left, 2, "{line}: a directory is left");
    }
}

#[test]
fn a_run_that_cannot_be_saved_still_shows_its_figures() {
    let desk = Desk::new();
    let refused: BTreeSet<String> = [
        "run phold --nodes 20 --until 20ms --trace --progress off --out t{n}",
        "run phold --nodes 2k --until 5ms --table --progress off --out n{n}",
        "run witness --nodes 1k --until 100ms --parquet --progress off --out p{n}",
    ]
    .iter()
    .flat_map(|line| until_it_fits(&desk, line, |_| false))
    .filter_map(|file| file.split('/').nth(1).map(str::to_owned))
    .collect();
    for name in ["manifest.json", "trace.jsonl", "nodes.csv", "series.parquet"] {
        assert!(refused.contains(name), "{name} is not among {refused:?}");
    }

    let output = with_room(&desk, 15, "run phold --nodes 20 --until 10s --out long");
    assert_eq!(refused_file(&output), "long/series.csv");
    let told = stdout(&output);
    assert!(told.contains("\n  digest  ") && told.contains("\nNOT SAVED as a whole;"), "{told}");
    assert_eq!(files(&desk.path("long")), ["manifest.json"], "no summary: it is not complete");
    assert!(refusal(&desk.anthill("replay long")).contains("summary.json"));
}

#[test]
fn a_sweep_keeps_its_points_and_finishes_once_there_is_room() {
    let desk = Desk::new();
    // The series of the second point is long.
    let line = "sweep phold --nodes 20 --vary until=20ms,10s --seeds 2 --jobs 1 --progress off \
                --parquet --out w";
    let output = with_room(&desk, 15, line);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(refused_file(&output), "w/running/1/p0002-r1/series.csv");
    assert!(said.contains("1 of 4 runs are kept in w; continue with: anthill sweep"), "{said}");
    assert_eq!(files(&desk.path("w")), ["plan.json", "points/p0001-r1.json"]);

    let refused = until_it_fits(&desk, line, |name| !name.starts_with("w/p"));
    assert!(refused.contains("w/running/1/p0002-r1/manifest.json"), "{refused:?}");
    assert_eq!(files(&desk.path("w/points")).len(), 4);
    assert_eq!(desk.json("w/sweep.json")["points"].as_array().map(Vec::len), Some(2));
    // Made again without room, the old tables stay.
    let before = contents(&desk);
    assert_eq!(refused_file(&with_room(&desk, 0, line)), "w/runs.csv");
    assert_eq!(contents(&desk), before);
}

#[test]
fn a_scaling_and_a_comparison_lose_nothing() {
    let desk = Desk::new();
    for (line, kind) in [
        ("scale phold --nodes 100,200 --until 2ms --repeat 1 --progress off", "scale"),
        ("compare phold phold --nodes 100 --until 2ms --set-b seed=2 --seeds 2", "compare"),
    ] {
        let line = format!("{line} --out {kind}");
        // A table may be renewed while another one cannot; plan and points are never touched.
        let refused = until_it_fits(&desk, &line, |name| !name.contains("/p"));
        for name in ["plan.json", "report.html"] {
            assert!(refused.contains(&format!("{kind}/{name}")), "{refused:?}");
        }
        let (done, before) = (desk.json(&format!("{kind}/{kind}.json")), contents(&desk));
        assert!(done["manifest"].is_object(), "{done}");
        // Made again without room, the old tables stay.
        refused_file(&with_room(&desk, 0, &line));
        assert_eq!(contents(&desk), before);
    }
}

#[test]
fn a_profile_that_does_not_fit_leaves_nothing_unfinished() {
    let desk = Desk::new();
    let line = "profile phold --nodes 20,30 --until 10s --at-least 200ms --progress off --out p{n}";
    let refused = until_it_fits(&desk, line, |_| false);
    assert!(refused.iter().any(|file| file.ends_with("20/flamegraph.svg")), "{refused:?}");
    let kept = files(desk.0.path());
    assert!(kept.iter().any(|file| file.ends_with("growth.csv")), "{kept:?}");
}

#[test]
fn measured_costs_are_shown_if_they_cannot_be_saved() {
    let desk = Desk::new();
    let output = with_room(&desk, 0, "calibrate --quick --format json --out here.toml");
    assert_eq!(refused_file(&output), "here.toml");
    let told = json(&output.stdout);
    assert!(told["saved"].is_null() && told["costs"]["sign_ns"].as_u64() > Some(0), "{told}");
    assert!(files(desk.0.path()).is_empty());
}

#[test]
#[cfg(target_os = "linux")]
fn a_summary_that_nobody_can_be_told_is_an_error_and_saved() {
    let desk = Desk::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
    let mut command = desk.command("run phold --nodes 100 --until 5ms --progress off --out r");
    let output = command.stdout(full).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("error: cannot write to stdout: No space left"), "{said}");
    assert_eq!(desk.json("r/summary.json")["ended"], "finished");
}
