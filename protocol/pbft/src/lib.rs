//! PBFT (Castro and Liskov 1999, 2002): replicas that agree on an order of requests, of which fewer
//! than a third may lie.
//!
//! Nodes `0..n` are replicas; the `clients` extra nodes after them ask. Wherever the papers say 2f + 1
//! the quorum here is q = ⌈(n + f + 1) / 2⌉: any two quorums share an honest replica, and n − f
//! replicas make one, for every n > 3f and not only for n = 3f + 1. Where they say f + 1 it is f + 1.
//!
//! | rule | source | module |
//! |---|---|---|
//! | pre-prepare, prepare, commit, execution, batches | OSDI 1999, 4.2; TOCS 2002, 5.1.4 | `normal` |
//! | checkpoints, watermarks, state transfer | OSDI 1999, 4.3; TOCS 2002, 5.3 | `checkpoint` |
//! | view change and new view, with signatures | OSDI 1999, 4.4 | `change`, `decide` |
//! | the same with MACs: acknowledgements, sets P and Q | TOCS 2002, 4.2, figure 4 | `change`, `decide` |
//! | retransmission by status messages | TOCS 2002, 5.2 | `status` |
//! | clients: timestamps, f + 1 equal replies | OSDI 1999, 4.1 | `client` |
//! | a log for a machine, in place of clients | | `log` |

#![forbid(unsafe_code)]

mod attacks;
mod bodies;
mod change;
mod checkpoint;
mod checks;
mod client;
mod decide;
mod judges;
mod log;
mod messages;
mod normal;
mod protocol;
mod replica;
mod status;
mod tally;
#[cfg(test)]
mod tests;
mod theory;

pub use protocol::Pbft;
