//! Blocks, and votes for them.
//!
//! A block here is a header: what transactions it has is a hash. A vote is a signature on the block and carries it, so
//! whoever hears a vote knows the block. Without signatures a vote is the block itself, from its voter.

use anthill_protocol::{
    Body, Claim, Context, Digest, Keys, NodeId, Shared, Signature, Snapshot, SnapshotError, draw,
};

use crate::Streamlet;

/// Bytes of a header on the wire: epoch, height, proposer, and the hashes of parent and transactions.
const HEADER: u32 = 4 + 4 + 4 + 32 + 32;
const SIGNATURE: u32 = 64;
/// A vote beside its block: who votes.
const VOTER: u32 = 4;

/// A block's epoch, and 64 bits of its hash; zeros: the genesis block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Snapshot)]
pub(crate) struct Place {
    pub(crate) epoch: u32,
    pub(crate) name: u64,
}

/// What is shared.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum Shown {
    Block(Block),
    Vote(Vote),
}

/// A block. Its place is that of its content: [`Block::place_of`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    place: Place,
    pub(crate) parent: Place,
    pub(crate) height: u32,
    pub(crate) proposer: NodeId,
    /// The hash of its transactions.
    pub(crate) payload: u64,
    /// Of the machine over the log: what the payload is the name of.
    pub(crate) body: Option<Shared>,
    signature: Option<Signature>,
}

/// A signed vote.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Vote {
    pub(crate) place: Place,
    pub(crate) block: Shared,
    pub(crate) voter: NodeId,
    pub(crate) signature: Signature,
}

/// What two kinds of statements are signed as.
#[derive(Clone, Copy)]
enum Statement {
    Block,
    Vote,
}

fn digest(scenario: u64, statement: Statement, words: [u64; 5]) -> Digest {
    let mut bytes = [0; 40];
    for (slot, word) in bytes.chunks_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    Digest::of("streamlet", scenario, statement as u32, &bytes)
}

impl Block {
    /// A block that is nobody's.
    pub(crate) const NOTHING: Self = Self {
        place: Place { epoch: 0, name: 0 },
        parent: Place { epoch: 0, name: 0 },
        height: 0,
        proposer: NodeId(u32::MAX),
        payload: 0,
        body: None,
        signature: None,
    };

    /// Makes and shares a block of this node's, signed if the protocol signs.
    pub(crate) fn share(
        protocol: &Streamlet,
        (epoch, height): (u32, u32),
        parent: Place,
        payload: u64,
        cx: &mut impl Context<Streamlet>,
    ) -> Shared {
        Self::share_with(protocol, (epoch, height), parent, (payload, None), cx)
    }

    /// The same, with a body that the payload is the name of.
    pub(crate) fn share_with(
        protocol: &Streamlet,
        (epoch, height): (u32, u32),
        parent: Place,
        (payload, body): (u64, Option<Shared>),
        cx: &mut impl Context<Streamlet>,
    ) -> Shared {
        let proposer = cx.id();
        let place = Self::place_of((epoch, height), parent, proposer, (payload, body));
        let mut block = Self { place, parent, height, proposer, payload, body, signature: None };
        block.signature = protocol.signed.then(|| cx.sign(&block.digest(cx.scenario())));
        cx.share(Shown::Block(block))
    }

    fn place_of(
        (epoch, height): (u32, u32),
        parent: Place,
        proposer: NodeId,
        (payload, body): (u64, Option<Shared>),
    ) -> Place {
        let words = [
            u64::from(epoch) << 32 | u64::from(height),
            u64::from(parent.epoch) << 32 | u64::from(proposer.0),
            parent.name,
            payload,
        ];
        // Zero is the genesis block's.
        let name = words.into_iter().fold(u64::from(body.is_some()), draw::mix).max(1);
        Place { epoch, name }
    }

    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Whether it is signed by whom it says, if it has to be, and by the leader of its epoch, which comes after
    /// its parent's.
    pub(crate) fn is_valid(
        &self,
        handle: Shared,
        protocol: &Streamlet,
        cx: &mut impl Context<Streamlet>,
    ) -> bool {
        let proposed = self.proposer == protocol.leader(self.place.epoch, cx.nodes());
        let named = self.body.is_none_or(|body| body.id() == self.payload);
        let rises = self.parent.epoch < self.place.epoch && self.height > 0;
        let signed =
            !protocol.signed || (self.signature.is_some() && cx.verify_body(handle).failed() == 0);
        proposed && rises && signed && named
    }

    fn digest(&self, scenario: u64) -> Digest {
        let Self { place, parent, height, proposer, payload, .. } = self;
        let epochs = u64::from(place.epoch) << 32 | u64::from(parent.epoch);
        let who = u64::from(*height) << 32 | u64::from(proposer.0);
        digest(scenario, Statement::Block, [place.name, epochs, who, parent.name, *payload])
    }

    fn encoded_len(&self) -> u32 {
        let own = HEADER + if self.signature.is_some() { SIGNATURE } else { 0 };
        let body = self.body.map_or(0, |body| body.encoded_len());
        own.saturating_add(body).min(Shared::MAX_LEN - VOTER - SIGNATURE)
    }
}

/// Of its place the epoch: the name follows from the content.
impl Snapshot for Block {
    fn save(&self, out: &mut Vec<u8>) {
        let Self { place, parent, height, proposer, payload, body, signature } = self;
        (place.epoch, *height).save(out);
        parent.save(out);
        (*proposer, *payload, *body, *signature).save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let (epoch, height) = Snapshot::load(bytes)?;
        let (parent, (proposer, payload, body, signature)) = Snapshot::load(bytes)?;
        let place = Self::place_of((epoch, height), parent, proposer, (payload, body));
        Ok(Self { place, parent, height, proposer, payload, body, signature })
    }
}

impl Vote {
    /// Signs and shares a vote of this node's.
    pub(crate) fn share(handle: Shared, place: Place, cx: &mut impl Context<Streamlet>) -> Shared {
        let voter = cx.id();
        let signature = cx.sign(&Self::digest(cx.scenario(), place, voter));
        cx.share(Shown::Vote(Self { place, block: handle, voter, signature }))
    }

    fn digest(scenario: u64, place: Place, voter: NodeId) -> Digest {
        let words = [place.epoch.into(), place.name, voter.0.into(), 0, 0];
        digest(scenario, Statement::Vote, words)
    }
}

impl Body for Shown {
    fn encoded_len(&self) -> u32 {
        match self {
            Self::Block(block) => block.encoded_len(),
            Self::Vote(vote) => (vote.block.encoded_len() + VOTER + SIGNATURE).min(Shared::MAX_LEN),
        }
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Block(block) => block.place.name,
            Self::Vote(vote) => draw::mix(vote.place.name, vote.voter.0.into()),
        }
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let (signer, digest, signature) = match self {
            Self::Block(Block { signature: None, .. }) => return,
            Self::Block(block @ Block { signature: Some(signature), .. }) => {
                (block.proposer, block.digest(keys.scenario()), *signature)
            }
            Self::Vote(vote) => {
                let digest = Vote::digest(keys.scenario(), vote.place, vote.voter);
                (vote.voter, digest, vote.signature)
            }
        };
        announce(Claim { key: keys.public_key(signer), digest, signature });
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        match self {
            Self::Vote(vote) => visit(vote.block),
            Self::Block(block) => block.body.into_iter().for_each(visit),
        }
    }
}
