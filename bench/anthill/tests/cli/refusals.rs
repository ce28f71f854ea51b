//! One test per kind of bad input, given as a flag and in a file: exit code 2, one message that
//! names the place and the way out, and nothing written.

use std::fs;
use std::time::{Duration, Instant};

use crate::{Desk, files, refusal};

/// Asserts that every command that takes a scenario refuses it with all of these, and that only
/// what was there before is there after.
#[track_caller]
fn refused(desk: &Desk, arguments: &str, parts: &[&str]) {
    let before = files(desk.0.path());
    for line in [format!("run {arguments}"), format!("run {arguments} --out a/b --format json")] {
        says(&line, &refusal(&desk.anthill(&line)), parts);
    }
    // `validate` may have printed the scenario by then: it is what is asked for.
    let line = format!("validate {arguments}");
    let output = desk.anthill(&line);
    assert_eq!(output.status.code(), Some(2), "{line}: {output:?}");
    says(&line, &String::from_utf8_lossy(&output.stderr), parts);
    assert_eq!(files(desk.0.path()), before, "{arguments}: wrote something");
    assert!(!desk.path("anthill-runs").exists() && !desk.path("a").exists(), "{arguments}");
}

#[track_caller]
fn says(line: &str, message: &str, parts: &[&str]) {
    assert!(message.starts_with("error: "), "{line}: {message}");
    assert_eq!(message.matches("error:").count(), 1, "{line}: {message}");
    assert!(!message.contains("panicked"), "{line}: {message}");
    for part in parts {
        assert!(message.contains(part), "{line}: `{part}` is not in: {message}");
    }
}

/// A scenario file that has these lines in addition; the first of them is line 5.
fn with_file(lines: &str) -> Desk {
    let desk = Desk::new();
    let text = format!("nodes = 100\nuntil = \"1s\"\n[protocol]\nname = \"gossip\"\n{lines}\n");
    fs::write(desk.path("my.toml"), text).expect("a file");
    desk
}

#[test]
fn unknown_keys() {
    let suggestion = "did you mean `fanout`?";
    refused(&with_file("fan_oot = 3"), "my.toml", &["my.toml:5: protocol.fan_oot", suggestion]);
    let flag = "--set protocol.fanot=3";
    refused(&Desk::new(), &format!("gossip {flag}"), &[flag, suggestion]);
    refused(&Desk::new(), "phold --set engin.shards=3", &["did you mean `engine`?"]);
    let without = ["my.toml:5", "the protocol gossip has no workload"];
    refused(&with_file("[workload]"), "my.toml", &without);
    refused(&with_file("[crypto]\nmode = \"reel\""), "my.toml", &["did you mean `real`?"]);
}

#[test]
fn wrong_units() {
    let parts = ["my.toml:5: protocol.round", "unknown unit `kg`", "ms"];
    refused(&with_file("round = \"5kg\""), "my.toml", &parts);
    refused(&with_file("round = 5"), "my.toml", &["has no unit", "\"5s\""]);
    refused(&Desk::new(), "phold --until 5parsecs", &["--until", "unknown unit `parsecs`"]);
    refused(&Desk::new(), "phold --until 5", &["--until", "has no unit"]);
    refused(&Desk::new(), "phold --nodes 10ms", &["--nodes 10ms", "nodes"]);
}

#[test]
fn negative_numbers() {
    refused(&with_file("fanout = -3"), "my.toml", &["my.toml:5: protocol.fanout", "is negative"]);
    refused(&Desk::new(), "phold --nodes -5", &["--nodes -5", "is negative"]);
    refused(&Desk::new(), "phold --nodes=-5", &["--nodes -5", "is negative"]);
    refused(&Desk::new(), "phold --until -1s", &["--until -1s", "negative"]);
    refused(&Desk::new(), "phold --seed -1", &["--seed -1", "is negative"]);
    refused(&Desk::new(), "phold --set protocol.remote=-0.5", &["protocol.remote", "0 to 1"]);
}

