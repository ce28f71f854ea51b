//! What a scenario asks of the network and its nodes beyond plain delays, as plain data.
//!
//! Everything is off by default, and a scenario that leaves it off runs on an engine compiled
//! without it.

use anthill_engine_derive::Keys;
use anthill_protocol::{Span, Time};

use crate::input::InputFile;
use crate::network::JitterSpec;
use crate::scenario::declare::{DELAY_OR_ZERO, bounded};

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
    pub fn is_calm(&self) -> bool {
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
#[derive(Clone, Debug, PartialEq)]
pub struct BandwidthSpec {
    /// Where a node's rates come from.
    pub rates: RatesSpec,
    /// Greatest rate of a single transfer between different regions, in bit/s.
    pub cap: Option<u64>,
    /// Bytes that may wait in an uplink's or downlink's queue; what exceeds them is dropped.
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImpairmentSpec {
    /// Lost.
    pub loss: f64,
    /// Delivered twice, the copy with a delay of its own.
    pub duplication: f64,
    /// Held back by up to `reordering_delay`, uniformly.
    pub reordering: f64,
    /// See `reordering`.
    pub reordering_delay: Span,
    /// One bit of the wire form flipped; what then does not decode is dropped.
    pub corruption: f64,
}

/// A kind of access link.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSpec {
    /// Its name.
    pub name: String,
    /// Share of the nodes that have it.
    pub share: f64,
    /// Rates in bit/s that replace those of `bandwidth`.
    pub up: Option<u64>,
    /// See `up`.
    pub down: Option<u64>,
    /// Median delay that the link adds to every message over it, in either direction.
    pub latency: Span,
    /// σ of the logarithm of that delay; 0: constant.
    pub sigma: f64,
    /// How that delay varies in place of lognormally with `sigma`: gamma, empirical, or Pareto, of
    /// which `latency` is the mean.
    pub jitter: Option<JitterSpec>,
    /// What happens to messages over it.
    pub impairments: ImpairmentSpec,
}

/// What carries messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Each message by itself: later ones may overtake it. Those that arrive while their receiver is
    /// down are lost, later ones are delivered.
    #[default]
    Datagram,
    /// What a node sends another arrives in the order sent, from its start or restart on. A crash
    /// of the receiver breaks connections: whatever was sent before it came up again is lost.
    Connection,
}

/// Virtual CPU of every node.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuSpec {
    /// Handlers that a node can run at once.
    pub cores: u32,
    /// Factor on all costs: 2 is a machine half as fast.
    pub scale: f64,
    /// Cost of receiving a message.
    pub receive: Span,
    /// Cost of sending one.
    pub send: Span,
    /// Cost of a timer.
    pub timer: Span,
    /// Cost of each KiB of a message, sent or received.
    pub kib: Span,
    /// Cost of making a signature.
    pub sign: Span,
    /// Cost of checking one.
    pub verify: Span,
    /// Costs of receiving messages by kind, in place of `receive`.
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
#[derive(Clone, Debug, PartialEq)]
pub struct ChurnSpec {
    /// Lengths of sessions and downtimes.
    pub times: ChurnTimes,
    /// Share of the nodes that churn; the others are always up.
    pub share: f64,
    /// Whether a node that comes back has the state it had.
    pub keep_state: bool,
    /// Whether the run starts with the stationary share of nodes up (each in the middle of a
    /// session or downtime), instead of all at the start of a session.
    pub stationary: bool,
}

/// Lengths of sessions and downtimes.
#[derive(Clone, Debug, PartialEq)]
pub enum ChurnTimes {
    /// Both exponential.
    Exponential {
        /// Mean session.
        session: Span,
        /// Mean downtime.
        downtime: Span,
    },
    /// Both Weibull, with the given means.
    Weibull {
        /// Mean session.
        session: Span,
        /// Shape of the session's distribution, 0.2 to 10.
        session_shape: f64,
        /// Mean downtime.
        downtime: Span,
        /// Shape of the downtime's distribution.
        downtime_shape: f64,
    },
    /// Downtimes from a file: the columns `node`, `down` and `up`, instants in seconds; an empty
    /// `up`: for ever. Nodes without rows are always up.
    Trace(InputFile),
}

impl ChurnTimes {
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SelectionSpec {
    /// Ranges of ids, both ends included.
    pub nodes: Vec<(u32, u32)>,
    /// Names of regions.
    pub regions: Vec<String>,
    /// Nodes of the adversary, or all others.
    pub role: Option<Role>,
    /// Names of link classes.
    pub classes: Vec<String>,
    /// The so many nodes with the most stake, by the network's node file.
    pub stake_top: Option<u32>,
    /// A random share of the nodes that the other filters leave, rounded to a whole number.
    pub fraction: Option<f64>,
}

/// Whose side a node is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// What adversarial nodes do, whatever the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Nothing: they are held (and known to the scheduler), but follow the protocol.
    Follow,
    /// They do not send.
    Silent,
    /// They send later by this much.
    Delay(Span),
    /// They send everything twice.
    Duplicate,
    /// They send a message that they received on to a random node.
    Replay,
    /// They send with one bit of the wire form flipped.
    Corrupt,
    /// They send a conflicting version to every other receiver, by the parity of a hash of sender
    /// and receiver.
    Equivocate,
    /// They keep back whatever they would send, and send it all at this instant.
    Withhold {
        /// The instant.
        until: Time,
    },
    /// Each is two honest nodes under one identity, which talk to one half of the others each.
    Twins,
}

impl Behaviour {
    /// Whether it is about single messages: those of some kinds, or a share of them.
    pub(crate) fn chooses_messages(self) -> bool {
        !matches!(self, Self::Follow | Self::Withhold { .. } | Self::Twins)
    }
}

/// Who delays messages within what the timing model allows.
#[derive(Clone, Debug, PartialEq)]
pub enum ScheduleSpec {
    /// Messages between honest nodes take longer by this much.
    DelayHonest {
        /// By this much.
        by: Span,
    },
    /// Messages from and to the adversary take the least delay, all others longer.
    FavourByzantine {
        /// By this much.
        by: Span,
    },
    /// Messages between a random half of the nodes and the other half are held until the split
    /// heals.
    Split {
        /// Until then.
        heal: Time,
    },
    /// Messages of a kind arrive just before the timeout that waits for them.
    Hold {
        /// Name of the kind.
        kind: String,
        /// The timeout, counted from sending.
        timeout: Span,
        /// Before the timeout by this much; below it.
        margin: Span,
    },
    /// Every message is held by a random time.
    Reorder {
        /// Up to this much.
        by: Span,
    },
}
