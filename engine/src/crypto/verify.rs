//! The one rule of validity, ZIP-215, and its single verification.
//!
//! A claim (A, digest, R ‖ S) holds if A and R decode to curve points (non-canonical encodings
//! included), S < ℓ, and 8·S·B = 8·R + 8·k·A with k = SHA-512(R ‖ A ‖ digest) mod ℓ
//! (<https://zips.z.cash/zip-0215>; the factor 8 is what RFC 8032, 5.1.7, allows). With the factor,
//! and only with it, a batch can give exactly the verdicts of single verification: without it an
//! error in the small subgroup cancels or not by chance, so that one signer could make a verdict
//! depend on which other signatures share the batch, and a result on the number of shards.

use anthill_protocol::{Claim, PublicKey, Signature};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::IsIdentity as _;
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha2::{Digest as _, Sha512};

/// Whether one claim holds.
pub fn verify(claim: &Claim) -> bool {
    verify_message(&claim.key, &claim.digest.0, &claim.signature)
}

/// Whether a signature of a message of any length holds; emulated nodes sign digests only.
pub fn verify_message(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    let Some(a) = point(&key.0) else { return false };
    Equation::of(key, message, signature).is_some_and(|equation| equation.holds(&a))
}

/// A claim whose signature decodes: what is left to check is one equation of curve points.
pub(super) struct Equation {
    pub(super) r: EdwardsPoint,
    pub(super) s: Scalar,
    pub(super) k: Scalar,
}

impl Equation {
    /// Decodes R and S and hashes; `None` for R off the curve or S ≥ ℓ.
    pub(super) fn of(key: &PublicKey, message: &[u8], signature: &Signature) -> Option<Self> {
        let (r_bytes, s_bytes) = signature.0.split_first_chunk().expect("64 bytes");
        // S first: the cheaper refusal.
        let s = Scalar::from_canonical_bytes(s_bytes.try_into().expect("the other 32 bytes"));
        let s = Option::from(s)?;
        let r = point(r_bytes)?;
        let hash = Sha512::new().chain_update(r_bytes).chain_update(key.0).chain_update(message);
        Some(Self { r, s, k: Scalar::from_bytes_mod_order_wide(&hash.finalize().into()) })
    }

    /// 8·(R + k·A − S·B) = 0.
    pub(super) fn holds(&self, a: &EdwardsPoint) -> bool {
        let r = EdwardsPoint::vartime_double_scalar_mul_basepoint(&self.k, &-a, &self.s);
        (self.r - r).mul_by_cofactor().is_identity()
    }
}

/// The point of an encoding, canonical or not; `None` if there is none.
pub(super) fn point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    CompressedEdwardsY(*bytes).decompress()
}

/// Why a public key cannot be registered.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// The bytes decode to no point of the curve.
    #[error("the public key is no point of the curve")]
    NoPoint,
    /// A coordinate of at least p, or the sign of a zero: the point has another encoding.
    #[error("the public key is not the canonical encoding of its point")]
    NonCanonical,
    /// The point has order 1, 2, 4 or 8: it verifies signatures of messages nobody signed.
    #[error("the public key has small order: it would verify what nobody signed")]
    SmallOrder,
}

/// Whether a key may join the emulated network (genesis and every join): one that is not refused
/// can neither be claimed under two encodings nor verify arbitrary messages.
///
/// # Errors
/// For bytes that are no point, a non-canonical encoding or a point of small order.
pub fn check_registration(key: &PublicKey) -> Result<(), KeyError> {
    let point = point(&key.0).ok_or(KeyError::NoPoint)?;
    if point.compress().0 != key.0 {
        return Err(KeyError::NonCanonical);
    }
    if point.is_small_order() { Err(KeyError::SmallOrder) } else { Ok(()) }
}
