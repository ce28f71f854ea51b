//! A scenario as TOML with every default filled in: what `anthill validate` prints and a manifest
//! records.
//!
//! Invariant: [`super::parse_text`] reads it back as an equal scenario. What is decided only when
//! the run starts (shards, threads, rows of the series) stays out, as does what a model does not
//! use. Paths are as the scenario holds them: relative to the working directory.

use std::fmt::Write;
use std::path::Path;

use anthill_protocol::Span;
use anthill_protocol::parameter::{Part, Value, Values};

use super::Scenario;
use super::declare::{Shape, Text};
use super::parse_links::Links;
use super::quantity::span_text;
use super::resolved_fault::{self, selection};
use crate::conditions::{AdversarySpec, ConditionsSpec, ScheduleSpec};

impl Scenario {
    /// The scenario as TOML, with every default filled in.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        line(&mut out, "name", &quoted(&self.name));
        line(&mut out, "seed", &number(self.seed));
        line(&mut out, "nodes", &self.nodes.to_string());
        line(&mut out, "until", &span(Span(self.until.0)));
        section(&mut out, "engine", self.engine.written());
        out.push_str("\n[protocol]\n");
        line(&mut out, "name", &quoted(&self.protocol));
        write_values(&mut out, &self.values, Part::Protocol);
        if self.values.iter(Part::Workload).next().is_some() {
            out.push_str("\n[workload]\n");
            write_values(&mut out, &self.values, Part::Workload);
        }
        if let Some(kind) = self.values.adversary() {
            out.push_str("\n[adversary]\n");
            line(&mut out, "kind", &quoted(kind));
            write_values(&mut out, &self.values, Part::Adversary);
        }
        let links = Links::of(&self.conditions).written();
        section(&mut out, "network", [self.network.written(), links].concat());
        write_nodes(&mut out, &self.conditions, self.nodes);
        section(&mut out, "crypto", self.crypto.written());
        section(&mut out, "measure", self.measure.written());
        if let Some(bound) = self.conditions.assumed_bound {
            line(&mut out, "bound", &span(bound));
        }
        for fault in &self.conditions.faults {
            section(&mut out, "[fault]", resolved_fault::fault(fault, self.nodes));
        }
        out
    }
}

/// Writes `[cpu]`, `[churn]`, `[clock]` and `[adversary]`, as far as they are there.
fn write_nodes(out: &mut String, conditions: &ConditionsSpec, nodes: u32) {
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
    let schedule = conditions.schedule.text(ScheduleSpec::TABLE);
    entries.extend(schedule.map(|schedule| ("schedule", schedule)));
    if !entries.is_empty() {
        section(out, "adversary", entries);
    }
}

pub(super) fn adversary(spec: &AdversarySpec, nodes: u32) -> Entries {
    let mut entries = spec.behaviour.written();
    let by = entries.split_off(1);
    entries.extend(selection(&spec.who, nodes, false));
    entries.extend(by);
    if spec.behaviour.chooses_messages() {
        entries.extend(spec.kinds.text(Shape::Names).map(|kinds| ("kinds", kinds)));
        entries.push(("probability", float(spec.probability)));
    }
    entries
}

fn write_values(out: &mut String, values: &Values, part: Part) {
    for (name, value) in values.iter(part).filter(|(_, value)| *value != Value::File(None)) {
        line(out, name, &plain(value));
    }
}

/// Keys of a table with their values.
pub(crate) type Entries = Vec<(&'static str, String)>;

/// Writes a section.
pub(super) fn section(out: &mut String, name: &str, entries: Entries) {
    out.push_str(&format!("\n[{name}]\n"));
    for (key, value) in entries {
        line(out, key, &value);
    }
}

pub(super) fn line(out: &mut String, key: &str, value: &str) {
    writeln!(out, "{key} = {value}").expect("writing to a string cannot fail");
}

pub(crate) fn table<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, String)>) -> String {
    let entries: Vec<String> =
        entries.into_iter().map(|(key, value)| format!("{} = {value}", key.as_ref())).collect();
    format!("{{ {} }}", entries.join(", "))
}

pub(super) fn plain(value: Value) -> String {
    match value {
        Value::Flag(flag) => flag.to_string(),
        Value::Count(count) => number(count),
        Value::Share(fraction) | Value::Number(fraction) => float(fraction),
        Value::Span(length) => span(length),
        Value::Choice(word) => quoted(word),
        Value::File(file) => quoted(file.map_or("", |file| &file.path)),
    }
}

/// A whole number; TOML's integers have 63 bits.
pub(super) fn number(whole: u64) -> String {
    match i64::try_from(whole) {
        Ok(whole) => whole.to_string(),
        Err(_) => quoted(&whole.to_string()),
    }
}

pub(super) fn span(span: Span) -> String {
    quoted(&span_text(span))
}

/// The shortest decimal that reads back as the same float.
pub(super) fn float(number: f64) -> String {
    format!("{number:?}")
}

pub(super) fn text_of(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// Text in quotes, escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                write!(out, "\\U{:08X}", u32::from(c)).expect("writing to a string cannot fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
