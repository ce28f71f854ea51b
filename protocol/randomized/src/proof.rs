//! Why a vote is justified: signed votes of others, shared by handle.

use anthill_protocol::{
    Bodies as _, Body, Claim, Context, Keys, NodeId, Shared, Signature, Snapshot, draw,
};

use crate::lane::Lane;
use crate::messages::{Ballot, Stage, Vote};
use crate::protocol::Randomized;

/// Evidence that votes carry.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum Proof {
    /// n - f signatures of one ballot.
    Quorum(Quorum),
    /// A justified pre-vote of each bit.
    Both(Both),
}

/// Signatures of one ballot, in order of signers.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Quorum {
    pub(crate) ballot: Ballot,
    pub(crate) signers: Vec<(NodeId, Signature)>,
}

/// Two pre-votes of an epoch, for 0 and for 1.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Both {
    pub(crate) instance: u32,
    pub(crate) epoch: u32,
    pub(crate) votes: [Example; 2],
}

/// A justified pre-vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Example {
    pub(crate) signer: NodeId,
    pub(crate) signature: Signature,
    pub(crate) proof: Option<Shared>,
}

impl Both {
    fn ballot(&self, bit: bool) -> Ballot {
        let (instance, epoch) = (self.instance, self.epoch);
        Ballot { stage: Stage::Pre, instance, epoch, bit: Some(bit) }
    }
}

impl Body for Proof {
    fn encoded_len(&self) -> u32 {
        match self {
            Self::Quorum(quorum) => 12 + 68 * quorum.signers.len() as u32,
            Self::Both(both) => {
                let proofs = both.votes.iter().filter_map(|vote| vote.proof);
                8 + 2 * 69 + proofs.map(|proof| proof.encoded_len()).sum::<u32>()
            }
        }
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Quorum(quorum) => {
                let signers = quorum.signers.iter().map(|(signer, _)| u64::from(signer.0));
                signers.fold(quorum.ballot.fold(), draw::mix)
            }
            Self::Both(both) => both.votes.iter().fold(both.ballot(true).fold(), |hash, vote| {
                draw::mix(draw::mix(hash, vote.signer.0.into()), vote.proof.map_or(1, |p| p.id()))
            }),
        }
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let scenario = keys.scenario();
        match self {
            Self::Quorum(quorum) => {
                let digest = quorum.ballot.digest(scenario);
                for (signer, signature) in &quorum.signers {
                    let key = keys.public_key(*signer);
                    announce(Claim { key, digest, signature: *signature });
                }
            }
            Self::Both(both) => {
                for (vote, bit) in both.votes.iter().zip([false, true]) {
                    let digest = both.ballot(bit).digest(scenario);
                    let key = keys.public_key(vote.signer);
                    announce(Claim { key, digest, signature: vote.signature });
                }
            }
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        if let Self::Both(both) = self {
            both.votes.iter().filter_map(|vote| vote.proof).for_each(visit);
        }
    }
}

impl Randomized {
    /// Whether a vote may say what it says. That its sender signed it is another question.
    pub(crate) fn is_justified(
        &self,
        lane: &Lane,
        stage: Stage,
        vote: &Vote,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let Vote { instance, epoch, .. } = *vote;
        let main = |bit| Ballot { stage: Stage::Main, instance, epoch: epoch - 1, bit };
        let pre = |epoch, bit| Ballot { stage: Stage::Pre, instance, epoch, bit: Some(bit) };
        match (stage, vote.bit, vote.proof) {
            _ if epoch == 0 => false,
            (Stage::Pre, Some(_), None) => epoch == 1,
            (Stage::Pre, Some(bit), Some(proof)) if epoch > 1 => {
                self.is_quorum(lane, proof, pre(epoch - 1, bit), cx)
                    || self.coin_may_be(lane, epoch, bit, cx)
                        && self.is_quorum(lane, proof, main(None), cx)
            }
            (Stage::Main, Some(bit), Some(proof)) => {
                self.is_quorum(lane, proof, pre(epoch, bit), cx)
            }
            (Stage::Main, None, Some(proof)) => self.is_both(lane, proof, vote, cx),
            _ => false,
        }
    }

    /// The coin of an epoch shows this side; a private one may. Whoever says so has seen it.
    fn coin_may_be(&self, lane: &Lane, epoch: u32, bit: bool, cx: &impl Context<Self>) -> bool {
        self.coin_kind() == crate::coin::Coin::Local
            || self.common_side(lane.number, epoch, cx.scenario()) == bit
    }

    fn is_quorum(
        &self,
        lane: &Lane,
        proof: Shared,
        ballot: Ballot,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let bodies = cx.bodies();
        let Proof::Quorum(quorum) = bodies.get(proof) else { return false };
        let signers = &quorum.signers;
        let distinct = signers.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let shaped = quorum.ballot == ballot
            && signers.len() as u64 >= u64::from(self.quorum(lane.members()))
            && distinct
            && signers.iter().all(|(signer, _)| lane.group.contains(*signer));
        shaped && cx.verify_body(proof).failed() == 0
    }

    fn is_both(
        &self,
        lane: &Lane,
        proof: Shared,
        vote: &Vote,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let bodies = cx.bodies();
        let Proof::Both(both) = bodies.get(proof) else { return false };
        let shaped = (both.instance, both.epoch) == (vote.instance, vote.epoch)
            && both.votes.iter().all(|vote| lane.group.contains(vote.signer));
        let pre_votes = both.votes.iter().zip([false, true]).map(|(example, bit)| Vote {
            bit: Some(bit),
            proof: example.proof,
            signature: example.signature,
            ..*vote
        });
        shaped
            && cx.verify_body(proof).failed() == 0
            && pre_votes.into_iter().all(|vote| self.is_justified(lane, Stage::Pre, &vote, cx))
    }
}
