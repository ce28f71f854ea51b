//! What is shared: commands with their signatures, blocks, certificates, and what logs share.

use anthill_market::oracle::Report;
use anthill_market::sealed::Seal;
use anthill_market::{Command, codec};
use anthill_protocol::draw::mix;
use anthill_protocol::kit::Part;
use anthill_protocol::{
    Body, Claim, Digest, Keys, NodeId, Shared, Signature, Snapshot, SnapshotError, Span, Time,
    Wire, fingerprint_bytes,
};

use crate::AnyBody;

/// What is signed: a kind of statement, and its words.
pub(crate) fn digest(scenario: u64, kind: u32, words: &[u64]) -> Digest {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    Digest::of("exchange", scenario, kind, &bytes)
}

/// A request to a chain, signed by who makes it.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Signed {
    pub(crate) chain: u32,
    pub(crate) signer: NodeId,
    /// Its signer's requests to all chains are numbered from 1; a chain does each once.
    pub(crate) request: u32,
    pub(crate) asks: Asks,
    pub(crate) signature: Signature,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// A command; `other`: of an order that is prepared, the venue of the other leg.
    Plain { command: Command, other: u32 },
    /// An order that nobody can read yet.
    Seal(Seal),
    /// The order, and what proves that it was sealed.
    Open { command: Command, salt: [u8; 32] },
    /// What a maker holds the price to be.
    Report(Report),
}

impl Asks {
    fn bytes(&self) -> Vec<u8> {
        let (tag, command, rest) = match self {
            Self::Plain { command, other } => (0, Some(command), other.to_le_bytes().to_vec()),
            Self::Seal(seal) => (1, None, seal.to_vec()),
            Self::Open { command, salt } => (2, Some(command), salt.to_vec()),
            Self::Report(Report { mid, size, confidence }) => {
                let mut words = Vec::new();
                (*mid as u64, *size as u64, *confidence).save(&mut words);
                (3, None, words)
            }
        };
        let mut bytes = vec![tag];
        bytes.extend(rest);
        command.into_iter().for_each(|command| codec::encode_into(command, &mut bytes));
        bytes
    }
}

/// The bytes that are signed.
impl Snapshot for Asks {
    fn save(&self, out: &mut Vec<u8>) {
        self.bytes().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let form = Vec::<u8>::load(bytes)?;
        let rest = &mut &form[..];
        let asks = match u8::load(rest)? {
            0 => Self::Plain { other: u32::load(rest)?, command: command(rest)? },
            1 => Self::Seal(Snapshot::load(rest)?),
            2 => Self::Open { salt: Snapshot::load(rest)?, command: command(rest)? },
            3 => {
                let (mid, size, confidence) = <(u64, u64, u32)>::load(rest)?;
                Self::Report(Report { mid: mid as i64, size: size as i64, confidence })
            }
            _ => return Err(SnapshotError("no such request")),
        };
        rest.is_empty().then_some(asks).ok_or(SnapshotError("more than a request"))
    }
}

/// A command that is all the rest.
fn command(rest: &mut &[u8]) -> Result<Command, SnapshotError> {
    codec::decode(core::mem::take(rest)).map_err(|_| SnapshotError("no such command"))
}

impl Signed {
    /// Its content as one word, signature aside.
    pub(crate) fn fold(&self) -> u64 {
        let place =
            mix(u64::from(self.chain), u64::from(self.signer.0) << 32 | u64::from(self.request));
        mix(place, fingerprint_bytes(&self.asks.bytes()))
    }

    pub(crate) fn digest(&self, scenario: u64) -> Digest {
        let mut bytes = self.asks.bytes();
        for word in [self.chain, self.signer.0, self.request] {
            bytes.extend(word.to_le_bytes());
        }
        Digest::of("exchange", scenario, REQUEST, &bytes)
    }
}

/// Kinds of what is signed.
const REQUEST: u32 = 0;
const STATEMENT: u32 = 1;

/// What a chain has decided, as its replicas tell other chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Wire, Snapshot)]
pub(crate) struct Statement {
    /// The chain that says so.
    pub(crate) from: u32,
    /// The trade over two venues, by its number.
    pub(crate) number: u32,
    pub(crate) what: Stated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Wire, Snapshot)]
pub(crate) enum Stated {
    /// A venue has reserved its leg, or cannot; the other leg is at `other`.
    Vote { yes: bool, other: u32 },
    /// The coordinator's log has decided.
    Decision { commit: bool },
}

impl Statement {
    pub(crate) fn digest(&self, scenario: u64) -> Digest {
        digest(scenario, STATEMENT, &[self.fold(0)])
    }
}