#[test]
fn numbers_that_are_none() {
    for number in ["nan", "-nan", "inf", "-inf"] {
        let parts = ["protocol.remote", "is not finite"];
        refused(&Desk::new(), &format!("phold --set protocol.remote={number}"), &parts);
    }
    refused(&with_file("fanout = nan"), "my.toml", &["my.toml:5: protocol.fanout", "not finite"]);
    refused(&Desk::new(), "phold --nodes nan", &["--nodes nan", "is not finite"]);
    refused(&Desk::new(), "gossip --set network.shares.us-east-1=nan", &["shares", "not finite"]);
}

#[test]
fn shares_that_do_not_sum() {
    let lines = "[network]\nshares = { us-east-1 = 0.5, us-west-2 = 0.4 }";
    refused(&with_file(lines), "my.toml", &["my.toml:6: network.shares", "0.9", "to 1"]);
    let flag = "--set network.shares={us-east-1=0.7,us-west-2=0.7}";
    refused(&Desk::new(), &format!("gossip {flag}"), &["network.shares", "1.4"]);
}

/// The topology of a file of these lines, for a hundred nodes.
fn with_edges(lines: &str) -> Desk {
    let desk = with_file("[network]\ntopology = { kind = \"file\", path = \"edges.csv\" }");
    fs::write(desk.path("edges.csv"), lines).expect("a file");
    desk
}

#[test]
fn malformed_edge_lists() {
    for (lines, line, part) in [
        ("0,1\n1,x\n", 2, "\"x\" in column target"),
        ("0,1\n\n2\n", 3, "1 fields; the first row has 2"),
        ("source,target\n-1,2\n", 2, "\"-1\" in column source"),
        ("soruce,target\n1,2\n", 1, "did you mean \"source\"?"),
        ("source;target;latency_ms\n0;1;12,5;7\n", 2, "decimal comma"),
    ] {
        let place = format!("edges.csv, line {line}");
        refused(&with_edges(lines), "my.toml", &[&place, part]);
    }
    refused(&with_edges(""), "my.toml", &["edges.csv", "no row"]);
    refused(&with_edges("1,1\n"), "my.toml", &["edges.csv", "no edges"]);
    let missing = with_edges("");
    fs::remove_file(missing.path("edges.csv")).expect("removed");
    refused(&missing, "my.toml", &["edges.csv", "cannot read it"]);
}

#[test]
fn node_ids_out_of_range() {
    let parts = ["edges.csv, line 2", "target 100 is no node", "0 to 99", "`nodes`"];
    refused(&with_edges("0,99\n99,100\n"), "my.toml", &parts);
    refused(&with_edges("0,1\n4294967296,1\n"), "my.toml", &["line 2", "source 4294967296"]);
}

#[test]
fn an_exponential_floor_of_zero() {
    let lines = "[network]\nmodel = \"exponential\"\nfloor = \"0s\"\nmean = \"1ms\"";
    refused(&with_file(lines), "my.toml", &["my.toml:7: network.floor", "at least 1ns"]);
    refused(&Desk::new(), "phold --set network.floor=0s", &["network.floor", "at least 1ns"]);
    refused(&Desk::new(), "phold --set protocol.lookahead=0s", &["lookahead", "at least 1ns"]);
}

#[test]
fn zero_shards() {
    refused(&with_file("[engine]\nshards = 0"), "my.toml", &["my.toml:6", "from 1 to 64"]);
    refused(&Desk::new(), "phold --shards 0", &["--shards 0", "engine.shards", "from 1 to 64"]);
    refused(&Desk::new(), "phold --threads 0", &["--threads 0", "engine.threads"]);
}

