//! R7 to R9: what a double spend costs those who signed for it.

use super::{Rules, Terms};
use crate::guilt::Award;
use anthill_protocol::Span;

impl Rules {
    /// **R8**: rival claims meet the same jury. Without, one is drawn for each claimant.
    pub(crate) fn has_one_jury(&self) -> bool {
        self.stake_is_cancelled
    }

    /// **R9**: a witness keeps the receipts that it refuses, and claims. Without, it does neither.
    pub(crate) fn witnesses_claim(&self) -> bool {
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
