//! The game by itself.

use anthill_protocol::draw;

use super::game::{Board, HONEST};
use super::plan::{Leader, Plan};
use super::*;

/// Leaders drawn with equal chances.
fn drawn(seed: u64) -> impl Fn(u32) -> Leader {
    move |epoch| {
        let leader = draw::below(draw::draw(seed, epoch.into()), HONEST as u64 + 1) as usize;
        (leader < HONEST).then_some(leader)
    }
}

/// The lengths of the waits that end within so many epochs.
fn waits(epochs: u32, leader: impl Fn(u32) -> Leader) -> Vec<u32> {
    let (mut plan, mut board) = (Plan::new(), Board::new());
    let (mut waits, mut since) = (Vec::new(), 0);
    for epoch in 1..=epochs {
        let next = plan.best(&board, epoch, &leader).expect("there is a play");
        board = next.board;
        if next.is_over {
            waits.push(epoch - since);
            since = epoch;
        }
    }
    waits
}

#[test]
fn there_are_few_boards() {
    assert_eq!(Plan::new().boards(), 141);
}

#[test]
fn honest_leaders_end_a_wait_every_third_epoch() {
    assert_eq!(waits(30, |epoch| Some(epoch as usize % HONEST)), [3; 10]);
    assert_eq!(waits(30, |_| None), []);
}

/// After two epochs of the liar's own, five honest ones in a row are needed, and more lies change nothing.
#[test]
fn two_lies_in_a_row_cost_five_honest_epochs() {
    for (lies, needed) in [(0, 3), (1, 4), (2, 5), (3, 5)] {
        let ends = |honest: u32| {
            let row = lies + 1..=lies + honest;
            waits(20, move |epoch| row.contains(&epoch).then_some(epoch as usize % HONEST)).len()
        };
        assert_eq!((ends(needed - 1), ends(needed)), (0, 1), "{lies}");
    }
}

#[test]
fn waits_are_as_long_as_the_best_play_makes_them() {
    let all: Vec<f64> = (0..4).flat_map(|seed| waits(4_000, drawn(seed))).map(f64::from).collect();
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let (due, variance) = WAIT;
    assert!((mean - due).abs() < 3.5 * (variance / n).sqrt(), "{mean} of {n}, {due} is due");
}
