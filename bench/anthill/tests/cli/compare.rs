//! `anthill compare`: verdicts, and what it refuses to compare.

use std::fs;

use serde_json::Value;

use crate::{Desk, json, refusal, stdout};

/// Compares and gives what it found, by metric.
fn compared(desk: &Desk, line: &str) -> impl Fn(&str) -> Value + use<> {
    let output = desk.anthill(&format!("compare {line} --progress off --format json"));
    assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
    let found = json(&output.stdout)["metrics"].as_array().expect("metrics").clone();
    move |metric: &str| {
        let row = found.iter().find(|row| row["metric"] == metric);
        row.unwrap_or_else(|| panic!("{metric} is not in {found:?}")).clone()
    }
}

#[test]
fn a_scenario_does_not_differ_from_itself() {
    let desk = Desk::new();
    let output = desk.anthill("compare gossip gossip --nodes 300 --seeds 3 --out c");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    assert!(text.contains("no difference shown: every metric is the same in every pair"), "{text}");
    let comparison = desk.json("c/compare.json");
    let metrics = comparison["metrics"].as_array().expect("metrics");
    assert!(metrics.len() > 10);
    for row in metrics {
        assert_eq!(row["verdict"], "no difference shown", "{row}");
        assert_eq!((&row["difference"], &row["pairs"]), (&0.0.into(), &3.into()), "{row}");
    }
    let runs = fs::read_to_string(desk.path("c/runs.csv")).expect("a table");
    assert_eq!(runs.lines().count(), 1 + 2 * 3);
    for file in ["compare.csv", "report.html", "plan.json"] {
        assert!(desk.path("c").join(file).exists(), "{file}");
    }
}

#[test]
fn fewer_pushes_cost_less_and_reach_fewer() {
    let desk = Desk::new();
    let line = "gossip gossip --nodes 1k --set network.loss=0.1 --set-b protocol.fanout=4 \
                --seeds 12 --out c";
    let metric = compared(&desk, line);
    let coverage = metric("metrics.coverage");
    assert_eq!((&coverage["verdict"], &coverage["better_if"]), (&"worse".into(), &"higher".into()));
    assert!(coverage["interval"][1].as_f64().is_some_and(|high| high < 0.0), "{coverage}");
    assert!(coverage["p_adjusted"].as_f64() >= coverage["p"].as_f64(), "{coverage}");
    assert_eq!(metric("metrics.sends")["verdict"], "better");
    assert_eq!(metric("latency_ns.coverage.p99")["verdict"], "worse");
    assert_eq!(metric("conditions.lost")["verdict"], "lower");
    assert_eq!(metric("metrics.audience")["verdict"], "no difference shown");
    // The other way round it is the other way round.
    let turned = line.replace("--set-b", "--set-a").replace("--out c", "--out d");
    let metric = compared(&desk, &turned);
    assert_eq!(metric("metrics.coverage")["verdict"], "better");
    assert_eq!(metric("metrics.sends")["verdict"], "worse");
    let difference = metric("metrics.sends")["difference"].as_f64().expect("a number");
    assert!(difference > 0.0);
}

/// Who of a complete graph publishes cannot matter: whatever two pairs show is chance, and says so.
#[test]
fn few_pairs_have_no_verdict_and_say_how_many_would() {
    let desk = Desk::new();
    for seed in 1..=6 {
        let line = format!(
            "compare gossip gossip --nodes 200 --seeds 2 --seed {} --set protocol.rounds=true --set \
             network.model=\"uniform\" --set network.min=1ms --set network.max=2ms --set-b \
             protocol.origin=1 --progress off --out null-{seed}",
            seed * 1_000 + 7
        );
        let output = desk.anthill(&line);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let text = stdout(&output);
        let comparison = desk.json(&format!("null-{seed}/compare.json"));
        let rows = comparison["metrics"].as_array().expect("metrics");
        let differ = rows.iter().filter(|row| row["difference"] != 0.0 || row["effect"] == 0.0);
        assert!(rows.iter().all(|row| row["verdict"] == "no difference shown"), "{text}");
        assert!(rows.iter().all(|row| row["p"].as_f64() >= Some(0.5)), "{text}");
        assert!(rows.iter().all(|row| row["effect"].is_number() || row["interval"].is_null()));
        assert!(differ.count() > 3, "{text}");
        let needed = comparison["pairs_needed"].as_u64().expect("a number");
        assert!((8..=12).contains(&needed), "{needed}");
        assert!(text.contains("2 pairs allow no verdict on"), "{text}");
        assert!(text.contains(&format!("that takes {needed} (--seeds {needed})")), "{text}");
    }
}

#[test]
fn conditions_must_be_the_same_unless_that_is_asked_for() {
    let desk = Desk::new();
    let gossip = "nodes = 200\nuntil = \"9s\"\n[protocol]\nname = \"gossip\"\n";
    let fault = |share: f64| {
        format!("{gossip}[[fault]]\nkind = \"loss\"\nat = \"0s\"\nall = true\nshare = {share}\n")
    };
    fs::write(desk.path("a.toml"), fault(0.1)).expect("a file");
    fs::write(desk.path("b.toml"), fault(0.4)).expect("a file");
    let line = "compare a.toml b.toml --seeds 3 --progress off --out c";
    let message = refusal(&desk.anthill(line));
    assert!(message.contains("fault.0.share: A has 0.1, B has 0.4"), "{message}");
    assert!(message.contains("--allow-difference"), "{message}");
    assert!(!desk.path("c").exists());
    let output = desk.anthill(&format!("{line} --allow-difference"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    assert!(text.contains("not the same: fault.0.share: A has 0.1, B has 0.4"), "{text}");
}

#[test]
fn bad_input_is_refused() {
    let desk = Desk::new();
    let seeds = |n: &str| format!("compare phold phold --nodes 100 --until 5ms --seeds {n}");
    for (line, part) in [
        (seeds("0"), "--seeds 0: must be"),
        (seeds("1"), "a whole number from 2"),
        (seeds("2 --set-b protocol.remot=1"), "B: --set protocol.remot=1"),
        (seeds("2 --jobs none"), "--jobs none"),
        ("compare phold fold --seeds 2".into(), "did you mean `phold`"),
        ("compare phold missing.toml --seeds 2".into(), "missing.toml"),
        ("compare phold gossip --seeds 2".into(), "A and B differ outside [protocol]"),
    ] {
        let message = refusal(&desk.anthill(&line));
        assert!(message.contains(part), "{line}: {message}");
    }
    let (first, other) = (seeds("2 --out c"), seeds("2 --out c --set-b protocol.remote=0.5"));
    assert_eq!(desk.anthill(&first).status.code(), Some(0));
    let message = refusal(&desk.anthill(&other));
    assert!(
        message.contains("B: [protocol] `remote = 1.0` there, `remote = 0.5` now"),
        "{message}"
    );
    // Another command's directory.
    let line = "sweep phold --nodes 100 --until 5ms --vary protocol.remote=1 --seeds 2 --out c";
    let message = refusal(&desk.anthill(line));
    assert!(message.contains("command \"compare\" there, \"sweep\" now"), "{message}");
}
