//! The bytes of a transaction: integers little-endian, lists after their length in four bytes.

use std::sync::Arc;

use super::{Payload, Transaction};
use crate::{Address, limits};

/// Five integers and the sender.
const HEAD: usize = 5 * 8 + 32;

impl Transaction {
    /// Its encoding.
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        bytes.extend(self.chain.to_le_bytes());
        bytes.extend(self.sender.0);
        for number in [self.nonce, self.fuel_limit, self.price, self.value] {
            bytes.extend(number.to_le_bytes());
        }
        let mut list = |kind: &[u8], lists: &[&[u8]]| {
            bytes.extend(kind);
            for list in lists {
                bytes.extend((list.len() as u32).to_le_bytes());
                bytes.extend(*list);
            }
        };
        match &self.payload {
            Payload::Transfer { to } => list(&[&[0], &to.0[..]].concat(), &[]),
            Payload::Deploy { code, input } => list(&[1], &[code, input]),
            Payload::Call { to, input } => list(&[&[2], &to.0[..]].concat(), &[input]),
            Payload::Other { kind, data } => list(&[3, *kind], &[data]),
        }
        bytes
    }

    /// The length of its encoding in bytes.
    pub fn encoded_len(&self) -> usize {
        let list = |list: &[u8]| 4 + list.len();
        HEAD + 1
            + match &self.payload {
                Payload::Transfer { .. } => 32,
                Payload::Deploy { code, input } => list(code) + list(input),
                Payload::Call { input, .. } => 32 + list(input),
                Payload::Other { data, .. } => 1 + list(data),
            }
    }

    /// Reads an encoding off the front of `bytes`; `None` for anything else, and for code or input
    /// beyond the limits.
    pub fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let mut rest = *bytes;
        let chain = number(&mut rest)?;
        let sender = address(&mut rest)?;
        let [nonce, fuel_limit, price, value] =
            [number(&mut rest)?, number(&mut rest)?, number(&mut rest)?, number(&mut rest)?];
        let payload = match byte(&mut rest)? {
            0 => Payload::Transfer { to: address(&mut rest)? },
            1 => Payload::Deploy {
                code: list(&mut rest, limits::CODE)?,
                input: list(&mut rest, limits::INPUT)?,
            },
            2 => Payload::Call { to: address(&mut rest)?, input: list(&mut rest, limits::INPUT)? },
            3 => Payload::Other { kind: byte(&mut rest)?, data: list(&mut rest, limits::INPUT)? },
            _ => return None,
        };
        *bytes = rest;
        Some(Self { chain, sender, nonce, fuel_limit, price, value, payload })
    }
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (head, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*head)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*head))
}

fn address(bytes: &mut &[u8]) -> Option<Address> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(Address(*head))
}

fn list(bytes: &mut &[u8], most: usize) -> Option<Arc<[u8]>> {
    let (head, rest) = bytes.split_first_chunk()?;
    let len = u32::from_le_bytes(*head) as usize;
    if len > most {
        return None;
    }
    let (list, rest) = rest.split_at_checked(len)?;
    *bytes = rest;
    Some(list.into())
}
