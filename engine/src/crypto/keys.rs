//! The secret and public keys of emulated nodes, and signing (RFC 8032).
//!
//! A node's secret key follows from the scenario's seed and its id, and is derived when it is first
//! used: ten million silent nodes cost nothing. What was derived is cached, bounded.
//!
//! Two backends sign, byte for byte alike (RFC 8032 leaves no choice; a test compares them):
//! graviola on x86-64 processors that have the instructions it requires, because it takes 0.4 of
//! the other's time, and ed25519-dalek everywhere else. aws-lc-rs is as fast, but compiles for
//! minutes from 69 MB of C and assembly. Neither choice can show in a result.

use anthill_protocol::{Digest, NodeId, PublicKey, Signature};
use ed25519_dalek::Signer as _;

use super::cache::Cache;
use super::key_file::KeyFile;

/// Expanded signing keys kept per worker: about 300 bytes each.
pub const CACHED_SIGNING_KEYS: usize = 1 << 14;
/// Public keys kept per worker: 40 bytes each.
pub const CACHED_PUBLIC_KEYS: usize = 1 << 17;

/// The keys of all nodes of one scenario, as one worker uses them.
pub(super) struct Keyring {
    seed: u64,
    /// Of the first nodes, in place of derived ones.
    given: Option<KeyFile>,
    signing: Cache<u32, SigningKey>,
    public: Cache<u32, PublicKey>,
}

impl Keyring {
    pub(super) fn new(seed: u64, given: Option<KeyFile>) -> Self {
        Self {
            seed,
            given,
            signing: Cache::new(CACHED_SIGNING_KEYS),
            public: Cache::new(CACHED_PUBLIC_KEYS),
        }
    }

    /// What it takes once it has signed and looked up keys in a network of `nodes`.
    pub(super) fn bytes(nodes: u64) -> u64 {
        let held = nodes.min(CACHED_SIGNING_KEYS as u64) * SigningKey::OWNED_BYTES;
        let signing = Cache::<u32, SigningKey>::bytes(CACHED_SIGNING_KEYS);
        signing + Cache::<u32, PublicKey>::bytes(CACHED_PUBLIC_KEYS) + held
    }

    pub(super) fn public_key(&mut self, node: NodeId) -> PublicKey {
        // Not by way of the signing keys: asking for the keys of others must not evict one's own.
        let (seed, given) = (self.seed, &self.given);
        let make = || SigningKey::new(&secret_of(seed, given, node)).public_key();
        *self.public.get_or_make(node.0.into(), node.0, make)
    }

    pub(super) fn sign(&mut self, node: NodeId, digest: &Digest) -> Signature {
        let (seed, given) = (self.seed, &self.given);
        let make = || SigningKey::new(&secret_of(seed, given, node));
        self.signing.get_or_make(node.0.into(), node.0, make).sign(&digest.0)
    }
}

/// The secret key of a node, as a scheme of this seed and these given keys has it.
pub fn secret_of(seed: u64, given: &Option<KeyFile>, node: NodeId) -> [u8; 32] {
    let given = given.as_ref().and_then(|keys| keys.secret(node));
    given.unwrap_or_else(|| secret(seed, node))
}

/// The derived secret key of a node: an RFC 8032 seed.
fn secret(seed: u64, node: NodeId) -> [u8; 32] {
    let mut name = [0; 12];
    name[..8].copy_from_slice(&seed.to_le_bytes());
    name[8..].copy_from_slice(&node.0.to_le_bytes());
    blake3::derive_key("anthill node secret key v1", &name)
}

/// A secret key, expanded for signing.
pub enum SigningKey {
    /// Signed with by graviola.
    #[cfg(target_arch = "x86_64")]
    Graviola(Box<graviola::signing::eddsa::Ed25519SigningKey>),
    /// Signed with by ed25519-dalek.
    Dalek(Box<ed25519_dalek::SigningKey>),
}

