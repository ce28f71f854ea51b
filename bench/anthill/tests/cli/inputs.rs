//! The files that a scenario names: results know which contents they were made of.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::{Desk, files, refusal, stdout};

const RING: &str = "source,target\n0,1\n1,2\n2,3\n3,0\n";
const WITH_CHORDS: &str = "source,target\n0,1\n1,2\n2,3\n3,0\n0,2\n1,3\n";
const TOML: &str = "nodes = 4\nuntil = \"10s\"\n[protocol]\nname = \"gossip\"\nmode = \"flood\"\n\
                    [network]\ntopology = { kind = \"file\", path = \"t.csv\" }\n";

fn desk() -> Desk {
    let desk = Desk::new();
    fs::write(desk.path("t.toml"), TOML).expect("a scenario");
    put(&desk, "t.csv", RING);
    desk
}

/// Whole at once: no reader sees half of it.
fn put(desk: &Desk, name: &str, content: &str) {
    fs::write(desk.path("new"), content).expect("a file");
    fs::rename(desk.path("new"), desk.path(name)).expect("in its place");
}

fn done(desk: &Desk, line: &str) -> String {
    let output = desk.anthill(line);
    assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
    stdout(&output)
}

fn assert_names_the_file(message: &str) {
    for part in ["network.topology.path: the file t.csv has changed: blake3 ", "… then, blake3 "]
    {
        assert!(message.contains(part), "{message}");
    }
}

fn messages(desk: &Desk, table: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(desk.path(table)).expect("a table");
    let header = reader.headers().expect("a header").clone();
    let column = header.iter().position(|name| name == "messages").expect("a column");
    reader.records().map(|row| row.expect("a row")[column].to_owned()).collect()
}

#[test]
fn no_resumed_work_mixes_two_contents_of_a_file() {
    for (line, table, missing, runs) in [
        ("sweep t.toml --vary protocol.origin=0,1 --seeds 2", "runs.csv", "p0002-r1.json", 4),
        ("compare t.toml t.toml --set-b protocol.origin=1 --seeds 3", "runs.csv", "b-r1.json", 6),
        ("scale t.toml --nodes 4 --repeat 2", "runs.csv", "nodes4-r1.json", 2),
    ] {
        let desk = desk();
        let line = format!("{line} --progress off --out e");
        done(&desk, &line);
        let plan = desk.json("e/plan.json");
        let input = &plan["identity"]["configurations"][0]["inputs"][0];
        assert_eq!(input["key"], "network.topology.path", "{plan}");
        assert_eq!((&input["path"], &input["blake3"]), (&"t.csv".into(), &hash(RING)));
        fs::remove_file(desk.path(&format!("e/points/{missing}"))).expect("as if interrupted");

        put(&desk, "t.csv", WITH_CHORDS);
        assert_names_the_file(&refusal(&desk.anthill(&line)));
        fs::remove_file(desk.path("t.csv")).expect("removed");
        let message = refusal(&desk.anthill(&line));
        assert!(message.contains("t.csv has changed") && message.contains("not readable now"));
        assert!(!desk.path(&format!("e/points/{missing}")).exists());

        // The same content, though elsewhere.
        put(&desk, "moved.csv", RING);
        let moved = format!("{line} --set network.topology.path=moved.csv");
        done(&desk, &moved);
        assert!(desk.path(&format!("e/points/{missing}")).exists());
        assert_eq!(messages(&desk, &format!("e/{table}")), vec!["5"; runs], "{line}");
    }
}

fn hash(content: &str) -> Value {
    blake3::hash(content.as_bytes()).to_string().into()
}

#[test]
fn a_run_records_its_files_and_is_repeated_only_with_them() {
    let desk = desk();
    done(&desk, "run t.toml --out f");
    let inputs = &desk.json("f/manifest.json")["inputs"];
    assert_eq!(inputs.as_array().map(Vec::len), Some(1));
    assert_eq!((&inputs[0]["path"], &inputs[0]["blake3"]), (&"t.csv".into(), &hash(RING)));
    assert!(done(&desk, "replay f").starts_with("same digest"));
    let traced = done(&desk, "trace f");
    done(&desk, "report f");
    let page = fs::read_to_string(desk.path("f/report.html")).expect("a page");
    assert!(page.contains(hash(RING).as_str().expect("a hash")) && page.contains("t.csv"));
    put(&desk, "t.csv", "source,target\n0,1\n1,2\n2,3\n");
    for line in ["replay f", "trace f", "trace f --explain"] {
        let message = refusal(&desk.anthill(line));
        assert_names_the_file(&message);
        assert!(!message.contains("version"), "{message}");
    }
    put(&desk, "t.csv", RING);
    assert_eq!(done(&desk, "trace f"), traced);
    // Of an older version nothing is known, and that is said.
    let text = fs::read_to_string(desk.path("f/manifest.json")).expect("a manifest");
    fs::write(desk.path("f/manifest.json"), text.replace("\"inputs\"", "\"others\"")).expect("put");
    let output = desk.anthill("replay f");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("recorded no hashes"), "{output:?}");
}

