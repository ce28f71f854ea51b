//! Files, presets and overrides as sources.

use std::fs;
use std::path::{Path, PathBuf};

use anthill_protocol::Time;

use super::*;
use crate::topology::TopologySpec;

/// A folder of its own for one test, removed at its end.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("anthill-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn load(path: &Path, sets: &[&str]) -> Result<Scenario, ScenarioError> {
    let sets: Vec<Override> = sets.iter().map(|set| Override::set(set).unwrap()).collect();
    Scenario::load(&Source::File(path.to_path_buf()), &sets, &protocols())
}

fn edges(scenario: &Scenario) -> &Path {
    match &scenario.network.topology {
        TopologySpec::File { path, .. } => path,
        other => panic!("{other:?}"),
    }
}

#[test]
fn paths_start_from_where_they_were_written() {
    let folder = Folder::new("paths");
    let text = gossip("network.topology = {kind = \"file\", path = \"edges.csv\"}");
    let file = folder.write("my run.toml", text.as_bytes());
    let scenario = load(&file, &[]).unwrap();
    assert_eq!(scenario.name, "my-run");
    assert_eq!(edges(&scenario), folder.0.join("edges.csv"));
    let scenario = load(&file, &["network.topology.path=here.csv"]).unwrap();
    assert_eq!(edges(&scenario), Path::new("here.csv"));
}

#[test]
fn files_that_are_no_scenarios_are_refused() {
    let folder = Folder::new("refused");
    let error = |path: &Path| load(path, &[]).unwrap_err().to_string();
    assert!(error(&folder.0.join("none.toml")).contains("none.toml: cannot be read"));
    assert!(error(&folder.0).contains("is not a regular file"));
    assert!(error(Path::new("/dev/zero")).contains("is not a regular file"));
    let latin = folder.write("latin.toml", b"seed = 1\nname = \"caf\xe9\"\n");
    assert!(error(&latin).contains("latin.toml:2: is not UTF-8"));
    let huge = folder.write("huge.toml", &vec![b'\n'; (64 << 20) + 1]);
    assert!(error(&huge).contains("is larger than the 64 MiB"), "{}", error(&huge));
    let values =
        folder.write("values.toml", format!("a = [{}]", "1,".repeat(4_000_000)).as_bytes());
    let problem = "has more than the 4000000 values of a scenario: put tables";
    assert!(error(&values).contains(problem), "{}", error(&values));
    let wrong = folder.write("wrong.toml", b"seed = true\n");
    assert!(error(&wrong).contains("wrong.toml:1: seed = true"));
}

#[test]
fn deep_nesting_is_an_error() {
    for depth in [17, 79, 100, 1_000_000] {
        let error = refuse(&format!("x = {}{}", "[".repeat(depth), "]".repeat(depth)));
        assert!(error.contains("t.toml:4:"), "{error}");
        let error = refuse(&format!("{}x = 1", "x.".repeat(depth)));
        assert!(error.contains("t.toml:4:"), "{error}");
    }
    assert!(refuse("x = [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]").contains("nested too deeply"));
}

#[test]
fn overrides_replace_values_and_the_last_wins() {
    let text = gossip("[network]\nmin_delay = \"1ms\"");
    let sets = ["network.min_delay=2ms", "seed=5", "network.min_delay=3ms", "protocol.mode=inv"];
    let scenario = with_overrides(&text, &sets).unwrap();
    assert_eq!(scenario.network.min_delay, Span::from_millis(3));
    assert_eq!(scenario.seed, 5);
    assert_eq!(scenario.values.choice("mode"), "inv");
}

#[test]
fn overrides_alone_make_a_scenario() {
    let flags = [
        Override::flag("--nodes", "nodes", "1M"),
        Override::flag("--until", "until", "2h"),
        Override::flag("--protocol", "protocol.name", "gossip"),
        Override::flag("--seed", "seed", "18446744073709551615"),
        Override::flag("--shards", "engine.shards", "4"),
    ];
    let source = Source::Text { name: "empty".into(), text: String::new() };
    let scenario = Scenario::load(&source, &flags, &protocols()).unwrap();
    assert_eq!((scenario.nodes, scenario.seed), (1_000_000, u64::MAX));
    assert_eq!(scenario.until, Time(7_200_000_000_000));
    assert_eq!(scenario.engine.shards, Some(4));
}

