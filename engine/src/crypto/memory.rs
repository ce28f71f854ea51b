//! The memory of verdicts: each distinct claim is verified once while it is remembered.
//!
//! A verdict, good or bad, is kept under a 128-bit hash of the claim's exact bytes. Two different
//! claims with one hash would share a verdict; finding such a pair takes about 2⁶⁴ hashes.
//!
//! *Bounded.* There are two generations. What is new or asked for goes to the young one; when that
//! is full, the old one is forgotten, and the young one becomes old. So what is asked for again and
//! again stays, without links between entries: 17 bytes a slot, at most 40 bytes a verdict held
//! even right after the table has grown. What is forgotten follows from the sequence of calls, and
//! costs time, never a verdict.

use anthill_protocol::Claim;
use hashbrown::HashTable;

/// The most bytes that a verdict takes once a thousand are held.
pub(super) const BYTES_PER_VERDICT: u64 = 40;
/// The same of the most that can be held.
pub(super) const BYTES_PER_FULL_VERDICT: u64 = 20;

/// The name of a claim: 128 bits of BLAKE3 over its key, digest and signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimId(pub u128);

impl ClaimId {
    /// Hashes a claim. About 0.15 µs: what is sent to many keeps the id instead.
    pub fn of(claim: &Claim) -> Self {
        let mut bytes = [0; 128];
        bytes[..32].copy_from_slice(&claim.key.0);
        bytes[32..64].copy_from_slice(&claim.digest.0);
        bytes[64..].copy_from_slice(&claim.signature.0);
        let hash = blake3::hash(&bytes);
        let (low, _) = hash.as_bytes().split_first_chunk().expect("32 bytes");
        Self(u128::from_le_bytes(*low))
    }

    /// The part that finds an entry in a table. All bits of the name are alike, so any will do.
    fn position(self) -> u64 {
        self.0 as u64
    }
}

/// A name whose lowest bit is replaced by the verdict, in halves: aligned to 8 bytes, not to 16.
#[derive(Clone, Copy)]
struct Entry([u64; 2]);

impl Entry {
    fn new(id: ClaimId, verdict: bool) -> Self {
        Self([id.0 as u64, ((id.0 >> 64) as u64) & !1 | u64::from(verdict)])
    }

    fn verdict(self) -> bool {
        self.0[1] & 1 == 1
    }

    fn is_of(&self, id: ClaimId) -> bool {
        self.0[0] == id.0 as u64 && (self.0[1] ^ (id.0 >> 64) as u64) <= 1
    }
}

/// A bounded map from claims to verdicts.
pub struct Memory {
    young: HashTable<Entry>,
    old: HashTable<Entry>,
    /// The most entries of one generation.
    most: usize,
    evicted: u64,
}

impl Memory {
    /// A memory of at most `capacity` verdicts, rounded down to what fills its tables (at most by
    /// half); at least 14.
    pub fn new(capacity: usize) -> Self {
        // A table of 2^n slots holds 7/8 of them.
        let slots = (capacity / 2 / 7 * 8).max(8);
        let most = (1 << slots.ilog2()) / 8 * 7;
        Self { young: HashTable::new(), old: HashTable::new(), most, evicted: 0 }
    }

    /// The verdict of a claim, if it is remembered.
    pub fn get(&mut self, id: ClaimId) -> Option<bool> {
        if let Some(entry) = self.young.find(id.position(), |entry| entry.is_of(id)) {
            return Some(entry.verdict());
        }
        let found = self.old.find_entry(id.position(), |entry| entry.is_of(id)).ok()?;
        let (entry, _) = found.remove();
        self.insert_young(entry);
        Some(entry.verdict())
    }

    /// Remembers the verdict of a claim that is not remembered yet.
    pub fn insert(&mut self, id: ClaimId, verdict: bool) {
        debug_assert!(self.get(id).is_none(), "a claim is verified once while remembered");
        self.insert_young(Entry::new(id, verdict));
    }

    fn insert_young(&mut self, entry: Entry) {
        if self.young.len() == self.most {
            self.evicted += self.old.len() as u64;
            self.old.clear();
            std::mem::swap(&mut self.young, &mut self.old);
        }
        self.young.insert_unique(entry.0[0], entry, |entry| entry.0[0]);
    }

    /// How many verdicts are remembered.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most verdicts it remembers.
    pub fn capacity(&self) -> usize {
        2 * self.most
    }

    /// How many verdicts were forgotten to make room.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The bytes it has allocated.
    pub fn bytes(&self) -> usize {
        self.young.allocation_size() + self.old.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ClaimId {
        let hash = blake3::hash(&number.to_le_bytes());
        ClaimId(u128::from_le_bytes(hash.as_bytes()[..16].try_into().unwrap()))
    }

    #[test]
    fn remembers_both_verdicts_and_never_errs_when_it_forgets() {
        let mut memory = Memory::new(1000);
        let capacity = memory.capacity();
        assert!((500..=1000).contains(&capacity), "{capacity}");
        let verdict = |number: u64| number.is_multiple_of(3);
        for number in 0..10_000 {
            memory.insert(id(number), verdict(number));
            assert!(memory.len() <= capacity);
            // One that is asked for all the time stays.
            assert_eq!(memory.get(id(0)), Some(true));
        }
        let held: Vec<u64> = (0..10_000).filter(|n| memory.get(id(*n)).is_some()).collect();
        assert!(held.len() >= capacity / 2 && held.len() <= capacity);
        assert!(held.iter().all(|n| memory.get(id(*n)) == Some(verdict(*n))));
        assert!(memory.evicted() >= 10_000 - capacity as u64);
    }

    #[test]
    fn forgets_the_same_in_every_run() {
        let run = || {
            let mut memory = Memory::new(300);
            let trace: Vec<_> = (0..5_000u64)
                .map(|step| {
                    let id = id(step * 7919 % 613);
                    let found = memory.get(id);
                    if found.is_none() {
                        memory.insert(id, step % 2 == 0);
                    }
                    found
                })
                .collect();
            (trace, memory.evicted(), memory.len())
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn takes_at_most_forty_bytes_a_verdict_once_it_holds_a_thousand() {
        let mut memory = Memory::new(50_000);
        let mut worst = 0.0f64;
        for number in 0..200_000 {
            memory.insert(id(number), true);
            if memory.len() >= 1000 {
                worst = worst.max(memory.bytes() as f64 / memory.len() as f64);
            }
        }
        assert!(worst <= BYTES_PER_VERDICT as f64, "{worst} bytes a verdict");
        let full = memory.bytes() as f64 / memory.capacity() as f64;
        assert!(full <= BYTES_PER_FULL_VERDICT as f64, "{full} bytes a verdict when full");
    }

    #[test]
    fn names_that_differ_only_in_the_verdicts_bit_are_one() {
        // The 127 bits that are compared: documented by this test rather than by chance.
        let mut memory = Memory::new(100);
        memory.insert(ClaimId(2 << 64), true);
        assert_eq!(memory.get(ClaimId(3 << 64)), Some(true));
        assert_eq!(memory.get(ClaimId(1)), None);
    }
}
