//! The contracts that come with the platform. Their sources, with what each takes and returns on top,
//! are in `protocol/contracts/contracts/`; `build.sh` there builds them.

#[cfg(test)]
mod tests;

use crate::Address;

/// A contract that comes with the platform.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its name: that of its source.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// The WebAssembly binary.
    pub wasm: &'static [u8],
}

macro_rules! shipped {
    ($($name:literal, $about:literal;)*) => {
        [$(Shipped {
            name: $name,
            about: $about,
            wasm: include_bytes!(concat!("../contracts/", $name, ".wasm")),
        }),*]
    };
}

/// All of them.
pub const ALL: [Shipped; 15] = shipped! {
    "token", "a fixed supply, transfers, allowances";
    "nft", "tokens minted once, given, or sold in one step";
    "escrow", "money that waits for a release or a refund";
    "will", "heirs share the money of an owner who has fallen silent";
    "payment", "several parties pay by a deadline, or all get their money back";
    "organisation", "money that m of n members spend together";
    "game_asset", "a capped asset with a price and so many transfers per window";
    "art", "numbered copies without a cap";
    "land", "a register whose sales go through an escrow";
    "pay_to_key", "money that a key's signature pays out";
    "crc32", "a plain C function as a contract";
    "counter", "counts its calls";
    "endless_loop", "runs until its fuel is used up";
    "memory_eater", "grows its memory until it may not";
    "recursion", "calls itself until the stack is full";
};

/// The contract of that name.
pub fn find(name: &str) -> Option<&'static Shipped> {
    ALL.iter().find(|contract| contract.name == name)
}

/// A part of an input: numbers are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// One byte, such as the number of an action.
    U8(u8),
    /// Four bytes.
    U32(u32),
    /// Eight bytes.
    U64(u64),
    /// 32 bytes.
    Address(Address),
    /// As they are.
    Bytes(&'a [u8]),
}

/// An input, part after part: a token's transfer is `input(&[U8(1), Address(to), U64(amount)])`.
pub fn input(parts: &[Part]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        match part {
            Part::U8(number) => bytes.push(*number),
            Part::U32(number) => bytes.extend(number.to_le_bytes()),
            Part::U64(number) => bytes.extend(number.to_le_bytes()),
            Part::Address(address) => bytes.extend(address.0),
            Part::Bytes(part) => bytes.extend(*part),
        }
    }
    bytes
}
