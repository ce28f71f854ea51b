//! What signing, verifying, hashing and remembering take on this machine, per operation.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use anthill_engine::crypto::{Batch, ClaimId, Memory, Mode, Scheme, SigningKey, verify};
use anthill_protocol::draw::draw;
use anthill_protocol::{Claim, Digest, NodeId};
use ed25519_dalek::{Signer as _, Verifier as _};

use super::Table;

/// The figure of signing with ed25519-dalek, key expanded.
pub const SIGN_DALEK: &str = "sign/ed25519-dalek";
/// The figure of verifying with ed25519-dalek, key decompressed.
pub const VERIFY_DALEK: &str = "verify/ed25519-dalek";
/// The figure of our verification of one claim, key not decompressed.
pub const VERIFY_SINGLE: &str = "verify/single";
/// Sizes of the batches that are measured.
pub const BATCHES: [usize; 6] = [1, 16, 64, 256, 1024, 4096];
/// The most claims that [`add_batches`] wants.
pub const CLAIMS: usize = 4096;
/// The signers of the measurement with few keys.
pub const FEW_KEYS: u32 = 16;

/// The name of the figure of batched verification, per claim; `keys`: "distinct" or "16-keys".
pub fn batch(keys: &str, size: usize) -> String {
    format!("batch/{keys}/{size}")
}

/// The name of the figure of signing with the backend that nodes sign with here.
pub fn sign_chosen() -> String {
    format!("sign/{}", SigningKey::new(&[7; 32]).backend())
}

/// Good claims of so many nodes in turn.
pub fn claims(count: usize, keys: u32) -> Vec<Claim> {
    let mut scheme = Scheme::new(Mode::Real, 1);
    let claim = |number: usize| {
        let node = NodeId(number as u32 % keys);
        let digest = Digest::of("bench", 1, 0, &number.to_le_bytes());
        Claim { key: scheme.public_key(node), digest, signature: scheme.sign(node, &digest) }
    };
    (0..count).map(claim).collect()
}

/// Adds the verification of single claims: ed25519-dalek's and ours.
///
/// # Panics
/// While it runs, if a claim does not hold.
pub fn add_single<'a>(table: &mut Table<'a>, claims: &'a [Claim]) {
    let claims = &claims[..claims.len().min(256)];
    let decoded: Vec<_> = claims
        .iter()
        .map(|claim| {
            let key = ed25519_dalek::VerifyingKey::from_bytes(&claim.key.0).expect("a key");
            (key, ed25519_dalek::Signature::from_bytes(&claim.signature.0), claim.digest)
        })
        .collect();
    // Its key is decompressed before: what a caller of it would cache too.
    table.add(VERIFY_DALEK, claims.len(), move || {
        for (key, signature, digest) in &decoded {
            key.verify(&digest.0, signature).expect("a good one");
        }
    });
    table.add(VERIFY_SINGLE, claims.len(), move || {
        assert!(claims.iter().all(verify));
    });
}

/// Adds batched verification by size, with keys cached decompressed. Short batches are repeated
/// until at least `least` claims are timed.
///
/// # Panics
/// If there are fewer than [`CLAIMS`] claims; while it runs, if one does not hold.
pub fn add_batches<'a>(
    table: &mut Table<'a>,
    distinct: &'a [Claim],
    few: &'a [Claim],
    least: usize,
) {
    for size in BATCHES {
        for (keys, claims) in [("distinct", distinct), ("16-keys", few)] {
            let mut verifier = Batch::new(4 * CLAIMS);
            let claims = &claims[..size.max(least)];
            table.add(&batch(keys, size), claims.len(), move || {
                for part in claims.chunks(size) {
                    assert!(verifier.verify(part).iter().all(|verdict| *verdict));
                }
            });
        }
    }
}

/// Adds signing by the backend chosen here and by ed25519-dalek.
///
/// # Panics
/// If the two do not agree byte for byte.
pub fn add_signing(table: &mut Table<'_>) {
    let digests: Vec<_> = (0..256).map(|i| Digest::of("bench", 2, i, &[])).collect();
    let secret = [7; 32];
    let dalek = ed25519_dalek::SigningKey::from_bytes(&secret);
    let key = SigningKey::new(&secret);
    for digest in &digests {
        assert_eq!(key.sign(&digest.0).0, dalek.sign(&digest.0).to_bytes());
    }
    let again = digests.clone();
    table.add(SIGN_DALEK, digests.len(), move || {
        for digest in &digests {
            black_box(dalek.sign(&digest.0));
        }
    });
    if sign_chosen() != SIGN_DALEK {
        table.add(&sign_chosen(), again.len(), move || {
            for digest in &again {
                black_box(key.sign(&digest.0));
            }
        });
    }
}

/// Adds BLAKE3 of 64 bytes and of 1 KiB.
pub fn add_hashing(table: &mut Table<'_>) {
    const REPEATS: usize = 4096;
    for (name, bytes) in [("blake3/64", 64), ("blake3/1024", 1024)] {
        let block = vec![5; bytes];
        table.add(name, REPEATS, move || {
            for _ in 0..REPEATS {
                black_box(blake3::hash(black_box(&block)));
            }
        });
    }
}

