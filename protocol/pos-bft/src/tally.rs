//! Votes of one round and kind: who voted, and how much stake each value has. Adding a vote is O(1).

use anthill_protocol::{Bodies, Context, Shared, Snapshot};

use crate::bodies::{Certificate, ChainBody, Kind, NIL};
use crate::protocol::PosBft;
use crate::validators::ValidatorSet;

/// Places of a set, as bits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// Adds one of `of` places; false if it was there.
    #[inline]
    pub(crate) fn insert(&mut self, place: usize, of: usize) -> bool {
        if self.0.is_empty() {
            self.0.resize(of.div_ceil(64), 0);
        }
        let Some(word) = self.0.get_mut(place / 64) else { return false };
        let bit = 1 << (place % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    pub(crate) fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}

/// The votes for one value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub(crate) struct Votes {
    pub value: u64,
    pub stake: u64,
    voters: Bits,
    /// The votes that were heard one by one, and certificates that brought others; retained.
    kept: Vec<Shared>,
    proof: Option<Shared>,
}

/// What a vote was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// Heard before, or too much.
    Known,
    /// The voter's first.
    First,
    /// Its voter has also voted for another value.
    Conflict,
}

/// All votes of a round and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Tally {
    /// Who voted for anything, and their stake: each counts once.
    voters: Bits,
    pub stake: u64,
    /// Who voted for two values.
    twice: Bits,
    values: Vec<Votes>,
    /// The value that has two thirds. With too many liars there may be another, later.
    pub winner: Option<u64>,
}

impl Tally {
    /// Counts a vote and retains it. Conflicting votes of one voter count each for its value; of one who
    /// has voted for two values only those for values that others voted for.
    pub fn add(
        &mut self,
        (place, set, strict): (usize, &ValidatorSet, bool),
        value: u64,
        vote: Shared,
        cx: &mut impl Context<PosBft>,
    ) -> Added {
        let known = self.values.iter().position(|votes| votes.value == value);
        if known.is_some_and(|known| self.values[known].voters.has(place)) {
            return Added::Known;
        }
        let has_voted = self.voters.has(place);
        if has_voted && self.twice.has(place) && known.is_none() {
            return Added::Known;
        }
        cx.retain(vote);
        self.of(value).kept.push(vote);
        self.count(place, value, set, strict);
        if has_voted { Added::Conflict } else { Added::First }
    }

    fn of(&mut self, value: u64) -> &mut Votes {
        let place = self.values.iter().position(|votes| votes.value == value);
        let place = place.unwrap_or_else(|| {
            self.values.push(Votes { value, ..Votes::default() });
            self.values.len() - 1
        });
        &mut self.values[place]
    }

    fn count(&mut self, place: usize, value: u64, set: &ValidatorSet, strict: bool) {
        let stake = set.stake(place);
        if self.voters.insert(place, set.len()) {
            self.stake = self.stake.saturating_add(stake);
        } else {
            self.twice.insert(place, set.len());
        }
        let votes = self.of(value);
        if votes.voters.insert(place, set.len()) {
            votes.stake = votes.stake.saturating_add(stake);
        }
        if set.is_quorum(votes.stake, strict) && self.winner.is_none() {
            self.winner = Some(value);
        }
    }

    /// Counts the votes of a certificate, which was verified, and retains it.
    pub fn add_all(
        &mut self,
        certificate: (Shared, &Certificate),
        (set, strict): (&ValidatorSet, bool),
        cx: &mut impl Context<PosBft>,
    ) {
        let (handle, certificate) = certificate;
        let votes = self.of(certificate.value);
        if votes.proof.is_none() {
            cx.retain(handle);
            votes.proof = Some(handle);
        }
        for (voter, ..) in &certificate.votes {
            if let Some(place) = set.place(*voter) {
                self.count(place, certificate.value, set, strict);
            }
        }
    }

    /// The stake of a value.
    pub fn stake_of(&self, value: u64) -> u64 {
        self.values.iter().find(|votes| votes.value == value).map_or(0, |votes| votes.stake)
    }

    /// Whether anybody voted for another block.
    pub fn disagrees(&self, value: u64) -> bool {
        self.values.iter().any(|votes| votes.value != value && votes.value != NIL)
    }

    /// Whether a place voted for anything.
    pub fn has(&self, place: usize) -> bool {
        self.voters.has(place)
    }

    /// A vote of a place for another value (nil, too) that was heard by itself.
    pub fn other(
        &self,
        (place, voter): (usize, u32),
        value: u64,
        bodies: &impl Bodies<ChainBody>,
    ) -> Option<Shared> {
        let others = self.values.iter().filter(|it| it.value != value && it.voters.has(place));
        others
            .flat_map(|votes| votes.kept.iter())
            .copied()
            .find(|vote| bodies.get(*vote).vote().is_some_and(|vote| vote.voter == voter))
    }

    /// A certificate of two thirds for a value, if they are here.
    pub fn certify(
        &self,
        (kind, height, round): (Kind, u32, u32),
        value: u64,
        (set, strict): (&ValidatorSet, bool),
        cx: &mut impl Context<PosBft>,
    ) -> Option<Shared> {
        let bodies = cx.bodies();
        let votes = self.values.iter().find(|votes| votes.value == value)?;
        let one_by_one = votes.kept.iter().filter_map(|vote| bodies.get(*vote).vote());
        let mut all: Vec<_> =
            one_by_one.map(|vote| (vote.voter, vote.time, vote.signature)).collect();
        if let Some(proof) = votes.proof.and_then(|proof| bodies.get(proof).certificate()) {
            all.extend(proof.votes.iter().copied());
        }
        all.sort_unstable_by_key(|(voter, time, _)| (*voter, *time));
        all.dedup_by_key(|(voter, ..)| *voter);
        let stake = all.iter().fold(0u64, |sum, it| sum.saturating_add(set.stake_of(it.0)));
        if !set.is_quorum(stake, strict) {
            return None;
        }
        let certificate = Certificate { kind, height, round, value, votes: all };
        Some(cx.share(ChainBody::Certificate(certificate)))
    }

    /// Forgets all votes.
    pub fn forget(&mut self, cx: &mut impl Context<PosBft>) {
        for votes in core::mem::take(self).values {
            votes.kept.into_iter().chain(votes.proof).for_each(|vote| cx.release(vote));
        }
    }
}
