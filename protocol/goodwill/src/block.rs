//! Blocks, and transactions on their own: what nodes share.
//!
//! A block keeps its parent alive, so the tree of blocks is in memory once for all nodes. What it comes to
//! is a function of it and its parent alone: whoever needs it first works it out, all others find it.

use std::sync::Arc;

use anthill_protocol::draw::mix;
use anthill_protocol::{
    Body, Claim, Digest, Keys, NodeId, Shared, Signature, Snapshot, SnapshotError, Time,
    fingerprint_bytes,
};

use crate::outcomes::Worked;
use crate::transaction::{Transaction, block_digest};

/// Bytes of a header: chain, slot, height, parent, time, forger, two roots, coinbase, price, signature.
pub(crate) const HEADER_BYTES: u32 = 8 + 4 + 4 + 32 + 8 + 4 + 32 + 32 + 8 + 8 + 64;

/// Bytes of a block at most.
pub(crate) const MOST_BYTES: u32 = 4 << 20;

/// What nodes share.
#[derive(Debug, Snapshot)]
pub enum Item {
    /// A block.
    Block(Box<Block>),
    /// A transaction.
    Transaction(Arc<Transaction>),
}

/// What a block says beside its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Header {
    pub(crate) slot: u32,
    pub(crate) height: u32,
    /// The hash of the parent.
    pub(crate) parent: u64,
    /// What its forger's clock showed.
    pub(crate) time: Time,
    pub(crate) forger: NodeId,
    /// Of the state and the receipts after it, as its forger says.
    pub(crate) root: Digest,
    /// The forger's price per unit of fuel.
    pub(crate) price: u64,
    /// Of no meaning; a forger that grinds tries several.
    pub(crate) salt: u32,
}

/// A transaction in a block, with the handle by which nodes pass it on.
#[derive(Clone, Debug, Snapshot)]
pub(crate) struct Included {
    pub(crate) handle: Shared,
    pub(crate) transaction: Arc<Transaction>,
}

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    /// `None`: the genesis.
    pub(crate) parent: Option<Shared>,
    pub(crate) header: Header,
    pub(crate) transactions: Box<[Included]>,
    pub(crate) signature: Signature,
    /// Whether hash and signature cover the time, as they should.
    pub(crate) covers_time: bool,
    /// The time that its forger wrote, and whether an adversary broke a rule with it: for measurements.
    pub(crate) stamped: Time,
    pub(crate) is_attack: bool,
    /// What tells it from other blocks.
    pub(crate) hash: u64,
    pub(crate) worked: Worked,
}

impl Block {
    /// A block without a signature.
    pub(crate) fn new(
        parent: Option<Shared>,
        header: Header,
        transactions: Box<[Included]>,
        covers_time: bool,
    ) -> Self {
        let mut block = Self {
            parent,
            header,
            transactions,
            signature: Signature([0; 64]),
            covers_time,
            stamped: header.time,
            is_attack: false,
            hash: 0,
            worked: Worked::default(),
        };
        block.hash = block.work_out_hash();
        block
    }

    pub(crate) fn work_out_hash(&self) -> u64 {
        let Header { slot, height, parent, time, forger, root, price, salt } = self.header;
        let time = if self.covers_time { time.0 } else { 0 };
        let words = [
            u64::from(slot) << 32 | u64::from(height),
            parent,
            time,
            u64::from(forger.0) << 32 | u64::from(salt),
            fingerprint_bytes(&root.0),
            price,
        ];
        let head = words.into_iter().fold(u64::from(self.covers_time), mix);
        self.transactions.iter().fold(head, |hash, one| mix(hash, one.transaction.id()))
    }

    /// Its size on the wire in bytes.
    pub(crate) fn encoded_len(&self) -> u32 {
        let all = self.transactions.iter().map(|one| one.transaction.encoded_len());
        all.fold(HEADER_BYTES, u32::saturating_add)
    }

    pub(crate) fn digest(&self, scenario: u64) -> Digest {
        block_digest(self.header.slot, self.hash, scenario)
    }
}

/// What it says, and whether it was worked out: its hash and what it comes to follow.
impl Snapshot for Block {
    fn save(&self, out: &mut Vec<u8>) {
        let Self { parent, header, transactions, signature, .. } = self;
        parent.save(out);
        header.save(out);
        transactions.save(out);
        (*signature, self.covers_time, self.stamped, self.is_attack).save(out);
        self.worked.is_done().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let (parent, header) = (Snapshot::load(bytes)?, Header::load(bytes)?);
        let transactions = Snapshot::load(bytes)?;
        let (signature, covers_time, stamped, is_attack) = Snapshot::load(bytes)?;
        let worked = Worked::new(bool::load(bytes)?);
        let block = Self::new(parent, header, transactions, covers_time);
        Ok(Self { signature, stamped, is_attack, worked, ..block })
    }
}

impl Item {
    /// The block that it is.
    pub(crate) fn block(&self) -> Option<&Block> {
        match self {
            Self::Block(block) => Some(block),
            Self::Transaction(_) => None,
        }
    }

    pub(crate) fn transaction(&self) -> Option<&Arc<Transaction>> {
        match self {
            Self::Transaction(transaction) => Some(transaction),
            Self::Block(_) => None,
        }
    }
}

/// By content; what a block comes to follows from it.
impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Transaction(a), Self::Transaction(b)) => a == b,
            (Self::Block(a), Self::Block(b)) => {
                (a.hash, a.parent, a.header, a.signature)
                    == (b.hash, b.parent, b.header, b.signature)
            }
            _ => false,
        }
    }
}

impl Eq for Item {}

impl Body for Item {
    fn encoded_len(&self) -> u32 {
        let len = match self {
            Self::Transaction(transaction) => transaction.encoded_len(),
            Self::Block(block) => block.encoded_len(),
        };
        len.min(Shared::MAX_LEN)
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Transaction(transaction) => {
                mix(transaction.id(), transaction.made.0 << 1 | u64::from(transaction.is_attack))
            }
            Self::Block(block) => mix(block.hash, block.header.time.0),
        }
    }

    /// That of its forger, and those of its transactions in their order.
    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        match self {
            Self::Transaction(transaction) => transaction.announce(keys, announce),
            Self::Block(block) if block.parent.is_none() => {}
            Self::Block(block) => {
                let digest = block.digest(keys.scenario());
                let key = keys.public_key(block.header.forger);
                announce(Claim { key, digest, signature: block.signature });
                for one in &block.transactions {
                    one.transaction.announce(keys, announce);
                }
            }
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        if let Self::Block(block) = self {
            block.parent.into_iter().for_each(&mut *visit);
            block.transactions.iter().for_each(|one| visit(one.handle));
        }
    }
}
