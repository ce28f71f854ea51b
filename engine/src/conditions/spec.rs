//! What a scenario asks of the network and its nodes beyond plain delays, as plain data.
//!
//! Everything is off by default, and a scenario that leaves it off runs on an engine compiled
//! without it.

use anthill_engine_derive::{Keys, Words};
use anthill_protocol::{Span, Time};

use crate::input::InputFile;
use crate::network::JitterSpec;
use crate::scenario::declare::*;

/// All conditions of a scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConditionsSpec {
    /// Rates of up- and downlinks; `None`: infinite (unless a link class states some).
    pub bandwidth: Option<BandwidthSpec>,
    /// What happens to messages on every link, on top of what the link classes say.
    pub impairments: ImpairmentSpec,
    /// Kinds of access links and the share of nodes that have each; shares sum to at most 1, the
    /// rest of the nodes have a perfect link.
    pub classes: Vec<ClassSpec>,
    /// Whether messages are kept in order, and what becomes of those under way to a node that crashes.
    pub transport: Transport,
    /// Virtual CPU; `None`: handlers take no time.
    pub cpu: Option<CpuSpec>,
    /// Sessions and downtimes of nodes; `None`: always up.
    pub churn: Option<ChurnSpec>,
    /// Error of the nodes' own clocks.
    pub clock: ClockSpec,
    /// The fault timeline, in the order of the scenario.
    pub faults: Vec<FaultSpec>,
    /// Nodes held by an adversary.
    pub adversary: Option<AdversarySpec>,
    /// Who delays messages within what the timing model allows.
    pub schedule: Option<ScheduleSpec>,
    /// A delay that the protocol assumes no message exceeds: messages beyond it are reported. The
    /// models `synchronous` and `partial` set it to their Δ.
    pub assumed_bound: Option<Span>,
}

impl ConditionsSpec {
    /// Whether nothing is asked for: the run needs no conditions at all.
    pub fn is_ideal(&self) -> bool {
        *self == Self::default()
    }

    /// Every selection of nodes that the adversary and the faults make.
    pub fn selections(&self) -> Vec<&SelectionSpec> {
        let adversary = self.adversary.iter().map(|adversary| &adversary.who);
        let faults = self.faults.iter().flat_map(|fault| {
            let others = match &fault.kind {
                FaultKind::Partition { others, .. } => others.as_ref(),
                _ => None,
            };
            std::iter::once(&fault.who).chain(others)
        });
        adversary.chain(faults).collect()
    }
}

/// Rates of up- and downlinks in bit/s; FIFO queues.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(context = &RatesSetting<'_>)]
pub struct BandwidthSpec {
    /// Where a node's rates come from.
    #[key(flatten, with = context, last)]
    pub rates: RatesSpec,
    /// Greatest rate of a single transfer between different regions.
    #[key(shape = Shape::Rate)]
    pub cap: Option<u64>,
    /// Bytes that may wait for a link; what exceeds them is dropped. Without it nothing is.
    #[key(name = "queue", shape = Shape::Size)]
    pub queue_bytes: Option<u64>,
}

/// Where rates come from.
#[derive(Clone, Debug, PartialEq)]
pub enum RatesSpec {
    /// The same for all nodes; `None`: infinite.
    Fixed {
        /// Bit/s.
        up: Option<u64>,
        /// Bit/s.
        down: Option<u64>,
    },
    /// By region, from the preset's own table (`bitcoin-2019`).
    Preset,
    /// By region: name, up, down in bit/s. Every region that holds nodes must be there.
    Regions(Vec<(String, u64, u64)>),
    /// Drawn per node from quantiles.
    Percentiles {
        /// Where the figures come from: `gervais-2016` or `custom`.
        name: String,
        /// (probability, bit/s), both rising; linear between them.
        up: Vec<(f64, u64)>,
        /// Likewise for the downlink; drawn at the same probability as the uplink: fast nodes are
        /// fast in both directions.
        down: Vec<(f64, u64)>,
    },
    /// From the columns `up` and `down` of the network's node file.
    NodeFile,
}

