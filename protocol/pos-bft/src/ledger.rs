//! Stake: who has bonded how much, who signed, and what becomes of those who break the rules.
//!
//! Every unit is somewhere: Σ stake + unbonding + liquid + pots = issued. What a division leaves over and
//! what is slashed goes to pots with names.

use std::sync::Arc;

use anthill_protocol::draw::mix;
use anthill_protocol::{Span, Time};

use crate::validators::{Turn, ValidatorSet};

/// Heights over which absences are counted, and how many may be missed of them (Cosmos SDK).
pub(crate) const WINDOW: u32 = 100;
pub(crate) const MISSES: u32 = 50;
/// How long a validator is out for its absence (Cosmos SDK).
pub(crate) const JAIL: Span = Span::from_secs(600);
/// Heights within which an accusation of amnesia is to be answered.
pub(crate) const ANSWER_WITHIN: u32 = 10;
/// Evidence is too old when it is older than both (CometBFT).
pub(crate) const EVIDENCE_AGE: Span = Span::from_secs(48 * 3_600);
pub(crate) const EVIDENCE_HEIGHTS: u32 = 100_000;

/// Why somebody is slashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// Two votes or proposals of one round.
    Double,
    /// A change of mind that nothing accounts for.
    Amnesia,
    /// It was not there.
    Absence,
}

/// Stake that was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slash {
    pub accused: u32,
    pub amount: u64,
    pub offence: Offence,
}

/// What the chain knows of a node that is or may be a validator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    pub stake: u64,
    /// When it is free, and how much.
    pub unbonding: Vec<(Time, u64)>,
    /// What it owns beside, where accounts are not executed.
    pub liquid: u64,
    jailed_until: Time,
    /// For ever.
    pub is_out: bool,
    /// Of the last heights at which it was to sign, those that it missed, as bits, the last one lowest.
    absences: u128,
    pub proposed: u32,
    pub signed: u32,
    pub missed: u32,
    pub slashed: u64,
}

/// An open accusation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    pub accused: u32,
    /// The height of the deed, and that of the block with the accusation.
    pub height: u32,
    pub opened: u32,
    /// A prevote for `value` in `later`, against a precommit in `round`.
    pub round: u32,
    pub later: u32,
    pub value: u64,
}

/// How stake is dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Economy {
    pub epoch: u32,
    pub unbonding: Span,
    pub max_validators: u32,
    pub reward: u64,
    /// Of 10,000: the proposer's part.
    pub proposer_share: u64,
    /// Whether what is unbonding can be slashed.
    pub holds_unbonding: bool,
}

/// The state of all stake after a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub candidates: Vec<Candidate>,
    pub challenges: Vec<Challenge>,
    /// What was slashed, and what divisions left over.
    pub slashed: u64,
    pub remainders: u64,
    /// All that there is, and how much of it was made since the genesis.
    pub issued: u64,
    pub minted: u64,
}

impl Ledger {
    /// Some stakes, by id.
    pub fn genesis(stakes: &[u64]) -> Self {
        let candidate = |stake: &u64| Candidate { stake: *stake, ..Candidate::default() };
        Self {
            candidates: stakes.iter().map(candidate).collect(),
            issued: stakes.iter().fold(0, |sum: u64, stake| sum.saturating_add(*stake)),
            ..Self::default()
        }
    }

    /// What is accounted for here; accounts are counted elsewhere.
    pub fn held(&self) -> u64 {
        let of = |it: &Candidate| {
            it.unbonding.iter().fold(it.stake + it.liquid, |sum, (_, amount)| sum + amount)
        };
        self.candidates.iter().map(of).sum::<u64>() + self.slashed + self.remainders
    }

    pub fn hash(&self) -> u64 {
        let fold = |hash: u64, it: &Candidate| {
            let unbonding =
                it.unbonding.iter().fold(it.liquid, |hash, one| mix(hash, one.0.0 ^ one.1));
            let flags =
                u64::from(it.is_out) | u64::from(it.signed) << 1 | u64::from(it.missed) << 33;
            mix(mix(mix(hash, it.stake), mix(unbonding, it.jailed_until.0)), flags)
        };
        let start =
            mix(mix(self.slashed, self.remainders), mix(self.issued, self.challenges.len() as u64));
        self.candidates.iter().fold(start, fold)
    }

    /// The validators that an epoch ends with: the largest, of equals the first.
    pub fn elect(&self, economy: &Economy, time: Time) -> ValidatorSet {
        let mut fit: Vec<(u64, u32)> = (0u32..)
            .zip(&self.candidates)
            .filter(|(_, it)| it.stake > 0 && !it.is_out && it.jailed_until <= time)
            .map(|(id, it)| (it.stake, id))
            .collect();
        fit.sort_unstable_by_key(|(stake, id)| (core::cmp::Reverse(*stake), *id));
        fit.truncate(economy.max_validators as usize);
        fit.sort_unstable_by_key(|(_, id)| *id);
        ValidatorSet::new(fit.into_iter().map(|(stake, id)| (id, stake)))
    }

