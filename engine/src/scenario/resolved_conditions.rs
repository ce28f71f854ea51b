//! Conditions as TOML: see `resolved`, of which this is a part.

use super::declare::{Shape, Text};
use super::resolved::{Entries, float, quoted, section};
use super::resolved_fault::selection;
use crate::conditions::{AdversarySpec, Behaviour, ConditionsSpec};

/// Writes `[cpu]`, `[churn]`, `[clock]` and `[adversary]`, as far as they are there.
pub(super) fn write_nodes(out: &mut String, conditions: &ConditionsSpec, nodes: u32) {
    if let Some(spec) = &conditions.cpu {
        let model = vec![("model", quoted("scaled"))];
        section(out, "cpu", [model, spec.written()].concat());
    }
    if let Some(spec) = &conditions.churn {
        section(out, "churn", spec.written());
    }
    let clock = conditions.clock;
    if clock != Default::default() {
        section(out, "clock", clock.written());
    }
    let mut entries = Vec::new();
    if let Some(spec) = &conditions.adversary {
        entries = adversary(spec, nodes);
    }
    entries.extend(conditions.schedule.as_ref().map(|spec| ("schedule", spec.text())));
    if !entries.is_empty() {
        section(out, "adversary", entries);
    }
}

pub(super) fn adversary(spec: &AdversarySpec, nodes: u32) -> Entries {
    let mut entries = spec.behaviour.written();
    let by = entries.split_off(1);
    entries.extend(selection(&spec.who, nodes, false));
    entries.extend(by);
    if spec.behaviour != Behaviour::Follow {
        entries.extend(spec.kinds.text(Shape::Names).map(|kinds| ("kinds", kinds)));
        entries.push(("probability", float(spec.probability)));
    }
    entries
}
