//! Selections of nodes, which stand among the keys of faults and of the adversary.
//!
//! What a selection names has to exist as far as the text can tell; region names and the number of
//! nodes that are left are for the one who builds the network.

use super::declare::{FLAG, Field, Key, Section, quoted};
use super::document::Data;
use super::excerpt::shorten;
use super::nearest::suggestion;
use super::parse_classes::MOST_CLASSES;
use super::parse_regions::MOST_REGIONS;
use crate::conditions::{Role, SelectionSpec};

pub(crate) const ALL_NODES: Key =
    Key::new("all", FLAG, "`true`, alone: every node; not in `[adversary]`");

/// What the rest of the scenario says about the nodes; `None` where it could not be read.
pub(crate) struct Population<'a> {
    /// How many there are.
    pub(crate) nodes: Option<u32>,
    /// The names of the link classes.
    pub(super) classes: Option<Vec<&'a str>>,
    /// Whether there may be stakes: there is a node file.
    pub(super) stakes: Option<bool>,
    /// Who chooses the adversary's nodes.
    pub(crate) adversary: Option<Holder>,
}

/// Who chooses the nodes of an adversary.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Holder {
    /// There is no adversary.
    Nobody,
    /// The keys of `[adversary]`.
    Scenario,
    /// The protocol, which alone knows them.
    Protocol,
}

impl Population<'_> {
    /// The selection of every node.
    pub(super) fn everyone(&self) -> Option<SelectionSpec> {
        let nodes = vec![(0, self.nodes?.saturating_sub(1))];
        Some(SelectionSpec { nodes, ..SelectionSpec::default() })
    }
}

