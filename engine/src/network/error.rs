//! What can be wrong with a network before it runs. Every message names the place and the fix.

use std::path::PathBuf;

use thiserror::Error;

/// A network or topology that cannot be built.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A value of the scenario.
    #[error("{field}: {problem}")]
    Field {
        /// Its path in the scenario.
        field: &'static str,
        /// What is wrong and how to fix it.
        problem: String,
    },
    /// A file that cannot be read.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// One line of a file.
    #[error("{path}, line {line}: {problem}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong and how to fix it.
        problem: String,
    },
    /// A topology that the machine does not hold.
    #[error(
        "network.topology: {edges} edges need {bytes} bytes, which are not to be had; \
             take fewer nodes, a lower degree, or an implicit random-regular or complete topology"
    )]
    Memory {
        /// Directed edges.
        edges: u64,
        /// Bytes asked for.
        bytes: u64,
    },
}

impl NetworkError {
    pub(crate) fn field(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Field { field, problem: problem.into() }
    }
}

/// `, did you mean "x"?` for the nearest candidate, or nothing if none is near.
pub(crate) fn suggestion<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    let wanted = name.to_lowercase();
    let near = candidates
        .map(|c| (strsim::jaro_winkler(&wanted, &c.to_lowercase()), c))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    near.map(|(_, c)| format!(", did you mean \"{c}\"?")).unwrap_or_default()
}
