//! Ten thousand attempts at each hole come to nothing under the corrected rules, and to something without.

use anthill_protocol::RunFacts;

use super::{Set, attacked, attacked_under, odds};
use crate::metric::GoodwillMetric as M;
use crate::tests::{count, number, share, word};

/// Attempts at least.
const MANY: u64 = 10_000;

/// Of at least so many attempts some come off, or none.
fn holds(what: &str, facts: &RunFacts, least: u64, is_open: bool) {
    let (tried, came_off) = odds(facts);
    assert!(tried >= least, "{what}: {tried} attempts, {least} are due");
    assert_eq!(came_off > 0, is_open, "{what}: {came_off} of {tried}");
}

/// Windows as short and slots as cheap as they can be: many attempts in a small run.
fn cheap(forgers: u64, window: u64, windows: u64) -> Set {
    vec![
        count("forgers", forgers),
        count("degree", 2),
        count("window", window),
        count("windows", windows),
        number("coinbase", 0.0),
        number("bid", 0.001),
        number("min_bid", 0.000_1),
    ]
}

#[test]
fn nothing_comes_of_ten_thousand_attempts() {
    for kind in ["identity-thief", "slot-thief", "back-dater", "input-replayer"] {
        let set = vec![
            count("forgers", 4),
            count("degree", 2),
            count("window", 100_000),
            number("coinbase", 0.0),
            number("bid", 1.0),
            number("workload.rate", if kind == "input-replayer" { 1.0 } else { 0.0 }),
            count("adversary.attempts", MANY),
        ];
        let (_, facts) = attacked(kind, 4, &set);
        holds(kind, &facts, MANY, false);
    }
}

/// G5: votes of twelve sybils at the least bid, and their gifts to scams.
#[test]
fn ten_thousand_bought_votes_admit_nobody() {
    for (state, windows, least, is_open) in [("off", 5, 100, true), ("on", 230, MANY, false)] {
        let set: Set = vec![
            count("forgers", 16),
            count("window", 6),
            count("windows", windows),
            number("bid", 50.0),
            count("requests", 1),
            count("scams", 2),
            share("approval", 1.0),
            share("gullibility", 0.0),
            share("adversary.share", 0.75),
            word("g5", state),
        ];
        let (_, facts) = attacked("sybil-voter", 16, &set);
        assert!(facts.totals.of(M::Attacks) >= least, "{}", facts.totals.of(M::Attacks));
        assert_eq!(facts.totals.of(M::AdmittedScams) > 0, is_open, "{state}");
        assert_eq!(facts.totals.of(M::Vetoed) > 0, is_open, "{state}");
        assert!(is_open || facts.totals.of(M::AttacksSucceeded) == 0);
        assert!(is_open || facts.totals.of(M::Admitted) > 100, "genuine ones are let in");
    }
}

/// G6: the last block of ten thousand windows, chosen of two.
#[test]
fn ten_thousand_chosen_blocks_win_no_slot() {
    for (state, windows, least, is_open) in [("off", 200, 100, true), ("on", 11_500, MANY, false)] {
        let mut set = cheap(2, 2, windows);
        set.extend([
            word("g6", state),
            share("adversary.share", 0.9),
            count("adversary.attempts", 2),
        ]);
        let (_, facts) = attacked("beacon-grinder", 2, &set);
        holds("beacon-grinder", &facts, least, is_open);
    }
}

/// G7: a gift to an association of its own key in each of ten thousand windows.
#[test]
fn ten_thousand_gifts_to_oneself_weigh_nothing() {
    for (state, windows, least, is_open) in [("off", 50, 40, true), ("on", 10_010, MANY, false)] {
        let set: Set = vec![
            count("forgers", 3),
            count("degree", 2),
            count("window", 2),
            count("windows", windows),
            number("coinbase", 1.0),
            number("bid", 0.01),
            number("min_bid", 0.001),
            word("g7", state),
        ];
        let (_, facts) = attacked("captor", 3, &set);
        holds("captor", &facts, least, is_open);
    }
}

/// G8: ten thousand pairs of blocks, of many chains. A pair costs ten windows, in which honest forgers fill few slots.
#[test]
fn ten_thousand_pairs_of_blocks_are_banned() {
    for (state, least, is_open) in [("off", 1_000, true), ("on", MANY, false)] {
        let mut set = cheap(4, 2, 500);
        set.extend([word("g8", state), share("adversary.share", 0.97)]);
        let (mut tried, mut came_off, mut bans) = (0, 0, 0);
        for seed in 1.. {
            let (_, facts) = attacked_under(seed, "equivocator", 4, &set);
            tried += facts.totals.of(M::Attacks);
            came_off += facts.totals.of(M::AttacksSucceeded);
            bans += facts.totals.of(M::Bans);
            if tried >= least {
                break;
            }
            assert!(seed < 1_000, "{tried} pairs in a thousand chains");
        }
        assert_eq!(came_off > 0, is_open, "{state}: {came_off} of {tried}");
        // Some make a second pair before the first is accused.
        assert_eq!(bans > tried / 2, !is_open, "{state}: {bans} of {tried}");
    }
}

/// G8: the same on a chain that a test can wait for.
#[test]
fn many_pairs_of_blocks_are_banned() {
    let mut set = cheap(4, 14, 600);
    set.push(share("adversary.share", 0.4));
    let (_, facts) = attacked("equivocator", 4, &set);
    holds("equivocator", &facts, 50, false);
    assert!(facts.totals.of(M::Bans) > 40, "{}", facts.totals.of(M::Bans));
}
