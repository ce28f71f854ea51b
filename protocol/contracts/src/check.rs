//! What code may be deployed, and why not.

use thiserror::Error;

/// Why code may not be deployed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Longer than 256 KiB.
    #[error("{bytes} bytes of code: at most 262,144")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// No valid WebAssembly of the features allowed.
    #[error("{0}")]
    Malformed(String),
}

pub(crate) fn first(bytes: &[u8]) -> Result<(), Refusal> {
    if !bytes.starts_with(b"\0asm\x01\0\0\0") {
        return Err(Refusal::Malformed("not a WebAssembly binary".into()));
    }
    Ok(())
}
