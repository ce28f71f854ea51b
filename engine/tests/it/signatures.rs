//! Signatures from outside: vectors, malformed and edge inputs, agreement of all verifiers.

#[allow(dead_code, reason = "the fuzz target uses the rest")]
#[path = "../../fuzz/signatures.rs"]
mod cases;

use std::collections::BTreeSet;

use anthill_engine::crypto::{
    Batch, Checker, ClaimId, Counters, KeyError, Mode, Scheme, SigningKey, check_registration,
    verify, verify_message,
};
use anthill_protocol::{Claim, Digest, NodeId, PublicKey, Signature};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::IsIdentity as _;
use curve25519_dalek::{EdwardsPoint, Scalar};
use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use sha2::{Digest as _, Sha512};

/// Below, at and above the sizes at which the algorithm changes.
const SIZES: [usize; 8] = [2, 3, 16, 64, 65, 190, 256, 1025];

pub(crate) fn honest(count: usize) -> Vec<Claim> {
    let mut scheme = Scheme::new(Mode::Real, 7);
    let claim = |number: usize| {
        let node = NodeId(number as u32 % 300);
        let digest = Digest::of("test", 7, 0, &number.to_le_bytes());
        Claim { key: scheme.public_key(node), digest, signature: scheme.sign(node, &digest) }
    };
    (0..count).map(claim).collect()
}

fn challenge(r: &[u8], key: &[u8], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// A claim by "secret" `a` plus torsion with nonce `r` plus torsion: valid by ZIP-215.
fn crafted(key: Part, nonce: Part, digest: Digest) -> Claim {
    let k = challenge(&nonce.bytes, &key.bytes, &digest.0);
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&nonce.bytes);
    signature[32..].copy_from_slice((nonce.scalar + k * key.scalar).as_bytes());
    Claim { key: PublicKey(key.bytes), digest, signature: Signature(signature) }
}

/// An encoding of `scalar`·B plus a point of small order, if it is not `unknown`.
#[derive(Clone, Copy)]
struct Part {
    name: &'static str,
    bytes: [u8; 32],
    scalar: Scalar,
    unknown: bool,
}

/// The kinds of A and R: honest, small order, mixed order, non-canonical of small and large order.
fn parts(secret: u64) -> Vec<Part> {
    let scalar = Scalar::from(secret);
    let honest = EdwardsPoint::mul_base(&scalar);
    let torsion = cases::torsion();
    let part = |name, point: EdwardsPoint, scalar| Part {
        name,
        bytes: point.compress().0,
        scalar,
        unknown: false,
    };
    let mut parts = vec![part("honest", honest, scalar)];
    for (name, index) in [("order 1", 0), ("order 2", 4), ("order 4", 2), ("order 8", 1)] {
        parts.push(part(name, torsion[index], Scalar::ZERO));
    }
    for (name, index) in [("mixed 2", 4), ("mixed 4", 6), ("mixed 8", 3)] {
        parts.push(part(name, honest + torsion[index], scalar));
    }
    for bytes in cases::non_canonical() {
        let point = CompressedEdwardsY(bytes).decompress().unwrap();
        let unknown = !point.is_small_order();
        let name = if unknown { "non-canonical" } else { "non-canonical, small order" };
        parts.push(Part { name, bytes, scalar: Scalar::ZERO, unknown });
    }
    parts
}

/// Every kind of A with every kind of R, with the right S and with a wrong one.
pub(crate) fn edge_cases() -> Vec<(String, Claim, bool)> {
    let mut all = Vec::new();
    for key in parts(1234567) {
        for nonce in parts(7654321) {
            let digest = Digest::of("edge", 0, all.len() as u32, &[]);
            let claim = crafted(key, nonce, digest);
            let name = format!("A {}, R {}", key.name, nonce.name);
            let mut wrong = claim;
            wrong.signature.0[32] ^= 1;
            all.push((name.clone(), claim, !key.unknown && !nonce.unknown));
            all.push((name + ", wrong S", wrong, false));
        }
    }
    all
}

