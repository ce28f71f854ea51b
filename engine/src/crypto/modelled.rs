//! Signatures without curve arithmetic: tags of a secret that lies outside the emulated world.
//!
//! A signature is a keyed BLAKE3 hash of the signer's public key and the digest, 64 bytes of it;
//! checking computes it again. The key of the hash follows from the scenario's seed and is known to
//! this module only: inside the emulation the one way to a valid tag is to sign as the node that
//! owns the key, so whatever anyone else fabricates fails. A tag holds for one key and one digest.
//! Public keys are hashes that say nothing; half of them are no curve points.

use anthill_protocol::{Claim, Digest, NodeId, PublicKey, Signature};

/// The modelled signatures of one scenario.
#[derive(Clone)]
pub(super) struct Modelled {
    tags: [u8; 32],
    names: [u8; 32],
}

impl Modelled {
    pub(super) fn new(seed: u64) -> Self {
        let seed = seed.to_le_bytes();
        Self {
            tags: blake3::derive_key("anthill modelled signatures v1", &seed),
            names: blake3::derive_key("anthill modelled public keys v1", &seed),
        }
    }

    pub(super) fn public_key(&self, node: NodeId) -> PublicKey {
        PublicKey(blake3::keyed_hash(&self.names, &node.0.to_le_bytes()).into())
    }

    pub(super) fn sign(&self, node: NodeId, digest: &Digest) -> Signature {
        self.tag(&self.public_key(node), digest)
    }

    pub(super) fn verify(&self, claim: &Claim) -> bool {
        self.tag(&claim.key, &claim.digest) == claim.signature
    }

    fn tag(&self, key: &PublicKey, digest: &Digest) -> Signature {
        let mut hasher = blake3::Hasher::new_keyed(&self.tags);
        hasher.update(&key.0).update(&digest.0);
        let mut tag = [0; 64];
        hasher.finalize_xof().fill(&mut tag);
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
}
