//! Dolev-Strong broadcast on the Anthill contract (Dolev and Strong 1983).
//!
//! A sender has a value; all honest nodes decide the same one after f + 1 rounds, whatever up to f faulty
//! nodes do, f being any number below n. The price: rounds as long as the slowest message, and signatures.
//!
//! | module | rules | in the paper |
//! |---|---|---|
//! | `chain` | each signature covers the instance, the value and the signatures before it | section 2: authenticated messages |
//! | `node` | in round r a value counts with r signatures, is signed and passed on; at most two | section 4, algorithm 1 |
//! | `judges` | agreement, validity, decisions on time, at most two relays | theorem 3 |
//! | `attacks` | equivocation, late chains, replay, anything at random | section 3: why f rounds are too few |
//!
//! The presentation followed is E. Shi, *Foundations of Distributed Consensus and Blockchains*, chapter 3: a node
//! extracts values, and one that has extracted exactly one decides it.

#![forbid(unsafe_code)]

mod attacks;
mod chain;
mod checks;
mod judges;
mod log;
mod node;
mod schedule;
#[cfg(test)]
mod tests;

pub use node::DolevStrong;
