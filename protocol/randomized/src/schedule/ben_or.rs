//! Plans against Ben-Or's protocol, for crashes. Both hide f of the reports for the majority's bit from everybody. If
//! that leaves no majority, nobody proposes anything and all toss.
//!
//! **Lock step.** All toss at once: a round in which all have tossed decides with probability
//! 2 P[Bin(n, 1/2) > n/2 + f].
//!
//! **One by one.** Nodes end a round one after the other, and what has fallen is seen before the next one is
//! shown anything. The last node of the group waits for its reports meanwhile. Should the majority's bit become
//! too rare for the next round to stay open, that node is shown the majority: it proposes the bit, and all
//! that are left take it. So only the other bit can be too rare, and for odd n a round decides with half the
//! probability, P[Bin(n, 1/2) > n/2 + f]: 2^-n for n = 2f + 1.

use super::{Cast, Plan};
use crate::messages::{RandomizedMessage, Says};
use crate::protocol::Randomized;

/// What both plans watch.
struct Watch {
    cast: Cast,
    /// By round, from 1: the reports of each node.
    reports: Vec<Vec<Option<bool>>>,
    /// Whether each node has ended its reports, by round.
    proposed: Vec<Vec<bool>>,
    /// Whether somebody has decided.
    over: bool,
}

fn of<T: Clone>(rounds: &mut Vec<Vec<T>>, round: u32, members: usize, none: T) -> &mut Vec<T> {
    let place = round as usize;
    if rounds.len() <= place {
        rounds.resize(place + 1, vec![none; members]);
    }
    &mut rounds[place]
}

impl Watch {
    fn new(cast: Cast) -> Self {
        Self { cast, reports: Vec::new(), proposed: Vec::new(), over: false }
    }

    fn sent(&mut self, from: usize, message: &RandomizedMessage) {
        let members = self.cast.members;
        match *message {
            RandomizedMessage::Report { round, bit, .. } => {
                of(&mut self.reports, round, members, None)[from] = Some(bit);
            }
            RandomizedMessage::Proposal { round, .. } => {
                of(&mut self.proposed, round, members, false)[from] = true;
            }
            _ => {}
        }
    }

    fn said(&mut self, says: &Says) {
        self.over |= matches!(says, Says::Decided { .. });
    }

    /// What a node reports in a round, if it has.
    fn report(&self, round: u32, node: usize) -> Option<bool> {
        *self.reports.get(round as usize)?.get(node)?
    }

    fn has_proposed(&self, round: u32, node: usize) -> bool {
        self.proposed.get(round as usize).is_some_and(|proposed| proposed[node])
    }

    /// The reports of a round, once all are there.
    fn whole(&self, round: u32) -> Option<&[Option<bool>]> {
        let reports = self.reports.get(round as usize)?;
        reports.iter().all(Option::is_some).then_some(reports)
    }

    /// Whether a node's report of a round is one of those hidden from another.
    fn hides(&self, reports: &[Option<bool>], from: usize, to: usize) -> bool {
        let ones = reports.iter().filter(|bit| **bit == Some(true)).count();
        let majority = 2 * ones > self.cast.members;
        let others = reports.iter().enumerate();
        let mut hidden = others
            .filter(|(place, bit)| *place != to && **bit == Some(majority))
            .map(|(place, _)| place)
            .take(self.cast.faults);
        hidden.any(|place| place == from)
    }
}

/// All toss at once.
pub(crate) struct LockStep(Watch);

impl Plan for LockStep {
    fn new(_: &Randomized, cast: Cast) -> Self {
        Self(Watch::new(cast))
    }

    fn sent(&mut self, from: usize, message: &RandomizedMessage) {
        self.0.sent(from, message);
    }

    fn said(&mut self, _: usize, says: &Says) {
        self.0.said(says);
    }

