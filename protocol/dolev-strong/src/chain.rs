//! Chains of signatures: a value, its sender's signature, and those of all who passed it on.
//!
//! A chain is a list of links that share their beginnings: a node that passes a value on adds one link to
//! what it received, and thousands of messages name it. On the wire a chain counts whole.

use anthill_protocol::{
    Bodies, Body, Claim, Context, Digest, Keys, NodeId, Shared, Signature, Snapshot, draw,
};

use crate::DolevStrong;

/// Bytes on the wire beside signatures: instance, value, and how many there are.
const HEAD: u32 = 12;
/// Of each signature: who signed, and the signature.
const SIGNED: u32 = 4 + 64;

/// A chain, seen from its last signature.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Link {
    pub instance: u32,
    pub value: u32,
    /// Signatures up to this one: 1 for the sender's.
    pub length: u32,
    pub signer: NodeId,
    pub previous: Option<Shared>,
    /// What the signature before this one covers; zeros for the first.
    pub before: Digest,
    pub signature: Signature,
    /// Of the machine over the log, in the first link: what the value is the name of.
    pub body: Option<Shared>,
    /// How long that is.
    pub body_len: u32,
}

impl Link {
    /// What its signature covers: instance, value, this signer and, by the digest of the link before, all
    /// signers before. (Signatures are a function of key and digest, so this pins them too.)
    pub(crate) fn digest(&self, scenario: u64) -> Digest {
        let of = (self.length, self.signer, self.body);
        covered(scenario, (self.instance, self.value), of, self.before)
    }
}

fn covered(
    scenario: u64,
    (instance, value): (u32, u32),
    (length, signer, content): (u32, NodeId, Option<Shared>),
    before: Digest,
) -> Digest {
    let mut body = [0; 48];
    for (bytes, word) in body.chunks_mut(4).zip([instance, value, length, signer.0]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    body[16..].copy_from_slice(&before.0);
    match content {
        None => Digest::of("dolev-strong", scenario, 0, &body),
        Some(content) => {
            let bytes = [&body[..], &content.id().to_le_bytes()].concat();
            Digest::of("dolev-strong", scenario, 1, &bytes)
        }
    }
}

impl Body for Link {
    fn encoded_len(&self) -> u32 {
        let own = self.length.saturating_mul(SIGNED).saturating_add(HEAD);
        own.saturating_add(self.body_len).min(Shared::MAX_LEN)
    }

    fn fingerprint(&self) -> u64 {
        let place =
            draw::mix(u64::from(self.instance) << 32 | u64::from(self.value), self.length.into());
        draw::mix(place, draw::mix(self.signer.0.into(), self.previous.map_or(0, |link| link.id())))
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let (key, digest) = (keys.public_key(self.signer), self.digest(keys.scenario()));
        announce(Claim { key, digest, signature: self.signature });
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        self.previous.into_iter().chain(self.body).for_each(visit);
    }
}

/// Signs a value as the first of a chain.
pub(crate) fn begin((instance, value): (u32, u32), cx: &mut impl Context<DolevStrong>) -> Shared {
    begin_with((instance, value), None, cx)
}

/// The same, with a body that the value is the name of.
pub(crate) fn begin_with(
    (instance, value): (u32, u32),
    body: Option<Shared>,
    cx: &mut impl Context<DolevStrong>,
) -> Shared {
    let body_len = body.map_or(0, |body| body.encoded_len());
    sign((instance, value), (1, body, body_len), None, cx)
}

/// The body that a chain began with.
pub(crate) fn body_of(chain: Shared, cx: &mut impl Context<DolevStrong>) -> Option<Shared> {
    let bodies = cx.bodies();
    let mut link = bodies.get(chain);
    while let Some(previous) = link.previous {
        link = bodies.get(previous);
    }
    link.body
}

/// Adds this node's signature to a chain.
pub(crate) fn extend(chain: Shared, cx: &mut impl Context<DolevStrong>) -> Shared {
    let bodies = cx.bodies();
    let link = bodies.get(chain);
    let before = link.digest(cx.scenario());
    let (length, body_len) = (link.length.saturating_add(1), link.body_len);
    sign((link.instance, link.value), (length, None, body_len), Some((chain, before)), cx)
}

fn sign(
    (instance, value): (u32, u32),
    (length, body, body_len): (u32, Option<Shared>, u32),
    previous: Option<(Shared, Digest)>,
    cx: &mut impl Context<DolevStrong>,
) -> Shared {
    let (signer, before) = (cx.id(), previous.map_or(Digest([0; 32]), |(_, before)| before));
    let signature =
        cx.sign(&covered(cx.scenario(), (instance, value), (length, signer, body), before));
    let previous = previous.map(|(link, _)| link);
    cx.share(Link { instance, value, length, signer, previous, before, signature, body, body_len })
}

/// Whether all signatures of a chain hold, its signers are different nodes, none of them this one, and the
/// first of them is the sender.
pub(crate) fn holds(chain: Shared, sender: NodeId, cx: &mut impl Context<DolevStrong>) -> bool {
    let bodies = cx.bodies();
    let mut signers = Signers::with(cx.id(), cx.nodes());
    let last = bodies.get(chain);
    let (mut link, mut handle) = (last, chain);
    loop {
        let is_first = link.previous.is_none();
        let is_same = link.instance == last.instance
            && link.value == last.value
            && (is_first || link.body.is_none());
        let verdicts = cx.verify_body(handle);
        if !is_same || !signers.insert(link.signer) || verdicts.failed() > 0 {
            return false;
        }
        let Some(previous) = link.previous else {
            return link.length == 1 && link.before.0 == [0; 32] && link.signer == sender;
        };
        let before = bodies.get(previous);
        let follows = link.length.checked_sub(1) == Some(before.length);
        if !follows || link.before != before.digest(cx.scenario()) {
            return false;
        }
        (link, handle) = (before, previous);
    }
}

/// Different nodes, as bits.
struct Signers {
    bits: Vec<u64>,
    nodes: u32,
}

impl Signers {
    fn with(node: NodeId, nodes: u32) -> Self {
        let mut signers = Self { bits: vec![0; nodes.div_ceil(64) as usize], nodes };
        signers.insert(node);
        signers
    }

    /// Adds a node; false if it is there, or no node.
    fn insert(&mut self, node: NodeId) -> bool {
        let (word, bit) = (node.index() / 64, 1 << (node.0 % 64));
        let is_new = node.0 < self.nodes && self.bits[word] & bit == 0;
        if is_new {
            self.bits[word] |= bit;
        }
        is_new
    }
}
