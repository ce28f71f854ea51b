use anthill_protocol::{Dice, Shared};

use super::*;

fn waiting(sender: u32, nonce: u64) -> Waiting {
    Waiting { sender, nonce, price: 1, spends: 2, body: Shared::new(nonce, 0, 100) }
}

/// Beside a plain list: transactions come, leave from the front, and from anywhere.
#[test]
fn they_are_what_a_list_would_have() {
    let mut dice = Dice::new(3);
    let (mut places, mut list) = (Places::default(), Vec::<Waiting>::new());
    let mut closed = 0;
    for nonce in 0..20_000 {
        // More come than leave, then fewer.
        let comes = dice.below(10) < if nonce % 4_000 < 2_000 { 6 } else { 4 };
        if comes || list.is_empty() {
            if places.is_sparse() {
                places.close_gaps();
                closed += 1;
            }
            let it = waiting(dice.below(40) as u32, nonce);
            places.push(it);
            list.push(it);
        } else {
            let at = if dice.below(4) == 0 { 0 } else { dice.below(list.len() as u64) as usize };
            let number = places.iter().nth(at).expect("as long").0;
            assert_eq!(places.remove(number), Some(list.remove(at)));
            assert_eq!(places.remove(number), None, "it left");
        }
        assert_eq!(places.len(), list.len());
        let sender = dice.below(40) as u32;
        let of = |it: &&Waiting| it.sender == sender;
        assert!(places.of(sender).map(|(_, it)| it).eq(list.iter().filter(of).rev().copied()));
    }
    assert!(places.iter().map(|(_, it)| it).eq(list.iter().copied()));
    assert!(closed > 0, "gaps were never closed");
    assert!(places.queue.len() <= 2 * places.len() + 65);
}

/// There is one for each transaction at each validator.
#[test]
fn a_place_is_small() {
    assert!(size_of::<Place>() <= 48, "{}", size_of::<Place>());
}
