//! Keys of `[network]` that decide what links do to messages: rates, classes, impairments.

use anthill_protocol::parameter::Value;

use super::keys::{DELAY, DELAY_OR_ZERO, Key, SHARE, Shape, choice};
use crate::network::JitterSpec;

pub(crate) const TRANSPORT: Key = Key::new(
    "transport",
    choice(&["datagram", "connection"]),
    "datagram: messages overtake each other, and those that come while a node is down are lost; \
     connection: they arrive in the order sent, and a crash loses all that were under way",
)
.or(Value::Choice("datagram"));
pub(crate) const SHARING: Key =
    Key::new("sharing", choice(&["fifo"]), "how messages share a link: one after the other")
        .or(Value::Choice("fifo"));

pub(crate) const LOSS: Key =
    Key::new("loss", SHARE, "share of messages lost").or(Value::Share(0.0));
pub(crate) const DUPLICATION: Key =
    Key::new("duplication", SHARE, "share of messages delivered twice").or(Value::Share(0.0));
pub(crate) const CORRUPTION: Key =
    Key::new("corruption", SHARE, "share of messages with one bit flipped").or(Value::Share(0.0));
pub(crate) const REORDERING: Key =
    Key::new("reordering", SHARE, "share of messages held back by up to reordering_delay")
        .or(Value::Share(0.0));
pub(crate) const REORDERING_DELAY: Key =
    Key::new("reordering_delay", DELAY, "longest time that reordering holds a message back");

/// A rate, or quantiles of rates.
const RATE_OR_QUANTILES: Shape = Shape::Either(&Shape::Rate, &Shape::Quantiles);

pub(crate) const BANDWIDTH: &[Key] = &[
    Key::new(
        "kind",
        choice(&["fixed", "preset", "gervais-2016", "percentiles", "regions", "node-file", "off"]),
        "where a node's rates come from; fixed if only up and down are given",
    ),
    Key::new("up", RATE_OR_QUANTILES, "fixed: rate of every uplink; percentiles: quantiles"),
    Key::new("down", RATE_OR_QUANTILES, "fixed: rate of every downlink; percentiles: quantiles"),
    Key::new("rates", Shape::Named(&Shape::Table(RATES)), "regions: rates by name of the region"),
    Key::new("cap", Shape::Rate, "greatest rate of a transfer between different regions"),
    Key::new("queue", Shape::Size, "bytes that may wait for a link; what exceeds them is dropped"),
];

pub(crate) const RATES: &[Key] = &[
    Key::new("up", Shape::Rate, "rate of the uplinks"),
    Key::new("down", Shape::Rate, "rate of the downlinks"),
];

pub(crate) const CLASS: &[Key] = &[
    Key::new("share", SHARE, "share of the nodes that have such a link"),
    Key::new(
        "preset",
        choice(&["home", "laggy", "constrained", "bad", "none"]),
        "what the other keys default to; by default the preset of the class's own name, if any",
    ),
    Key::new("up", Shape::Rate, "rate of the uplink, in place of the one that bandwidth gives"),
    Key::new("down", Shape::Rate, "rate of the downlink, likewise"),
    Key::new("latency", DELAY_OR_ZERO, "median of what the link adds to every message's delay"),
    Key::new(
        "sigma",
        Shape::Number { least: 0.0, open: false, most: 4.0 },
        "σ of the logarithm of that latency; 0 is constant",
    ),
    Key::new(
        "jitter",
        JitterSpec::TABLE,
        "how that latency varies in place of lognormally with sigma",
    ),
    // Without defaults: the preset's apply.
    Key::new("loss", SHARE, "share of messages lost"),
    Key::new("duplication", SHARE, "share of messages delivered twice"),
    Key::new("corruption", SHARE, "share of messages with one bit flipped"),
    Key::new("reordering", SHARE, "share of messages held back by up to reordering_delay"),
    REORDERING_DELAY,
];
