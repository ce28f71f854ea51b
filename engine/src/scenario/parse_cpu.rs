//! `[cpu]`: what handlers cost in virtual time.

use anthill_protocol::Span;

use super::cost_table::CostTable;
use super::declare::{COST, Key, Section, Shape, choice};
use super::error::ScenarioError;
use super::excerpt::shorten;
use super::nearest::suggestion;
use super::plain;
use crate::conditions::CpuSpec;

/// What the section is read with.
pub(crate) struct CpuSetting<'a> {
    model: &'static str,
    /// What costs are unless they are given.
    pub(crate) costs: CostTable,
    /// The protocol's kinds of messages, if it is known.
    kinds: Option<&'a [&'a str]>,
}

pub(crate) const CPU_MODEL: Key = Key::new(
    "model",
    choice(&["table", "scaled", "off"]),
    "the costs as they are, or all of them times `scale`; `scaled` if `scale` is given, else `table`",
)
.words(&["the costs as they are", "all costs times `scale`", "as without the section"]);

pub(crate) const CPU_TABLE: Key = Key::new(
    "table",
    Shape::Text,
    "where costs come from unless they are given: a table that ships (`amd-epyc-2026`, the default), or \
     the path of a file that ends in `.toml`, as `anthill calibrate --out` writes it",
);

/// Reads the section; the outer `None` only beside a finding, the inner one if handlers are free.
/// `kinds`: the protocol's kinds of messages, if it is known.
pub(super) fn read_cpu(
    mut cpu: Section<'_, '_>,
    kinds: Option<&[&str]>,
) -> Option<Option<CpuSpec>> {
    if cpu.is_absent() {
        return Some(None);
    }
    let model = match (cpu.has("model"), cpu.has("scale")) {
        (true, _) => cpu.choice("model")?,
        (false, true) => "scaled",
        (false, false) => "table",
    };
    if model == "off" {
        cpu.finish_switched_off();
        return Some(None);
    }
    let table = read_table(&mut cpu);
    // Of a table that could not be read there is a finding: then nothing comes of these.
    let costs = table.unwrap_or_else(CostTable::standard);
    let spec = CpuSpec::read_keys(&mut cpu, &CpuSetting { model, costs, kinds });
    let valid = cpu.is_table() && table.is_some();
    cpu.finish(&format!("with cpu.model = \"{model}\""));
    spec.filter(|_| valid).map(Some)
}

pub(crate) fn cpu_scale(cpu: &mut Section<'_, '_>, setting: &CpuSetting<'_>) -> Option<f64> {
    if setting.model != "scaled" {
        return Some(1.0);
    }
    cpu.require("scale", "2.0");
    cpu.number("scale")
}

/// The table that the section names, else the one with the defaults; `None` only beside a finding.
fn read_table(cpu: &mut Section<'_, '_>) -> Option<CostTable> {
    if !cpu.has("table") {
        return Some(CostTable::standard());
    }
    let name = cpu.text("table")?;
    if !CostTable::is_path(name) {
        let table = CostTable::shipped(name);
        if table.is_none() {
            let hint = suggestion(&shorten(name), &CostTable::names());
            let file = "a file is named by a path that ends in .toml";
            cpu.wrong("table", format!("no cost table of that name ships; {hint}; {file}"));
        }
        return table;
    }
    let path = cpu.path("table")?;
    let how = "give the path of a cost table, such as `anthill calibrate --out` writes";
    match CostTable::load(&path) {
        Ok(table) => return Some(table),
        Err(ScenarioError::Invalid(problems)) => {
            problems.list.iter().for_each(|problem| cpu.wrong("table", problem));
        }
        Err(ScenarioError::Unreadable { path, problem }) => {
            cpu.wrong("table", format!("{}: cannot be read: {problem}: {how}", path.display()));
        }
        Err(ScenarioError::NotAFile { path }) => {
            cpu.wrong("table", format!("{}: is not a regular file: {how}", path.display()));
        }
        Err(ScenarioError::TooLarge { name, .. }) => {
            cpu.wrong("table", format!("{name}: is too large to be a cost table: {how}"));
        }
        Err(other) => cpu.wrong("table", other),
    }
    None
}

pub(crate) fn cpu_kinds(
    cpu: &mut Section<'_, '_>,
    setting: &CpuSetting<'_>,
) -> Option<Vec<(String, Span)>> {
    if !cpu.has("kinds") {
        return Some(Vec::new());
    }
    let table = cpu.table("kinds")?;
    let mut kinds = Vec::with_capacity(table.len());
    for (name, entry) in table {
        let cost = match kind_problem(cpu, name, setting.kinds) {
            Some(problem) => Err(problem),
            None => plain::span_within(&COST, &entry.item.data),
        };
        match cost {
            Ok(cost) => kinds.push((name.clone(), cost)),
            Err(problem) => cpu.wrong_inside("kinds", name, &entry.item, problem),
        }
    }
    (kinds.len() == table.len()).then_some(kinds)
}

/// What is wrong with the name of a kind of messages, if anything.
pub(super) fn kind_problem(
    section: &Section<'_, '_>,
    name: &str,
    known: Option<&[&str]>,
) -> Option<String> {
    let known = known?;
    if known.contains(&name) {
        return None;
    }
    let name = shorten(name);
    let hint = if section.is_full() { String::new() } else { suggestion(&name, known) };
    Some(format!("the protocol has no messages of kind `{name}`; {hint}"))
}