/// Shares of messages to which something happens.
#[derive(Clone, Debug, Default, PartialEq, Keys)]
#[keys(context = &Self)]
pub struct ImpairmentSpec {
    /// Share of messages lost.
    #[key(default = 0.0, or = context.loss)]
    pub loss: f64,
    /// Share of messages delivered twice, the copy with a delay of its own.
    #[key(default = 0.0, or = context.duplication)]
    pub duplication: f64,
    /// Share of messages with one bit flipped.
    ///
    /// Of the wire form; what then does not decode is dropped.
    #[key(default = 0.0, or = context.corruption)]
    pub corruption: f64,
    /// Share of messages held back by up to `reordering_delay`, uniformly.
    #[key(default = 0.0, or = context.reordering)]
    pub reordering: f64,
    /// Longest time that reordering holds a message back; required if any is.
    #[key(
        shape = DELAY, read = reordering_delay(section, context, reordering),
        write = delay_text
    )]
    pub reordering_delay: Span,
}

/// A kind of access link.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(context = &Self, also = [CLASS_PRESET])]
pub struct ClassSpec {
    /// Its name.
    #[key(skip = context.name.clone())]
    pub name: String,
    /// Share of the nodes that have such a link.
    #[key(example = "0.1")]
    pub share: f64,
    /// Rate of the uplink, in place of the one that `bandwidth` gives.
    #[key(shape = Shape::Rate, or = context.up)]
    pub up: Option<u64>,
    /// Rate of the downlink, likewise.
    #[key(shape = Shape::Rate, or = context.down)]
    pub down: Option<u64>,
    /// Median of the delay that the link adds to every message over it, in either direction.
    #[key(shape = DELAY_OR_ZERO, or = context.latency)]
    pub latency: Span,
    /// How that delay varies in place of lognormally with `sigma`: as `network.jitter`, without
    /// `fitted`; for `pareto`, `latency` is the mean.
    #[key(shape = JitterSpec::TABLE, read = class_jitter(section))]
    pub jitter: Option<JitterSpec>,
    /// σ of the logarithm of that delay, up to 4; 0 is constant.
    #[key(shape = bounded(0.0, 4.0), or = context.sigma, only = Option::is_none(jitter))]
    pub sigma: f64,
    /// What happens to messages over it.
    #[key(flatten, with = &context.impairments)]
    pub impairments: ImpairmentSpec,
}

/// What carries messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Words)]
pub enum Transport {
    /// Messages may overtake each other, and those that arrive while their receiver is down are lost.
    #[default]
    Datagram,
    /// What a node sends another arrives in the order sent, from its start or restart on; all that was
    /// sent before its receiver came up again is lost.
    Connection,
}

/// Virtual CPU of every node.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(context = &CpuSetting<'_>, before = [CPU_MODEL], also = [CPU_TABLE])]
pub struct CpuSpec {
    /// Handlers that a node runs at once, at most 1024.
    #[key(default = 1, shape = count(1, 1_024))]
    pub cores: u32,
    /// For `scaled`: factor on all costs, above 0 to 1000; 2 is a machine half as fast.
    #[key(shape = FACTOR, read = cpu_scale)]
    pub scale: f64,
    /// Cost of receiving a message, at most 1 h; by default the table's, as all costs.
    #[key(shape = COST, or = context.costs.receive)]
    pub receive: Span,
    /// Cost of sending a message.
    #[key(shape = COST, or = context.costs.send)]
    pub send: Span,
    /// Cost of a timer.
    #[key(shape = COST, or = context.costs.timer)]
    pub timer: Span,
    /// Cost of each KiB of a message, sent or received.
    #[key(shape = COST, or = context.costs.kib)]
    pub kib: Span,
    /// Cost of making a signature.
    #[key(shape = COST, or = context.costs.sign)]
    pub sign: Span,
    /// Cost of checking a signature.
    #[key(shape = COST, or = context.costs.verify)]
    pub verify: Span,
    /// Costs of receiving by kind of message, in place of `receive`: `{ data = "20us" }`.
    #[key(shape = Shape::Named(&COST), read = cpu_kinds)]
    pub kinds: Vec<(String, Span)>,
}

