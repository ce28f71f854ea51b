//! Guilt: the witnesses that signed two withdrawals which exclude each other, and its price.
//!
//! A witness that signs two contracts of the same withdrawal (fund and sequence number) proves its
//! own guilt: the two receipts with its signatures are the evidence, and nobody's word is needed.
//!
//! | file | |
//! |---|---|
//! | `keep` | what a witness keeps of the funds it watches (**R9**), and when it claims |
//! | [`claim`] | the claim: two receipts, and who signed both |
//! | `claimant` | shows it to a jury drawn for it, and gathers signatures |
//! | `juror` | checks it, says when it saw it, and signs |
//! | [`conviction`] | the claim with enough signatures; the earliest wins |
//! | `stake` | a verifier learns that it is convicted: its stake is cancelled |
//!
//! A conviction is published as an event of the timeline. So all verifiers learn it, those who missed
//! it repair that when they compare timelines, and once it is settled all draw from the same list
//! without the convicted. Until then they are drawn as before: else draws would differ between nodes
//! that have and have not heard of it.
//!
//! Invariants: a claim costs messages to its jury only, a conviction one to each verifier; a claim
//! that proves nothing changes nothing; a stake is moved once, however many convictions name it.

pub mod claim;
mod claimant;
pub mod conviction;
mod juror;
mod keep;
mod stake;

pub use claim::Claim;
pub use conviction::{Award, Conviction};

use super::fund::FundId;
use anthill_protocol::Snapshot;

pub(super) use claimant::Claiming;
pub(super) use stake::Lost;

/// The part of a participant in claims; empty for nearly all.
#[derive(Debug, Default, Snapshot)]
pub(super) struct Guilt {
    /// Claims of its own that are under way.
    pub(super) claiming: Vec<Claiming>,
    /// By which conviction it lost its stake; durable.
    pub(super) lost: Option<Lost>,
}

/// A withdrawal, which is made at most once: a fund, and the number of withdrawals before.
pub(super) type Withdrawal = (FundId, u32);
