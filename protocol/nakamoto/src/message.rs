//! What travels: announcements, requests, blocks whole or compact, transactions.

use anthill_protocol::{Message, Shared, Wire, WireError, draw};

use crate::transaction::Transaction;

/// A message; its header is as long as Bitcoin's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[message(header = 24)]
pub enum NakamotoMessage {
    /// "I have this block."
    Inv { block: Name },
    /// "Send it to me."
    GetData { block: Name },
    /// The block.
    Block { block: Carried },
    /// Its header and short names of its transactions (BIP 152).
    Compact { block: Carried },
    /// "Some of its transactions I do not have."
    GetMissing { block: Name },
    /// Those.
    Missing { block: Carried },
    /// "What is your tip?", of a node that was down.
    GetTip,
    /// "I have this transaction."
    TxInv { transaction: Transaction },
    /// "Send it to me."
    GetTx { transaction: Transaction },
    /// The transaction.
    Tx { transaction: Padded },
    /// "Your payment is confirmed, here is what you bought."
    Shipped { transaction: Transaction },
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

/// A block as part of a message that is so many bytes long, because of transactions that nobody
/// emulates one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    name: Name,
    bytes: u32,
}

impl Carried {
    /// Its length and the name.
    const LEAST: u32 = 4 + Shared::NAME_LEN;

    pub(crate) fn new(block: Shared, bytes: u32) -> Self {
        Self { name: Name(block), bytes: bytes.clamp(Self::LEAST, Shared::MAX_LEN) }
    }

    pub(crate) fn block(&self) -> Shared {
        self.name.0
    }
}

impl Wire for Carried {
    const HAS_BODIES: bool = true;

    fn write(&self, out: &mut Vec<u8>) {
        self.bytes.write(out);
        self.name.write(out);
        out.resize(out.len() + (self.bytes - Self::LEAST) as usize, 0);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
        let (len, name) = (u32::read(bytes)?, Name::read(bytes)?);
        if !(Self::LEAST..=Shared::MAX_LEN).contains(&len) {
            return Err(WireError("not a length of a block"));
        }
        skip_zeros(bytes, len - Self::LEAST)?;
        Ok(Self { name, bytes: len })
    }

    fn wire_len(&self) -> u32 {
        self.bytes
    }

    fn fold(&self, hash: u64) -> u64 {
        self.name.fold(draw::mix(hash, self.bytes.into()))
    }

    fn visit_bodies(&self, visit: &mut impl FnMut(Shared)) {
        self.name.visit_bodies(visit);
    }
}

/// A whole transaction: as long as most are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Padded(pub(crate) Transaction);

impl Padded {
    const BYTES: u32 = 250;
}

impl Wire for Padded {
    fn write(&self, out: &mut Vec<u8>) {
        let end = out.len() + Self::BYTES as usize;
        self.0.write(out);
        out.resize(end, 0);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
        let transaction = Transaction::read(bytes)?;
        skip_zeros(bytes, Self::BYTES - transaction.wire_len())?;
        Ok(Self(transaction))
    }

    fn wire_len(&self) -> u32 {
        Self::BYTES
    }

    fn fold(&self, hash: u64) -> u64 {
        self.0.fold(hash)
    }
}

fn skip_zeros(bytes: &mut &[u8], count: u32) -> Result<(), WireError> {
    let (zeros, rest) = bytes.split_at_checked(count as usize).ok_or(WireError("too short"))?;
    *bytes = rest;
    if zeros.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(WireError("not padding")) }
}
