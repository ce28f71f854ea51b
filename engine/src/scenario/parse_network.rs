//! `[network]`: the delay model and its defaults.
//!
//! One rule decides what wins: a key that excludes another (`model` and `preset`, `regions` and
//! `preset`) wins if it was given later, as an override. Within one text `model` replaces
//! `preset`, as the contract has it.

use anthill_protocol::Span;
use anthill_protocol::parameter::{Value, Values};

use super::parse_regions::{read_regions, read_shares};
use super::parse_topology::read_topology;
use super::reader::Section;
use crate::network::{JitterSpec, ModelSpec, NetworkSpec, RegionsSpec};

/// The floor of every delay unless the scenario or the model says otherwise: less than any two
/// distinct machines of one data centre need.
const MIN_DELAY: Span = Span::from_micros(250);

/// Parts of the exponential model when neither the network nor the protocol gives them.
const EXPONENTIAL: Span = Span::from_millis(1);

/// Reads the section; `None` only beside a finding.
pub(super) fn read_network(
    mut network: Section<'_, '_>,
    nodes: u32,
    protocol: Option<&Values>,
) -> Option<NetworkSpec> {
    let preset = network.choice("preset");
    let named = network.choice("model");
    // A model that could not be read says nothing about the other keys.
    let chosen = !network.has("model") || named.is_some();
    let by_preset = network.is_later("model", "preset") == Some(true);
    let name = if by_preset { "regional" } else { named.unwrap_or("regional") };
    let given_min_delay = network.span("min_delay");
    let model = if chosen {
        match name {
            "uniform" => read_uniform(&mut network),
            "exponential" => read_exponential(&mut network, protocol),
            _ => read_regional(&mut network, preset),
        }
    } else {
        None
    };
    let loopback = network.span("loopback");
    let topology = read_topology(network.section("topology"), nodes);
    let min_delay = model.as_ref().and_then(|m| check_floor(&network, m, given_min_delay));
    network.finish(&format!("with network.model = \"{name}\""));
    Some(NetworkSpec {
        model: model?,
        min_delay: min_delay?,
        loopback: loopback?,
        topology: topology?,
        node_file: None,
    })
}

fn read_uniform(network: &mut Section<'_, '_>) -> Option<ModelSpec> {
    let (min, max) = (network.span("min")?, network.span("max")?);
    if min > max {
        let problem = format!("min = {min} is above max = {max}");
        network.blame(if network.has("min") { "min" } else { "max" }, &problem);
        return None;
    }
    Some(ModelSpec::Uniform { min, max })
}

fn read_exponential(network: &mut Section<'_, '_>, protocol: Option<&Values>) -> Option<ModelSpec> {
    let floor = match network.has("floor") {
        true => network.span("floor")?,
        false => protocol_span(protocol, "lookahead").unwrap_or(EXPONENTIAL),
    };
    let mean = match network.has("mean") {
        true => network.span("mean")?,
        false => protocol_span(protocol, "mean_delay").unwrap_or(EXPONENTIAL),
    };
    if floor == Span::ZERO {
        network.blame("floor", "must be positive, but protocol.lookahead is 0");
        return None;
    }
    Some(ModelSpec::Exponential { floor, mean })
}

/// A length of time that the protocol declares under this name.
fn protocol_span(protocol: Option<&Values>, name: &str) -> Option<Span> {
    protocol?.iter().find_map(|(found, value)| match value {
        Value::Span(span) if found == name => Some(span),
        _ => None,
    })
}

fn read_regional(network: &mut Section<'_, '_>, preset: Option<&'static str>) -> Option<ModelSpec> {
    let own_table = network.has("regions") && network.is_later("regions", "preset") != Some(true);
    if own_table && network.has("preset") && network.is_later("preset", "regions").is_none() {
        network.wrong("preset", "contradicts network.regions: give one of them");
    }
    let regions = match own_table {
        true => read_regions(network.section("regions")),
        false if network.has("regions") => {
            let _ = network.find("regions"); // replaced by the later preset
            preset.map(|name| RegionsSpec::Preset(name.to_owned()))
        }
        false if network.has("preset") => preset.map(|name| RegionsSpec::Preset(name.to_owned())),
        false => Some(RegionsSpec::Preset("aws-p50".to_owned())),
    };
    let shares = match network.has("shares") {
        true => Some(read_shares(network, regions.as_ref())?),
        false => None,
    };
    let jitter = read_jitter(network);
    Some(ModelSpec::Regional { regions: regions?, shares, jitter: jitter? })
}

fn read_jitter(network: &mut Section<'_, '_>) -> Option<JitterSpec> {
    if !network.has("jitter") {
        return Some(JitterSpec::Fitted);
    }
    let mut jitter = network.section("jitter");
    if !jitter.is_table() {
        return None;
    }
    jitter.require("kind", "\"fitted\"");
    let kind = jitter.choice("kind");
    let spec = match kind? {
        "lognormal" => {
            jitter.require("sigma", "0.3");
            jitter.number("sigma").map(|sigma| JitterSpec::Lognormal { sigma })
        }
        _ => Some(JitterSpec::Fitted),
    };
    jitter.finish(&format!("with kind = \"{}\"", kind?));
    spec
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
