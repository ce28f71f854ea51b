//! Finding things in a ledger, and telling of them.

use std::fmt::Write as _;

use anyhow::bail;
use serde_json::{Value, json};

use super::SavedLedger;
use crate::units;

/// Names may be shortened to so many characters.
const LEAST_PREFIX: usize = 4;
/// Transactions of a block or account that are listed.
const MOST_LISTED: usize = 50;

/// What a ledger holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// A block, by height or hash.
    Block,
    /// A transaction, by id.
    Tx,
    /// An account, by the number of its node or its address.
    Account,
    /// A contract, by address.
    Contract,
}

impl Kind {
    /// All, in the order in which they are saved.
    pub(crate) const ALL: [Self; 4] = [Self::Block, Self::Tx, Self::Account, Self::Contract];

    /// As lines name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Tx => "transaction",
            Self::Account => "account",
            Self::Contract => "contract",
        }
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Block => "blocks",
            Self::Tx => "transactions",
            Self::Account => "accounts",
            Self::Contract => "contracts",
        }
    }

    /// The fields that name one.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Block => &["height", "hash"],
            Self::Account => &["id", "address"],
            Self::Tx | Self::Contract => &["id"],
        }
    }
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// Of which kind.
    pub kind: Kind,
    /// Its name, or the beginning of it.
    pub id: String,
}

impl Query {
    /// What is found: the thing itself, and the transactions that belong to it.
    ///
    /// # Errors
    /// If there is no such thing, or the beginning of a name is that of several.
    pub(crate) fn find(&self, ledger: &SavedLedger) -> anyhow::Result<Value> {
        let found = self.one(ledger)?;
        let text = |name: &str| shown(&found[name]);
        let belongs = |field: &'static str, name: String| {
            let all = ledger.entries(Kind::Tx).filter(move |it| shown(&it[field]) == name);
            let (mut listed, mut more) = (Vec::new(), 0u64);
            for one in all {
                if listed.len() < MOST_LISTED { listed.push(one) } else { more += 1 }
            }
            json!({ "listed": listed, "more": more })
        };
        let (name, belonging) = match self.kind {
            Kind::Block => ("transactions_in_it", belongs("block", text("height"))),
            Kind::Account => ("transactions_sent", belongs("sender", text("id"))),
            Kind::Tx => {
                let height = text("block");
                let mut blocks = ledger.entries(Kind::Block);
                let block = blocks.find(|it| shown(&it["height"]) == height);
                ("block_of_it", block.unwrap_or(Value::Null))
            }
            Kind::Contract => return Ok(json!({ "found": found })),
        };
        Ok(json!({ "found": found, name: belonging }))
    }

    fn one(&self, ledger: &SavedLedger) -> anyhow::Result<Value> {
        let wanted = self.id.trim().to_lowercase();
        let wanted = wanted.strip_prefix("0x").unwrap_or(&wanted);
        let begins = wanted.len() >= LEAST_PREFIX;
        let mut starting: Vec<Value> = Vec::new();
        // Lines without it are not looked at closer.
        for line in ledger.lines(self.kind).filter(|line| line.contains(wanted)) {
            let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
            let names = self.kind.names().iter().map(|field| shown(&entry[*field]));
            for name in names.filter(|name| !name.is_empty()) {
                if name == wanted {
                    return Ok(entry);
                }
                if begins && name.starts_with(wanted) && starting.len() < 2 {
                    starting.push(entry.clone());
                }
            }
        }
        let (kind, id) = (self.kind.name(), &self.id);
        match (starting.len(), ledger.missed(self.kind)) {
            (1, _) => Ok(starting.remove(0)),
            (0, 0) => bail!("no {kind} `{id}` in the ledger"),
            (0, missed) => bail!(
                "no {kind} `{id}` in the ledger, which leaves out {} {}",
                units::count(missed),
                self.kind.plural()
            ),
            _ => bail!("several {} begin with `{id}`: give more of it", self.kind.plural()),
        }
    }
}

