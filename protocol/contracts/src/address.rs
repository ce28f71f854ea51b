//! Who owns a balance: users, contracts, and pots with a name.

use core::fmt;

use anthill_protocol::{NodeId, PublicKey, Snapshot};

/// 32 bytes that name an account.
///
/// In an emulation a node's account is named by its id ([`Address::of_node`]): the bytes of keys
/// differ between modelled and real signatures and must not enter a state. Nodes that run over a
/// network name accounts by key ([`Address::of_key`]).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Snapshot)]
pub struct Address(pub [u8; 32]);

impl Address {
    /// The account of an emulated node.
    pub fn of_node(node: NodeId) -> Self {
        Self::hashed(b"node", &node.0.to_le_bytes())
    }

    /// The account of the owner of a key: the key itself.
    pub fn of_key(key: &PublicKey) -> Self {
        Self(key.0)
    }

    /// The contract that `creator` deploys with the transaction of that nonce.
    pub fn of_contract(creator: &Self, nonce: u64) -> Self {
        let mut bytes = [0; 40];
        bytes[..32].copy_from_slice(&creator.0);
        bytes[32..].copy_from_slice(&nonce.to_le_bytes());
        Self::hashed(b"contract", &bytes)
    }

    /// A pot of the chain's own, such as "burnt": no key owns it.
    pub fn pot(name: &str) -> Self {
        Self::hashed(b"pot", name.as_bytes())
    }

    fn hashed(kind: &[u8], name: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[kind.len() as u8]);
        hasher.update(kind);
        hasher.update(name);
        Self(hasher.finalize().into())
    }

    /// From 64 hexadecimal digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…")
    }
}
