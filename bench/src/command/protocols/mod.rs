//! `anthill protocols`: what can be run, and what can be set.

mod json;

use std::fmt::Write as _;

use anthill_engine::scenario::number_bounds;
use anthill_protocol::parameter::{Kind, Parameter};
use anthill_protocol::{Diagram, MetricKind};

use super::Exit;
use crate::args::{Format, ProtocolsArgs, ScenarioArgs};
use crate::diagram::{Recorded, draw};
use crate::plan::ScenarioPlan;
use crate::{Entry, Registry, engines, terminal, units};

/// Lists the protocols, or describes or draws one.
pub(super) fn protocols(registry: &Registry, args: &ProtocolsArgs) -> anyhow::Result<Exit> {
    let is_json = args.format == Format::Json;
    let text = match &args.name {
        None if is_json => serde_json::to_string_pretty(&json::all(registry))? + "\n",
        Some(name) if is_json => {
            serde_json::to_string_pretty(&json::one(registry.named(name)?))? + "\n"
        }
        None => list(registry),
        Some(name) if args.diagram => diagrams(registry, registry.named(name)?)?,
        Some(name) => describe(registry.named(name)?),
    };
    terminal::show(&text)?;
    Ok(Exit::Done)
}

fn list(registry: &Registry) -> String {
    let mut text = String::new();
    for entry in registry.entries() {
        let _ = writeln!(text, "{:<14} {}", entry.protocol.name, entry.protocol.about);
    }
    let name = crate::build::name();
    let _ = writeln!(
        text,
        "\n`{name} protocols NAME` shows its parameters; `{name} run NAME` runs it."
    );
    if !registry.scenarios().is_empty() {
        text.push_str("\nScenarios, likewise run by name:\n");
    }
    for scenario in registry.scenarios() {
        let _ = writeln!(text, "{:<21} {}", scenario.name, scenario.about);
    }
    text
}

/// Records the runs that the protocol has for this, and draws them: several under their headings, one
/// as it is, for a renderer of Mermaid.
fn diagrams(registry: &Registry, entry: &Entry) -> anyhow::Result<String> {
    if let [only] = entry.diagrams {
        return diagram(registry, entry, only);
    }
    let mut text = String::new();
    for of in entry.diagrams {
        let drawn = diagram(registry, entry, of)?;
        let space = if text.is_empty() { "" } else { "\n" };
        let _ = write!(text, "{space}## {}\n\n```mermaid\n{drawn}```\n", of.title);
    }
    Ok(text)
}

fn diagram(registry: &Registry, entry: &Entry, of: &Diagram) -> anyhow::Result<String> {
    let Diagram { settings, parts, .. } = *of;
    if *of == Diagram::OF_NODES {
        // Six nodes, or as many as the protocol can be fitted to.
        let sizes = [6, 5, 4, 3].into_iter().chain(7..=64);
        let mut sizes =
            sizes.filter_map(|nodes| recorded(registry, entry, &[format!("nodes={nodes}")]).ok());
        if let Some(recorded) = sizes.next() {
            return Ok(draw(entry.protocol.name, &recorded, parts));
        }
    }
    let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
    Ok(draw(entry.protocol.name, &recorded(registry, entry, &settings)?, parts))
}

/// A small run of a protocol's preset with some settings.
fn recorded(registry: &Registry, entry: &Entry, settings: &[String]) -> anyhow::Result<Recorded> {
    let args = ScenarioArgs {
        protocol: Some(entry.protocol.name.to_owned()),
        set: settings.to_vec(),
        ..ScenarioArgs::default()
    };
    let plan = ScenarioPlan::new(args, registry)?;
    let scenario = engines::load(&plan.source, &plan.overrides, registry)?;
    (entry.record)(&scenario)
}

