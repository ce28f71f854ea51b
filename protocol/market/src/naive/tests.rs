use super::duel::duel;
use crate::rules::{Limits, Matching, Rules};

/// Rules of all sorts, so that every limit bites somewhere.
fn rules(variant: u64) -> Rules {
    let limits = match variant % 4 {
        0 => Limits::default(),
        1 => Limits { position: 700, value: 8_000, ..Limits::default() },
        2 => Limits { collar: 100_000, rate: 9, ..Limits::default() },
        _ => Limits { open: 12, orders: 90, collar: 300_000, ..Limits::default() },
    };
    Rules {
        accounts: 8,
        instruments: 1 + (variant / 4 % 2) as u16,
        taker_fee: [0, 300, 20_000, 1_000_000][(variant % 4) as usize],
        maker_fee: [0, 100, 30_000, 7][(variant % 4) as usize],
        holding_fee: [0, 50, 9_000, 1][(variant % 4) as usize],
        holding_most: [0, 200, 20_000, 0][(variant % 4) as usize],
        matching: Matching::Continuous,
        limits,
        window: 64,
    }
}

#[test]
fn continuous_matching_equals_the_plain_venue() {
    for seed in 0..8 {
        let tally =
            duel(rules(seed), seed, 6_000).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        assert!(tally.trades > 300, "{tally:?}");
        assert!(tally.triggered > 5 && tally.settled > 2 && tally.released > 2, "{tally:?}");
    }
}

#[test]
fn batch_matching_equals_the_plain_venue() {
    for seed in 0..8 {
        let rules = Rules { matching: Matching::Batch, ..rules(seed) };
        let tally = duel(rules, seed, 3_000).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        assert!(tally.cleared > 20 && tally.trades > 100, "{tally:?}");
    }
}
