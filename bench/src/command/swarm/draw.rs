//! What one run of a swarm is: drawn from a seed, for any protocol.

use anthill_engine::scenario::{Scenario, parse_count, parse_span, span_text};
use anthill_protocol::parameter::{Part as Section, Value};
use anthill_protocol::{Dice, Span};

use super::case::{Case, Part};
use super::trouble;
use super::vary;
use crate::args::ScenarioArgs;
use crate::plan::ScenarioPlan;
use crate::{Entry, Registry, engines};

/// Numbers of nodes: all residues modulo 3, because at n = 3f + 1 the usual quorums coincide and a wrong
/// one cannot be told.
const NODES: (u64, u64) = (4, 12);

/// A protocol that runs are drawn for.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    /// The protocol.
    pub(super) entry: &'a Entry,
    /// What its preset says.
    preset: Scenario,
    /// Whether its nodes sign.
    signs: bool,
}

impl<'a> Subject<'a> {
    /// Reads the protocol's preset.
    ///
    /// # Errors
    /// If it cannot be run.
    pub(super) fn new(entry: &'a Entry, registry: &Registry) -> anyhow::Result<Self> {
        let name = Some(entry.protocol.name.to_owned());
        let args = ScenarioArgs { scenario: name, ..ScenarioArgs::default() };
        let plan = ScenarioPlan::new(args, registry)?;
        let preset = engines::load(&plan.source, &plan.overrides, registry)?;
        let signs = (entry.signatures)(&preset)?.is_some();
        Ok(Self { entry, preset, signs })
    }
}

/// A drawn run, and what is to be counted of it.
#[derive(Clone, Debug)]
pub(super) struct Drawn<'a> {
    /// What is run.
    pub(super) case: Case<'a>,
    /// The kind of network, in words.
    pub(super) network: &'static str,
    /// Kinds of trouble at once.
    pub(super) troubles: usize,
    /// Nodes that an adversary of the generic kinds holds, and whether they are as many as less than a
    /// third can be.
    pub(super) held: Option<(usize, bool)>,
}

/// What the protocol draws for itself.
pub(super) struct Own(Vec<(&'static str, String)>);

impl Own {
    /// Whether the protocol draws a key, keys in it, or a table that it is in.
    pub(super) fn has(&self, path: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.0.iter().any(|(key, _)| within(key, path) || within(path, key))
    }

    fn take(&mut self, path: &str) -> Option<String> {
        let place = self.0.iter().position(|(key, _)| *key == path)?;
        let value = self.0.remove(place).1;
        Some(value.trim_matches('"').to_owned())
    }
}

/// Draws a run.
///
/// # Panics
/// If the protocol's own draw gives numbers of nodes or times that are none.
pub(super) fn draw<'a>(subject: &Subject<'a>, dice: &mut Dice) -> Drawn<'a> {
    let entry = subject.entry;
    let drawn_nodes = dice.within(NODES.0, NODES.1) as u32;
    let mut own = Own((entry.swarm)(dice, drawn_nodes));
    let wrong = |key: &str, value: &str| -> ! {
        panic!("{}: the protocol draws {key} = {value}", entry.protocol.name)
    };
    let nodes = own.take("nodes").map_or(drawn_nodes, |text| {
        let count = parse_count(&text).ok().and_then(|count| u32::try_from(count).ok());
        count.unwrap_or_else(|| wrong("nodes", &text))
    });
    let until = own.take("until");
    let until = until.map(|text| parse_span(&text).unwrap_or_else(|_| wrong("until", &text)));
    let until = until.unwrap_or_else(|| until_of(subject.preset.until.0, dice));

    let mut parts = Vec::new();
    let mut network = "the preset's";
    if !own.has("network.model") && !own.has("network.preset") {
        let (about, drawn) = trouble::network(dice, until);
        network = about;
        parts.extend(drawn);
    }
    if dice.one_in(4) && !own.has("network.transport") {
        parts.push(Part::key("network.transport", "\"connection\""));
    }
    if subject.signs && !dice.one_in(8) && !own.has("crypto.mode") {
        parts.push(Part::key("crypto.mode", "\"modelled\""));
    }
    for (section, declared) in [
        (Section::Protocol, entry.protocol.parameters),
        (Section::Workload, entry.protocol.workload),
    ] {
        for (name, value) in subject.preset.values.iter(section) {
            let path = format!("{}.{name}", section.name());
            let kind = declared.iter().find(|p| p.name == name).map(|p| p.kind);
            // What a protocol is set up for follows from its nodes.
            if section == Section::Protocol && matches!(name, "faults" | "f") && !own.has(&path) {
                parts.push(Part::key(&path, trouble::most_faulty(nodes).to_string()));
                continue;
            }
            let varied = kind.filter(|_| dice.one_in(5) && !own.has(&path));
            if let Some(value) = varied.and_then(|kind| vary::value(dice, kind, value)) {
                parts.push(Part::key(&path, value));
            }
        }
    }
    let scene = trouble::Scene { entry, nodes, until };
    let drawn = trouble::troubles(&scene, &own, dice);
    let stays = |path: &str, value: &str| {
        let (section, name) = Section::split(path);
        let mut all = subject.preset.values.iter(section);
        path.contains('.') && all.any(|(known, preset)| known == name && toml(preset) == value)
    };
    let own = own.0.into_iter().filter(|(path, value)| !stays(path, value));
    parts.extend(own.map(|(path, value)| Part::key(path, value)));
    parts.extend(drawn.parts);
    let seed = dice.below(1_000_000);
    let case = Case { entry, nodes, until, seed, parts };
    Drawn { case, network, troubles: drawn.count, held: drawn.held }
}

/// A few seconds to a minute, or less where the preset does with less.
fn until_of(preset_ns: u64, dice: &mut Dice) -> Span {
    const SECOND: u64 = 1_000_000_000;
    if preset_ns < 5 * SECOND {
        return Span((preset_ns / dice.pick(&[1, 2, 4])).max(1));
    }
    Span(dice.pick(&[5, 10, 15, 20, 30, 45, 60]) * SECOND)
}

/// A value as TOML.
pub(super) fn toml(value: Value) -> String {
    match value {
        Value::Flag(flag) => flag.to_string(),
        Value::Count(count) => count.to_string(),
        Value::Share(number) | Value::Number(number) => format!("{number:?}"),
        Value::Span(span) => format!("\"{}\"", span_text(span)),
        Value::Choice(word) => format!("\"{word}\""),
        Value::File(file) => format!("{:?}", file.map_or("", |file| &file.path)),
    }
}
