//! What is to be run, and how to tell whether a directory holds the same.

use anthill_engine::scenario::Scenario;
use serde_json::{Map, Value, json};

use crate::args::ScenarioArgs;
use crate::plan::ScenarioPlan;
use crate::{Registry, engines, inputs};

/// Version of the layout of these directories.
pub(super) const FORMAT: u32 = 2;

/// A scenario that is run several times.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// What sets it apart from the others, in words; part of the names of its runs.
    pub label: String,
    /// The arguments of `anthill run` that stand for it, but for the seed.
    pub arguments: Vec<String>,
    /// What they resolve to.
    pub scenario: Scenario,
    /// Expected peak of its memory.
    pub expected_bytes: u64,
}

impl Configuration {
    /// Reads and checks what `anthill run` would run with these arguments.
    ///
    /// # Errors
    /// What `anthill run` would say.
    pub(crate) fn load(args: &ScenarioArgs, registry: &Registry) -> anyhow::Result<Self> {
        let plan = ScenarioPlan::new(args.clone(), registry)?;
        let scenario = engines::load(&plan.source, &plan.overrides, registry)?;
        let entry = registry.named(&scenario.protocol)?;
        let expected_bytes = (entry.memory)(&scenario)?.expected_bytes;
        Ok(Self { label: String::new(), arguments: arguments(args), scenario, expected_bytes })
    }

    /// The same under a label.
    #[must_use]
    pub(crate) fn labelled(self, label: String) -> Self {
        Self { label, ..self }
    }
}

/// The arguments as typed, but for the seed, which each run has its own of.
fn arguments(args: &ScenarioArgs) -> Vec<String> {
    let ScenarioArgs { scenario, protocol, nodes, until, seed: _, shards, threads, set } = args;
    let mut words: Vec<String> = scenario.iter().cloned().collect();
    let flags = [
        ("--protocol", protocol),
        ("--nodes", nodes),
        ("--until", until),
        ("--shards", shards),
        ("--threads", threads),
    ];
    for (flag, value) in flags {
        words.extend(value.as_ref().map(|value| format!("{flag}={value}")));
    }
    words.extend(set.iter().map(|set| format!("--set={set}")));
    words
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// Its name among all runs, fit for a file.
    pub id: String,
    /// Which configuration.
    pub configuration: usize,
    /// Which of the runs of that configuration, from 1.
    pub run: u32,
    /// Its seed.
    pub seed: u64,
}

/// All runs of one piece of work.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The command: `scale`, `sweep`, `compare`.
    pub kind: &'static str,
    /// Names its directory, before the seed and a number.
    pub name: String,
    /// The seed that all others come from.
    pub seed: u64,
    /// What else says what is run, such as repeats.
    pub settings: Map<String, Value>,
    /// Which of the settings is the number of runs of each scenario. It may grow: more runs change
    /// none of those that are there.
    pub growing: &'static str,
    /// The scenarios.
    pub configurations: Vec<Configuration>,
    /// The runs, in the order in which they are made.
    pub points: Vec<Point>,
}

impl Plan {
    /// All that makes it this plan. Files are named by their contents, and each once by its path.
    pub(crate) fn identity(&self) -> Value {
        let configuration = |configuration: &Configuration| {
            json!({
                "label": configuration.label,
                "scenario_toml": inputs::by_content(&configuration.scenario),
                "inputs": inputs::json(&configuration.scenario.inputs),
            })
        };
        json!({
            "command": self.kind,
            "program": crate::build::name(),
            "version": crate::build::version(),
            "commit": crate::build::commit(),
            "seed": self.seed,
            "settings": self.settings,
            "configurations":
                self.configurations.iter().map(configuration).collect::<Vec<Value>>(),
        })
    }

    /// Names the work, whatever the number of its runs: the first digits of a hash.
    pub(super) fn hash(&self) -> String {
        let work = essence(&self.identity(), self.growing).to_string();
        blake3::hash(work.as_bytes()).to_hex()[..16].to_owned()
    }

    /// The run in words.
    pub(crate) fn label(&self, point: &Point) -> String {
        let label = &self.configurations[point.configuration].label;
        match label.as_str() {
            "" => format!("run {}", point.run),
            label => format!("{label}, run {}", point.run),
        }
    }

    /// The scenario of a run.
    pub(crate) fn scenario(&self, point: &Point) -> Scenario {
        Scenario { seed: point.seed, ..self.configurations[point.configuration].scenario.clone() }
    }

    /// The arguments of a run.
    pub(super) fn arguments(&self, point: &Point) -> Vec<String> {
        let mut arguments = self.configurations[point.configuration].arguments.clone();
        arguments.push(format!("--seed={}", point.seed));
        arguments
    }
}

/// What two identities of the same work have in common: not the paths of files, nor how many runs.
fn essence(identity: &Value, growing: &str) -> Value {
    let mut identity = identity.clone();
    if let Some(Value::Object(settings)) = identity.get_mut("settings") {
        settings.remove(growing);
    }
    let configurations = identity.get_mut("configurations").and_then(Value::as_array_mut);
    for configuration in configurations.into_iter().flatten() {
        let files = configuration.get_mut("inputs").and_then(Value::as_array_mut);
        for file in files.into_iter().flatten().filter_map(Value::as_object_mut) {
            file.remove("path");
        }
    }
    identity
}

