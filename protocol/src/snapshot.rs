//! States, timers and shared bodies as bytes: what leaves the process in a saved run, and what the
//! final state hash covers.
//!
//! | type | bytes |
//! |---|---|
//! | `u8`, `u16`, `u32`, `u64`, `u128` | 1, 2, 4, 8, 16, little-endian |
//! | `bool` | 1: 0 or 1 |
//! | [`NodeId`], [`RegionId`], [`Time`], [`Span`] | 4, 2, 8, 8 |
//! | `Digest`, `PublicKey`, `Signature` | 32, 32, 64 |
//! | `Option` | 1, and what is in it |
//! | `Vec`, `Box<[T]>` | 4, the length, and the elements |
//! | `[T; N]`, `Box<T>` | the elements; what is in it |
//! | [`crate::Shared`] | 12: the body's name (8) and its length on the wire (4), never its place |
//! | a struct, a tuple | its fields in order |
//! | an enum | 1, the number of the variant, and its fields |
//!
//! There is one form per value, and equal values have equal forms. Loading trusts nothing: it never
//! panics, and takes no more memory than a fixed multiple of the bytes that are there.

use std::sync::Arc;

use thiserror::Error;

use crate::{NodeId, RegionId, Span, Time, draw};

/// State that can be written to bytes and read back. `#[derive(Snapshot)]` for structs and enums of
/// such: field after field, an enum after a byte with the number of its variant.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved",
    note = "states, timers and bodies leave the process in a saved run: `#[derive(Snapshot)]`"
)]
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
#[error("not a snapshot of this: {0}")]
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

snapshot_integers!(u8, u16, u32, u64, u128);

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

macro_rules! snapshot_tuples {
    ($(($($name:ident $place:tt),*))*) => {$(
        impl<$($name: Snapshot),*> Snapshot for ($($name,)*) {
            fn save(&self, out: &mut Vec<u8>) {
                $(self.$place.save(out);)*
            }

            fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
                Ok(($($name::load(bytes)?,)*))
            }
        }
    )*};
}

snapshot_tuples!((A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3));

macro_rules! snapshot_newtypes {
    ($($newtype:ident),*) => {$(
        impl Snapshot for $newtype {
            fn save(&self, out: &mut Vec<u8>) {
                self.0.save(out);
            }

            fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
                Snapshot::load(bytes).map(Self)
            }
        }
    )*};
}

snapshot_newtypes!(NodeId, RegionId, Time, Span);

impl<T: Snapshot> Snapshot for Option<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.is_some().save(out);
        self.iter().for_each(|value| value.save(out));
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        bool::load(bytes)?.then(|| T::load(bytes)).transpose()
    }
}

impl<T: Snapshot> Snapshot for Vec<T> {
    fn save(&self, out: &mut Vec<u8>) {
        save_all(self, out);
    }

    /// An element takes a byte at least.
    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let len = u32::load(bytes)? as usize;
        // Bytes from outside may promise any length: memory follows what is really there.
        if len > bytes.len() {
            return Err(SnapshotError("more elements than bytes"));
        }
        let mut list = Self::with_capacity(len.min(bytes.len() / size_of::<T>().max(1)));
        for _ in 0..len {
            list.push(T::load(bytes)?);
        }
        Ok(list)
    }
}

fn save_all<T: Snapshot>(list: &[T], out: &mut Vec<u8>) {
    (list.len() as u32).save(out);
    list.iter().for_each(|value| value.save(out));
}

/// As a `Vec`.
impl<T: Snapshot> Snapshot for Box<[T]> {
    fn save(&self, out: &mut Vec<u8>) {
        save_all(self, out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        Vec::load(bytes).map(Vec::into_boxed_slice)
    }
}

/// As what is in it.
impl<T: Snapshot> Snapshot for Box<T> {
    fn save(&self, out: &mut Vec<u8>) {
        T::save(self, out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        T::load(bytes).map(Self::new)
    }
}

/// As what is in it, each time.
impl<T: Snapshot> Snapshot for Arc<T> {
    fn save(&self, out: &mut Vec<u8>) {
        T::save(self, out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        T::load(bytes).map(Self::new)
    }
}

/// As a `Vec`.
impl<T: Snapshot> Snapshot for Arc<[T]> {
    fn save(&self, out: &mut Vec<u8>) {
        save_all(self, out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        Vec::load(bytes).map(Self::from)
    }
}

/// As a list.
impl<T: Snapshot> Snapshot for std::collections::VecDeque<T> {
    fn save(&self, out: &mut Vec<u8>) {
        (self.len() as u32).save(out);
        self.iter().for_each(|value| value.save(out));
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        Vec::load(bytes).map(Self::from)
    }
}

impl<T: Snapshot, const N: usize> Snapshot for [T; N] {
    fn save(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.save(out));
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let mut read = (0..N).map(|_| T::load(bytes)).collect::<Result<Vec<T>, _>>()?.into_iter();
        Ok(core::array::from_fn(|_| read.next().expect("as many as were read")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_options_and_newtypes_round_trip() {
        let state = (vec![Some(NodeId(7)), None], [Time(1), Time(u64::MAX)], Span(9));
        let mut bytes = Vec::new();
        state.0.save(&mut bytes);
        state.1.save(&mut bytes);
        state.2.save(&mut bytes);
        assert_eq!(bytes.len(), 4 + 5 + 1 + 16 + 8);
        let mut rest = &bytes[..];
        assert_eq!(Vec::load(&mut rest), Ok(state.0));
        assert_eq!(<[Time; 2]>::load(&mut rest), Ok(state.1));
        assert_eq!(Span::load(&mut rest), Ok(state.2));
        assert!(rest.is_empty());
        assert!(
            Vec::<u64>::load(&mut &[0xff; 12][..]).is_err(),
            "four billion elements in 8 bytes"
        );
        let mut bytes = Vec::new();
        let boxed = Box::new((vec![7u128].into_boxed_slice(), 5u8, true, NodeId(1)));
        boxed.save(&mut bytes);
        assert_eq!(bytes.len(), 4 + 16 + 1 + 1 + 4);
        assert_eq!(Box::load(&mut &bytes[..]), Ok(boxed));
    }

    /// An element may be larger in memory than as bytes: room is made for what bytes are there.
    #[test]
    fn a_promised_length_takes_no_memory() {
        let mut bytes = Vec::new();
        (1_000u32).save(&mut bytes);
        bytes.extend([0; 1_000]);
        let list = Vec::<Option<[u64; 16]>>::load(&mut &bytes[..]).expect("a thousand times none");
        assert_eq!(list.len(), 1_000);
        bytes.truncate(1_003);
        assert!(Vec::<Option<[u64; 16]>>::load(&mut &bytes[..]).is_err());
    }

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
