//! Who votes, with how much stake, and whose turn it is to propose.
//!
//! A [`Turn`] is what one height takes from the chain: the set of its validators and the state of the
//! choice of proposers. It is computed once for each block and shared by all nodes.

use std::sync::{Arc, OnceLock};

use anthill_protocol::draw::mix;
use anthill_protocol::{Digest, Snapshot, SnapshotError};

/// No place in a set.
const NOWHERE: u32 = u32::MAX;

/// Validators of a height, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    ids: Vec<u32>,
    stakes: Vec<u64>,
    /// Of each node that may ever be a validator, its place.
    places: Vec<u32>,
    total: u64,
    hash: u64,
}

impl ValidatorSet {
    /// A set of (id, stake); those without stake are left out. Ids rise.
    pub fn new(members: impl IntoIterator<Item = (u32, u64)>) -> Self {
        let mut set =
            Self { ids: vec![], stakes: vec![], places: vec![], total: 0, hash: 0x7661_6c69 };
        for (id, stake) in members.into_iter().filter(|(_, stake)| *stake > 0) {
            set.places.resize(id as usize, NOWHERE);
            set.places.push(set.ids.len() as u32);
            set.ids.push(id);
            set.stakes.push(stake);
            set.total = set.total.saturating_add(stake);
            set.hash = mix(mix(set.hash, u64::from(id)), stake);
        }
        set
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// The place of a node, if it is one of them.
    #[inline]
    pub fn place(&self, id: u32) -> Option<usize> {
        let place = *self.places.get(id as usize)?;
        (place != NOWHERE).then_some(place as usize)
    }

    pub fn has(&self, id: u32) -> bool {
        self.place(id).is_some()
    }

    pub fn id(&self, place: usize) -> u32 {
        self.ids[place]
    }

    /// The stake of a place.
    #[inline]
    pub fn stake(&self, place: usize) -> u64 {
        self.stakes[place]
    }

    pub fn stake_of(&self, id: u32) -> u64 {
        self.place(id).map_or(0, |place| self.stakes[place])
    }

    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// All stake, P.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// What headers say of it.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// More than a third of P: the paper's f + 1.
    #[inline]
    pub fn is_third(&self, stake: u64) -> bool {
        3 * u128::from(stake) > u128::from(self.total)
    }

    /// More than two thirds of P, the paper's 2f + 1; `strict` false: two thirds are enough.
    #[inline]
    pub fn is_quorum(&self, stake: u64, strict: bool) -> bool {
        let (has, needs) = (3 * u128::from(stake), 2 * u128::from(self.total));
        if strict { has > needs } else { has >= needs }
    }

    /// Who owns a unit of stake, counted through the set.
    fn owner(&self, unit: u64) -> u32 {
        let mut below = 0u64;
        for (id, stake) in self.ids.iter().zip(&self.stakes) {
            below = below.saturating_add(*stake);
            if unit < below {
                return *id;
            }
        }
        self.ids.last().copied().unwrap_or(0)
    }
}

/// The stake of every node that may be one, so that a set takes no more memory than its bytes.
impl Snapshot for ValidatorSet {
    fn save(&self, out: &mut Vec<u8>) {
        let stakes = (0..self.places.len() as u32).map(|id| self.stake_of(id));
        stakes.collect::<Vec<u64>>().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let stakes = Vec::<u64>::load(bytes)?;
        if stakes.last() == Some(&0) {
            return Err(SnapshotError("a validator without stake"));
        }
        Ok(Self::new((0..).zip(stakes)))
    }
}

/// Priorities of proposers, by place: CometBFT, `types/validator_set.go`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Priorities(Vec<i64>);

impl Priorities {
    pub(crate) fn new(set: &ValidatorSet) -> Self {
        Self(vec![0; set.len()])
    }

    /// If they are further apart than 2P, divides all towards zero; then subtracts the floored mean.
    fn scale_and_centre(&mut self, total: i64) {
        let (Some(least), Some(most)) = (self.0.iter().min(), self.0.iter().max()) else { return };
        let apart = most.saturating_sub(*least);
        let limit = total.saturating_mul(2).max(1);
        if apart > limit {
            let ratio = (i128::from(apart) + i128::from(limit) - 1) / i128::from(limit);
            self.0.iter_mut().for_each(|it| *it = (i128::from(*it) / ratio) as i64);
        }
        let sum: i128 = self.0.iter().map(|it| i128::from(*it)).sum();
        let mean = sum.div_euclid(self.0.len() as i128) as i64;
        self.0.iter_mut().for_each(|it| *it -= mean);
    }

