//! What a round costs, and how many there are.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};

use crate::coin::Coin;
use crate::protocol::{Randomized, Rules};

/// The mean of the most rounds of so many agreements, if each is open after r rounds with the probability
/// (1 + `more` · r) / 2^r.
pub(crate) fn most_rounds(agreements: u32, more: f64) -> f64 {
    let agreements = i32::try_from(agreements.max(1)).unwrap_or(i32::MAX);
    let open = |r: i32| ((1.0 + more * f64::from(r)) * 0.5f64.powi(r)).min(1.0);
    (0..200).map(|r| 1.0 - (1.0 - open(r)).powi(agreements)).sum()
}

/// What one round costs: every node of a group that takes part counts it when it ends.
pub(crate) fn of(randomized: &Randomized, nodes: u32) -> Theory {
    let members = randomized.members(nodes);
    let n = f64::from(members);
    let exchanges = match randomized.rules() {
        Rules::Mmr => 2 + u32::from(randomized.conf),
        Rules::Shi | Rules::BenOr => 2,
    };
    let shares = u32::from(randomized.shares_needed(members) > 0);
    let messages = f64::from(exchanges + shares) * n * (n - 1.0);
    // Where all go through the same rounds, none is begun that is not ended.
    let is_even = randomized.is_unanimous()
        && (randomized.rules() != Rules::Mmr || randomized.coin_kind() != Coin::Local);
    let law = match is_even {
        true => Law::new(
            Cost::Messages,
            Relation::Exactly,
            messages,
            "n(n - 1) an exchange: all begin with one bit, so there is nothing else to say",
        ),
        false => Law::new(Cost::Messages, Relation::Grows, messages, "n(n - 1) an exchange"),
    };
    let agreements = nodes / members.max(1) * randomized.instances;
    let mut laws = vec![law];
    laws.extend(rounds(randomized, agreements));
    if randomized.rules() != Rules::Shi {
        laws.push(Law::new(
            Cost::Bits,
            Relation::Grows,
            messages,
            "messages are of constant length",
        ));
    }
    Theory::of_decisions("node_rounds", members, laws)
}

/// Rounds until the last agreement of a run is decided. Means over few runs of what has no bound say little, so only
/// what is certain is compared.
fn rounds(randomized: &Randomized, agreements: u32) -> Option<Law> {
    let law = |relation, expected, source| Law::new(Cost::Rounds, relation, expected, source);
    match (randomized.rules(), randomized.is_unanimous()) {
        (Rules::Shi | Rules::BenOr, true) => {
            Some(law(Relation::Exactly, 1.0, "who all begin with one bit decide it at once"))
        }
        (Rules::Mmr, true) if randomized.coin_kind() == Coin::Common => Some(law(
            Relation::Grows,
            most_rounds(agreements, 0.0),
            "2 in the mean, until the coin shows the bit that all began with, whatever n is; the most of all \
             agreements (Mostefaoui, Moumen and Raynal 2014, theorem 2)",
        )),
        (Rules::Mmr, false) if randomized.coin_kind() == Coin::Common => Some(law(
            Relation::Grows,
            most_rounds(agreements, 1.0),
            "at most 4 in the mean, whoever schedules: open after r rounds with probability (r + 1) / 2^r; the most \
             of all agreements",
        )),
        _ => None,
    }
}

impl Randomized {
    fn is_unanimous(&self) -> bool {
        matches!(self.inputs, "zeros" | "ones")
    }
}
