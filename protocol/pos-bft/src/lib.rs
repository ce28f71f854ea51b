//! A proof-of-stake chain: Tendermint with accounts, stake, evidence and contracts.
//!
//! Nodes `0..validators` may vote, `full_nodes` after them follow the chain, `users` after those make
//! transactions. "2f + 1" of the paper is stake s with 3s > 2P, "f + 1" 3s > P, P being all stake of the
//! height.
//!
//! | rule | source | module |
//! |---|---|---|
//! | the algorithm: rounds, locks, timeouts | arXiv:1807.04938, algorithm 1 | `consensus`, `hearing` |
//! | votes as counts | – | `tally` |
//! | blocks, what is valid, what comes of a block | CometBFT, `spec/core` | `block`, `outcome` |
//! | decisions, the next height, late nodes | CometBFT, block sync | `chain` |
//! | proposers by priority, or by lot | CometBFT, `types/validator_set.go` | `validators` |
//! | stake, epochs, slashing, absence, rewards | Cosmos SDK, `x/staking`, `x/slashing` | `ledger` |
//! | gossip with neighbours, blocks in parts | CometBFT, `internal/consensus/reactor.go` | `gossip`, `parts`, `graph` |
//! | light clients | CometBFT, `light` | `light` |
//! | accounts, transactions, contracts | `anthill-contracts` | `accounts`, `states`, `transaction`, `mempool`, `user` |
//! | evidence, amnesia | CometBFT, `spec/core/evidence`; accountable Tendermint | `evidence` |

#![forbid(unsafe_code)]

mod accounts;
mod attacks;
mod block;
mod bodies;
mod chain;
mod checks;
mod consensus;
mod evidence;
mod explorer;
mod gossip;
mod graph;
mod hearing;
mod judges;
mod ledger;
mod light;
mod log;
mod mempool;
mod messages;
mod node;
mod outcome;
mod parts;
mod protocol;
mod real;
mod server;
mod stakes;
mod states;
mod tally;
#[cfg(test)]
mod tests;
mod transaction;
mod user;
mod validators;

pub use protocol::PosBft;
