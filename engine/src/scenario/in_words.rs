//! What is on in a scenario, in a few words: the keys of the resolved form that are not at their default.

use super::Scenario;
use super::keys::Key;
use super::parse_adversary::ADVERSARY;
use super::parse_fault::FAULT;
use super::parse_links::Links;
use super::resolved::{Entries, adversary, plain};
use super::resolved_fault::fault;
use crate::conditions::{
    BandwidthSpec, ChurnSpec, ClassSpec, ClockSpec, CpuSpec, FaultSpec, ScheduleSpec,
};
use crate::network::{ModelSpec, SpreadSpec};

impl Scenario {
    /// Every condition that is on but the fault timeline, each in words that begin with its name.
    pub fn conditions_in_words(&self) -> Vec<String> {
        let (spec, model) = (&self.conditions, &self.network.model);
        let mut on = Vec::new();
        if let ModelSpec::Synchronous { .. }
        | ModelSpec::Asynchronous { .. }
        | ModelSpec::Partial { .. } = model
        {
            on.push(words("timing", ModelSpec::KEYS, model.written()));
        }
        // Each of these is a condition of its own.
        let links = Links { bandwidth: None, classes: Vec::new(), ..Links::of(spec) };
        let single = changed(SpreadSpec::KEYS, self.network.spread.written());
        let single = single.into_iter().chain(changed(Links::KEYS, links.written()));
        on.extend(single.map(|(key, value)| format!("{key} {}", bare(&value))));
        let rates = spec.bandwidth.as_ref();
        on.extend(rates.map(|by| words("bandwidth", BandwidthSpec::KEYS, by.written())));
        if !spec.classes.is_empty() {
            let share = |class: &ClassSpec| format!("{} {}", class.name, class.share);
            let shares: Vec<String> = spec.classes.iter().map(share).collect();
            on.push(format!("classes: {}", shares.join(", ")));
        }
        on.extend(spec.cpu.as_ref().map(|cpu| words("cpu", CpuSpec::KEYS, cpu.written())));
        on.extend(
            spec.churn.as_ref().map(|churn| words("churn", ChurnSpec::KEYS, churn.written())),
        );
        if spec.clock != ClockSpec::default() {
            on.push(words("clock", ClockSpec::KEYS, spec.clock.written()));
        }
        let held = spec.adversary.as_ref();
        on.extend(held.map(|held| words("adversary", ADVERSARY, adversary(held, self.nodes))));
        let schedule = spec.schedule.as_ref();
        on.extend(schedule.map(|by| words("schedule", ScheduleSpec::KEYS, by.written())));
        on
    }
}

impl FaultSpec {
    /// What happens when and to whom, of so many nodes.
    pub fn in_words(&self, nodes: u32) -> String {
        words("", FAULT, fault(self, nodes))
    }
}

/// A name, the kind if there is one, and the other keys that are not at their default.
fn words(name: &str, keys: &[Key], entries: Entries) -> String {
    let entries = changed(keys, entries);
    let (kind, others): (Entries, Entries) =
        entries.into_iter().partition(|(key, _)| matches!(*key, "kind" | "model"));
    let name: Vec<String> =
        [name.to_owned()].into_iter().chain(kind.iter().map(|(_, kind)| bare(kind))).collect();
    let others: Vec<String> =
        others.iter().map(|(key, value)| format!("{key} {}", bare(value))).collect();
    let colon = if others.is_empty() { "" } else { ": " };
    format!("{}{colon}{}", name.join(" ").trim(), others.join(", "))
}

fn changed(keys: &[Key], mut entries: Entries) -> Entries {
    let default = |name| keys.iter().find(|key| key.name == name)?.default;
    entries.retain(|(name, value)| default(*name).is_none_or(|default| plain(default) != *value));
    entries
}

/// A value without the marks of TOML.
fn bare(value: &str) -> String {
    let value = value.replace(['"', '[', ']', '{', '}'], " ").replace(" = ", " ");
    value.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",")
}
