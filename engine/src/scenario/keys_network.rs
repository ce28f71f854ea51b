//! Keys of `[network]` that decide delays and neighbours.

use anthill_protocol::Span;
use anthill_protocol::parameter::Value;

use crate::network::JitterSpec;
use crate::topology::TopologySpec;

use super::keys::{ANY_SPAN, Key, POSITIVE_SPAN, SHARE, Shape, choice};
use super::keys_links::{
    BANDWIDTH, CLASS, CORRUPTION, DUPLICATION, LOSS, REORDERING, REORDERING_DELAY, SHARING,
    TRANSPORT,
};

/// Tables of regions that ship with the engine.
pub(crate) const REGION_PRESETS: &[&str] = &["aws-p50", "bitcoin-2019"];

pub(crate) const NETWORK: &[Key] = &[
    Key::new("preset", choice(REGION_PRESETS), "table of regions; aws-p50 by default")
        .later(&["ethereum-2022", "solana-2025"]),
    Key::new(
        "model",
        choice(&["regional", "uniform", "exponential", "synchronous", "asynchronous", "partial"]),
        "delay model; replaces the preset by the model's own defaults",
    ),
    Key::new(
        "min_delay",
        POSITIVE_SPAN,
        "floor of every delay between distinct nodes; 250us by default, or the model's own least \
         delay if that is lower",
    ),
    Key::new("loopback", POSITIVE_SPAN, "delay of a message that a node sends itself")
        .or(Value::Span(Span::from_micros(20))),
    Key::new(
        "min",
        POSITIVE_SPAN,
        "uniform, synchronous: the least delay; 10ms and min_delay by default",
    ),
    Key::new("max", POSITIVE_SPAN, "uniform: the greatest delay")
        .or(Value::Span(Span::from_millis(100))),
    Key::new(
        "floor",
        POSITIVE_SPAN,
        "exponential, asynchronous, partial: the least delay; by default protocol.lookahead if there is one, else 1ms",
    ),
    Key::new(
        "mean",
        ANY_SPAN,
        "exponential, asynchronous, partial: mean of what is added to the floor; by default \
         protocol.mean_delay if there is one, else 1ms",
    ),
    Key::new("delta", POSITIVE_SPAN, "synchronous, partial: Δ, the bound on delays"),
    Key::new("gst", ANY_SPAN, "partial: the global stabilisation time, from which Δ holds"),
    Key::new("regions", Shape::Table(REGIONS), "regional: a table of your own, here or in a file"),
    Key::new("shares", Shape::Shares, "regional: share of the nodes per region"),
    Key::new("jitter", JitterSpec::TABLE, "regional: variation of the delay; fitted by default"),
    Key::new(
        "pair_spread",
        SPREAD,
        "σ of the logarithm of a factor that every pair of nodes has for good, on what a delay has \
         above min_delay",
    )
    .or(Value::Number(0.0)),
    Key::new(
        "node_spread",
        SPREAD,
        "likewise of a factor that every node has: on all delays from and to it, and on what its \
         access link adds",
    )
    .or(Value::Number(0.0)),
    Key::new("topology", TopologySpec::TABLE, "who is whose neighbour; complete by default"),
    Key::new("node_file", Shape::Path, "CSV with regions, stakes and rates of single nodes"),
    TRANSPORT,
    SHARING,
    LOSS,
    DUPLICATION,
    CORRUPTION,
    REORDERING,
    REORDERING_DELAY,
    Key::new(
        "bandwidth",
        Shape::Kinded { keys: BANDWIDTH, needs_kind: false },
        "rates of up- and downlinks; without it they are infinite",
    ),
    Key::new(
        "classes",
        Shape::Named(&Shape::Either(&SHARE, &Shape::Table(CLASS))),
        "kinds of access links: a preset's name and its share of the nodes, or a table",
    ),
];

const SPREAD: Shape = Shape::Number { least: 0.0, open: false, most: 1.0 };
const LATENCY: Shape = choice(&["rtt", "one-way"]);

pub(crate) const REGIONS: &[Key] = &[
    Key::new("latency", LATENCY, "what the figures are: round trips or one-way delays"),
    Key::new("file", Shape::Path, "a file with the table"),
    Key::new(
        "format",
        choice(&["aws-json", "matrix", "ripe-country", "city-pairs"]),
        "the file's format",
    ),
    Key::new("p90_file", Shape::Path, "a second aws-json file with the 90th percentiles"),
    Key::new("names", Shape::Names, "names of the regions of an inline table"),
    Key::new("p50_ms", Shape::Matrix, "medians in ms, 0 to 1,000,000, a row per sender"),
    Key::new("p90_ms", Shape::Matrix, "90th percentiles in ms, a row per sender"),
];
