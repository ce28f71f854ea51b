//! What must hold, judged from what nodes say.

use std::collections::BTreeMap;

use anthill_protocol::judge::{self, Breaches, Judge, Rule, RunEnd, Said, Setting};
use anthill_protocol::{NodeId, Span, Time};

use crate::exchange::Exchange;
use crate::insider::Insiders;
use crate::messages::Says;
use crate::state::audited;

/// The judges of a run.
pub(crate) fn of(exchange: &Exchange, setting: &Setting) -> Vec<Judge<Says>> {
    let layout = exchange.terrain.layout;
    let executed = judge::on!(Says::Executed { chain, height, block, book, accounts, .. } =>
        (chain, height, (block, book, accounts)));
    let few =
        "at most f of a chain fail, nobody forgets, and messages arrive in time over Dolev-Strong";
    let is_safe = few_fail(exchange, setting);
    let is_two_phase = exchange.arbitrage == "two-phase";
    let mut judges = vec![
        Judge::new("one state", judge::prefix(layout.group, executed)).bound(few, is_safe),
        Judge::new("both legs or neither", Legs::default())
            .bound("two-phase, and at most f of a chain fail", is_safe && is_two_phase),
    ];
    let rules = [
        ("cash and assets are conserved", audited::CONSERVED),
        ("what is promised is covered", audited::COVERED),
        ("the book is never crossed", audited::UNCROSSED),
        ("price and time priority", audited::PRIORITY),
        ("within limits", audited::LIMITS),
    ];
    judges.extend(rules.map(|(name, bit)| Judge::new(name, Audited(bit))));
    if let Some(reporting) = exchange.terrain.reporting {
        judges.push(
            Judge::new("the oracle is among honest reports", Audited(audited::ORACLE))
                .bound("no more makers lie than the oracle's rule bears", reporting.is_sound()),
        );
    }
    let calm = !setting.crashes && !setting.loses_messages;
    let within = is_safe && calm && setting.delta.is_some_and(|delta| delta <= exchange.delta);
    judges.push(
        Judge::new("answered in time", Answered::new(exchange, setting))
            .bound("that, nobody goes down, and messages arrive within delta", within),
    );
    if is_two_phase {
        judges.push(
            Judge::new("reservations end", Ends::new(exchange, setting))
                .bound("that, nobody goes down, and messages arrive within delta", within),
        );
    }
    judges
}

/// Whether no more fail than a chain bears; they may all be of one.
fn few_fail(exchange: &Exchange, setting: &Setting) -> bool {
    let Some(log) = exchange.log() else { return false };
    let is_timely = setting.delta.is_some_and(|delta| delta <= exchange.delta);
    if log.is_synchronous() && (!is_timely || setting.loses_messages) {
        return false;
    }
    let most = if log.bears_lies() { log.faults() } else { 0 };
    let liars = exchange.insiders.filter(Insiders::are_makers);
    if let Some(insiders) = exchange.insiders.filter(|_| liars.is_none()) {
        return insiders.count <= most && !setting.loses_state;
    }
    // Where nobody tells who was down what it missed, a liar may tell it something else.
    let held = if liars.is_some() { 0 } else { setting.held };
    let is_told = log.catches_up() || held == 0 || !setting.crashes;
    held <= most && !setting.loses_state && is_told
}

/// A rule of the audit.
struct Audited(u8);

impl Rule<Says> for Audited {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        if let Says::Executed { audit, .. } = said.output
            && audit & self.0 != 0
        {
            breaches.output(said, "the audit of this block found it");
        }
    }
}

/// Both legs of a trade over two venues, or neither; and only if both have voted yes.
#[derive(Default)]
struct Legs {
    votes: BTreeMap<(u32, u32), bool>,
    ended: BTreeMap<u32, Vec<Said<Says>>>,
}

