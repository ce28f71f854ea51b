//! A small scenario as what is changed in a protocol's preset: what is drawn, run, shrunk and printed.

use anthill_engine::scenario::{Scenario, span_text};
use anthill_protocol::Span;

use crate::args::ScenarioArgs;
use crate::command::batch::quoted;
use crate::plan::ScenarioPlan;
use crate::{Entry, Registry, engines};

/// A scenario of one protocol, as changes to its preset.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    /// The protocol.
    pub(super) entry: &'a Entry,
    /// Number of nodes.
    pub(super) nodes: u32,
    /// Where it ends.
    pub(super) until: Span,
    /// The run's seed.
    pub(super) seed: u64,
    /// What else is changed, in this order.
    pub(super) parts: Vec<Part>,
}

/// What is changed as a whole, and can be left out as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Keys of the scenario that go together, with their values as TOML.
    Keys(Vec<(String, String)>),
    /// An adversary that holds these nodes; `keys` are those of its section but `nodes`.
    Adversary { kind: &'static str, keys: String, nodes: Vec<u32> },
    /// An entry of the fault timeline that strikes these nodes.
    Fault { keys: String, nodes: Vec<u32> },
}

impl Part {
    /// One key.
    pub(super) fn key(path: &str, value: impl Into<String>) -> Self {
        Self::Keys(vec![(path.to_owned(), value.into())])
    }

    /// The nodes that it names.
    pub(super) fn nodes(&self) -> Option<&Vec<u32>> {
        match self {
            Self::Keys(_) => None,
            Self::Adversary { nodes, .. } | Self::Fault { nodes, .. } => Some(nodes),
        }
    }

    /// The same, to be changed.
    pub(super) fn nodes_mut(&mut self) -> Option<&mut Vec<u32>> {
        match self {
            Self::Keys(_) => None,
            Self::Adversary { nodes, .. } | Self::Fault { nodes, .. } => Some(nodes),
        }
    }
}

impl Case<'_> {
    /// `path=value` for each change but nodes, end and seed.
    fn settings(&self) -> Vec<String> {
        let (mut settings, mut faults) = (Vec::new(), Vec::new());
        for part in &self.parts {
            match part {
                Part::Keys(keys) => {
                    settings.extend(keys.iter().map(|(path, value)| format!("{path}={value}")));
                }
                Part::Adversary { keys, nodes, .. } => {
                    settings.push(format!("adversary={{{keys},nodes={nodes:?}}}"));
                }
                Part::Fault { keys, nodes } => faults.push(format!("{{{keys},nodes={nodes:?}}}")),
            }
        }
        if !faults.is_empty() {
            settings.push(format!("fault=[{}]", faults.join(",")));
        }
        // The schedule is a key of the section, which is set as a whole.
        settings.sort_by_key(|setting| setting.starts_with("adversary.schedule="));
        settings.into_iter().map(|setting| setting.replace(", ", ",")).collect()
    }

    /// The arguments of `anthill run` that run it.
    pub(super) fn arguments(&self) -> ScenarioArgs {
        ScenarioArgs {
            scenario: Some(self.entry.protocol.name.to_owned()),
            nodes: Some(self.nodes.to_string()),
            until: Some(span_text(self.until)),
            seed: Some(self.seed.to_string()),
            set: self.settings(),
            ..ScenarioArgs::default()
        }
    }

    /// The command that runs it, as words.
    pub(super) fn words(&self, flags: &[&str]) -> Vec<String> {
        let args = self.arguments();
        let mut words = vec![crate::build::name().to_owned(), "run".to_owned()];
        words.extend(args.scenario);
        for (flag, value) in
            [("--nodes", args.nodes), ("--until", args.until), ("--seed", args.seed)]
        {
            words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
        }
        words.extend(args.set.into_iter().flat_map(|set| ["--set".to_owned(), set]));
        words.extend(flags.iter().map(|flag| (*flag).to_owned()));
        words
    }

    /// The command that runs it, for a shell.
    pub(super) fn line(&self, flags: &[&str]) -> String {
        let words = self.words(flags);
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// Reads it as `anthill run` does.
    ///
    /// # Errors
    /// If it cannot be run.
    pub(super) fn load(&self, registry: &Registry) -> anyhow::Result<Scenario> {
        let plan = ScenarioPlan::new(self.arguments(), registry)?;
        Ok(engines::load(&plan.source, &plan.overrides, registry)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn a_case_is_the_line_that_runs_it() {
        let registry = fabricated::raft();
        let entry = registry.find("raft").expect("it ships");
        let fault = |at: &str, nodes| Part::Fault {
            keys: format!("at=\"{at}\",heal=\"9s\",kind=\"partition\""),
            nodes,
        };
        let case = Case {
            entry,
            nodes: 6,
            until: Span::from_millis(9_500),
            seed: 7,
            parts: vec![
                Part::key("network", "{model=\"uniform\",min=\"1ms\",max=\"2ms\"}"),
                fault("1s", vec![0, 2]),
                Part::key("adversary.schedule", "{kind=\"reorder\",by=\"1ms\"}"),
                Part::Adversary {
                    kind: "twins",
                    keys: "kind=\"twins\"".to_owned(),
                    nodes: vec![5],
                },
                Part::key("protocol.group", "6"),
                fault("2s", vec![1]),
            ],
        };
        assert_eq!(
            case.line(&["--stop-on-violation"]),
            "anthill run raft --nodes 6 --until 9500ms --seed 7 \
             --set 'network={model=\"uniform\",min=\"1ms\",max=\"2ms\"}' \
             --set 'adversary={kind=\"twins\",nodes=[5]}' --set protocol.group=6 \
             --set 'fault=[{at=\"1s\",heal=\"9s\",kind=\"partition\",nodes=[0,2]},\
             {at=\"2s\",heal=\"9s\",kind=\"partition\",nodes=[1]}]' \
             --set 'adversary.schedule={kind=\"reorder\",by=\"1ms\"}' --stop-on-violation"
        );
        let scenario = case.load(&registry).expect("it can be run");
        assert_eq!((scenario.nodes, scenario.seed, scenario.conditions.faults.len()), (6, 7, 2));
        assert_eq!(scenario.until.0, 9_500_000_000);
        assert_eq!(scenario.values.count("group"), 6);
        let adversary = scenario.conditions.adversary.as_ref();
        assert!(adversary.is_some() && scenario.conditions.schedule.is_some());
    }
}