fn describe(entry: &Entry) -> String {
    let mut text = format!(
        "{}: {}\n\nParameters, under [protocol]:\n",
        entry.protocol.name, entry.protocol.about
    );
    list_parameters(&mut text, entry.protocol.parameters);
    if !entry.protocol.workload.is_empty() {
        text.push_str("\nIts workload, under [workload]:\n");
        list_parameters(&mut text, entry.protocol.workload);
    }
    if !entry.protocol.adversaries.is_empty() {
        text.push_str("\nAdversaries of its own, beside those that any protocol has:\n");
    }
    for kind in entry.protocol.adversaries {
        let _ = writeln!(text, "\n  [adversary] kind = \"{}\": {}", kind.name, kind.about);
        list_parameters(&mut text, kind.parameters);
    }
    text.push_str("\nMetrics:\n");
    for metric in entry.protocol.metrics {
        let _ = writeln!(text, "  {:<20} {} ({})", metric.name, metric.about, kind(metric.kind));
    }
    if !entry.protocol.invariants.is_empty() {
        text.push_str("\nInvariants, watched at every event:\n");
    }
    for invariant in entry.protocol.invariants {
        let _ = writeln!(text, "  {:<20} {}", invariant.name, invariant.about);
    }
    let judges = (entry.protocol.judges)();
    if !judges.is_empty() {
        text.push_str("\nJudged between nodes, by what they say:\n");
    }
    for (name, bound) in judges {
        let _ = writeln!(text, "  {name:<20} holds for: {bound}");
    }
    let program = crate::build::name();
    let _ = write!(text, "\nIts preset, `{program} run {}`:\n\n", entry.protocol.name);
    for line in entry.preset.lines() {
        let _ = writeln!(text, "{}", format!("  {line}").trim_end());
    }
    text
}

fn list_parameters(text: &mut String, parameters: &[Parameter]) {
    for parameter in parameters {
        let _ = writeln!(
            text,
            "  {:<20} {}\n  {:<20} {}",
            format!("{} = {}", parameter.name, units::value(parameter.default)),
            parameter.about,
            "",
            takes(parameter)
        );
    }
}

fn takes(parameter: &Parameter) -> String {
    match parameter.kind {
        Kind::Flag => "true or false".to_owned(),
        Kind::Count { min, max: u64::MAX } => format!("a whole number, {min} or more"),
        Kind::Count { min, max } => format!("a whole number, {min} to {max}"),
        Kind::Share => "a fraction, 0 to 1".to_owned(),
        Kind::Number { min, max } => format!("a number, {}", number_bounds(min, max)),
        Kind::Span { min } => format!("a duration like \"250us\", at least {min}"),
        Kind::Choice(words) => format!("one of: {}", words.join(", ")),
        Kind::File => "the path of a text file".to_owned(),
    }
}

fn kind(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Sum => "sum over all nodes",
        MetricKind::PerNode => "mean per node",
        MetricKind::Per(_) => "ratio of two sums",
        MetricKind::Max => "greatest",
        MetricKind::Latency => "distribution, under latency_ns",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn a_description_has_defaults_units_and_metrics() {
        let registry = fabricated::registry();
        let text = describe(registry.main_job().expect("phold"));
        for part in [
            "  remote = 1.0         probability that a token moves to another node\n",
            "a fraction, 0 to 1",
            "  lookahead = \"1ms\"    least delay",
            "a duration like \"250us\", at least 1ns",
            "a whole number, 1 to 1000000",
            "  handled              tokens handled (sum over all nodes)\n",
            "  name = \"phold\"\n",
        ] {
            assert!(text.contains(part), "`{part}` is not in\n{text}");
        }
        assert!(list(&registry).starts_with("phold          tokens hopping"));
        assert!(!text.contains("workload") && !text.contains("dversar"), "{text}");
    }

    #[test]
    fn a_description_has_the_workload_and_the_adversaries() {
        let entry = fabricated::with_workload_and_adversary();
        let text = describe(&entry);
        let expected = "
Its workload, under [workload]:
  rate = 0.6           payments per node and hour
                       a number, from 0 to 1000

Adversaries of its own, beside those that any protocol has:

  [adversary] kind = \"double-signer\": signs two payments of the same coins
  attempts = 1000      attacks that it tries
                       a whole number, 1 or more

Metrics:
";
        assert!(text.contains(expected), "{text}");
    }
}
