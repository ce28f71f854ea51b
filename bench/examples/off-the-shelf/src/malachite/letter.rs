//! What travels between validators, and its form as bytes: what is said, and the signatures apart.

use anthill_protocol::{Message, Shared};
use arc_malachitebft_core_consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_core_types::{
    CommitCertificate, CommitSignature, NilOrVal, PolkaCertificate, PolkaSignature, Round,
    RoundCertificate, RoundCertificateType, RoundSignature, SignedMessage, VoteType,
};
use serde::{Deserialize, Serialize};

use super::types::{Address, Block, Height, Proposal, Seal, Types, Vote};
use crate::bytes::Bytes;

/// What travels, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
pub enum Letter {
    /// A block is proposed.
    Proposal { body: Shared },
    /// A vote.
    Vote { body: Shared },
    /// A vote, prevotes for a block or what ended a round, said again by whoever gets no further.
    Again { body: Shared },
    /// A block that is decided, and the precommits for it: to somebody who is behind.
    Decided { body: Shared },
    /// What was decided at this height?
    Ask { height: u64 },
}

/// What a body says.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Content {
    Proposal(Proposal),
    Vote(Vote),
    /// Prevotes of these for a block.
    Polka(Height, Round, Block, Vec<Address>),
    /// Votes of these that end a round.
    Round(Height, Round, bool, Vec<(VoteType, NilOrVal<Block>, Address)>),
    /// Precommits of these for a block.
    Commit(Height, Round, Block, Vec<Address>),
}

/// A body as the crate knows it.
pub(crate) enum Parcel {
    Proposal(SignedMessage<Types, Proposal>),
    Vote(SignedMessage<Types, Vote>),
    Polka(PolkaCertificate<Types>),
    Round(RoundCertificate<Types>),
    Commit(CommitCertificate<Types>),
}

impl From<SignedConsensusMsg<Types>> for Parcel {
    fn from(message: SignedConsensusMsg<Types>) -> Self {
        match message {
            SignedConsensusMsg::Vote(vote) => Self::Vote(vote),
            SignedConsensusMsg::Proposal(proposal) => Self::Proposal(proposal),
        }
    }
}

impl From<LivenessMsg<Types>> for Parcel {
    fn from(message: LivenessMsg<Types>) -> Self {
        match message {
            LivenessMsg::Vote(vote) => Self::Vote(vote),
            LivenessMsg::PolkaCertificate(polka) => Self::Polka(polka),
            LivenessMsg::SkipRoundCertificate(round) => Self::Round(round),
        }
    }
}

impl Parcel {
    /// As a body.
    pub(crate) fn bytes(self) -> Bytes {
        let (content, seals) = match self {
            Self::Proposal(signed) => (Content::Proposal(signed.message), vec![signed.signature]),
            Self::Vote(signed) => (Content::Vote(signed.message), vec![signed.signature]),
            Self::Polka(polka) => {
                let (names, seals) = polka
                    .polka_signatures
                    .into_iter()
                    .map(|one| (one.address, one.signature))
                    .unzip();
                (Content::Polka(polka.height, polka.round, polka.value_id, names), seals)
            }
            Self::Round(round) => {
                let (votes, seals) = round
                    .round_signatures
                    .into_iter()
                    .map(|one| ((one.vote_type, one.value_id, one.address), one.signature))
                    .unzip();
                let skips = round.cert_type == RoundCertificateType::Skip;
                (Content::Round(round.height, round.round, skips, votes), seals)
            }
            Self::Commit(commit) => {
                let (names, seals) = commit
                    .commit_signatures
                    .into_iter()
                    .map(|one| (one.address, one.signature))
                    .unzip();
                (Content::Commit(commit.height, commit.round, commit.value_id, names), seals)
            }
        };
        Bytes::signed(&content, seals.into_iter().map(|seal: Seal| seal.0))
    }

    /// Reads a body; `None` if it is none, or has not as many signatures as it names.
    pub(crate) fn read(bytes: &Bytes) -> Option<Self> {
        let seals: Vec<Seal> = bytes.seals().map(Seal).collect();
        let one = || if let [seal] = seals[..] { Some(seal) } else { None };
        Some(match bytes.message::<Content>()? {
            Content::Proposal(message) => Self::Proposal(SignedMessage::new(message, one()?)),
            Content::Vote(message) => Self::Vote(SignedMessage::new(message, one()?)),
            Content::Polka(height, round, value_id, names) if names.len() == seals.len() => {
                let sign = |(address, seal)| PolkaSignature::new(address, seal);
                let polka_signatures = names.into_iter().zip(seals).map(sign).collect();
                Self::Polka(PolkaCertificate { height, round, value_id, polka_signatures })
            }
            Content::Round(height, round, skips, votes) if votes.len() == seals.len() => {
                let sign = |((kind, block, address), seal)| {
                    RoundSignature::new(kind, block, address, seal)
                };
                let round_signatures = votes.into_iter().zip(seals).map(sign).collect();
                let cert_type = if skips {
                    RoundCertificateType::Skip
                } else {
                    RoundCertificateType::Precommit
                };
                Self::Round(RoundCertificate { height, round, cert_type, round_signatures })
            }
            Content::Commit(height, round, value_id, names) if names.len() == seals.len() => {
                let sign = |(address, seal)| CommitSignature::new(address, seal);
                let commit_signatures = names.into_iter().zip(seals).map(sign).collect();
                Self::Commit(CommitCertificate { height, round, value_id, commit_signatures })
            }
            _ => return None,
        })
    }
}
