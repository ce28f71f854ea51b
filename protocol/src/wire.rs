//! How values look on the wire: fixed widths, so that lengths, which are results, follow from types.
//!
//! | type | bytes |
//! |---|---|
//! | `u8`, `u16`, `u32`, `u64` | 1, 2, 4, 8, little-endian |
//! | `bool` | 1: 0 or 1 |
//! | [`NodeId`], [`RegionId`] | 4, 2 |
//! | [`Time`], [`Span`] | 8, nanoseconds |
//! | [`Digest`], [`PublicKey`], [`Signature`] | 32, 32, 64 |
//! | `Option` | 1, and what is in it |
//! | `[T; N]` | its elements |
//! | [`Shared`] | the body it stands for |
//! | a struct, a tuple | its fields in order |
//! | an enum | 1, the number of the variant, and its fields |
//!
//! There is one form per value: whatever [`Wire::write`] would not write, [`Wire::read`] refuses.

use thiserror::Error;

use crate::draw::mix;
use crate::{Digest, NodeId, PublicKey, RegionId, Shared, Signature, Span, Time};

/// A value that can be part of a message. `#[derive(Wire)]` for structs and enums of such.
pub trait Wire: Sized {
    /// Whether there may be handles of shared bodies in it.
    const HAS_BODIES: bool = false;

    /// Appends the wire form, exactly [`Wire::wire_len`] bytes.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads what [`Wire::write`] wrote and advances `bytes` past it.
    ///
    /// # Errors
    /// When the bytes are too short, or nothing that `put` would write.
    fn read(bytes: &mut &[u8]) -> Result<Self, WireError>;

    /// Its length on the wire, in bytes.
    fn wire_len(&self) -> u32;

    /// A hash of the content, carried on from `hash`; not cryptographic.
    fn fold(&self, hash: u64) -> u64;

    /// Visits the handles of shared bodies in it.
    fn visit_bodies(&self, _visit: &mut impl FnMut(Shared)) {}
}

/// Bytes that are no wire form of the expected type.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not on the wire like this: {0}")]
pub struct WireError(pub &'static str);

/// Takes a fixed number of bytes off the front.
fn fixed<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (head, tail) = bytes.split_first_chunk().ok_or(WireError("too short"))?;
    *bytes = tail;
    Ok(*head)
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Wire for $integer {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
                fixed(bytes).map(Self::from_le_bytes)
            }

            #[inline]
            fn wire_len(&self) -> u32 {
                size_of::<Self>() as u32
            }

            #[inline]
            fn fold(&self, hash: u64) -> u64 {
                mix(hash, u64::from(*self))
            }
        }
    )*};
}

integers!(u8, u16, u32, u64);

macro_rules! newtypes {
    ($($newtype:ident($inner:ty)),*) => {$(
        impl Wire for $newtype {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
                <$inner>::read(bytes).map(Self)
            }

            #[inline]
            fn wire_len(&self) -> u32 {
                self.0.wire_len()
            }

            #[inline]
            fn fold(&self, hash: u64) -> u64 {
                self.0.fold(hash)
            }
        }
    )*};
}

newtypes!(NodeId(u32), RegionId(u16), Time(u64), Span(u64));

macro_rules! byte_strings {
    ($($name:ident),*) => {$(
        impl Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.0);
            }

            fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
                fixed(bytes).map(Self)
            }

            #[inline]
            fn wire_len(&self) -> u32 {
                self.0.len() as u32
            }

            #[inline]
            fn fold(&self, hash: u64) -> u64 {
                mix(hash, crate::fingerprint_bytes(&self.0))
            }
        }
    )*};
}

byte_strings!(Digest, PublicKey, Signature);

impl Wire for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
        match u8::read(bytes)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError("a bool that is neither 0 nor 1")),
        }
    }

    #[inline]
    fn wire_len(&self) -> u32 {
        1
    }

    #[inline]
    fn fold(&self, hash: u64) -> u64 {
        mix(hash, u64::from(*self))
    }
}

impl<T: Wire> Wire for Option<T> {
    const HAS_BODIES: bool = T::HAS_BODIES;

    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        self.iter().for_each(|value| value.write(out));
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
        bool::read(bytes)?.then(|| T::read(bytes)).transpose()
    }

    #[inline]
    fn wire_len(&self) -> u32 {
        1 + self.as_ref().map_or(0, Wire::wire_len)
    }

    #[inline]
    fn fold(&self, hash: u64) -> u64 {
        let hash = self.is_some().fold(hash);
        self.as_ref().map_or(hash, |value| value.fold(hash))
    }

    #[inline]
    fn visit_bodies(&self, visit: &mut impl FnMut(Shared)) {
        self.iter().for_each(|value| value.visit_bodies(visit));
    }
}

impl<T: Wire, const N: usize> Wire for [T; N] {
    const HAS_BODIES: bool = T::HAS_BODIES;