    fn passes(&self, from: usize, to: usize, message: &RandomizedMessage) -> bool {
        let RandomizedMessage::Report { round, .. } = *message else { return true };
        self.0.over
            || self.0.has_proposed(round, to)
            || self.0.whole(round).is_some_and(|reports| !self.0.hides(reports, from, to))
    }
}

/// One tosses after the other.
pub(crate) struct OneByOne(Watch);

impl OneByOne {
    /// The node that tosses last, and may be shown a majority.
    fn last(&self) -> usize {
        self.0.cast.members - 1
    }

    /// The first node that has not ended a round.
    fn turn(&self, round: u32) -> usize {
        let open = |node: &usize| self.0.report(round + 1, *node).is_none();
        (0..self.0.cast.members).find(open).unwrap_or(self.0.cast.members)
    }

    /// Whether all nodes from the present one on have to take the majority's bit, so that the next round has enough
    /// of it.
    fn is_rare(&self, round: u32) -> bool {
        let Some(reports) = self.0.whole(round) else { return false };
        let (members, faults) = (self.0.cast.members, self.0.cast.faults);
        let ones = reports.iter().filter(|bit| **bit == Some(true)).count();
        if 2 * ones == members {
            return false;
        }
        let (bit, turn) = (2 * ones > members, self.turn(round));
        let tossed = (0..turn).filter(|node| self.0.report(round + 1, *node) == Some(bit));
        // Of the other bit there may be n/2 + f at most.
        tossed.count() + members - turn <= members.div_ceil(2).saturating_sub(faults)
    }

    /// Whether all nodes hear a majority, whatever is hidden from them.
    fn is_settled(&self, round: u32) -> bool {
        let Some(reports) = self.0.whole(round) else { return false };
        let ones = reports.iter().filter(|bit| **bit == Some(true)).count();
        let (members, faults) = (self.0.cast.members, self.0.cast.faults);
        2 * ones.max(members - ones) > members + 2 * faults
    }

    /// Whether a node is one of the first f, two aside.
    fn is_among(&self, node: usize, aside: [usize; 2]) -> bool {
        let others = (0..self.0.cast.members).filter(|other| !aside.contains(other));
        others.take(self.0.cast.faults).any(|other| other == node)
    }

    fn passes_report(&self, round: u32, from: usize, to: usize) -> bool {
        let Some(reports) = self.0.whole(round) else { return false };
        if to != self.last() {
            return !self.0.hides(reports, from, to);
        }
        if !self.is_rare(round) {
            return self.turn(round) == to && !self.0.hides(reports, from, to);
        }
        // The majority: without f of the others.
        let ones = reports.iter().filter(|bit| **bit == Some(true)).count();
        let rare = Some(2 * ones < self.0.cast.members);
        let mut hidden = (0..to).filter(|node| reports[*node] == rare).take(self.0.cast.faults);
        !hidden.any(|node| node == from)
    }

    fn passes_proposal(&self, round: u32, from: usize, to: usize) -> bool {
        let last = self.last();
        if self.turn(round) != to {
            return false;
        }
        if to != last && self.is_rare(round) {
            return self.0.has_proposed(round, last) && !self.is_among(from, [to, last]);
        }
        to == last || from != last
    }
}

impl Plan for OneByOne {
    fn new(_: &Randomized, cast: Cast) -> Self {
        Self(Watch::new(cast))
    }

    fn sent(&mut self, from: usize, message: &RandomizedMessage) {
        self.0.sent(from, message);
    }

    fn said(&mut self, _: usize, says: &Says) {
        self.0.said(says);
    }

    fn passes(&self, from: usize, to: usize, message: &RandomizedMessage) -> bool {
        self.0.over
            || match *message {
                RandomizedMessage::Report { round, .. } => {
                    self.0.has_proposed(round, to)
                        || self.is_settled(round)
                        || self.passes_report(round, from, to)
                }
                RandomizedMessage::Proposal { round, .. } => {
                    self.0.report(round + 1, to).is_some()
                        || self.is_settled(round)
                        || self.passes_proposal(round, from, to)
                }
                _ => true,
            }
    }
}
