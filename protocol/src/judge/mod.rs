//! What must hold between nodes, judged from what they say: agreement, one leader a term, a decision
//! in time.
//!
//! A [`Judge`] hears the outputs of all honest nodes in the order of their events' keys, at the end of
//! every window, so a verdict is the same for any sharding and costs handlers nothing. It states its
//! bound, the conditions under which the statement must hold ([`Setting`]): outside, a breach is a
//! measurement. Most protocols need only the standard rules:
//!
//! | rule | says |
//! |---|---|
//! | [`one_per`] | at most one node for each key: leaders of a term |
//! | [`agreement`] | one value for each key: the block of a height |
//! | [`prefix`] | that, and each node says its keys 1, 2, 3 … in order: a replicated log |
//! | [`validity`] | nothing is decided that nobody proposed |
//! | [`eventually_by`] | every node that is up has said it by a deadline |
//!
//! ```
//! use anthill_protocol::judge::{self, Judge, Panel, Said};
//! use anthill_protocol::{Key, NodeId, Output, Time};
//!
//! #[derive(Clone, Copy, Debug, Output)]
//! enum Raft {
//!     Leader { term: u32 },
//! }
//!
//! let leaders = judge::one_per(judge::on!(Raft::Leader { term } => term));
//! let judge = Judge::new("election safety", leaders);
//! let mut panel = Panel::new(vec![judge]);
//! for (time, node) in [(5, 917), (9, 919)] {
//!     let (node, time) = (NodeId(node), Time(time));
//!     let key = Key { time, target: node, tie: 0, source: node, sequence: 0 };
//!     panel.hear(&Said { at: key, node, output: Raft::Leader { term: 1 } });
//! }
//! assert_eq!(
//!     panel.findings()[0].about,
//!     "n917: Leader { term: 1 } at 5ns; n919: Leader { term: 1 } at 9ns"
//! );
//! ```

mod eventually;
mod panel;
mod rules;
#[cfg(test)]
mod tests;

pub use eventually::eventually_by;
pub use panel::{Finding, Panel};
pub use rules::{agreement, one_per, prefix, validity};

/// What a rule looks at in outputs of one kind, as a function of any output:
/// `judge::on!(Said::Leader { term } => term)`. Of others it is `None`.
#[macro_export]
#[doc(hidden)]
macro_rules! __judge_on {
    ($pattern:pat => $value:expr) => {
        |output: &_| match *output {
            $pattern => ::core::option::Option::Some($value),
            #[allow(unreachable_patterns)]
            _ => ::core::option::Option::None,
        }
    };
}
pub use crate::__judge_on as on;

use core::fmt::Debug;

use crate::{Key, NodeId, Span, Time};

/// Open keys that a rule remembers by default; one that would need more stops judging and says so.
pub const HORIZON: usize = 1 << 20;

/// What a scenario does to nodes and messages, as far as bounds of judges depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Number of nodes.
    pub nodes: u32,
    /// The run's seed.
    pub seed: u64,
    /// Events with time below this run.
    pub until: Time,
    /// Of the nodes, those that an adversary holds.
    pub held: u32,
    /// Whether nodes go down: by crashes, churn or a file of downtimes.
    pub crashes: bool,
    /// Whether a node may lose its state when it does.
    pub loses_state: bool,
    /// Whether messages may be lost, cut off, doubled or damaged.
    pub loses_messages: bool,
    /// Every message that is not lost arrives within this, from [`Setting::stable_from`] on; `None`:
    /// nothing is promised.
    pub delta: Option<Span>,
    /// From when on: zero, or the global stabilisation time.
    pub stable_from: Time,
}

impl Setting {
    /// Some nodes on a network without faults and promises.
    pub fn of(nodes: u32, until: Time) -> Self {
        Self {
            nodes,
            seed: 0,
            until,
            held: 0,
            crashes: false,
            loses_state: false,
            loses_messages: false,
            delta: None,
            stable_from: Time::ZERO,
        }
    }
}

/// One statement about the outputs of all nodes.
pub struct Judge<O> {
    name: &'static str,
    bound: &'static str,
    within: bool,
    rule: Box<dyn Rule<O>>,
}

impl<O> Judge<O> {
    /// A statement that holds always.
    pub fn new(name: &'static str, rule: impl Rule<O> + 'static) -> Self {
        Self { name, bound: "always", within: true, rule: Box::new(rule) }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What the statement holds for.
    pub fn holds_for(&self) -> &'static str {
        self.bound
    }

    /// The same as a statement that holds under a condition: in words, and whether the scenario keeps
    /// it. Where it does not, a breach is a measurement.
    #[must_use]
    pub fn bound(self, bound: &'static str, within: bool) -> Self {
        Self { bound, within, ..self }
    }
}

/// What finds breaches of a statement.
pub trait Rule<O>: Send {
    /// Hears the next output, in the order of keys.
    fn hear(&mut self, said: &Said<O>, breaches: &mut Breaches);

    /// A node has come up again. Without its state it is a new node under an old name.
    fn restarted(&mut self, _node: NodeId, _keeps_state: bool) {}

    /// The run has ended at an instant; `down`: the honest nodes that are down then.
    ///
    /// # Errors
    /// In words, why nothing can be said: the run ended too early, or there was too much to remember.
    fn end(&mut self, _end: &RunEnd<'_>, _breaches: &mut Breaches) -> Result<(), String> {
        Ok(())
    }
}

/// How a run ended, for judges.
#[derive(Clone, Copy, Debug)]
pub struct RunEnd<'a> {
    /// All that happens before this instant has happened.
    pub time: Time,
    /// Number of nodes.
    pub nodes: u32,
    /// Nodes of which nothing can be expected: held by an adversary, or down. In order.
    pub excused: &'a [NodeId],
}

/// What one output, or the end of a run, breaches.
#[derive(Debug, Default)]
pub struct Breaches {
    found: Vec<(Option<Key>, String)>,
}

impl Breaches {
    /// Two outputs that contradict each other; the second is the one that was just heard.
    pub fn contradiction<O: Debug>(&mut self, first: &Said<O>, second: &Said<O>) {
        self.found.push((Some(second.at), format!("{first}; {second}")));
    }

    /// An output that should not have been.
    pub fn output<O: Debug>(&mut self, said: &Said<O>, why: &str) {
        self.found.push((Some(said.at), format!("{said}: {why}")));
    }

    /// Something that should have happened by the end.
    pub fn missing(&mut self, what: String) {
        self.found.push((None, what));
    }
}

/// An output of a node, with its event.
#[derive(Clone, Copy, Debug)]
pub struct Said<O> {
    /// The event.
    pub at: Key,
    /// The node.
    pub node: NodeId,
    /// What it said.
    pub output: O,
}

impl<O: Debug> core::fmt::Display for Said<O> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {:?} at {}", self.node, self.output, self.at.time)
    }
}
