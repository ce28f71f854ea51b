//! Outputs on their way from handlers to the protocol's judges.
//!
//! Handlers push into their worker's list; at the next window boundary the leader, or the oracle,
//! puts all lists in order and lets the judges hear them. The order is that of instant and node, and
//! of one node's own handling at an instant: it is the same for any sharding. A protocol without
//! outputs compiles to nothing here.

use std::sync::{Mutex, PoisonError};

use anthill_protocol::judge::{Panel, RunEnd, Said, Setting};
use anthill_protocol::{
    Check, Key, NodeId, Output, Protocol, Snapshot, SnapshotError, Time, Wire as _,
};

use crate::conditions::Conditions;
use crate::event::trace_word;
use crate::external::Outside;
use crate::held::Held;
use crate::history::History;
use crate::live::{Live, Watched};
use crate::outcome::Violation;
use crate::run::Job;
use crate::scenario::Scenario;
use crate::schedule::{Boundary, Parcel, Schedule};

/// Whether a protocol's nodes have anything to say.
pub(crate) const fn speaks<P: Protocol>() -> bool {
    !<P::Output as Output>::KINDS.is_empty()
}

/// What happens at boundaries.
pub(crate) enum News<P: Protocol> {
    /// A judge hears of it.
    Said(Said<P::Output>),
    /// Likewise.
    Restarted { at: Key, keeps_state: bool },
    /// A held node tells the others.
    Told { at: Key, message: P::Message },
    /// The program that plays the node is told a line.
    Line { at: Key, line: String },
    /// The scheduler decides when it arrives.
    Sent { at: Key, parcel: Parcel<P::Message>, due: Time },
}

impl<P: Protocol> News<P> {
    /// What the order depends on; news of one node and instant come in the order of its handling.
    fn order(&self) -> (Time, NodeId) {
        match self {
            Self::Said(Said { at, .. })
            | Self::Restarted { at, .. }
            | Self::Told { at, .. }
            | Self::Line { at, .. }
            | Self::Sent { at, .. } => (at.time, at.target),
        }
    }
}

/// News that a worker has not handed on yet.
pub(crate) struct Outbox<P: Protocol> {
    news: Vec<News<P>>,
}

impl<P: Protocol> Default for Outbox<P> {
    fn default() -> Self {
        Self { news: Vec::new() }
    }
}

/// The event of news, until [`Outbox::stamp`] names it when the handler has returned.
fn unnamed(now: Time, node: NodeId) -> Key {
    Key { time: now, target: node, tie: 0, source: node, sequence: 0 }
}

impl<P: Protocol> Outbox<P> {
    pub(crate) fn len(&self) -> usize {
        self.news.len()
    }

    /// Takes an output.
    pub(crate) fn push(&mut self, now: Time, node: NodeId, output: P::Output) {
        self.news.push(News::Said(Said { at: unnamed(now, node), node, output }));
    }

    pub(crate) fn restarted(&mut self, now: Time, node: NodeId, keeps_state: bool) {
        self.news.push(News::Restarted { at: unnamed(now, node), keeps_state });
    }

    pub(crate) fn tell(&mut self, now: Time, node: NodeId, message: P::Message) {
        self.news.push(News::Told { at: unnamed(now, node), message });
    }

    pub(crate) fn tell_program(&mut self, now: Time, node: NodeId, line: String) {
        self.news.push(News::Line { at: unnamed(now, node), line });
    }

    pub(crate) fn send(&mut self, now: Time, parcel: Parcel<P::Message>, due: Time) {
        self.news.push(News::Sent { at: unnamed(now, parcel.from), parcel, due });
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
                News::Restarted { at, .. }
                | News::Told { at, .. }
                | News::Line { at, .. }
                | News::Sent { at, .. } => *at = key,
            }
        }
        digest
    }
}

/// The judges of a run, the held nodes' way of telling each other, and the scheduler.
pub(crate) struct Jury<'a, P: Protocol> {
    panel: Panel<P::Output>,
    held: Option<&'a Held<P>>,
    schedule: Option<Schedule<P>>,
    outside: Option<&'a Outside<'a>>,
    protocol: &'a P,
    history: Option<&'a Mutex<History>>,
    watched: Option<&'a Watched>,
    /// What judges have heard, as bytes, if the run is to be saved.
    heard: Option<Heard>,
    /// Scratch space.
    gathered: Vec<News<P>>,
}

/// Outputs and restarts, one after the other.
#[derive(Default, Snapshot)]
struct Heard {
    count: u64,
    bytes: Vec<u8>,
}

const SAID: u8 = 0;
const RESTARTED: u8 = 1;

impl<'a, P: Protocol> Jury<'a, P> {
    pub(crate) fn new(job: &Job<'a, P>, conditions: Option<&Conditions>) -> Self {
        let setting = setting(job, conditions);
        let panel = Panel::new(job.protocol.judges(&setting));
        let bound = job.network.timing().bound();
        let schedule = job.protocol.scheduler(&setting).map(|it| Schedule::new(it, bound));
        let (protocol, history) = (job.protocol, job.control.history.as_ref());
        let watched = job.control.live.as_ref().and_then(Live::watched);
        let heard = job.control.checkpoints.is_some().then(Heard::default);
        let (held, outside, gathered) = (job.held, job.outside, Vec::new());
        Self { panel, held, schedule, outside, protocol, history, watched, heard, gathered }
    }

