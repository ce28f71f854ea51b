//! What a validator asks of its host while the crate handles an input: each effect, and how it is answered.

use std::collections::BTreeMap;

use anthill_protocol::{Digest, NodeId, Signature};
use arc_malachitebft_core_consensus::{ConsensusMsg, Effect, Input, Resumable as _, Resume};
use arc_malachitebft_core_types::{
    CertificateError, CommitCertificate, NilOrVal, PolkaCertificate, Round, RoundCertificate,
    SignedMessage, ThresholdParams, Timeout, TimeoutKind, ValidatorSet as _, VoteType,
};
use serde::Serialize;

use super::letter::Parcel;
use super::types::{Address, Block, Height, Proposal, Seal, Types, Vote};

/// What a validator keeps beside the crate's state.
#[derive(Default)]
pub(crate) struct Host {
    /// The crate's write-ahead log of the height that it is at: what it must remember when it goes down.
    pub(crate) log: Vec<Input<Types>>,
    /// Blocks that are decided, by their heights from 1 on, with their precommits.
    pub(crate) chain: Vec<CommitCertificate<Types>>,
    /// Timeouts that wait, each with the number of its timer.
    waiting: BTreeMap<(u8, Round), u64>,
    timers: u64,
    /// What the crate wants, in order; done once it has handled its input.
    pub(crate) wishes: Vec<Wish>,
}

/// What the crate wants of its host, and needs no answer to.
pub(crate) enum Wish {
    Tell(Parcel),
    TellAgain(Parcel),
    Wait(Timeout, u64),
    Propose(Height, Round),
    Decided(CommitCertificate<Types>),
    Finished,
    /// A block that came with enough precommits.
    Take(Height, Round, Address, Block),
}

/// Signs and verifies for one node.
pub(crate) trait Signer {
    fn sign(&mut self, digest: &Digest) -> Signature;
    fn holds(&mut self, signer: NodeId, digest: Digest, signature: Signature) -> bool;
    fn scenario(&self) -> u64;
}

fn number(kind: TimeoutKind) -> u8 {
    match kind {
        TimeoutKind::Propose => 0,
        TimeoutKind::Prevote => 1,
        TimeoutKind::Precommit => 2,
        TimeoutKind::Rebroadcast => 3,
        TimeoutKind::FinalizeHeight(_) => 4,
    }
}

impl Host {
    /// Whether a timer that fires is the one that is waited for.
    pub(crate) fn fires(&mut self, timeout: Timeout, timer: u64) -> bool {
        let key = (number(timeout.kind), timeout.round);
        self.waiting.get(&key) == Some(&timer) && self.waiting.remove(&key).is_some()
    }

    /// No timer is waited for any more.
    pub(crate) fn forget_timers(&mut self) {
        self.waiting.clear();
    }

    /// Answers an effect.
    pub(crate) fn answer(
        &mut self,
        effect: Effect<Types>,
        signer: &mut impl Signer,
    ) -> Resume<Types> {
        match effect {
            Effect::CancelAllTimeouts(then) => {
                self.forget_timers();
                then.resume_with(())
            }
            Effect::CancelTimeout(timeout, then) => {
                self.waiting.remove(&(number(timeout.kind), timeout.round));
                then.resume_with(())
            }
            Effect::ScheduleTimeout(timeout, then) => {
                self.timers += 1;
                self.waiting.insert((number(timeout.kind), timeout.round), self.timers);
                self.wish(Wish::Wait(timeout, self.timers));
                then.resume_with(())
            }
            Effect::StartRound(_, _, _, _, then) => then.resume_with(()),
            Effect::PublishConsensusMsg(message, then) => {
                self.wish(Wish::Tell(message.into()));
                then.resume_with(())
            }
            Effect::PublishLivenessMsg(message, then) => {
                self.wish(Wish::TellAgain(message.into()));
                then.resume_with(())
            }
            Effect::RepublishVote(vote, then) => {
                self.wish(Wish::TellAgain(Parcel::Vote(vote)));
                then.resume_with(())
            }
            Effect::RepublishRoundCertificate(round, then) => {
                self.wish(Wish::TellAgain(Parcel::Round(round)));
                then.resume_with(())
            }
            Effect::GetValue(height, round, _, then) => {
                self.wish(Wish::Propose(height, round));
                then.resume_with(())
            }
            // Blocks travel inside proposals, which everybody can say again.
            Effect::RestreamProposal(.., then) => then.resume_with(()),
            Effect::CertVerifiedSyncValue(value, proposer, then) => {
                let certificate = &value.certificate;
                self.wish(Wish::Take(
                    certificate.height,
                    certificate.round,
                    proposer,
                    certificate.value_id,
                ));
                then.resume_with(())
            }
            Effect::CertRejectedSyncValue(.., then) => then.resume_with(()),
            Effect::Decide(certificate, _, then) => {
                self.wish(Wish::Decided(certificate));
                then.resume_with(())
            }
            Effect::Finalize(.., then) => {
                self.wish(Wish::Finished);
                then.resume_with(())
            }
            Effect::WalAppend(_, input, then) => {
                self.log.push(input);
                then.resume_with(())
            }
            effect => self.answer_signing(effect, signer),
        }
    }

