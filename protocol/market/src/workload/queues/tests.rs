use super::*;
use crate::command::{Command, Order, OrderId, Side};
use crate::draw::Draws;
use crate::rules::Rules;
use crate::venue::Venue;

const TABLE: [(u32, u32, f64); 5] =
    [(2, 1, 0.6977), (3, 1, 0.7906), (5, 2, 0.7560), (10, 3, 0.8140), (1, 4, 0.1585)];

#[test]
fn the_closed_form_gives_the_published_table() {
    for (bid, ask, chance) in TABLE {
        assert!((chance_of_up(bid, ask) - chance).abs() < 5e-5, "{bid} {ask}");
        let mirrored = chance_of_up(ask, bid);
        assert!((mirrored + chance - 1.0).abs() < 1e-4, "{bid} {ask}: {mirrored}");
    }
}

/// One race of two queues in a real book: whether the ask queue emptied first, if either did.
fn race(bid: u32, ask: u32, draws: &mut Draws) -> Option<bool> {
    let mut venue = Venue::new(Rules { accounts: 3, window: 64, ..Rules::default() });
    let mut events = Vec::new();
    let mut number = 0;
    let mut apply = |venue: &mut Venue, make: &dyn Fn(u32) -> Command| {
        events.clear();
        number += 1;
        assert_eq!(venue.apply(&make(number), &mut events), Ok(()));
    };
    for account in 0..3 {
        apply(&mut venue, &|number| Command::Deposit {
            id: OrderId::new(account, number),
            cash: 1 << 40,
        });
        apply(&mut venue, &|number| Command::DepositLots {
            id: OrderId::new(account, number),
            instrument: 0,
            lots: 1 << 30,
        });
    }
    let account = |side| if side == Side::Bid { 0 } else { 1 };
    let price = |side| if side == Side::Bid { 100 } else { 101 };
    let join = |side| {
        move |number| {
            let id = OrderId::new(account(side), number);
            Command::Place(Order::limit(id, side, price(side), 1))
        }
    };
    for (side, count) in [(Side::Bid, bid), (Side::Ask, ask)] {
        (0..count).for_each(|_| apply(&mut venue, &join(side)));
    }
    for _ in 0..30_000 {
        let side = if draws.below(2) == 0 { Side::Bid } else { Side::Ask };
        if draws.below(2) == 0 {
            apply(&mut venue, &join(side));
        } else if draws.below(2) == 0 {
            apply(&mut venue, &|number| {
                Command::Place(Order::market(OrderId::new(2, number), side.other(), 1))
            });
        } else {
            let id = venue.front(0, side).expect("neither queue is empty");
            apply(&mut venue, &|_| Command::Cancel { id });
        }
        match (venue.best_bid(0), venue.best_ask(0)) {
            (Some(_), Some(_)) => {}
            (_, ask) => return Some(ask.is_none()),
        }
    }
    None
}

#[test]
fn queues_of_a_real_book_race_as_the_model_says() {
    let mut draws = Draws::new(4);
    for (bid, ask, chance) in [TABLE[0], TABLE[2], TABLE[4]] {
        let ends: Vec<bool> = (0..2_500).filter_map(|_| race(bid, ask, &mut draws)).collect();
        let up = ends.iter().filter(|&&up| up).count() as f64 / ends.len() as f64;
        assert!((up - chance).abs() < 0.035, "{bid} {ask}: {up}, not {chance}");
    }
}
