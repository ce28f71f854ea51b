//! The table of nodes at the end of a run: which columns a protocol has, and a node's row.

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name: letters, digits and `_`. Taken already: `node` and `region`.
    pub name: &'static str,
    /// What it says of a node, with its unit.
    pub about: &'static str,
    /// What its cells hold.
    pub holds: Holds,
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Words.
    Word,
    /// Figures whose sum says nothing.
    Figure,
    /// Figures whose sum over all nodes is worth printing, as that of credit.
    Sum,
}

/// What stands in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// A figure.
    Count(u64),
    /// A word.
    Word(&'static str),
}

impl From<bool> for Cell {
    fn from(yes: bool) -> Self {
        Self::Word(if yes { "yes" } else { "no" })
    }
}

impl From<u32> for Cell {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl core::fmt::Display for Cell {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Word(word) => f.pad(word),
        }
    }
}
