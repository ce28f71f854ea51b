//! The contract platform of Anthill's chains.
//!
//! Layers, from the bottom: a persistent [`trie`] with proofs; the [`State`] of accounts, code and
//! storage in it; a [`Journal`] of changes that a trap undoes; the [`Machine`] that runs one call of
//! a WebAssembly contract under a limit of fuel; [`Transaction`]s with nonces and fees. Chains put
//! blocks and consensus on top, with transactions of their own ([`Extension`]), and keep what a block
//! yields in its shared body ([`Memo`]).
//!
//! Everything is a function of its arguments: no clock, no chance, no floating point.

#![forbid(unsafe_code)]

pub mod abi;
mod address;
mod check;
mod code;
#[cfg(test)]
mod fuzz;
mod journal;
pub mod limits;
mod machine;
mod memo;
pub mod merkle;
pub mod price;
mod receipt;
pub mod shipped;
mod state;
mod transaction;
pub mod trial;
pub mod trie;

pub use address::Address;
pub use check::{Refusal, check};
pub use code::Code;
pub use journal::{Journal, Mark, MoneyError};
pub use machine::{Environment, Machine, Message, Outcome, Rules};
pub use memo::{Executions, Memo, Once};
pub use receipt::{Event, Receipt, Refused, Status, Trap};
pub use state::{Account, State, account_key, code_key, slot_key};
pub use transaction::{
    AHEAD, Block, Extension, NoExtension, Payload, Transaction, chain_id, execute_block, read_ahead,
};
