//! What a node tells the outside world: that it leads a term, has committed an entry, has decided.
//!
//! A handler calls [`Context::output`](crate::Context::output). Hosts collect outputs off the hot path, put
//! them in the order of their events' keys at the end of each window, and show them to the protocol's
//! [judges](crate::judge). They enter the digest of the run.

use core::fmt::Debug;

use crate::{Wire, WireError};

/// A statement of a node to the outside world. `#[derive(Output)]` for structs and enums of
/// [`Wire`] values.
pub trait Output: Copy + Send + Sync + Debug + Wire + 'static {
    /// The names of the kinds of output, indexed by [`Output::kind`]; empty: there are none, and
    /// nobody looks for any.
    const KINDS: &'static [&'static str];

    /// The index of this output's kind in [`Output::KINDS`].
    fn kind(&self) -> usize;

    /// The names of its fields, and what they hold, as `Debug` writes it.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

/// The outputs of a protocol that says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOutput {}

impl Output for NoOutput {
    const KINDS: &'static [&'static str] = &[];

    fn kind(&self) -> usize {
        match *self {}
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        match *self {}
    }
}

impl Wire for NoOutput {
    fn write(&self, _out: &mut Vec<u8>) {
        match *self {}
    }

    fn read(_bytes: &mut &[u8]) -> Result<Self, WireError> {
        Err(WireError("there are no outputs"))
    }

    fn wire_len(&self) -> u32 {
        match *self {}
    }

    fn fold(&self, _hash: u64) -> u64 {
        match *self {}
    }
}
