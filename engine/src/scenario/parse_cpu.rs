//! `[cpu]`: what handlers cost in virtual time.

use anthill_protocol::Span;

use super::cost_table::CostTable;
use super::error::ScenarioError;
use super::excerpt::shorten;
use super::keys_conditions::COST;
use super::nearest::suggestion;
use super::plain;
use super::reader::Section;
use crate::conditions::CpuSpec;

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
    let scale = match model {
        "scaled" => {
            cpu.require("scale", "2.0");
            cpu.number("scale")
        }
        _ => Some(1.0),
    };
    let cores = cpu.count32("cores");
    let table = read_table(&mut cpu);
    // Of a table that could not be read there is a finding: then nothing comes of these.
    let costs = table.unwrap_or_else(CostTable::standard);
    let mut cost = |name, default| match cpu.has(name) {
        true => cpu.span(name),
        false => Some(default),
    };
    let (receive, send) = (cost("receive", costs.receive), cost("send", costs.send));
    let (timer, kib) = (cost("timer", costs.timer), cost("kib", costs.kib));
    let (sign, verify) = (cost("sign", costs.sign), cost("verify", costs.verify));
    let by_kind = read_kinds(&mut cpu, kinds);
    let valid = cpu.is_table();
    cpu.finish(&format!("with cpu.model = \"{model}\""));
    (valid && table.is_some()).then_some(Some(CpuSpec {
        cores: cores?,
        scale: scale?,
        receive: receive?,
        send: send?,
        timer: timer?,
        kib: kib?,
        sign: sign?,
        verify: verify?,
        kinds: by_kind?,
    }))
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

fn read_kinds(cpu: &mut Section<'_, '_>, known: Option<&[&str]>) -> Option<Vec<(String, Span)>> {
    if !cpu.has("kinds") {
        return Some(Vec::new());
    }
    let table = cpu.table("kinds")?;
    let mut kinds = Vec::with_capacity(table.len());
    for (name, entry) in table {
        let cost = match kind_problem(cpu, name, known) {
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
