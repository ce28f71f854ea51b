//! The wallet: which funds a participant may spend, which wait, and what it was paid.

use super::sorted::place_of;
use crate::objects::fund::{Fund, FundId};
use anthill_protocol::{Shared, Snapshot, Time};

/// The funds of a participant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Wallet {
    /// Whether its first fund is among the others by now.
    pub opened: bool,
    /// Funds that it may spend.
    pub funds: Vec<Fund>,
    /// Names of the contracts by which it was paid, sorted.
    pub received: Vec<FundId>,
    /// Funds that cannot be spent before they roll over.
    pub locked: Vec<Locked>,
}

impl Wallet {
    /// Notes a payment received; whether it was new.
    pub fn receive(&mut self, fund: FundId) -> bool {
        match place_of(&self.received, fund, |name| *name) {
            Ok(_) => false,
            Err(place) => {
                self.received.insert(place, fund);
                true
            }
        }
    }

    /// Whether a payment was received.
    pub fn has_received(&self, fund: FundId) -> bool {
        place_of(&self.received, fund, |name| *name).is_ok()
    }
}

/// A fund that its owner cannot use before it rolls over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Locked {
    /// The fund as it will be then.
    pub fund: Fund,
    /// Credit reserved for a payment under way, which comes back.
    pub reserved: u64,
    /// The contract to which it was promised in vain; retained.
    pub void: Option<Shared>,
    /// From when on it may roll over; never, if `Time::MAX`.
    pub ready: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_is_received_once() {
        let mut wallet = Wallet::default();
        assert!(wallet.receive(FundId(4)) && wallet.receive(FundId(2)));
        assert!(!wallet.receive(FundId(4)) && wallet.has_received(FundId(2)));
    }
}
