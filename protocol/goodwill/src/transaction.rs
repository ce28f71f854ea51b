//! Transactions: what is signed, and what it asks for.

use anthill_protocol::draw::mix;
use anthill_protocol::{
    Claim, Digest, Keys, NodeId, PublicKey, Signature, Snapshot, Span, Time, fingerprint_bytes,
};

use crate::accounts::AccountId;
use crate::contracts::Code;

/// The digests of this protocol.
pub(crate) const DOMAIN: &str = "goodwill";
/// The kind of a transaction's digest; of a block's; of an answer to a challenge.
pub(crate) const TRANSACTION: u32 = 0;
pub(crate) const BLOCK: u32 = 1;
pub(crate) const GREETING: u32 = 2;
/// Bytes of a transaction beside outputs and payload: chain, account, signer, nonce, fee, signature.
const BYTES: u32 = 8 + 4 + 4 + 4 + 8 + 64;

/// What the forger of a block signs.
pub(crate) fn block_digest(slot: u32, hash: u64, scenario: u64) -> Digest {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&slot.to_le_bytes());
    bytes[4..].copy_from_slice(&hash.to_le_bytes());
    Digest::of(DOMAIN, scenario, BLOCK, &bytes)
}

/// A payment to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Payment {
    pub(crate) to: AccountId,
    pub(crate) amount: u64,
}

/// What a transaction does beside paying.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub(crate) enum Payload {
    /// Nothing.
    None,
    /// Gives to an association, for weight in a window.
    Bid { association: u32, amount: u64, window: u32 },
    /// Asks to be an approved association.
    Request { name: u32, purpose: u8, credential: u64, is_scam: bool },
    /// A forger's vote on an association: to admit it, or to revoke it.
    Vote { association: u32, yes: bool },
    /// "I am here."
    Here,
    /// Two blocks of one slot by one forger.
    Evidence { accused: AccountId, slot: u32, hashes: [u64; 2], signatures: Box<[Signature; 2]> },
    /// A block that does not re-execute to what it says.
    Accuse { accused: AccountId, block: u64 },
    /// Pays `amount` to `to` at slot `first` and every `period` slots, `count` times; 0: until stopped.
    Cron { to: AccountId, amount: u64, first: u32, period: u32, count: u32 },
    /// Ends one of its own crons.
    Stop { cron: u64 },
    /// All that the account holds goes to `heir` unless it says `Alive` within so many slots.
    DeadMan { heir: AccountId, patience: u32 },
    /// "I live."
    Alive,
    /// Puts a contract into the chain: what a call takes if it has no code, how many it allows, its code,
    /// and what that reads at once.
    Create { name: u32, fuel: u64, calls: u32, code: Code, input: Box<[u8]> },
    /// Calls one, for so much fuel at most, at a price in millionths of a coin.
    Call { contract: u64, limit: u64, price: u64, value: u64, input: Box<[u8]> },
    /// Takes out what the account has among contracts.
    Withdraw,
}

impl Payload {
    /// Words that tell payloads apart: the kind, and what it carries.
    fn words(&self) -> [u64; 6] {
        let wide = |a: u32, b: u32| u64::from(a) << 32 | u64::from(b);
        match *self {
            Self::None => [0; 6],
            Self::Bid { association, amount, window } => {
                [1, association.into(), amount, window.into(), 0, 0]
            }
            Self::Request { name, purpose, credential, is_scam } => {
                [2, name.into(), purpose.into(), credential, is_scam.into(), 0]
            }
            Self::Vote { association, yes } => [3, association.into(), yes.into(), 0, 0, 0],
            Self::Here => [4, 0, 0, 0, 0, 0],
            Self::Evidence { accused, slot, hashes, .. } => {
                [5, wide(accused, slot), hashes[0], hashes[1], 0, 0]
            }
            Self::Accuse { accused, block } => [6, accused.into(), block, 0, 0, 0],
            Self::Cron { to, amount, first, period, count } => {
                [7, to.into(), amount, wide(first, period), count.into(), 0]
            }
            Self::Stop { cron } => [8, cron, 0, 0, 0, 0],
            Self::DeadMan { heir, patience } => [9, wide(heir, patience), 0, 0, 0, 0],
            Self::Alive => [10, 0, 0, 0, 0, 0],
            Self::Create { name, fuel, calls, ref code, ref input } => {
                let [kind, content] = code.words();
                [11, wide(name, calls), fuel, kind, content, fingerprint_bytes(input)]
            }
            Self::Call { contract, limit, price, value, ref input } => {
                [12, contract, limit, price, value, fingerprint_bytes(input)]
            }
            Self::Withdraw => [13, 0, 0, 0, 0, 0],
        }
    }

