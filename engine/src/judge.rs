//! A finished run beside what theory says of it.

use anthill_protocol::{Answers, Check, Configure, RunFacts};

use crate::network::Network;

/// The protocol's checks of a run, with what they ask about its network.
pub fn judge<P: Configure>(protocol: &P, network: &Network, facts: &RunFacts) -> Vec<Check> {
    let questions = protocol.asks(facts);
    let answers = Answers {
        reach: questions.reach_of.map(|origin| network.topology().reach(origin)),
        round_trips: match questions.round_trips {
            true => network.round_trips(facts.nodes),
            false => Box::default(),
        },
    };
    protocol.checks(&RunFacts { answers, ..facts.clone() })
}
