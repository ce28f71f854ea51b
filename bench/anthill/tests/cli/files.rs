//! Files that users bring: what a header says counts, and what has no effect is said on stderr, by
//! `run` and `validate` alike.

use std::fs;

use crate::{Desk, json, refusal};

/// A scenario of `nodes` nodes beside a file.
fn desk(nodes: u32, protocol: &str, network: &str, (name, content): (&str, &str)) -> Desk {
    let desk = Desk::new();
    let head = format!("nodes = {nodes}\nuntil = \"100s\"\n[protocol]\n{protocol}\n");
    fs::write(desk.path("s.toml"), head + network).expect("a file");
    fs::write(desk.path(name), content).expect("a file");
    desk
}

const FLOOD: &str = "name = \"gossip\"\nmode = \"flood\"";
const QUIET: &str = "name = \"traffic\"\nsenders = 0.0";

fn edges(nodes: u32, latency: &str, content: &str) -> Desk {
    let kind = format!("kind = \"file\", path = \"e.csv\"{latency}");
    desk(nodes, FLOOD, &format!("[network]\ntopology = {{ {kind} }}\n"), ("e.csv", content))
}

/// Asserts that `run` and `validate` say all of this on stderr and nothing else, that what a run
/// prints as JSON stays JSON, and returns its result.
#[track_caller]
fn says(desk: &Desk, notes: &[&str]) -> serde_json::Value {
    let run = desk.anthill("run s.toml --progress off --format json --out r");
    let validate = desk.anthill("validate s.toml");
    for output in [&run, &validate] {
        assert!(output.status.code().is_some_and(|code| code < 2), "{output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = stderr.lines().collect();
        assert_eq!(lines.len(), notes.len(), "{stderr}");
        for (line, note) in lines.iter().zip(notes) {
            assert!(line.starts_with("note: ") && line.contains(note), "`{note}` not in: {line}");
        }
    }
    json(&run.stdout)["result"].clone()
}

#[track_caller]
fn refused(desk: &Desk, parts: &[&str]) {
    let message = refusal(&desk.anthill("run s.toml"));
    let validate = desk.anthill("validate s.toml");
    assert_eq!(validate.status.code(), Some(2));
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
        assert!(String::from_utf8_lossy(&validate.stderr).contains(part));
    }
    assert!(!desk.path("anthill-runs").exists());
}

#[test]
fn the_header_says_which_column_is_which() {
    let directed = ", latency = \"rtt\", direction = \"source-to-target\"";
    let plain = edges(3, directed, "source,target,latency_ms\n0,1,12.5\n1,2,10\n");
    let swapped = edges(3, directed, "target,source,latency_ms\n1,0,12.5\n2,1,10\n");
    let backward = edges(3, directed, "target,source,latency_ms\n0,1,12.5\n1,2,10\n");
    let mute = ["e.csv: 1 of 3 nodes have edges, but no neighbour to send to"];
    let result = says(&plain, &mute);
    assert_eq!(says(&swapped, &mute), result);
    assert_ne!(says(&backward, &mute)["digest"], result["digest"]);
    for lines in [
        "source\ttarget\tlatency\n0\t1\t12.5\n1\t2\t10\n",
        "# source target latency_ms\n0 1 12.5\n1 2 10\n",
    ] {
        assert_eq!(says(&edges(3, directed, lines), &mute), result);
    }
}

#[test]
fn without_a_header_the_order_is_said() {
    let order = "e.csv: no header: its columns are read as source,target";
    let tabs = "0\t1\n0\t2\n1\t3\n2\t3\n3\t4\n4\t5\n5\t0\n";
    let bare = says(&edges(6, "", tabs), &[order]);
    // As SNAP publishes them: a comment names the columns.
    let snap =
        format!("# Directed graph: p2p.txt\n# Nodes: 6 Edges: 7\n# FromNodeId\tToNodeId\n{tabs}");
    assert_eq!(says(&edges(6, "", &snap), &[]), bare);
}

