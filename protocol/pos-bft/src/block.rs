//! Blocks: what is hashed, what is valid on top of what, and what came of them.
//!
//! A block keeps its parent alive, so a chain is in memory once for all nodes, and a node keeps the handle
//! of its tip. Whether a block is valid and what its execution gives are functions of the block alone,
//! because it names its parent and its parent's roots: they are worked out by whoever needs them first,
//! and kept in the block.

use std::sync::OnceLock;

use anthill_contracts::Memo;
use anthill_protocol::draw::mix;
use anthill_protocol::{Bodies, Digest, Shared, Snapshot, SnapshotError, Time};

use crate::bodies::{ChainBody, with};
use crate::outcome::Outcome;

/// What a block says of itself. All of it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Header {
    /// What tells this chain from others.
    pub chain: u64,
    pub height: u32,
    /// The weighted median of the times in the last commit; later than the parent's.
    pub time: Time,
    /// Hashes: of the parent, of the commit for it, of this height's validators and the next one's.
    pub parent: u64,
    pub commit: u64,
    pub validators: u64,
    pub next_validators: u64,
    /// Of what is in it.
    pub transactions: u64,
    pub evidence: u64,
    pub proposer: u32,
    /// Roots after the parent.
    pub state: Digest,
    pub receipts: Digest,
    /// Whatever its proposer likes.
    pub salt: u64,
}

/// Bytes of a header: 8 hashes or roots of 32 bytes, and numbers.
pub(crate) const HEADER_BYTES: u32 = 8 * 32 + 32;

/// A block.
#[derive(Debug)]
pub struct Block {
    pub header: Header,
    /// `None`: its parent is the genesis.
    pub parent: Option<Shared>,
    /// An ancestor further back.
    skip: Option<Shared>,
    /// The commit for its parent.
    pub commit: Option<Shared>,
    pub transactions: Box<[Shared]>,
    pub evidence: Box<[Shared]>,
    /// When it was made, which no node knows: for measurements.
    pub made: Time,
    hash: u64,
    pub valid: OnceLock<bool>,
    pub outcome: Memo<Outcome>,
}

impl Clone for Block {
    /// Without what was worked out.
    fn clone(&self) -> Self {
        Self {
            header: self.header,
            parent: self.parent,
            skip: self.skip,
            commit: self.commit,
            transactions: self.transactions.clone(),
            evidence: self.evidence.clone(),
            made: self.made,
            hash: self.hash,
            valid: OnceLock::new(),
            outcome: Memo::new(),
        }
    }
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header
            && self.parent == other.parent
            && self.commit == other.commit
            && self.transactions == other.transactions
            && self.evidence == other.evidence
    }
}

impl Eq for Block {}

/// Its content: the hash, whether it is valid and what comes of it follow.
impl Snapshot for Block {
    fn save(&self, out: &mut Vec<u8>) {
        let Self { header, parent, skip, commit, transactions, evidence, made, .. } = self;
        header.save(out);
        (*parent, *skip, *commit, *made).save(out);
        transactions.save(out);
        evidence.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let header = Header::load(bytes)?;
        let (parent, skip, commit, made) = Snapshot::load(bytes)?;
        Ok(Self {
            header,
            parent,
            skip,
            commit,
            transactions: Snapshot::load(bytes)?,
            evidence: Snapshot::load(bytes)?,
            made,
            hash: header.hash(),
            valid: OnceLock::new(),
            outcome: Memo::new(),
        })
    }
}

/// A hash of a list of bodies, by their names.
pub(crate) fn names(list: &[Shared]) -> u64 {
    list.iter().fold(list.len() as u64, |hash, body| mix(hash, body.id()))
}

impl Header {
    /// The hash of what it says.
    pub fn own_hash(&self) -> u64 {
        self.hash()
    }

    fn hash(&self) -> u64 {
        let words = [
            u64::from(self.height) << 32 | u64::from(self.proposer),
            self.time.0,
            self.parent,
            self.commit,
            self.validators,
            self.next_validators,
            self.transactions,
            self.evidence,
            self.salt,
        ];
        let numbers = words.into_iter().flat_map(u64::to_le_bytes);
        let bytes: Vec<u8> = numbers.chain(self.state.0).chain(self.receipts.0).collect();
        let digest = Digest::of("pos-bft block", self.chain, 0, &bytes).0;
        let word: [u8; 8] = digest[..8].try_into().expect("32 bytes");
        // Nil is no block.
        u64::from_le_bytes(word).max(1)
    }
}

impl Block {
    /// A block of these parts; the hashes of its lists are filled in.
    pub fn new(
        header: Header,
        parent: Option<Shared>,
        commit: Option<Shared>,
        (transactions, evidence): (Vec<Shared>, Vec<Shared>),
        made: Time,
        bodies: &impl Bodies<ChainBody>,
    ) -> Self {
        let header =
            Header { transactions: names(&transactions), evidence: names(&evidence), ..header };
        let skip = parent.and_then(|it| ancestor(it, skip_height(header.height), bodies));
        Self {
            header,
            parent,
            skip,
            commit,
            transactions: transactions.into(),
            evidence: evidence.into(),
            made,
            hash: header.hash(),
            valid: OnceLock::new(),
            outcome: Memo::new(),
        }
    }

    /// The same with another salt.
    pub fn salted(&self, salt: u64) -> Self {
        let header = Header { salt, ..self.header };
        Self { header, hash: header.hash(), ..self.clone() }
    }

    /// The same with another root, which is wrong.
    pub fn with_state(&self, state: Digest) -> Self {
        let header = Header { state, ..self.header };
        Self { header, hash: header.hash(), ..self.clone() }
    }

    /// The same block as another proposer would have made it.
    #[cfg(test)]
    pub fn by(&self, proposer: u32) -> Self {
        let header = Header { proposer, ..self.header };
        Self { header, hash: header.hash(), ..self.clone() }
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn encoded_len(&self) -> u32 {
        let parts = self.transactions.iter().chain(&self.evidence).copied().chain(self.commit);
        with(HEADER_BYTES, parts)
    }

    pub fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        let all = self.transactions.iter().chain(&self.evidence).copied();
        all.chain([self.parent, self.skip, self.commit].into_iter().flatten()).for_each(visit);
    }
}

/// The height that a block's `skip` leads to: far for few, so that any ancestor is few steps away.
fn skip_height(height: u32) -> u32 {
    let cleared = |it: u32| it & it.wrapping_sub(1);
    if height < 2 {
        0
    } else if height % 2 == 1 {
        cleared(cleared(height - 1)).saturating_add(1)
    } else {
        cleared(height)
    }
}

/// A block's ancestor of a height, or itself; `None` for the genesis and heights above the block.
pub(crate) fn ancestor(
    block: Shared,
    height: u32,
    bodies: &impl Bodies<ChainBody>,
) -> Option<Shared> {
    let mut at = block;
    loop {
        let it = bodies.get(at).block()?;
        if it.header.height == height {
            return Some(at);
        }
        if it.header.height < height || height == 0 {
            return None;
        }
        let skip = it.skip.filter(|skip| {
            bodies.get(*skip).block().is_some_and(|skip| skip.header.height >= height)
        });
        at = skip.or(it.parent)?;
    }
}