    /// Appends what judges have heard.
    pub(crate) fn save(&self, out: &mut Vec<u8>) {
        match &self.heard {
            Some(heard) => heard.save(out),
            None => Heard::default().save(out),
        }
    }

    /// Lets the judges of a run of so many nodes hear what others have heard before it was saved.
    pub(crate) fn load(&mut self, bytes: &mut &[u8], nodes: u32) -> Result<(), SnapshotError> {
        let heard = Heard::load(bytes)?;
        let rest = &mut &heard.bytes[..];
        for _ in 0..heard.count {
            let (what, at) = <(u8, Key)>::load(rest)?;
            let node = at.target;
            if node.0 >= nodes {
                return Err(SnapshotError("an output of a node that is not there"));
            }
            match what {
                SAID => {
                    let output = P::Output::read(rest);
                    let output =
                        output.map_err(|_| SnapshotError("an output that does not decode"))?;
                    let said = Said { at, node, output };
                    self.panel.hear(&said);
                    self.watched.iter().for_each(|all| all.hear::<P>(node, &said.output));
                    if let Some(history) = self.history {
                        let mut history = history.lock().unwrap_or_else(PoisonError::into_inner);
                        history.hear(self.protocol, &said);
                    }
                }
                RESTARTED => self.panel.restarted(node, bool::load(rest)?),
                _ => return Err(SnapshotError("no such output")),
            }
        }
        if !rest.is_empty() {
            return Err(SnapshotError("more outputs than there are"));
        }
        if let Some(own) = &mut self.heard {
            *own = heard;
        }
        Ok(())
    }

    /// Takes a worker's news.
    pub(crate) fn gather(&mut self, outbox: &mut Outbox<P>) {
        let is_kept = self.history.is_some() || self.heard.is_some() || self.watched.is_some();
        let is_heard = !self.panel.is_empty() || is_kept;
        let is_passed_on = self.held.is_some() || self.schedule.is_some() || self.outside.is_some();
        if !is_heard && !is_passed_on {
            outbox.news.clear();
        } else {
            self.gathered.append(&mut outbox.news);
        }
    }

    /// Lets the judges hear all that was gathered of the windows that are over, held nodes know what
    /// others of them told, and the scheduler decide; takes what it lets arrive.
    pub(crate) fn hear(
        &mut self,
        boundary: &Boundary,
        mut arrive: impl FnMut(Time, Parcel<P::Message>),
    ) {
        if !self.gathered.is_empty() {
            self.hear_gathered(boundary);
        }
        for (time, parcel) in self.schedule.iter_mut().flat_map(|all| all.arrivals(boundary)) {
            arrive(time, parcel);
        }
    }

    fn hear_gathered(&mut self, boundary: &Boundary) {
        self.gathered.sort_by_key(News::order);
        let history = self.history.map(|all| all.lock().unwrap_or_else(PoisonError::into_inner));
        let mut history = history;
        let mut told = Vec::new();
        for news in self.gathered.drain(..) {
            match news {
                News::Said(said) => {
                    if let Some(heard) = &mut self.heard {
                        heard.count += 1;
                        (SAID, said.at).save(&mut heard.bytes);
                        said.output.write(&mut heard.bytes);
                    }
                    self.panel.hear(&said);
                    self.watched.iter().for_each(|all| all.hear::<P>(said.node, &said.output));
                    if let Some(history) = &mut history {
                        history.hear(self.protocol, &said);
                    }
                    self.schedule.iter_mut().for_each(|schedule| schedule.hear(&said));
                }
                News::Restarted { at, keeps_state } => {
                    if let Some(heard) = &mut self.heard {
                        heard.count += 1;
                        (RESTARTED, at, keeps_state).save(&mut heard.bytes);
                    }
                    self.panel.restarted(at.target, keeps_state);
                }
                News::Told { at, message } => told.push((at.target, message)),
                News::Line { at, line } => {
                    self.outside.iter().for_each(|outside| outside.tell(at.time, at.target, &line));
                }
                News::Sent { parcel, due, .. } => {
                    self.schedule.iter_mut().for_each(|all| all.send(parcel, due, boundary));
                }
            }
        }
        if let Some(held) = self.held.filter(|_| !told.is_empty()) {
            held.tell_all(told.into_iter());
        }
    }

    /// What was gathered and not heard yet.
    pub(crate) fn gathered(&mut self) -> &mut Vec<News<P>> {
        &mut self.gathered
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
pub(crate) fn setting<P: Protocol>(job: &Job<'_, P>, conditions: Option<&Conditions>) -> Setting {
    let (delta, stable_from) = job.network.timing().bound();
    let Scenario { until, seed, .. } = *job.scenario;
    let ideal =
        Setting { seed, delta, stable_from, ..Setting::of(job.scenario.population(), until) };
    let setting =
        conditions.map_or(ideal, |conditions| conditions.setting(&job.scenario.conditions, ideal));
    let generic = |id: NodeId| {
        conditions.and_then(|all| all.adversary.as_ref()).is_some_and(|all| all.misleads(id))
    };
    let own = job.held.map_or(0, |held| held.count(|id| !generic(id)));
    Setting { held: setting.held + own, ..setting }
}
