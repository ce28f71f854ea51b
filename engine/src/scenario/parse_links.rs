//! The part of `[network]` that decides what links do to messages.

use super::parse_bandwidth::read_bandwidth;
use super::parse_classes::read_classes;
use super::reader::Section;
use crate::conditions::{BandwidthSpec, ClassSpec, ImpairmentSpec, RatesSpec, Transport};
use crate::network::ModelSpec;

/// What links do to messages.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) bandwidth: Option<BandwidthSpec>,
    pub(super) impairments: ImpairmentSpec,
    pub(super) classes: Vec<ClassSpec>,
    pub(super) transport: Transport,
}

impl Links {
    /// Whether any node has a rate.
    pub(super) fn have_rates(&self) -> bool {
        let infinite = RatesSpec::Fixed { up: None, down: None };
        self.bandwidth.as_ref().is_some_and(|bandwidth| bandwidth.rates != infinite)
            || self.classes.iter().any(|class| class.up.is_some() || class.down.is_some())
    }
}

/// Reads the keys; `None` only beside a finding.
pub(super) fn read_links(
    network: &mut Section<'_, '_>,
    model: Option<&ModelSpec>,
    has_node_file: bool,
) -> Option<Links> {
    let transport = network.choice("transport").map(|word| match word {
        "connection" => Transport::Connection,
        _ => Transport::Datagram,
    });
    // There is one way of sharing; the key says so and keeps scenarios valid once there are more.
    let sharing = network.choice("sharing");
    let impairments = read_impairments(network, &ImpairmentSpec::default());
    let classes = read_classes(network);
    let bandwidth = read_bandwidth(network, model, has_node_file, classes.as_deref());
    sharing?;
    Some(Links {
        bandwidth: bandwidth?,
        impairments: impairments?,
        classes: classes?,
        transport: transport?,
    })
}

/// Reads the shares of messages that are impaired; what is not given is as in `default`.
pub(super) fn read_impairments(
    section: &mut Section<'_, '_>,
    default: &ImpairmentSpec,
) -> Option<ImpairmentSpec> {
    let mut share = |name, default| match section.has(name) {
        true => section.share(name),
        false => Some(default),
    };
    let loss = share("loss", default.loss);
    let duplication = share("duplication", default.duplication);
    let corruption = share("corruption", default.corruption);
    let reordering = share("reordering", default.reordering);
    let given = section.has("reordering_delay");
    if reordering.is_some_and(|share| share > 0.0) && default.reordering == 0.0 {
        section.require("reordering_delay", "\"50ms\"");
    }
    let reordering_delay = match given {
        true => section.span("reordering_delay")?,
        false => default.reordering_delay,
    };
    if given && !section.has("reordering") && default.reordering == 0.0 {
        section.wrong("reordering_delay", "delays nothing without reordering: give its share too");
        return None;
    }
    let reordering = reordering?;
    Some(ImpairmentSpec {
        loss: loss?,
        duplication: duplication?,
        corruption: corruption?,
        reordering,
        reordering_delay: if reordering > 0.0 { reordering_delay } else { Default::default() },
    })
}
