//! What travels: greetings, blocks, transactions, and what light peers ask and hear.

use anthill_protocol::{Message, NodeId, Shared, Signature, Wire, WireError, draw};

use crate::block::HEADER_BYTES;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[message(header = 8)]
pub enum GoodwillMessage {
    /// "I am this node of this chain; sign this challenge." `proof` answers the other's, or is a
    /// signature of a constant.
    Hello { chain: u64, who: NodeId, clock: u64, challenge: u64, proof: Signature },
    /// "This node has greeted me."
    Known { who: NodeId },
    /// "Which ledger have you?", with the answer to a challenge.
    GetLedgerInfos { proof: Signature },
    /// "It ends in this block."
    LedgerInfos { tip: Name, height: u32 },
    /// "Send me this block."
    GetLedgerBlock { block: Name },
    /// The block that was asked for.
    LedgerBlock { block: Shared },
    /// A block, to all neighbours.
    Block { block: Shared },
    /// A transaction.
    Transaction { transaction: Shared },
    /// To a light peer: its transaction lies so many blocks deep in this one's chain.
    Notice { proof: Attested, transaction: u64, depth: u32 },
    /// "Where is this transaction?"
    Lookup { transaction: u64 },
    /// It is in this block of the sender's chain, or in none.
    Found { transaction: u64, block: Option<Name> },
}

/// A block's name: 32 bytes, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(pub(crate) Shared);

impl Wire for Name {
    const HAS_BODIES: bool = true;

    fn write(&self, out: &mut Vec<u8>) {
        self.0.encode_name(out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
        Shared::decode_name(bytes).map(Self).ok_or(WireError("not a block's name"))
    }

    fn wire_len(&self) -> u32 {
        Shared::NAME_LEN
    }

    fn fold(&self, hash: u64) -> u64 {
        draw::mix(hash, self.0.id())
    }

    fn visit_bodies(&self, visit: &mut impl FnMut(Shared)) {
        visit(self.0);
    }
}

/// A block's header, and the path of so many hashes from one of its transactions to its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attested {
    pub(crate) block: Name,
    pub(crate) path: u8,
}

impl Attested {
    /// The proof for one of so many transactions.
    pub(crate) fn new(block: Shared, transactions: usize) -> Self {
        let path = transactions.max(1).next_power_of_two().trailing_zeros() as u8;
        Self { block: Name(block), path }
    }

    fn padding(path: u8) -> usize {
        (HEADER_BYTES - Shared::NAME_LEN) as usize + 32 * usize::from(path)
    }
}

impl Wire for Attested {
    const HAS_BODIES: bool = true;

    fn write(&self, out: &mut Vec<u8>) {
        self.path.write(out);
        self.block.write(out);
        out.resize(out.len() + Self::padding(self.path), 0);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
        let (path, block) = (u8::read(bytes)?, Name::read(bytes)?);
        let (zeros, rest) =
            bytes.split_at_checked(Self::padding(path)).ok_or(WireError("too short"))?;
        *bytes = rest;
        match zeros.iter().all(|byte| *byte == 0) {
            true => Ok(Self { block, path }),
            false => Err(WireError("not padding")),
        }
    }

    fn wire_len(&self) -> u32 {
        1 + Shared::NAME_LEN + Self::padding(self.path) as u32
    }

    fn fold(&self, hash: u64) -> u64 {
        self.block.fold(draw::mix(hash, self.path.into()))
    }

    fn visit_bodies(&self, visit: &mut impl FnMut(Shared)) {
        self.block.visit_bodies(visit);
    }
}
