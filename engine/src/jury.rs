//! Outputs on their way from handlers to the protocol's judges.
//!
//! Handlers push into their worker's list; at the next window boundary the leader, or the oracle,
//! puts all lists in order and lets the judges hear them. The order is that of instant and node, and
//! of one node's own handling at an instant: it is the same for any sharding. A protocol without
//! outputs compiles to nothing here.

use anthill_protocol::judge::{Panel, RunEnd, Said, Setting};
use anthill_protocol::{Check, Key, NodeId, Output, Protocol, Time};

use crate::conditions::Conditions;
use crate::event::trace_word;
use crate::network::Network;
use crate::outcome::Violation;
use crate::scenario::Scenario;

/// Whether a protocol's nodes have anything to say.
pub(crate) const fn speaks<P: Protocol>() -> bool {
    !<P::Output as Output>::KINDS.is_empty()
}

/// What judges hear of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News<O> {
    Said(Said<O>),
    Restarted { at: Key, keeps_state: bool },
}

impl<O> News<O> {
    /// What the order depends on; news of one node and instant come in the order of its handling.
    fn order(&self) -> (Time, NodeId) {
        match self {
            Self::Said(Said { at, .. }) | Self::Restarted { at, .. } => (at.time, at.target),
        }
    }
}

/// News that a worker has not handed on yet.
#[derive(Debug)]
pub(crate) struct Outbox<O> {
    news: Vec<News<O>>,
}

impl<O> Default for Outbox<O> {
    fn default() -> Self {
        Self { news: Vec::new() }
    }
}

impl<O: Output> Outbox<O> {
    pub(crate) fn len(&self) -> usize {
        self.news.len()
    }

    /// Takes an output; its event is named by [`Outbox::stamp`] when the handler has returned.
    pub(crate) fn push(&mut self, now: Time, node: NodeId, output: O) {
        let at = Key { time: now, target: node, tie: 0, source: node, sequence: 0 };
        self.news.push(News::Said(Said { at, node, output }));
    }

    pub(crate) fn restarted(&mut self, at: Key, keeps_state: bool) {
        self.news.push(News::Restarted { at, keeps_state });
    }

    /// Names the event of all news from the `first` on; returns what they add to the digest.
    pub(crate) fn stamp(&mut self, first: usize, key: Key) -> u64 {
        let mut digest = 0u64;
        for (news, place) in self.news[first..].iter_mut().zip(0u64..) {
            match news {
                News::Said(said) => {
                    said.at = key;
                    let fingerprint = said.output.fold(0x6f75_7470_7574 ^ place << 48);
                    let Key { time, target, source, sequence, .. } = key;
                    let word = trace_word(time, target, source, sequence, fingerprint);
                    digest = digest.wrapping_add(word);
                }
                News::Restarted { at, .. } => *at = key,
            }
        }
        digest
    }
}

/// The judges of a run.
pub(crate) struct Jury<O> {
    panel: Panel<O>,
    /// Scratch space.
    gathered: Vec<News<O>>,
}

impl<O: Output> Jury<O> {
    pub(crate) fn new<P: Protocol<Output = O>>(
        protocol: &P,
        scenario: &Scenario,
        network: &Network,
        conditions: Option<&Conditions>,
    ) -> Self {
        let setting = setting(scenario, network, conditions);
        Self { panel: Panel::new(protocol.judges(&setting)), gathered: Vec::new() }
    }

    /// Takes a worker's news.
    pub(crate) fn gather(&mut self, outbox: &mut Outbox<O>) {
        if self.panel.is_empty() {
            outbox.news.clear();
        } else {
            self.gathered.append(&mut outbox.news);
        }
    }

    /// Lets the judges hear all that was gathered of the windows that are over.
    pub(crate) fn hear(&mut self) {
        self.gathered.sort_by_key(News::order);
        for news in self.gathered.drain(..) {
            match news {
                News::Said(said) => self.panel.hear(&said),
                News::Restarted { at, keeps_state } => self.panel.restarted(at.target, keeps_state),
            }
        }
    }

    /// Whether a judge has found a breach.
    pub(crate) fn has_findings(&self) -> bool {
        self.panel.has_findings()
    }

    /// The judges' last words: a check for each, and what they found.
    pub(crate) fn end(mut self, end: &RunEnd<'_>) -> (Vec<Check>, Vec<Violation>) {
        let checks = self.panel.end(end);
        let found = self.panel.findings().into_iter().map(|finding| Violation {
            invariant: finding.judge,
            events: finding.breaches,
            first: finding.event,
            about: Some(finding.about),
            expected: finding.expected,
        });
        (checks, found.collect())
    }
}

/// What judges may know of a scenario.
fn setting(scenario: &Scenario, network: &Network, conditions: Option<&Conditions>) -> Setting {
    let (delta, stable_from) = network.timing().bound();
    let calm = Setting {
        seed: scenario.seed,
        delta,
        stable_from,
        ..Setting::of(scenario.nodes, scenario.until)
    };
    conditions.map_or(calm, |conditions| conditions.setting(&scenario.conditions, calm))
}
