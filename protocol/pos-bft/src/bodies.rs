//! What many messages share: votes, certificates, proposals, evidence, decisions; blocks are in `block`.

use anthill_protocol::draw::mix;
use anthill_protocol::{Body, Claim, Digest, Keys, NodeId, Shared, Signature, Snapshot, Time};

use crate::block::{Block, HEADER_BYTES};
use crate::light::LightBlock;
use crate::parts::{PART_BYTES, Part};
use crate::transaction::Signed;

/// The value of a vote for no block.
pub(crate) const NIL: u64 = 0;

/// A kind of statement that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Snapshot)]
pub enum Kind {
    Prevote,
    Precommit,
    Proposal,
}

/// What is signed: a kind and some numbers, for this chain.
pub(crate) fn statement(scenario: u64, kind: Kind, words: [u64; 3]) -> Digest {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    Digest::of("pos-bft", scenario, kind as u32, &bytes)
}

fn place(height: u32, round: u32) -> u64 {
    u64::from(height) << 32 | u64::from(round)
}

/// A prevote or precommit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Vote {
    pub kind: Kind,
    pub height: u32,
    pub round: u32,
    /// A block's hash, or [`NIL`].
    pub value: u64,
    pub voter: u32,
    /// What its clock shows: the next block's time is the median of them.
    pub time: Time,
    pub signature: Signature,
}

impl Vote {
    pub fn words(&self) -> [u64; 3] {
        [place(self.height, self.round), self.value, self.time.0]
    }
}

/// Votes of many for one value: a proof of lock (prevotes), or a commit (precommits).
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Certificate {
    pub kind: Kind,
    pub height: u32,
    pub round: u32,
    pub value: u64,
    /// Voters, rising, with time and signature.
    pub votes: Vec<(u32, Time, Signature)>,
}

impl Certificate {
    /// One of its votes.
    pub fn vote(&self, index: usize) -> Option<Vote> {
        let (voter, time, signature) = *self.votes.get(index)?;
        let Self { kind, height, round, value, .. } = *self;
        Some(Vote { kind, height, round, value, voter, time, signature })
    }

    /// What headers say of it.
    pub fn hash(&self) -> u64 {
        let start = mix(mix(self.kind as u64, place(self.height, self.round)), self.value);
        self.votes.iter().fold(start, |hash, it| mix(mix(hash, u64::from(it.0)), it.1.0))
    }
}

/// A proposer's statement: this is the block of this round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Proposal {
    pub height: u32,
    pub round: u32,
    /// The round in which two thirds prevoted for it, if any did.
    pub valid_round: Option<u32>,
    pub value: u64,
    pub block: Shared,
    /// The prevotes of that round.
    pub proof: Option<Shared>,
    pub proposer: u32,
    /// Whether the block follows in parts, so that this message is small.
    pub in_parts: bool,
    pub signature: Signature,
}

impl Proposal {
    pub fn words(&self) -> [u64; 3] {
        let valid = self.valid_round.map_or(0, |round| u64::from(round) + 1);
        [place(self.height, self.round), self.value, valid]
    }
}

/// What shows that somebody broke the rules, or did not. Pairs are in the order of their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub enum Evidence {
    /// Two votes of one validator, round and kind for different values.
    Votes { accused: u32, height: u32, first: Shared, second: Shared },
    /// Two proposals of one round.
    Proposals { accused: u32, height: u32, first: Shared, second: Shared },
    /// A precommit, and a prevote for another block in a later round: whoever is accused has to show why.
    Amnesia { accused: u32, height: u32, precommit: Shared, prevote: Shared },
    /// The answer: two thirds had prevoted for that other block in a round between.
    Answer { accused: u32, height: u32, proof: Shared },
}

impl Evidence {
    /// Whom it is about, and the height of the deed.
    pub fn about(&self) -> (u32, u32) {
        match *self {
            Self::Votes { accused, height, .. }
            | Self::Proposals { accused, height, .. }
            | Self::Amnesia { accused, height, .. }
            | Self::Answer { accused, height, .. } => (accused, height),
        }
    }

    pub fn parts(&self) -> [Option<Shared>; 2] {
        match *self {
            Self::Votes { first, second, .. } | Self::Proposals { first, second, .. } => {
                [Some(first), Some(second)]
            }
            Self::Amnesia { precommit, prevote, .. } => [Some(precommit), Some(prevote)],
            Self::Answer { proof, .. } => [Some(proof), None],
        }
    }

    fn words(&self) -> [u64; 3] {
        let tag = match self {
            Self::Votes { .. } => 1,
            Self::Proposals { .. } => 2,
            Self::Amnesia { .. } => 3,
            Self::Answer { .. } => 4,
        };
        let (accused, height) = self.about();
        let [first, second] = self.parts().map(|part| part.map_or(0, |part| part.id()));
        [mix(tag, u64::from(accused) << 32 | u64::from(height)), first, second]
    }
}

/// A block and the commit for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Decision {
    pub height: u32,
    pub block: Shared,
    pub commit: Shared,
}

