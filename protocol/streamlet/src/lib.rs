//! Streamlet on the Anthill contract (Chan and Shi 2020).
//!
//! Time is divided into epochs of two message delays. Each has a leader, known to all, which proposes a block; nodes
//! vote for it if it extends a longest notarised chain that they know. A block with the votes of two thirds is
//! notarised, and of three in a row with consecutive epochs the second is final, with all before it.
//!
//! | module | rules | in the paper |
//! |---|---|---|
//! | `body` | blocks and votes, with signatures or without | section 2.1 |
//! | `messages` | what is sent, said and measured | |
//! | `node` | what a node knows: blocks that are not final, their votes, the tip | section 2.2 |
//! | `streamlet` | propose, vote, notarise, finalise, echo | sections 2.2, 2.3 |
//! | `log` | a log for a machine | |
//! | `judges` | one chain, one block a height, epochs that rise, new blocks in time | theorems 3, 6 |
//! | `attacks` | mute, two-faced, withholding and random liars | |

#![forbid(unsafe_code)]

mod attacks;
mod body;
mod checks;
mod judges;
mod log;
mod messages;
mod node;
mod streamlet;
#[cfg(test)]
mod tests;

pub use streamlet::Streamlet;
