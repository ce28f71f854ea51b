//! `--verbose`: every message, one a line, in the order of delivery.

use crate::{Desk, json, stdout};

#[test]
fn every_message_is_a_line_before_the_summary() {
    let desk = Desk::new();
    let run = |flags: &str| {
        let line = format!("run phold --nodes 50 --until 20ms --verbose --progress off {flags}");
        let output = desk.anthill(&line);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        output
    };
    let text = stdout(&run("--out text"));
    let (log, summary) = text.split_once("\nphold: 50 nodes").expect("log, then summary");
    assert!(summary.contains("Saved in text"), "{summary}");
    let saved = desk.json("text/summary.json");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(Some(lines.len() as u64), saved["messages"].as_u64());
    let times: Vec<f64> = lines
        .iter()
        .map(|line| line.split_whitespace().next().and_then(|t| t.parse().ok()).expect("a time"))
        .collect();
    assert!(times.is_sorted() && times[0] > 0.0);
    // The same from the oracle; and with JSON on stdout the log is on stderr.
    assert_eq!(
        stdout(&run("--engine sequential --out oracle")).split_once("\nphold").expect("a log").0,
        log
    );
    let output = run("--format json --out json");
    assert_eq!(json(&output.stdout)["digest"], saved["digest"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim_end(), log);
}

#[test]
fn a_log_is_filtered_by_node_kind_and_time() {
    let desk = Desk::new();
    let log = |flags: &str| {
        let line = format!("run gossip --nodes 300 --verbose --progress off {flags}");
        let text = stdout(&desk.anthill(&line));
        let log = text.split_once("\ngossip: ").map(|(log, _)| log.to_owned());
        // Without a line the summary comes at once.
        log.unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (all, of_node) = (log(""), log("--node 12,40-41"));
    let ends = |line: &String| -> [u32; 2] {
        let fields: Vec<&str> = line.split_whitespace().collect();
        [2, 4].map(|field| fields[field].parse().expect("a node"))
    };
    let touches = |line: &&String| ends(line).iter().any(|node| matches!(*node, 12 | 40 | 41));
    let expected: Vec<String> = all.iter().filter(touches).cloned().collect();
    assert_eq!(of_node, expected);
    assert!(of_node.len() > 24, "three nodes, each sends eight");
    let of_time = log("--from 100ms --to 200ms");
    let within = |line: &&String| line.trim_start().starts_with("0.1");
    let expected: Vec<String> = all.iter().filter(within).cloned().collect();
    assert_eq!(of_time, expected);
    assert!(!of_time.is_empty() && of_time.len() < all.len());
    assert_eq!(log("--kind data"), all);
}