#[test]
fn what_an_edge_list_has_without_effect_is_counted_and_said() {
    says(
        &edges(3, "", "source,target,latency,weight\n0,1,12.5,1\n1,2,10,1\n"),
        &[
            "columns without effect: \"weight\"",
            "e.csv: column \"latency\" has no effect: set network",
        ],
    );
    says(
        &edges(4, "", "source,target\n0,1\n2,3\n"),
        &["e.csv: not connected: 2 components, the largest of 2 of 4 nodes"],
    );
    says(
        &edges(36, "", "source,target\n10,20\n20,35\n"),
        &[
            "e.csv: isolated: 33 of 36 nodes have no edge",
            "e.csv: not connected: 34 components, the largest of 3 of 36 nodes",
        ],
    );
    says(
        &edges(3, "", "source,target\n0,0\n1,1\n0,1\n0,1\n1,0\n2,2\n"),
        &[
            "e.csv: 3 rows join a node to itself, left out; first in line 2",
            "e.csv: 1 row repeats another, left out; first line 5, which repeats line 4",
            "e.csv: isolated: 1 of 3",
            "e.csv: not connected: 2 components",
        ],
    );
}

#[test]
fn edge_lists_that_mean_something_else_are_refused() {
    let rtt = ", latency = \"rtt\"";
    for (nodes, latency, content, parts) in [
        (3, rtt, "source,target,latncy\n0,1,1\n", &["line 1", "did you mean \"latency_ms\"?"][..]),
        (3, rtt, "source;target;latency_ms\n0;1;12,5\n", &["line 2: \"12,5\"", "12.5"]),
        (3, rtt, "0,1,12,5\n", &["line 1: 4 fields and no header; name the columns"]),
        (3, rtt, "source,target\n0,1\n", &["line 1", "it lacks latency_ms"]),
        (3, "", "a,b\n0,1\n", &["line 1", "it lacks source and target"]),
        (3, "", "source,target\n10,20\n", &["line 2: source 10 is no node: ids are 0 to 2"]),
        (2, "", "0,1\n1,0\n0,1\n", &["line 3: more edges than the 2 that 2 nodes can have"]),
    ] {
        refused(&edges(nodes, latency, content), parts);
    }
}

#[test]
fn columns_of_a_node_file_are_obeyed_refused_or_named() {
    let nodes = |content: &str, network: &str| {
        let network = format!("[network]\nnode_file = \"n.csv\"\n{network}");
        desk(3, QUIET, &network, ("n.csv", content))
    };
    refused(&nodes("id,regoin\n0,us-east-1\n", ""), &["n.csv, line 1", "did you mean \"region\"?"]);
    refused(
        &nodes("node,location,stake,bandwidth_up\n0,us-east-1,100,20Mbit\n", ""),
        &[
            "\"location\" is not known; did you mean \"region\"?",
            "did you mean \"up\"?",
            "Rename each",
        ],
    );
    let all = "id,region,stake,up,down,kind\n0,us-east-1,1,1Mbit,1Mbit,x\n1,us-east-1,1,1Mbit,1Mbit,x\n\
               2,eu-west-1,2,1Mbit,1Mbit,x\n";
    let unknown = "n.csv: columns without effect: \"kind\"";
    let rates = "n.csv: columns \"up\" and \"down\" have no effect without network.bandwidth";
    let stake = "n.csv: column \"stake\" has no effect: nothing selects nodes by stake_top";
    says(&nodes(all, ""), &[unknown, rates, stake]);
    let obeyed = "bandwidth.kind = \"node-file\"\n[[fault]]\nat = 0\nheal = \"1s\"\nkind = \"crash\"\nstake_top = 1\n";
    says(&nodes(all, obeyed), &[unknown]);
}