    fn answer_signing(&mut self, effect: Effect<Types>, signer: &mut impl Signer) -> Resume<Types> {
        match effect {
            Effect::SignVote(vote, then) => {
                let signature = Seal(signer.sign(&digest_of_vote(signer, &vote)).0);
                then.resume_with(SignedMessage::new(vote, signature))
            }
            Effect::SignProposal(proposal, then) => {
                let signature = Seal(signer.sign(&digest_of_proposal(signer, &proposal)).0);
                then.resume_with(SignedMessage::new(proposal, signature))
            }
            Effect::VerifySignature(signed, (), then) => {
                then.resume_with(message_holds(signer, &signed))
            }
            Effect::VerifyCommitCertificate(commit, nodes, limits, then) => {
                then.resume_with(commit_holds(signer, &commit, nodes.count(), limits))
            }
            Effect::VerifyExtendedCommitCertificate(commit, nodes, limits, _, then) => {
                let commit = commit.trim_vote_extensions();
                then.resume_with(commit_holds(signer, &commit, nodes.count(), limits))
            }
            Effect::VerifyPolkaCertificate(polka, nodes, limits, then) => {
                then.resume_with(polka_holds(signer, &polka, nodes.count(), limits))
            }
            Effect::VerifyRoundCertificate(round, nodes, limits, then) => {
                then.resume_with(round_holds(signer, &round, nodes.count(), limits))
            }
            // Extensions are off: the crate asks for none, and there are none to verify.
            Effect::ExtendVote(.., then) => then.resume_with(None),
            Effect::VerifyVoteExtension(.., then) => then.resume_with(Ok(())),
            _ => Resume::Continue,
        }
    }

    fn wish(&mut self, wish: Wish) {
        self.wishes.push(wish);
    }
}

fn digest_of(signer: &impl Signer, kind: u32, message: &impl Serialize) -> Digest {
    let bytes = postcard::to_stdvec(message).expect("serialises to memory");
    Digest::of("malachite", signer.scenario(), kind, &bytes)
}

fn digest_of_vote(signer: &impl Signer, vote: &Vote) -> Digest {
    digest_of(signer, 0, vote)
}

fn digest_of_proposal(signer: &impl Signer, proposal: &Proposal) -> Digest {
    digest_of(signer, 1, proposal)
}

fn message_holds(
    signer: &mut impl Signer,
    signed: &SignedMessage<Types, ConsensusMsg<Types>>,
) -> bool {
    use arc_malachitebft_core_types::{Proposal as _, Vote as _};
    let (author, digest) = match &signed.message {
        ConsensusMsg::Vote(vote) => (*vote.validator_address(), digest_of_vote(signer, vote)),
        ConsensusMsg::Proposal(proposal) => {
            (*proposal.validator_address(), digest_of_proposal(signer, proposal))
        }
    };
    signer.holds(NodeId(author.0), digest, Signature(signed.signature.0))
}

