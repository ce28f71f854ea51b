//! The ledger of a run: saved, looked up, and on the page.

use std::fs;

use crate::{Desk, json, refusal, stdout};

const CHAIN: &str = "run pos-bft --nodes 7 --set protocol.users=3 --set protocol.heights=5 \
                     --set protocol.execution=transfer --set workload.rate=5 --ledger --progress off";

fn found(desk: &Desk, what: &str) -> serde_json::Value {
    let output = desk.anthill(&format!("ledger r {what} --format json"));
    assert_eq!(output.status.code(), Some(0), "{what}: {output:?}");
    json(&output.stdout)
}

#[test]
fn anybody_can_look_any_transaction_up() {
    let desk = Desk::new();
    let output = desk.anthill(&format!("{CHAIN} --out r"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let all = found(&desk, "");
    assert_eq!(all["kept"]["blocks"], 5, "{all}");
    assert_eq!(all["kept"]["accounts"], 7, "{all}");
    assert!(all["kept"]["transactions"].as_u64() > Some(0), "{all}");

    let mut seen = 0;
    for height in 1..=5 {
        let block = found(&desk, &format!("block {height}"));
        assert_eq!(block["found"]["height"], height);
        let inside = block["transactions_in_it"]["listed"].as_array().expect("a list").clone();
        assert_eq!(block["found"]["transactions"], inside.len(), "{block}");
        for transaction in inside {
            let id = transaction["id"].as_str().expect("an id").to_owned();
            let by_id = found(&desk, &format!("tx {}", &id[..12]));
            assert_eq!(by_id["found"], transaction);
            assert_eq!(by_id["block_of_it"]["hash"], block["found"]["hash"]);
            let sender = found(
                &desk,
                &format!("account {}", transaction["sender"].as_str().expect("a sender")),
            );
            let sent = sender["transactions_sent"]["listed"].as_array().expect("a list");
            assert!(sent.iter().any(|one| one["id"] == id), "{sender}");
            seen += 1;
        }
    }
    assert_eq!(all["kept"]["transactions"], seen);
    // By hash and by address as well.
    let block = found(&desk, "block 2")["found"].clone();
    assert_eq!(
        found(&desk, &format!("block {}", block["hash"].as_str().expect("a hash")))["found"],
        block
    );
    let account = found(&desk, "account 5")["found"].clone();
    let address = account["address"].as_str().expect("an address");
    assert_eq!(found(&desk, &format!("account {address}"))["found"], account);
    let text = stdout(&desk.anthill("ledger r account 5"));
    assert!(text.contains("balance") && text.contains("transactions sent"), "{text}");
}

#[test]
fn either_engine_tells_the_same_ledger() {
    let desk = Desk::new();
    let saved = |flags: &str, out: &str| {
        let output = desk.anthill(&format!("{CHAIN} {flags} --out {out}"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        fs::read(desk.path(out).join("ledger.jsonl.gz")).expect("a ledger")
    };
    let oracle = saved("--engine sequential", "a");
    assert_eq!(saved("--shards 3 --threads 2", "b"), oracle);
}

#[test]
fn what_is_not_there_is_said() {
    let desk = Desk::new();
    assert_eq!(desk.anthill(&format!("{CHAIN} --out r")).status.code(), Some(0));
    for (line, part) in [
        ("ledger r tx 0000", "no transaction `0000` in the ledger"),
        ("ledger r block 99", "no block `99`"),
        ("ledger r account 99", "no account `99`"),
        ("ledger nowhere", "holds no ledger"),
        ("run gossip --nodes 100 --ledger", "`gossip` keeps no ledger"),
    ] {
        let message = refusal(&desk.anthill(line));
        assert!(message.contains(part), "{line}: {message}");
    }
    fs::write(desk.path("r/ledger.jsonl.gz"), b"nothing").expect("writable");
    assert!(refusal(&desk.anthill("ledger r")).contains("damaged"));
    assert!(refusal(&desk.anthill("report r")).contains("damaged"));
}

#[test]
fn the_report_carries_it() {
    let desk = Desk::new();
    assert_eq!(desk.anthill(&format!("{CHAIN} --out r")).status.code(), Some(0));
    assert_eq!(desk.anthill("report r").status.code(), Some(0));
    let page = fs::read_to_string(desk.path("r/report.html")).expect("a page");
    let block = found(&desk, "block 5")["found"]["hash"].as_str().expect("a hash").to_owned();
    assert!(page.contains("The last blocks") && page.contains(&block), "{block}");
    assert!(page.contains("data-packed") && !page.contains("https://"));
}
