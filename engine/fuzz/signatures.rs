//! Claims that a verifier could be wrong about, and what all verifiers must agree on.
//!
//! Shared by the fuzz target, its smoke test, the tests (`engine/tests/signatures.rs`) and
//! `bench/examples/signatures.rs --cross-check`. Edge encodings are computed here, not copied.

use std::sync::LazyLock;

use anthill_engine::crypto::{Batch, Checker, Mode, Scheme, verify};
use anthill_protocol::{Claim, Digest, NodeId, PublicKey, Signature};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar};

/// The eight points of small order: multiples of ℓ·P for a point P whose ℓ·P has order 8.
pub(crate) fn torsion() -> [EdwardsPoint; 8] {
    let generator = (2u8..)
        .filter_map(|y| CompressedEdwardsY([y; 32]).decompress())
        // −1 is ℓ − 1 as an integer.
        .map(|point| point * -Scalar::ONE + point)
        .find(|point| (point + point + point + point) != EdwardsPoint::default())
        .expect("half of all points have one of order 8");
    std::array::from_fn(|i| (0..i).map(|_| generator).sum())
}

/// All encodings that decode but are not canonical: of y in 0..19 as y + p, and zero with a sign.
pub(crate) fn non_canonical() -> Vec<[u8; 32]> {
    // p = 2^255 − 19 in little-endian.
    let mut candidates = Vec::new();
    for y in 0..19u8 {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xed + y;
        for sign in [0x7f, 0xff] {
            bytes[31] = sign;
            candidates.push(bytes);
        }
    }
    let mut one = [0; 32];
    (one[0], one[31]) = (1, 0x80);
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    candidates.extend([one, minus_one]);
    let decoded = |bytes: &[u8; 32]| CompressedEdwardsY(*bytes).decompress();
    candidates.retain(|bytes| decoded(bytes).is_some_and(|point| point.compress().0 != *bytes));
    candidates
}

/// Encodings of halves of a signature and of keys that meet special cases.
fn special() -> &'static [[u8; 32]] {
    static ALL: LazyLock<Vec<[u8; 32]>> = LazyLock::new(|| {
        let mut all: Vec<_> = torsion().iter().map(|point| point.compress().0).collect();
        all.extend(non_canonical());
        // ℓ − 1, ℓ, ℓ + 1; and no points, or no scalars, at all.
        let last = (-Scalar::ONE).to_bytes();
        let with_low = |add: u8| {
            let mut bytes = last;
            bytes[0] += add;
            bytes
        };
        all.extend([last, with_low(1), with_low(2), [0xff; 32], [2; 32], [0; 32]]);
        all
    });
    &ALL
}

/// Claims read from any bytes: honest signatures with what the bytes say changed in them.
///
/// Each takes four bytes: the signer (one of eight) and the number of changes, then the changes, in
/// turns of operation, position and value.
pub(crate) fn claims_from(mut data: &[u8], most: usize) -> Vec<Claim> {
    let mut scheme = Scheme::new(Mode::Real, 1);
    let mut claims: Vec<Claim> = Vec::new();
    let mut next = || {
        let (first, rest) = data.split_first()?;
        data = rest;
        Some(*first)
    };
    while claims.len() < most {
        let (Some(who), Some(what)) = (next(), next()) else { break };
        let node = NodeId(u32::from(who % 8));
        let digest = Digest::of("fuzz", 0, u32::from(what), &[who]);
        let key = scheme.public_key(node);
        let mut claim = Claim { key, digest, signature: scheme.sign(node, &digest) };
        for _ in 0..who / 64 {
            let (Some(operation), Some(place), Some(value)) = (next(), next(), next()) else {
                break;
            };
            change(&mut claim, operation, place.into(), value, &claims);
        }
        claims.push(claim);
    }
    claims
}

fn change(claim: &mut Claim, operation: u8, place: usize, value: u8, others: &[Claim]) {
    let special = special()[usize::from(value) % special().len()];
    let other = others.get(place.checked_rem(others.len()).unwrap_or(0)).copied();
    match operation % 10 {
        0 => claim.key.0[place % 32] ^= value,
        1 => claim.digest.0[place % 32] ^= value,
        2 => claim.signature.0[place % 64] ^= value,
        3 => claim.key.0 = special,
        4 => claim.signature.0[..32].copy_from_slice(&special),
        5 => claim.signature.0[32..].copy_from_slice(&special),
        6 | 7 => {
            // Adds a torsion point: a valid signature of ZIP-215 if to R alone, or to nothing.
            let torsion = torsion()[usize::from(value % 8)];
            let bytes = if operation % 10 == 6 {
                &mut claim.signature.0[..32]
            } else {
                &mut claim.key.0[..]
            };
            let encoding = CompressedEdwardsY((&*bytes).try_into().expect("32 bytes"));
            if let Some(point) = encoding.decompress() {
                bytes.copy_from_slice(&(point + torsion).compress().0);
            }
        }
        8 => claim.signature = other.unwrap_or(*claim).signature,
        _ => claim.key = other.unwrap_or(*claim).key,
    }
}

/// The verdict of ed25519-zebra, an implementation of ZIP-215 by other people.
pub(crate) fn zebra(claim: &Claim) -> bool {
    let Claim { key: PublicKey(key), digest, signature: Signature(signature) } = claim;
    ed25519_zebra::VerificationKey::try_from(*key)
        .is_ok_and(|key| key.verify(&(*signature).into(), &digest.0).is_ok())
}

/// All verifiers give one verdict for each claim; returns how many are good.
///
/// # Panics
/// If they do not.
pub(crate) fn agree(claims: &[Claim], batch: &mut Batch) -> usize {
    let expected: Vec<bool> = claims.iter().map(zebra).collect();
    let singly: Vec<bool> = claims.iter().map(verify).collect();
    let explain = |found: &[bool]| {
        let wrong = found.iter().zip(&expected).position(|(a, b)| a != b);
        wrong.map(|index| (index, expected[index], claims[index]))
    };
    assert_eq!(singly, expected, "single against zebra: {:?}", explain(&singly));
    let found = batch.verify(claims);
    assert_eq!(found, expected, "batch against zebra: {:?}", explain(&found));
    expected.iter().filter(|good| **good).count()
}

/// The fuzz target: agreement, and a checker that says the same when it remembers.
pub(crate) fn fuzz(data: &[u8]) {
    let claims = claims_from(data, 48);
    agree(&claims, &mut Batch::new(16));
    let mut checker = Checker::new(Mode::Real, 1, 28);
    let first = checker.check_batch(&claims);
    assert_eq!(checker.check_batch(&claims), first);
    assert!(claims.iter().zip(&first).all(|(claim, verdict)| checker.check(claim) == *verdict));
    let counters = checker.counters();
    assert_eq!(counters.checked, 3 * claims.len() as u64);
    assert_eq!(counters.checked, counters.verified + counters.remembered);
}
