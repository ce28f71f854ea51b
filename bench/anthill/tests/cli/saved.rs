//! Runs that are saved while they go on, and go on from what was saved: with the real binary, real
//! signals, full disks and damaged files.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::{Desk, files, json, refusal, stdout};

/// A rumour for minutes of virtual time, and a second of this machine's.
const GOSSIP: &str = "nodes = 20_000\nuntil = \"10min\"\nseed = 5\n[protocol]\nname = \"gossip\"\n\
                      mode = \"push-pull\"\nrounds = true\n[network]\npreset = \"aws-p50\"\nloss = 0.1\n";

/// For hours, unless it is ended; and short enough to be continued to its end.
const PHOLD: &str = "nodes = 300\nuntil = \"UNTIL\"\nseed = 2\n[protocol]\nname = \"phold\"\n\
                     [network]\nmodel = \"exponential\"\n";

fn desk(scenario: &str) -> Desk {
    let desk = Desk::new();
    fs::write(desk.path("s.toml"), scenario).expect("a scenario");
    desk
}

fn checkpoints(directory: &Path) -> Vec<String> {
    let mut found = files(directory);
    found.retain(|name| name.starts_with("checkpoint-"));
    found
}

/// All files of a run but those that say how it was executed.
fn results(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = files(directory);
    found.retain(|name| !["manifest.json", "summary.json"].contains(&name.as_str()));
    found
        .into_iter()
        .map(|name| {
            let content = fs::read(directory.join(&name)).expect("readable");
            (name, content)
        })
        .collect()
}

fn result(desk: &Desk, directory: &str) -> String {
    desk.json(&format!("{directory}/summary.json"))["result"].to_string()
}

fn done(desk: &Desk, line: &str) {
    let output = desk.anthill(&format!("{line} --progress off"));
    assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
}