/// One of each kind of pair, rather than of each encoding.
pub(crate) fn edge_kinds() -> Vec<(String, Claim, bool)> {
    let mut kinds = edge_cases();
    kinds.sort_by(|a, b| a.0.cmp(&b.0));
    kinds.dedup_by(|a, b| a.0 == b.0);
    kinds
}

#[test]
fn rfc_8032_vectors() {
    let lines = include_str!("../data/rfc8032.txt").lines().filter(|line| !line.starts_with('#'));
    let mut messages = Vec::new();
    for line in lines {
        let fields: Vec<Vec<u8>> = line.split(' ').map(unhex).collect();
        let [secret, public, message, signature] = &fields[..] else { panic!("{line}") };
        let secret = secret[..].try_into().unwrap();
        let public = PublicKey::try_from(&public[..]).unwrap();
        let signature = Signature::try_from(&signature[..]).unwrap();
        for key in [SigningKey::new(secret), SigningKey::portable(secret)] {
            assert_eq!(key.public_key(), public, "{}", key.backend());
            assert_eq!(key.sign(message), signature, "{}", key.backend());
        }
        assert!(verify_message(&public, message, &signature));
        assert_eq!(check_registration(&public), Ok(()));
        let longer = [&message[..], &[0]].concat();
        assert!(!verify_message(&public, &longer, &signature));
        messages.push(message.len());
    }
    assert_eq!(messages, [0, 1, 2, 1023, 64]);
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.trim_matches('-').as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

#[test]
fn edge_encodings_are_what_the_specification_counts() {
    let torsion = cases::torsion();
    assert!(torsion.iter().all(|point| point.mul_by_cofactor().is_identity()));
    assert_eq!(torsion.iter().map(|point| point.compress().0).collect::<BTreeSet<_>>().len(), 8);
    let non_canonical = cases::non_canonical();
    let small = non_canonical
        .iter()
        .filter(|bytes| CompressedEdwardsY(**bytes).decompress().unwrap().is_small_order());
    // 14 encodings of the 8 points of small order, as ZIP-215's own vectors have.
    assert_eq!(small.count(), 6);
    assert!(non_canonical.len() > 6, "{}", non_canonical.len());
    assert!(edge_kinds().len() >= 4 * 23, "{}", edge_kinds().len());
}

#[test]
fn registration_refuses_small_order_and_non_canonical_keys() {
    for point in cases::torsion() {
        let key = PublicKey(point.compress().0);
        assert_eq!(check_registration(&key), Err(KeyError::SmallOrder));
    }
    for bytes in cases::non_canonical() {
        assert_eq!(check_registration(&PublicKey(bytes)), Err(KeyError::NonCanonical));
    }
    assert_eq!(check_registration(&PublicKey([2; 32])), Err(KeyError::NoPoint));
    let mut scheme = Scheme::new(Mode::Real, 3);
    for node in 0..100 {
        let key = scheme.public_key(NodeId(node));
        assert_eq!(scheme.check_registration(&key), Ok(()));
    }
    let mut modelled = Scheme::new(Mode::Modelled, 3);
    let key = modelled.public_key(NodeId(0));
    assert_eq!(modelled.check_registration(&key), Ok(()));
}

#[test]
fn edge_cases_have_one_verdict_singly_and_among_each_other() {
    let cases = edge_cases();
    for (name, claim, expected) in &cases {
        assert_eq!(verify(claim), *expected, "{name}");
        assert_eq!(cases::zebra(claim), *expected, "{name}, by zebra");
    }
    let (claims, expected): (Vec<_>, Vec<_>) = cases.iter().map(|case| (case.1, case.2)).unzip();
    assert_eq!(Batch::new(8).verify(&claims), expected);
}

#[test]
fn small_order_a_and_r_with_zero_s_verify_anything() {
    // The 14 × 14 vectors of ZIP-215, generated.
    let mut small: Vec<_> = cases::torsion().iter().map(|point| point.compress().0).collect();
    small.extend(
        cases::non_canonical()
            .into_iter()
            .filter(|bytes| CompressedEdwardsY(*bytes).decompress().unwrap().is_small_order()),
    );
    let mut claims = Vec::new();
    for key in &small {
        for r in &small {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(r);
            let digest = Digest::of("zip215", 0, 0, &[]);
            claims.push(Claim { key: PublicKey(*key), digest, signature: Signature(signature) });
        }
    }
    assert_eq!(claims.len(), 196);
    assert_eq!(cases::agree(&claims, &mut Batch::new(1)), 196);
}

#[test]
fn an_edge_case_has_its_verdict_at_every_position_of_a_batch() {
    let kinds = edge_kinds();
    let companions = honest(1025);
    let mut batch = Batch::new(1024);
    for size in SIZES {
        // Alone among honest ones: everywhere in small batches, else at both ends and within; in
        // large ones, where a bad one costs many singles, every fourth kind at one position.
        let step = if size < 190 { 1 } else { 4 };
        for (number, (name, claim, expected)) in kinds.iter().enumerate().step_by(step) {
            let positions = match size {
                ..=16 => (0..size).collect(),
                17..190 => vec![0, (number * 37 + 1) % size, size - 1],
                _ => vec![number * 97 % size],
            };
            for position in positions {
                let mut claims = companions[..size].to_vec();
                claims[position] = *claim;
                let verdicts = batch.verify(&claims);
                let wrong = (0..size).find(|i| verdicts[*i] != (*i != position || *expected));
                assert_eq!(wrong, None, "{name} at {position} of {size}");
            }
        }
        // And all positions at once.
        let mixed: Vec<_> =
            (0..size).map(|i| kinds[(i * 7 + size) % kinds.len()].clone()).collect();
        let claims: Vec<_> = mixed.iter().map(|case| case.1).collect();
        let expected: Vec<_> = mixed.iter().map(|case| case.2).collect();
        assert_eq!(batch.verify(&claims), expected, "size {size}");
    }
}

#[test]
fn malformed_signatures_are_refused_and_poison_nothing() {
    let mut claims = honest(64);
    let order_minus_one = (-Scalar::ONE).to_bytes();
    let s_of = |claim: &mut Claim, s: [u8; 32]| claim.signature.0[32..].copy_from_slice(&s);
    // S + ℓ: the same equation, another encoding.
    let s: [u8; 32] = claims[3].signature.0[32..].try_into().unwrap();
    let mut carry = 1; // S + (ℓ − 1) + 1
    let sum = std::array::from_fn(|i| {
        let digit = u16::from(s[i]) + u16::from(order_minus_one[i]) + carry;
        carry = digit >> 8;
        digit as u8
    });
    s_of(&mut claims[3], sum);
    s_of(&mut claims[5], order_minus_one);
    s_of(&mut claims[6], [0xff; 32]);
    s_of(&mut claims[7], [0; 32]);
    claims[10].key.0 = [2; 32]; // no point
    claims[11].signature.0[..32].copy_from_slice(&[2; 32]);
    claims[12].signature.0.rotate_left(32);
    let bad = [3, 5, 6, 7, 10, 11, 12];
    let verdicts = Batch::new(64).verify(&claims);
    for (index, verdict) in verdicts.iter().enumerate() {
        assert_eq!(*verdict, !bad.contains(&index), "claim {index}");
    }
    assert_eq!(cases::agree(&claims, &mut Batch::new(64)), 64 - bad.len());
}

#[test]
fn one_forged_among_1024_is_found_and_only_it_is_rejected() {
    let honest = honest(1024);
    let mut batch = Batch::new(512);
    assert!(batch.verify(&honest).iter().all(|verdict| *verdict));
    for forged in [0, 1, 511, 512, 700, 1023] {
        let mut claims = honest.clone();
        claims[forged].digest = Digest::of("test", 7, 1, &[]);
        let rejected = batch.verify(&claims);
        let rejected: Vec<_> = (0..1024).filter(|index| !rejected[*index]).collect();
        assert_eq!(rejected, [forged]);
    }
}

#[test]
fn errors_that_would_cancel_without_coefficients_do_not() {
    let mut claims = honest(256);
    let shift = |claim: &mut Claim, by: Scalar| {
        let s = Scalar::from_canonical_bytes(claim.signature.0[32..].try_into().unwrap()).unwrap();
        claim.signature.0[32..].copy_from_slice((s + by).as_bytes());
    };
    shift(&mut claims[10], Scalar::ONE);
    shift(&mut claims[20], -Scalar::ONE);
    let verdicts = Batch::new(512).verify(&claims);
    let rejected: Vec<_> = (0..256).filter(|index| !verdicts[*index]).collect();
    assert_eq!(rejected, [10, 20]);
}

#[test]
fn twenty_thousand_mutated_claims_agree_with_zebra() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(20);
    let mut batch = Batch::new(32);
    let (mut done, mut good) = (0, 0);
    while done < 20_000 {
        let mut data = vec![0; 3000];
        random.fill_bytes(&mut data);
        let claims = cases::claims_from(&data, 400);
        good += cases::agree(&claims, &mut batch);
        done += claims.len();
    }
    assert!(good > 4_000 && done - good > 8_000, "{good} of {done} are good");
}

