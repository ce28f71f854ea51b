//! `[network]` as a whole.
//!
//! One rule decides what wins: a key that excludes another (`model` and `preset`, `regions` and
//! `preset`) wins if it was given later, as an override. Within one text `model` replaces
//! `preset`, as the contract has it.

use anthill_protocol::Span;
use anthill_protocol::parameter::{Part, Values};

use super::declare::{Field, Section, Shape, Text, Value};
use super::parse_links::{Links, LinksSetting};
use crate::network::{ModelSpec, NetworkSpec, NodeFileSpec};

/// The floor of every delay unless the scenario or the model says otherwise: less than any two
/// distinct machines of one data centre need.
const MIN_DELAY: Span = Span::from_micros(250);

/// Parts of the exponential models when neither the network nor the protocol gives them.
const EXPONENTIAL: Span = Span::from_millis(1);

/// What the section is read with.
pub(crate) struct NetworkSetting<'a> {
    pub(crate) nodes: u32,
    /// The model's name; `None` if it could not be read.
    model: Option<&'static str>,
    pub(super) preset: Option<&'static str>,
    /// What the scenario gives, if anything.
    min_delay: Option<Span>,
    /// What was read of the protocol.
    protocol: Option<&'a Values>,
}

impl NetworkSetting<'_> {
    /// The length of time that the protocol declares under this name, else the default.
    pub(crate) fn of_protocol(&self, name: &str) -> Span {
        let values = self.protocol.into_iter().flat_map(|values| values.iter(Part::Protocol));
        let mut spans = values.filter_map(|(found, value)| match value {
            Value::Span(span) if found == name => Some(span),
            _ => None,
        });
        spans.next().unwrap_or(EXPONENTIAL)
    }

    /// The least delay of a model with a bound, which a default must not contradict.
    pub(crate) fn least_within(&self, delta: Option<Span>) -> Span {
        self.min_delay.or(delta.map(|delta| MIN_DELAY.min(delta))).unwrap_or(MIN_DELAY)
    }
}

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
    let min_delay = network.span("min_delay");
    let model = chosen.then_some(name);
    let setting = NetworkSetting { nodes, model, preset, min_delay, protocol };
    let spec = NetworkSpec::read_keys(&mut network, &setting);
    let has_node_file = network.has("node_file");
    let model = spec.as_ref().map(|spec| &spec.model);
    let sharing = network.choice("sharing");
    let links = Links::read_keys(&mut network, &LinksSetting { model, has_node_file });
    network.finish(&format!("with network.model = \"{name}\""));
    sharing?;
    Some((spec?, links?))
}

/// The model of the name; `None` only beside a finding.
pub(crate) fn delay_model(
    network: &mut Section<'_, '_>,
    setting: &NetworkSetting<'_>,
) -> Option<ModelSpec> {
    ModelSpec::read_as(network, setting.model?, setting)
}

/// Whether a model's parts leave room for each other; else that is reported.
pub(crate) fn is_consistent(
    network: &Section<'_, '_>,
    model: &ModelSpec,
    _: &NetworkSetting<'_>,
) -> bool {
    let before = network.problems();
    match *model {
        ModelSpec::Uniform { min, max } if min > max => {
            let problem = format!("min = {min} is above max = {max}");
            network.blame(if network.has("min") { "min" } else { "max" }, &problem);
        }
        ModelSpec::Exponential { floor, .. }
        | ModelSpec::Asynchronous { floor, .. }
        | ModelSpec::Partial { floor, .. }
            if floor == Span::ZERO =>
        {
            network.blame("floor", "must be positive, but protocol.lookahead is 0");
        }
        ModelSpec::Synchronous { min: least, delta } if least > delta => {
            network.wrong("delta", format!("is below the least delay, min = {least}"));
        }
        ModelSpec::Partial { floor: least, delta, .. } if least > delta => {
            network.wrong("delta", format!("is below the least delay, floor = {least}"));
        }
        _ => {}
    }
    network.problems() == before
}

/// The floor of every delay: what was given, which no model may undercut by its own least delay;
/// else the default, lowered to the model's least delay.
pub(crate) fn floor(
    network: &Section<'_, '_>,
    setting: &NetworkSetting<'_>,
    model: Option<&ModelSpec>,
) -> Option<Span> {
    let (key, least) = match model? {
        ModelSpec::Regional { .. } => return setting.min_delay.or(Some(MIN_DELAY)),
        ModelSpec::Uniform { min, .. } | ModelSpec::Synchronous { min, .. } => ("min", *min),
        ModelSpec::Exponential { floor, .. }
        | ModelSpec::Asynchronous { floor, .. }
        | ModelSpec::Partial { floor, .. } => ("floor", *floor),
    };
    match setting.min_delay {
        Some(given) if least < given => {
            let problem = format!(
                "is above the model's own least delay, {key} = {least}: lower min_delay or raise \
                 {key}"
            );
            network.wrong("min_delay", problem);
            None
        }
        Some(given) => Some(given),
        None if network.has("min_delay") => None,
        None => Some(MIN_DELAY.min(least)),
    }
}

impl Text for NodeFileSpec {
    fn text(&self, shape: Shape) -> Option<String> {
        self.path.text(shape)
    }
}

impl Field for NodeFileSpec {
    const SHAPE: Shape = Shape::Path;

    fn read(network: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        network.path(key).map(|path| Self { path })
    }
}
