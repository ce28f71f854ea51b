//! Overrides: `--set path=value` and the flags that stand for one key (`--nodes 1M`).
//!
//! An override replaces one value of the document before anything is checked, so a wrong one gets
//! the same error as in a file, naming the argument instead of a line.

use toml::de::{DeTable, DeValue};

use super::document::{Data, Entry, Item, Place, Table, convert};
use super::error::ScenarioError;
use super::excerpt::shorten;

/// Replaces one value of a scenario.
#[derive(Clone, Debug)]
pub struct Override {
    argument: String,
    path: Vec<String>,
    value: Data,
}

impl Override {
    /// Reads `path=value`: the path in TOML's dotted form, the value as TOML, else as text
    /// (`network.min_delay=1ms`).
    ///
    /// # Errors
    /// If there is no `=`, the path is not a dotted key, or the value starts like a table, list or
    /// quoted text and is none.
    pub fn set(argument: &str) -> Result<Self, ScenarioError> {
        let shown = format!("--set {}", shorten(argument));
        let error = |problem: String| ScenarioError::Override { argument: shown.clone(), problem };
        let Some((path, value)) = argument.split_once('=') else {
            return Err(error(
                "has no `=`: write path=value, such as network.min_delay=1ms".to_owned(),
            ));
        };
        let path = dotted(path.trim()).ok_or_else(|| {
            error("the part before `=` is not a key: write it like network.min_delay".to_owned())
        })?;
        let value = value_of(value.trim()).map_err(error)?;
        Ok(Self { argument: shown, path, value })
    }

    /// What a flag of the command line stands for: `--nodes 1M` is `nodes` = the text `1M`.
    ///
    /// The path is given by the program, in dotted form without quotes.
    pub fn flag(flag: &str, path: &str, value: &str) -> Self {
        Self {
            argument: format!("{flag} {}", shorten(value)),
            path: path.split('.').map(str::to_owned).collect(),
            value: Data::Text(value.to_owned()),
        }
    }

    /// The argument as typed, shortened.
    pub fn argument(&self) -> &str {
        &self.argument
    }

    /// Puts the value in its place, making the tables on the way, also of words that stand for one.
    /// Elements of lists are named by their index, from 0.
    pub(super) fn merge_into(&self, root: &mut Table, index: usize) -> Result<(), ScenarioError> {
        let place = Place::Override(index);
        let last = self.path.len() - 1;
        let mut item = item_at(root, &self.path[0], place, last == 0);
        for (depth, key) in self.path.iter().enumerate().skip(1) {
            let kind = item.data.kind();
            // A word alone stands for a table of that kind.
            if let Data::Text(word) = &mut item.data {
                let kind = Item { place: item.place, data: Data::Text(std::mem::take(word)) };
                let kind = Entry { key: item.place, item: kind };
                item.data = Data::Table(Table::from([("kind".to_owned(), kind)]));
            }
            item = match &mut item.data {
                Data::Table(table) => item_at(table, key, place, depth == last),
                Data::List(items) => {
                    let problem = match items.len() {
                        0 => "is an empty list".to_owned(),
                        count => format!("is a list with the indices 0 to {}", count - 1),
                    };
                    let index: Option<usize> = key.parse().ok();
                    index
                        .and_then(|index| items.get_mut(index))
                        .ok_or_else(|| self.error(depth, &problem))?
                }
                _ => {
                    let problem = format!("is {kind} in this scenario, not a table");
                    return Err(self.error(depth, &problem));
                }
            };
        }
        let mut data = self.value.clone();
        relocate(&mut data, place);
        *item = Item { place, data };
        Ok(())
    }

    /// What is wrong with the first `depth` keys of the path.
    fn error(&self, depth: usize, problem: &str) -> ScenarioError {
        let path = shorten(&self.path[..depth].join("."));
        ScenarioError::Override {
            argument: self.argument.clone(),
            problem: format!("`{path}` {problem}: set it as a whole"),
        }
    }
}