#[test]
fn a_checker_verifies_once_remembers_and_counts() {
    for mode in [Mode::Real, Mode::Modelled] {
        let mut scheme = Scheme::new(mode, 9);
        let mut claims: Vec<_> = (0..20u8)
            .map(|number| {
                let (node, digest) = (NodeId(number.into()), Digest::of("test", 9, 0, &[number]));
                Claim {
                    key: scheme.public_key(node),
                    digest,
                    signature: scheme.sign(node, &digest),
                }
            })
            .collect();
        assert_eq!(scheme.counters().made, 20);
        // Forged: of another digest, by another node, one bit.
        claims[4].digest = claims[5].digest;
        claims[6].key = claims[7].key;
        claims[8].signature.0[40] ^= 1;
        claims.push(claims[4]); // twice in one batch
        let expected: Vec<_> = (0..21).map(|i| ![4, 6, 8, 20].contains(&i)).collect();

        let mut checker = Checker::new(mode, 9, 1000);
        assert_eq!(checker.check_batch(&claims), expected);
        for (claim, verdict) in claims.iter().zip(&expected) {
            assert_eq!(checker.verdict(ClaimId::of(claim)), Some(*verdict));
            assert_eq!(checker.check(claim), *verdict);
        }
        let digest = Digest::of("test", 9, 0, b"late");
        let late = Claim {
            key: scheme.public_key(NodeId(3)),
            digest,
            signature: scheme.sign(NodeId(3), &digest),
        };
        assert_eq!(checker.verdict(ClaimId::of(&late)), None);
        assert!(checker.check(&late));
        let counters = Counters {
            made: 0,
            checked: 21 + 21 + 1,
            verified: 20 + 1,
            remembered: 1 + 21,
            singly: 1,
            batches: 1,
            failed: 4 + 4,
            evicted: 0,
        };
        assert_eq!(checker.counters(), counters);
        assert_eq!(checker.memory().len(), 21);
    }
}

#[test]
fn forgetting_changes_no_verdict_and_replay_no_byte() {
    let run = |verdicts: usize| {
        let mut scheme = Scheme::new(Mode::Real, 11);
        let mut checker = Checker::new(Mode::Real, 11, verdicts);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut trace = Vec::new();
        for _ in 0..40 {
            let claims: Vec<_> = (0..10)
                .map(|_| {
                    let number = (random.next_u64() % 60) as u32;
                    let digest = Digest::of("test", 11, number, &[]);
                    let signature = scheme.sign(NodeId(number % 8), &digest);
                    let key = scheme.public_key(NodeId(number % 9)); // not always the signer's
                    Claim { key, digest, signature }
                })
                .collect();
            trace.push((claims.clone(), checker.check_batch(&claims)));
        }
        (trace, checker.counters())
    };
    let (large, small) = (run(1000), run(14));
    assert_eq!(large, run(1000));
    assert_eq!(small, run(14));
    assert_eq!(large.0, small.0);
    assert!(small.1.evicted > 0 && large.1.evicted == 0);
    assert!(small.1.verified > large.1.verified && large.1.verified <= 60);
}
