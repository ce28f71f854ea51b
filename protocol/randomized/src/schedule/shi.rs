//! The plan against Shi's protocol, for n = 3f + 1 up to 4f nodes of which the adversary holds f.
//!
//! The front F of n - 2f honest nodes leads with the adversary's f; the other f, L, lag an epoch behind.
//! Whether a node that has abstained sees a main-vote for b beside the other abstentions, and so
//! pre-votes b, or sees abstentions only and takes the coin, can be left open until that coin, and the
//! next one, are known. b must have n - f pre-votes: those of the adversary and of n - 2f honest nodes.
//!
//! *The coin takes n - f shares*: all of F must have ended an epoch before its successor's coin is known. In a
//! *closed* epoch all honest nodes have pre-voted, n - 2f of them b. All abstain; half of F, X, sees a
//! main-vote for b, the other half, G, does not; L waits. If the coin is b, all go on with b and decide.
//! If not, the next epoch is *open*: F pre-votes both bits, abstains, and takes the next coin s, and
//! only then L learns how its last epoch ended: with the bit that is not s. So that bit has a quorum
//! again, L is shown it, and the epoch after this begins with both bits whatever s was. One coin in
//! two decides: 2^-floor(E/2).
//!
//! *It takes f + q shares, q <= f*: q nodes of X end an epoch; all others, who have abstained too, end it when
//! the coin s is known: X with s, G with the bit that it is not, and L open as before. After the first
//! coin there is nothing left to chance.

use super::{Cast, Plan};
use crate::messages::{RandomizedMessage, Says};
use crate::protocol::Randomized;

/// What is known of an epoch, by place.
#[derive(Clone, Debug)]
struct Epoch {
    pre: Vec<Option<bool>>,
    /// Whether L's pre-votes depend on the next coin.
    open: bool,
    coin: Option<bool>,
}

/// How an honest node's epoch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It sees abstentions only.
    Soft,
    /// It sees a main-vote for the bit.
    Hard(bool),
}

pub(crate) struct Lead {
    cast: Cast,
    /// Honest nodes that must ask for a coin.
    askers: usize,
    epochs: Vec<Epoch>,
    /// The coin has made all honest nodes agree.
    lost: bool,
}

impl Lead {
    fn epoch_mut(&mut self, epoch: u32) -> &mut Epoch {
        let place = epoch as usize;
        if self.epochs.len() <= place {
            let none = Epoch { pre: vec![None; self.cast.honest], open: false, coin: None };
            self.epochs.resize(place + 1, none);
        }
        &mut self.epochs[place]
    }

    fn coin(&self, epoch: u32) -> Option<bool> {
        self.epochs.get(epoch as usize)?.coin
    }

    /// n - 2f.
    fn front(&self) -> usize {
        self.cast.honest.saturating_sub(self.cast.faults)
    }

    /// Whether the coin is known before most of the front has ended its epoch.
    fn coin_is_early(&self) -> bool {
        self.askers <= self.cast.faults
    }

    /// Of the front, X: at least n - 3f, and those who ask.
    fn is_x(&self, place: usize) -> bool {
        let askers = if self.coin_is_early() { self.askers } else { 1 };
        place < (self.front() / 2).max(askers)
    }

    /// The bit of which main-votes can be made in an epoch; `None`: not known yet.
    fn hard_bit(&self, number: u32) -> Option<bool> {
        let epoch = self.epochs.get(number as usize)?;
        if epoch.open {
            return self.coin(number + 1).map(|side| !side);
        }
        let ones = epoch.pre.iter().try_fold(0, |ones, bit| Some(ones + usize::from((*bit)?)))?;
        Some(ones >= self.front())
    }

    /// Whether a closed epoch begins with both bits, one of them n - 2f times; `None`: not known yet.
    fn is_playable(&self, epoch: &Epoch) -> Option<bool> {
        let ones = epoch.pre.iter().try_fold(0, |ones, bit| Some(ones + usize::from((*bit)?)))?;
        let zeros = self.cast.honest - ones;
        Some(ones > 0 && zeros > 0 && ones.max(zeros) >= self.front() && self.front() > 1)
    }