/// A shared body.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum ChainBody {
    Vote(Vote),
    Certificate(Certificate),
    Proposal(Proposal),
    Block(Box<Block>),
    Evidence(Evidence),
    Decision(Decision),
    Transaction(Signed),
    Light(Box<LightBlock>),
    Part(Part),
}

macro_rules! readers {
    ($($name:ident $variant:ident $type:ty),*) => {
        impl ChainBody {
            $(
                /// The content, if it is of that kind.
                pub fn $name(&self) -> Option<&$type> {
                    if let Self::$variant(it) = self { Some(it) } else { None }
                }
            )*
        }
    };
}

readers!(
    vote Vote Vote, certificate Certificate Certificate, proposal Proposal Proposal,
    block Block Block, evidence Evidence Evidence, decision Decision Decision,
    transaction Transaction Signed, light Light LightBlock
);

/// Height, round, hash.
const PLACE: u32 = 4 + 4 + 32;
const SIGNATURE: u32 = 64;
/// Bytes of a vote: place, kind, voter, time, signature.
pub(crate) const VOTE_BYTES: u32 = PLACE + 1 + 4 + 8 + SIGNATURE;

/// What is carried whole is as long as it is.
pub(crate) fn with(len: u32, parts: impl Iterator<Item = Shared>) -> u32 {
    parts.fold(len, |len, part| len.saturating_add(part.encoded_len())).min(Shared::MAX_LEN)
}

impl Body for ChainBody {
    fn encoded_len(&self) -> u32 {
        match self {
            Self::Vote(_) => VOTE_BYTES,
            Self::Certificate(it) => {
                let votes = u32::try_from(it.votes.len()).unwrap_or(u32::MAX);
                votes.saturating_mul(4 + 8 + SIGNATURE).saturating_add(PLACE).min(Shared::MAX_LEN)
            }
            Self::Proposal(it) => {
                let block = Some(it.block).filter(|_| !it.in_parts);
                with(PLACE + 8 + SIGNATURE, [block, it.proof].into_iter().flatten())
            }
            Self::Block(it) => it.encoded_len(),
            Self::Evidence(it) => with(8, it.parts().into_iter().flatten()),
            Self::Decision(it) => with(4, [it.block, it.commit].into_iter()),
            Self::Transaction(it) => it.encoded_len(),
            Self::Light(it) => {
                let set = (it.set.len() as u32).saturating_mul(40);
                with(HEADER_BYTES.saturating_add(set), [it.commit].into_iter())
            }
            Self::Part(it) => PART_BYTES.saturating_add(it.len).min(Shared::MAX_LEN),
        }
    }

    fn fingerprint(&self) -> u64 {
        let (tag, [a, b, c]) = match self {
            Self::Vote(it) => (1 + (it.kind as u64) + (u64::from(it.voter) << 8), it.words()),
            Self::Certificate(it) => (4, [it.hash(), it.votes.len() as u64, 0]),
            Self::Proposal(it) => {
                (5 | u64::from(it.proposer) << 8 | u64::from(it.in_parts) << 40, it.words())
            }
            Self::Block(it) => (6, [it.hash(), 0, 0]),
            Self::Evidence(it) => (7, it.words()),
            Self::Decision(it) => (8, [it.block.id(), it.commit.id(), 0]),
            Self::Transaction(it) => (9, it.words()),
            Self::Light(it) => (10, [it.hash, it.commit.id(), it.set.hash()]),
            Self::Part(it) => {
                let index = u64::from(it.index) << 32 | u64::from(it.len);
                (11, [it.block.id(), index, it.height.into()])
            }
        };
        mix(mix(mix(tag, a), b), c)
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let (kind, words, signer, signature) = match self {
            Self::Vote(it) => (it.kind, it.words(), it.voter, it.signature),
            Self::Proposal(it) => (Kind::Proposal, it.words(), it.proposer, it.signature),
            Self::Certificate(it) => {
                for vote in (0..it.votes.len()).filter_map(|index| it.vote(index)) {
                    let digest = statement(keys.scenario(), vote.kind, vote.words());
                    let key = keys.public_key(NodeId(vote.voter));
                    announce(Claim { key, digest, signature: vote.signature });
                }
                return;
            }
            Self::Transaction(it) => return it.claims(keys, announce),
            Self::Block(_)
            | Self::Evidence(_)
            | Self::Decision(_)
            | Self::Light(_)
            | Self::Part(_) => return,
        };
        let digest = statement(keys.scenario(), kind, words);
        announce(Claim { key: keys.public_key(NodeId(signer)), digest, signature });
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        match self {
            Self::Proposal(it) => [Some(it.block), it.proof].into_iter().flatten().for_each(visit),
            Self::Block(it) => it.parts(visit),
            Self::Evidence(it) => it.parts().into_iter().flatten().for_each(visit),
            Self::Decision(it) => [it.block, it.commit].into_iter().for_each(visit),
            Self::Light(it) => visit(it.commit),
            Self::Part(it) => visit(it.block),
            Self::Vote(_) | Self::Certificate(_) | Self::Transaction(_) => {}
        }
    }
}