/// The item under a key of a table, made if it is not there; the last key of an override counts
/// as written by it.
fn item_at<'t>(table: &'t mut Table, key: &str, place: Place, is_last: bool) -> &'t mut Item {
    let entry = table.entry(key.to_owned()).or_insert_with(|| Entry {
        key: place,
        item: Item { place, data: Data::Table(Table::new()) },
    });
    if is_last {
        entry.key = place;
    }
    &mut entry.item
}

/// The keys of a dotted path; quoted ones may contain dots.
fn dotted(path: &str) -> Option<Vec<String>> {
    if path.contains(['\n', '#', '[']) {
        return None;
    }
    let line = format!("{path} = 0");
    let mut table = DeTable::parse(&line).ok()?.into_inner();
    let mut keys = Vec::new();
    loop {
        let (key, value) = table.into_iter().next()?;
        keys.push(key.into_inner().into_owned());
        match value.into_inner() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(keys),
        }
    }
}

fn value_of(text: &str) -> Result<Data, String> {
    let meant_as_toml = text.starts_with(['{', '[', '"', '\'']);
    match DeValue::parse(text) {
        Ok(value) => convert(value, &|_| Place::Override(0), 1)
            .map(|item| item.data)
            .map_err(|_| "the value is nested too deeply".to_owned()),
        Err(error) if meant_as_toml => {
            Err(format!("the value is not valid TOML: {}", error.message().replace('\n', " ")))
        }
        Err(_) => Ok(Data::Text(text.to_owned())),
    }
}

/// Marks everything inside a value as written by one override.
fn relocate(data: &mut Data, place: Place) {
    match data {
        Data::List(items) => {
            for item in items {
                item.place = place;
                relocate(&mut item.data, place);
            }
        }
        Data::Table(table) => {
            for entry in table.values_mut() {
                entry.key = place;
                entry.item.place = place;
                relocate(&mut entry.item.data, place);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        format!("{:?}", Override::set(text).unwrap().value)
    }

    #[test]
    fn values_are_toml_else_text() {
        assert_eq!(value("a.b=1_000"), "Integer(1000)");
        assert_eq!(value("a=0x10"), "Integer(16)");
        assert_eq!(value("a=0.5"), "Float(0.5)");
        assert_eq!(value("a=true"), "Flag(true)");
        assert_eq!(value("a=1ms"), "Text(\"1ms\")");
        assert_eq!(value("a = push-pull"), "Text(\"push-pull\")");
        assert_eq!(value("a=1 2"), "Text(\"1 2\")");
        assert_eq!(value("a="), "Text(\"\")");
        assert_eq!(value("a=b=c"), "Text(\"b=c\")");
        assert!(value("a={kind = \"x\"}").starts_with("Table"));
    }

    #[test]
    fn paths_are_dotted_keys_that_may_be_quoted() {
        let path = |text: &str| Override::set(text).map(|o| o.path.join("|")).ok();
        assert_eq!(path("network.shares.us-east-1=1").unwrap(), "network|shares|us-east-1");
        assert_eq!(path("network.shares.\"a.b\"=1").unwrap(), "network|shares|a.b");
        for wrong in ["=1", "a..b=1", "[a]=1", "a\nb=1", "a b=1", "a#b=1"] {
            assert_eq!(path(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn wrong_arguments_are_named() {
        let error = |text: &str| Override::set(text).unwrap_err().to_string();
        assert!(error("nodes").starts_with("--set nodes: has no `=`"));
        assert!(error("a={x").contains("not valid TOML"));
        assert!(error(&format!("a={}", "[".repeat(200_000))).contains("not valid TOML"));
        assert!(error(&format!("a={}{}", "[".repeat(50), "]".repeat(50))).contains("deeply"));
        assert!(error("a b=1").contains("is not a key"));
    }
}
