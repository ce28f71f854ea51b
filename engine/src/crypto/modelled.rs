//! Signatures without curve arithmetic: tags of a secret that lies outside the emulated world.
//!
//! A signature is a keyed hash of the signer's public key and the digest; checking computes it again.
//! The key of the hash follows from the scenario's seed and is known to this module only: inside the
//! emulation the one way to a valid tag is to sign as the node that owns the key, so whatever anyone
//! else fabricates fails. A tag holds for one key and one digest. Public keys are hashes that say
//! nothing; half of them are no curve points.
//!
//! The hash is one of multiplications, not a cryptographic one: what it has to withstand is protocol
//! code, which never sees its key, and a run makes and checks tags by the million (with BLAKE3 they were
//! 174 ns each, a tenth of the main job). Its 128 bits fill the first quarter of a signature; the rest
//! is zero, and is checked, too.

use anthill_protocol::draw::fold;
use anthill_protocol::{Claim, Digest, NodeId, PublicKey, Signature};

/// The modelled signatures of one scenario.
#[derive(Clone)]
pub(super) struct Modelled {
    tags: [u64; 12],
    names: [u64; 6],
}

/// A word of bytes that are a whole number of them.
#[inline]
fn word(bytes: &[u8], index: usize) -> u64 {
    u64::from_le_bytes(bytes[8 * index..8 * index + 8].try_into().expect("eight bytes"))
}

/// Odd words that follow from a context and a seed.
fn secret<const N: usize>(context: &str, seed: u64) -> [u64; N] {
    let key = blake3::derive_key(context, &seed.to_le_bytes());
    let mut stream = blake3::Hasher::new_keyed(&key).finalize_xof();
    core::array::from_fn(|_| {
        let mut bytes = [0; 8];
        stream.fill(&mut bytes);
        u64::from_le_bytes(bytes) | 1
    })
}

impl Modelled {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            tags: secret("anthill modelled signatures v2", seed),
            names: secret("anthill modelled public keys v2", seed),
        }
    }

    pub(super) fn public_key(&self, node: NodeId) -> PublicKey {
        let names = &self.names;
        let all = fold(u64::from(node.0) ^ names[0], names[1]);
        let mut key = [0; 32];
        for (part, secret) in key.chunks_exact_mut(8).zip(&names[2..]) {
            part.copy_from_slice(&fold(all ^ secret, secret.wrapping_add(all)).to_le_bytes());
        }
        PublicKey(key)
    }

    pub(super) fn sign(&self, node: NodeId, digest: &Digest) -> Signature {
        self.tag(&self.public_key(node), digest)
    }

    pub(super) fn verify(&self, claim: &Claim) -> bool {
        self.tag(&claim.key, &claim.digest) == claim.signature
    }

    fn tag(&self, key: &PublicKey, digest: &Digest) -> Signature {
        let (key, digest, secret) = (&key.0, &digest.0, &self.tags);
        let half = |at: usize| {
            let first = 4 * (at / 2);
            let of_key = fold(word(key, at) ^ secret[first], word(key, at + 1) ^ secret[first + 1]);
            let of_digest = fold(
                word(digest, at) ^ secret[first + 2],
                word(digest, at + 1) ^ secret[first + 3],
            );
            fold(of_key ^ secret[8], of_digest ^ secret[9])
        };
        let (low, high) = (half(0), half(2));
        let mut tag = [0; 64];
        tag[..8].copy_from_slice(&fold(low ^ secret[10], high ^ secret[11]).to_le_bytes());
        tag[8..16].copy_from_slice(&fold(high ^ secret[10], low ^ secret[11]).to_le_bytes());
        Signature(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_signs_and_only_that_digest() {
        let scheme = Modelled::new(5);
        let (node, other) = (NodeId(1), NodeId(2));
        let digest = Digest::of("test", 5, 0, b"mine");
        let claim = |key, digest: &Digest, signature| Claim { key, digest: *digest, signature };
        let key = scheme.public_key(node);
        let signature = scheme.sign(node, &digest);
        assert!(scheme.verify(&claim(key, &digest, signature)));
        assert_eq!(signature, Modelled::new(5).sign(node, &digest), "replay");

        assert!(!scheme.verify(&claim(key, &digest, scheme.sign(other, &digest))));
        assert!(!scheme.verify(&claim(scheme.public_key(other), &digest, signature)));
        assert!(!scheme.verify(&claim(key, &Digest::of("test", 5, 0, b"yours"), signature)));
        assert!(!Modelled::new(6).verify(&claim(key, &digest, signature)));
        for byte in 0..64 {
            let mut forged = signature;
            forged.0[byte] ^= 1;
            assert!(!scheme.verify(&claim(key, &digest, forged)));
        }
    }

    /// Every bit of key and digest reaches both words of the tag, and no two nodes share a key.
    #[test]
    fn tags_and_keys_spread() {
        let scheme = Modelled::new(9);
        let (key, digest) = (scheme.public_key(NodeId(3)), Digest([7; 32]));
        let tag = |key: &PublicKey, digest: &Digest| scheme.tag(key, digest).0;
        let known = tag(&key, &digest);
        for bit in 0..256 {
            let (mut other_key, mut other_digest) = (key, digest);
            other_key.0[bit / 8] ^= 1 << (bit % 8);
            other_digest.0[bit / 8] ^= 1 << (bit % 8);
            for other in [tag(&other_key, &digest), tag(&key, &other_digest)] {
                for part in [0..8, 8..16] {
                    let flipped = other[part.clone()].iter().zip(&known[part]);
                    let flipped: u32 = flipped.map(|(a, b)| (a ^ b).count_ones()).sum();
                    assert!((8..56).contains(&flipped), "bit {bit}: {flipped}");
                }
            }
        }
        let mut keys: Vec<_> = (0..100_000).map(|id| scheme.public_key(NodeId(id)).0).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 100_000);
    }
}
