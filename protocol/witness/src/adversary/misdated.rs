//! Contracts with wrong dates: the payer's clock says something else than it writes.

use crate::adversary::{Adversary, Attack, NodeId, Span, Terms, Witness};
use anthill_protocol::Time;

/// Longer than a payment takes in which nothing is lost.
const MOMENT: Span = Span::from_secs(60);

impl Adversary {
    /// Whether payees refuse contracts that are so far off; `None` if that is a matter of seconds.
    pub(crate) fn is_misdating_noticed(terms: &Terms, offset: Span) -> Option<bool> {
        let is_clear = offset + MOMENT < terms.leniency || offset > terms.leniency + MOMENT;
        is_clear.then_some(offset > terms.leniency)
    }
}

impl Witness {
    /// The date that a payer gives a payment which it begins now.
    pub(super) fn dated(&self, payer: NodeId, now: Time) -> Time {
        let Some(adversary) = &self.adversary else { return now };
        match adversary.attack {
            Attack::Misdated { offset, is_ahead } if adversary.part(payer).is_some() => {
                if is_ahead { now + offset } else { Time(now.0.saturating_sub(offset.0)) }
            }
            _ => now,
        }
    }
}