/// Interrupts a run once it has saved itself, at whatever instant that is.
fn interrupted(desk: &Desk, line: &str, directory: &str) -> String {
    let mut command = desk.command(&format!("{line} --progress off --out {directory}"));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    for _ in 0..12_000 {
        if desk.path(directory).exists() && !checkpoints(&desk.path(directory)).is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_run_that_was_interrupted_goes_on_to_the_same_bytes() {
    let desk = desk(&PHOLD.replace("UNTIL", "1000h"));
    let said = interrupted(&desk, "run s.toml --checkpoint-every 100ms", "a");
    assert!(said.contains("anthill run --resume a"), "{said}");
    let kept = checkpoints(&desk.path("a"));
    assert_eq!(kept.len(), 1, "the last alone: {kept:?}");
    // The same run, shortly after that: a checkpoint is not of a scenario with another end.
    let ns: u64 = kept[0].trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("ns");
    let refused = refusal_after_notes(&desk.anthill("run --resume a --until 1h"));
    assert!(refused.contains("leave out --until"), "{refused}");

    let short = half_done(ns);
    done(&short, "run s.toml --out whole");
    for (flags, out) in [
        ("--engine sequential", "x"),
        ("--shards 3 --threads 2", "y"),
        ("--set engine.shards=1", "z"),
    ] {
        done(&short, &format!("run --resume half {flags} --out {out}"));
        assert_eq!(result(&short, out), result(&short, "whole"), "{flags}");
        assert_eq!(results(&short.path(out)), results(&short.path("whole")), "{flags}");
    }
}

/// A run that was interrupted as soon as it had begun, in `half`. It would have lasted a second or so, given
/// how far another has come in a tenth of one; longer, if this machine was too slow to interrupt it.
fn half_done(ns: u64) -> Desk {
    for times in [10, 40, 160, 640] {
        let until = ns.saturating_mul(times).clamp(1_000_000_000, 1 << 60);
        let desk = desk(&PHOLD.replace("UNTIL", &format!("{until}ns")));
        let line = "run s.toml --checkpoint-every 1h --progress off --out half";
        let output = desk.interrupted(line, "half/manifest.json");
        if output.status.code() == Some(130) {
            assert_eq!(checkpoints(&desk.path("half")).len(), 1, "however early: {output:?}");
            return desk;
        }
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    panic!("every run was over before it could be interrupted");
}

#[test]
fn a_run_that_is_done_keeps_only_what_was_asked_for() {
    let desk = desk(GOSSIP);
    done(&desk, "run s.toml --out plain");
    done(&desk, "run s.toml --checkpoint-every 100ms --out none");
    assert_eq!(results(&desk.path("none")), results(&desk.path("plain")), "none is left");
    let (desk, name) = saved(GOSSIP);
    assert_eq!(checkpoints(&desk.path("a")), [name], "the last");
    // From there the run ends as it did.
    done(&desk, "run s.toml --out plain");
    done(&desk, "run --resume a --out again");
    assert_eq!(result(&desk, "again"), result(&desk, "plain"));
    assert_eq!(results(&desk.path("again")), results(&desk.path("plain")));
}

/// A checkpoint in the middle of a run, in `a`: of as many nodes as this machine needs a tenth of a second for.
fn saved(scenario: &str) -> (Desk, String) {
    for nodes in ["20_000", "80_000", "320_000", "1_280_000"] {
        let desk = desk(&scenario.replace("20_000", nodes));
        done(&desk, "run s.toml --checkpoint-every 100ms --checkpoint-keep 1 --out a");
        if let Some(name) = checkpoints(&desk.path("a")).pop() {
            return (desk, name);
        }
    }
    panic!("every run was over within a tenth of a second");
}

#[test]
fn damaged_and_foreign_checkpoints_are_refused() {
    let (desk, name) = saved(GOSSIP);
    let path = desk.path("a").join(&name);
    let whole = fs::read(&path).expect("readable");
    let refused = |what: &str, content: &[u8]| {
        fs::write(&path, content).expect("writable");
        let message = refusal_after_notes(&desk.anthill("run --resume a --out b --progress off"));
        assert!(!desk.path("b").exists(), "{what}: nothing is left");
        message
    };
    for at in [20, 60, whole.len() / 2, whole.len() - 1] {
        let mut mutated = whole.clone();
        mutated[at] ^= 1;
        let message = refused("mutated", &mutated);
        assert!(message.contains("checkpoint-"), "{at}: {message}");
    }
    for len in [0, 10, 54, whole.len() - 1] {
        refused("truncated", &whole[..len]);
    }
    let mut version = whole.clone();
    version[18] = 99;
    assert!(refused("version", &version).contains("version 99"));
    // That of another scenario, under the name of this one.
    let (other, foreign) = saved(&GOSSIP.replace("seed = 5", "seed = 6"));
    let foreign = other.path("a").join(foreign);
    let message = refused("foreign", &fs::read(foreign).expect("readable"));
    assert!(message.contains("another scenario"), "{message}");

    fs::write(&path, &whole).expect("writable");
    done(&desk, "run --resume a --out b");
}

/// The last message of a refusal that may come after notes.
fn refusal_after_notes(output: &std::process::Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stdout(output), "", "{stderr}");
    let last = stderr.lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("error: ") && !stderr.contains("panicked"), "{stderr}");
    last
}

#[test]
fn what_would_make_it_another_run_is_refused_by_name() {
    let (desk, _) = saved(GOSSIP);
    for (line, part) in [
        ("run s.toml --resume a", "leave out the scenario"),
        ("run --resume a --protocol gossip", "--protocol"),
        ("run --resume a --nodes 5", "--nodes"),
        ("run --resume a --seed 5", "--seed"),
        ("run --resume a --crypto real", "--crypto"),
        ("run --resume a --set network.loss=0", "--set network.loss=0"),
        ("run --resume a --history", "--history"),
        ("run --resume nowhere", "nowhere"),
        ("run s.toml --checkpoint-every soon", "--checkpoint-every soon"),
        ("run s.toml --checkpoint-every 1ms", "at least 100ms"),
        ("run s.toml --checkpoint-every 1s --checkpoint-keep 0", "--checkpoint-keep 0"),
        (
            "run raft --set adversary.kind=twins --set adversary.fraction=0.2 --checkpoint-every 1s",
            "cannot be saved",
        ),
    ] {
        let message = refusal_after_notes(&desk.anthill(line));
        assert!(message.contains(part), "{line}: {message}");
    }
    // A directory to go on from is not begun anew.
    fs::remove_file(desk.path("a/summary.json")).expect("there");
    let message = refusal(&desk.anthill("run s.toml --out a"));
    assert!(message.contains("anthill run --resume a"), "{message}");
    // Another build may behave otherwise.
    let manifest = fs::read_to_string(desk.path("a/manifest.json")).expect("readable");
    let commit = json(manifest.as_bytes())["commit"].as_str().expect("a commit").to_owned();
    fs::write(desk.path("a/manifest.json"), manifest.replace(&commit, "0123abc")).expect("written");
    let message = refusal_after_notes(&desk.anthill("run --resume a"));
    assert!(message.contains("0123abc"), "{message}");
}

/// No file may grow beyond a limit, which the checkpoint does not fit.
#[test]
fn a_full_disk_ends_neither_the_run_nor_the_last_checkpoint() {
    // A run of a tenth of a second now may take less the next time: then there is none to save.
    let (desk, said) = [1, 4, 16, 64]
        .iter()
        .map(|times| on_a_full_disk(20_000 * times))
        .find(|(_, said)| said.contains("cannot save the run at"))
        .expect("a run that lasts until it would be saved says that it could not be");
    assert!(said.contains("File too large"), "{said}");
    assert!(files(&desk.path("r")).iter().all(|name| !name.contains("checkpoint")), "{said}");
    done(&desk, "run s.toml --out plain");
    assert_eq!(result(&desk, "r"), result(&desk, "plain"));
}

/// A run to its end where no file may grow beyond some hundred kilobytes, and what it said of that.
fn on_a_full_disk(nodes: u32) -> (Desk, String) {
    let desk = desk(&GOSSIP.replace("20_000", &nodes.to_string()));
    let line = "run s.toml --checkpoint-every 100ms --checkpoint-keep 1 --progress off --out r";
    let script = format!("trap '' XFSZ; ulimit -f 200; exec \"$0\" {line}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_anthill")]).current_dir(desk.0.path());
    let output = shell.stdin(Stdio::null()).output().expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "the run goes on: {said}");
    (desk, said)
}

