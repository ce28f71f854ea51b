//! The mixing behind the roots: sums, modulo 2^128, over the elements of the state, each scaled by a
//! word that depends on what and where it is (AdHash of Bellare and Micciancio 1997 with a fast
//! mixing function; for amounts, a linear hash). Adding, changing or removing an element is one
//! addition, whatever the order of changes. It finds replicas that differ; it is no commitment
//! against someone who searches for collisions.

const KEYS: [u64; 8] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
    0x1d8e_4e27_c47d_124f,
    0xeb44_acca_b455_d165,
    0x9e37_79b9_7f4a_7c15,
    0xc2b2_ae3d_27d4_eb4f,
];

/// Multiplies to 128 bits and folds the halves.
#[inline]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Mixes two words into one.
#[inline]
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    fold(fold(a ^ KEYS[0], b ^ KEYS[1]) ^ KEYS[2], a.rotate_left(32) ^ KEYS[3])
}

/// Mixes two words into a pair.
#[inline]
fn spread(a: u64, b: u64) -> u128 {
    let product = u128::from(a ^ KEYS[4]) * u128::from(b ^ KEYS[5]);
    let (low, high) = (product as u64, (product >> 64) as u64);
    u128::from(fold(low ^ KEYS[6], high ^ KEYS[7])) << 64 | u128::from(low ^ high)
}

/// The element of a resting order: who it is and where it stands, times what remains.
#[inline]
pub(crate) fn order(id: u64, place: u64, stamp: u64, remaining: i64, visible: i64) -> u128 {
    let name = fold(id ^ KEYS[0], place ^ KEYS[1]);
    let tag = fold(name ^ KEYS[2], stamp ^ KEYS[3]);
    let lots = (remaining as u64).wrapping_add((visible as u64).rotate_left(44)).wrapping_add(1);
    u128::from(tag) * u128::from(lots)
}

/// The key of one amount of one owner.
#[inline]
pub(crate) fn key(field: u64, place: u64) -> u64 {
    fold(place ^ KEYS[field as usize & 7], KEYS[7] ^ field)
}

/// The element of a name.
#[inline]
pub(crate) fn named(id: u64) -> u128 {
    u128::from(id ^ KEYS[2]) * u128::from(id.rotate_left(32) ^ KEYS[5])
}

/// The element of a record of six words.
#[inline]
pub(crate) fn record(words: [u64; 6]) -> u128 {
    let first = fold(words[0] ^ KEYS[0], words[1] ^ KEYS[1]);
    let second = fold(words[2] ^ KEYS[2], words[3] ^ KEYS[3]);
    let third = fold(words[4] ^ KEYS[6], words[5] ^ KEYS[7]);
    spread(first ^ second.rotate_left(21), third.wrapping_add(second))
}

/// Both halves of a signed 128-bit number.
#[inline]
pub(crate) fn halves(value: i128) -> [u64; 2] {
    [value as u64, (value >> 64) as u64]
}

/// The lock that `preimage` opens: the first half of its BLAKE3 hash.
pub fn lock_of(preimage: &[u8; 32]) -> u128 {
    let hash = blake3::hash(preimage);
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_le_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_word_of_an_element_counts() {
        let base = [1, 2, 3, 4, 5, 6];
        let mut seen = BTreeSet::from([record(base)]);
        for word in 0..6 {
            for bit in 0..64 {
                let mut changed = base;
                changed[word] ^= 1 << bit;
                assert!(seen.insert(record(changed)), "word {word} bit {bit}");
            }
        }
        let mut seen = BTreeSet::new();
        for id in 0..8 {
            for place in 0..8 {
                for stamp in 0..8 {
                    for remaining in 0..8 {
                        assert!(seen.insert(order(id, place, stamp, remaining, remaining)));
                    }
                }
            }
        }
    }
}
