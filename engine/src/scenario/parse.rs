//! The whole scenario, from a source and overrides.

use anthill_protocol::{Span, Time};

use super::document::{Document, Source, is_name_char};
use super::error::ScenarioError;
use super::findings::Findings;
use super::keys;
use super::nested;
use super::overrides::Override;
use super::parse_conditions::{Setting, assumed_bound, read_conditions};
use super::parse_declared::Declared;
use super::parse_network::read_network;
use super::protocol_info::ProtocolInfo;
use super::reader::Section;
use super::{CryptoSpec, EngineOptions, MeasureSpec, Scenario};
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
        let mut document = Document::read(source, overrides)?;
        nested::flatten(&mut document.root, protocols);
        let findings = Findings::new(&document);
        let scenario = read_scenario(&findings, protocols);
        findings.into_result()?;
        Ok(scenario.expect("a scenario without problems is complete"))
    }
}

/// `None` only beside a finding.
fn read_scenario(findings: &Findings<'_>, protocols: &[ProtocolInfo]) -> Option<Scenario> {
    let mut root = Section::root(findings, keys::ROOT);
    let name = read_name(&mut root, &findings.document().name);
    let seed = root.count("seed");
    root.require("nodes", "10_000");
    let nodes = root.count32("nodes");
    root.require("until", "\"60s\"");
    let until = root.span("until").map(|span| Time(span.0));
    let engine = EngineOptions::read(root.section("engine"), ());
    let declared = Declared::read(&mut root, protocols);
    let values = declared.as_ref().map(|declared| &declared.values);
    let network = read_network(root.section("network"), nodes.unwrap_or(1), values);
    let (network, links) = network.unzip();
    let setting = Setting {
        nodes,
        until,
        kinds: declared.as_ref().map(|declared| declared.info.kinds),
        // Of an unknown protocol nothing is claimed.
        can_equivocate: declared.as_ref().is_none_or(|declared| declared.info.can_equivocate),
        declared: declared.as_ref(),
        protocols,
        network: network.as_ref(),
    };
    let conditions = read_conditions(&mut root, links, &setting);
    let crypto = CryptoSpec::read(root.section("crypto"), nodes);
    let measure = read_measure(root.section("measure"), until);
    let extra_nodes =
        declared.as_ref().map_or(0, |declared| declared.check(&root, nodes.zip(seed)));
    root.finish("here");
    let Declared { info, values, .. } = declared?;
    let (network, (measure, bound)) = (network?, measure?);
    let assumed_bound = assumed_bound(bound, &network);
    Some(Scenario {
        name: name?,
        seed: seed?,
        nodes: nodes?,
        extra_nodes,
        until: until?,
        engine: engine?,
        protocol: info.name.to_owned(),
        values,
        network,
        conditions: ConditionsSpec { assumed_bound, ..conditions? },
        crypto: crypto?,
        measure,
        inputs: findings.inputs(),
    })
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

/// What to measure, and the bound on delays that is given.
fn read_measure(
    mut measure: Section<'_, '_>,
    until: Option<Time>,
) -> Option<(MeasureSpec, Option<Span>)> {
    let spec = MeasureSpec::read_keys(&mut measure, until);
    let bound = measure.span("bound");
    measure.finish("here");
    Some((spec?, bound))
}

/// Whether warm-up and rows suit the length of the run; else that is reported.
pub(super) fn suits_the_run(
    measure: &Section<'_, '_>,
    spec: &MeasureSpec,
    until: Option<Time>,
) -> bool {
    let Some(until) = until else { return true };
    let before = measure.problems();
    if spec.warmup.0 >= until.0 {
        measure.wrong("warmup", format!("must end before until = {until}"));
    }
    let least = Span(until.0.div_ceil(MOST_ROWS));
    if spec.interval.is_some_and(|interval| interval < least) {
        let problem = format!("would give more than {MOST_ROWS} rows: use at least {least}");
        measure.wrong("interval", problem);
    }
    measure.problems() == before
}
