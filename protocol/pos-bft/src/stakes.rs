//! Stakes at the genesis, and what a swarm of random runs draws.

use anthill_protocol::Dice;

use crate::protocol::PosBft;

/// Units of a validator's stake, on average.
pub(crate) const MILLION: u64 = 1_000_000;

/// The stakes of all nodes that follow the chain, by id.
pub(crate) fn of(protocol: &PosBft) -> Vec<u64> {
    let count = protocol.candidates as usize;
    let mut stakes = match protocol.stake {
        "zipf" => zipf(count),
        "list" => listed(protocol, count),
        _ => vec![MILLION; count],
    };
    #[cfg(test)]
    if !protocol.given.is_empty() {
        stakes.clone_from(&protocol.given);
    }
    stakes.resize(protocol.servers as usize, 0);
    stakes
}

/// Group after group, and a million for each validator after them.
fn listed(it: &PosBft, count: usize) -> Vec<u64> {
    let groups = [
        (it.stake_1, it.holders_1),
        (it.stake_2, it.holders_2),
        (it.stake_3, it.holders_3),
        (it.stake_4, it.holders_4),
        (it.stake_5, it.holders_5),
        (it.stake_6, it.holders_6),
        (it.stake_7, it.holders_7),
        (it.stake_8, it.holders_8),
    ];
    let stakes = groups
        .into_iter()
        .flat_map(|(stake, holders)| core::iter::repeat_n(stake * MILLION, holders as usize));
    stakes.chain(core::iter::repeat(MILLION)).take(count).collect()
}

/// Shares 1, 1/2, 1/3 … of a million for each, rounded down, in integers: the same on every machine.
fn zipf(count: usize) -> Vec<u64> {
    const SCALE: u128 = 1 << 64;
    let total: u128 = (1..=count as u128).map(|rank| SCALE / rank).sum();
    let all = u128::from(MILLION) * count as u128;
    // The products stay below 2^128 for up to 2^40 units.
    (1..=count as u128).map(|rank| (all * (SCALE / rank) / total.max(1)) as u64).collect()
}

/// For a swarm: stakes, timeouts, proposers, and an adversary in half of the runs that holds less than a
/// third.
pub(crate) fn drawn(dice: &mut Dice, nodes: u32) -> Vec<(&'static str, String)> {
    let word = |word: &str| format!("\"{word}\"");
    let mut drawn = vec![
        ("protocol.heights", dice.pick(&["4", "10", "30"]).to_owned()),
        ("protocol.proposer", word(dice.pick(&["priority", "random"]))),
        ("protocol.timeout_propose", word(dice.pick(&["300ms", "1s", "3s"]))),
        ("protocol.timeout_commit", word(dice.pick(&["0s", "200ms", "1s"]))),
        ("protocol.resend", word(dice.pick(&["1s", "10s"]))),
        ("protocol.relay", word(dice.pick(&["direct", "direct", "gossip"]))),
    ];
    let most = nodes.saturating_sub(1) / 3;
    if dice.one_in(3) && nodes > 4 {
        drawn.push(("protocol.stake", word("zipf")));
    } else if most > 0 && dice.one_in(2) {
        let kinds = ["silent", "double-proposer", "split-coalition", "selective-voter", "amnesiac"];
        drawn.push(("adversary.kind", word(dice.pick(&kinds))));
        drawn.push(("adversary.nodes", most.to_string()));
    }
    drawn
}
