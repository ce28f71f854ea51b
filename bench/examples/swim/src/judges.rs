//! What everyone may rely on: the dead are declared dead by all, the living by nobody.

use std::collections::{BTreeMap, BTreeSet};

use anthill_protocol::judge::{Breaches, HORIZON, Judge, Rule, RunEnd, Said, Setting};
use anthill_protocol::{NodeId, Span, Time};

use crate::{Says, Swim};

const CALM: &str = "nobody lies, nothing is lost, and messages take a quarter of the period";
/// Breaches of completeness that are told one by one.
const MOST_TOLD: usize = 8;

pub(crate) fn judges(swim: &Swim, setting: &Setting) -> Vec<Judge<Says>> {
    let in_time = setting.delta.is_some_and(|delta| Span(delta.0.saturating_mul(4)) <= swim.period);
    let calm = setting.held == 0
        && !setting.loses_messages
        && in_time
        && setting.stable_from == Time::ZERO;
    let complete = Completeness::new(swim);
    let accurate = Accuracy {
        grace: swim.bound(setting.nodes, 1),
        declared: BTreeMap::new(),
        returned: BTreeSet::new(),
        until: BTreeMap::new(),
        is_full: false,
    };
    vec![
        Judge::new("the dead are declared by all", complete).bound(CALM, calm),
        Judge::new("no living member is declared dead", accurate).bound(CALM, calm),
    ]
}

/// Every member that is up knows of everyone who has been down for long enough.
struct Completeness {
    swim: Swim,
    /// When each member last said that it is up.
    up: BTreeMap<NodeId, Time>,
    /// Who holds whom to be dead.
    declared: BTreeMap<NodeId, BTreeSet<NodeId>>,
    pairs: usize,
    /// Those that have come up again missed what was said while they were down.
    returned: BTreeSet<NodeId>,
}

impl Completeness {
    fn new(swim: &Swim) -> Self {
        Self {
            swim: swim.clone(),
            up: BTreeMap::new(),
            declared: BTreeMap::new(),
            pairs: 0,
            returned: BTreeSet::new(),
        }
    }
}

impl Rule<Says> for Completeness {
    fn hear(&mut self, said: &Said<Says>, _: &mut Breaches) {
        match said.output {
            Says::Up => {
                self.up.insert(said.node, said.at.time);
            }
            Says::Declares { member, .. } if self.pairs < HORIZON => {
                let is_new = self.declared.entry(member).or_default().insert(said.node);
                self.pairs += usize::from(is_new);
            }
            Says::Declares { .. } => {}
            Says::Welcomes { member } => {
                if let Some(by) = self.declared.get_mut(&member) {
                    self.pairs -= usize::from(by.remove(&said.node));
                }
            }
        }
    }

    fn restarted(&mut self, node: NodeId, _: bool) {
        self.returned.insert(node);
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        if self.pairs == HORIZON {
            return Err(format!("{HORIZON} declarations or more to remember"));
        }
        let bound = self.swim.bound(end.nodes, end.excused.len());
        let mut told = 0;
        for dead in end.excused {
            let Some(last) = self.up.get(dead) else { continue };
            if *last + self.swim.silence() + bound > end.time {
                continue; // Not down for long enough.
            }
            let by = self.declared.get(dead);
            for node in (0..end.nodes).map(NodeId) {
                let excused = end.excused.binary_search(&node).is_ok();
                let knows = by.is_some_and(|by| by.contains(&node));
                if excused || knows || self.returned.contains(&node) {
                    continue;
                }
                if told < MOST_TOLD {
                    breaches
                        .missing(format!("{node} does not hold {dead} dead, last up at {last}"));
                }
                told += 1;
            }
        }
        Ok(())
    }
}

/// Nobody is declared dead who is up.
struct Accuracy {
    /// After a return, for so long, the suspicions of the time before may still end.
    grace: Span,
    /// The first declaration of each member since it was last known to be down.
    declared: BTreeMap<NodeId, Said<Says>>,
    returned: BTreeSet<NodeId>,
    until: BTreeMap<NodeId, Time>,
    is_full: bool,
}

impl Rule<Says> for Accuracy {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        match said.output {
            Says::Up if self.returned.remove(&said.node) => {
                self.until.insert(said.node, said.at.time + self.grace);
            }
            Says::Up => {
                if let Some(first) = self.declared.remove(&said.node) {
                    breaches.contradiction(&first, said);
                }
            }
            Says::Declares { member, .. } => {
                let in_grace = self.until.get(&member).is_some_and(|until| said.at.time < *until);
                if in_grace || self.declared.contains_key(&member) {
                    return;
                }
                self.is_full |= self.declared.len() == HORIZON;
                if !self.is_full {
                    self.declared.insert(member, *said);
                }
            }
            Says::Welcomes { .. } => {}
        }
    }

    fn restarted(&mut self, node: NodeId, _: bool) {
        self.returned.insert(node);
        self.declared.remove(&node);
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        for (member, said) in &self.declared {
            if end.excused.binary_search(member).is_err() {
                breaches.output(said, "it is up");
            }
        }
        if self.is_full {
            Err(format!("more than {HORIZON} members declared dead"))
        } else {
            Ok(())
        }
    }
}