    fn write(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.write(out));
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
        // There is no fallible way to build an array: on an error the rest is not looked at.
        let mut read = (0..N).map(|_| T::read(bytes)).collect::<Result<Vec<T>, _>>()?.into_iter();
        Ok(core::array::from_fn(|_| read.next().expect("as many as were read")))
    }

    #[inline]
    fn wire_len(&self) -> u32 {
        self.iter().map(Wire::wire_len).sum()
    }

    #[inline]
    fn fold(&self, hash: u64) -> u64 {
        self.iter().fold(hash, |hash, value| value.fold(hash))
    }

    #[inline]
    fn visit_bodies(&self, visit: &mut impl FnMut(Shared)) {
        self.iter().for_each(|value| value.visit_bodies(visit));
    }
}

macro_rules! tuples {
    ($(($($name:ident $place:tt),*))*) => {$(
        impl<$($name: Wire),*> Wire for ($($name,)*) {
            const HAS_BODIES: bool = false $(|| $name::HAS_BODIES)*;

            fn write(&self, _out: &mut Vec<u8>) {
                $(self.$place.write(_out);)*
            }

            fn read(_bytes: &mut &[u8]) -> Result<Self, WireError> {
                Ok(($($name::read(_bytes)?,)*))
            }

            #[inline]
            fn wire_len(&self) -> u32 {
                0 $(+ self.$place.wire_len())*
            }

            #[inline]
            fn fold(&self, hash: u64) -> u64 {
                $(let hash = self.$place.fold(hash);)*
                hash
            }

            #[inline]
            fn visit_bodies(&self, _visit: &mut impl FnMut(Shared)) {
                $(self.$place.visit_bodies(_visit);)*
            }
        }
    )*};
}

tuples!(() (A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3));

/// The body itself travels: as long as it, and folded by its name.
impl Wire for Shared {
    const HAS_BODIES: bool = true;

    fn write(&self, out: &mut Vec<u8>) {
        self.encode(out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, WireError> {
        Self::decode(bytes).ok_or(WireError("not a shared body"))
    }

    #[inline]
    fn wire_len(&self) -> u32 {
        self.encoded_len()
    }

    #[inline]
    fn fold(&self, hash: u64) -> u64 {
        mix(hash, self.id())
    }

    #[inline]
    fn visit_bodies(&self, visit: &mut impl FnMut(Shared)) {
        visit(*self);
    }
}

#[cfg(test)]
mod tests {
    use core::fmt::Debug;

    use super::*;

    /// What holds for every value: see `testing::laws` for whole messages.
    fn is_lawful<T: Wire + PartialEq + Debug>(value: T, len: u32) {
        let mut bytes = vec![0xff];
        value.write(&mut bytes);
        let written = &bytes[1..];
        assert_eq!((written.len() as u32, value.wire_len()), (len, len), "{value:?}");
        let mut rest = written;
        assert_eq!(T::read(&mut rest).as_ref(), Ok(&value));
        assert!(rest.is_empty());
        for cut in 0..written.len() {
            assert!(T::read(&mut &written[..cut]).is_err(), "{value:?} of {cut} bytes");
        }
    }

    #[test]
    fn widths_are_those_of_the_table() {
        is_lawful(7u8, 1);
        is_lawful(700u16, 2);
        is_lawful((u32::MAX, u64::MAX), 12);
        is_lawful((true, NodeId(9), RegionId(3), Time(1)), 15);
        is_lawful(Span(u64::MAX), 8);
        is_lawful((Digest([1; 32]), PublicKey([2; 32]), Signature([3; 64])), 128);
        is_lawful(Some(5u32), 5);
        is_lawful(None::<u32>, 1);
        is_lawful([1u16, 2, 3], 6);
        is_lawful((), 0);
        is_lawful(Shared::new(77, 5, 300), 300);
    }

    #[test]
    fn what_would_not_be_written_is_refused() {
        assert!(bool::read(&mut &[2][..]).is_err());
        assert!(Option::<u8>::read(&mut &[1][..]).is_err());
        assert!(Option::<u8>::read(&mut &[3, 0][..]).is_err());
        assert!(Shared::read(&mut &[0; 64][..]).is_err());
    }

    #[test]
    fn folding_tells_values_apart() {
        let hashes = [
            (1u32, 2u32).fold(0),
            (2u32, 1u32).fold(0),
            Some(0u8).fold(0),
            None::<u8>.fold(0),
            [0u8; 2].fold(0),
            [0u8; 3].fold(0),
        ];
        let mut distinct = hashes.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), hashes.len());
    }

    #[test]
    fn bodies_are_found_wherever_they_are() {
        let body = |id| Shared::new(id, 0, 40);
        let value = (Some(body(1)), [body(2), body(3)], 9u8);
        let mut found = Vec::new();
        value.visit_bodies(&mut |shared| found.push(shared.id()));
        assert_eq!(found, [1, 2, 3]);
        const { assert!(<(Option<Shared>, u8)>::HAS_BODIES && !<(u8, bool)>::HAS_BODIES) };
    }
}
