//! Keys of `[network]` that decide delays and neighbours.

use anthill_protocol::Span;
use anthill_protocol::parameter::Value;

use crate::network::{MAX_SIGMA, MIN_SIGMA};

use super::keys::{ANY_SPAN, FLAG, Key, POSITIVE_SPAN, SHARE, Shape, choice, count, kinded};
use super::keys_links::{
    BANDWIDTH, CLASS, CORRUPTION, DUPLICATION, LOSS, REORDERING, REORDERING_DELAY, SHARING,
    TRANSPORT,
};

/// Tables of regions that ship with the engine.
pub(super) const REGION_PRESETS: &[&str] = &["aws-p50", "bitcoin-2019"];

pub(super) const NETWORK: &[Key] = &[
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
    Key::new("jitter", kinded(JITTER), "regional: variation of the delay; fitted by default"),
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
    Key::new("topology", kinded(TOPOLOGY), "who is whose neighbour; complete by default"),
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

pub(super) const REGIONS: &[Key] = &[
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

pub(super) const JITTER: &[Key] = &[
    Key::new(
        "kind",
        choice(&["fitted", "lognormal", "gamma", "pareto", "empirical", "none"]),
        "fitted to the table, of given width, as SimBlock has it, from measured delays, or none: \
         exactly the table's medians",
    ),
    Key::new(
        "sigma",
        Shape::Number { least: MIN_SIGMA, open: false, most: MAX_SIGMA },
        "lognormal: σ of the logarithm",
    ),
    Key::new(
        "shape",
        Shape::Number { least: 0.1, open: false, most: 100.0 },
        "gamma: its shape; 1 is exponential",
    ),
    Key::new("path", Shape::Path, "empirical: a histogram, CSV value,count"),
];

pub(super) const TOPOLOGY: &[Key] = &[
    Key::new(
        "kind",
        choice(&[
            "complete",
            "random-regular",
            "erdos-renyi",
            "barabasi-albert",
            "watts-strogatz",
            "file",
        ]),
        "how neighbours are chosen",
    )
    .later(&["bitcoin-like", "hierarchical", "kademlia"]),
    Key::new(
        "degree",
        Shape::Number { least: 0.0, open: false, most: u32::MAX as f64 },
        "random-regular: neighbours per node; erdos-renyi: their mean",
    ),
    Key::new("implicit", FLAG, "random-regular of even degree: compute peers, store none")
        .or(Value::Flag(false)),
    Key::new("p", SHARE, "erdos-renyi: probability of each pair, instead of degree"),
    Key::new("m", count(1, u32::MAX as u64), "barabasi-albert: edges per newcomer"),
    Key::new("k", count(2, u32::MAX as u64), "watts-strogatz: even degree of the ring lattice"),
    Key::new("beta", SHARE, "watts-strogatz: probability of rewiring an edge"),
    Key::new("path", Shape::Path, "file: an edge list, CSV source,target[,latency_ms], or .gz"),
    Key::new("latency", LATENCY, "file: what the latency column holds; absent: it is not used"),
    Key::new(
        "direction",
        choice(&["undirected", "source-to-target", "target-to-source"]),
        "file: how rows become neighbours",
    )
    .or(Value::Choice("undirected")),
];
