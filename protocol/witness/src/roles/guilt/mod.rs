//! Guilt: the witnesses that signed two withdrawals which exclude each other, and its price.
//!
//! A witness that signs two contracts of the same withdrawal (fund and sequence number) proves its
//! own guilt: the two receipts with its signatures are the evidence, and nobody's word is needed.
//!
//! | role | |
//! |---|---|
//! | witness of the fund | keeps receipts, and claims (`roles/witness/keep`, **R9**) |
//! | `claimant` | shows the claim to a jury drawn for it, and gathers signatures |
//! | `juror` | checks it, says when it saw it, and signs |
//! | `convict` | a verifier learns that it is convicted: its stake is cancelled |
//!
//! What they show each other: [`Claim`](crate::objects::claim::Claim), two receipts and who signed
//! both; [`Conviction`](crate::objects::conviction::Conviction), a claim with enough signatures. Of
//! several the earliest wins.
//!
//! A conviction is published as an event of the timeline. So all verifiers learn it, those who missed
//! it repair that when they compare timelines, and once it is settled all draw from the same list
//! without the convicted. Until then they are drawn as before: else draws would differ between nodes
//! that have and have not heard of it.
//!
//! Invariants: a claim costs messages to its jury only, a conviction one to each verifier; a claim
//! that proves nothing changes nothing; a stake is moved once, however many convictions name it.

mod claimant;
mod convict;
mod juror;

use anthill_protocol::Snapshot;

pub(crate) use claimant::{Claimant, Claiming, Verdict};
pub(crate) use convict::Lost;
pub(crate) use juror::Juror;

/// The part of a participant in claims; empty for nearly all.
#[derive(Debug, Default, Snapshot)]
pub(crate) struct Guilt {
    /// Claims of its own that are under way.
    pub(crate) claiming: Vec<Claiming>,
    /// By which conviction it lost its stake; durable.
    pub(crate) lost: Option<Lost>,
}
