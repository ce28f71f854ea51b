//! A replicated log and a deterministic machine over it: an exchange, a key-value store, over PBFT or Raft.
//!
//! The log decides an order of [`Entry`]s, the machine what they do. A node holds both: it passes events to
//! the log under [`Within`](super::Within), with the machine at hand, and the log asks the machine
//! ([`Ask`]) for what to propose when it is this node's turn, and tells it what is final.
//!
//! What waits to be ordered is the machine's business: its clients tell all nodes of a log, which keep it
//! until it is final. So a leader that ignores a command is found out by all others, and no command is
//! tied to one node. The log may order an entry twice, or one that was overtaken by another: the machine
//! does each command once.
//!
//! An entry is a number, a shared body, or both. The log keeps the body alive from the proposal until the
//! entry is final, and counts its length on the wire.

use crate::parameter::ParameterError;
use crate::{Context, NodeId, Protocol, Shared, Snapshot, Span, Wire};

/// What a log puts in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire, Snapshot)]
pub struct Entry {
    /// A number that names its content: a command itself, or the name of the body.
    pub value: u64,
    /// A body of the outer protocol's.
    pub body: Option<Shared>,
}

impl Entry {
    /// A body alone, by its name.
    pub fn of(body: Shared) -> Self {
        Self { value: body.id(), body: Some(body) }
    }
}

/// An entry that is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Final {
    /// Rises along the log, and is the same at all nodes. There may be numbers without an entry, and a node
    /// that was left behind may be told of a later entry only.
    pub index: u64,
    /// The entry.
    pub entry: Entry,
}

/// What a log asks its machine.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    /// What this node wants to be ordered next. `before`: entries that are not final and come before, as
    /// far as the log knows.
    Next {
        /// Oldest first: the last is the one before.
        before: &'a [Entry],
    },
    /// Whether anything waits to be ordered.
    Oldest,
    /// The last entry that it has taken.
    Last,
    /// This one is final: it takes it.
    Take(Final),
    /// An entry that may become final: logs that do not keep bodies have it kept, and name it by its value
    /// alone later.
    Keep(Entry),
}

/// What the machine says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This protocol serves no machine.
    NoMachine,
    /// An entry, or none.
    Entry(Option<Entry>),
    /// What waits longest: any number that is another one for another command.
    Oldest(Option<u64>),
    /// It has taken it, or keeps it.
    Taken,
}

impl Answer {
    /// The entry that was asked for, if there is one.
    pub fn entry(self) -> Option<Entry> {
        if let Self::Entry(entry) = self { entry } else { None }
    }

    /// What waits longest.
    pub fn oldest(self) -> Option<u64> {
        if let Self::Oldest(oldest) = self { oldest } else { None }
    }

    /// Whether there is a machine at all.
    pub fn is_served(self) -> bool {
        self != Self::NoMachine
    }
}

/// A deterministic machine over a log, as a node has it; `C` is the context of the outer protocol.
pub trait Machine<C> {
    /// Answers the log.
    fn ask(&mut self, ask: Ask<'_>, cx: &mut C) -> Answer;
}

impl<C, M: Machine<C> + ?Sized> Machine<C> for &mut M {
    fn ask(&mut self, ask: Ask<'_>, cx: &mut C) -> Answer {
        (**self).ask(ask, cx)
    }
}

/// What a log is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSetting {
    /// Nodes that have it: `0..nodes` to the log.
    pub nodes: u32,
    /// Bound on delays, for protocols that need one; others take their timeouts from it.
    pub delta: Span,
    /// The run's seed.
    pub seed: u64,
}

/// A protocol that puts entries in order for a [`Machine`].
///
/// Under a context without a machine it does what it does by itself; clients of its own it has none when made
/// by [`ReplicatedLog::of`].
pub trait ReplicatedLog: Protocol {
    /// Whether its nodes may lie, or only crash.
    const BEARS_LIES: bool;

    /// A log for a machine.
    ///
    /// # Errors
    /// When it cannot work with so many nodes.
    fn of(setting: LogSetting) -> Result<Self, ParameterError>;

    /// A body that it makes nothing of: see [`Embeds::inner`](super::Embeds::inner).
    fn nothing() -> &'static Self::Body;

    /// How many of its nodes may fail.
    fn faults(&self) -> u32;

    /// Something waits at this node that did not before.
    fn poke(&self, node: &mut Self::Node, cx: &mut impl Context<Self>);

    /// Who puts entries into the log now, as far as this node knows.
    fn proposer(&self, node: &Self::Node) -> Option<NodeId>;

    /// How long it takes at most until an entry that waits at all honest nodes is final at all of them, from
    /// when messages arrive within `delta`; `liars` of those who fail do so one after the other.
    fn bound(&self, delta: Span, liars: u32) -> Span;
}
