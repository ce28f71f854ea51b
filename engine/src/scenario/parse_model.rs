//! The delay models of `[network]` and their defaults.

use anthill_protocol::parameter::{Part, Value, Values};
use anthill_protocol::{Span, Time};

use super::parse_network::MIN_DELAY;
use super::parse_regions::{read_regions, read_shares};
use super::reader::Section;
use crate::network::{JitterSpec, ModelSpec, RegionsSpec};

/// Parts of the exponential models when neither the network nor the protocol gives them.
const EXPONENTIAL: Span = Span::from_millis(1);

/// Reads the keys of a model; `min_delay`: what the scenario gives, if anything.
pub(super) fn read_model(
    network: &mut Section<'_, '_>,
    name: &str,
    preset: Option<&'static str>,
    min_delay: Option<Span>,
    protocol: Option<&Values>,
) -> Option<ModelSpec> {
    match name {
        "uniform" => read_uniform(network),
        "exponential" => read_exponential(network, protocol)
            .map(|(floor, mean)| ModelSpec::Exponential { floor, mean }),
        "synchronous" => read_synchronous(network, min_delay),
        "asynchronous" => read_exponential(network, protocol)
            .map(|(floor, mean)| ModelSpec::Asynchronous { floor, mean }),
        "partial" => read_partial(network, protocol),
        _ => read_regional(network, preset),
    }
}

fn read_uniform(network: &mut Section<'_, '_>) -> Option<ModelSpec> {
    let min = span_or(network, "min", Span::from_millis(10));
    let (min, max) = (min?, network.span("max")?);
    if min > max {
        let problem = format!("min = {min} is above max = {max}");
        network.blame(if network.has("min") { "min" } else { "max" }, &problem);
        return None;
    }
    Some(ModelSpec::Uniform { min, max })
}

/// Floor and mean of an exponential delay.
fn read_exponential(
    network: &mut Section<'_, '_>,
    protocol: Option<&Values>,
) -> Option<(Span, Span)> {
    let of_protocol = |name| protocol_span(protocol, name).unwrap_or(EXPONENTIAL);
    let floor = span_or(network, "floor", of_protocol("lookahead"));
    let mean = span_or(network, "mean", of_protocol("mean_delay"));
    let (floor, mean) = (floor?, mean?);
    if floor == Span::ZERO {
        network.blame("floor", "must be positive, but protocol.lookahead is 0");
        return None;
    }
    Some((floor, mean))
}

fn read_synchronous(network: &mut Section<'_, '_>, min_delay: Option<Span>) -> Option<ModelSpec> {
    network.require("delta", "\"1s\"");
    let delta = network.span("delta");
    // A default must not contradict a Δ below it.
    let default = min_delay.or(delta.map(|delta| MIN_DELAY.min(delta))).unwrap_or(MIN_DELAY);
    let min = span_or(network, "min", default);
    let (min, delta) = (min?, delta?);
    is_bound(network, "min", min, delta).then_some(ModelSpec::Synchronous { min, delta })
}

fn read_partial(network: &mut Section<'_, '_>, protocol: Option<&Values>) -> Option<ModelSpec> {
    network.require("delta", "\"1s\"");
    network.require("gst", "\"10s\"");
    let (delta, gst) = (network.span("delta"), network.span("gst"));
    let (floor, mean) = read_exponential(network, protocol)?;
    let (delta, gst) = (delta?, Time(gst?.0));
    is_bound(network, "floor", floor, delta).then_some(ModelSpec::Partial {
        floor,
        mean,
        gst,
        delta,
    })
}

/// Whether Δ leaves room for the least delay; else that is reported.
fn is_bound(network: &Section<'_, '_>, key: &str, least: Span, delta: Span) -> bool {
    if least > delta {
        network.wrong("delta", format!("is below the least delay, {key} = {least}"));
    }
    least <= delta
}

/// A length of time, or its default if it is not given.
fn span_or(network: &mut Section<'_, '_>, name: &'static str, default: Span) -> Option<Span> {
    match network.has(name) {
        true => network.span(name),
        false => Some(default),
    }
}

/// A length of time that the protocol declares under this name.
fn protocol_span(protocol: Option<&Values>, name: &str) -> Option<Span> {
    protocol?.iter(Part::Protocol).find_map(|(found, value)| match value {
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
    let jitter = JitterSpec::read(network.section("jitter"), ());
    Some(ModelSpec::Regional { regions: regions?, shares, jitter: jitter? })
}
