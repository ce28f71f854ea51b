//! A keyed random permutation of `0..n` that is computed, not stored.
//!
//! A Feistel network over pairs `(left, right)` in `0..a × 0..b` with `a·b` just above `n`: each
//! round adds a pseudo-random function of one half to the other, modulo its size, so every round
//! can be undone. Results of `n` or more are permuted again until one falls inside (cycle walking):
//! fewer than one in √n do.

use anthill_protocol::draw::{below, draw};

/// Rounds; each half is changed twice.
const ROUNDS: usize = 4;

/// A bijection of `0..n` and its inverse.
#[derive(Clone, Debug)]
pub(crate) struct Permutation {
    n: u32,
    left: u32,
    right: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// The permutation of `0..n` with a key.
    pub(crate) fn new(n: u32, key: u64) -> Self {
        let left = (u64::from(n).isqrt() as u32 + 1).min(n.max(1));
        let right = n.max(1).div_ceil(left);
        Self { n, left, right, keys: std::array::from_fn(|round| draw(key, round as u64)) }
    }

    /// Where `x` goes.
    #[inline]
    pub(crate) fn forward(&self, x: u32) -> u32 {
        let mut x = x;
        loop {
            let (mut l, mut r) = (x / self.right, x % self.right);
            for keys in self.keys.chunks_exact(2) {
                l = add(l, below(draw(keys[0], u64::from(r)), u64::from(self.left)), self.left);
                r = add(r, below(draw(keys[1], u64::from(l)), u64::from(self.right)), self.right);
            }
            x = l * self.right + r;
            if x < self.n {
                return x;
            }
        }
    }

    /// What goes to `x`.
    #[inline]
    pub(crate) fn inverse(&self, x: u32) -> u32 {
        let mut x = x;
        loop {
            let (mut l, mut r) = (x / self.right, x % self.right);
            for keys in self.keys.rchunks_exact(2) {
                let shift = below(draw(keys[1], u64::from(l)), u64::from(self.right));
                r = add(r, u64::from(self.right) - shift, self.right);
                let shift = below(draw(keys[0], u64::from(r)), u64::from(self.left));
                l = add(l, u64::from(self.left) - shift, self.left);
            }
            x = l * self.right + r;
            if x < self.n {
                return x;
            }
        }
    }
}

/// `(x + shift) mod size` for `x < size` and `shift <= size`.
#[inline]
fn add(x: u32, shift: u64, size: u32) -> u32 {
    let sum = u64::from(x) + shift;
    (if sum >= u64::from(size) { sum - u64::from(size) } else { sum }) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_is_hit_once_and_comes_back(n in 1u32..3000, key: u64) {
            let permutation = Permutation::new(n, key);
            let mut hit = vec![false; n as usize];
            for x in 0..n {
                let y = permutation.forward(x);
                prop_assert!(y < n && !hit[y as usize]);
                hit[y as usize] = true;
                prop_assert_eq!(permutation.inverse(y), x);
            }
        }

        #[test]
        fn large_domains_come_back(n in 1u32 << 31..=u32::MAX, key: u64, x: u32) {
            let x = x % n;
            let permutation = Permutation::new(n, key);
            let y = permutation.forward(x);
            prop_assert!(y < n);
            prop_assert_eq!(permutation.inverse(y), x);
        }
    }

    #[test]
    fn images_of_neighbours_are_spread_evenly() {
        let (n, cells) = (1_000_003u32, 100);
        let permutation = Permutation::new(n, 42);
        let mut counts = vec![0u64; cells];
        for x in 0..n - 1 {
            let gap = (permutation.forward(x + 1) + n - permutation.forward(x)) % n;
            counts[(u64::from(gap) * cells as u64 / u64::from(n)) as usize] += 1;
        }
        let expected = f64::from(n) / cells as f64;
        let chi2: f64 = counts.iter().map(|c| (*c as f64 - expected).powi(2) / expected).sum();
        assert!(chi2 < 168.0, "chi2 = {chi2} with 99 degrees of freedom, p < 2e-5");
    }
}