impl Rule<Says> for Legs {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        match said.output {
            Says::Voted { venue, number, yes } => {
                self.votes.insert((venue, number), yes);
            }
            Says::Leg { venue, number, settled } => {
                let ended = self.ended.entry(number).or_default();
                let other = ended.iter().find(
                    |it| matches!(it.output, Says::Leg { settled: other, .. } if other != settled),
                );
                if let Some(other) = other {
                    breaches.contradiction(other, said);
                }
                if settled && self.votes.get(&(venue, number)) == Some(&false) {
                    breaches.output(said, "its venue has voted no");
                }
                if !ended.iter().any(|it| it.output == said.output) {
                    ended.push(*said);
                }
            }
            _ => {}
        }
    }
}

/// How long after the network is stable something final follows from what waits.
fn bound(exchange: &Exchange, setting: &Setting) -> Span {
    let delta = setting.delta.unwrap_or(Span::ZERO).max(exchange.delta);
    exchange.log().map_or(Span::ZERO, |log| log.bound(delta, setting.held))
}

/// Every leg that is reserved is settled or let go in time: prepared and voted, given up if the other vote
/// does not come, decided, and the decision heard, each on one chain's log after the other.
struct Ends {
    after: Span,
    stable_from: Time,
    open: BTreeMap<(NodeId, u32, u32), Time>,
}

impl Ends {
    fn new(exchange: &Exchange, setting: &Setting) -> Self {
        let after = exchange.terrain.patience + bound(exchange, setting) * 6 + exchange.retry() * 4;
        Self { after, stable_from: setting.stable_from, open: BTreeMap::new() }
    }
}

impl Rule<Says> for Ends {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        match said.output {
            Says::Voted { venue, number, .. } => {
                let due = said.at.time.max(self.stable_from) + self.after;
                self.open.insert((said.node, venue, number), due);
            }
            Says::Leg { venue, number, .. } => {
                let due = self.open.remove(&(said.node, venue, number));
                if let Some(due) = due.filter(|due| said.at.time > *due) {
                    breaches.output(said, &format!("it was due at {due}"));
                }
            }
            _ => {}
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.open.retain(|(of, ..), _| *of != node);
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        for ((node, venue, number), due) in &self.open {
            if *due < end.time && end.excused.binary_search(node).is_err() {
                let what = format!(
                    "leg {number} of venue {venue} is reserved at {node} since before {due}"
                );
                breaches.missing(what);
            }
        }
        Ok(())
    }
}

/// Every request is answered in time.
struct Answered {
    after: Span,
    stable_from: Time,
    open: BTreeMap<(NodeId, u32, u32), Time>,
}

impl Answered {
    fn new(exchange: &Exchange, setting: &Setting) -> Self {
        let delta = setting.delta.unwrap_or(Span::ZERO).max(exchange.delta);
        let bound = bound(exchange, setting);
        // A request may have been lost to who is to propose, and blocks may be full before it.
        let sealed = exchange.terrain.reveal_within + exchange.retry();
        let after = bound * 4 + exchange.retry() * 2 + delta * 4 + sealed;
        Self { after, stable_from: setting.stable_from, open: BTreeMap::new() }
    }
}

impl Rule<Says> for Answered {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        match said.output {
            Says::Asked { venue, request } => {
                let due = said.at.time.max(self.stable_from) + self.after;
                self.open.insert((said.node, venue, request), due);
            }
            Says::Answered { venue, request, .. } => {
                let due = self.open.remove(&(said.node, venue, request));
                if let Some(due) = due.filter(|due| said.at.time > *due) {
                    breaches.output(said, &format!("it was due at {due}"));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let mut open = 0;
        for ((node, venue, request), due) in &self.open {
            if end.excused.binary_search(node).is_ok() {
            } else if *due < end.time {
                breaches.missing(format!(
                    "request {request} of {node} to venue {venue} has no answer by {due}"
                ));
            } else {
                open += 1;
            }
        }
        let why = || format!("{open} requests were not answered, and not due by {}", end.time);
        if open > 0 { Err(why()) } else { Ok(()) }
    }
}
