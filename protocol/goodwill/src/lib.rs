//! Proof of Good-Will on the Anthill contract: a chain whose forgers donate for their slots.

#![forbid(unsafe_code)]

mod accounts;
mod associations;
mod attacks;
mod block;
mod chain;
mod checks;
mod contracts;
mod execute;
mod forge;
mod greeting;
mod judges;
mod ledger;
mod light;
mod lottery;
mod mesh;
mod message;
mod metric;
mod node;
mod output;
mod parameters;
mod pool;
mod protocol;
mod relay;
mod scheduled;
#[cfg(test)]
mod tests;
pub mod theory;
mod transaction;
mod vm;

pub use parameters::Goodwill;

pub(crate) use protocol::Timer;