/// One core on which everything is free.
impl Default for CpuSpec {
    fn default() -> Self {
        let free = Span::ZERO;
        Self {
            cores: 1,
            scale: 1.0,
            receive: free,
            send: free,
            timer: free,
            kib: free,
            sign: free,
            verify: free,
            kinds: Vec::new(),
        }
    }
}

/// Sessions and downtimes.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(context = (Option<u32>, Option<Time>), check = would_end)]
pub struct ChurnSpec {
    /// Lengths of sessions and downtimes.
    #[key(flatten)]
    pub times: ChurnTimes,
    /// Share of the nodes that churn, unless by a trace; the others are always up.
    #[key(default = 1.0, only = ChurnTimes::are_drawn(times))]
    pub share: f64,
    /// Whether the run starts with the stationary share of nodes up (each in the middle of a
    /// session or downtime), instead of all at the start of a session.
    #[key(
        name = "start", declared = CHURN_START, read = churn_start, write = churn_start_text,
        or = false, only = ChurnTimes::are_drawn(times)
    )]
    pub stationary: bool,
    /// Whether a node comes back with the state it had.
    #[key(default = true)]
    pub keep_state: bool,
}

/// How sessions and downtimes are distributed.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(example = "exponential", off = "off")]
pub enum ChurnTimes {
    /// Both exponential.
    Exponential {
        /// Mean session, at most 10 years.
        #[key(example = "\"30min\"", shape = MEAN)]
        session: Span,
        /// Mean downtime, at most 10 years.
        #[key(example = "\"10min\"", shape = MEAN)]
        downtime: Span,
    },
    /// Both Weibull, with the given means.
    Weibull {
        /// Mean session, at most 10 years.
        #[key(example = "\"30min\"", shape = MEAN)]
        session: Span,
        /// Mean downtime, at most 10 years.
        #[key(example = "\"10min\"", shape = MEAN)]
        downtime: Span,
        /// Shape of the sessions, 0.2 to 10.
        ///
        /// In file-sharing networks shapes of 0.34 to 0.59 were measured.
        #[key(default = 0.5, shape = WEIBULL_SHAPE)]
        session_shape: f64,
        /// Shape of the downtimes, 0.2 to 10.
        #[key(default = 0.5, shape = WEIBULL_SHAPE)]
        downtime_shape: f64,
    },
    /// Downtimes from a file; nodes without rows are always up.
    Trace(
        /// Columns `node,down,up`, instants in seconds from the start; an empty `up` is for ever;
        /// downtimes that touch are one, and may not overlap.
        #[key(name = "path", example = "\"churn.csv\"")]
        InputFile,
    ),
}

/// Ten years: means whose draws stay within virtual time.
const MEAN: Shape = Shape::Span { least: Span(1), most: Span(10 * 365 * 86_400 * 1_000_000_000) };
const WEIBULL_SHAPE: Shape = bounded(0.2, 10.0);

impl ChurnTimes {
    /// Whether they are drawn, not listed.
    pub(crate) fn are_drawn(&self) -> bool {
        !matches!(self, Self::Trace(_))
    }

    /// The mean time from one session to the next in ns; `None` for a trace.
    pub(crate) fn cycle_ns(&self) -> Option<u64> {
        match self {
            Self::Exponential { session, downtime } | Self::Weibull { session, downtime, .. } => {
                // Neither is ever shorter than a nanosecond.
                Some(session.0.max(1) + downtime.0.max(1))
            }
            Self::Trace(_) => None,
        }
    }
}

