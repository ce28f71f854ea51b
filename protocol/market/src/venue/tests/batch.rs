use super::*;
use crate::draw::Draws;

fn rules() -> Rules {
    let limits = Limits { collar: 500_000, ..Limits::default() };
    Rules { matching: Matching::Batch, taker_fee: 1_000, limits, ..Rules::default() }
}

fn clear(venue: &mut Venue, draw: u64) -> Vec<Event> {
    let mut events = Vec::new();
    venue.close_block(draw, &mut events);
    assert_eq!((venue.audit(), venue.uncrossed()), (Ok(()), true));
    events
}

#[test]
fn a_block_clears_at_one_price() {
    let mut venue = venue(rules());
    let market = Command::Place(Order::market(id(0, 2), Bid, 3));
    assert_eq!(refuse(&mut venue, market), Refusal::Collar);
    place(&mut venue, limit(0, 2, Bid, 105, 4));
    place(&mut venue, limit(1, 2, Bid, 100, 4));
    place(&mut venue, limit(2, 2, Ask, 95, 6).kind(Kind::Limit(Force::Immediate)));
    place(&mut venue, limit(3, 2, Ask, 101, 5));
    assert!(!venue.uncrossed());
    let events = clear(&mut venue, 1);
    // At 96 to 100 eight are bid and six asked; six trade, nearest the middle of 95 and 105.
    assert_eq!(events[0], Event::Cleared { instrument: 0, price: 100, volume: 6 });
    assert_eq!(trades(&events), [(2, 0, 100, 4), (2, 1, 100, 2)]);
    assert_eq!((queue(&venue, Bid), queue(&venue, Ask)), (vec![(1, 100, 2)], vec![(3, 101, 5)]));
    for kind in [Kind::Limit(Force::Fill), Kind::Limit(Force::Post), Kind::Iceberg { display: 1 }] {
        let order = Command::Place(limit(4, 2, Bid, 100, 3).kind(kind));
        assert_eq!(refuse(&mut venue, order), Refusal::Batch);
    }
    // Now that there is a price, a market order is one at the edge of the collar, for one block.
    place(&mut venue, Order::market(id(4, 2), Bid, 9));
    let events = clear(&mut venue, 2);
    assert_eq!(trades(&events), [(3, 4, 101, 5)]);
    let rest = Event::Cancelled { id: id(4, 2), remaining: 4, reason: Reason::Unfilled };
    assert_eq!(events.last(), Some(&rest));
}

#[test]
fn the_order_inside_a_block_is_worth_nothing() {
    let mut draws = Draws::new(9);
    let (mut refused, mut traded) = (0, 0);
    for draw in 0..30 {
        let base = venue(rules());
        let mut commands = Vec::new();
        for number in 2..12 {
            for account in 0..6 {
                let side = if draws.below(2) == 0 { Bid } else { Ask };
                let (price, lots) = (draws.between(95, 105), draws.between(1, 200));
                // Some cost more than is left: which of an account's orders are refused must not
                // depend on their order either.
                let order = limit(account, number, side, price * 10, lots);
                commands.push(Command::Place(order));
                if draws.below(4) == 0 {
                    let id = id(account, 2 + draws.below(10) as u32);
                    commands.push(Command::Cancel { id });
                }
            }
        }
        let run = |commands: &[Command]| {
            let (mut venue, mut events) = (base.clone(), Vec::new());
            let mut no = 0;
            venue.execute(2, commands, draw, &mut events, |_, _| no += 1);
            assert_eq!(venue.audit(), Ok(()));
            (venue.roots(), events, no)
        };
        let first = run(&commands);
        refused += first.2;
        traded += trades(&first.1).len();
        for _ in 0..4 {
            for at in (1..commands.len()).rev() {
                commands.swap(at, draws.below(at as u64 + 1) as usize);
            }
            assert_eq!(run(&commands), first);
        }
    }
    assert!(refused > 20 && traded > 300, "{refused} {traded}");
}
