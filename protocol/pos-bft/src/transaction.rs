//! Transactions: what a user signs.

use anthill_protocol::draw::mix;
use anthill_protocol::{Claim, Digest, Keys, NodeId, Signature};

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Moves `value` to another node's account.
    Transfer {
        to: u32,
    },
    /// Moves `value` into the sender's stake, or out of it.
    Bond,
    Unbond,
}

/// A signed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    pub sender: u32,
    pub nonce: u64,
    pub fuel: u64,
    pub price: u64,
    pub value: u64,
    pub payload: Payload,
    pub signature: Signature,
}

impl Signed {
    pub fn words(&self) -> [u64; 3] {
        let (tag, to) = match self.payload {
            Payload::Transfer { to } => (0, to),
            Payload::Bond => (1, 0),
            Payload::Unbond => (2, 0),
        };
        let who = u64::from(self.sender) << 32 | u64::from(to);
        [mix(who, tag), mix(self.nonce, self.value), mix(self.fuel, self.price)]
    }

    /// Chain, sender, nonce, fuel limit, price, value, payload, signature.
    pub fn encoded_len(&self) -> u32 {
        8 + 20 + 5 * 8 + 20 + 64
    }

    pub fn digest(&self, scenario: u64) -> Digest {
        let bytes: Vec<u8> = self.words().iter().flat_map(|word| word.to_le_bytes()).collect();
        Digest::of("pos-bft", scenario, 16, &bytes)
    }

    pub fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let digest = self.digest(keys.scenario());
        announce(Claim {
            key: keys.public_key(NodeId(self.sender)),
            digest,
            signature: self.signature,
        });
    }
}
