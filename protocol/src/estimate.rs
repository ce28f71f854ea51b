//! What can be told of a run before it starts.

use crate::Time;

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunScale {
    /// Number of nodes.
    pub nodes: u32,
    /// Where it ends at the latest.
    pub until: Time,
    /// Mean degree of the topology (nodes − 1 if complete).
    pub degree: f64,
}

/// How many signatures a run takes, roughly: for a warning before it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignatureEstimate {
    /// Made.
    pub made: u64,
    /// Distinct ones that are checked: each of them is verified about once, whoever asks again.
    pub verified: u64,
}
