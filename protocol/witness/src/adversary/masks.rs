//! Sets of witnesses, a bit per position.

use crate::adversary::{Adversary, Attack, Genesis, Terms};
use crate::objects::selection::Selection;

/// The positions at which something holds.
pub(super) fn mask(bits: impl Iterator<Item = bool>) -> u128 {
    bits.zip(0..).fold(0, |mask, (bit, position)| mask | u128::from(bit) << position)
}

/// The lowest `count` bits that are set.
pub(super) fn lowest(mut of: u128, count: u32) -> u128 {
    let mut lowest = 0;
    for _ in 0..count.min(of.count_ones()) {
        let bit = of & of.wrapping_neg();
        lowest |= bit;
        of ^= bit;
    }
    lowest
}

impl Adversary {
    /// The corrupt among a fund's witnesses.
    pub(super) fn held_of(&self, selection: &Selection, genesis: &Genesis) -> u128 {
        mask(selection.witnesses.iter().map(|witness| self.holds_node(genesis, *witness)))
    }

    /// The witnesses of a fund that are asked for each of the payments made at once.
    pub(super) fn masks(
        &self,
        selection: &Selection,
        terms: &Terms,
        genesis: &Genesis,
        (online, bits): (u128, u128),
    ) -> Vec<u128> {
        let all = mask(selection.witnesses.iter().map(|_| true));
        match self.attack {
            Attack::Fractional => {
                // Each witness sees two of the three.
                let not_third =
                    |third: usize| mask((0..selection.witnesses.len()).map(|i| i % 3 != third));
                (0..3).map(not_third).collect()
            }
            Attack::Colluding { .. }
            | Attack::AdaptiveLiar
            | Attack::SelfClaimer
            | Attack::EarlyLeaver
            | Attack::Backdated { .. }
            | Attack::Withholder { .. }
            | Attack::Sybil { .. }
            | Attack::DrawBuyer { .. } => {
                let held = self.held_of(selection, genesis);
                let needed = terms.redundancy.saturating_sub(held.count_ones());
                let mut unasked = all & online & !held;
                let next = |_| {
                    let asked = lowest(unasked, needed);
                    unasked &= !asked;
                    held | asked
                };
                (0..self.payments()).map(next).collect()
            }
            // Each sees either first with probability 1/2.
            Attack::Lazy => vec![all & bits, all & !bits],
            _ => vec![all; 2],
        }
    }
}

/// Disjoint parts of two selections that share witnesses: for the first `redundancy` of its own, those
/// that the other has not first; for the second all others.
pub(super) fn disjoint(first: &Selection, second: &Selection, redundancy: u32) -> [u128; 2] {
    let shared = mask(first.witnesses.iter().map(|w| second.position(*w).is_some()));
    let all = mask(first.witnesses.iter().map(|_| true));
    let own = lowest(all & !shared, redundancy);
    let asked = own | lowest(shared, redundancy - own.count_ones());
    let is_free = |position: usize| asked & 1 << position == 0;
    let others = second.witnesses.iter().map(|w| first.position(*w).is_none_or(is_free));
    [asked, mask(others)]
}