#[test]
fn futures_of_one_past() {
    let desk = desk(GOSSIP);
    done(&desk, "run s.toml --out whole");
    let mut command =
        desk.command("fork whole --at 4s --progress off --out f --set network.loss=0");
    command.args([
        "--future",
        "cut: fault=[{ at = \"5s\", heal = \"9s\", kind = \"partition\", fraction = 0.5 }]",
    ]);
    command.args(["--future", "same: network.loss=0.1"]);
    let output = command.output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    assert!(text.contains("One past"), "{text}");
    // Nothing changes where nothing differs, also by way of a fork.
    let whole = desk.json("whole/summary.json")["digest"].clone();
    let digest = |name: &str| desk.json(&format!("f/{name}/summary.json"))["digest"].clone();
    assert_eq!((digest("unchanged"), digest("same")), (whole.clone(), whole.clone()));
    assert!(
        digest("changed") != whole && digest("cut") != whole && digest("changed") != digest("cut")
    );
    // What came before the fork is the same in all of them.
    let before = |directory: &str| {
        let series = fs::read_to_string(desk.path(directory).join("series.csv")).expect("a series");
        let early = |line: &&str| {
            line.split(',')
                .next()
                .is_some_and(|start| start.parse::<u64>().is_ok_and(|start| start < 3_000_000_000))
        };
        series.lines().filter(early).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(before("whole").len() > 3);
    assert_eq!(before("f/changed"), before("whole"));
    let told = desk.json("f/fork.json");
    assert_eq!(told["futures"].as_array().map(Vec::len), Some(4));
    let losses =
        told["figures"].as_array().expect("figures").iter().find(|it| it["figure"] == "events");
    assert!(losses.is_some_and(|it| it["differences"][0] != 0.0), "{told}");
    // A future is not made again by its scenario alone.
    for line in ["replay f/changed", "run --resume f/changed"] {
        assert!(refusal(&desk.anthill(line)).contains("future of another run"), "{line}");
    }
}

#[test]
fn what_a_future_may_not_change_is_refused_by_name() {
    let desk = desk(GOSSIP);
    done(&desk, "run s.toml --out whole");
    for (flags, part) in [
        ("--set nodes=5", "nodes"),
        ("--set until=\"9min\"", "until"),
        ("--set seed=9", "seed"),
        ("--set protocol.mode=push", "protocol.mode"),
        ("--set network.preset=aws-p90", "network"),
        ("--set network.nonsense=1", "nonsense"),
        ("--future nameless", "NAME: PATH=VALUE"),
        ("--future unchanged:network.loss=0", "unchanged"),
        ("", "nothing differs"),
    ] {
        let message =
            refusal_after_notes(&desk.anthill(&format!("fork whole --at 4s --out f {flags}")));
        assert!(message.contains(part), "{flags}: {message}");
    }
    let crash = "fault=[{ at = \"5s\", kind = \"crash\", fraction = 0.5 }]";
    let early = "fault=[{ at = \"1s\", kind = \"partition\", fraction = 0.5 }]";
    for (fault, part) in [(crash, "crash"), (early, "before the fork")] {
        let mut command = desk.command("fork whole --at 4s --out f");
        let message =
            refusal_after_notes(&command.args(["--set", fault]).output().expect("starts"));
        assert!(message.contains(part), "{fault}: {message}");
    }
    let late = refusal_after_notes(&desk.anthill("fork whole --at 11min --set network.loss=0"));
    assert!(late.contains("--at 11min"), "{late}");
    assert!(!desk.path("f").exists(), "refused before anything is made");
}
