use super::Naive;
use super::duel::{Tally, duel};
use crate::account::REORDERING;
use crate::command::{Command, OrderId};
use crate::event::Refusal;
use crate::rules::{Limits, Matching, Rules};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rules of all sorts, so that every limit bites somewhere.
fn rules(variant: u64) -> Rules {
    let limits = match variant % 4 {
        0 => Limits::default(),
        1 => Limits { position: 2_500, value: 8_000, ..Limits::default() },
        2 => Limits { collar: 350_000, rate: 9, ..Limits::default() },
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

/// What happened in all duels of a kind; panics at the first difference.
fn duels(matching: Matching, commands: u64) -> (Tally, BTreeMap<String, u64>) {
    let mut all = Tally::default();
    for seed in 0..8 {
        let rules = Rules { matching, ..rules(seed) };
        let tally = duel(rules, seed, commands).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        all.trades += tally.trades;
        all.triggered += tally.triggered;
        all.settled += tally.settled;
        all.released += tally.released;
        all.cleared += tally.cleared;
        for (reason, count) in tally.refused {
            *all.refused.entry(reason).or_insert(0) += count;
        }
    }
    let refused = std::mem::take(&mut all.refused);
    (all, refused)
}

#[test]
fn continuous_matching_equals_the_plain_venue() {
    let (tally, refused) = duels(Matching::Continuous, 8_000);
    assert!(tally.trades > 10_000 && tally.triggered > 1_000, "{tally:?}");
    assert!(tally.settled > 50 && tally.released > 100, "{tally:?}");
    // Every reason there is, but for those of auctions.
    assert_eq!(refused.len(), 19, "{refused:?}");
}

#[test]
fn batch_matching_equals_the_plain_venue() {
    let (tally, refused) = duels(Matching::Batch, 4_000);
    assert!(tally.cleared > 200 && tally.trades > 2_000, "{tally:?}");
    assert!(refused.contains_key("Batch"), "{refused:?}");
}

#[test]
fn copies_share_accounts_and_old_numbers_are_forgotten() {
    let mut naive = Naive::new(Rules { accounts: 2, ..Rules::default() });
    let copy = naive.clone();
    let mut give = |number| {
        let command = Command::Deposit { id: OrderId::new(0, number), cash: 1 };
        let result = naive.apply(&command, &mut Vec::new());
        (result, naive.traders[0].used.len())
    };
    for number in 1..1_000 {
        assert_eq!(give(number), (Ok(()), number.min(REORDERING) as usize));
    }
    for number in [1, 999 - REORDERING, 1_000 - REORDERING, 999] {
        assert_eq!(give(number), (Err(Refusal::Replay), REORDERING as usize), "{number}");
    }
    assert!(Arc::ptr_eq(&naive.traders[1], &copy.traders[1]));
    assert_eq!((copy.cash(0), naive.cash(0)), ((0, 0), (999, 0)));
}