/// Error of the nodes' own clocks: `local = now + offset + rate · now`, both uniform within the
/// stated bounds, drawn per node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Keys)]
pub struct ClockSpec {
    /// Greatest offset of a node's own clock, ahead or behind, drawn per node.
    #[key(default = Span::ZERO, shape = DELAY_OR_ZERO)]
    pub skew: Span,
    /// Greatest error of its rate, fast or slow, in parts per million, at most 100,000.
    #[key(default = 0.0, shape = bounded(0.0, 100_000.0))]
    pub drift_ppm: f64,
}

/// Which nodes. All filters that are given must match; at least one is given.
#[derive(Clone, Debug, Default, PartialEq, Keys)]
#[keys(context = &Population<'_>, also = [ALL_NODES])]
pub struct SelectionSpec {
    /// Ids and ranges, both ends included: `[0, "10-20"]`.
    #[key(
        shape = Shape::NodeIds, read = Some(selected_ids(section, context.nodes).unwrap_or_default()),
        write = ids_text
    )]
    pub nodes: Vec<(u32, u32)>,
    /// Nodes of these regions.
    #[key(shape = Shape::Names, read = Some(selected_regions(section).unwrap_or_default()))]
    pub regions: Vec<String>,
    /// Nodes with these classes of links, of `network.classes`.
    #[key(shape = Shape::Names, read = Some(selected_classes(section, context).unwrap_or_default()))]
    pub classes: Vec<String>,
    /// Nodes of the adversary, or all others; not in `[adversary]`.
    #[key(read = Some(selected_role(section, context.adversary)))]
    pub role: Option<Role>,
    /// So many nodes with the most stake, by `network.node_file`.
    #[key(shape = count(1, u32::MAX as u64), read = Some(selected_top(section, context)))]
    pub stake_top: Option<u32>,
    /// A random share of the nodes that the other keys leave, above 0 to 1; every fault draws its own.
    ///
    /// Rounded to a whole number of nodes.
    #[key(shape = positive(1.0), read = Some(selected_fraction(section, context.nodes)))]
    pub fraction: Option<f64>,
}

/// Whose side a node is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Words)]
pub enum Role {
    /// Held by the adversary.
    Adversary,
    /// Not held by the adversary.
    Honest,
}

/// One entry of the fault timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSpec {
    /// When it starts.
    pub at: Time,
    /// When it ends; `None`: never.
    pub heal: Option<Time>,
    /// Whom it strikes.
    pub who: SelectionSpec,
    /// What happens.
    pub kind: FaultKind,
    /// Whether it comes and goes between `at` and `heal`.
    pub flap: Option<Flap>,
}

/// How often a crash, a session or a rate may come and go at one node: each time is an event there, or a
/// step of every transfer, so that far more would take practically for ever.
pub(crate) const MOST_FLAPS: u64 = 100_000;
/// How often all nodes together may: a day and more of events.
pub(crate) const MOST_FLAPS_OF_ALL: f64 = 1e12;

/// A fault that comes and goes: on for `on` at the start of every `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flap {
    /// From one start to the next.
    pub period: Span,
    /// How long it lasts each time; below `period`.
    pub on: Span,
    /// Crashes only: each node's own start is later by up to this much, uniformly, every time the
    /// same; `on + stagger` is at most `period`.
    pub stagger: Span,
}

impl Flap {
    /// How often the fault comes within a run.
    pub(crate) fn times(&self, at: Time, heal: Option<Time>, until: Time) -> u64 {
        let end = heal.map_or(until, |heal| heal.min(until));
        end.0.saturating_sub(at.0) / self.period.0.max(1)
    }
}

/// Which way of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Words)]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// What the struck nodes send.
    Outgoing,
    /// What the struck nodes receive.
    Incoming,
}

