//! Every file that a scenario can name has a hash, and is read only if it still has it.

use std::fs;

use super::sources::{Folder, load};
use super::*;
use crate::conditions::Conditions;
use crate::network::Network;
use crate::scenario::keys::{Key, ROOT, Shape};

/// A key that takes a file, the scenario that names it as `f` and what may stand in it, twice.
const KINDS: &[(&str, &str, [&str; 2])] = &[
    (
        "network.topology.path",
        "network.topology = {kind = \"file\", path = \"f\"}",
        ["source,target\n0,1\n", "source,target\n0,2\n"],
    ),
    ("network.node_file", "network.node_file = \"f\"", ["id,stake\n0,1\n", "id,stake\n0,2\n"]),
    (
        "network.regions.file",
        "network.regions = {file = \"f\", format = \"aws-json\", latency = \"rtt\"}",
        [REGION, "{\"data\":{\"a\":{\"a\":6.0}}}"],
    ),
    (
        "network.regions.p90_file",
        "network.regions = {file = \"g\", p90_file = \"f\", format = \"aws-json\", latency = \"rtt\"}",
        ["{\"data\":{\"a\":{\"a\":7.0}}}", "{\"data\":{\"a\":{\"a\":8.0}}}"],
    ),
    ("network.jitter.path", "network.jitter = {kind = \"empirical\", path = \"f\"}", HISTOGRAMS),
    (
        "network.classes.*.jitter.path",
        "[network.classes.slow]\nshare = 0.5\nlatency = \"1ms\"\njitter = {kind = \"empirical\", path = \"f\"}",
        HISTOGRAMS,
    ),
    (
        "churn.path",
        "churn = {kind = \"trace\", path = \"f\"}",
        ["node,down,up\n0,1,2\n", "node,down,up\n0,1,3\n"],
    ),
    ("crypto.keys", "crypto.keys = \"f\"", [KEY, ONE_KEY_MORE]),
    ("cpu.table", "cpu.table = \"./f\"", [COSTS, SLOWER]),
];

const REGION: &str = "{\"data\":{\"a\":{\"a\":5.0}}}";
const HISTOGRAMS: [&str; 2] = ["value,count\n1,5\n2,5\n3,9\n", "value,count\n1,5\n2,5\n3,8\n"];
const KEY: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f\n";
const ONE_KEY_MORE: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f1f\n";
const COSTS: &str = "receive = \"1us\"\nsend = \"1us\"\ntimer = \"1us\"\nkib = \"1us\"\n\
                     sign = \"1us\"\nverify = \"1us\"\n";
const SLOWER: &str = "receive = \"1us\"\nsend = \"1us\"\ntimer = \"1us\"\nkib = \"1us\"\n\
                      sign = \"1us\"\nverify = \"2us\"\n";

/// Read whole while the scenario is: nothing is left that could change.
const READ_AT_ONCE: [&str; 2] = ["crypto.keys", "cpu.table"];

/// The keys that are declared as paths; `*` stands for any name.
fn declared(path: &str, shape: &Shape, found: &mut Vec<String>) {
    let mut inside = |keys: &[Key]| {
        for key in keys {
            let dot = if path.is_empty() { "" } else { "." };
            declared(&format!("{path}{dot}{}", key.name), &key.shape, found);
        }
    };
    match *shape {
        Shape::Path => found.push(path.to_owned()),
        Shape::Table(keys) | Shape::Tables { keys, .. } | Shape::Kinded { keys, .. } => {
            inside(keys);
        }
        Shape::Either(one, other) => {
            declared(path, one, found);
            declared(path, other, found);
        }
        Shape::Named(inner) => declared(&format!("{path}.*"), inner, found),
        _ => {}
    }
}

fn build(scenario: &Scenario) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let network = Network::build(&scenario.network, scenario.nodes, 1).map_err(|e| text(&e))?;
    Conditions::build(scenario, &network, &["data"]).map_err(|e| text(&e))?;
    Ok(())
}

#[test]
fn every_key_that_names_a_file_is_tried_here() {
    let mut found = Vec::new();
    declared("", &Shape::Table(ROOT), &mut found);
    // Text, for a table that ships has a name.
    found.push("cpu.table".into());
    let mut tried: Vec<&str> = KINDS.iter().map(|(key, ..)| *key).collect();
    found.sort();
    tried.sort_unstable();
    assert_eq!(found, tried);
}

#[test]
fn every_file_has_a_hash_and_is_read_only_while_it_has_it() {
    let folder = Folder::new("inputs");
    folder.write("g", REGION.as_bytes());
    for (key, text, [content, other]) in KINDS {
        folder.write("f", content.as_bytes());
        let file = folder.write("run.toml", gossip(text).as_bytes());
        let scenario = load(&file, &[]).unwrap_or_else(|e| panic!("{key}: {e}"));
        let input = scenario.inputs.iter().find(|input| input.file.ends_with("f"));
        let input = input.unwrap_or_else(|| panic!("{key} is not among the inputs"));
        assert_eq!(input.key, key.replace('*', "slow"));
        let hash = |content: &str| Some(blake3::hash(content.as_bytes()).to_string());
        let found = |input: &Input| input.file.content().map(|content| content.to_string());
        assert_eq!(found(input), hash(content), "{key}");
        build(&scenario).unwrap_or_else(|e| panic!("{key}: {e}"));

        folder.write("f", other.as_bytes());
        let changed = build(&scenario);
        if READ_AT_ONCE.contains(key) {
            assert_eq!(changed, Ok(()), "{key}");
        } else {
            let error = changed.expect_err(key);
            assert!(error.contains("/f") && error.contains("has changed"), "{key}: {error}");
        }
        let now = load(&file, &[]).unwrap();
        let input = now.inputs.iter().find(|input| input.file.ends_with("f")).unwrap();
        assert_eq!(found(input), hash(other), "{key}");
        build(&now).unwrap_or_else(|e| panic!("{key}: {e}"));

        fs::remove_file(folder.0.join("f")).unwrap();
        if !READ_AT_ONCE.contains(key) {
            let error = build(&load(&file, &[]).unwrap()).expect_err(key);
            assert!(error.contains("/f: cannot read it"), "{key}: {error}");
        }
    }
}
