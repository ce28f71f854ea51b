//! What holds for every protocol that ships, asked through the registry: a protocol gets these tests with
//! its line there, and costs no compilation here.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anthill_bench::{Control, EngineChoice, Entry};
use anthill_engine::outcome::Outcome;
use anthill_engine::processes::{Channels, Fabric};
use anthill_engine::scenario::{Override, Scenario, Source};
use anthill_protocol::Time;
use anthill_shipped::shipped;

/// What is changed of a protocol's preset, where it is too large for a test.
fn smaller(protocol: &str) -> &'static [&'static str] {
    match protocol {
        "witness" => &["nodes=800", "until=20s"],
        "gossip" => &["nodes=3_000"],
        // Not for long: duplicates multiply.
        "phold" => &["nodes=1_000", "until=50ms"],
        "signed-phold" => &["nodes=200", "until=1s", "crypto.mode=modelled"],
        "timers" => &["nodes=500", "until=1min"],
        "traffic" => &["nodes=500", "until=5s"],
        "raft" => &["nodes=100", "until=20s"],
        "chord" => &["nodes=300", "protocol.lookups=1_000"],
        "hotstuff" => &["nodes=10", "protocol.requests=100", "crypto.mode=modelled"],
        "nakamoto" => &["nodes=40", "protocol.blocks=30"],
        "randomized" => &["protocol.instances=30"],
        "pos-bft" => &["nodes=10", "protocol.heights=6", "crypto.mode=modelled"],
        "goodwill" => {
            &["nodes=60", "protocol.forgers=12", "protocol.window=20", "crypto.mode=modelled"]
        }
        "dolev-strong" | "streamlet" | "pbft" | "exchange" => &["crypto.mode=modelled"],
        _ => &[],
    }
}

/// Weather that any protocol must survive with one result, in a run of that length.
fn weather(until: Time) -> Vec<(&'static str, Vec<String>)> {
    let at = |percent: u64| format!("{}ns", until.0 / 100 * percent);
    let faults = format!(
        "fault=[{{kind=\"crash\",at=\"{}\",heal=\"{}\",fraction=0.2,keep_state=true}},\
         {{kind=\"crash\",at=\"{}\",heal=\"{}\",fraction=0.2}}]",
        at(5),
        at(15),
        at(20),
        at(30),
    );
    let changes = |all: &[&str]| all.iter().map(|change| (*change).to_owned()).collect();
    vec![
        ("calm", Vec::new()),
        ("losses", changes(&["network.loss=0.02", "network.duplication=0.05"])),
        ("crashes", vec![faults]),
        ("twins", changes(&["adversary={kind=\"twins\",fraction=0.3}"])),
        ("corruption", changes(&["adversary={kind=\"corrupt\",fraction=0.3}"])),
    ]
}

fn scenario(entry: &Entry, changes: &[&str]) -> Scenario {
    let text = entry.preset.to_owned();
    let source = Source::Text { name: entry.protocol.name.to_owned(), text };
    let read = |change: &&str| Override::set(change).expect("an override");
    let changes: Vec<Override> = changes.iter().map(read).collect();
    match Scenario::load(&source, &changes, &[entry.protocol]) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{}: {error}", entry.protocol.name),
    }
}

fn run(entry: &Entry, scenario: &Scenario, engine: EngineChoice) -> Outcome {
    let prepared = (entry.prepare)(scenario).expect("it is prepared");
    (entry.run)(scenario, &prepared, engine, &Control::default()).expect("it runs")
}

/// Everything of an outcome that must not depend on how it was executed.
fn result(outcome: &Outcome) -> String {
    let result = &outcome.result;
    let latencies: Vec<_> = result
        .latencies
        .iter()
        .map(|(name, all)| (name, all.len(), all.max(), all.value_at_quantile(0.5)))
        .collect();
    format!(
        "digest {:016x}\nvirtual {}\n{:?}\n{:?}\n{:?}\n{latencies:?}\n{:?}\n{:?}\n{:?}",
        result.digest,
        result.virtual_ns,
        result.totals,
        result.facts,
        (&result.conditions, result.signatures),
        result.violations,
        outcome.ended,
        result.checks,
    )
}

/// Runs a protocol in some weather by the oracle and by five shapes of the sharded engine.
fn one_result(entry: &Entry, weather: &str, changes: &[&str]) -> Outcome {
    let all = [smaller(entry.protocol.name), changes].concat();
    let mut scenario = scenario(entry, &all);
    let oracle = run(entry, &scenario, EngineChoice::Sequential);
    let expected = result(&oracle);
    for (shards, threads, alone_below) in
        [(1, 1, None), (2, 2, None), (3, 2, Some(16)), (7, 1, Some(16)), (7, 7, None)]
    {
        let engine = &mut scenario.engine;
        (engine.shards, engine.threads) = (Some(shards), Some(threads));
        engine.alone_below = alone_below;
        let found = result(&run(entry, &scenario, EngineChoice::Sharded));
        for (found, expected) in found.lines().zip(expected.lines()) {
            let name = entry.protocol.name;
            assert_eq!(found, expected, "{name}, {weather}: {shards} shards, {threads} threads");
        }
    }
    over_processes(entry, weather, scenario, &expected);
    oracle
}

/// Processes of a run, and threads of each.
const DIVIDED: [(u32, u32); 7] = [(1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2)];