/// A cell as text.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What was found, to read; or, where nothing was looked for, what there is.
pub(crate) fn describe(ledger: &SavedLedger, found: Option<&Value>) -> String {
    let mut text = String::new();
    let Some(found) = found else {
        let node = shown(&ledger.header["node"]);
        let _ = writeln!(text, "The ledger as node {node} holds it at the end of the run");
        for kind in Kind::ALL {
            let kept = ledger.header["kept"][kind.plural()].as_u64().unwrap_or(0);
            let left_out = match ledger.missed(kind) {
                0 => String::new(),
                missed => format!(", {} more left out", units::count(missed)),
            };
            let _ = writeln!(text, "  {:<13} {}{left_out}", kind.plural(), units::count(kept));
        }
        return text;
    };
    fields(&mut text, "", &found["found"]);
    for list in ["transactions_in_it", "transactions_sent"] {
        let Some(listed) = found[list]["listed"].as_array().filter(|it| !it.is_empty()) else {
            continue;
        };
        let _ = writeln!(text, "\n{}", list.replace('_', " "));
        for one in listed {
            let short: String = shown(&one["id"]).chars().take(16).collect();
            let cells = ["block", "sender", "kind", "summary", "status"];
            let cells = cells.map(|cell| one_line(&shown(&one[cell])));
            let _ = writeln!(text, "  {short:<16}  {}", cells.join("  "));
        }
        if let Some(more @ 1..) = found[list]["more"].as_u64() {
            let _ = writeln!(text, "  and {} more", units::count(more));
        }
    }
    if found["block_of_it"].is_object() {
        text.push_str("\nin the block\n");
        fields(&mut text, "  ", &found["block_of_it"]);
    }
    text
}

fn fields(text: &mut String, indent: &str, entry: &Value) {
    for (name, value) in entry.as_object().into_iter().flatten() {
        let value = one_line(&shown(value));
        if !value.is_empty() {
            let _ = writeln!(text, "{indent}{:<13} {value}", name.replace('_', " "));
        }
    }
}

/// Text of strangers as a line: no control character reaches the terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> SavedLedger {
        let lines = [
            json!({ "entry": "block", "height": 1, "hash": "aaaa1111" }),
            json!({ "entry": "block", "height": 2, "hash": "aaaa2222" }),
            json!({ "entry": "transaction", "id": "beef01", "block": 2, "sender": "17",
                    "summary": "\u{1b}[31m1 to 3", "status": "done" }),
            json!({ "entry": "account", "id": "17", "address": "cafe00", "balance": 5 }),
        ];
        let lines = lines.map(|line| format!("{line}\n")).concat();
        let header = json!({ "format": 1, "left_out": { "transactions": 9 } });
        SavedLedger { header, lines }
    }

    fn find(kind: Kind, id: &str) -> Result<Value, String> {
        let query = Query { kind, id: id.to_owned() };
        query.find(&ledger()).map_err(|error| error.to_string())
    }

    #[test]
    fn things_are_found_by_any_of_their_names_or_its_beginning() {
        for (kind, id, field, expected) in [
            (Kind::Block, "2", "hash", json!("aaaa2222")),
            (Kind::Block, "0xAAAA2", "height", json!(2)),
            (Kind::Tx, "beef", "block", json!(2)),
            (Kind::Account, "17", "balance", json!(5)),
            (Kind::Account, "cafe", "id", json!("17")),
        ] {
            let found = find(kind, id).unwrap_or_else(|error| panic!("{id}: {error}"));
            assert_eq!(found["found"][field], expected, "{id}");
        }
        assert_eq!(
            find(Kind::Block, "2").expect("there")["transactions_in_it"]["listed"][0]["id"],
            "beef01"
        );
        assert_eq!(find(Kind::Tx, "beef01").expect("there")["block_of_it"]["hash"], "aaaa2222");
        assert_eq!(find(Kind::Account, "17").expect("there")["transactions_sent"]["more"], 0);
    }

    #[test]
    fn what_is_not_found_is_said_with_what_was_left_out() {
        assert_eq!(find(Kind::Block, "3"), Err("no block `3` in the ledger".into()));
        let several = "several blocks begin with `aaaa`: give more of it";
        assert_eq!(find(Kind::Block, "aaaa"), Err(several.into()));
        let left_out = "no transaction `bee` in the ledger, which leaves out 9 transactions";
        assert_eq!(find(Kind::Tx, "bee"), Err(left_out.into()), "too short for a beginning");
    }

    #[test]
    fn control_characters_stay_out_of_the_terminal() {
        let found = find(Kind::Tx, "beef01").expect("there");
        let text = describe(&ledger(), Some(&found));
        assert!(text.contains("\u{fffd}[31m1 to 3") && !text.contains('\u{1b}'), "{text}");
        assert!(describe(&ledger(), None).contains("9 more left out"));
    }
}
