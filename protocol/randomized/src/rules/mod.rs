//! The three sets of rules.

pub(crate) mod ben_or;
pub(crate) mod mmr;
pub(crate) mod shi;
