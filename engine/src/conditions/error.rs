//! What can be wrong with conditions once the network they apply to is known.

use thiserror::Error;

use crate::network::{Network, NetworkError, suggestion};

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

/// The index of a kind of message.
pub(super) fn kind_index(
    name: &str,
    kinds: &[&str],
    field: &str,
) -> Result<usize, ConditionsError> {
    kinds.iter().position(|kind| *kind == name).ok_or_else(|| {
        let known = kinds.join(", ");
        let problem = format!("the protocol sends no \"{name}\"; its kinds: {known}");
        ConditionsError::at(field, problem)
    })
}

/// The index of a region that holds nodes.
pub(super) fn region_index(
    name: &str,
    network: &Network,
    field: &str,
) -> Result<usize, ConditionsError> {
    let known = network.regions();
    known.iter().position(|region| region == name).ok_or_else(|| {
        let hint = suggestion(name, known.iter().map(String::as_str));
        ConditionsError::at(field, format!("no region \"{name}\" holds nodes{hint}"))
    })
}