/// What happens to the struck nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// No message crosses between the struck nodes and the others: none that is under way at any
    /// moment of the fault arrives.
    Partition {
        /// The other side, less the struck nodes; `None`: everyone else.
        others: Option<SelectionSpec>,
        /// Which way is cut.
        direction: Direction,
    },
    /// The nodes are down; at the end they restart.
    Crash {
        /// Whether with the state they had.
        keep_state: bool,
    },
    /// A share of their messages is impaired, in addition to everything else.
    Impair {
        /// The shares.
        impairments: ImpairmentSpec,
        /// Which messages.
        direction: Direction,
    },
    /// Their messages take longer.
    Delay {
        /// By this much,
        by: Span,
        /// after the network's own delay was multiplied by this; at least 1.
        factor: f64,
        /// Which messages.
        direction: Direction,
    },
    /// Their links have this share of their rates; above 0.
    Rate {
        /// Factor on the uplink.
        up: f64,
        /// Factor on the downlink.
        down: f64,
    },
}

/// The adversary: whom it holds, and what they do.
#[derive(Clone, Debug, PartialEq)]
pub struct AdversarySpec {
    /// The nodes it holds.
    pub who: SelectionSpec,
    /// What they do with the messages that the honest protocol would send.
    pub behaviour: Behaviour,
    /// Kinds of messages it does that to; empty: all.
    pub kinds: Vec<String>,
    /// Share of those messages.
    pub probability: f64,
}

/// What the adversary's nodes do with the messages that the protocol would send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Keys)]
#[keys(example = "silent", off = "none", first)]
pub enum Behaviour {
    /// They follow the protocol: they are only known to `schedule` and to faults.
    Follow,
    /// They do not send.
    Silent,
    /// They send later.
    Delay(
        /// By how much.
        #[key(name = "by", example = "\"1s\"", shape = DELAY)]
        Span,
    ),
    /// They send everything twice.
    Duplicate,
    /// They send a message that they received on to a random node.
    Replay,
    /// They flip one bit of the wire form.
    Corrupt,
    /// They send a conflicting version to every other receiver.
    ///
    /// By the parity of a hash of sender and receiver.
    Equivocate,
    /// They keep back whatever they would send, and send all of it at `release`.
    Withhold {
        /// When they send all that they kept back.
        #[key(name = "release", example = "\"30s\"", shape = POSITIVE_SPAN)]
        until: Time,
    },
    /// They are two honest nodes under one identity each, which talk to one half of the others each and
    /// hear only them.
    Twins,
}

impl Behaviour {
    /// Whether it is about single messages: those of some kinds, or a share of them.
    pub(crate) fn chooses_messages(self) -> bool {
        !matches!(self, Self::Follow | Self::Withhold { .. } | Self::Twins)
    }
}

/// Who delays messages, within what the timing model allows.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(
    example = "reorder", off = "none", first, absent = None, context = &ScheduleSetting<'_>,
    check = can_schedule
)]
pub enum ScheduleSpec {
    /// Messages between honest nodes take longer; needs an adversary.
    DelayHonest {
        /// By how much, at most.
        #[key(example = "\"1s\"", shape = DELAY)]
        by: Span,
    },
    /// Messages from and to the adversary take the least delay, all others longer; needs an adversary.
    FavourByzantine {
        /// By how much, at most.
        #[key(example = "\"1s\"", shape = DELAY)]
        by: Span,
    },
    /// Messages between two random halves of the network are held until the split heals.
    Split {
        /// When the halves meet again, which may be after `until`.
        #[key(example = "\"30s\"", shape = POSITIVE_SPAN)]
        heal: Time,
    },
    /// Messages of a kind arrive just before the timeout that waits for them.
    Hold {
        /// The kind of messages.
        #[key(name = "message", shape = Shape::Text, read = held_message)]
        kind: String,
        /// The timeout that waits for them, counted from sending.
        #[key(example = "\"2s\"", shape = DELAY)]
        timeout: Span,
        /// How long before the timeout they arrive; below it.
        #[key(default = Span::from_millis(1), shape = DELAY)]
        margin: Span,
    },
    /// Every message is held by a random time.
    Reorder {
        /// By how much, at most.
        #[key(example = "\"1s\"", shape = DELAY)]
        by: Span,
    },
}
