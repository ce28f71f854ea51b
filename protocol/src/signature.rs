//! Keys, digests and signatures as a protocol carries them: bytes, and no arithmetic.
//!
//! A scheme of the engine makes and checks them, with curve arithmetic or without, so nothing in a
//! protocol may depend on their value. Keys and signatures therefore have neither an order nor a
//! hash: a signer can make many valid signatures of one digest, and the same scenario with modelled
//! signatures has other bytes. What is signed is always a [`Digest`] made by [`Digest::of`], which
//! says for what domain, scenario and kind it was made: a signature cannot be moved between them.

use core::fmt;

use thiserror::Error;

use crate::{NodeId, Snapshot, SnapshotError};

/// A public key: 32 bytes, in `real` mode the encoding of a curve point (RFC 8032, 5.1.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

/// A signature: 64 bytes, in `real` mode the encodings of R and S (RFC 8032, 5.1.6).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

/// A BLAKE3 hash of 32 bytes: what is signed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// What a signature claims: that the owner of `key` signed `digest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who is said to have signed.
    pub key: PublicKey,
    /// What is said to have been signed.
    pub digest: Digest,
    /// The evidence.
    pub signature: Signature,
}

/// Bytes that are too few or too many to be what they were read as.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a {what} has {expected} bytes, not {found}")]
pub struct LengthError {
    /// What was expected: "public key", "signature" or "digest".
    pub what: &'static str,
    /// Its length in bytes.
    pub expected: usize,
    /// How many bytes there were.
    pub found: usize,
}

impl Digest {
    /// BLAKE3 over (`domain`, `scenario`, `kind`, `body`), framed so that different arguments never
    /// hash the same bytes: the lengths of `domain` and `body` come before them, all integers are
    /// 64-bit little-endian.
    ///
    /// `domain` names the protocol, `scenario` is what tells its runs apart (the seed), `kind` is
    /// the kind of statement within the protocol. `body` must not cover key or signature bytes.
    pub fn of(domain: &str, scenario: u64, kind: u32, body: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(domain.len() as u64).to_le_bytes());
        hasher.update(domain.as_bytes());
        hasher.update(&scenario.to_le_bytes());
        hasher.update(&u64::from(kind).to_le_bytes());
        hasher.update(&(body.len() as u64).to_le_bytes());
        hasher.update(body);
        Self(hasher.finalize().into())
    }
}

/// What anyone may know of a run's signatures.
pub trait Keys {
    /// What tells the run's signatures from those of other runs; goes into every digest.
    fn scenario(&self) -> u64;

    /// The public key of a node.
    fn public_key(&mut self, node: NodeId) -> PublicKey;
}

macro_rules! fixed_bytes {
    ($($name:ident, $length:literal, $what:literal;)*) => {$(
        impl TryFrom<&[u8]> for $name {
            type Error = LengthError;

            /// Takes exactly the right number of bytes, whatever they are.
            fn try_from(bytes: &[u8]) -> Result<Self, LengthError> {
                let found = bytes.len();
                let wrong = |_| LengthError { what: $what, expected: $length, found };
                bytes.try_into().map(Self).map_err(wrong)
            }
        }

        impl Snapshot for $name {
            fn save(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.0);
            }

            fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
                let (head, tail) = bytes
                    .split_first_chunk()
                    .ok_or(SnapshotError(concat!("truncated ", $what)))?;
                *bytes = tail;
                Ok(Self(*head))
            }
        }

        impl fmt::Debug for $name {
            /// The first eight bytes in hexadecimal: enough to tell two apart.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "("))?;
                self.0[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("…)")
            }
        }
    )*};
}

fixed_bytes! {
    PublicKey, 32, "public key";
    Signature, 64, "signature";
    Digest, 32, "digest";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_separates_all_of_its_arguments() {
        let base = Digest::of("gossip", 1, 2, b"body");
        assert_eq!(base, Digest::of("gossip", 1, 2, b"body"));
        for other in [
            Digest::of("gossi", 1, 2, b"body"),
            Digest::of("gossip", 2, 2, b"body"),
            Digest::of("gossip", 1, 3, b"body"),
            Digest::of("gossip", 1, 2, b"bod"),
            Digest::of("gossip", 2, 1, b"body"),
            Digest::of("", 1, 2, b"gossipbody"),
            Digest::of("gossip\x01", 0, 2, b"body"),
        ] {
            assert_ne!(base, other);
        }
        // The framing itself: signatures of published runs are over these bytes.
        let framed =
            b"\x06\0\0\0\0\0\0\0gossip\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0body";
        assert_eq!(base.0, *blake3::hash(framed).as_bytes());
    }

    #[test]
    fn wrong_lengths_are_refused() {
        for length in [0, 31, 33, 64] {
            let error = PublicKey::try_from(&vec![0; length][..]).unwrap_err();
            assert_eq!(error, LengthError { what: "public key", expected: 32, found: length });
            assert!(error.to_string().contains(&format!("32 bytes, not {length}")));
        }
        for length in [0, 32, 63, 65] {
            assert!(Signature::try_from(&vec![0; length][..]).is_err());
        }
        assert!(Digest::try_from(&[0; 31][..]).is_err());
        assert_eq!(Digest::try_from(&[7; 32][..]), Ok(Digest([7; 32])));
    }

    #[test]
    fn snapshots_round_trip() {
        let mut bytes = Vec::new();
        PublicKey([1; 32]).save(&mut bytes);
        Signature([2; 64]).save(&mut bytes);
        let mut rest = &bytes[..];
        assert_eq!(PublicKey::load(&mut rest), Ok(PublicKey([1; 32])));
        assert_eq!(Signature::load(&mut rest), Ok(Signature([2; 64])));
        assert!(rest.is_empty() && Digest::load(&mut &bytes[..31]).is_err());
    }
}
