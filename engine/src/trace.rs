//! Single events of a run: who sent what to whom, when, and because of which other event.
//!
//! A [`TraceRequest`] in [`Control`](crate::Control) asks for them, a [`Trace`] in the outcome holds
//! them. What is recorded is a function of scenario, seed and request alone: which records are kept
//! when there are too many is decided by their keys, never by who recorded them when.
//!
//! A record is made where a message leaves (there sender, cause and delay are known) and completed
//! where it is handled (there the start of its service is known): see `recorder`. A run without a
//! request pays nothing for either: both hang on comparisons that every run makes anyway.

mod recorder;

use core::ops::RangeInclusive;

use anthill_protocol::{NodeId, Span, Time};

pub(crate) use recorder::{EventKind, Recorder};

use crate::event::Key;

/// Which events are wanted, and how many at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRequest {
    /// From this instant on; the instant of a message is that of its delivery, of a lost one that
    /// of its sending.
    pub from: Time,
    /// Up to, but not including, this instant.
    pub to: Time,
    /// Events that one of these nodes causes or handles; none: of all nodes.
    pub nodes: Vec<RangeInclusive<u32>>,
    /// Whether `nodes` are only those that handle an event.
    pub receivers: bool,
    /// Messages of the kinds that are `true`, by index; `None`: of all kinds.
    pub kinds: Option<Vec<bool>>,
    /// Whether timers and restarts are wanted too.
    pub timers: bool,
    /// Which records stay when there are more than `most`.
    pub keep: Keep,
    /// The most records; at least 1 is taken.
    pub most: usize,
}

/// Which records stay when there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Those whose key has the least hash, and none above this threshold: an even sample.
    Sample(u64),
    /// Those of the greatest instants.
    Latest,
    /// Those of the least instants.
    Earliest,
}

impl TraceRequest {
    /// All messages, or an even sample of them if there are more than `most`.
    pub fn all(most: usize) -> Self {
        Self {
            from: Time::ZERO,
            to: Time::MAX,
            nodes: Vec::new(),
            receivers: false,
            kinds: None,
            timers: false,
            keep: Keep::Sample(u64::MAX),
            most,
        }
    }
}

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// In the order of their keys.
    pub records: Vec<TraceRecord>,
    /// How many events were asked for; with more than `records`, these are a part.
    pub matched: u64,
    /// With [`Keep::Latest`]: nothing asked for is missing from this instant on.
    pub complete_from: Time,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRecord {
    /// Its key. A lost message has none: its instant here is that of its sending.
    pub key: Key,
    /// What it carries.
    pub what: What,
    /// Bytes on the wire; 0 for what a node leaves for itself.
    pub bytes: u32,
    /// When the message left its sender's handler, or the timer was set.
    pub sent: Time,
    /// The event in whose handler that was; `None`: the start of the node.
    pub cause: Option<Cause>,
    /// What became of it.
    pub fate: Fate,
}

impl TraceRecord {
    /// Time from sending to delivery; `None` for a lost message.
    pub fn latency(&self) -> Option<Span> {
        (self.fate != Fate::Lost).then(|| self.key.time.since(self.sent))
    }

    /// What names this event among all of its run.
    pub fn name(&self) -> Cause {
        Cause::of(&self.key)
    }
}

/// What an event carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A message, by the index of its kind. Sender and receiver may be one node.
    Message(u16),
    /// A timer, as it prints.
    Timer(Box<str>),
    /// The node comes up again.
    Restart,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was handled, from this instant on.
    Handled(Time),
    /// It arrived, and the node was down or its queue full.
    Dropped,
    /// It never arrived.
    Lost,
    /// The run ended before.
    Pending,
}

/// An event by its name: an instant, and who caused it as which of its effects. (The node that
/// handles it goes without saying: an effect is at one node, and a second copy of a message arrives
/// at another instant.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// When it is handled.
    pub time: Time,
    /// The node that caused it.
    pub source: NodeId,
    /// That node's count of effects.
    pub sequence: u32,
}

impl Cause {
    fn of(key: &Key) -> Self {
        Self { time: key.time, source: key.source, sequence: key.sequence }
    }
}

impl core::fmt::Display for Cause {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}-{}-{}", self.time.0, self.source.0, self.sequence)
    }
}
