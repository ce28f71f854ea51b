//! The command as its users have it: everything names `swim`, not the library that it is made of.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_swim");

/// Runs the command in a directory.
fn swim(directory: &Path, line: &str) -> Output {
    let words = line.split_whitespace();
    Command::new(PROGRAM).args(words).current_dir(directory).output().expect("it starts")
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it says of bad input.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A field of a JSON file that this library writes, a line each.
fn field(directory: &Path, name: &str) -> String {
    let text = fs::read_to_string(directory.join("manifest.json")).expect("a manifest");
    let line = text.lines().find(|line| line.trim_start().starts_with(&format!("\"{name}\":")));
    let (_, value) = line.expect(name).split_once(": ").expect("a value");
    value.trim_end_matches(',').trim_matches('"').to_owned()
}

#[test]
fn version_help_and_manifest_name_the_program() {
    let desk = tempfile::tempdir().expect("a directory");
    let version = stdout(&swim(desk.path(), "--version"));
    assert!(version.starts_with("swim 1.2.3 (commit "), "{version}");
    assert!(version.contains(", anthill "), "{version}");
    let help = stdout(&swim(desk.path(), "run --help"));
    assert!(help.contains("  swim run --protocol") && !help.contains("anthill run"), "{help}");

    let text = stdout(&swim(desk.path(), "run swim --nodes 60 --until 150s --out r"));
    assert!(text.contains("the dead are declared by all"), "{text}");
    let run = desk.path().join("r");
    assert_eq!((field(&run, "program"), field(&run, "version")), ("swim".into(), "1.2.3".into()));
    assert!(!field(&run, "anthill_version").is_empty());
    let commit = field(&run, "commit");
    assert!(commit == "unknown" || commit.len() == 40, "{commit}");
    assert!(version.contains(&commit));
    assert!(["true", "false"].contains(&field(&run, "uncommitted_changes").as_str()));
    stdout(&swim(desk.path(), "report r"));
    let page = fs::read_to_string(run.join("report.html")).expect("a report");
    assert!(page.contains("with swim 1.2.3") && page.contains("Made by swim 1.2.3"));
    assert!(page.contains("swim replay "), "the report says how to repeat the run");
    assert!(stdout(&swim(desk.path(), "replay r")).starts_with("same digest "));
}

#[test]
fn three_that_crash_are_declared_dead_and_nobody_else_is() {
    let desk = tempfile::tempdir().expect("a directory");
    let line = "run swim --nodes 500 --format json --out r";
    let summary = stdout(&swim(desk.path(), line));
    // Each of the 497 who live declares each of three.
    assert!(summary.contains("\"declared\": 1491"), "{summary}");
    assert!(!summary.contains("\"ok\": false"), "{summary}");
    let oracle = stdout(&swim(
        desk.path(),
        "run swim --nodes 500 --engine sequential --format json --out s",
    ));
    let digest = |text: &str| {
        text.lines().find(|line| line.contains("\"digest\"")).map(str::trim).map(str::to_owned)
    };
    assert!(digest(&summary).is_some());
    assert_eq!(digest(&summary), digest(&oracle));
}

#[test]
fn what_the_judges_find_is_to_be_run_again_by_this_program() {
    let desk = tempfile::tempdir().expect("a directory");
    // A suspicion that cannot be refuted in time, as half of all messages are lost.
    let line = "run swim --nodes 40 --set network.loss=0.5 --set protocol.suspicion=1 \
                --set protocol.repeats=1 --out r";
    let text = stdout(&swim(desk.path(), line));
    assert!(text.contains("Again: swim replay r"), "{text}");
    assert!(text.contains("beyond its bound"), "{text}");
}

#[test]
fn a_run_of_another_program_is_said_to_be_one() {
    let desk = tempfile::tempdir().expect("a directory");
    stdout(&swim(desk.path(), "run swim --nodes 20 --until 25s --out r"));
    let path = desk.path().join("r/manifest.json");
    let manifest = fs::read_to_string(&path).expect("a manifest");
    let other = manifest.replacen("\"program\": \"swim\"", "\"program\": \"dive\"", 1);
    assert_ne!(other, manifest);
    fs::write(&path, &other).expect("writable");
    let output = swim(desk.path(), "replay r");
    assert!(stdout(&output).starts_with("same digest "));
    let note = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(note.contains("the run is of another program, dive 1.2.3 (commit "), "{note}");
    let unknown = other.replace("name = \\\"swim\\\"", "name = \\\"plunge\\\"");
    assert_ne!(unknown, other);
    fs::write(&path, unknown).expect("writable");
    let message = refusal(&swim(desk.path(), "replay r"));
    assert!(message.contains("repeat it with that, not with swim"), "{message}");
}

/// Graphs in the formats of others, by the way of a scenario, to the run directory.
#[test]
fn topologies_of_other_tools_run_and_leave_their_ids() {
    let desk = tempfile::tempdir().expect("a directory");
    let snap = "# FromNodeId\tToNodeId\n30\t1412\n1412\t3352\n3352\t30\n30\t30\n";
    fs::write(desk.path().join("grqc.txt"), snap).expect("a file");
    let gml = "graph [ node [ id 0 label \"a,b\" ] node [ id 1 label \"c\" ]\n\
               edge [ source 0 target 1 latency \"10 ms\" ] ]";
    fs::write(desk.path().join("shadow.gml"), gml).expect("a file");
    let graphml = "<graphml><graph edgedefault=\"undirected\"><node id=\"x\"/><node id=\"y\"/>\
                   <edge source=\"x\" target=\"y\"/></graph></graphml>";
    fs::write(desk.path().join("nx.graphml"), graphml).expect("a file");
    let run = |nodes: u32, topology: &str, out: &str| {
        let scenario = format!(
            "nodes = {nodes}\nuntil = \"2s\"\nprotocol.name = \"swim\"\n\
             network.topology = {{ kind = \"file\", {topology} }}\n"
        );
        fs::write(desk.path().join("t.toml"), scenario).expect("a file");
        swim(desk.path(), &format!("run t.toml --out {out}"))
    };
    let ids = |out: &str| fs::read_to_string(desk.path().join(out).join("node_ids.csv"));
    stdout(&run(3, "path=\"grqc.txt\",format=\"snap\"", "a"));
    assert_eq!(ids("a").expect("a map"), "node,id\n0,30\n1,1412\n2,3352\n");
    stdout(&run(2, "path=\"shadow.gml\"", "b"));
    assert_eq!(ids("b").expect("a map"), "node,id,label\n0,0,\"a,b\"\n1,1,c\n");
    stdout(&run(2, "path=\"nx.graphml\"", "c"));
    assert_eq!(ids("c").expect("a map"), "node,id\n0,x\n1,y\n");
    let message = refusal(&run(2, "path=\"grqc.txt\",format=\"snap\"", "d"));
    assert!(message.contains("grqc.txt: the file has 3 nodes, `nodes` is 2; set nodes = 3"));
    assert!(!desk.path().join("d").exists());
    let message = refusal(&run(3, "path=\"grqc.txt\",format=\"snip\"", "d"));
    assert!(message.contains("did you mean `snap`?"), "{message}");
    fs::write(desk.path().join("bad.gml"), "graph [\n node [ id 0 ]\n edge [ source 0 ] ]")
        .expect("a file");
    let message = refusal(&run(2, "path=\"bad.gml\"", "d"));
    assert!(message.contains("bad.gml, line 3: an edge without source and target"), "{message}");
}
