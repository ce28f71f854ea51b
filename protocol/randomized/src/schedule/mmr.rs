//! Plans against MMR.
//!
//! Both need a round that begins with both bits, of which both can be delivered: one honest node has it
//! and the adversary's f say so too.
//!
//! **Split** (with CONF). n - f nodes A, the adversary's among them, deliver v first and hear n - f AUX for it,
//! and so confirm {v}; the other f, B, deliver the other bit first and confirm both. f + 1 nodes of A
//! hear n - f CONF of {v} and end the round with it, all others hear of one that confirms both. If the
//! coin is v, those f + 1 decide and all others go on with v; if not, the next round begins with both
//! bits. Until the first decision and from there to the last one each round has an even chance, so
//! P(undecided after E) = (E + 1)/2^E. Nothing here depends on the coin: which v it is that can be the
//! only bit of a round is settled before any honest node asks. Without a coin v is chosen to differ from
//! the bit that everybody knows, for ever.
//!
//! **Lag** (without CONF). n - 2f honest nodes send AUX for 0 and for 1, end the round with both and ask for
//! the coin; with the adversary's shares that reveals it. Then the other f are shown the bit that it is
//! not, end the round with that one only, and nobody has decided.

use super::{Cast, Plan};
use crate::coin::{Coin, known_side};
use crate::messages::{Bits, RandomizedMessage, Says};
use crate::protocol::Randomized;

/// What is known of a round, by place.
#[derive(Clone, Debug)]
struct Round {
    bits: Vec<Option<bool>>,
    aux: Vec<bool>,
    conf: Vec<bool>,
    ended: Vec<bool>,
    coin: Option<bool>,
}

/// What both plans watch.
struct Watch {
    cast: Cast,
    coin: Coin,
    rounds: Vec<Round>,
    /// By place: the round in which a node has decided, and what.
    decided: Vec<Option<(u32, bool)>>,
}

impl Watch {
    fn new(protocol: &Randomized, cast: Cast) -> Self {
        let decided = vec![None; cast.members];
        Self { cast, coin: protocol.coin_kind(), rounds: Vec::new(), decided }
    }

    fn round_mut(&mut self, round: u32) -> &mut Round {
        let (place, members) = (round as usize, self.cast.members);
        if self.rounds.len() <= place {
            let none = Round {
                bits: vec![None; members],
                aux: vec![false; members],
                conf: vec![false; members],
                ended: vec![false; members],
                coin: None,
            };
            self.rounds.resize(place + 1, none);
        }
        &mut self.rounds[place]
    }

    fn sent(&mut self, from: usize, message: &RandomizedMessage) {
        let (_, number) = message.place();
        let round = self.round_mut(number);
        match *message {
            RandomizedMessage::Bval { bit, .. } => {
                round.bits[from].get_or_insert(bit);
            }
            RandomizedMessage::Aux { .. } => round.aux[from] = true,
            RandomizedMessage::Conf { .. } => round.conf[from] = true,
            _ => {}
        }
    }

    fn said(&mut self, node: usize, says: &Says) {
        match *says {
            Says::Round { round, .. } => self.round_mut(round).ended[node] = true,
            Says::Coin { round, side, .. } => self.round_mut(round).coin = Some(side),
            Says::Decided { round, bit, .. } => self.decided[node] = Some((round, bit)),
            _ => {}
        }
    }

    /// What a node had decided before a round: a decision in the round itself changes nothing of how it began.
    fn decided_before(&self, number: u32, place: usize) -> Option<bool> {
        self.decided[place].filter(|(round, _)| *round < number).map(|(_, bit)| bit)
    }

    /// Honest nodes that begin the round with 0 and with 1, once it is known of all of them. Who has
    /// decided before stays with that.
    fn bits(&self, number: u32, round: &Round) -> Option<[usize; 2]> {
        let mut counts = [0; 2];
        for (place, bit) in round.bits.iter().enumerate().take(self.cast.honest) {
            counts[usize::from(self.decided_before(number, place).or(*bit)?)] += 1;
        }
        Some(counts)
    }

    /// Whether a message may pass whatever the plan: its round has not been both bits' to begin with, or is
    /// over for its receiver. If the plan has a say, the round.
    fn is_open(&self, to: usize, message: &RandomizedMessage) -> Result<bool, &Round> {
        let (_, number) = message.place();
        let Some(round) = self.rounds.get(number as usize) else { return Ok(false) };
        match self.is_mixed(number, round) {
            None => Ok(false),
            Some(false) => Ok(true),
            Some(true) if round.ended[to] => Ok(true),
            Some(true) => Err(round),
        }
    }

    /// Whether a round begins with two bits that can both be delivered; `None`: it is not known yet.
    fn is_mixed(&self, number: u32, round: &Round) -> Option<bool> {
        let held = self.cast.members - self.cast.honest;
        let counts = self.bits(number, round)?;
        Some(counts.iter().all(|count| *count > 0 && count + held > self.cast.faults))
    }
}

