//! Lock step against Ben-Or's protocol: when all reports of a round are there, f of those for the majority's bit
//! are hidden from everybody. If that leaves no majority, nobody proposes anything and all toss. So a
//! round in which all have tossed decides with probability 2 P[Bin(n, 1/2) > n/2 + f].

use super::{Cast, Plan};
use crate::messages::{RandomizedMessage, Says};
use crate::protocol::Randomized;

pub(crate) struct LockStep {
    cast: Cast,
    /// By round, from 1: the reports of each node.
    reports: Vec<Vec<Option<bool>>>,
    /// Whether each node has ended its reports, by round.
    proposed: Vec<Vec<bool>>,
    over: bool,
}

fn of<T: Clone>(rounds: &mut Vec<Vec<T>>, round: u32, members: usize, none: T) -> &mut Vec<T> {
    let place = round as usize;
    if rounds.len() <= place {
        rounds.resize(place + 1, vec![none; members]);
    }
    &mut rounds[place]
}

impl LockStep {
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

impl Plan for LockStep {
    fn new(_: &Randomized, cast: Cast) -> Self {
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

    fn said(&mut self, _: usize, says: &Says) {
        self.over |= matches!(says, Says::Decided { .. });
    }

    fn passes(&self, from: usize, to: usize, message: &RandomizedMessage) -> bool {
        let RandomizedMessage::Report { round, .. } = *message else { return true };
        let Some(reports) = self.reports.get(round as usize) else { return self.over };
        let proposed = self.proposed.get(round as usize);
        self.over
            || proposed.is_some_and(|proposed| proposed[to])
            || reports.iter().all(Option::is_some) && !self.hides(reports, from, to)
    }
}