/// The first difference that keeps two identities from being the same work, in words; `None` if
/// there is none. The number of runs may have grown.
pub(super) fn difference(there: &Value, now: &Value, growing: &str) -> Option<String> {
    if essence(there, growing) == essence(now, growing) {
        let runs = |identity: &Value| identity["settings"][growing].as_u64();
        let (before, after) = (runs(there), runs(now));
        return (before > after).then(|| {
            let runs = |runs: Option<u64>| runs.map_or("no".to_owned(), |runs| runs.to_string());
            format!("--{growing} {} there, {} now: it may grow only", runs(before), runs(after))
        });
    }
    let shown = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        value => value.to_string(),
    };
    for name in ["command", "version", "commit", "seed"] {
        if there[name] != now[name] {
            return Some(format!(
                "{name} {} there, {} now",
                shown(&there[name]),
                shown(&now[name])
            ));
        }
    }
    let empty = Map::new();
    let (before, after) = (&there["settings"], &now["settings"]);
    let keys = |value: &Value| value.as_object().unwrap_or(&empty).keys().cloned().collect();
    let (known, wanted): (Vec<String>, Vec<String>) = (keys(before), keys(after));
    for key in wanted.iter().chain(&known).filter(|key| *key != growing) {
        if before[key] != after[key] {
            return Some(format!(
                "{key} {} there, {} now",
                shown(&before[key]),
                shown(&after[key])
            ));
        }
    }
    let configurations = |value: &Value| value["configurations"].as_array().cloned();
    let (before, after) = (configurations(there)?, configurations(now)?);
    if before.len() != after.len() {
        return Some(format!("{} scenarios there, {} now", before.len(), after.len()));
    }
    let (before, after) = before.iter().zip(&after).find(|(before, after)| before != after)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let label = text(&after["label"]);
    if before["label"] != after["label"] {
        return Some(format!("`{}` there, `{label}` now", text(&before["label"])));
    }
    let place = if label.is_empty() { String::new() } else { format!("{label}: ") };
    if let Some(change) = inputs::changed(&before["inputs"], &after["inputs"]) {
        return Some(place + &change);
    }
    let lines = line_difference(&text(&before["scenario_toml"]), &text(&after["scenario_toml"]));
    Some(place + &lines)
}

/// The first line in which two resolved scenarios differ, with its section.
pub(super) fn line_difference(there: &str, now: &str) -> String {
    let mut section = "";
    let mut lines = there.lines().zip(now.lines());
    let found = lines.find(|(before, after)| {
        if before == after && before.starts_with('[') {
            section = before;
        }
        before != after
    });
    let place = if section.is_empty() { String::new() } else { format!("{section} ") };
    match found {
        Some((before, after)) => format!("{place}`{before}` there, `{after}` now"),
        None => "one scenario says more than the other".to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::fabricated;

    /// Two runs of one invented scenario.
    pub(in crate::points) fn plan() -> Plan {
        let configuration = Configuration {
            label: "nodes 1000".to_owned(),
            arguments: vec!["phold".to_owned()],
            scenario: fabricated::scenario(),
            expected_bytes: 1_000,
        };
        let point = |run: u32| Point {
            id: format!("n1000-r{run}"),
            configuration: 0,
            run,
            seed: u64::from(run),
        };
        Plan {
            kind: "sweep",
            name: "test".to_owned(),
            seed: 7,
            settings: json!({ "seeds": 2, "vary": [] }).as_object().cloned().unwrap_or_default(),
            growing: "seeds",
            configurations: vec![configuration],
            points: vec![point(1), point(2)],
        }
    }

    #[test]
    fn the_first_difference_is_named() {
        let (first, mut other) = (plan(), plan());
        let found = |other: &Plan| difference(&first.identity(), &other.identity(), "seeds");
        assert_eq!(found(&other), None);
        other.configurations[0].scenario.nodes += 1;
        let said = found(&other);
        assert_eq!(said.as_deref(), Some("nodes 1000: `nodes = 1000` there, `nodes = 1001` now"));
        other.settings.insert("vary".to_owned(), json!(["a"]));
        assert_eq!(found(&other).as_deref(), Some("vary [] there, [\"a\"] now"));
        other.kind = "compare";
        let said = found(&other);
        assert_eq!(said.as_deref(), Some("command \"sweep\" there, \"compare\" now"));
    }

    #[test]
    fn the_number_of_runs_may_grow_and_files_may_move() {
        let (first, mut other) = (plan(), plan());
        let found = |other: &Plan| difference(&first.identity(), &other.identity(), "seeds");
        other.settings.insert("seeds".to_owned(), json!(5));
        assert_eq!(found(&other), None);
        assert_eq!(first.hash(), other.hash());
        other.settings.insert("seeds".to_owned(), json!(1));
        let said = found(&other).expect("fewer");
        assert_eq!(said, "--seeds 2 there, 1 now: it may grow only");
        let of = |path: &str, hash: &str| {
            let input = json!({ "key": "churn.path", "path": path, "blake3": hash });
            json!({ "settings": { "seeds": 1 }, "configurations": [
                { "label": "a", "scenario_toml": "", "inputs": [input] },
            ] })
        };
        let (a, moved, changed) = (of("a", "12"), of("b", "12"), of("a", "34"));
        assert_eq!(difference(&a, &moved, "seeds"), None);
        assert_eq!(essence(&a, "seeds"), essence(&moved, "seeds"));
        let said = difference(&a, &changed, "seeds").expect("another file");
        let expected = "a: churn.path: the file a has changed: blake3 12… then, blake3 34… now";
        assert_eq!(said, expected);
    }

    #[test]
    fn a_run_has_the_seed_of_its_point() {
        let plan = plan();
        assert_eq!(plan.arguments(&plan.points[1]), ["phold", "--seed=2"]);
        assert_eq!(plan.scenario(&plan.points[1]).seed, 2);
        assert_eq!(plan.label(&plan.points[1]), "nodes 1000, run 2");
    }
}
