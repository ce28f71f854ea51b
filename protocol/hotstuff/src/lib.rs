//! Chained HotStuff (Yin, Malkhi, Reiter, Gueta, Abraham, *HotStuff: BFT consensus with linearity and
//! responsiveness*, PODC 2019), and the two-chain rule of Jolteon (Gelashvili et al., *Jolteon and
//! Ditto*, FC 2022).
//!
//! | rule | where | source |
//! |---|---|---|
//! | one block a view, votes to the next view's leader, certificates of q votes | `leader` | HotStuff, 5 and algorithm 3 |
//! | lock on the two-chain, commit on the three-chain of consecutive views | `chain` | HotStuff, 5 and 6 |
//! | vote for what extends the lock, or is justified by a later certificate | `leader` | HotStuff, `safeNode` |
//! | two-chain: vote for a child of the view before, or with timeouts none of which knew a higher certificate | `leader` | Jolteon, 3 |
//! | time-outs that double, new-view messages to the next leader | `pacemaker` | HotStuff, 4.4 and `nextView` |
//! | a log for a machine, in place of clients | `log` | |
//! | joining at f + 1 statements, moving on at q | `pacemaker` | as Bracha's broadcast; Jolteon, 3 |
//!
//! n replicas, f = ⌊(n − 1)/3⌋, q = ⌈(n + f + 1)/2⌉. The paper's dummy blocks, which fill views without a
//! certificate, are not made: a block's parent is what its certificate is for, and where the paper asks for
//! a direct parent, views must be consecutive.

#![forbid(unsafe_code)]

mod attacks;
mod chain;
mod checks;
mod clients;
mod hotstuff;
mod judges;
mod leader;
mod log;
mod messages;
mod pacemaker;
mod replica;
#[cfg(test)]
mod tests;

pub use hotstuff::HotStuff;
