//! The files that scenarios name, as manifests and plans record them: by content.

use anthill_engine::input::Input;
use anthill_engine::scenario::Scenario;
use serde_json::{Value, json};

/// Digits of a hash that are shown.
const SHOWN: usize = 12;

/// As they are recorded: key, path, and the BLAKE3 hash of the content.
pub(crate) fn json(inputs: &[Input]) -> Value {
    let one = |input: &Input| {
        json!({
            "key": input.key,
            "path": input.file.display().to_string(),
            "blake3": input.file.content().map(|content| content.to_string()),
        })
    };
    inputs.iter().map(one).collect()
}

/// The first file that is not the recorded one any more, in words. What is named under no recorded
/// key is not compared: the scenarios differ then.
pub(crate) fn changed(recorded: &Value, now: &Value) -> Option<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let recorded = list(recorded);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let content = |value: &Value| match value["blake3"].as_str() {
        Some(hash) => format!("blake3 {}…", hash.get(..SHOWN).unwrap_or(hash)),
        None => "not readable".to_owned(),
    };
    list(now).iter().find_map(|now| {
        let then = recorded.iter().find(|then| then["key"] == now["key"])?;
        (then["blake3"] != now["blake3"]).then(|| {
            let (key, before, after) = (text(&now["key"]), text(&then["path"]), text(&now["path"]));
            let hashes = format!("{} then, {} now", content(then), content(now));
            match before == after {
                true => format!("{key}: the file {after} has changed: {hashes}"),
                false => format!("{key}: the file {after} is not what {before} was: {hashes}"),
            }
        })
    })
}

/// A resolved scenario as TOML in which every file is named by its content, so that equal content
/// at another path makes an equal text.
pub(crate) fn by_content(scenario: &Scenario) -> String {
    let text = scenario.to_toml();
    match text.parse::<toml::Table>() {
        Ok(table) if !scenario.inputs.is_empty() => {
            let mut value = toml::Value::Table(table);
            rename("", &mut value, &scenario.inputs);
            value.as_table().map_or(text, toml::Table::to_string)
        }
        _ => text,
    }
}

fn rename(path: &str, value: &mut toml::Value, inputs: &[Input]) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table.iter_mut() {
                let dot = if path.is_empty() { "" } else { "." };
                rename(&format!("{path}{dot}{key}"), value, inputs);
            }
        }
        toml::Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                rename(&format!("{path}[{index}]"), item, inputs);
            }
        }
        toml::Value::String(text) => {
            let input = inputs.iter().find(|input| input.key == path);
            if let Some(content) = input.and_then(|input| input.file.content()) {
                *text = format!("blake3:{content}");
            }
        }
        _ => {}
    }
}

/// How a file is shown to whoever has to tell it from another.
pub(crate) fn shown(input: &Input) -> String {
    let path = input.file.display();
    match input.file.content().map(|content| content.to_string()) {
        Some(hash) => format!("{path} (blake3 {}…)", hash.get(..SHOWN).unwrap_or(&hash)),
        None => path.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::engines::{Source, load};
    use crate::fabricated;

    fn scenario(folder: &Path, name: &str, content: &str) -> Scenario {
        fs::create_dir_all(folder.join(name)).expect("a folder");
        fs::write(folder.join(name).join("nodes.csv"), content).expect("a file");
        let toml = folder.join(name).join("run.toml");
        let text = "nodes = 2\nuntil = \"1s\"\nprotocol.name = \"phold\"\n\
                    network.node_file = \"nodes.csv\"\n";
        fs::write(&toml, text).expect("a file");
        load(&Source::File(toml), &[], &fabricated::registry()).expect("a scenario")
    }

    #[test]
    fn files_are_compared_by_content_alone() {
        let desk = tempfile::tempdir().expect("a directory");
        let a = scenario(desk.path(), "a", "id,stake\n0,1\n");
        let same = scenario(desk.path(), "b", "id,stake\n0,1\n");
        let other = scenario(desk.path(), "c", "id,stake\n0,2\n");
        assert_ne!(a.to_toml(), same.to_toml());
        assert_eq!(by_content(&a), by_content(&same));
        assert_ne!(by_content(&a), by_content(&other));
        assert!(by_content(&a).contains("node_file = \"blake3:"), "{}", by_content(&a));
        let [a, same, other] = [&a, &same, &other].map(|scenario| json(&scenario.inputs));
        assert_eq!(changed(&a, &same), None);
        let said = changed(&a, &other).expect("another content");
        assert!(said.starts_with("network.node_file: the file "), "{said}");
        assert!(said.contains("c/nodes.csv is not what ") && said.contains("a/nodes.csv was: "));
        fs::write(desk.path().join("a/nodes.csv"), "id,stake\n0,3\n").expect("a file");
        let toml = Source::File(desk.path().join("a/run.toml"));
        let now = load(&toml, &[], &fabricated::registry()).expect("a scenario");
        let said = changed(&a, &json(&now.inputs)).expect("changed");
        let hash = |value: &Value| value[0]["blake3"].as_str().expect("a hash")[..12].to_owned();
        let hashes = format!(
            "has changed: blake3 {}… then, blake3 {}… now",
            hash(&a),
            hash(&json(&now.inputs))
        );
        assert!(said.ends_with(&hashes), "{said}");
        fs::remove_file(desk.path().join("a/nodes.csv")).expect("removed");
        let gone = load(&toml, &[], &fabricated::registry()).expect("a scenario");
        let said = changed(&a, &json(&gone.inputs)).expect("gone");
        assert!(said.ends_with("then, not readable now"), "{said}");
    }
}