    /// The next choice: the place with the highest priority after stakes were added; of equals the first.
    pub(crate) fn choose(&mut self, set: &ValidatorSet) -> usize {
        let total = signed(set.total());
        self.scale_and_centre(total);
        let mut best = 0;
        for place in 0..self.0.len() {
            self.0[place] = self.0[place].saturating_add(signed(set.stake(place)));
            if self.0[place] > self.0[best] {
                best = place;
            }
        }
        if let Some(chosen) = self.0.get_mut(best) {
            *chosen = chosen.saturating_sub(total);
        }
        best
    }

    /// The same for another set: newcomers begin at −(P + ⌊P/8⌋), P being the total before anybody leaves.
    pub(crate) fn moved(&self, from: &ValidatorSet, to: &ValidatorSet) -> Self {
        let left = from.ids.iter().filter(|id| !to.has(**id)).map(|id| from.stake_of(*id));
        let total = signed(left.fold(to.total(), u64::saturating_add));
        let of = |id: &u32| from.place(*id).map_or(-(total + total / 8), |place| self.0[place]);
        let mut moved = Self(to.ids.iter().map(of).collect());
        moved.scale_and_centre(signed(to.total()));
        moved
    }
}

fn signed(stake: u64) -> i64 {
    // An eighth of the range, so that sums of a few do not leave it.
    i64::try_from(stake).unwrap_or(i64::MAX).min(i64::MAX / 8)
}

/// How proposers are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    Priority,
    /// By stake, drawn from a seed: one that nobody knows before, or the parent's name.
    Random { seed: u64, from_chain: bool },
}

/// Rounds whose proposers are worked out at once.
const CHUNK: usize = 16;
/// Rounds of which the choice by priority is kept; later ones repeat them.
const ROUNDS: usize = 4_096;

/// One height's validators, and the state of the choice of its proposers.
#[derive(Debug)]
pub struct Turn {
    pub set: Arc<ValidatorSet>,
    before: Priorities,
    first: OnceLock<Vec<u32>>,
    rest: OnceLock<Vec<u32>>,
}

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        self.set == other.set && self.before == other.before
    }
}

impl Eq for Turn {}

impl Turn {
    /// The first height of a chain.
    pub fn first(set: Arc<ValidatorSet>) -> Self {
        let before = Priorities::new(&set);
        Self::with(set, before)
    }

    fn with(set: Arc<ValidatorSet>, before: Priorities) -> Self {
        Self { set, before, first: OnceLock::new(), rest: OnceLock::new() }
    }

    /// The next height, with the same set or another.
    pub fn next(&self, set: Option<Arc<ValidatorSet>>) -> Self {
        let mut after = self.before.clone();
        after.choose(&self.set);
        match set.filter(|set| **set != *self.set) {
            None => Self::with(self.set.clone(), after),
            Some(set) => {
                let after = after.moved(&self.set, &set);
                Self::with(set, after)
            }
        }
    }

    /// The proposer of a round of height `height`, on top of the block with the name `parent`.
    pub fn proposer(&self, choice: Choice, height: u32, round: u32, parent: u64) -> u32 {
        match choice {
            Choice::Priority => self.by_priority(round as usize),
            Choice::Random { seed, from_chain } => {
                let seed = if from_chain { parent } else { seed };
                let mut bytes = [0; 8];
                bytes[..4].copy_from_slice(&height.to_le_bytes());
                bytes[4..].copy_from_slice(&round.to_le_bytes());
                let drawn = Digest::of("pos-bft proposer", seed, 0, &bytes).0;
                let word: [u8; 8] = drawn[..8].try_into().expect("32 bytes");
                self.set.owner(u64::from_le_bytes(word) % self.set.total().max(1))
            }
        }
    }

    fn by_priority(&self, round: usize) -> u32 {
        let choices = |count: usize| {
            let mut state = self.before.clone();
            let choose = |_| self.set.ids.get(state.choose(&self.set)).copied().unwrap_or(0);
            (0..count).map(choose).collect::<Vec<_>>()
        };
        if round < CHUNK {
            self.first.get_or_init(|| choices(CHUNK))[round]
        } else {
            self.rest.get_or_init(|| choices(ROUNDS))[round % ROUNDS]
        }
    }
}
