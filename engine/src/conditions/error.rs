//! What can be wrong with conditions once the network they apply to is known.

use thiserror::Error;

use crate::network::NetworkError;

/// Conditions that cannot be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConditionsError {
    /// A value of the scenario.
    #[error("{field}: {problem}")]
    Field {
        /// Its path in the scenario.
        field: String,
        /// What is wrong and how to fix it.
        problem: String,
    },
    /// A file, or one of its lines.
    #[error(transparent)]
    File(#[from] NetworkError),
}

impl ConditionsError {
    pub(super) fn at(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field { field: field.into(), problem: problem.into() }
    }
}
