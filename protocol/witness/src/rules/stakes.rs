//! R7 to R9: what a double spend costs those who signed for it.

use crate::objects::conviction::Award;
use crate::rules::{Rules, Terms};
use anthill_protocol::{NodeId, Span};

impl Rules {
    /// The jury of a claim. **R8**: rival claims meet the same. Without, one is drawn for each
    /// claimant.
    pub(crate) fn jury(
        &self,
        of_all: impl FnOnce() -> Vec<NodeId>,
        of_claimant: impl FnOnce() -> Vec<NodeId>,
    ) -> Vec<NodeId> {
        if self.stake_is_cancelled { of_all() } else { of_claimant() }
    }

    /// **R9**: a witness keeps the receipts that it refuses, and claims. Without, it does neither.
    pub(crate) fn keeps_receipts(&self) -> bool {
        self.witnesses_claim
    }
}

impl Terms {
    /// How long a leaver's stake is kept. **R7**: until the last fund that it watches has other
    /// witnesses, and a conviction for it is settled. Without, until its leaving is settled.
    pub(crate) fn leaver_waits(&self) -> Span {
        match self.rules.long_leave {
            true => Span(self.rollover_period.0 + 2 * self.time_to_consistency.0),
            false => self.time_to_consistency,
        }
    }

    /// The stake of the `number`-th of so many guilty. **R8**: a tenth to the claimant, the rest to
    /// the cheated as far as their loss goes, borne by all alike. Without, all to the claimant.
    pub(crate) fn award(&self, number: usize, guilty: usize, lost: u64) -> Award {
        match self.rules.stake_is_cancelled {
            true => Award::shared(self.stake, number, guilty, lost),
            false => Award { claimant: self.stake, ..Award::default() },
        }
    }
}