impl SigningKey {
    /// What the larger of the two owns.
    const OWNED_BYTES: u64 = {
        let portable = size_of::<ed25519_dalek::SigningKey>();
        #[cfg(target_arch = "x86_64")]
        let fast = size_of::<graviola::signing::eddsa::Ed25519SigningKey>();
        #[cfg(not(target_arch = "x86_64"))]
        let fast = 0;
        (if fast > portable { fast } else { portable }) as u64
    };

    /// Expands a secret key, for the fastest backend of this machine.
    pub fn new(secret: &[u8; 32]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if graviola_runs_here() {
            let key = graviola::signing::eddsa::Ed25519SigningKey::from_bytes(secret);
            return Self::Graviola(Box::new(key.expect("32 bytes are a key")));
        }
        Self::portable(secret)
    }

    /// Expands a secret key, for the backend that runs everywhere.
    pub fn portable(secret: &[u8; 32]) -> Self {
        Self::Dalek(Box::new(ed25519_dalek::SigningKey::from_bytes(secret)))
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Graviola(key) => PublicKey(key.public_key().as_bytes()),
            Self::Dalek(key) => PublicKey(key.verifying_key().to_bytes()),
        }
    }

    /// Signs a message: deterministic, the same bytes from every backend.
    pub fn sign(&self, message: &[u8]) -> Signature {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Graviola(key) => Signature(key.sign(message)),
            Self::Dalek(key) => Signature(key.sign(message).to_bytes()),
        }
    }

    /// The name of the backend.
    pub fn backend(&self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Graviola(_) => "graviola",
            Self::Dalek(_) => "ed25519-dalek",
        }
    }
}

/// graviola panics on a processor that lacks any of these.
#[cfg(target_arch = "x86_64")]
fn graviola_runs_here() -> bool {
    is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("adx")
        && is_x86_feature_detected!("avx")
        && is_x86_feature_detected!("avx2")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_agree_byte_for_byte() {
        for number in 0..500u64 {
            let secret = secret(number, NodeId(number as u32));
            let digest = Digest::of("test", number, 0, &[]);
            let (fast, portable) = (SigningKey::new(&secret), SigningKey::portable(&secret));
            assert_eq!(fast.public_key(), portable.public_key());
            assert_eq!(fast.sign(&digest.0), portable.sign(&digest.0), "secret {secret:02x?}");
        }
    }

    /// RFC 8032, 7.1, test 1.
    #[test]
    fn given_keys_replace_derived_ones() {
        let hex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let file = std::env::temp_dir().join(format!("anthill-given-{}", std::process::id()));
        std::fs::write(&file, hex).unwrap();
        let given = KeyFile::open(&file.clone().into(), 2);
        std::fs::remove_file(&file).unwrap();
        let mut keyring = Keyring::new(1, Some(given.unwrap()));
        let expected = [0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7];
        assert_eq!(keyring.public_key(NodeId(0)).0[..8], expected);
        let mut derived = Keyring::new(1, None);
        assert_ne!(keyring.public_key(NodeId(0)), derived.public_key(NodeId(0)));
        assert_eq!(keyring.public_key(NodeId(1)), derived.public_key(NodeId(1)));
        let digest = Digest::of("test", 1, 0, b"x");
        let (key, signature) = (keyring.public_key(NodeId(0)), keyring.sign(NodeId(0), &digest));
        assert!(crate::crypto::verify(&anthill_protocol::Claim { key, digest, signature }));
    }

    #[test]
    fn keys_differ_by_seed_and_node_and_survive_eviction() {
        let mut keyring = Keyring::new(1, None);
        let first = keyring.public_key(NodeId(0));
        assert_ne!(first, keyring.public_key(NodeId(1)));
        assert_ne!(first, Keyring::new(2, None).public_key(NodeId(0)));
        let digest = Digest::of("test", 1, 0, b"x");
        let signed = keyring.sign(NodeId(0), &digest);
        // The node that takes its place in both caches.
        let other = NodeId(CACHED_PUBLIC_KEYS as u32);
        keyring.sign(other, &digest);
        assert_ne!(first, keyring.public_key(other));
        assert_eq!(keyring.public_key(NodeId(0)), first);
        assert_eq!(keyring.sign(NodeId(0), &digest), signed);
    }
}
