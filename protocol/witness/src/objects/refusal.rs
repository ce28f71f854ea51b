//! The reasons of refusals.

/// The reason, as it travels and is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[repr(u8)]
pub enum Refusal {
    /// The parts do not belong together.
    #[error("the parts do not belong together")]
    Malformed,
    /// A signature does not hold.
    #[error("a signature does not hold")]
    Signature,
    /// The amounts do not add up.
    #[error("the amounts do not add up")]
    Sums,
    /// A selection is not what the draw gives, or its evidence is not believable.
    #[error("a selection is not believable")]
    Selection,
    /// The payer does not own a source.
    #[error("the payer does not own a source")]
    NotOwner,
    /// It is too late, or dated too far ahead.
    #[error("the contract is too old, or of the future")]
    Time,
    /// The node is not a witness of the fund, or does not hold it.
    #[error("the fund is not held")]
    NotHeld,
    /// The fund has less, was withdrawn from since, or its last withdrawal is another.
    #[error("the fund is in another state")]
    State,
    /// The fund is promised to another contract.
    #[error("the fund is promised to another contract")]
    Promised,
    /// Too few witnesses signed.
    #[error("too few witnesses signed")]
    Quorum,
    /// Addressed to somebody else, or never asked for.
    #[error("nobody asked for it")]
    Unasked,
    /// It builds on a timeline that the judge does not know: the two compare theirs first.
    #[error("the settled timeline is another")]
    Timeline,
    /// The receipts of a claim do not prove what it says.
    #[error("the receipts do not prove it")]
    Innocent,
    /// It says no more.
    #[error("it does not want to")]
    Unwilling,
    /// The fund was not rolled over in time.
    #[error("the fund has expired")]
    Expired,
    /// A rollover hides a withdrawal or a promise.
    #[error("the declared state is not all that is known of the fund")]
    Undeclared,
}

impl Refusal {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Malformed,
        Self::Signature,
        Self::Sums,
        Self::Selection,
        Self::NotOwner,
        Self::Time,
        Self::NotHeld,
        Self::State,
        Self::Promised,
        Self::Quorum,
        Self::Unasked,
        Self::Timeline,
        Self::Innocent,
        Self::Unwilling,
        Self::Expired,
        Self::Undeclared,
    ];

    /// The reason of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positions() {
        for (number, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal as usize, number);
            assert_eq!(Refusal::from_number(number as u8), Some(refusal));
        }
        assert_eq!(Refusal::from_number(Refusal::ALL.len() as u8), None);
    }
}
