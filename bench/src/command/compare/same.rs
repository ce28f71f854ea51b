//! Whether two scenarios are compared under the same conditions.

use std::collections::BTreeMap;

use anthill_engine::scenario::Scenario;

use crate::inputs;

/// What may differ: the protocol is what is compared, and the rest changes no result or is set by
/// the comparison.
const FREE: [&str; 4] = ["protocol", "engine", "name", "seed"];

/// The keys outside these that differ, each with both values. Files are compared by content.
pub(super) fn differences(a: &Scenario, b: &Scenario) -> Vec<String> {
    let (of_a, of_b) = (a, b);
    let (a, b) = (leaves(a), leaves(b));
    let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let shown = |key: &String, value: Option<&String>, scenario: &Scenario| match scenario
        .inputs
        .iter()
        .find(|input| input.key == *key)
    {
        Some(input) if value.is_some() => inputs::shown(input),
        _ => value.map_or("nothing", String::as_str).to_owned(),
    };
    keys.into_iter()
        .filter(|key| a.get(*key) != b.get(*key))
        .map(|key| {
            let (in_a, in_b) = (shown(key, a.get(key), of_a), shown(key, b.get(key), of_b));
            format!("{key}: A has {in_a}, B has {in_b}")
        })
        .collect()
}

/// Every value of the resolved scenario by its path, but for those that may differ.
fn leaves(scenario: &Scenario) -> BTreeMap<String, String> {
    let table = inputs::by_content(scenario).parse::<toml::Table>().unwrap_or_default();
    let mut found = BTreeMap::new();
    for (key, value) in table.iter().filter(|(key, _)| !FREE.contains(&key.as_str())) {
        collect(key, value, &mut found);
    }
    found
}

fn collect(path: &str, value: &toml::Value, found: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                collect(&format!("{path}.{key}"), value, found);
            }
        }
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            for (index, item) in items.iter().enumerate() {
                collect(&format!("{path}.{index}"), item, found);
            }
        }
        value => {
            found.insert(path.to_owned(), value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::{Source, load};
    use crate::fabricated;

    fn scenario(more: &str) -> Scenario {
        let text = format!("nodes = 100\nuntil = \"1s\"\n{more}");
        let source = Source::Text { name: "t".to_owned(), text };
        load(&source, &[], &fabricated::registry()).expect("a scenario")
    }

    #[test]
    fn only_what_is_not_the_protocol_counts() {
        let fault = "[[fault]]\nkind = \"crash\"\nat = \"100ms\"\nfraction = ";
        let plain = "[protocol]\nname = \"phold\"\nremote = 0.5\n[network]\nmodel = \"uniform\"\n";
        let a = scenario(&format!("{plain}{fault}0.1"));
        let b = scenario(
            &format!("seed = 9\nname = \"b\"\n{plain}{fault}0.1")
                .replace("remote = 0.5", "remote = 0.25"),
        );
        assert!(differences(&a, &b).is_empty());
        let b = scenario(&format!("{plain}{fault}0.2").replace("100ms", "200ms"));
        let found = differences(&a, &b);
        assert_eq!(
            found,
            [
                "fault.0.at: A has \"100ms\", B has \"200ms\"",
                "fault.0.fraction: A has 0.1, B has 0.2"
            ]
        );
        let b = scenario(plain);
        assert!(differences(&a, &b).iter().any(|line| line.ends_with("B has nothing")));
    }
}
