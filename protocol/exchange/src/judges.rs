//! What must hold, judged from what nodes say.

use std::collections::BTreeMap;

use anthill_protocol::judge::{self, Breaches, Judge, Rule, RunEnd, Said, Setting};
use anthill_protocol::{NodeId, Span, Time};

use crate::exchange::Exchange;
use crate::messages::Says;
use crate::state::audited;

/// The judges of a run.
pub(crate) fn of(exchange: &Exchange, setting: &Setting) -> Vec<Judge<Says>> {
    let layout = exchange.terrain.layout;
    let executed = judge::on!(Says::Executed { chain, height, block, book, accounts, .. } =>
        (chain, height, (block, book, accounts)));
    let few = "at most f of a chain fail, and nobody forgets";
    let is_safe = few_fail(exchange, setting);
    let mut judges = vec![
        Judge::new("one state", judge::prefix(layout.group, executed)).bound(few, is_safe),
        Judge::new("both legs or neither", Legs::default()).bound(few, is_safe),
    ];
    let rules = [
        ("cash and assets are conserved", audited::CONSERVED),
        ("what is promised is covered", audited::COVERED),
        ("the book is never crossed", audited::UNCROSSED),
        ("price and time priority", audited::PRIORITY),
        ("within limits", audited::LIMITS),
    ];
    judges.extend(rules.map(|(name, bit)| Judge::new(name, Audited(bit))));
    let calm = !setting.crashes && !setting.loses_messages;
    let within = is_safe && calm && setting.delta.is_some_and(|delta| delta <= exchange.delta);
    judges.push(
        Judge::new("answered in time", Answered::new(exchange, setting))
            .bound("that, nobody goes down, and messages arrive within delta", within),
    );
    judges
}

/// Whether no more fail than a chain bears; they may all be of one.
fn few_fail(exchange: &Exchange, setting: &Setting) -> bool {
    let Some(log) = exchange.log() else { return false };
    let most = if log.bears_lies() { log.faults() } else { 0 };
    setting.held <= most && !setting.loses_state
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

/// Every request is answered in time.
struct Answered {
    after: Span,
    stable_from: Time,
    open: BTreeMap<(NodeId, u32, u32), Time>,
}

impl Answered {
    fn new(exchange: &Exchange, setting: &Setting) -> Self {
        let delta = setting.delta.unwrap_or(Span::ZERO).max(exchange.delta);
        let bound = exchange.log().map_or(Span::ZERO, |log| log.bound(delta, setting.held));
        // A request may have been lost to who is to propose, and blocks may be full before it.
        let after = bound * 4 + exchange.retry() * 2 + delta * 4;
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
