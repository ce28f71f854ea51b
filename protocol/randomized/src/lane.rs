//! One agreement: who takes part, and what all rules have in common.

use anthill_protocol::kit::Group;
use anthill_protocol::{Context, NodeId, Snapshot, Time};

use crate::messages::{RandomizedMessage, Says};
use crate::metrics::RandomizedMetric;
use crate::protocol::Randomized;

/// An agreement, as a member of its group sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    pub(crate) group: Group,
    /// Which of the group's agreements.
    pub(crate) instance: u32,
    /// Which of all agreements.
    pub(crate) number: u32,
    /// The place of this node in its group.
    pub(crate) me: usize,
}

impl Lane {
    pub(crate) fn members(&self) -> u32 {
        self.group.size
    }

    pub(crate) fn place_of(&self, node: NodeId) -> usize {
        self.group.place_of(node)
    }

    pub(crate) fn tell_all(&self, cx: &mut impl Context<Randomized>, message: RandomizedMessage) {
        for other in self.group.others(cx.id()) {
            cx.send(other, message);
        }
    }
}

/// How far a node is. Rounds are counted from 1; before the first it is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub(crate) struct Progress {
    pub(crate) round: u32,
    /// The bit it goes into the round with.
    pub(crate) bit: bool,
    pub(crate) decided: Option<bool>,
}

impl Progress {
    /// The first decision stands.
    pub(crate) fn decide(&mut self, lane: &Lane, bit: bool, cx: &mut impl Context<Randomized>) {
        if self.decided.is_none() {
            self.decided = Some(bit);
            cx.output(Says::Decided { lane: lane.number, bit, round: self.round });
            cx.record(RandomizedMetric::Decided, 1);
            cx.record(RandomizedMetric::Decision, cx.now().since(Time::ZERO).0);
        }
    }

    /// A round is over; `witness`: this node stands for all honest ones of its group.
    pub(crate) fn end_round(&self, witness: bool, cx: &mut impl Context<Randomized>) {
        cx.record(RandomizedMetric::Rounds, self.round.into());
        cx.record(RandomizedMetric::NodeRounds, 1);
        let after = RandomizedMetric::UNDECIDED_AFTER.get(self.round as usize - 1);
        if let Some(metric) = after.filter(|_| witness && self.decided.is_none()) {
            cx.record(*metric, 1);
        }
    }
}

/// What a node keeps of a round, made when first asked for. `kept` is in order of rounds.
pub(crate) fn of_round<T>(
    kept: &mut Vec<(u32, T)>,
    round: u32,
    make: impl FnOnce() -> T,
) -> &mut T {
    let place = match kept.binary_search_by_key(&round, |(round, _)| *round) {
        Ok(place) => place,
        Err(place) => {
            kept.insert(place, (round, make()));
            place
        }
    };
    &mut kept[place].1
}

/// Marks that a member has said something; false if it had.
pub(crate) fn first_time(heard: &mut [u8], place: usize, what: u8) -> bool {
    heard.get_mut(place).is_some_and(|flags| {
        let first = *flags & what == 0;
        *flags |= what;
        first
    })
}