    /// Moves stake to what is unbonding, as much as there is; how much.
    pub fn unbond(&mut self, id: u32, amount: u64, free: Time) -> u64 {
        let Some(it) = self.candidates.get_mut(id as usize) else { return 0 };
        let amount = amount.min(it.stake);
        if amount > 0 {
            it.stake -= amount;
            it.unbonding.push((free, amount));
        }
        amount
    }

    /// What has been unbonding long enough, by id.
    pub fn mature(&mut self, time: Time) -> Vec<(u32, u64)> {
        let mut free = Vec::new();
        for (id, it) in (0u32..).zip(&mut self.candidates) {
            let due = it.unbonding.iter().filter(|(at, _)| *at <= time).map(|(_, amount)| amount);
            let amount: u64 = due.sum();
            if amount > 0 {
                it.unbonding.retain(|(at, _)| *at > time);
                free.push((id, amount));
            }
        }
        free
    }

    /// Takes a part of somebody's stake, in 10,000ths, and of what is unbonding.
    pub fn slash(
        &mut self,
        (accused, offence): (u32, Offence),
        part: u64,
        (economy, time): (&Economy, Time),
    ) -> Option<Slash> {
        let it = self.candidates.get_mut(accused as usize).filter(|it| !it.is_out)?;
        let share = |amount: u64| (u128::from(amount) * u128::from(part) / 10_000) as u64;
        let mut amount = share(it.stake);
        it.stake -= amount;
        if economy.holds_unbonding {
            for (_, waiting) in &mut it.unbonding {
                amount += share(*waiting);
                *waiting -= share(*waiting);
            }
        }
        match offence {
            Offence::Absence => {
                it.jailed_until = time + JAIL;
                it.absences = 0;
            }
            Offence::Double | Offence::Amnesia => it.is_out = true,
        }
        it.slashed += amount;
        self.slashed += amount;
        Some(Slash { accused, amount, offence })
    }

    /// Notes who signed the last commit; whoever has missed more than half of the last heights is
    /// slashed by a hundredth and jailed.
    pub fn attend(
        &mut self,
        turn: &Turn,
        signed: impl Fn(usize) -> bool,
        (economy, time): (&Economy, Time),
    ) -> Vec<Slash> {
        let mut late = Vec::new();
        for (place, id) in turn.set.ids().iter().enumerate() {
            let Some(it) = self.candidates.get_mut(*id as usize) else { continue };
            let is_absent = !signed(place);
            it.absences = (it.absences << 1 | u128::from(is_absent)) & ((1 << WINDOW) - 1);
            it.signed += u32::from(!is_absent);
            it.missed += u32::from(is_absent);
            if it.absences.count_ones() > MISSES && it.jailed_until <= time && !it.is_out {
                late.push(*id);
            }
        }
        late.into_iter()
            .filter_map(|id| self.slash((id, Offence::Absence), 100, (economy, time)))
            .collect()
    }

    /// Mints the reward and adds fees; a part is the proposer's, the rest is divided by stake among those
    /// who signed. It is bonded at once.
    pub fn reward(
        &mut self,
        (proposer, fees): (u32, u64),
        (turn, signed): (&Turn, impl Fn(usize) -> bool),
        economy: &Economy,
    ) {
        let pay = |ledger: &mut Self, id: u32, amount: u64| match ledger
            .candidates
            .get_mut(id as usize)
        {
            Some(it) => it.stake = it.stake.saturating_add(amount),
            None => ledger.remainders += amount,
        };
        self.issued += economy.reward;
        self.minted += economy.reward;
        let all = economy.reward + fees;
        if all == 0 {
            return;
        }
        let own = (u128::from(all) * u128::from(economy.proposer_share) / 10_000) as u64;
        pay(self, proposer, own);
        let rest = all - own;
        let places = || (0..turn.set.len()).filter(|place| signed(*place));
        let total: u128 = places().map(|place| u128::from(turn.set.stake(place))).sum();
        let mut paid = 0;
        for place in places() {
            let part = u128::from(rest) * u128::from(turn.set.stake(place)) / total.max(1);
            pay(self, turn.set.id(place), part as u64);
            paid += part as u64;
        }
        self.remainders += rest - paid;
    }

    /// Accusations that nobody has answered in time.
    pub fn overdue(&mut self, height: u32) -> Vec<u32> {
        let is_due = |it: &Challenge| height >= it.opened.saturating_add(ANSWER_WITHIN);
        let due = self.challenges.iter().filter(|it| is_due(it)).map(|it| it.accused).collect();
        self.challenges.retain(|it| !is_due(it));
        due
    }
}

/// The set of a height two later, if an epoch ends with this one.
pub(crate) fn elected(
    ledger: &Ledger,
    height: u32,
    economy: &Economy,
    time: Time,
) -> Option<Arc<ValidatorSet>> {
    if !height.is_multiple_of(economy.epoch.max(1)) {
        return None;
    }
    let set = ledger.elect(economy, time);
    // A chain without validators would be none: the old ones stay.
    (set.total() > 0).then(|| Arc::new(set))
}