/// Reads the keys of a selection, of which at least one must be there, such as `example`.
pub(super) fn read_selection(
    section: &mut Section<'_, '_>,
    population: &Population<'_>,
    (example, value): (&'static str, &str),
) -> Option<SelectionSpec> {
    // An adversary's selection has neither `role` nor `all`.
    let given = |name: &str| section.declares(name) && section.has(name);
    let names = SelectionSpec::KEYS.iter().map(|key| key.name);
    let filters = names.filter(|name| *name != ALL_NODES.name && given(name)).count();
    if given("all") {
        let all = section.flag("all")?;
        let problem = match (all, filters) {
            (false, _) => "selects nothing: remove it and name the nodes",
            (true, 0) => return population.everyone(),
            (true, _) => "leaves no one out: remove it or the keys that name some of the nodes",
        };
        section.wrong("all", problem);
        return None;
    }
    if filters == 0 {
        section.require(example, value);
        return None;
    }
    let before = section.problems();
    let spec = SelectionSpec::read_keys(section, population);
    spec.filter(|_| section.problems() == before)
}

/// Distinct names in order, so that equal selections are equal data.
fn read_names(
    section: &mut Section<'_, '_>,
    name: &'static str,
    most: usize,
) -> Option<Vec<String>> {
    let mut names = section.names(name, name, most)?;
    names.sort_unstable();
    Some(names)
}

pub(crate) fn selected_regions(section: &mut Section<'_, '_>) -> Option<Vec<String>> {
    read_names(section, "regions", MOST_REGIONS)
}

/// Ranges of ids, sorted and joined.
pub(crate) fn selected_ids(
    section: &mut Section<'_, '_>,
    nodes: Option<u32>,
) -> Option<Vec<(u32, u32)>> {
    let items = section.list("nodes")?;
    if items.is_empty() {
        section.wrong("nodes", "names no node: give ids and ranges such as [0, \"10-20\"]");
        return None;
    }
    let mut ranges = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match read_range(&item.data, nodes.unwrap_or(u32::MAX)) {
            Ok(range) => ranges.push(range),
            Err(problem) => section.wrong_at("nodes", &[index], item, problem),
        }
    }
    ranges.sort_unstable();
    let mut joined: Vec<(u32, u32)> = Vec::new();
    for (from, to) in ranges {
        match joined.last_mut() {
            Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    Some(joined)
}

pub(crate) fn ids_text(ranges: &[(u32, u32)]) -> Option<String> {
    let range = |(from, to): &(u32, u32)| match from == to {
        true => from.to_string(),
        false => quoted(&format!("{from}-{to}")),
    };
    let ranges: Vec<String> = ranges.iter().map(range).collect();
    (!ranges.is_empty()).then(|| format!("[{}]", ranges.join(", ")))
}

fn read_range(data: &Data, nodes: u32) -> Result<(u32, u32), String> {
    let id = |id: i128| match u32::try_from(id) {
        Ok(id) if id < nodes => Ok(id),
        _ => Err(format!("there is no node {id}: ids are 0 to {}", nodes - 1)),
    };
    let (from, to) = match data {
        Data::Integer(number) => (*number, *number),
        Data::Text(text) => {
            let (from, to) = text.split_once('-').unwrap_or((text, text));
            let number = |part: &str| {
                let part = part.trim();
                let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
                digits.then(|| part.parse().unwrap_or(i128::MAX))
            };
            let problem = || format!("`{}` is no range such as \"10-20\"", shorten(text));
            (number(from).ok_or_else(problem)?, number(to).ok_or_else(problem)?)
        }
        other => {
            let found = other.kind();
            return Err(format!("expected an id or a range such as \"10-20\", found {found}"));
        }
    };
    if from > to {
        return Err(format!("runs backwards: write \"{to}-{from}\""));
    }
    Ok((id(from)?, id(to)?))
}

pub(crate) fn selected_role(
    section: &mut Section<'_, '_>,
    adversary: Option<Holder>,
) -> Option<Role> {
    if !section.declares("role") || !section.has("role") {
        return None;
    }
    let role = Role::read(section, "role")?;
    match adversary {
        Some(Holder::Nobody) if role == Role::Adversary => {
            section.wrong("role", "there is no adversary: add a section [adversary]");
        }
        Some(Holder::Protocol) => section.wrong(
            "role",
            "the nodes of a protocol's own adversary are known to the protocol alone: select by \
             other keys",
        ),
        _ => {}
    }
    Some(role)
}

pub(crate) fn selected_classes(
    section: &mut Section<'_, '_>,
    population: &Population<'_>,
) -> Option<Vec<String>> {
    let names = read_names(section, "classes", MOST_CLASSES)?;
    let Some(known) = &population.classes else { return Some(names) };
    let is_unknown = |name: &&String| !known.contains(&name.as_str());
    for name in names.iter().filter(is_unknown) {
        if known.is_empty() {
            section.wrong("classes", "there are none: add network.classes");
            break;
        }
        let hint = if section.is_full() { String::new() } else { suggestion(name, known) };
        let name = shorten(name);
        section.wrong("classes", format!("network.classes has no `{name}`; {hint}"));
    }
    Some(names)
}

pub(crate) fn selected_top(
    section: &mut Section<'_, '_>,
    population: &Population<'_>,
) -> Option<u32> {
    if !section.has("stake_top") {
        return None;
    }
    let top = section.count32("stake_top")?;
    if population.stakes == Some(false) {
        section.wrong("stake_top", "needs network.node_file with a column stake");
    }
    if let Some(nodes) = population.nodes.filter(|nodes| *nodes < top) {
        section.wrong("stake_top", format!("there are only {nodes} nodes"));
    }
    Some(top)
}

pub(crate) fn selected_fraction(section: &mut Section<'_, '_>, nodes: Option<u32>) -> Option<f64> {
    let fraction = section.number("fraction")?;
    if let Some(nodes) = nodes.filter(|nodes| fraction * f64::from(*nodes) < 0.5) {
        section.wrong("fraction", format!("of {nodes} nodes is none"));
    }
    Some(fraction)
}