/// The plan against CONF.
pub(crate) struct Split(Watch);

impl Split {
    /// The bit that can be the only one of a round.
    fn chosen(&self, number: u32) -> bool {
        match self.0.coin {
            Coin::None => !known_side(number),
            // With private coins, the bit that is still to be decided by somebody.
            _ => {
                let mut decided =
                    (0..self.0.cast.honest).filter_map(|p| self.0.decided_before(number, p));
                !decided.next().unwrap_or(true)
            }
        }
    }

    /// Whether an honest node is one of A.
    fn is_first(&self, place: usize) -> bool {
        let Cast { honest, faults, .. } = self.0.cast;
        place + faults < honest
    }

    /// Whether it ends the round with one bit.
    fn is_single(&self, place: usize) -> bool {
        self.is_first(place) && place <= self.0.cast.faults
    }

    /// Whether a member of A that is to see both bits hears another: n - f in all, with itself and B.
    fn is_heard(&self, from: usize, to: usize) -> bool {
        let Cast { members, faults, honest } = self.0.cast;
        if from >= honest {
            return false;
        }
        let before = from - usize::from(to < from);
        !self.is_first(from) || before + 1 + 2 * faults < members
    }
}

impl Plan for Split {
    fn new(protocol: &Randomized, cast: Cast) -> Self {
        Self(Watch::new(protocol, cast))
    }

    fn sent(&mut self, from: usize, message: &RandomizedMessage) {
        self.0.sent(from, message);
    }

    fn said(&mut self, node: usize, says: &Says) {
        self.0.said(node, says);
    }

    fn passes(&self, from: usize, to: usize, message: &RandomizedMessage) -> bool {
        let round = match self.0.is_open(to, message) {
            Ok(passes) => return passes,
            Err(round) => round,
        };
        let chosen = self.chosen(message.place().1);
        match *message {
            RandomizedMessage::Bval { bit, .. } => {
                round.aux[to] || (bit == chosen) == self.is_first(to)
            }
            RandomizedMessage::Aux { bit, .. } => {
                round.conf[to] || bit == chosen || !self.is_first(to)
            }
            RandomizedMessage::Conf { bits, .. } => {
                if self.is_single(to) {
                    bits == Bits::only(chosen)
                } else {
                    !self.is_first(to) || self.is_heard(from, to)
                }
            }
            _ => true,
        }
    }
}

/// The plan without CONF.
pub(crate) struct Lag(Watch);

impl Lag {
    /// What a node of the front delivers first; `None`: it lags.
    fn first_bit(&self, place: usize) -> Option<bool> {
        let Cast { honest, faults, .. } = self.0.cast;
        let front = honest.saturating_sub(faults);
        (place < front).then_some(place >= front.div_ceil(2))
    }
}

impl Plan for Lag {
    fn new(protocol: &Randomized, cast: Cast) -> Self {
        Self(Watch::new(protocol, cast))
    }

    fn sent(&mut self, from: usize, message: &RandomizedMessage) {
        self.0.sent(from, message);
    }

    fn said(&mut self, node: usize, says: &Says) {
        self.0.said(node, says);
    }

    fn passes(&self, _: usize, to: usize, message: &RandomizedMessage) -> bool {
        let round = match self.0.is_open(to, message) {
            Ok(passes) => return passes,
            Err(round) => round,
        };
        let front = self.first_bit(to);
        let Some(first) = front.or(round.coin.map(|side| !side)) else { return false };
        match *message {
            RandomizedMessage::Bval { bit, .. } => round.aux[to] || bit == first,
            RandomizedMessage::Aux { bit, .. } => front.is_some() || round.conf[to] || bit == first,
            _ => true,
        }
    }
}

/// All see both bits: n - f nodes send AUX for 0 and f for 1, and everybody hears one of those.
pub(crate) struct Both(Split);

impl Plan for Both {
    fn new(protocol: &Randomized, cast: Cast) -> Self {
        Self(Split::new(protocol, cast))
    }

    fn sent(&mut self, from: usize, message: &RandomizedMessage) {
        self.0.sent(from, message);
    }

    fn said(&mut self, node: usize, says: &Says) {
        self.0.said(node, says);
    }

    fn passes(&self, from: usize, to: usize, message: &RandomizedMessage) -> bool {
        let plan = &self.0;
        plan.0.is_open(to, message).unwrap_or_else(|round| match *message {
            RandomizedMessage::Bval { bit, .. } => round.aux[to] || bit != plan.is_first(to),
            RandomizedMessage::Aux { .. } => {
                round.conf[to] || !plan.is_first(to) || plan.is_heard(from, to)
            }
            _ => true,
        })
    }
}
