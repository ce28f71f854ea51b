//! What must hold between replicas and clients, judged from what they say.

use std::collections::BTreeMap;

use anthill_protocol::judge::{self, Breaches, HORIZON, Judge, Rule, RunEnd, Said, Setting};
use anthill_protocol::{NodeId, Span, Time};

use crate::attacks::Conduct;
use crate::messages::PbftOutput;
use crate::protocol::Pbft;

/// The judges of a run.
pub(crate) fn of(pbft: &Pbft, setting: &Setting) -> Vec<Judge<PbftOutput>> {
    use PbftOutput::{Accepted, Executed, Installed, Replied, Stable};
    let order = judge::on!(Executed { seq, digest, .. } => (seq, digest));
    let states = |said: &PbftOutput| match *said {
        Stable { seq, root } | Installed { seq, root } => Some((seq, root)),
        _ => None,
    };
    let results = |said: &PbftOutput| match *said {
        Replied { client, t, result } | Accepted { client, t, result } => {
            Some(((client, t), result))
        }
        _ => None,
    };
    let replied = judge::on!(Replied { client, t, result } => (client, t, result));
    let accepted = judge::on!(Accepted { client, t, result } => (client, t, result));
    let limit = bound(pbft, setting);
    let (safe, few) = ("at most f lie, nobody forgets", few_lie(pbft, setting));
    let (live, is_live) = ("at most f lie, partial synchrony", is_live(pbft, setting));
    let fair = pbft.attack.is_none_or(|it| it.conduct != Conduct::Equivocating)
        && (setting.held == 0 || pbft.attack.is_some());
    vec![
        Judge::new("one order", judge::agreement(order)).bound(safe, few),
        Judge::new("in order", InOrder::default()).bound(safe, few),
        Judge::new("exactly once", Once::new(pbft.outstanding)).bound(safe, few),
        Judge::new("one state", judge::agreement(states)).bound(safe, few),
        Judge::new("one result", judge::agreement(results)).bound(safe, few),
        Judge::new("accepted results", judge::validity(replied, accepted)).bound(safe, few),
        Judge::new("answered", Answered::new(pbft.n, limit, setting)).bound(live, is_live),
        Judge::new("executed by all", ByAll::new(pbft.n, limit, setting))
            .bound("that, and nobody equivocates", is_live && fair),
    ]
}

/// Whether safety is promised.
fn few_lie(pbft: &Pbft, setting: &Setting) -> bool {
    setting.held <= pbft.f && !setting.loses_state
}

/// Whether liveness is.
fn is_live(pbft: &Pbft, setting: &Setting) -> bool {
    let calm = !setting.crashes && !setting.loses_messages;
    few_lie(pbft, setting) && calm && setting.delta.is_some() && pbft.n > 0
}

/// How long after a request was made, or the network became stable, it is answered: the client's
/// timeout, and 2^(k+1) T + 6 Δ for k primaries that lie one after the other. T is the timeout of
/// replicas, but not less than what a batch takes behind those before it, and what it may have grown to
/// before the network was stable. Primaries that lie may make each of the requests before it wait.
pub(crate) fn bound(pbft: &Pbft, setting: &Setting) -> Span {
    let delta = setting.delta.unwrap_or(Span::ZERO);
    let in_progress = u64::from(pbft.pipeline.min(pbft.window())) * u64::from(pbft.batch);
    let rounds = u64::from(pbft.sessions()).div_ceil(in_progress.max(1));
    let queue = delta.0.saturating_mul(8 * rounds);
    let timeout = pbft.view_timeout.0.max(queue).max(setting.stable_from.0);
    let before = if setting.held > 0 { u64::from(pbft.sessions().max(1)) } else { 1 };
    let liars = setting.held.min(pbft.f).min(40);
    Span(timeout) * before * (2 << liars) + delta * 6 + pbft.view_timeout
}

/// Every replica executes 1, 2, 3 … or jumps to a state that is further, in views that do not fall.
#[derive(Default)]
struct InOrder {
    last: BTreeMap<NodeId, (u32, u32)>,
}

impl Rule<PbftOutput> for InOrder {
    fn hear(&mut self, said: &Said<PbftOutput>, breaches: &mut Breaches) {
        let (executed, view) = self.last.entry(said.node).or_default();
        match said.output {
            PbftOutput::Executed { seq, view: now, .. } => {
                if seq != executed.saturating_add(1) {
                    breaches.output(said, &format!("{executed} was its last"));
                }
                if now < *view {
                    breaches.output(said, &format!("it was in view {view}"));
                }
                (*executed, *view) = (seq, now);
            }
            PbftOutput::Installed { seq, .. } => {
                if seq <= *executed {
                    breaches.output(said, &format!("it had executed {executed}"));
                }
                *executed = seq;
            }
            PbftOutput::View { v } => {
                if v < *view {
                    breaches.output(said, &format!("it was in view {view}"));
                }
                *view = v;
            }
            _ => {}
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.last.remove(&node);
        }
    }
}

