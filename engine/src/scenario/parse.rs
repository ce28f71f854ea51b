//! The whole scenario, from a source and overrides.

use anthill_protocol::parameter::Values;
use anthill_protocol::{Span, Time};

use super::document::{Document, Source, is_name_char};
use super::error::ScenarioError;
use super::findings::Findings;
use super::keys::{self, Key, LATER_SECTIONS};
use super::nearest::suggestion;
use super::overrides::Override;
use super::parse_conditions::{Setting, assumed_bound, read_conditions};
use super::parse_crypto::read_crypto;
use super::parse_network::read_network;
use super::protocol_info::ProtocolInfo;
use super::reader::Section;
use super::{EngineOptions, MeasureSpec, Scenario};
use crate::conditions::ConditionsSpec;

/// More rows of `series.csv` than anyone reads; a run keeps them all in memory.
const MOST_ROWS: u64 = 1_000_000;

/// Reads a scenario from text alone, without overrides.
///
/// # Errors
/// See [`Scenario::load`].
pub fn parse_text(
    name: &str,
    text: &str,
    protocols: &[ProtocolInfo],
) -> Result<Scenario, ScenarioError> {
    let source = Source::Text { name: name.to_owned(), text: text.to_owned() };
    Scenario::load(&source, &[], protocols)
}

impl Scenario {
    /// Reads a scenario, merges the overrides into it (the last one wins) and checks it against
    /// the given protocols.
    ///
    /// # Errors
    /// If the source cannot be read or is not TOML; else with everything that is wrong, unknown or
    /// missing.
    pub fn load(
        source: &Source,
        overrides: &[Override],
        protocols: &[ProtocolInfo],
    ) -> Result<Self, ScenarioError> {
        let document = Document::read(source, overrides)?;
        let findings = Findings::new(&document);
        let scenario = read_scenario(&findings, protocols);
        findings.into_result()?;
        Ok(scenario.expect("a scenario without problems is complete"))
    }
}

/// `None` only beside a finding.
fn read_scenario(findings: &Findings<'_>, protocols: &[ProtocolInfo]) -> Option<Scenario> {
    let mut root = Section::root(findings, keys::ROOT);
    refuse_later_sections(&mut root);
    let name = read_name(&mut root, &findings.document().name);
    let seed = root.count("seed");
    root.require("nodes", "10_000");
    let nodes = root.count32("nodes");
    root.require("until", "\"60s\"");
    let until = root.span("until").map(|span| Time(span.0));
    let engine = read_engine(root.section("engine"));
    let protocol = read_protocol(root.section("protocol"), protocols);
    let values = protocol.as_ref().map(|(_, values)| values);
    let network = read_network(root.section("network"), nodes.unwrap_or(1), values);
    let (network, links) = network.unzip();
    let kinds = protocol.as_ref().map(|(info, _)| info.kinds);
    // Of an unknown protocol nothing is claimed.
    let can_equivocate = protocol.as_ref().is_none_or(|(info, _)| info.can_equivocate);
    let setting = Setting { nodes, until, kinds, can_equivocate, network: network.as_ref() };
    let conditions = read_conditions(&mut root, links, &setting);
    let crypto = read_crypto(root.section("crypto"), nodes);
    let measure = read_measure(root.section("measure"), until);
    root.finish("here");
    let (info, values) = protocol?;
    let (network, (measure, bound)) = (network?, measure?);
    let assumed_bound = assumed_bound(bound, &network);
    Some(Scenario {
        name: name?,
        seed: seed?,
        nodes: nodes?,
        until: until?,
        engine: engine?,
        protocol: info.name.to_owned(),
        values,
        network,
        conditions: ConditionsSpec { assumed_bound, ..conditions? },
        crypto: crypto?,
        measure,
    })
}

fn refuse_later_sections(root: &mut Section<'_, '_>) {
    for name in LATER_SECTIONS.iter().copied().filter(|name| root.has(name)) {
        root.wrong(
            name,
            "is not available in this version of anthill: remove the section (nothing in it \
             would be obeyed)",
        );
    }
    root.ignore(LATER_SECTIONS);
}

fn read_name(root: &mut Section<'_, '_>, default: &str) -> Option<String> {
    if !root.has("name") {
        return Some(default.to_owned());
    }
    let name = root.text("name")?;
    let is_safe = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_name_char)
        && name.len() <= 64;
    if !is_safe {
        root.wrong(
            "name",
            "names the folder of the results: start with a letter or digit and use at most 64 \
             letters, digits, `-`, `_` and `.`",
        );
        return None;
    }
    Some(name.to_owned())
}

fn read_engine(mut engine: Section<'_, '_>) -> Option<EngineOptions> {
    let default = EngineOptions::default();
    let options = EngineOptions {
        shards: engine.count32("shards"),
        threads: engine.count32("threads"),
        stealing: engine.flag("stealing").unwrap_or(default.stealing),
        huge_pages: engine.flag("huge_pages").unwrap_or(default.huge_pages),
        subshard_nodes: engine.count32("subshard_nodes"),
        memory_limit: engine.number("memory_limit").unwrap_or(default.memory_limit),
    };
    engine.finish("here");
    Some(options)
}

fn read_protocol(
    mut section: Section<'_, '_>,
    protocols: &[ProtocolInfo],
) -> Option<(ProtocolInfo, Values)> {
    let known: Vec<&str> = protocols.iter().map(|info| info.name).collect();
    if section.is_table() {
        section.require("name", &format!("\"{}\"", known.first().unwrap_or(&"phold")));
    }
    let name = section.text("name")?;
    let Some(info) = protocols.iter().find(|info| info.name == name) else {
        let hint = suggestion(name, &known);
        section.wrong("name", format!("unknown protocol; {hint}"));
        return None;
    };
    section.declare(info.parameters.iter().map(Key::parameter));
    let mut values = Values::defaults(info.parameters);
    let mut complete = true;
    for parameter in info.parameters {
        match section.plain(parameter.name) {
            Some(value) => values.set(parameter.name, value),
            None => complete = false,
        }
    }
    // Only complete values can contradict each other.
    if complete && let Err(error) = (info.check)(&values) {
        section.blame(error.name, &error.problem);
    }
    section.finish(&format!("with protocol.name = \"{name}\""));
    Some((*info, values))
}

/// What to measure, and the bound on delays that is given.
fn read_measure(
    mut measure: Section<'_, '_>,
    until: Option<Time>,
) -> Option<(MeasureSpec, Option<Span>)> {
    let warmup = measure.span("warmup");
    let interval = measure.span("interval");
    let bound = measure.span("bound");
    if let Some(until) = until {
        if warmup.is_some_and(|warmup| warmup.0 >= until.0) {
            measure.wrong("warmup", format!("must end before until = {until}"));
        }
        let least = Span(until.0.div_ceil(MOST_ROWS));
        if interval.is_some_and(|interval| interval < least) {
            measure.wrong(
                "interval",
                format!("would give more than {MOST_ROWS} rows: use at least {least}"),
            );
        }
    }
    measure.finish("here");
    Some((MeasureSpec { warmup: warmup?, interval }, bound))
}
