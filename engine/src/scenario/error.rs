//! What can be wrong with a scenario, in words that name the place and the fix.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why there is no scenario.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {problem}", .path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// The system's reason; no source of this error, which has told it.
        problem: io::Error,
    },
    /// A folder, pipe or device.
    #[error("{}: is not a regular file: give the path of a scenario such as scenario.toml", .path.display())]
    NotAFile {
        /// Its path.
        path: PathBuf,
    },
    /// Larger than any scenario.
    #[error("{name}: is larger than the {} MiB a scenario may have: put tables and edge lists into files of their own and name them (network.regions.file, network.topology.path)", .limit >> 20)]
    TooLarge {
        /// The file or preset.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// More values than any scenario has.
    #[error(
        "{name}: has more than the {limit} values of a scenario: put tables and edge lists into files of their own and name them (network.regions.file, network.topology.path)"
    )]
    TooManyValues {
        /// The file or preset.
        name: String,
        /// The limit.
        limit: usize,
    },
    /// Not text.
    #[error("{name}:{line}: is not UTF-8 text: save the file as UTF-8")]
    NotUtf8 {
        /// The file.
        name: String,
        /// The line of the first wrong byte.
        line: usize,
    },
    /// Not TOML.
    #[error("{name}:{line}:{column}: is not valid TOML: {problem}")]
    Syntax {
        /// The file or preset.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        problem: String,
    },
    /// An argument that is not `path=value`.
    #[error("{argument}: {problem}")]
    Override {
        /// The argument as typed.
        argument: String,
        /// What is wrong.
        problem: String,
    },
    /// Values that are wrong, unknown or missing: everything that was found, not just the first.
    #[error("{0}")]
    Invalid(Problems),
}

/// One thing wrong in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `file:line`, or the argument as typed, or the file alone for what is missing.
    pub place: String,
    /// The full path of the key; empty for what is missing.
    pub field: String,
    /// What was written there, shortened; empty if that says nothing.
    pub value: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.field.is_empty() {
            write!(f, "{}", self.field)?;
            if !self.value.is_empty() {
                write!(f, " = {}", self.value)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.problem)
    }
}

/// What was found, one per line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The first ones.
    pub list: Vec<Problem>,
    /// How many more there were.
    pub omitted: usize,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        if self.omitted > 0 {
            write!(f, "\nand {} more", self.omitted)?;
        }
        Ok(())
    }
}
