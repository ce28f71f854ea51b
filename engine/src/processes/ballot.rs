//! What processes agree on at each boundary, in one reduction.

use crate::run::End;

/// What one process knows at a boundary between windows, and, once it is agreed on, what any of them does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ballot {
    /// The least pending window.
    pub(crate) next: Option<u64>,
    /// Whether events of that window wait in another process than their nodes'.
    pub(crate) crosses: bool,
    /// Why a worker left its work undone.
    pub(crate) halted: Option<End>,
    /// A handler has panicked, or a node is stuck.
    pub(crate) failed: bool,
    /// Events at or after the end of the run were left.
    pub(crate) left_over: bool,
    /// So many bodies were shared that a sweep is worth it.
    pub(crate) sweeps: bool,
    /// An invariant is violated, or a judge has found something.
    pub(crate) violated: bool,
    /// The caller asks the run to end.
    pub(crate) interrupted: bool,
    /// The memory limit is reached.
    pub(crate) over: bool,
    /// Nodes have said something that others hear at boundaries.
    pub(crate) news: bool,
    /// Somebody wants to know how far the run is.
    pub(crate) looks: bool,
    /// Somebody watches the counters.
    pub(crate) watched: bool,
}

const FLAGS: usize = 9;

impl Ballot {
    /// Words of which the least of all processes' are those of all together.
    pub(crate) fn words(&self) -> [u64; 2 + FLAGS] {
        // Of equal windows that comes first of which something crosses.
        let next = self.next.map_or(u64::MAX, |window| window << 1 | u64::from(!self.crosses));
        let halted = match self.halted {
            None => u64::MAX,
            Some(End::Interrupted) => 1,
            Some(_) => 0,
        };
        let mut words = [next, halted, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (word, flag) in words[2..].iter_mut().zip(self.flags()) {
            *word = u64::from(!flag);
        }
        words
    }

    /// The ballot of such words.
    pub(crate) fn of(words: [u64; 2 + FLAGS]) -> Self {
        let [next, halted, flags @ ..] = words;
        let [failed, left_over, sweeps, violated, interrupted, over, news, looks, watched] =
            flags.map(|word| word == 0);
        Self {
            next: (next < u64::MAX).then_some(next >> 1),
            crosses: next & 1 == 0,
            halted: match halted {
                0 => Some(End::MemoryLimit),
                1 => Some(End::Interrupted),
                _ => None,
            },
            failed,
            left_over,
            sweeps,
            violated,
            interrupted,
            over,
            news,
            looks,
            watched,
        }
    }

    fn flags(&self) -> [bool; FLAGS] {
        let Self { failed, left_over, sweeps, violated, interrupted, over, .. } = *self;
        let Self { news, looks, watched, .. } = *self;
        [failed, left_over, sweeps, violated, interrupted, over, news, looks, watched]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn together(a: Ballot, b: Ballot) -> Ballot {
        let (mut words, others) = (a.words(), b.words());
        words.iter_mut().zip(others).for_each(|(word, other)| *word = (*word).min(other));
        Ballot::of(words)
    }

    #[test]
    fn the_least_window_wins_and_what_crosses_in_it_counts() {
        let at = |next, crosses| Ballot { next, crosses, ..Ballot::default() };
        assert_eq!(together(at(None, false), at(None, false)), at(None, false));
        assert_eq!(together(at(Some(7), false), at(None, false)), at(Some(7), false));
        assert_eq!(together(at(Some(7), false), at(Some(7), true)), at(Some(7), true));
        assert_eq!(together(at(Some(6), false), at(Some(7), true)), at(Some(6), false));
        assert_eq!(together(at(Some(8), true), at(Some(7), true)), at(Some(7), true));
    }

    #[test]
    fn what_any_says_is_said() {
        let none = Ballot::default();
        let all = Ballot {
            next: Some(3),
            crosses: true,
            halted: Some(End::Interrupted),
            failed: true,
            left_over: true,
            sweeps: true,
            violated: true,
            interrupted: true,
            over: true,
            news: true,
            looks: true,
            watched: true,
        };
        assert_eq!(together(none, none), none);
        assert_eq!(together(none, all), all);
        let over = Ballot { halted: Some(End::MemoryLimit), ..none };
        assert_eq!(together(all, over).halted, Some(End::MemoryLimit));
        for place in 0..FLAGS {
            let mut words = none.words();
            words[2 + place] = 0;
            let one = Ballot::of(words);
            assert_eq!(one.flags().iter().filter(|flag| **flag).count(), 1);
            assert!(one.flags()[place] && together(none, one) == one);
        }
    }
}
