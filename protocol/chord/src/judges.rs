//! What must hold between nodes.
//!
//! Judges hear when nodes join and come up again, but not when they go down. So a doubt about a node
//! that a lookup or a pointer passed over stays open until that node is heard again, which proves
//! that it was there, or has come up again, or is down at the end, which excuses it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anthill_protocol::judge::{Breaches, HORIZON, Judge, Rule, RunEnd, Said, Setting};
use anthill_protocol::{NodeId, Span, Time};

use crate::Chord;
use crate::messages::ChordOutput;
use crate::ring::{Space, Table};

#[cfg(test)]
mod tests;

pub(crate) fn all(chord: &Chord, setting: &Setting) -> Vec<Judge<ChordOutput>> {
    #[cfg(test)]
    let crashes = setting.crashes || chord.crashes;
    #[cfg(not(test))]
    let crashes = setting.crashes;
    let bound = "nobody lies, nothing is lost, answers come in time, log2 n successors";
    let in_time = setting.stable_from == Time::ZERO
        && setting.delta.is_some_and(|delta| delta * 2 < chord.timeout);
    let within = setting.held == 0
        && !setting.loses_messages
        && in_time
        && (!crashes || chord.lists_suffice());
    let members = || Members::new(chord);
    // Who has handed its keys to a new node may crash before that one is known to others.
    let settled = if crashes { chord.settling() } else { Span::ZERO };
    let owner = TrueSuccessor {
        members: members(),
        settled,
        doubts: BTreeMap::new(),
        open: 0,
        full: false,
    };
    let ends = Ends { within: chord.patience + chord.timeout, open: BTreeMap::new(), full: false };
    let ring = OneRing {
        members: members(),
        successors: BTreeMap::new(),
        begun: chord.all_begun(),
        settling: chord.settling(),
    };
    vec![
        Judge::new("true successor", owner).bound(bound, within),
        Judge::new("lookups end", ends).bound(bound, within),
        Judge::new("ring_ok", ring).bound(bound, within),
    ]
}

/// Who is a member, as far as it was heard; by place in ring order.
struct Members {
    space: Space,
    table: Arc<Table>,
    /// Whether all were at the start.
    built: bool,
    /// Those of whom more is known: since when they are members; from when on they were none.
    known: BTreeMap<usize, (Option<Time>, Time)>,
    /// Those that came up after the last output: when, the next one tells.
    recent: Vec<usize>,
    /// When the last one joined or came up, at the latest.
    changed: Option<Time>,
}

impl Members {
    fn new(chord: &Chord) -> Self {
        let built = !chord.joins_in_turn();
        Self {
            space: chord.space(),
            table: chord.table().clone(),
            built,
            known: BTreeMap::new(),
            recent: Vec::new(),
            changed: None,
        }
    }

    /// Something is heard at an instant.
    fn hear(&mut self, now: Time) {
        for place in self.recent.drain(..) {
            self.known.insert(place, (None, now));
            self.changed = Some(now);
        }
    }

    fn place(&self, node: NodeId) -> usize {
        self.table.successor(&self.space, self.space.id(node))
    }

    /// Since when a node is a member, and when it was seen to be none.
    fn standing(&self, place: usize) -> (Option<Time>, Time) {
        let first = (self.built.then_some(Time::ZERO), Time::ZERO);
        self.known.get(&place).copied().unwrap_or(first)
    }

    /// Whether a node has been a member since the start, or since an instant at the latest.
    fn is_since(&self, place: usize, latest: Option<Time>) -> bool {
        let (since, _) = self.standing(place);
        let founded = self.built && !self.known.contains_key(&place);
        founded || since.zip(latest).is_some_and(|(since, latest)| since <= latest)
    }

    fn joins(&mut self, place: usize, at: Time) {
        let left = self.standing(place).1;
        self.known.insert(place, (Some(at), left));
        self.changed = Some(at);
    }

    fn leaves(&mut self, place: usize) {
        self.known.insert(place, (None, Time::MAX));
        self.recent.push(place);
    }
}

/// The owner that a lookup reaches is the first live node from the key on, at some moment of the lookup.
struct TrueSuccessor {
    members: Members,
    /// How long a node must have been a member to be missed.
    settled: Span,
    /// Lookups that passed over a node, by its place.
    doubts: BTreeMap<usize, Vec<Doubt>>,
    open: usize,
    full: bool,
}

/// A lookup whose owner was not the first member from its key on.
#[derive(Clone, Copy)]
struct Doubt {
    found: Said<ChordOutput>,
    since: Time,
    owner: usize,
}

impl TrueSuccessor {
    /// Opens a doubt about the first node, from a place up to before the owner, that may have been a
    /// member all the time.
    fn doubt(&mut self, from: usize, doubt: Doubt) {
        let len = self.members.table.len();
        let latest = doubt.since.0.checked_sub(self.settled.0).map(Time);
        let mut place = from % len;
        while place != doubt.owner {
            if self.members.is_since(place, latest) {
                self.full |= self.open >= HORIZON;
                if !self.full {
                    self.open += 1;
                    self.doubts.entry(place).or_default().push(doubt);
                }
                return;
            }
            place = (place + 1) % len;
        }
    }

    /// The node at a place was there all the time.
    fn confirm(&mut self, place: usize, breaches: &mut Breaches) {
        let doubts = self.doubts.remove(&place).unwrap_or_default();
        self.open -= doubts.len();
        for doubt in doubts {
            let passed = self.members.table.node(place);
            breaches.output(&doubt.found, &format!("{passed} was there, nearer to the key"));
        }
    }

