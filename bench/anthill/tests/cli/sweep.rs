//! `anthill sweep`: tidy tables, seeds of their own, nothing made twice.

use std::collections::BTreeSet;
use std::fs;

use crate::{Desk, files, json, refusal, stdout};

const LINE: &str = "sweep gossip --nodes 300 --vary protocol.fanout=3,6 --vary network.loss=0,0.2 \
                    --seeds 3 --progress off --out w";

fn table(desk: &Desk, path: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(desk.path(path)).expect("a table");
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn column<'a>(table: &'a [Vec<String>], name: &str) -> Vec<&'a str> {
    let index = table[0].iter().position(|column| column == name).expect("a column");
    table[1..].iter().map(|row| row[index].as_str()).collect()
}

#[test]
fn its_tables_are_tidy_and_its_means_those_of_the_runs() {
    let desk = Desk::new();
    let output = desk.anthill(LINE);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let runs = table(&desk, "w/runs.csv");
    assert_eq!(runs.len(), 1 + 4 * 3);
    assert!(runs.iter().all(|row| row.len() == runs[0].len()));
    assert_eq!(
        runs[0][..7],
        ["point", "run", "seed", "protocol.fanout", "network.loss", "digest", "checks_ok"]
    );
    assert_eq!(column(&runs, "protocol.fanout")[..7], ["3", "3", "3", "3", "3", "3", "6"]);
    let (seeds, digests) = (column(&runs, "seed"), column(&runs, "digest"));
    assert_eq!(seeds.iter().collect::<BTreeSet<_>>().len(), 12, "every run has its own");
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), 12);
    assert!(column(&runs, "checks_ok").iter().all(|ok| *ok == "true"));

    let summary = table(&desk, "w/summary.csv");
    let messages: Vec<&Vec<String>> = summary.iter().filter(|row| row[3] == "messages").collect();
    assert_eq!(messages.len(), 4);
    let number = |text: &str| text.parse::<f64>().expect("a number");
    let firsts: f64 = column(&runs, "messages")[..3].iter().map(|text| number(text)).sum();
    assert!((number(&messages[0][5]) - firsts / 3.0).abs() < 1e-9, "{messages:?}");
    assert!(number(&messages[0][6]) < number(&messages[0][5]));
    let sweep = desk.json("w/sweep.json");
    assert_eq!(sweep["points"][3]["parameters"]["protocol.fanout"], "6");
    assert_eq!(sweep["points"][3]["metrics"]["metrics.coverage"]["runs"], 3);
    let text = stdout(&output);
    assert!(text.contains("protocol.fanout=6, network.loss=0.2\n"), "{text}");
    let page = fs::read_to_string(desk.path("w/report.html")).expect("a page");
    assert!(page.contains("<svg") && page.contains("metrics.coverage"));
}

#[test]
fn intervals_stay_where_a_metric_can_be_and_constants_have_none() {
    let desk = Desk::new();
    let line = "sweep gossip --nodes 60 --vary protocol.fanout=5 --seeds 5 --progress off --out w";
    let output = desk.anthill(line);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let metrics = &desk.json("w/sweep.json")["points"][0]["metrics"];
    let coverage = &metrics["metrics.coverage"];
    // Student's t alone would end beyond 1: all but a node or two of sixty are reached.
    assert_eq!(coverage["interval"][1], 1.0, "{coverage}");
    assert!(coverage["mean"].as_f64() < Some(1.0), "{coverage}");
    let audience = &metrics["metrics.audience"];
    assert_eq!((&audience["mean"], audience["interval"].is_null()), (&60.0.into(), true));
    let text = stdout(&output);
    assert!(text.contains("constant in 5 runs"), "{text}");
    for row in table(&desk, "w/summary.csv").iter().skip(1) {
        let low = row[5].parse::<f64>();
        assert!(row[5].is_empty() || low.is_ok_and(|low| low >= 0.0), "{row:?}");
    }
}

#[test]
fn it_continues_and_neither_jobs_nor_other_values_change_a_run() {
    let desk = Desk::new();
    assert_eq!(desk.anthill(LINE).status.code(), Some(0));
    let before = fs::read(desk.path("w/runs.csv")).expect("a table");
    for name in files(&desk.path("w/points")).iter().step_by(2) {
        fs::remove_file(desk.path(&format!("w/points/{name}"))).expect("a point");
    }
    assert_eq!(desk.anthill(&format!("{LINE} --jobs 1")).status.code(), Some(0));
    assert_eq!(fs::read(desk.path("w/runs.csv")).expect("a table"), before);

    // Fewer values, another order of the keys: the same seeds and results for the same point.
    let line = "sweep gossip --nodes 300 --vary network.loss=0.2 --vary protocol.fanout=6 \
                --seeds 2 --progress off --out other";
    assert_eq!(desk.anthill(line).status.code(), Some(0));
    let (all, some) = (table(&desk, "w/runs.csv"), table(&desk, "other/runs.csv"));
    assert_eq!(column(&all, "seed")[9..11], column(&some, "seed")[..]);
    assert_eq!(column(&all, "digest")[9..11], column(&some, "digest")[..]);
}

#[test]
fn values_are_toml_and_may_contain_commas() {
    let desk = Desk::new();
    let output = desk
        .command("sweep gossip --nodes 100 --seeds 1 --format json --out w --vary")
        .arg("network.topology={kind=\"random-regular\",degree=8},{kind=\"complete\"}")
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let sweep = json(&output.stdout);
    assert_eq!(sweep["points"].as_array().map(Vec::len), Some(2));
    let first = sweep["points"][0]["parameters"]["network.topology"].as_str();
    assert_eq!(first, Some("{kind=\"random-regular\",degree=8}"));
    let messages = &sweep["points"][0]["metrics"]["messages"];
    assert!(messages["interval"].is_null() && messages["runs"] == 1, "one run has no interval");
}

#[test]
fn bad_input_is_refused_before_anything_runs() {
    let desk = Desk::new();
    let sweep = |rest: &str| format!("sweep gossip --nodes 100 --seeds 2 {rest}");
    for (line, part) in [
        (sweep("--vary protocol.fanot=3,4"), "--vary protocol.fanot=3"),
        (sweep("--vary protocol.fanot=3,4"), "did you mean `fanout`"),
        (sweep("--vary protocol.fanout=3,many"), "--vary protocol.fanout=many"),
        (sweep("--vary protocol.fanout"), "has no `=`"),
        (sweep("--vary protocol.fanout=3,,4"), "a value is missing"),
        (sweep("--vary seed=1,2"), "--seeds says how many"),
        (sweep("--vary until=1s,2s --until 3s"), "are the same scenario"),
        (sweep("--vary protocol.fanout=3 --jobs 0"), "--jobs 0: must be"),
        ("sweep gossip --vary protocol.fanout=3 --seeds 0".into(), "--seeds 0: must be"),
        ("sweep gossip --vary protocol.fanout=3,4 --seeds 9999".into(), "19998 runs are too many"),
    ] {
        let message = refusal(&desk.anthill(&line));
        assert!(message.contains(part), "{line}: {message}");
    }
    assert!(files(desk.0.path()).is_empty());
    for line in ["sweep gossip --seeds 2", "sweep gossip --vary protocol.fanout=3"] {
        assert_eq!(desk.anthill(line).status.code(), Some(2), "{line}");
    }
}