    /// How a node's epoch is to end; `None`: not known yet.
    fn end(&self, number: u32, place: usize) -> Option<End> {
        let epoch = self.epochs.get(number as usize)?;
        if place >= self.front() {
            // L: if the next epoch is open, its pre-vote there is the bit that the coin after is not.
            let next_is_open = self.epochs.get(number as usize + 1).is_some_and(|next| next.open);
            let hard = self.hard_bit(number)?;
            if !next_is_open {
                return epoch.open.then_some(End::Hard(hard));
            }
            let wanted = !self.coin(number + 2)?;
            return Some(if wanted == hard { End::Hard(hard) } else { End::Soft });
        }
        if self.coin_is_early() {
            return match (place < self.askers, self.is_x(place)) {
                (true, _) => Some(End::Soft),
                (false, true) => self.coin(number + 1).map(|_| End::Soft),
                (false, false) => {
                    self.coin(number + 1)?;
                    self.hard_bit(number).map(End::Hard)
                }
            };
        }
        if epoch.open || !self.is_x(place) {
            return Some(End::Soft);
        }
        self.hard_bit(number).map(End::Hard)
    }

    fn note_coin(&mut self, number: u32, side: bool) {
        self.epoch_mut(number).coin = Some(side);
        let (before, early) = (number - 1, self.coin_is_early());
        let Some(epoch) = self.epochs.get(before as usize).cloned() else { return };
        if epoch.open {
            // Then L's pre-votes follow, and the epoch after is closed, or open if others decide.
            self.epoch_mut(number).open = early;
            return;
        }
        match self.hard_bit(before) {
            Some(hard) if hard != side => self.epoch_mut(number).open = true,
            _ => self.lost = true,
        }
    }

    /// Whether a main-vote may be heard by a node whose epoch ends so.
    fn fits(&self, end: End, from: usize, to: usize, vote: Option<bool>) -> bool {
        match (end, vote) {
            (End::Soft, vote) => vote.is_none(),
            (End::Hard(bit), Some(vote)) => vote == bit && from >= self.cast.honest,
            // With its own and the adversary's n - f in all.
            (End::Hard(_), None) => from + usize::from(to >= self.front()) < self.front(),
        }
    }
}

impl Plan for Lead {
    fn new(protocol: &Randomized, cast: Cast) -> Self {
        let shares = protocol.shares_needed(cast.members as u32) as usize;
        let held = cast.members - cast.honest;
        let askers = shares.saturating_sub(held).max(1);
        Self { cast, askers, epochs: Vec::new(), lost: false }
    }

    fn sent(&mut self, from: usize, message: &RandomizedMessage) {
        let RandomizedMessage::PreVote(vote) = message else { return };
        if from < self.cast.honest {
            self.epoch_mut(vote.epoch).pre[from] = vote.bit;
            let epoch = &self.epochs[vote.epoch as usize];
            self.lost |= !epoch.open && self.is_playable(epoch) == Some(false);
        }
    }

    fn said(&mut self, _: usize, says: &Says) {
        match *says {
            Says::Coin { round, side, .. } if self.coin(round).is_none() => {
                self.note_coin(round, side);
            }
            Says::Decided { .. } => self.lost = true,
            _ => {}
        }
    }

    fn passes(&self, from: usize, to: usize, message: &RandomizedMessage) -> bool {
        let (_, number) = message.place();
        if matches!(message, RandomizedMessage::Share { .. }) {
            return true;
        }
        let Some(epoch) = self.epochs.get(number as usize) else { return self.lost };
        let has_left = self.epochs.get(number as usize + 1).is_some_and(|e| e.pre[to].is_some());
        if self.lost || has_left {
            return true;
        }
        match message {
            RandomizedMessage::PreVote(_) => {
                from < self.cast.honest || epoch.open && to < self.front()
            }
            RandomizedMessage::MainVote(vote) => {
                self.end(number, to).is_some_and(|end| self.fits(end, from, to, vote.bit))
            }
            _ => true,
        }
    }
}