    /// It may have been down.
    fn excuse(&mut self, place: usize) {
        let doubts = self.doubts.remove(&place).unwrap_or_default();
        self.open -= doubts.len();
        for doubt in doubts {
            self.doubt(place + 1, doubt);
        }
    }
}

impl Rule<ChordOutput> for TrueSuccessor {
    fn hear(&mut self, said: &Said<ChordOutput>, breaches: &mut Breaches) {
        let (place, now) = (self.members.place(said.node), said.at.time);
        self.members.hear(now);
        if said.output == ChordOutput::Joined {
            self.members.joins(place, now);
            self.excuse(place);
            return;
        }
        self.confirm(place, breaches);
        if let ChordOutput::Found { key, owner, since, .. } = said.output {
            let owner = self.members.place(owner);
            let (member, left) = self.members.standing(owner);
            if member.is_none() && left <= since {
                breaches.output(said, "the owner was no member");
            }
            let first = self.members.table.successor(&self.members.space, key);
            self.doubt(first, Doubt { found: *said, since, owner });
        }
    }

    fn restarted(&mut self, node: NodeId, _: bool) {
        let place = self.members.place(node);
        self.members.leaves(place);
        self.excuse(place);
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        while let Some((place, _)) = self.doubts.first_key_value() {
            let place = *place;
            if end.excused.binary_search(&self.members.table.node(place)).is_err() {
                self.confirm(place, breaches);
            } else {
                self.members.leaves(place);
                self.excuse(place);
            }
        }
        if self.full { Err(format!("more than {HORIZON} doubts at once")) } else { Ok(()) }
    }
}

/// Every lookup reaches an owner, in time.
struct Ends {
    within: Span,
    open: BTreeMap<(NodeId, u64), Said<ChordOutput>>,
    full: bool,
}

impl Rule<ChordOutput> for Ends {
    fn hear(&mut self, said: &Said<ChordOutput>, breaches: &mut Breaches) {
        match said.output {
            ChordOutput::Asked { .. } if self.open.len() >= HORIZON => self.full = true,
            ChordOutput::Asked { key } => {
                self.open.insert((said.node, key), *said);
            }
            ChordOutput::Found { key, .. } => {
                if let Some(asked) = self.open.remove(&(said.node, key))
                    && said.at.time.since(asked.at.time) > self.within
                {
                    breaches.contradiction(&asked, said);
                }
            }
            ChordOutput::Failed { key } => {
                self.open.remove(&(said.node, key));
                breaches.output(said, "the owner was not reached");
            }
            _ => {}
        }
    }

    /// Its lookups are lost with a crash.
    fn restarted(&mut self, node: NodeId, _: bool) {
        let of_node: Vec<_> = self.open.range((node, 0)..=(node, u64::MAX)).map(|e| *e.0).collect();
        of_node.iter().for_each(|lookup| {
            self.open.remove(lookup);
        });
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        for ((node, _), asked) in &self.open {
            let is_due = asked.at.time + self.within < end.time;
            if is_due && end.excused.binary_search(node).is_err() {
                breaches.output(asked, "no end");
            }
        }
        if self.full { Err(format!("more than {HORIZON} lookups at once")) } else { Ok(()) }
    }
}

/// Once nobody has joined or come up for a while, successors form one cycle in ring order.
struct OneRing {
    members: Members,
    /// Of those who said so.
    successors: BTreeMap<usize, NodeId>,
    /// When all nodes have begun to join.
    begun: Time,
    settling: Span,
}

impl OneRing {
    /// What the successor of a member should be, if it has no nearer one that is down.
    fn check(
        &self,
        place: usize,
        next: usize,
        is_down: impl Fn(NodeId) -> bool,
        breaches: &mut Breaches,
    ) {
        let Members { table, space, .. } = &self.members;
        let (node, expected) = (table.node(place), table.node(next));
        let said = self.successors.get(&place).copied();
        let successor = said.unwrap_or_else(|| table.node(place + 1));
        let [id, after, wanted] = [node, successor, expected].map(|node| space.id(node));
        // When that one went down is not known: it may have been just now.
        let waits = is_down(successor) && space.between(id, after, wanted);
        if successor != expected && !waits {
            breaches.missing(format!("{node} has the successor {successor}, not {expected}"));
        }
    }
}

impl Rule<ChordOutput> for OneRing {
    fn hear(&mut self, said: &Said<ChordOutput>, _: &mut Breaches) {
        let place = self.members.place(said.node);
        self.members.hear(said.at.time);
        match said.output {
            ChordOutput::Joined => self.members.joins(place, said.at.time),
            ChordOutput::Successor { node } => {
                self.successors.insert(place, node);
            }
            _ => {}
        }
    }

    fn restarted(&mut self, node: NodeId, _: bool) {
        let place = self.members.place(node);
        self.members.leaves(place);
        self.successors.remove(&place);
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        self.members.hear(end.time);
        let quiet_from = self.begun.max(self.members.changed.unwrap_or(Time::ZERO));
        let changes = self.members.changed.is_some() || self.begun > Time::ZERO;
        if changes && end.time <= quiet_from + self.settling {
            return Err(format!("a node joined less than {} before the end", self.settling));
        }
        let is_down = |node: NodeId| end.excused.binary_search(&node).is_ok();
        let len = self.members.table.len();
        let up = (0..len).filter(|place| !is_down(self.members.table.node(*place)));
        let (live, out): (Vec<usize>, Vec<usize>) =
            up.partition(|place| self.members.standing(*place).0.is_some());
        for place in out {
            breaches.missing(format!("{} has not joined", self.members.table.node(place)));
        }
        for (i, place) in live.iter().enumerate() {
            self.check(*place, live[(i + 1) % live.len()], is_down, breaches);
        }
        Ok(())
    }
}
