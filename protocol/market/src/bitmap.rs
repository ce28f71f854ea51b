//! Which of up to 262,144 price levels are occupied: three layers of 64-ary words, so that the
//! nearest occupied level is three words away.

#[derive(Clone, Debug)]
pub(crate) struct Bitmap {
    leaves: Vec<u64>,
    middle: Vec<u64>,
    top: u64,
}

/// Bits of a word at `at` and above.
#[inline]
fn from(at: usize) -> u64 {
    !0 << at
}

/// Bits of a word at `at` and below.
#[inline]
fn upto(at: usize) -> u64 {
    !0 >> (63 - at)
}

impl Bitmap {
    pub(crate) fn new(levels: usize) -> Self {
        let leaves = levels.div_ceil(64);
        Self { leaves: vec![0; leaves], middle: vec![0; leaves.div_ceil(64)], top: 0 }
    }

    #[inline]
    pub(crate) fn set(&mut self, at: usize) {
        self.leaves[at >> 6] |= 1 << (at & 63);
        self.middle[at >> 12] |= 1 << (at >> 6 & 63);
        self.top |= 1 << (at >> 12);
    }

    #[inline]
    pub(crate) fn clear(&mut self, at: usize) {
        self.clear_if(at, true);
    }

    /// Clears a level that has become empty. That it has is no branch.
    #[inline(always)]
    pub(crate) fn clear_if(&mut self, at: usize, is_empty: bool) {
        self.leaves[at >> 6] &= !(u64::from(is_empty) << (at & 63));
        if self.leaves[at >> 6] == 0 {
            self.middle[at >> 12] &= !(1 << (at >> 6 & 63));
            if self.middle[at >> 12] == 0 {
                self.top &= !(1 << (at >> 12));
            }
        }
    }

    /// The lowest occupied level at `at` or above.
    #[inline]
    pub(crate) fn above(&self, at: usize) -> Option<usize> {
        if at >= self.leaves.len() * 64 {
            return None;
        }
        let (leaf, block) = (at >> 6, at >> 12);
        let word = self.leaves[leaf] & from(at & 63);
        if word != 0 {
            return Some(leaf << 6 | word.trailing_zeros() as usize);
        }
        let word = self.middle[block] & from(leaf & 63) & !(1 << (leaf & 63));
        if word != 0 {
            return Some(self.lowest(block << 6 | word.trailing_zeros() as usize));
        }
        let word = self.top & from(block) & !(1 << block);
        if word == 0 {
            return None;
        }
        let block = word.trailing_zeros() as usize;
        Some(self.lowest(block << 6 | self.middle[block].trailing_zeros() as usize))
    }

    /// The highest occupied level at `at` or below.
    #[inline]
    pub(crate) fn below(&self, at: usize) -> Option<usize> {
        let at = at.min(self.leaves.len() * 64 - 1);
        let (leaf, block) = (at >> 6, at >> 12);
        let word = self.leaves[leaf] & upto(at & 63);
        if word != 0 {
            return Some(leaf << 6 | word.ilog2() as usize);
        }
        let word = self.middle[block] & upto(leaf & 63) & !(1 << (leaf & 63));
        if word != 0 {
            return Some(self.highest(block << 6 | word.ilog2() as usize));
        }
        let word = self.top & upto(block) & !(1 << block);
        if word == 0 {
            return None;
        }
        let block = word.ilog2() as usize;
        Some(self.highest(block << 6 | self.middle[block].ilog2() as usize))
    }

    fn lowest(&self, leaf: usize) -> usize {
        leaf << 6 | self.leaves[leaf].trailing_zeros() as usize
    }

    fn highest(&self, leaf: usize) -> usize {
        leaf << 6 | self.leaves[leaf].ilog2() as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.top == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draws;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_are_those_of_a_set() {
        for levels in [64, 4_096, 65_536, 262_144] {
            let (mut bitmap, mut set) = (Bitmap::new(levels), BTreeSet::new());
            let mut draws = Draws::new(levels as u64);
            for step in 0..4_000 {
                let at = draws.below(levels as u64) as usize;
                if set.remove(&at) {
                    bitmap.clear(at);
                } else if step % 40 < 20 {
                    set.insert(at);
                    bitmap.set(at);
                } else if let Some(&some) = set.range(at..).next() {
                    set.remove(&some);
                    bitmap.clear(some);
                }
                let at = draws.below(levels as u64) as usize;
                assert_eq!(bitmap.above(at), set.range(at..).next().copied());
                assert_eq!(bitmap.below(at), set.range(..=at).next_back().copied());
                assert_eq!(bitmap.is_empty(), set.is_empty());
            }
        }
    }
}
