//! Whole states as bytes, for whoever saves a run: little-endian, field after field, lists and maps
//! after their length. A state has one form, whatever way led to it; loading trusts nothing, and takes
//! no more memory than a fixed multiple of the bytes that are there.

use crate::codec;
use crate::command::{Command, Force, Order, OrderId, Side, Terms};
use crate::rules::{Limits, Matching, Rules};
use crate::slab::State;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use thiserror::Error;

/// Bytes that are not a saved state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a saved state of a venue")]
pub struct StoredError;

/// What can be stored; equal values have equal bytes.
pub(crate) trait Stored: Sized {
    /// Appends the value.
    fn store(&self, out: &mut Vec<u8>);
    /// Reads a value and advances `bytes` past it.
    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError>;
}

macro_rules! stored_integers {
    ($($integer:ty),*) => {$(
        impl Stored for $integer {
            fn store(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
                let (head, tail) = bytes.split_first_chunk().ok_or(StoredError)?;
                *bytes = tail;
                Ok(Self::from_le_bytes(*head))
            }
        }
    )*};
}

stored_integers!(u8, u16, u32, u64, u128, i64, i128);

/// A struct, by the names of its fields.
macro_rules! stored {
    ($($Struct:ident { $($field:ident),* $(,)? })*) => {$(
        impl $crate::stored::Stored for $Struct {
            fn store(&self, out: &mut Vec<u8>) {
                $(self.$field.store(out);)*
            }

            fn restore(bytes: &mut &[u8]) -> Result<Self, $crate::stored::StoredError> {
                Ok(Self { $($field: $crate::stored::Stored::restore(bytes)?),* })
            }
        }
    )*};
}
pub(crate) use stored;

/// An enum without fields, by all its variants in the order of their numbers.
macro_rules! stored_words {
    ($($Enum:ident [$($Variant:ident),*])*) => {$(
        impl Stored for $Enum {
            fn store(&self, out: &mut Vec<u8>) {
                out.push(*self as u8);
            }

            fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
                let number = usize::from(u8::restore(bytes)?);
                [$(Self::$Variant),*].get(number).copied().ok_or(StoredError)
            }
        }
    )*};
}

stored_words! {
    Side [Bid, Ask]
    Force [Rest, Immediate, Fill, Post]
    State [Book, Stop, Held, Free]
    Matching [Continuous, Batch]
}

stored! {
    OrderId { account, number }
    Limits { position, value, rate, collar, open, orders }
    Rules {
        accounts, instruments, taker_fee, maker_fee, holding_fee, holding_most, matching, limits, window,
    }
}

impl Stored for bool {
    fn store(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        match u8::restore(bytes)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(StoredError),
        }
    }
}

impl<T: Stored> Stored for Option<T> {
    fn store(&self, out: &mut Vec<u8>) {
        self.is_some().store(out);
        self.iter().for_each(|value| value.store(out));
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        bool::restore(bytes)?.then(|| T::restore(bytes)).transpose()
    }
}

/// Its length, refused if there are fewer bytes than elements.
fn length(bytes: &mut &[u8]) -> Result<usize, StoredError> {
    let length = u32::restore(bytes)? as usize;
    if length > bytes.len() { Err(StoredError) } else { Ok(length) }
}

impl<T: Stored> Stored for Vec<T> {
    fn store(&self, out: &mut Vec<u8>) {
        (self.len() as u32).store(out);
        self.iter().for_each(|value| value.store(out));
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        (0..length(bytes)?).map(|_| T::restore(bytes)).collect()
    }
}

impl<T: Stored> Stored for Arc<T> {
    fn store(&self, out: &mut Vec<u8>) {
        (**self).store(out);
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        T::restore(bytes).map(Arc::new)
    }
}

impl<K: Stored + Ord, V: Stored> Stored for BTreeMap<K, V> {
    fn store(&self, out: &mut Vec<u8>) {
        (self.len() as u32).store(out);
        self.iter().for_each(|(key, value)| {
            key.store(out);
            value.store(out);
        });
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        let mut map = Self::new();
        for _ in 0..length(bytes)? {
            let (key, value) = (K::restore(bytes)?, V::restore(bytes)?);
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(StoredError);
            }
            map.insert(key, value);
        }
        Ok(map)
    }
}

impl<K: Stored + Ord> Stored for BTreeSet<K> {
    fn store(&self, out: &mut Vec<u8>) {
        (self.len() as u32).store(out);
        self.iter().for_each(|key| key.store(out));
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        let mut set = Self::new();
        for _ in 0..length(bytes)? {
            let key = K::restore(bytes)?;
            if set.last().is_some_and(|last| *last >= key) {
                return Err(StoredError);
            }
            set.insert(key);
        }
        Ok(set)
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn store(&self, out: &mut Vec<u8>) {
        self.0.store(out);
        self.1.store(out);
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        Ok((A::restore(bytes)?, B::restore(bytes)?))
    }
}

impl<const N: usize> Stored for [u8; N] {
    fn store(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        let (head, tail) = bytes.split_first_chunk().ok_or(StoredError)?;
        *bytes = tail;
        Ok(*head)
    }
}

/// As on the wire, after its length.
impl Stored for Command {
    fn store(&self, out: &mut Vec<u8>) {
        let form = codec::encode(self);
        out.push(form.len() as u8);
        out.extend(form);
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        let length = usize::from(u8::restore(bytes)?);
        let (form, rest) = bytes.split_at_checked(length).ok_or(StoredError)?;
        *bytes = rest;
        codec::decode(form).map_err(|_| StoredError)
    }
}

impl Stored for Order {
    fn store(&self, out: &mut Vec<u8>) {
        Command::Place(*self).store(out);
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        let Command::Place(order) = Command::restore(bytes)? else { return Err(StoredError) };
        Ok(order)
    }
}

impl Stored for Terms {
    fn store(&self, out: &mut Vec<u8>) {
        match *self {
            Terms::Decision { coordinator } => (0u8, coordinator).store(out),
            Terms::Hash { lock, deadline } => (1u8, (lock, deadline)).store(out),
        }
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        match u8::restore(bytes)? {
            0 => Ok(Terms::Decision { coordinator: Stored::restore(bytes)? }),
            1 => {
                let (lock, deadline) = Stored::restore(bytes)?;
                Ok(Terms::Hash { lock, deadline })
            }
            _ => Err(StoredError),
        }
    }
}
