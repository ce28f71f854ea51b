//! Funds: what a participant owns, and how one is named.

use crate::objects::contract::Contract;
use anthill_protocol::{Digest, Shared, Snapshot};

/// The name of a fund, which is that of the contract that made it: the first 64 bits of its digest.
/// (A real network would use all 256; two of 2³² funds share a name here with probability 1/2.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Snapshot)]
pub struct FundId(pub u64);

impl FundId {
    /// The name that a digest gives.
    pub fn of(digest: &Digest) -> Self {
        let (low, _) = digest.0.split_first_chunk().expect("32 bytes");
        Self(u64::from_le_bytes(*low))
    }
}

/// A fund as its owner keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Fund {
    /// Its name.
    pub id: FundId,
    /// Credit in it.
    pub amount: u64,
    /// How often credit was withdrawn from it.
    pub sequence: u32,
    /// The name of the last withdrawal; the fund's own before the first.
    pub previous: FundId,
    /// Its witnesses, and the evidence of their selection.
    pub selection: Shared,
}

impl Fund {
    /// The fund that a contract makes.
    pub fn made_by(contract: &Contract) -> Self {
        let (id, amount) = (contract.fund(), contract.amount);
        Self { id, amount, sequence: 0, previous: id, selection: contract.selection }
    }
}
