//! Programs that play nodes: driven, recorded, repeated without them, and whatever they do wrong.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::{Desk, refusal, stdout};

const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/external_node.py");
/// Ten times as fast as the clock; clients wait a minute of real time, so that a busy machine decides nothing.
const FAST: &str = "--pace 10 --progress off --until 2h --set workload.timeout=10min";

fn script(desk: &Desk, name: &str, text: &str) -> String {
    let path = desk.path(name);
    fs::write(&path, text).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    path.display().to_string()
}

fn code(output: &Output, expected: i32) {
    assert_eq!(output.status.code(), Some(expected), "{output:?}");
}

/// The digest, after a repetition by the recorded engine, by the other one, and with more shards.
fn repeated(desk: &Desk, run: &str) -> String {
    let digest = desk.json(&format!("{run}/summary.json"))["digest"].clone();
    let digest = digest.as_str().expect("a digest").to_owned();
    let manifest = desk.path(&format!("{run}/manifest.json"));
    let written = fs::read_to_string(&manifest).expect("the manifest");
    let sequential = written.replace("\"engine\": \"sharded\"", "\"engine\": \"sequential\"");
    assert_ne!(written, sequential);
    for text in [&written, &sequential] {
        fs::write(&manifest, text).expect("it is ours");
        let output = desk.anthill(&format!("replay {run} --progress off"));
        code(&output, 0);
        assert_eq!(stdout(&output), format!("same digest {digest}\n"));
    }
    digest
}

#[test]
fn a_program_among_native_nodes_is_driven_and_repeated_without_it() {
    let desk = Desk::new();
    // Leaves of the tree: nobody waits for what they pass on.
    let line = format!(
        "run broadcast --nodes 60 --external 58-59={NODE} --out a --shards 3 --set workload.contacts=0 {FAST}"
    );
    let output = desk.anthill(&line);
    code(&output, 0);
    assert!(stdout(&output).contains("\nPrograms (at 10 s of virtual time to a second)\n"));
    let summary = desk.json("a/summary.json");
    let metrics = &summary["metrics"];
    assert_eq!((&metrics["initialised"], &metrics["nodes_read"]), (&json!(2), &json!(60)));
    assert_eq!((&metrics["garbage"], &metrics["wrong"]), (&json!(0), &json!(0)));
    let programs = summary["external"]["programs"].as_array().expect("programs");
    assert_eq!(programs.len(), 2);
    for program in programs {
        assert!(program["lines_in"].as_u64() > Some(50), "{program}");
        assert_eq!(program["faults"], json!({}));
    }
    repeated(&desk, "a");
    // A line that is changed changes the run.
    let recording = desk.path("a/external.jsonl");
    let text = fs::read_to_string(&recording).expect("the recording");
    assert!(text.contains("broadcast_ok"));
    fs::write(&recording, text.replacen("broadcast_ok", "broadcast_no", 1)).expect("it is ours");
    code(&desk.anthill("replay a --progress off"), 1);
}

#[test]
fn a_program_may_be_at_the_other_end_of_a_socket() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the run connects");
        let mut to = stream.try_clone().expect("a handle");
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let message: Value = serde_json::from_str(&line).expect("JSON");
            let mut body = message["body"].clone();
            body["in_reply_to"] = body["msg_id"].clone();
            body["type"] = format!("{}_ok", body["type"].as_str().expect("a type")).into();
            let answer = json!({"src": message["dest"], "dest": message["src"], "body": body});
            if writeln!(to, "{answer}").is_err() {
                return;
            }
        }
    });
    let line = format!("run echo --nodes 5 --external 2=tcp://127.0.0.1:{port} --out a {FAST}");
    code(&desk.anthill(&line), 0);
    server.join().expect("it has ended with the run");
    let summary = desk.json("a/summary.json");
    assert_eq!(summary["metrics"]["done"], 100);
    assert!(summary["external"]["programs"][0]["lines_in"].as_u64() > Some(1));
    repeated(&desk, "a");
}

