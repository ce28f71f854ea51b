//! Proof of Good-Will on the Anthill contract: a chain whose forgers donate for their slots (ParisNeo,
//! *blockchain*, 2021).
//!
//! Forgers give to approved associations, and have slots in proportion two windows later. Blocks are
//! flooded over a mesh of full nodes, the longest chain counts, and light peers believe what all their
//! homes agree on. Eight rules (G1 to G8) correct holes of the published scheme; each can be turned off.
//!
//! *Executed once.* A block is a shared body that keeps its parent, and what it comes to: a persistent
//! state that shares what does not change. Whoever needs it first works it out; every node is charged.
//!
//! | module | what |
//! |---|---|
//! | `accounts`, `ledger`, `execute`, `outcomes` | balances, pots, windows; what a block comes to, and for how long that is kept |
//! | `root` | the root of the state: a trie of its parts |
//! | `lottery` | weights and leaders of slots |
//! | `associations` | requests, votes, revocation, spending |
//! | `scheduled` | crons, and testaments of silence |
//! | `contracts`, `vm`, `orders`, `assets` | queues of calls by price, starvation; the machine of `anthill-contracts`; what the workload calls, and what is known of it |
//! | `transaction`, `block`, `pool` | what is signed, shared, and waits |
//! | `mesh`, `greeting`, `relay`, `chain`, `forge` | full nodes: who knows whom, flooding, forks, slots, bids |
//! | `light` | light peers |
//! | `attacks` | thirteen adversaries |
//! | `wealth` | how even it is |
//! | `judges`, `checks`, [`theory`] | what must hold, and closed forms |

#![forbid(unsafe_code)]

mod accounts;
mod assets;
mod associations;
mod attacks;
mod block;
mod chain;
mod checks;
mod contracts;
mod execute;
mod explorer;
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
mod orders;
mod outcomes;
mod output;
mod parameters;
mod pool;
mod protocol;
mod relay;
mod root;
mod scheduled;
#[cfg(test)]
mod tests;
pub mod theory;
mod transaction;
mod vm;
mod wealth;

pub use parameters::Goodwill;

pub(crate) use protocol::Timer;
