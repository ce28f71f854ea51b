//! `manifest.json`: all that is needed to run the same again, and where it ran.
//!
//! Written before the run starts, so that a run which dies still says what it was.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use anthill_engine::scenario::Scenario;
use anthill_protocol::Time;

use crate::args::EngineChoice;
use crate::inputs;
use crate::machine::Machine;
use crate::regions::Regions;
use crate::setting::{Fault, Setting};

/// Beyond so many bytes of TOML, the JSON form leaves out the matrices of an inline table: twice the
/// latencies between a thousand sites would fill a run directory.
const MOST_IN_JSON: usize = 4 << 20;

/// Version of the manifest's own layout.
pub(crate) const FORMAT: u32 = 1;

/// What a manifest is made from.
#[derive(Clone, Debug)]
pub(crate) struct Manifest<'a> {
    /// The checked scenario.
    pub scenario: &'a Scenario,
    /// What is on, in words, and the fault timeline.
    pub setting: &'a Setting,
    /// Where its nodes are.
    pub regions: &'a Regions,
    /// It as TOML in which every value is stated.
    pub resolved: &'a str,
    /// On which executor it runs.
    pub engine: EngineChoice,
    /// The command line as typed.
    pub command: &'a [String],
    /// Where it runs.
    pub machine: &'a Machine,
    /// When it started, in seconds since 1970.
    pub started: u64,
}

/// The file's content.
pub(crate) fn text(manifest: &Manifest<'_>) -> String {
    let scenario = manifest.scenario;
    // The resolved text is the record; the JSON form is the same data for tools without TOML.
    let parsed = manifest.resolved.parse::<toml::Table>().ok();
    let mut as_json = parsed.and_then(|table| serde_json::to_value(table).ok());
    let regions = as_json.as_mut().and_then(|json| json.pointer_mut("/network/regions"));
    if let (true, Some(regions)) = (manifest.resolved.len() > MOST_IN_JSON, regions) {
        for matrix in ["p50_ms", "p90_ms"] {
            if let Some(matrix) = regions.get_mut(matrix) {
                *matrix = json!("in scenario_toml");
            }
        }
    }
    super::pretty(&json!({
        "format": FORMAT,
        "name": scenario.name,
        "protocol": scenario.protocol,
        "seed": scenario.seed,
        "engine": manifest.engine.name(),
        "program": crate::build::name(),
        "version": crate::build::version(),
        "anthill_version": crate::build::LIBRARY,
        "commit": crate::build::commit(),
        "uncommitted_changes": crate::build::has_changes(),
        "command": manifest.command,
        "started_unix_s": manifest.started,
        "machine": serde_json::to_value(manifest.machine).unwrap_or(Value::Null),
        "conditions_on": manifest.setting.on,
        "adversary_nodes": manifest.setting.adversary_nodes,
        "faults": manifest.setting.faults.iter().map(fault).collect::<Vec<Value>>(),
        "regions": manifest.regions.json(),
        "inputs": inputs::json(&scenario.inputs),
        "scenario_toml": manifest.resolved,
        "scenario": as_json.unwrap_or_else(|| Value::Object(Map::new())),
    }))
}

/// Reads the manifest of a run directory.
///
/// # Errors
/// If there is none, or one of another layout.
pub(crate) fn read(directory: &Path) -> anyhow::Result<Value> {
    let manifest = read_json(&directory.join("manifest.json"))?;
    if manifest["format"] != FORMAT {
        bail!(
            "{} has manifest format {}, this version reads {FORMAT}",
            directory.display(),
            manifest["format"],
        );
    }
    Ok(manifest)
}

/// Reads a JSON file of a run directory.
///
/// # Errors
/// If it is not one.
pub(crate) fn read_json(path: &Path) -> anyhow::Result<Value> {
    let cannot = || format!("cannot read {}: give a run directory", path.display());
    // A run directory never holds more; anything larger is not one.
    let metadata = fs::metadata(path).with_context(cannot)?;
    if !metadata.is_file() || metadata.len() > crate::run_directory::MAX_BYTES {
        bail!("{} is not a file of a run directory", path.display());
    }
    let text = fs::read_to_string(path).with_context(cannot)?;
    serde_json::from_str(&text).with_context(cannot)
}

fn fault(fault: &Fault) -> Value {
    let entry = &fault.entry;
    let seconds = |time: Time| time.0 as f64 / 1e9;
    json!({
        "kind": entry.kind,
        "at_s": seconds(entry.at),
        "heal_s": entry.heal.map(seconds),
        "flaps": entry.flaps,
        "nodes": entry.nodes,
        "text": fault.text,
    })
}

#[cfg(test)]
mod tests {
    use anthill_engine::conditions::TimelineEntry;

    use super::*;
    use crate::fabricated;

    #[test]
    fn the_manifest_records_scenario_build_and_machine() {
        let scenario = fabricated::scenario();
        let entry = |heal| TimelineEntry {
            kind: "crash",
            at: Time(1_500_000_000),
            heal,
            flaps: true,
            nodes: 9,
        };
        let fault = |heal| Fault { entry: entry(heal), text: "a crash".to_owned() };
        let setting = Setting {
            on: vec!["loss 0.01".to_owned()],
            faults: vec![fault(None), fault(Some(Time(2_000_000_000)))],
            adversary_nodes: 3,
        };
        let machine = Machine {
            cpu: "abacus".into(),
            cores: 2,
            memory_bytes: 64,
            os: "none".into(),
            kernel: "0".into(),
            architecture: "wood",
        };
        let manifest = Manifest {
            scenario: &scenario,
            setting: &setting,
            regions: &Regions::default(),
            resolved: "seed = 7\n\n[protocol]\nname = \"phold\"\n",
            engine: EngineChoice::Sharded,
            command: &["anthill".to_owned(), "run".to_owned()],
            machine: &machine,
            started: 1,
        };
        let large = "1.5,".repeat(MOST_IN_JSON / 4);
        let large = format!("[network.regions]\nlatency = \"rtt\"\np50_ms = [[{large}]]\n");
        let large = super::text(&Manifest { resolved: &large, ..manifest.clone() });
        let read: Value = serde_json::from_str(&large).expect("JSON");
        assert_eq!(read["scenario"]["network"]["regions"]["p50_ms"], "in scenario_toml");
        assert!(large.len() < MOST_IN_JSON + 10_000, "the matrix stands there once");

        let text = text(&manifest);
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read["scenario"]["protocol"]["name"], "phold");
        assert_eq!(read["scenario_toml"], manifest.resolved);
        assert_eq!(read["machine"]["cores"], 2);
        assert_eq!(read["conditions_on"], json!(["loss 0.01"]));
        assert_eq!(read["adversary_nodes"], 3);
        assert_eq!(read["inputs"], json!([]));
        assert_eq!(read["regions"], json!({ "nodes": [], "least_delay_ns": null }));
        assert_eq!(
            read["faults"][0].to_string(),
            r#"{"kind":"crash","at_s":1.5,"heal_s":null,"flaps":true,"nodes":9,"text":"a crash"}"#
        );
        assert_eq!(read["faults"][1]["heal_s"], 2.0);
        assert_eq!(read["command"][1], "run");
        assert!(!read["commit"].as_str().expect("a commit").is_empty());
        assert!(text.starts_with("{\n  \"format\": 1,\n  \"name\": \"fabricated\",\n"), "{text}");
    }
}
