//! Keys of `[cpu]`, `[churn]`, `[clock]`, `[adversary]` and `[[fault]]`.

use anthill_protocol::Span;
use anthill_protocol::parameter::Value;

use super::keys::{
    ANY_SPAN, DELAY, DELAY_OR_ZERO, FLAG, Key, POSITIVE_SPAN, SHARE, Shape, choice, count, kinded,
    positive,
};

/// Ten years: means of sessions and downtimes whose draws stay within virtual time.
const MEAN: Shape = Shape::Span { least: Span(1), most: Span(10 * 365 * 86_400 * 1_000_000_000) };
const WEIBULL_SHAPE: Shape = Shape::Number { least: 0.2, open: false, most: 10.0 };
/// Far beyond any real slow-down, and far from overflow; likewise costs.
const FACTOR: Shape = positive(1e3);
pub(crate) const COST: Shape = Shape::Span { least: Span::ZERO, most: Span::from_secs(3_600) };

const RECEIVE: Key = Key::new("receive", COST, "cost of receiving a message");
const SEND: Key = Key::new("send", COST, "cost of sending a message");
const TIMER: Key = Key::new("timer", COST, "cost of a timer");
const KIB: Key = Key::new("kib", COST, "cost of each KiB of a message, sent or received");
const SIGN: Key = Key::new("sign", COST, "cost of making a signature");
const VERIFY: Key = Key::new("verify", COST, "cost of checking a signature");

/// Keys of a cost table, all required.
pub(crate) const COSTS: &[Key] = &[RECEIVE, SEND, TIMER, KIB, SIGN, VERIFY];

pub(crate) const CPU: &[Key] = &[
    Key::new(
        "model",
        choice(&["table", "scaled", "off"]),
        "the costs as they are, or all of them times scale; scaled if scale is given, else table",
    ),
    Key::new("cores", count(1, 1_024), "handlers that a node runs at once").or(Value::Count(1)),
    Key::new("scale", FACTOR, "scaled: factor on all costs; 2 is a machine half as fast"),
    Key::new(
        "table",
        Shape::Text,
        "costs measured on a machine: a table that ships (amd-epyc-2026, which holds the defaults) \
         or the path of a file that ends in .toml, as anthill calibrate writes it; the costs given \
         beside it go before the table's",
    ),
    RECEIVE,
    SEND,
    TIMER,
    KIB,
    SIGN,
    VERIFY,
    Key::new("kinds", Shape::Named(&COST), "costs of receiving by kind of message"),
];

pub(crate) const CHURN: &[Key] = &[
    Key::new(
        "kind",
        choice(&["exponential", "weibull", "trace", "off"]),
        "how sessions and downtimes are distributed",
    ),
    Key::new("session", MEAN, "exponential, weibull: mean session"),
    Key::new("downtime", MEAN, "exponential, weibull: mean downtime"),
    Key::new("session_shape", WEIBULL_SHAPE, "weibull: shape of the sessions; 0.5 by default"),
    Key::new("downtime_shape", WEIBULL_SHAPE, "weibull: shape of the downtimes; 0.5 by default"),
    Key::new("path", Shape::Path, "trace: CSV node,down,up in seconds"),
    Key::new("share", SHARE, "exponential, weibull: share of the nodes that churn")
        .or(Value::Share(1.0)),
    Key::new("keep_state", FLAG, "whether a node comes back with the state it had")
        .or(Value::Flag(true)),
    Key::new(
        "start",
        choice(&["online", "stationary"]),
        "exponential, weibull: whether all begin a session at the start, or the stationary share \
         of them is in the middle of one",
    )
    .or(Value::Choice("online")),
];

const NODES: Key = Key::new("nodes", Shape::NodeIds, "ids and ranges: [0, \"10-20\"]");
const WHERE: Key = Key::new("regions", Shape::Names, "nodes of these regions");
const CLASSES: Key = Key::new("classes", Shape::Names, "nodes with these classes of links");
const STAKE_TOP: Key = Key::new(
    "stake_top",
    count(1, u32::MAX as u64),
    "so many nodes with the most stake, by network.node_file",
);
const FRACTION: Key =
    Key::new("fraction", positive(1.0), "a random share of the nodes that the other keys leave");
