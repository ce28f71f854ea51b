//! What processes send each other once they know each other.

use anthill_protocol::Snapshot;

use crate::machine::{Malformed, Parcel};

/// The most bytes of a frame: a body of the greatest length, and its head.
pub const MOST_BYTES: usize = (1 << 24) + (1 << 12);
/// The most bodies asked for at once.
pub(crate) const MOST_WANTED: usize = 256;

/// A frame between processes that know each other.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum Frame {
    /// A message from one node to another.
    Message {
        /// The sender.
        from: u32,
        /// The receiver.
        to: u32,
        /// The wire form, its zeros counted.
        bytes: Vec<u8>,
    },
    /// A body that a message names.
    Body(Parcel),
    /// Asks for bodies by name: a message names them, and they are not here.
    Want(Vec<u64>),
    /// They are not here either.
    Gone(Vec<u64>),
    /// Nothing else was to be said for some time.
    Ping,
    /// The answer.
    Pong,
    /// The connection ends, and why.
    Bye(Vec<u8>),
}

impl Frame {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.save(&mut out);
        out
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// If the bytes are none, or more than one.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, Malformed> {
        let frame = Self::load(&mut bytes).map_err(|error| Malformed(error.0))?;
        let is_short =
            !matches!(&frame, Self::Want(ids) | Self::Gone(ids) if ids.len() > MOST_WANTED);
        (bytes.is_empty() && is_short).then_some(frame).ok_or(Malformed("more than a frame"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever arrives, nothing panics, and what is read is what would be written.
        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes in vec(any::<u8>(), 0..200), tag in 0u8..8) {
            for bytes in [bytes.clone(), [vec![tag], bytes].concat()] {
                if let Ok(frame) = Frame::decode(&bytes) {
                    prop_assert_eq!(frame.encode(), bytes);
                }
            }
        }
    }

    #[test]
    fn too_many_names_are_refused() {
        let frame = |count| Frame::Want(vec![7; count]).encode();
        assert!(Frame::decode(&frame(MOST_WANTED)).is_ok());
        assert!(Frame::decode(&frame(MOST_WANTED + 1)).is_err());
    }
}