/// Adds look-ups in a memory of a million verdicts: in an order that no cache foresees, and of the
/// same few. Gives the bytes that it takes per verdict.
///
/// # Panics
/// While it runs, if a verdict is not found.
pub fn add_memory(table: &mut Table<'_>) -> f64 {
    const VERDICTS: u64 = 1 << 20;
    const HOT: usize = 64;
    let id = |i: u64| ClaimId(u128::from(draw(1, i)) << 64 | u128::from(draw(2, i)));
    let mut memory = Memory::new(4 * VERDICTS as usize);
    (0..VERDICTS).for_each(|i| memory.insert(id(i), true));
    let bytes = memory.bytes() as f64 / memory.len() as f64;
    let ids: Vec<_> = (0..1 << 16).map(|i| id(draw(3, i) % VERDICTS)).collect();
    let memory = Rc::new(RefCell::new(memory));
    let (again, hot) = (memory.clone(), ids[..HOT].to_vec());
    table.add("memory/random", ids.len(), move || {
        let mut memory = memory.borrow_mut();
        assert!(ids.iter().all(|id| memory.get(*id) == Some(true)));
    });
    table.add("memory/hot", HOT * HOT, move || {
        let mut memory = again.borrow_mut();
        for _ in 0..HOT {
            assert!(hot.iter().all(|id| memory.get(*id) == Some(true)));
        }
    });
    bytes
}

/// What a memory of verdicts takes when far more is put into it than it can hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filled {
    /// The most verdicts that it holds.
    pub capacity: usize,
    /// Verdicts put into it.
    pub inserted: u64,
    /// Verdicts that it forgot.
    pub evicted: u64,
    /// The most bytes per verdict held, at any time at which it held a thousand or more.
    pub worst: f64,
    /// How many it held then.
    pub worst_at: usize,
    /// Bytes per verdict when it held the most.
    pub full: f64,
    /// The most bytes at any time.
    pub most_bytes: usize,
}

/// Puts into a memory of at most `capacity` verdicts so many times what it can hold.
///
/// # Panics
/// If it holds more than it may, or too few to measure, or remembers anything wrong.
pub fn fill_memory(capacity: usize, times: u64) -> Filled {
    const SOME: usize = 1_000;
    let id = |i: u64| ClaimId(u128::from(draw(1, i)) << 64 | u128::from(draw(2, i)));
    let good = |i: u64| !i.is_multiple_of(3);
    let mut memory = Memory::new(capacity);
    let (capacity, inserted) = (memory.capacity(), times * memory.capacity() as u64);
    let (mut worst, mut worst_at, mut full, mut most_bytes) = (0.0, 0, 0.0, 0);
    for i in 0..inserted {
        memory.insert(id(i), good(i));
        let (held, bytes) = (memory.len(), memory.bytes());
        assert!(held <= capacity, "{held} verdicts in a memory of {capacity}");
        most_bytes = most_bytes.max(bytes);
        let each = bytes as f64 / held as f64;
        if held >= SOME && each > worst {
            (worst, worst_at) = (each, held);
        }
        if held == capacity {
            full = each;
        }
    }
    assert!(worst > 0.0 && full > 0.0, "a memory of {capacity} verdicts is too small to measure");
    let evicted = memory.evicted();
    // The younger half: asking for an older one makes it young, for which others are forgotten.
    for i in inserted - capacity as u64 / 2..inserted {
        assert_eq!(memory.get(id(i)), Some(good(i)));
    }
    Filled { capacity, inserted, evicted, worst, worst_at, full, most_bytes }
}

/// Signs so many digests, each by another key, with the backend chosen here and with ed25519-dalek.
///
/// # Panics
/// If the two do not agree byte for byte, in a signature or a public key.
pub fn assert_identical(count: u64) {
    for i in 0..count {
        let mut secret = [0; 32];
        let words = (0..4).map(|word| draw(5, 4 * i + word).to_le_bytes());
        secret.chunks_exact_mut(8).zip(words).for_each(|(out, word)| out.copy_from_slice(&word));
        let digest = Digest::of("bench", 3, 0, &i.to_le_bytes());
        let (dalek, key) =
            (ed25519_dalek::SigningKey::from_bytes(&secret), SigningKey::new(&secret));
        assert_eq!(key.sign(&digest.0).0, dalek.sign(&digest.0).to_bytes(), "{secret:02x?}");
        assert_eq!(key.public_key().0, dalek.verifying_key().to_bytes(), "{secret:02x?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_measured_under_its_name() {
        let (distinct, few) = (claims(CLAIMS, CLAIMS as u32), claims(CLAIMS, FEW_KEYS));
        let mut table = Table::default();
        add_single(&mut table, &distinct);
        add_batches(&mut table, &distinct, &few, 1);
        add_signing(&mut table);
        add_hashing(&mut table);
        let figures = table.run(1).expect("nothing fails");
        for name in [SIGN_DALEK, VERIFY_DALEK, VERIFY_SINGLE, &sign_chosen(), "blake3/1024"] {
            assert!(super::super::median_of(&figures, name) > 0.0, "{name}");
        }
        assert!(figures.iter().any(|figure| figure.name == batch("16-keys", 4096)));
        assert_identical(50);
    }

    #[test]
    fn a_memory_that_is_filled_stays_small() {
        let filled = fill_memory(3_000, 5);
        assert!((1_500..=3_000).contains(&filled.capacity), "{filled:?}");
        assert_eq!(filled.inserted, 5 * filled.capacity as u64);
        assert!(filled.evicted > 3 * filled.capacity as u64, "{filled:?}");
        assert!(filled.full > 17.0 && filled.full <= filled.worst, "{filled:?}");
        assert!(filled.worst <= 40.0 && filled.worst_at >= 1_000, "{filled:?}");
    }
}