#[test]
fn downtimes_beyond_the_end_are_counted_and_touching_ones_merge() {
    let trace = |rows: &str| {
        let churn = "[network]\nmodel = \"uniform\"\n[churn]\nkind = \"trace\"\npath = \"t.csv\"\n";
        desk(3, QUIET, churn, ("t.csv", &format!("node,down,up\n{rows}")))
    };
    let beyond = "t.csv: 1 of 1 rows have no effect, at or after until = 1.667min; the first is at";
    says(&trace("0,10000,20000\n"), &[&format!("{beyond} 10000 s: instants are seconds")]);
    says(&trace("0,1106352000,1106352900\n"), &[&format!("{beyond} 1106352000 s")]);
    says(&trace("0,10,20\n1,200,300\n"), &["t.csv: 1 of 2 rows have no effect"]);
    let touching = says(&trace("0,10,20\n0,20,30\n"), &[]);
    assert_eq!(touching, says(&trace("0,10,30\n"), &[]));
    assert_eq!(touching["conditions"]["restarts"], 1);
}

#[test]
fn histograms_may_have_relative_frequencies() {
    let histogram = |rows: &str| {
        let network = "[network]\njitter = { kind = \"empirical\", path = \"h.csv\" }\n";
        desk(100, FLOOD, network, ("h.csv", rows))
    };
    let shares = says(&histogram("value,count\n1,0.25\n2,0.5\n5,0.25\n"), &[]);
    assert_eq!(shares, says(&histogram("count,value\n1,1\n2,2\n1,5\n"), &[]));
    let order = "h.csv: no header: its columns are read as value,count";
    assert_ne!(shares["digest"], says(&histogram("1;1\n2;3\n5;1\n"), &[order])["digest"]);
    refused(
        &histogram("value;count\n1,5;2\n"),
        &["h.csv, line 2: \"1,5\" in column value has a comma"],
    );
}

#[test]
fn tables_of_regions_go_by_name_and_may_be_matrices() {
    let regions = |format: &str, content: &str| {
        let keys = format!("file = \"r.csv\", format = \"{format}\", latency = \"rtt\"");
        desk(9, FLOOD, &format!("[network]\nregions = {{ {keys} }}\n"), ("r.csv", content))
    };
    let rows = "from,to,rtt_avg_ms,rtt_min_ms,rtt_max_ms,rtt_mdev_ms\na,b,80,70,95,2\na,a,9,8,11,1\nb,b,9,8,11,1\n";
    let turned = "rtt_mdev_ms,to,from,rtt_min_ms,rtt_avg_ms,note,rtt_max_ms\n\
                  2,b,a,70,80,x,95\n1,a,a,8,9,x,11\n1,b,b,8,9,x,11\n";
    let result = says(&regions("city-pairs", rows), &[]);
    let note = "r.csv: columns without effect: \"note\"";
    assert_eq!(says(&regions("city-pairs", turned), &[note]), result);
    refused(
        &regions("city-pairs", "from,to,rtt_avg_ms,rtt_mdev\na,b,80,2\n"),
        &["line 1: column \"rtt_mdev\" is not known; did you mean \"rtt_mdev_ms\"?"],
    );
    let raised = "1 latencies below network.min_delay were raised to it";
    let matrix = says(&regions("matrix", "9 80\n80 0.1\n"), &[raised]);
    let labelled = says(&regions("matrix", ",a,b\nb,80,0.1\na,9,80\n"), &[raised]);
    assert_eq!(matrix["digest"], labelled["digest"]);
    refused(&regions("matrix", "0 80\n"), &["r.csv: 1 rows of 2 latencies; a matrix is square"]);
}

#[test]
fn what_would_flap_for_ever_is_refused() {
    let flapping = |rest: &str| {
        let desk = desk(100, QUIET, rest, ("x", ""));
        let text = fs::read_to_string(desk.path("s.toml")).expect("text");
        fs::write(desk.path("s.toml"), text.replace("100s", "1h")).expect("a file");
        desk
    };
    let ever = "which takes practically for ever";
    refused(
        &flapping("[churn]\nkind = \"exponential\"\nsession = \"1ns\"\ndowntime = \"1ns\"\n"),
        &["s.toml:8: churn.session = \"1ns\"", ever, "raise session or downtime"],
    );
    refused(
        &flapping(
            "[[fault]]\nkind = \"crash\"\nat = 0\nall = true\nevery = \"2ns\"\non = \"1ns\"\n",
        ),
        &["s.toml:10: fault[0].every = \"2ns\"", ever, "raise it"],
    );
}