#[test]
fn whatever_programs_do_wrong_is_counted_and_ends_nothing() {
    let desk = Desk::new();
    let dies = script(&desk, "dies", "#!/bin/sh\nread line\necho at a loss >&2\nexit 3\n");
    let garbage = script(
        &desk,
        "garbage",
        "#!/bin/sh\nread line\necho '{'\necho '{\"src\":\"n1\",\"dest\":\"n9\",\"body\":{\"type\":\"x\"}}'\n\
         echo '{\"src\":\"c9\",\"dest\":\"n0\",\"body\":{\"type\":\"x\"}}'\necho '[]'\nexec cat >/dev/null\n",
    );
    let floods = script(
        &desk,
        "floods",
        "#!/bin/sh\nread line\nyes '{\"src\":\"n2\",\"dest\":\"c1\",\"body\":{\"type\":\"x\"}}' | head -n 60000\n\
         exec cat >/dev/null\n",
    );
    let silent = script(&desk, "silent", "#!/bin/sh\nexec sleep 600\n");
    let line = format!(
        "run broadcast --nodes 5 --external 0={dies} --external 1={garbage} --external 2={floods} \
         --external 3={silent} --out a {FAST} --set workload.timeout=2s"
    );
    let output = desk.anthill(&line);
    // That a node does not answer is what the judges are for.
    code(&output, 1);
    let text = stdout(&output);
    for part in ["ended before the run", "| at a loss", "no answer to init", "lines too many"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let summary = desk.json("a/summary.json");
    let metrics = &summary["metrics"];
    assert_eq!((&metrics["garbage"], &metrics["misaddressed"]), (&json!(2), &json!(2)));
    let programs = &summary["external"]["programs"];
    assert_eq!(programs[0]["end"], "exit status: 3");
    assert!(programs[2]["faults"]["lines too many"].as_u64() > Some(0), "{programs}");
    assert_eq!(programs[3]["faults"]["no answer to init"], 1);
    let unread = summary["checks"].as_array().into_iter().flatten();
    assert!(unread.clone().any(|check| check["name"] == "every node answers at the end"));
    repeated(&desk, "a");
}

#[test]
fn programs_do_not_outlive_a_run_that_is_interrupted() {
    let desk = Desk::new();
    let node = script(
        &desk,
        "node",
        "#!/bin/sh\necho $$ > pid\nread line\necho '{\"src\":\"n0\",\"dest\":\"c0\",\"body\":{\"type\":\"init_ok\"}}'\n\
         sleep 600 &\necho > ready\nwait\n",
    );
    let line = format!("run echo --nodes 5 --external 0={node} --out a --pace 0.01 --progress off");
    let output = desk.interrupted(&line, "ready");
    code(&output, 130);
    let pid = fs::read_to_string(desk.path("pid")).expect("it began");
    assert!(!Path::new(&format!("/proc/{}", pid.trim())).exists(), "{pid}");
}

#[test]
fn a_stores_history_is_judged_and_saved_for_others() {
    let desk = Desk::new();
    let run = "run lin-kv --history --progress off --out";
    code(&desk.anthill(&format!("{run} a")), 0);
    let key = |key| fs::read_to_string(desk.path(&format!("a/register-{key}.edn")));
    let keys: Vec<String> = (0..3).map(|it| key(it).expect("a key's history")).collect();
    assert!(keys.iter().all(|text| text.starts_with("{:index 0, :time ")), "{keys:?}");
    let all = keys.concat();
    assert!(all.contains(":type :ok, :f :cas, :value [") && all.contains(":f :read, :value nil"));
    assert!(!desk.path("a/elle.edn").exists(), "something is compared");
    code(&desk.anthill(&format!("{run} b --set workload.values=0")), 0);
    let elle = fs::read_to_string(desk.path("b/elle.edn")).expect("transactions");
    assert!(elle.contains(":f :txn, :value [[:w ") && elle.contains(" nil]]"), "{elle}");
}

#[test]
fn what_cannot_be_is_refused() {
    let desk = Desk::new();
    for (line, part) in [
        ("run gossip --nodes 10 --external 0=cat", "no program can play a node of this protocol"),
        ("run echo --nodes 5 --external 5=cat", "there are nodes 0 to 4"),
        ("run echo --external 0=./no-such-program", "cannot start `./no-such-program`"),
        ("run echo --external 0=tcp://127.0.0.1:1", "cannot connect to 127.0.0.1:1"),
        ("run echo --external 0", "NODES=COMMAND"),
        ("run echo --external 0=cat --pace 0", "--pace 0"),
        ("run lin-kv --nodes 65", "at most 64 nodes"),
    ] {
        let message = refusal(&desk.anthill(&format!("{line} --progress off")));
        assert!(message.contains(part), "{line}: {message}");
    }
    assert!(!desk.path("anthill-runs").exists(), "refused runs leave no directory");
}
