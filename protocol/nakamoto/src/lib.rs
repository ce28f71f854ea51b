//! Nakamoto consensus on the Anthill contract: mining, relay, attacks (Nakamoto 2008).
//!
//! Miners find blocks by a Poisson process, each as often as its share of the hash rate says, on top of
//! the heaviest chain that they know; of chains of equal work it is the first seen. Blocks travel by
//! announcement and request, as compact blocks, or outright; a payment is good once so many blocks lie
//! on top of it.
//!
//! *One tree for all.* A block is a shared body that keeps its parent; a node has its tip, eight recent
//! blocks, and what it has asked for. So a million nodes cost a few hundred bytes each, however long the
//! chain is, and nodes that do not mine set no timers of their own.
//!
//! | module | what |
//! |---|---|
//! | `block` | headers, work, difficulty (Bitcoin: 2,016 blocks, factor 4), rules of time |
//! | `chain` | which block a node builds on, orphans, reorganisations |
//! | `relay` | inv and getdata, compact blocks (BIP 152), retries |
//! | `mining` | exponential clocks, proof of work |
//! | `transaction`, `payments` | the pool, inclusion, confirmation |
//! | `attacks` | selfish mining, double spends, eclipse, withheld blocks |
//! | `judges`, `checks`, [`theory`] | what must hold, and closed forms |

#![forbid(unsafe_code)]

mod attacks;
mod block;
mod chain;
mod checks;
mod costs;
mod judges;
mod message;
mod metric;
mod mining;
mod node;
mod output;
mod parameters;
mod payments;
mod protocol;
mod relay;
#[cfg(test)]
mod tests;
pub mod theory;
mod transaction;

pub use parameters::Nakamoto;

pub(crate) use protocol::Timer;
