//! The part of `[network]` that decides what links do to messages.

use anthill_engine_derive::Keys;
use anthill_protocol::Span;

use super::declare::{Key, Section, Value, choice};
use super::parse_bandwidth::read_bandwidth;
use super::parse_classes::{CLASSES, classes_text, read_classes};
use super::resolved::span;
use crate::conditions::{
    BandwidthSpec, ClassSpec, ConditionsSpec, ImpairmentSpec, RatesSpec, Transport,
};
use crate::network::ModelSpec;

/// What links do to messages.
#[derive(Debug, Default, Keys)]
#[keys(context = &LinksSetting<'_>, also = [SHARING])]
pub(crate) struct Links {
    /// What carries messages.
    #[key(default = Transport::Datagram)]
    pub(super) transport: Transport,
    /// What happens to messages on every link.
    #[key(flatten, with = &ImpairmentSpec::default())]
    pub(super) impairments: ImpairmentSpec,
    /// Rates of up- and downlinks; without it they are infinite.
    #[key(
        shape = Shape::Kinded { keys: BandwidthSpec::KEYS, needs_kind: false },
        read = read_bandwidth(section, context, classes.as_deref()), last
    )]
    pub(super) bandwidth: Option<BandwidthSpec>,
    /// Kinds of access links: a preset's name and its share of the nodes, or a table.
    #[key(shape = CLASSES, read = read_classes(section), write = classes_text)]
    pub(super) classes: Vec<ClassSpec>,
}

/// What links are checked against; `None` where it could not be read.
pub(crate) struct LinksSetting<'a> {
    pub(super) model: Option<&'a ModelSpec>,
    pub(super) has_node_file: bool,
}

/// There is one way of sharing; the key says so and keeps scenarios valid once there are more.
const SHARING: Key =
    Key::new("sharing", choice(&["fifo"]), "how messages share a link: one after the other")
        .or(Value::Choice("fifo"));

impl Links {
    /// Those of a scenario.
    pub(super) fn of(conditions: &ConditionsSpec) -> Self {
        Self {
            transport: conditions.transport,
            impairments: conditions.impairments.clone(),
            bandwidth: conditions.bandwidth.clone(),
            classes: conditions.classes.clone(),
        }
    }

    /// Whether any node has a rate.
    pub(super) fn have_rates(&self) -> bool {
        let infinite = RatesSpec::Fixed { up: None, down: None };
        self.bandwidth.as_ref().is_some_and(|bandwidth| bandwidth.rates != infinite)
            || self.classes.iter().any(|class| class.up.is_some() || class.down.is_some())
    }
}

/// The longest time that messages are held back, if any are.
pub(crate) fn reordering_delay(
    section: &mut Section<'_, '_>,
    default: &ImpairmentSpec,
    reordering: Option<f64>,
) -> Option<Span> {
    let given = section.has("reordering_delay");
    if reordering.is_some_and(|share| share > 0.0) && default.reordering == 0.0 {
        section.require("reordering_delay", "\"50ms\"");
    }
    let delay = match given {
        true => section.span("reordering_delay")?,
        false => default.reordering_delay,
    };
    if given && !section.has("reordering") && default.reordering == 0.0 {
        section.wrong("reordering_delay", "delays nothing without reordering: give its share too");
        return None;
    }
    Some(if reordering? > 0.0 { delay } else { Span::ZERO })
}

/// Unless it is 0: nothing is held back.
pub(crate) fn delay_text(delay: &Span) -> Option<String> {
    (*delay > Span::ZERO).then(|| span(*delay))
}