#[test]
fn faults_that_strike_nobody() {
    let fault = |who: &str| format!("[[fault]]\nkind = \"crash\"\nat = \"100ms\"\n{who}");
    let parts = ["fault", "\"us-east-9\"", "did you mean", "us-east-1"];
    refused(&with_file(&fault("regions = [\"us-east-9\"]")), "my.toml", &parts);
    // A region of the table that holds no nodes.
    let lines = fault("regions = [\"us-west-2\"]\n[network]\nshares = { us-east-1 = 1.0 }");
    refused(&with_file(&lines), "my.toml", &["fault", "us-west-2"]);
    let none = "of 100 nodes is none";
    refused(&with_file(&fault("fraction = 0.001")), "my.toml", &["fault[0].fraction", none]);
    // Node 0 is in one region at most.
    let east = fault("nodes = [0]\nregions = [\"us-east-1\"]");
    let both = east.clone() + "\n" + &east.replace("east", "west").replace("-1\"", "-2\"");
    refused(&with_file(&both), "my.toml", &["fault[", "names no node of this network"]);
    let everyone = "all = true\n[[fault]]\nkind = \"partition\"\nat = \"1ms\"\nall = true";
    refused(&with_file(&fault(everyone)), "my.toml", &["fault[1]", "every node"]);
}

#[test]
fn adversaries_of_messages_that_are_not_sent() {
    let lines = "[adversary]\nkind = \"silent\"\nfraction = 0.1\nkinds = [\"rumor\"]";
    refused(&with_file(lines), "my.toml", &["adversary.kinds", "rumor", "data", "getdata"]);
    let held = "[adversary]\nkind = \"silent\"\nfraction = 0.001";
    refused(&with_file(held), "my.toml", &["adversary.fraction", "of 100 nodes is none"]);
}