#[test]
fn another_protocol_refuses_the_parameters_of_the_first() {
    let text = gossip("protocol.fanout = 3");
    let error = with_overrides(&text, &["protocol.name=phold"]).unwrap_err().to_string();
    assert!(error.contains("t.toml:4: protocol.fanout: unknown key `fanout`"), "{error}");
}

#[test]
fn tables_are_replaced_as_a_whole() {
    let text = gossip("network.topology = {kind = \"random-regular\", degree = 8}");
    for set in ["network.topology=complete", "network.topology={kind = \"complete\"}"] {
        let scenario = with_overrides(&text, &[set]).unwrap();
        assert_eq!(scenario.network.topology, TopologySpec::Complete);
    }
}

#[test]
fn cost_tables_come_by_name_or_path_and_are_resolved() {
    let folder = Folder::new("tables");
    let costs = CostTable { sign: Span::from_micros(99), ..CostTable::standard() };
    let table = folder.write("slow.toml", costs.to_toml().as_bytes());
    let text = gossip("[cpu]\ntable = \"slow.toml\"\nsend = \"1us\"\ncores = 2");
    let file = folder.write("run.toml", text.as_bytes());
    let cpu = |scenario: &Scenario| scenario.conditions.cpu.clone().unwrap();
    let scenario = load(&file, &[]).unwrap();
    assert_eq!(cpu(&scenario).sign, Span::from_micros(99));
    assert_eq!(cpu(&scenario).send, Span::from_micros(1), "a key goes before the table");
    assert_eq!(cpu(&scenario).receive, costs.receive);
    let resolved = scenario.to_toml();
    assert!(resolved.contains("sign = \"99us\"") && !resolved.contains("slow.toml"), "{resolved}");
    fs::remove_file(&table).unwrap();
    // The file is part of what it resolved to.
    let again = parse_text("run", &resolved, &protocols()).unwrap();
    assert_eq!(Scenario { inputs: scenario.inputs.clone(), ..again }, scenario);

    let named = load(&file, &["cpu.table=amd-epyc-2026"]).unwrap();
    assert_eq!(cpu(&named).sign, CostTable::standard().sign);
    let refused = |text: &str, parts: &[&str]| {
        folder.write("bad.toml", text.as_bytes());
        let set = format!("cpu.table={}", folder.0.join("bad.toml").display());
        let error = load(&file, &[&set]).unwrap_err().to_string();
        parts.iter().for_each(|part| assert!(error.contains(part), "{part}: {error}"));
    };
    refused("receive = 1", &["cpu.table", "bad.toml:1: receive = 1: has no unit", "missing send"]);
    refused(&(costs.to_toml() + "cores = 1"), &["bad.toml:7: cores: unknown key `cores`"]);
    let error = load(&file, &[]).unwrap_err().to_string();
    for part in ["run.toml:5: cpu.table = \"slow.toml\"", "cannot be read", "anthill calibrate"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let error = load(&file, &["cpu.table=amd-epic-2026"]).unwrap_err().to_string();
    assert!(error.contains("did you mean `amd-epyc-2026`?"), "{error}");
    // What is switched off is not read.
    assert_eq!(load(&file, &["cpu.model=off"]).unwrap().conditions.cpu, None);
}

#[test]
fn key_files_are_read_and_printed_as_a_path() {
    let folder = Folder::new("keys");
    folder.write("keys.txt", format!("# one\n{}\n", "0f".repeat(32)).as_bytes());
    let file = folder.write("run.toml", gossip("crypto.keys = \"keys.txt\"").as_bytes());
    let scenario = load(&file, &[]).unwrap();
    let keys = scenario.crypto.keys.as_ref().expect("a file");
    assert_eq!((keys.count(), keys.path()), (1, &*folder.0.join("keys.txt")));
    assert_eq!(parse_text("run", &scenario.to_toml(), &protocols()).unwrap(), scenario);
    folder.write("keys.txt", b"0f0f\n");
    for mode in ["real", "modelled"] {
        let error = load(&file, &[&format!("crypto.mode={mode}")]).unwrap_err().to_string();
        for part in ["run.toml:4: crypto.keys", "keys.txt, line 1: 4 digits", "write the 64"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
