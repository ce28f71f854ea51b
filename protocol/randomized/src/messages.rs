//! What nodes send each other, and what they tell the outside world.

use anthill_protocol::{
    Claim, Digest, Keys, Message, NodeId, Output, Shared, Signature, Snapshot, Wire, draw,
};

/// A set of bits: 1 is {0}, 2 is {1}, 3 is both.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Wire, Snapshot)]
pub struct Bits(pub u8);

impl Bits {
    /// Both.
    pub const BOTH: Self = Self(3);

    /// The set of one bit.
    pub fn only(bit: bool) -> Self {
        Self(1 << u8::from(bit))
    }

    /// Whether a bit is in it.
    pub fn has(self, bit: bool) -> bool {
        self.0 & Self::only(bit).0 != 0
    }

    /// The same with one more bit.
    #[must_use]
    pub fn with(self, bit: bool) -> Self {
        Self(self.0 | Self::only(bit).0)
    }

    /// Whether nothing is in it that is not in another.
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The bit, if there is one only.
    pub fn single(self) -> Option<bool> {
        match self.0 {
            1 => Some(false),
            2 => Some(true),
            _ => None,
        }
    }
}

impl core::fmt::Debug for Bits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self.0 {
            0 => "{}",
            1 => "{0}",
            2 => "{1}",
            3 => "{0, 1}",
            _ => "no set of bits",
        })
    }
}

/// A signed vote with its justification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Vote {
    /// Which of the agreements of its group.
    pub instance: u32,
    /// Counted from 1.
    pub epoch: u32,
    /// The bit; `None` abstains, which only a main-vote may.
    pub bit: Option<bool>,
    /// Why it may say so; nothing in the first epoch's pre-votes.
    pub proof: Option<Shared>,
    /// Of the sender, over all but the proof.
    pub signature: Signature,
}

/// Which of the two votes of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) enum Stage {
    Pre,
    Main,
}

/// What is signed. The group is not named: a key belongs to one only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Ballot {
    pub(crate) stage: Stage,
    pub(crate) instance: u32,
    pub(crate) epoch: u32,
    pub(crate) bit: Option<bool>,
}

impl Ballot {
    pub(crate) fn digest(self, scenario: u64) -> Digest {
        let mut body = [0; 9];
        body[..4].copy_from_slice(&self.instance.to_le_bytes());
        body[4..8].copy_from_slice(&self.epoch.to_le_bytes());
        body[8] = self.bit.map_or(2, u8::from);
        Digest::of("randomized", scenario, self.stage as u32, &body)
    }

    pub(crate) fn fold(self) -> u64 {
        let bit = self.bit.map_or(2, u64::from);
        draw::mix(
            u64::from(self.instance) << 32 | u64::from(self.epoch),
            bit << 1 | self.stage as u64,
        )
    }
}

impl Vote {
    pub(crate) fn ballot(&self, stage: Stage) -> Ballot {
        Ballot { stage, instance: self.instance, epoch: self.epoch, bit: self.bit }
    }

    /// Without the bytes of the signature, which differ between modes.
    fn fold(&self, stage: Stage) -> u64 {
        draw::mix(self.ballot(stage).fold(), self.proof.map_or(1, |proof| proof.id()))
    }
}

/// `instance` is which of the agreements of a group, rounds are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[message(fingerprint = fingerprint, claims = claims)]
pub enum RandomizedMessage {
    /// MMR: the sender has this bit, or f + 1 say so.
    Bval {
        /// The agreement.
        instance: u32,
        /// The round.
        round: u32,
        /// The bit.
        bit: bool,
    },
    /// MMR: the first bit that 2f + 1 have said to the sender.
    Aux {
        /// The agreement.
        instance: u32,
        /// The round.
        round: u32,
        /// The bit.
        bit: bool,
    },
    /// MMR: the bits of n - f AUX.
    Conf {
        /// The agreement.
        instance: u32,
        /// The round.
        round: u32,
        /// The bits.
        bits: Bits,
    },
    /// A share of the round's coin: the sender has asked for it.
    Share {
        /// The agreement.
        instance: u32,
        /// The round.
        round: u32,
    },
    /// Shi: the first vote of an epoch.
    PreVote(Vote),
    /// Shi: the second one.
    MainVote(Vote),
    /// Ben-Or: the sender's bit.
    Report {
        /// The agreement.
        instance: u32,
        /// The round.
        round: u32,
        /// The bit.
        bit: bool,
    },
    /// Ben-Or: the bit of a majority of reports, if there was one.
    Proposal {
        /// The agreement.
        instance: u32,
        /// The round.
        round: u32,
        /// The bit.
        bit: Option<bool>,
    },
}

impl RandomizedMessage {
    /// Agreement and round.
    pub(crate) fn place(&self) -> (u32, u32) {
        match *self {
            Self::Bval { instance, round, .. }
            | Self::Aux { instance, round, .. }
            | Self::Conf { instance, round, .. }
            | Self::Share { instance, round }
            | Self::Report { instance, round, .. }
            | Self::Proposal { instance, round, .. } => (instance, round),
            Self::PreVote(vote) | Self::MainVote(vote) => (vote.instance, vote.epoch),
        }
    }
}

fn fingerprint(message: &RandomizedMessage) -> u64 {
    match message {
        RandomizedMessage::PreVote(vote) => vote.fold(Stage::Pre),
        RandomizedMessage::MainVote(vote) => vote.fold(Stage::Main),
        message => Wire::fold(message, 0),
    }
}

fn claims(
    message: &RandomizedMessage,
    from: NodeId,
    keys: &mut dyn Keys,
    announce: &mut dyn FnMut(Claim),
) {
    let (vote, stage) = match message {
        RandomizedMessage::PreVote(vote) => (vote, Stage::Pre),
        RandomizedMessage::MainVote(vote) => (vote, Stage::Main),
        _ => return,
    };
    let digest = vote.ballot(stage).digest(keys.scenario());
    announce(Claim { key: keys.public_key(from), digest, signature: vote.signature });
}

/// What nodes tell the outside world. `lane` is the agreement, counted over all groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum Says {
    /// The bit it begins with.
    Input {
        /// The agreement.
        lane: u32,
        /// The bit.
        bit: bool,
    },
    /// MMR: the bits a round ends with.
    Round {
        /// The agreement.
        lane: u32,
        /// The round.
        round: u32,
        /// The bits.
        values: Bits,
    },
    /// Shi: its main-vote of an epoch. Ben-Or: its proposal of a round.
    Epoch {
        /// The agreement.
        lane: u32,
        /// The epoch or round.
        epoch: u32,
        /// The bit; `None`: it abstains.
        main: Option<bool>,
    },
    /// The coin of a round, or the side its own fell on.
    Coin {
        /// The agreement.
        lane: u32,
        /// The round.
        round: u32,
        /// The side.
        side: bool,
    },
    /// It has decided.
    Decided {
        /// The agreement.
        lane: u32,
        /// The bit.
        bit: bool,
        /// The round.
        round: u32,
    },
}