const ROLE: Key =
    Key::new("role", choice(&["adversary", "honest"]), "nodes of the adversary, or all others");
const ALL: Key = Key::new("all", FLAG, "true: every node");

/// Keys that select nodes.
pub(crate) const SELECTION: &[Key] = &[NODES, WHERE, CLASSES, STAKE_TOP, FRACTION, ROLE, ALL];

/// Kinds of adversaries that every protocol has.
pub(crate) const GENERIC_ADVERSARIES: &[&str] =
    &["none", "follow", "silent", "delay", "duplicate", "replay", "corrupt", "equivocate"];

pub(crate) const ADVERSARY: &[Key] = &[
    Key::new(
        "kind",
        choice(GENERIC_ADVERSARIES),
        "what the adversary's nodes do with the messages that the protocol would send",
    ),
    NODES,
    WHERE,
    CLASSES,
    STAKE_TOP,
    FRACTION,
    Key::new("by", DELAY, "delay: by how much"),
    Key::new("release", POSITIVE_SPAN, "withhold: when they send all that they kept back"),
    Key::new("kinds", Shape::Names, "kinds of messages it does that to; all by default"),
    Key::new("probability", SHARE, "share of those messages").or(Value::Share(1.0)),
    Key::new("schedule", kinded(SCHEDULE), "who delays messages, within the timing model"),
];

pub(crate) const SCHEDULE: &[Key] = &[
    Key::new(
        "kind",
        choice(&["none", "delay-honest", "favour-byzantine", "split", "hold", "reorder"]),
        "which messages are delayed",
    ),
    Key::new("by", DELAY, "delay-honest, favour-byzantine, reorder: by how much (at most)"),
    Key::new("heal", POSITIVE_SPAN, "split: when the halves of the network meet again"),
    Key::new("message", Shape::Text, "hold: a kind of message"),
    Key::new("timeout", DELAY, "hold: the timeout that waits for it, counted from sending"),
    Key::new("margin", DELAY, "hold: how long before the timeout it arrives")
        .or(Value::Span(Span::from_millis(1))),
];

pub(crate) const FAULT: &[Key] = &[
    Key::new("at", ANY_SPAN, "when it starts"),
    Key::new("heal", POSITIVE_SPAN, "when it ends; never by default"),
    Key::new(
        "kind",
        choice(&[
            "partition",
            "outage",
            "crash",
            "loss",
            "duplication",
            "reordering",
            "corruption",
            "delay",
            "rate",
        ]),
        "what happens to the nodes that it strikes",
    ),
    NODES,
    WHERE,
    CLASSES,
    STAKE_TOP,
    FRACTION,
    ROLE,
    ALL,
    Key::new("others", Shape::Table(SELECTION), "partition: the other side; by default the rest"),
    Key::new(
        "direction",
        choice(&["both", "outgoing", "incoming"]),
        "which messages of the struck nodes; of crash, outage and rate all",
    )
    .or(Value::Choice("both")),
    Key::new(
        "keep_state",
        FLAG,
        "crash, outage: whether they come back with the state they had; by default only from an \
         outage",
    ),
    Key::new("share", SHARE, "loss, duplication, reordering, corruption: share of messages"),
    Key::new("reordering_delay", DELAY, "reordering: longest time that a message is held back"),
    Key::new("by", DELAY_OR_ZERO, "delay: what is added, after the factor")
        .or(Value::Span(Span(0))),
    Key::new("factor", FACTOR, "delay: factor on delays, from 1; rate: on both rates"),
    Key::new("up", FACTOR, "rate: factor on the uplink's rate"),
    Key::new("down", FACTOR, "rate: factor on the downlink's rate"),
    Key::new("every", DELAY, "comes and goes: from one start to the next"),
    Key::new("on", DELAY, "comes and goes: how long it lasts each time"),
    Key::new("stagger", DELAY_OR_ZERO, "crash, outage: how much later single nodes go, at most")
        .or(Value::Span(Span(0))),
];
