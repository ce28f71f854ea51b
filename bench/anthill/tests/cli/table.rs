//! `--table`: the nodes as they end, their sums, and `nodes.csv`.

use std::fs;

use crate::{Desk, refusal, stdout};

const WITNESS: &str = "run witness --nodes 1k --until 20s --set workload.rate=60 --table \
                       --progress off";

/// The columns of a saved table, by name.
fn column(csv: &str, name: &str) -> Vec<String> {
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().expect("a head").split(',').collect();
    let place = names.iter().position(|column| *column == name).expect(name);
    lines.map(|line| line.split(',').nth(place).expect("a cell").to_owned()).collect()
}

fn figures(csv: &str, name: &str) -> Vec<u64> {
    column(csv, name).iter().map(|cell| cell.parse().expect("a figure")).collect()
}

/// Once no payment is under way, what wallets hold is what the protocol's own metric says.
#[test]
fn the_credit_total_is_what_is_held() {
    let desk = Desk::new();
    let line = "run witness --nodes 1k --until 60s --set workload.rate=0.3 --table --progress off";
    assert_eq!(desk.anthill(&format!("{line} --out x")).status.code(), Some(0));
    let csv = fs::read_to_string(desk.path("x/nodes.csv")).expect("a table");
    let sum = |name| figures(&csv, name).iter().sum::<u64>();
    assert_eq!((sum("open"), sum("tied"), sum("promises")), (0, 0, 0), "all payments have ended");
    let metrics = &desk.json("x/summary.json")["metrics"];
    assert_eq!(Some(sum("credit")), metrics["held"].as_u64());
    assert_eq!(Some(sum("received")), metrics["payments_final"].as_u64());
    assert!(sum("received") > 0 && sum("watched") > 0 && sum("credit") < 998_000_000_000);
}

#[test]
fn the_table_is_the_same_on_every_shape() {
    let desk = Desk::new();
    let mut tables = Vec::new();
    for (flags, out) in
        [("--engine sequential", "a"), ("--shards 3 --threads 2", "b"), ("--shards 7", "c")]
    {
        let output = desk.anthill(&format!("{WITNESS} {flags} --out {out}"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let text = stdout(&output);
        let csv = fs::read_to_string(desk.path(&format!("{out}/nodes.csv"))).expect("a table");
        tables.push((text[..text.find("1,000 nodes, seed").expect("summary")].to_owned(), csv));
        assert!(text.contains("\n  total "), "{text}");
    }
    assert!(tables.windows(2).all(|pair| pair[0] == pair[1]), "a table depends on the execution");
    let (text, csv) = &tables[0];
    let begun = desk.json("a/summary.json")["metrics"]["payments_started"].as_u64();
    assert_eq!(Some(figures(csv, "paid").iter().sum()), begun);
    assert!(figures(csv, "received").iter().sum::<u64>() > 50);
    assert_eq!(figures(csv, "node"), (0..1_000).collect::<Vec<_>>());
    let verifiers = column(csv, "role").iter().filter(|role| *role == "verifier").count();
    assert_eq!(verifiers, 200, "a fifth of 998 users, rounded");
    assert!(text.contains("20 of 1,000 nodes shown"), "{text}");
}

#[test]
fn rows_are_sorted_filtered_and_limited() {
    let desk = Desk::new();
    let mut command = desk.command(&format!("{WITNESS} --sort received:desc --limit 4 --out x"));
    let output = command.args(["--where", "received >= 1", "--where", "role=user"]).output();
    let output = output.expect("the binary starts");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let csv = fs::read_to_string(desk.path("x/nodes.csv")).expect("a table");
    let received = figures(&csv, "received");
    assert!(received.is_sorted_by(|a, b| a >= b) && received.last() >= Some(&1), "{received:?}");
    assert!(column(&csv, "role").iter().all(|role| role == "user"));
    let text = stdout(&output);
    let shown = text.lines().skip_while(|line| !line.contains("region")).skip(1);
    assert_eq!(shown.take_while(|line| !line.contains("total")).count(), 4, "{text}");
    let foot = format!("4 of {} nodes shown that were asked for, of 1,000", received.len());
    assert!(text.contains(&foot), "{text}");
}

#[test]
fn protocols_without_columns_have_node_and_region() {
    let desk = Desk::new();
    let line = "run timers --nodes 30 --until 1s --table --where node<3 --progress off --out x";
    assert_eq!(desk.anthill(line).status.code(), Some(0));
    let csv = fs::read_to_string(desk.path("x/nodes.csv")).expect("a table");
    assert_eq!(csv.lines().next(), Some("node,region"));
    assert_eq!(csv.lines().count(), 4, "{csv}");
}

#[test]
fn tables_that_cannot_be_had_are_refused() {
    let desk = Desk::new();
    for (line, expected) in [
        ("witness --table --sort credti", "did you mean `credit`?"),
        ("witness --table --sort credit:up", "with :desc or :asc"),
        ("witness --table --where rloe=user", "did you mean `role`?"),
        ("witness --table --where credit>lots", "`credit` holds figures"),
        ("witness --table --where role>user", "only = and != compare"),
        ("witness --table --where credit", "write a column, one of"),
        ("witness --table --limit 0", "write 1 to 200,000"),
        ("gossip --table --sort credit", "columns: node, region, informed, requests"),
        ("gossip --sort node", "--sort needs --table"),
        ("gossip --where node=1", "--where needs --table"),
    ] {
        let refused = refusal(&desk.anthill(&format!("run {line} --progress off")));
        assert!(refused.contains(expected), "{line}: {refused}");
    }
    assert!(!desk.path("anthill-runs").exists());
}