/// A run reads its files itself, after the plan was made.
#[test]
fn a_file_that_changes_between_plan_and_run_is_no_result() {
    let desk = desk();
    let origins: Vec<String> = (0..4).map(|origin| origin.to_string()).collect();
    let line = format!(
        "sweep t.toml --vary protocol.origin={} --seeds 40 --jobs 1 --progress off --out e",
        origins.join(",")
    );
    let child = desk.command(&line).stderr(std::process::Stdio::piped()).spawn();
    let child = child.expect("the binary starts");
    while !desk.path("e/points/p0001-r1.json").exists() {
        thread::sleep(Duration::from_millis(1));
    }
    put(&desk, "t.csv", WITH_CHORDS);
    let output = child.wait_with_output().expect("it ends");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("t.csv") && message.contains("has changed"), "{message}");
    assert!(message.contains("of 160 runs are kept"), "{message}");
    put(&desk, "t.csv", RING);
    done(&desk, &line);
    assert_eq!(messages(&desk, "e/runs.csv"), vec!["5"; 160]);
}

#[test]
fn compare_takes_files_by_content() {
    let desk = desk();
    let toml = |path: &str| TOML.replace("t.csv", path);
    fs::write(desk.path("a.toml"), toml("a.csv")).expect("a scenario");
    fs::write(desk.path("b.toml"), toml("b.csv")).expect("a scenario");
    put(&desk, "a.csv", RING);
    put(&desk, "b.csv", RING);
    done(&desk, "compare a.toml b.toml --seeds 2 --out same");
    put(&desk, "b.csv", WITH_CHORDS);
    let message = refusal(&desk.anthill("compare a.toml b.toml --seeds 2 --out other"));
    let part = "network.topology.path: A has a.csv (blake3 ";
    assert!(message.contains(part) && message.contains("…), B has b.csv (blake3 "), "{message}");
}

#[test]
fn a_damaged_point_is_found_and_made_again_once_it_is_deleted() {
    let desk = desk();
    let line = "sweep t.toml --vary protocol.origin=0,1 --seeds 2 --progress off --out e";
    done(&desk, line);
    let (point, other) = (desk.path("e/points/p0001-r1.json"), "e/points/p0002-r2.json");
    let whole = fs::read_to_string(&point).expect("a point");
    let changed = whole.replacen("\"messages\":5", "\"messages\":6", 1);
    assert_ne!(changed, whole);
    for damaged in [&changed[..], &whole[..whole.len() / 2], &whole[..whole.len() - 1], ""] {
        fs::write(&point, damaged).expect("damaged");
        let message = refusal(&desk.anthill(line));
        assert!(message.contains("points/p0001-r1.json: "), "{message}");
        assert!(message.contains("delete that file to make this run again"), "{message}");
    }
    fs::write(desk.path(other), "x").expect("damaged");
    let message = refusal(&desk.anthill(line));
    assert!(message.contains("(and likewise ") && message.contains("p0002-r2.json"), "{message}");
    for file in [point.clone(), desk.path(other)] {
        fs::remove_file(file).expect("deleted");
    }
    done(&desk, line);
    let again: Value = serde_json::from_slice(&fs::read(&point).expect("a point")).expect("JSON");
    let before: Value = serde_json::from_str(&whole).expect("JSON");
    assert_eq!(again["result"], before["result"]);
}

#[test]
fn finished_work_takes_more_runs() {
    let desk = desk();
    for (line, flag, out) in [
        ("sweep t.toml --vary protocol.origin=0,1", "seeds", "s"),
        ("compare t.toml t.toml --set-b protocol.origin=1", "seeds", "c"),
        ("scale gossip --nodes 100,200", "repeat", "r"),
    ] {
        let line =
            |runs: u32, out: &str| format!("{line} --{flag} {runs} --progress off --out {out}");
        done(&desk, &line(2, out));
        let points = format!("{out}/points");
        let kept: Vec<(String, Vec<u8>)> = files(&desk.path(&points))
            .into_iter()
            .map(|name| (name.clone(), fs::read(desk.path(&points).join(name)).expect("a point")))
            .collect();
        let text = done(&desk, &line(4, out));
        assert!(text.contains(&format!("Again: anthill {}\n", line(4, out))), "{text}");
        for (name, content) in &kept {
            let now = fs::read(desk.path(&points).join(name)).expect("still there");
            assert_eq!(&now, content, "{name} was made again");
        }
        assert_eq!(files(&desk.path(&points)).len(), 2 * kept.len());
        done(&desk, &line(4, "fresh"));
        let column = |table: &str, name: &str| {
            let mut reader = csv::Reader::from_path(desk.path(table)).expect("a table");
            let header = reader.headers().expect("a header").clone();
            let index = header.iter().position(|n| n == name).expect("a column");
            reader.records().map(|row| row.expect("a row")[index].to_owned()).collect::<Vec<_>>()
        };
        for name in ["seed", "digest"] {
            let (grown, fresh) =
                (column(&format!("{out}/runs.csv"), name), column("fresh/runs.csv", name));
            assert_eq!(grown, fresh, "{out}: {name}");
        }
        fs::remove_dir_all(desk.path("fresh")).expect("removed");
        let reproduce = desk.json(&format!("{out}/plan.json"))["manifest"]["reproduce"].clone();
        assert!(reproduce.as_str().is_some_and(|r| r.contains(&format!("--{flag} 4"))));
        let message = refusal(&desk.anthill(&line(3, out)));
        assert!(
            message.contains(&format!("--{flag} 4 there, 3 now: it may grow only")),
            "{message}"
        );
    }
}