/// The same by several processes: one of the ways to divide a run, another for each protocol and weather, since all
/// together take a quarter of an hour; all with `ANTHILL_ALL_PROCESSES=1`.
fn over_processes(entry: &Entry, weather: &str, mut scenario: Scenario, expected: &str) {
    let name = entry.protocol.name;
    let (turn, most) = match std::env::var_os("ANTHILL_ALL_PROCESSES") {
        Some(_) => (0, DIVIDED.len()),
        None => (name.len() + weather.len(), 1),
    };
    for at in turn..turn + most {
        // A step that meets all of them, and alternates between few and many.
        let (size, threads) = DIVIDED[at * 3 % DIVIDED.len()];
        let engine = &mut scenario.engine;
        (engine.shards, engine.threads) = (Some(threads), Some(threads));
        let scenario = &scenario;
        let all = thread::scope(|scope| {
            let start = |channels: Channels| {
                scope.spawn(move || {
                    let fabric: Arc<dyn Fabric> = Arc::new(channels);
                    let control = Control { processes: Some(fabric), ..Control::default() };
                    // Each has a protocol of its own, as processes have, with its own count of executions.
                    let prepared = (entry.prepare)(scenario).expect("it is prepared");
                    (entry.run)(scenario, &prepared, EngineChoice::Sharded, &control)
                })
            };
            let all: Vec<_> = Channels::between(size).into_iter().map(start).collect();
            all.into_iter().map(|one| one.join().expect("no panic")).collect::<Vec<_>>()
        });
        let found = result(all[0].as_ref().unwrap_or_else(|error| panic!("{name}: {error}")));
        for (found, expected) in found.lines().zip(expected.lines()) {
            assert_eq!(found, expected, "{name}, {weather}: {size} processes of {threads}");
        }
    }
}

#[test]
fn every_protocol_gives_one_result_in_any_weather() {
    for entry in shipped().entries() {
        let until = scenario(entry, smaller(entry.protocol.name)).until;
        for (weather, changes) in weather(until) {
            let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
            let outcome = one_result(entry, weather, &changes);
            let events = outcome.result.totals.events;
            // Corruption may leave nobody a message to act upon.
            let acts = weather == "corruption" || events > 10;
            assert!(acts, "{}, {weather}: {events} events", entry.protocol.name);
        }
    }
}

/// Adversaries of a protocol's own, each with its defaults.
#[test]
fn every_own_adversary_gives_one_result() {
    // What a kind plays against, where the preset is something else.
    let needs = |kind: &str| -> &[&str] {
        match kind {
            "one-by-one-schedule" => &["protocol.rules=ben-or", "protocol.tolerates=crashes"],
            "optimal-withholder" => &["nodes=4", "protocol.echo=true"],
            "oracle-liar" => &["protocol.oracle=weighted-median", "protocol.makers=4"],
            _ => &[],
        }
    };
    for entry in shipped().entries().iter().filter(|entry| entry.protocol.name != "witness") {
        for kind in entry.protocol.adversaries {
            let change = format!("adversary={{kind=\"{}\"}}", kind.name);
            one_result(entry, kind.name, &[needs(kind.name), &[&change]].concat());
        }
    }
}

/// A run of the preset as it is: no judge and no check is broken, and some have something to judge.
#[test]
fn every_preset_keeps_what_its_protocol_promises() {
    let mut broken = Vec::new();
    for entry in shipped().entries() {
        let scenario = scenario(entry, smaller(entry.protocol.name));
        let outcome = run(entry, &scenario, EngineChoice::Sharded);
        let name = entry.protocol.name;
        let checks = outcome.result.checks.iter();
        broken.extend(checks.filter(|check| !check.ok).map(|check| format!("{name}: {check:?}")));
        broken.extend(outcome.result.violations.iter().map(|found| format!("{name}: {found:?}")));
        if !(entry.protocol.judges)().is_empty() {
            let judged = outcome.result.checks.iter().filter(|check| check.not_judged.is_none());
            if judged.count() == 0 {
                broken.push(format!("{name}: nothing is judged"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Found by the swarm: what a held node kept back outlived the bodies that it names.
#[test]
fn what_is_withheld_keeps_its_bodies() {
    let registry = shipped();
    let entry = registry.find("randomized").expect("it ships");
    let changes = [
        "nodes=4",
        "until=3800ms",
        "seed=508806",
        "network.transport=connection",
        "protocol.rules=shi",
        "adversary={kind=\"withhold\",release=\"3750ms\",nodes=[3]}",
    ];
    let outcome = one_result(entry, "withheld", &changes);
    assert!(outcome.result.totals.adversary_messages_by_kind.iter().sum::<u64>() > 0);
}

#[test]
fn every_preset_is_registered_under_its_name() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let registry = shipped();
    let mut names = Vec::new();
    for file in fs::read_dir(directory).expect("the presets") {
        let path = file.expect("a preset").path();
        let text = fs::read_to_string(&path).expect("readable");
        let preset: toml::Table = text.parse().expect("TOML");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let protocol = preset["protocol"]["name"].as_str().expect("a protocol");
        assert!(registry.find(protocol).is_some_and(|e| e.preset == text || protocol != name));
        assert_eq!(registry.preset(&name).map(|(_, text)| text), Some(text.as_str()), "{name}");
        assert_eq!(preset["name"].as_str(), Some(name.as_str()));
        assert!(preset["nodes"].is_integer() && preset["until"].is_str(), "{name}");
        names.push(name);
    }
    let registered = registry.entries().len() + registry.scenarios().len();
    assert_eq!(names.len(), registered, "{names:?}");
}

#[test]
fn scenarios_are_presets_but_no_protocols() {
    let registry = shipped();
    assert!(registry.preset("flash-crowd").is_some() && registry.find("flash-crowd").is_none());
    let refused = registry.named("flash-crow").expect_err("no protocol").to_string();
    assert!(!refused.contains("flash-crowd"), "{refused}");
}
