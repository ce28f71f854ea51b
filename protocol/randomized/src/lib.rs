//! Randomised binary agreement: nodes that begin with a bit each agree on one, on a network without clocks
//! or bounds, where no deterministic protocol can (Fischer, Lynch and Paterson 1985). A coin breaks ties.
//!
//! One node type, three sets of rules:
//!
//! | `rules` | source | tolerates | coin |
//! |---|---|---|---|
//! | `mmr` | Mostefaoui, Moumen and Raynal 2014 with the CONF exchange of MacBrough 2018 | f < n/3 liars | common |
//! | `shi` | Shi 2020, chapter 13 (Cachin, Kursawe and Shoup 2000): pre-votes and main-votes with their justification | f < n/3 liars | common |
//! | `ben-or` | Ben-Or 1983 | f < n/2 crashes, or f < n/5 liars | each node's own |
//!
//! The time they take is a random number whose distribution depends on who chooses when messages arrive, so
//! the adversary that matters here is the [scheduler](anthill_protocol::behaviour::Scheduler): the
//! modules of `schedule` play the worst that each set of rules admits.

mod adversary;
mod checks;
mod coin;
mod judges;
mod lane;
mod liars;
mod log;
mod messages;
mod metrics;
mod proof;
mod protocol;
mod rules;
mod schedule;

#[cfg(test)]
mod tests;

pub use log::{RandomizedLog, RandomizedLogMessage, RandomizedLogNode};
pub use messages::{Bits, RandomizedMessage, Says, Vote};
pub use metrics::RandomizedMetric;
pub use proof::Proof;
pub use protocol::{Node, Randomized};
