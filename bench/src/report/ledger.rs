//! The chain of a run: its last blocks and transactions, its largest accounts, its contracts, and a search
//! through all that was saved, which the page carries packed.
//!
//! Readable without a script; the search needs one. It makes text of what it finds, never markup.

use maud::{Markup, html};
use serde_json::Value;

use super::load::{PackedLedger, Run};
use crate::ledger::{Kind, shown};
use crate::page::{self, Table};
use crate::units;

/// Rows that are shown of each kind.
const SHOWN: usize = 20;

/// The part of the page; `None`: no ledger was saved.
pub(super) fn part(run: &Run) -> Option<Markup> {
    let PackedLedger { saved, base64 } = run.ledger.as_ref()?;
    let counts = Kind::ALL.map(|kind| {
        let kept = saved.header["kept"][kind.plural()].as_u64().unwrap_or(0);
        let left_out = match saved.missed(kind) {
            0 => String::new(),
            missed => format!("{} more were left out", units::count(missed)),
        };
        page::Headline {
            label: kind.plural().to_owned(),
            value: units::count(kept),
            note: left_out,
        }
    });
    let last = |kind| saved.entries(kind).rev().take(SHOWN).collect::<Vec<Value>>();
    let blocks = table(
        &[
            ("height", "#height"),
            ("hash", "hash"),
            ("proposer", "proposer"),
            ("time_s", "#time (s)"),
            ("transactions", "#transactions"),
        ],
        &last(Kind::Block),
    );
    let transactions = table(
        &[
            ("id", "id"),
            ("block", "#block"),
            ("sender", "sender"),
            ("kind", "kind"),
            ("summary", "what"),
            ("fee", "#fee"),
            ("status", "status"),
        ],
        &last(Kind::Tx),
    );
    let accounts = table(
        &[
            ("id", "id"),
            ("address", "address"),
            ("balance", "#balance"),
            ("nonce", "#nonce"),
            ("stake", "#stake"),
        ],
        &largest(saved.entries(Kind::Account)),
    );
    let contracts: Vec<Value> = saved.entries(Kind::Contract).take(SHOWN).collect();
    let contracts = (!contracts.is_empty()).then(|| {
        table(
            &[
                ("id", "id"),
                ("code_hash", "hash of its code"),
                ("code_bytes", "#bytes of code"),
                ("slots", "#slots of storage"),
            ],
            &contracts,
        )
    });
    Some(html! {
        p { "The chain as node " (shown(&saved.header["node"])) " holds it at the end of the run." }
        (page::headlines(&counts))
        div data-ledger {
            // A script shows it: without one there is nothing to search with.
            p hidden data-search {
                label { "Look up a block, transaction, account or contract: "
                    input type="search" size="40" placeholder="height, hash, id, address" autocomplete="off";
                }
            }
            div data-found aria-live="polite" {}
            noscript { p.absent { "Without scripts, look things up by: anthill ledger DIR tx ID" } }
            pre hidden data-packed { (base64) }
        }
        h3 { "The last blocks" } (blocks)
        h3 { "The last transactions" } (transactions)
        h3 { "The largest accounts" } (accounts)
        @if let Some(contracts) = contracts { h3 { "Contracts" } (contracts) }
    })
}

fn table(columns: &[(&str, &str)], entries: &[Value]) -> Markup {
    let headings: Vec<&str> = columns.iter().map(|(_, heading)| *heading).collect();
    let mut table = Table::new(&headings);
    table.rows = entries
        .iter()
        .map(|entry| columns.iter().map(|(field, _)| shown(&entry[*field])).collect())
        .collect();
    table.markup()
}

/// By what they hold, equals in their order.
fn largest(accounts: impl Iterator<Item = Value>) -> Vec<Value> {
    let held = |account: &Value| match &account["balance"] {
        Value::String(text) => text.parse().unwrap_or(0),
        other => other.as_u64().unwrap_or(0),
    };
    let mut all: Vec<Value> = accounts.collect();
    all.sort_by_key(|account| core::cmp::Reverse(held(account)));
    all.truncate(SHOWN);
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_largest_come_first_also_beyond_what_a_browser_counts_exactly() {
        let of = |id: u32, balance: Value| json!({ "id": id, "balance": balance });
        let all = [of(1, json!(5)), of(2, json!("18446744073709551615")), of(3, json!(5))];
        let ids: Vec<Value> =
            largest(all.into_iter()).into_iter().map(|it| it["id"].clone()).collect();
        assert_eq!(ids, [json!(2), json!(1), json!(3)]);
    }

    #[test]
    fn names_of_strangers_stay_text() {
        let evil = json!({ "summary": "<img src=x onerror=alert(1)>" });
        let markup = table(&[("summary", "what")], &[evil]).into_string();
        assert!(markup.contains("&lt;img") && !markup.contains("<img"), "{markup}");
    }
}
