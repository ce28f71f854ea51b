//! Node state as bytes: what survives a crash "with state", what a checkpoint keeps, and what the
//! final state hash covers.

use thiserror::Error;

use crate::draw;

/// State that can be written to bytes and read back.
pub trait Snapshot: Sized {
    /// Appends the state; equal states append equal bytes.
    fn save(&self, out: &mut Vec<u8>);

    /// Reads what [`Snapshot::save`] wrote and advances `bytes` past it.
    ///
    /// # Errors
    /// When the bytes are too short or name an impossible state.
    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError>;
}

/// Bytes that are not a snapshot of the expected type.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a snapshot of this state: {0}")]
pub struct SnapshotError(pub &'static str);

/// A 64-bit hash of bytes for state hashes; not cryptographic.
pub fn fold_bytes(bytes: &[u8]) -> u64 {
    draw::mix(crate::fingerprint_bytes(bytes), 0x5e1f)
}

macro_rules! snapshot_integers {
    ($($integer:ty),*) => {$(
        impl Snapshot for $integer {
            fn save(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
                let (head, tail) = bytes
                    .split_first_chunk()
                    .ok_or(SnapshotError("truncated integer"))?;
                *bytes = tail;
                Ok(Self::from_le_bytes(*head))
            }
        }
    )*};
}

snapshot_integers!(u8, u16, u32, u64);

impl Snapshot for () {
    fn save(&self, _out: &mut Vec<u8>) {}

    fn load(_bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        Ok(())
    }
}

impl Snapshot for bool {
    fn save(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        match u8::load(bytes)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(SnapshotError("a bool that is neither 0 nor 1")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_round_trip_and_truncation_is_an_error() {
        let mut bytes = Vec::new();
        (7u32, 9u64).0.save(&mut bytes);
        9u64.save(&mut bytes);
        let mut rest = &bytes[..];
        assert_eq!(u32::load(&mut rest), Ok(7));
        assert_eq!(u64::load(&mut rest), Ok(9));
        assert!(u8::load(&mut rest).is_err());
        assert!(bool::load(&mut &[2u8][..]).is_err());
    }
}