/// A certificate: a statement with signatures of different replicas of the chain that says so.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Proof {
    pub(crate) statement: Statement,
    pub(crate) signatures: Vec<(NodeId, Signature)>,
}

/// Requests that are ordered together. Its order is its proposer's choice.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Block {
    pub(crate) chain: u32,
    /// From 1.
    pub(crate) height: u64,
    /// The block before; `None` for the first.
    pub(crate) parent: Option<Shared>,
    pub(crate) proposer: NodeId,
    /// When it was made, as its proposer says; not before the one before.
    pub(crate) time: Time,
    /// Requests, proofs and give-ups.
    pub(crate) commands: Vec<Shared>,
}

/// A shared body.
#[derive(Debug, PartialEq, Eq, Snapshot)]
pub enum ExchangeBody {
    #[doc(hidden)]
    Log(Box<AnyBody>, PartOf),
    #[doc(hidden)]
    Signed(Box<SignedBody>),
    #[doc(hidden)]
    Proof(ProofBody),
    /// A trade over two venues that waits too long is given up, if the coordinator's log says that first.
    GiveUp {
        /// Its number.
        number: u32,
    },
    #[doc(hidden)]
    Block(BlockBody),
}

/// Hides what is private to this crate from the types that a protocol has to name.
macro_rules! opaque {
    ($($(#[$doc:meta])* $Outer:ident($Inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
        pub struct $Outer(pub(crate) $Inner);
    )*};
}

opaque! {
    /// A request and its signature.
    SignedBody(Signed);
    /// A certificate.
    ProofBody(Proof);
    /// A block.
    BlockBody(Block);
    /// The replicas of a chain.
    PartOf(Part);
}

impl ExchangeBody {
    pub(crate) fn signed(&self) -> Option<&Signed> {
        if let Self::Signed(it) = self { Some(&it.0) } else { None }
    }

    pub(crate) fn block(&self) -> Option<&Block> {
        if let Self::Block(it) = self { Some(&it.0) } else { None }
    }

    pub(crate) fn of_block(block: Block) -> Self {
        Self::Block(BlockBody(block))
    }
}

impl Body for ExchangeBody {
    fn encoded_len(&self) -> u32 {
        match self {
            Self::Log(it, _) => it.encoded_len(),
            Self::Signed(it) => it.0.asks.bytes().len() as u32 + 12 + 64,
            Self::Proof(it) => 16 + 68 * it.0.signatures.len() as u32,
            Self::GiveUp { .. } => 8,
            Self::Block(it) => {
                let own = 4 + 8 + Shared::NAME_LEN + 4 + 8 + 4;
                let sum = |sum: u32, part: &Shared| sum.saturating_add(part.encoded_len());
                it.0.commands.iter().fold(own, sum).min(Shared::MAX_LEN)
            }
        }
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Log(it, part) => mix(it.fingerprint(), part.0.first.0.into()),
            Self::Signed(it) => mix(1, it.0.fold()),
            Self::Proof(it) => {
                let signers = it.0.signatures.iter();
                signers.fold(it.0.statement.fold(2), |hash, (signer, _)| mix(hash, signer.0.into()))
            }
            Self::GiveUp { number } => mix(3, (*number).into()),
            Self::Block(it) => {
                let Block { chain, height, parent, proposer, time, commands } = &it.0;
                let place = mix(mix(4, (*chain).into()), *height);
                let before = mix(place, parent.map_or(0, |it| it.id()));
                let who = mix(before, mix(proposer.0.into(), time.0));
                commands.iter().fold(who, |hash, it| mix(hash, it.id()))
            }
        }
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        match self {
            Self::Log(it, part) => it.claims(&mut part.0.keys(keys), announce),
            Self::Signed(it) => {
                let digest = it.0.digest(keys.scenario());
                let key = keys.public_key(it.0.signer);
                announce(Claim { key, digest, signature: it.0.signature });
            }
            Self::Proof(it) => {
                let digest = it.0.statement.digest(keys.scenario());
                for (signer, signature) in &it.0.signatures {
                    let key = keys.public_key(*signer);
                    announce(Claim { key, digest, signature: *signature });
                }
            }
            Self::GiveUp { .. } | Self::Block(_) => {}
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        match self {
            Self::Log(it, _) => it.parts(visit),
            Self::Block(it) => {
                it.0.commands.iter().copied().for_each(&mut *visit);
                it.0.parent.into_iter().for_each(visit);
            }
            Self::Signed(_) | Self::Proof(_) | Self::GiveUp { .. } => {}
        }
    }
}

/// A block's time as the height that a venue counts by: milliseconds, so that deadlines are times.
pub(crate) fn venue_height(time: Time) -> u64 {
    time.0 / Span::from_millis(1).0
}
