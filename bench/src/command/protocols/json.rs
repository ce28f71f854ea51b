//! `anthill protocols --format json`: the same for programs.

use anthill_protocol::parameter::{AdversaryKind, Kind, Parameter, Value};
use anthill_protocol::{Better, MetricInfo, MetricKind};
use serde_json::{Map, Value as Json, json};

use crate::{Entry, Registry};

/// All protocols and named scenarios.
pub(super) fn all(registry: &Registry) -> Json {
    let scenario =
        |named: &crate::NamedScenario| json!({ "name": named.name, "about": named.about });
    json!({
        "protocols": registry.entries().iter().map(one).collect::<Vec<_>>(),
        "scenarios": registry.scenarios().iter().map(scenario).collect::<Vec<_>>(),
    })
}

/// One protocol: parameters and metrics by name.
pub(super) fn one(entry: &Entry) -> Json {
    let info = &entry.protocol;
    let adversary = |kind: &AdversaryKind| {
        let parameters = parameters(kind.parameters);
        (kind.name.to_owned(), json!({ "about": kind.about, "parameters": parameters }))
    };
    let judged = |(name, bound): (&'static str, &'static str)| (name.to_owned(), json!(bound));
    json!({
        "name": info.name,
        "about": info.about,
        "parameters": parameters(info.parameters),
        "workload": parameters(info.workload),
        "adversaries": info.adversaries.iter().map(adversary).collect::<Map<_, _>>(),
        "messages": info.kinds,
        "outputs": info.outputs,
        "metrics": info.metrics.iter().map(metric).collect::<Map<_, _>>(),
        "invariants": info.invariants.iter()
            .map(|invariant| (invariant.name.to_owned(), json!(invariant.about)))
            .collect::<Map<_, _>>(),
        "judges": (info.judges)().into_iter().map(judged).collect::<Map<_, _>>(),
        "preset": entry.preset,
    })
}

fn parameters(parameters: &[Parameter]) -> Map<String, Json> {
    parameters.iter().map(|parameter| (parameter.name.to_owned(), described(parameter))).collect()
}

/// Durations are in ns, as are their bounds.
fn described(parameter: &Parameter) -> Json {
    let default = match parameter.default {
        Value::Flag(flag) => json!(flag),
        Value::Count(count) => json!(count),
        Value::Share(number) | Value::Number(number) => json!(number),
        Value::Span(span) => json!(span.0),
        Value::Choice(word) => json!(word),
        Value::File(file) => json!(file.map(|file| &file.path)),
    };
    let mut json = match parameter.kind {
        Kind::Flag => json!({ "type": "flag" }),
        Kind::Count { min, max: u64::MAX } => json!({ "type": "count", "min": min }),
        Kind::Count { min, max } => json!({ "type": "count", "min": min, "max": max }),
        Kind::Share => json!({ "type": "share", "min": 0, "max": 1 }),
        // A bound that is no number is none.
        Kind::Number { min, max } => json!({ "type": "number", "min": min, "max": max }),
        Kind::Span { min } => json!({ "type": "duration_ns", "min": min.0 }),
        Kind::Choice(words) => json!({ "type": "choice", "values": words }),
        Kind::File => json!({ "type": "file" }),
    };
    json["default"] = default;
    json["about"] = json!(parameter.about);
    json
}

fn metric(info: &MetricInfo) -> (String, Json) {
    let kind = match info.kind {
        MetricKind::Sum => "sum",
        MetricKind::PerNode => "per_node",
        MetricKind::Per(_) => "ratio",
        MetricKind::Max => "max",
        MetricKind::Latency => "latency_ns",
    };
    let better = match info.better {
        Better::Higher => json!("higher"),
        Better::Lower => json!("lower"),
        Better::Unknown => Json::Null,
    };
    (info.name.to_owned(), json!({ "kind": kind, "better": better, "about": info.about }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn parameters_have_types_bounds_and_defaults() {
        let registry = fabricated::registry();
        let json = all(&registry);
        let phold = &json["protocols"][0];
        assert_eq!(phold["name"], json!("phold"));
        let lookahead = &phold["parameters"]["lookahead"];
        assert_eq!(lookahead["type"], json!("duration_ns"));
        assert_eq!((&lookahead["default"], &lookahead["min"]), (&json!(1_000_000), &json!(1)));
        assert_eq!(phold["metrics"]["handled"]["kind"], json!("sum"));
        let attacked = one(&fabricated::with_workload_and_adversary());
        let attempts = &attacked["adversaries"]["double-signer"]["parameters"]["attempts"];
        assert_eq!(attempts["default"], json!(1000));
        assert_eq!(attacked["workload"]["rate"]["max"], json!(1000.0));
    }
}