    fn encoded_len(&self) -> u32 {
        match self {
            Self::None => 1,
            Self::Bid { .. } | Self::Accuse { .. } => 17,
            Self::Request { .. } => 14,
            Self::Vote { .. } => 6,
            Self::Here | Self::Alive | Self::Withdraw => 1,
            // Two signed headers.
            Self::Evidence { .. } => 1 + 2 * crate::block::HEADER_BYTES,
            Self::Cron { .. } => 25,
            Self::Call { input, .. } => 33 + input.len().min(16_384) as u32,
            Self::Create { code, input, .. } => 21 + code.len() + input.len().min(16_384) as u32,
            Self::Stop { .. } | Self::DeadMan { .. } => 9,
        }
    }
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Transaction {
    /// The account that pays.
    pub(crate) from: AccountId,
    /// Whose key signed it: the account's own node, or that of an association.
    pub(crate) signer: NodeId,
    pub(crate) nonce: u32,
    pub(crate) outputs: Box<[Payment]>,
    pub(crate) fee: u64,
    pub(crate) payload: Payload,
    pub(crate) signature: Signature,
    /// Whether the signature covers all of it, as it should; else the paying key and the amount alone.
    pub(crate) covers_all: bool,
    /// When it was made, and whether by an adversary that breaks a rule with it: for measurements.
    pub(crate) made: Time,
    pub(crate) is_attack: bool,
}

impl Transaction {
    /// A transaction without a signature.
    pub(crate) fn new(from: AccountId, nonce: u32, payload: Payload, covers_all: bool) -> Self {
        Self {
            from,
            signer: NodeId(from),
            nonce,
            outputs: Box::default(),
            fee: 0,
            payload,
            signature: Signature([0; 64]),
            covers_all,
            made: Time::ZERO,
            is_attack: false,
        }
    }

    /// What it pays beside the fee.
    pub(crate) fn amount(&self) -> u64 {
        let paid = self.outputs.iter().fold(0u64, |sum, one| sum.saturating_add(one.amount));
        match self.payload {
            Payload::Bid { amount, .. } => paid.saturating_add(amount),
            Payload::Call { limit, price, value, .. } => {
                paid.saturating_add(limit.saturating_mul(price)).saturating_add(value)
            }
            _ => paid,
        }
    }

    /// All that the account must have for it.
    pub(crate) fn cost(&self) -> u64 {
        self.amount().saturating_add(self.fee)
    }

    /// What tells it from others.
    pub(crate) fn id(&self) -> u64 {
        let head = mix(u64::from(self.from) << 32 | u64::from(self.nonce), self.fee);
        let head = mix(head, u64::from(self.signer.0) << 1 | u64::from(self.covers_all));
        let head = self.payload.words().into_iter().fold(head, mix);
        let pay = |hash, one: &Payment| mix(hash, mix(one.to.into(), one.amount));
        self.outputs.iter().fold(head, pay)
    }

    /// What is signed. Of the original scheme only the paying key and the amount are.
    pub(crate) fn digest(&self, scenario: u64) -> Digest {
        let mut words = vec![u64::from(self.from), self.amount()];
        if self.covers_all {
            words.extend([self.id(), u64::from(self.nonce)]);
        }
        let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
        Digest::of(DOMAIN, scenario, TRANSACTION, &bytes)
    }

    pub(crate) fn claim(&self, key: PublicKey, scenario: u64) -> Claim {
        Claim { key, digest: self.digest(scenario), signature: self.signature }
    }

    /// The signatures that have to hold: its own, and those that it gives in evidence.
    pub(crate) fn announce(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let scenario = keys.scenario();
        announce(self.claim(keys.public_key(self.signer), scenario));
        if let Payload::Evidence { accused, slot, hashes, signatures } = &self.payload {
            let key = keys.public_key(NodeId(*accused));
            for (hash, signature) in hashes.iter().zip(signatures.iter()) {
                let digest = block_digest(*slot, *hash, scenario);
                announce(Claim { key, digest, signature: *signature });
            }
        }
    }

    pub(crate) fn encoded_len(&self) -> u32 {
        BYTES + 12 * self.outputs.len().min(1_000) as u32 + self.payload.encoded_len()
    }

    /// How long ago it was made.
    pub(crate) fn age(&self, now: Time) -> Span {
        now.since(self.made)
    }
}