/// No replica executes a request of a client's session twice, or an older one after it.
struct Once {
    outstanding: u32,
    /// By replica, client and session of the client.
    last: BTreeMap<(NodeId, u32, u32), u32>,
}

impl Once {
    fn new(outstanding: u32) -> Self {
        Self { outstanding, last: BTreeMap::new() }
    }
}

impl Rule<PbftOutput> for Once {
    fn hear(&mut self, said: &Said<PbftOutput>, breaches: &mut Breaches) {
        let PbftOutput::Replied { client, t, .. } = said.output else { return };
        let slot = t.wrapping_sub(1) % self.outstanding;
        let last = self.last.entry((said.node, client, slot)).or_default();
        if t <= *last {
            breaches.output(said, &format!("it had executed {last} of that client"));
        }
        *last = t;
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.last.retain(|(of, ..), _| *of != node);
        }
    }
}

/// When something is due that began at an instant.
#[derive(Clone, Copy)]
struct Limit {
    after: Span,
    stable_from: Time,
}

impl Limit {
    fn of(self, began: Time) -> Time {
        began.max(self.stable_from) + self.after
    }
}

/// Every request is answered in time.
pub(crate) struct Answered {
    /// The node of client 0.
    first: u32,
    limit: Limit,
    open: BTreeMap<(u32, u32), Time>,
}

impl Answered {
    pub(crate) fn new(first: u32, after: Span, setting: &Setting) -> Self {
        let limit = Limit { after, stable_from: setting.stable_from };
        Self { first, limit, open: BTreeMap::new() }
    }
}

impl Rule<PbftOutput> for Answered {
    fn hear(&mut self, said: &Said<PbftOutput>, breaches: &mut Breaches) {
        match said.output {
            PbftOutput::Asked { client, t } => {
                self.open.insert((client, t), self.limit.of(said.at.time));
            }
            PbftOutput::Accepted { client, t, .. } => {
                let due = self.open.remove(&(client, t));
                if let Some(due) = due.filter(|due| said.at.time > *due) {
                    breaches.output(said, &format!("it was due at {due}"));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let mut open = 0;
        for ((client, t), due) in &self.open {
            let node = NodeId(self.first.saturating_add(*client));
            if end.excused.binary_search(&node).is_ok() {
            } else if *due < end.time {
                breaches.missing(format!("request {t} of {node} has no answer by {due}"));
            } else {
                open += 1;
            }
        }
        let why = || format!("{open} requests were not answered, and not due by {}", end.time);
        if open > 0 { Err(why()) } else { Ok(()) }
    }
}

/// What one replica has executed all others execute, or take over, in time.
pub(crate) struct ByAll {
    replicas: u32,
    limit: Limit,
    /// When each number is due, from 1 on.
    due: Vec<Time>,
    /// By replica, how far it is.
    at: Vec<u32>,
}

impl ByAll {
    pub(crate) fn new(replicas: u32, after: Span, setting: &Setting) -> Self {
        let limit = Limit { after, stable_from: setting.stable_from };
        Self { replicas, limit, due: Vec::new(), at: vec![0; replicas as usize] }
    }
}

impl Rule<PbftOutput> for ByAll {
    fn hear(&mut self, said: &Said<PbftOutput>, breaches: &mut Breaches) {
        let (PbftOutput::Executed { seq, .. } | PbftOutput::Installed { seq, .. }) = said.output
        else {
            return;
        };
        let Some(at) = self.at.get_mut(said.node.index()) else { return };
        let first = core::mem::replace(at, seq);
        if seq as usize <= HORIZON && self.due.len() < seq as usize {
            self.due.resize(seq as usize, self.limit.of(said.at.time));
        }
        let due = self.due.get(first as usize);
        if let Some(due) = due.filter(|due| said.at.time > **due) {
            breaches.output(said, &format!("{} was due at {due}", first.saturating_add(1)));
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let mut behind = 0;
        for (node, at) in (0..self.replicas).map(NodeId).zip(&self.at) {
            let Some(due) = self.due.get(*at as usize) else { continue };
            if end.excused.binary_search(&node).is_ok() {
            } else if *due < end.time {
                breaches.missing(format!("{node} has not executed {} by {due}", at + 1));
            } else {
                behind += 1;
            }
        }
        if self.due.len() >= HORIZON {
            return Err(format!("more than {HORIZON} numbers"));
        }
        let why = || format!("{behind} replicas are behind, and not late by {}", end.time);
        if behind > 0 { Err(why()) } else { Ok(()) }
    }
}