/// Counts different voters among `nodes`, whose signatures hold, against a threshold.
struct Count {
    nodes: usize,
    seen: Vec<Address>,
}

impl Count {
    fn of(nodes: usize) -> Self {
        Self { nodes, seen: Vec::new() }
    }

    fn add(
        &mut self,
        signer: &mut impl Signer,
        vote: &Vote,
        seal: Seal,
        wrong: impl FnOnce() -> CertificateError<Types>,
    ) -> Result<(), CertificateError<Types>> {
        use arc_malachitebft_core_types::Vote as _;
        let voter = *vote.validator_address();
        if voter.0 as usize >= self.nodes {
            return Err(CertificateError::UnknownValidator(voter));
        }
        if self.seen.contains(&voter) {
            return Err(CertificateError::DuplicateVote(voter));
        }
        self.seen.push(voter);
        let digest = digest_of_vote(signer, vote);
        if signer.holds(NodeId(voter.0), digest, Signature(seal.0)) { Ok(()) } else { Err(wrong()) }
    }

    fn reaches(
        &self,
        limit: arc_malachitebft_core_types::ThresholdParam,
    ) -> Result<(), CertificateError<Types>> {
        let (signed, total) = (self.seen.len() as u64, self.nodes as u64);
        if limit.is_met(signed, total) {
            return Ok(());
        }
        let expected = limit.min_expected(total);
        Err(CertificateError::NotEnoughVotingPower { signed, total, expected })
    }
}

fn vote(
    kind: VoteType,
    height: Height,
    round: Round,
    block: NilOrVal<Block>,
    voter: Address,
) -> Vote {
    use arc_malachitebft_core_types::Context as _;
    match kind {
        VoteType::Prevote => Types.new_prevote(height, round, block, voter),
        VoteType::Precommit => Types.new_precommit(height, round, block, voter),
    }
}

fn commit_holds(
    signer: &mut impl Signer,
    commit: &CommitCertificate<Types>,
    nodes: usize,
    limits: ThresholdParams,
) -> Result<(), CertificateError<Types>> {
    let mut count = Count::of(nodes);
    for one in &commit.commit_signatures {
        let block = NilOrVal::Val(commit.value_id);
        let vote = vote(VoteType::Precommit, commit.height, commit.round, block, one.address);
        let wrong = || CertificateError::InvalidCommitSignature(one.clone());
        count.add(signer, &vote, one.signature, wrong)?;
    }
    count.reaches(limits.quorum)
}

fn polka_holds(
    signer: &mut impl Signer,
    polka: &PolkaCertificate<Types>,
    nodes: usize,
    limits: ThresholdParams,
) -> Result<(), CertificateError<Types>> {
    let mut count = Count::of(nodes);
    for one in &polka.polka_signatures {
        let block = NilOrVal::Val(polka.value_id);
        let vote = vote(VoteType::Prevote, polka.height, polka.round, block, one.address);
        let wrong = || CertificateError::InvalidPolkaSignature(one.clone());
        count.add(signer, &vote, one.signature, wrong)?;
    }
    count.reaches(limits.quorum)
}

/// A round ends with two thirds of precommits, or is skipped for a third of any votes of a later one.
fn round_holds(
    signer: &mut impl Signer,
    round: &RoundCertificate<Types>,
    nodes: usize,
    limits: ThresholdParams,
) -> Result<(), CertificateError<Types>> {
    use arc_malachitebft_core_types::RoundCertificateType;
    let mut count = Count::of(nodes);
    let ends = round.cert_type == RoundCertificateType::Precommit;
    for one in &round.round_signatures {
        if ends && one.vote_type == VoteType::Prevote {
            return Err(CertificateError::InvalidVoteType(one.address));
        }
        let vote = vote(one.vote_type, round.height, round.round, one.value_id, one.address);
        let wrong = || CertificateError::InvalidRoundSignature(one.clone());
        count.add(signer, &vote, one.signature, wrong)?;
    }
    count.reaches(if ends { limits.quorum } else { limits.honest })
}
