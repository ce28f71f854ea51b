//! `[network]` as a whole.
//!
//! One rule decides what wins: a key that excludes another (`model` and `preset`, `regions` and
//! `preset`) wins if it was given later, as an override. Within one text `model` replaces
//! `preset`, as the contract has it.

use anthill_protocol::Span;
use anthill_protocol::parameter::Values;

use super::parse_links::{Links, read_links};
use super::parse_model::read_model;
use super::reader::Section;
use crate::network::{ModelSpec, NetworkSpec, NodeFileSpec, SpreadSpec};
use crate::topology::TopologySpec;

/// The floor of every delay unless the scenario or the model says otherwise: less than any two
/// distinct machines of one data centre need.
pub(super) const MIN_DELAY: Span = Span::from_micros(250);

/// Reads the section; `None` only beside a finding.
pub(super) fn read_network(
    mut network: Section<'_, '_>,
    nodes: u32,
    protocol: Option<&Values>,
) -> Option<(NetworkSpec, Links)> {
    let preset = network.choice("preset");
    let named = network.choice("model");
    // A model that could not be read says nothing about the other keys.
    let chosen = !network.has("model") || named.is_some();
    let by_preset = network.is_later("model", "preset") == Some(true);
    let name = if by_preset { "regional" } else { named.unwrap_or("regional") };
    let given_min_delay = network.span("min_delay");
    let model = match chosen {
        true => read_model(&mut network, name, preset, given_min_delay, protocol),
        false => None,
    };
    let loopback = network.span("loopback");
    let topology = TopologySpec::read(network.section("topology"), nodes);
    let min_delay = model.as_ref().and_then(|m| check_floor(&network, m, given_min_delay));
    let node_file = network.path("node_file").map(|path| NodeFileSpec { path });
    let has_node_file = network.has("node_file");
    let spread = read_spread(&mut network);
    let links = read_links(&mut network, model.as_ref(), has_node_file);
    network.finish(&format!("with network.model = \"{name}\""));
    if has_node_file && node_file.is_none() {
        return None;
    }
    let spec = NetworkSpec {
        model: model?,
        min_delay: min_delay?,
        loopback: loopback?,
        topology: topology?,
        node_file,
        spread: spread?,
    };
    Some((spec, links?))
}

fn read_spread(network: &mut Section<'_, '_>) -> Option<SpreadSpec> {
    let mut sigma = |name| if network.has(name) { network.number(name) } else { Some(0.0) };
    let (pairs, nodes) = (sigma("pair_spread"), sigma("node_spread"));
    Some(SpreadSpec { pairs: pairs?, nodes: nodes? })
}

/// The floor of every delay: what was given, which no model may undercut by its own least delay;
/// else the default, lowered to the model's least delay.
fn check_floor(network: &Section<'_, '_>, model: &ModelSpec, given: Option<Span>) -> Option<Span> {
    let (key, least) = match model {
        ModelSpec::Regional { .. } => return given.or(Some(MIN_DELAY)),
        ModelSpec::Uniform { min, .. } | ModelSpec::Synchronous { min, .. } => ("min", *min),
        ModelSpec::Exponential { floor, .. }
        | ModelSpec::Asynchronous { floor, .. }
        | ModelSpec::Partial { floor, .. } => ("floor", *floor),
    };
    if let Some(given) = given {
        if least < given {
            let problem = format!(
                "is above the model's own least delay, {key} = {least}: lower min_delay or raise \
                 {key}"
            );
            network.wrong("min_delay", problem);
            return None;
        }
    } else if network.has("min_delay") {
        return None;
    }
    Some(given.unwrap_or(MIN_DELAY.min(least)))
}
