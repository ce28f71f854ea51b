//! Draws for whoever makes up scenarios: which of many runs to make, not what happens in one.

use crate::draw::{below, draw, mix};

/// Draws from one seed, one after the other.
///
/// ```
/// use anthill_protocol::Dice;
///
/// let mut dice = Dice::new(7);
/// let nodes = 4 + dice.below(9);
/// let word = dice.pick(&["push", "pull"]);
/// let mut again = Dice::new(7);
/// assert_eq!((4 + again.below(9), again.pick(&["push", "pull"])), (nodes, word));
/// ```
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    count: u64,
}

impl Dice {
    /// The draws of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed: mix(seed, 0x6469_6365), count: 0 }
    }

    /// Uniform below a bound; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.count += 1;
        below(draw(self.seed, self.count), bound)
    }

    /// Uniform within two bounds, both included.
    pub fn within(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// Whether one of `of` equally likely cases is the first.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// One of some values.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// `count` different numbers below a bound, or all of them, in order.
    pub fn some(&mut self, count: u32, bound: u32) -> Vec<u32> {
        // Of those that are left, each is as likely as any other.
        let mut left: Vec<u32> = (0..bound).collect();
        let count = count.min(bound);
        let mut taken: Vec<u32> =
            (0..count).map(|_| left.swap_remove(self.below(left.len() as u64) as usize)).collect();
        taken.sort_unstable();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ_and_repeat() {
        let first = |seed| {
            let mut dice = Dice::new(seed);
            [(); 8].map(|()| dice.below(1_000_000))
        };
        assert_eq!(first(3), first(3));
        assert_ne!(first(3), first(4));
    }

    #[test]
    fn bounds_are_reached_and_kept() {
        let mut dice = Dice::new(1);
        let mut seen = [0u32; 3];
        for _ in 0..300 {
            seen[(dice.within(5, 7) - 5) as usize] += 1;
        }
        assert!(seen.iter().all(|count| *count > 60), "{seen:?}");
        assert_eq!((dice.below(0), dice.within(4, 4)), (0, 4));
    }

    #[test]
    fn some_are_different_numbers_and_all_are_as_likely() {
        let mut dice = Dice::new(1);
        let mut seen = [0u32; 5];
        for _ in 0..1_000 {
            let taken = dice.some(2, 5);
            assert!(taken.len() == 2 && taken[0] < taken[1], "{taken:?}");
            taken.iter().for_each(|at| seen[*at as usize] += 1);
        }
        assert!(seen.iter().all(|count| (320..480).contains(count)), "{seen:?}");
        assert_eq!(dice.some(9, 3), [0, 1, 2]);
    }
}