#[test]
fn malformed_churn_traces() {
    let lines = "[churn]\nkind = \"trace\"\npath = \"down.csv\"";
    for (trace, parts) in [
        ("node,down,up\n0,0.1,0.2\n1,0.3\n", ["line 3", "2 fields"]),
        ("node,down,up\n100,0.1,0.2\n", ["line 2", "node 100 is no node: ids are 0 to 99"]),
        ("0,0.2,0.1\n", ["line 1", "node 0 is up again"]),
        ("0,0.1,0.5\n0,0.2,0.6\n", ["line 2", "overlaps"]),
    ] {
        let desk = with_file(lines);
        fs::write(desk.path("down.csv"), trace).expect("a file");
        refused(&desk, "my.toml", &[&["down.csv"], &parts[..]].concat());
    }
    refused(&with_file(lines), "my.toml", &["down.csv", "cannot read it"]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it is the time of the command that is tested")]
fn too_many_nodes() {
    let begun = Instant::now();
    refused(&Desk::new(), "phold --nodes 5G", &["--nodes 5G", "from 1 to 4294967295"]);
    // Needs 48 GB for the nodes alone: a machine that has them is not refused.
    let machine = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = machine.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok());
    if kilobytes.is_some_and(|kb| kb < 40_000_000) {
        for protocol in ["phold", "gossip"] {
            refused(
                &Desk::new(),
                &format!("{protocol} --nodes 4G"),
                &["4,000,000,000 nodes need at least", "expected peak", "try --nodes"],
            );
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "refused before anything is allocated");
}

#[test]
fn an_existing_run_directory() {
    let desk = Desk::new();
    fs::create_dir(desk.path("mine")).expect("a directory");
    fs::write(desk.path("mine/summary.json"), "precious").expect("a file");
    let message = refusal(&desk.anthill("run phold --nodes 100 --until 1ms --out mine"));
    says("--out mine", &message, &["mine is not empty", "never overwritten", "--out DIR"]);
    assert_eq!(files(desk.0.path()), ["mine/summary.json"]);
    assert_eq!(fs::read(desk.path("mine/summary.json")).expect("a file"), b"precious");
}

#[test]
fn unknown_presets_and_protocols() {
    refused(&Desk::new(), "gosip", &["`gosip` is neither a file nor a preset", "`gossip`?"]);
    refused(&Desk::new(), "--protocol fold", &["no protocol `fold`", "did you mean `phold`?"]);
    refused(&Desk::new(), "gossip --protocol fold", &["--protocol fold", "did you mean `phold`?"]);
    refused(&Desk::new(), "gossip --set network.preset=aws-p5", &["did you mean `aws-p50`?"]);
    refused(&Desk::new(), "zzz", &["presets: witness, gossip, phold", "flash-crowd"]);
    let message = refusal(&Desk::new().anthill("protocols gosip"));
    says("protocols gosip", &message, &["did you mean `gossip`?"]);
}

#[test]
fn a_flag_in_place_of_a_value() {
    let desk = Desk::new();
    for (line, part) in [
        ("run phold --nodes --seed 3", "a value is required for '--nodes <N>'"),
        ("run --until --verbose", "a value is missing"),
    ] {
        let output = desk.anthill(line);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        says(line, &message, &[part]);
    }
}

#[test]
fn directories_that_are_no_runs() {
    let desk = Desk::new();
    fs::create_dir(desk.path("half")).expect("a directory");
    fs::write(desk.path("half/manifest.json"), "{\"format\": 99}").expect("a file");
    says("half", &refusal(&desk.anthill("replay half")), &["half", "format 99"]);
    fs::write(desk.path("half/manifest.json"), "not json").expect("a file");
    says("half", &refusal(&desk.anthill("replay half")), &["half/manifest.json"]);
    says("none", &refusal(&desk.anthill("replay none")), &["none"]);
    assert_eq!(files(desk.0.path()), ["half/manifest.json"]);
}

/// A flag takes every number that a file takes, and refuses the others alike.
#[test]
fn numbers_of_flags_are_those_of_files() {
    let desk = Desk::new();
    for (line, code) in [
        ("run phold --nodes 1e2 --until 5ms --seed 0x10 --shards 2e0 --threads 1_0e-1 --out a", 0),
        (
            "sweep phold --nodes 1e2 --until 5ms --vary protocol.remote=1 --seeds 2e0 --jobs 1e0 --out b",
            0,
        ),
        ("scale phold --nodes 1e2,2.0e2 --until 5ms --repeat 1e0 --out c", 0),
        ("compare phold phold --nodes 1e2 --until 5ms --seeds 2e0 --out d", 0),
        ("run phold --nodes 100 --until 5ms --trace --node 1e1 --most 1e3 --out e", 0),
        ("run phold --nodes 100 --until 5ms --table --limit 1e1 --out f", 0),
        ("trace a --most 1e1", 0),
        ("trace a --explain --hops 1e1", 0),
        ("profile phold --nodes 1e2 --until 5ms --hz 1e2 --progress off --out g", 0),
    ] {
        let output = desk.anthill(line);
        assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
    }
    let manifest = desk.json("a/manifest.json");
    assert_eq!((&manifest["scenario"]["nodes"], &manifest["seed"]), (&100.into(), &16.into()));
    assert_eq!(manifest["scenario"]["engine"]["shards"], 2);
    for (number, part) in [
        ("1e-1", "is not a whole number"),
        ("-1e2", "is negative"),
        ("1e400", "is not finite"),
        ("1e17", "is too large"),
        ("1e2k", "unknown unit"),
        ("5e9", "must be from 1 to 4294967295"),
    ] {
        let typed = refusal(&desk.anthill(&format!("run phold --nodes={number}")));
        assert!(
            typed.contains(&format!("--nodes {number}: nodes: ")) && typed.contains(part),
            "{typed}"
        );
        if number != "1e2k" {
            fs::write(
                desk.path("n.toml"),
                format!("nodes = {number}\nuntil = \"1s\"\nprotocol.name = \"phold\"\n"),
            )
            .expect("a file");
            let written = refusal(&desk.anthill("run n.toml"));
            let end = |text: &str| text.rsplit_once(": ").map(|(_, end)| end.to_owned());
            assert_eq!(end(&written), end(&typed), "{written}");
        }
    }
}

#[test]
fn what_a_later_version_will_have() {
    let parts =
        ["my.toml:5: network.topology", "`kademlia` is not available yet", "watts-strogatz, file"];
    refused(&with_file("[network]\ntopology = \"kademlia\""), "my.toml", &parts[1..]);
    let flag = "--set network.preset=solana-2025";
    let parts = [flag, "`solana-2025` is not available yet", "take one of aws-p50, bitcoin-2019"];
    refused(&Desk::new(), &format!("gossip {flag}"), &parts);
}

/// Every message says a cause once, whichever error type it went through.
#[test]
fn no_cause_is_told_twice() {
    let desk = with_file("");
    fs::create_dir(desk.path("folder")).expect("a folder");
    fs::write(desk.path("text"), "x").expect("a file");
    fs::write(desk.path("broken.json"), "{").expect("a file");
    fs::create_dir(desk.path("run")).expect("a folder");
    fs::write(desk.path("run/manifest.json"), "{").expect("a file");
    for line in [
        "run missing.toml",
        "validate missing.toml",
        "run folder/",
        "run text/x.toml",
        "run my.toml --set network.node_file=missing.csv",
        "run my.toml --set network.topology={kind=\"file\",path=\"missing.csv\"}",
        "run my.toml --set churn={kind=\"trace\",path=\"missing.csv\"}",
        "run my.toml --set network.jitter={kind=\"empirical\",path=\"missing.csv\"}",
        "run my.toml --set network.regions={file=\"broken.json\",format=\"aws-json\",latency=\"rtt\"}",
        "run my.toml --set crypto.keys=missing.txt",
        "run my.toml --set cpu.table=missing.toml",
        "run my.toml --out text/x",
        "run my.toml --serve 203.0.113.1:1 --serve-anyone",
        "scale missing.toml --nodes 10",
        "sweep missing.toml --vary nodes=1 --seeds 1",
        "sweep my.toml --vary until=5ms --seeds 1 --out text/x",
        "compare missing.toml my.toml --seeds 2",
        "compare my.toml my.toml --seeds 2 --set network.node_file=missing.csv",
        "profile missing.toml",
        "replay missing",
        "replay run",
        "replay text",
        "trace missing",
        "report missing",
        "report run",
        "report run --out text/x",
        "calibrate --quick --out text/x.toml",
    ] {
        let output = desk.anthill(line);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_ne!(output.status.code(), Some(0), "{line}");
        let causes: Vec<&str> =
            message.split(": ").map(str::trim).filter(|c| c.len() > 8).collect();
        for (i, cause) in causes.iter().enumerate() {
            assert!(!causes[..i].contains(cause), "{line}: `{cause}` twice in: {message}");
        }
    }
}

/// What keeps it so: no error type of ours has a source that its own text tells, and whoever prints
/// a chain of causes prints each once.
#[test]
fn errors_tell_their_causes_themselves_and_have_none() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut seen = 0;
    for part in ["engine/src", "protocol/src", "bench/src"] {
        for name in files(&root.join(part)).iter().filter(|name| name.ends_with(".rs")) {
            let text = fs::read_to_string(root.join(part).join(name)).expect("a source");
            let code = text.split("#[cfg(test)]\nmod tests").next().expect("some");
            for printed in ["{error:#}", "{problem:#}", "{e:#}", "{:#}"] {
                let found = code.contains(printed) && !name.ends_with("stacks.rs");
                assert!(!found, "{part}/{name}: {printed} tells causes twice; use terminal::told");
            }
            for variant in code.split("#[error(").skip(1) {
                seen += 1;
                let own = variant.split("\n}").next().expect("some");
                let from = own.contains("#[from]") && !own.starts_with("transparent");
                let source = own.contains("#[source]") || own.contains(" source: ");
                assert!(
                    !from && !source,
                    "{part}/{name}: #[error({}",
                    own.lines().next().unwrap_or("")
                );
            }
        }
    }
    assert!(seen > 50, "{seen} variants");
}
