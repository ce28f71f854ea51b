use super::*;
use crate::hash::lock_of;

const BY_LOG: Terms = Terms::Decision { coordinator: 7 };

fn prepare(order: Order, terms: Terms) -> Command {
    Command::Prepare { order, terms }
}

fn decide(order: OrderId, commit: bool) -> Command {
    Command::Decide { id: order, coordinator: 7, commit }
}

#[test]
fn a_prepared_order_holds_quantity_and_funds_until_it_settles() {
    let mut venue = venue(Rules { taker_fee: 10_000, ..Rules::default() });
    place(&mut venue, limit(0, 2, Ask, 100, 5));
    place(&mut venue, limit(1, 2, Ask, 101, 5));
    let too_much = prepare(limit(2, 2, Bid, 101, 11), BY_LOG);
    assert_eq!(refuse(&mut venue, too_much), Refusal::Unfilled);
    give(&mut venue, prepare(limit(2, 2, Bid, 101, 7), BY_LOG));
    assert_eq!(queue(&venue, Ask), [(1, 101, 3)]);
    // Two fills; per lot a fee of at most 1 at 100 and 2 at 101.
    assert_eq!(venue.account(2).unwrap().reserved(), 5 * 101 + 2 * 103);
    assert_eq!(venue.holding(0, 0).unwrap().reserved(), 5);
    assert_eq!(trades(&place(&mut venue, Order::market(id(3, 2), Bid, 9))), [(1, 3, 101, 3)]);
    let other = Command::Decide { id: id(2, 2), coordinator: 8, commit: true };
    assert_eq!(refuse(&mut venue, other), Refusal::Decision);
    assert_eq!(venue.reservations().count(), 1);
    let events = give(&mut venue, decide(id(2, 2), true));
    assert_eq!(trades(&events), [(0, 2, 100, 5), (1, 2, 101, 2)]);
    assert_eq!(venue.account(2).unwrap().reserved(), 0);
    assert_eq!(venue.account(2).unwrap().cash(), 1_000_000 - 702 - 5 - 3);
    assert_eq!(venue.open_orders(), 0);
    assert_eq!(venue.last(0), Some(101), "settled trades are of another time");
    for commit in [false, true] {
        assert_eq!(refuse(&mut venue, decide(id(2, 2), commit)), Refusal::Unknown);
    }
}

#[test]
fn what_is_released_goes_through_matching_under_its_old_stamp() {
    let mut venue = venue(Rules::default());
    place(&mut venue, limit(0, 2, Ask, 100, 5));
    place(&mut venue, limit(1, 2, Ask, 102, 6));
    place(&mut venue, limit(2, 2, Ask, 102, 6));
    give(&mut venue, prepare(limit(3, 2, Bid, 102, 7), BY_LOG));
    // The book moves on: a bid above the held ask. Linking the ask back in would cross the book.
    place(&mut venue, limit(4, 2, Bid, 101, 2));
    let events = give(&mut venue, decide(id(3, 2), false));
    assert_eq!(trades(&events), [(4, 0, 101, 2)], "at the resting price, the held ask the taker");
    // The rest of it is first at its price, and the order of which a part was held never left.
    place(&mut venue, limit(5, 2, Ask, 100, 1));
    assert_eq!(queue(&venue, Ask), [(0, 100, 3), (5, 100, 1), (1, 102, 6), (2, 102, 6)]);
}

#[test]
fn cancelled_while_held_it_may_trade_but_not_come_back() {
    for commit in [false, true] {
        let mut venue = venue(Rules::default());
        place(&mut venue, limit(0, 2, Ask, 100, 5));
        give(&mut venue, prepare(limit(1, 2, Bid, 100, 3), BY_LOG));
        let reduce = Command::Reduce { id: id(0, 2), to: 1 };
        assert_eq!(refuse(&mut venue, reduce), Refusal::Held);
        let events = give(&mut venue, Command::Cancel { id: id(0, 2) });
        let rest = Event::Cancelled { id: id(0, 2), remaining: 2, reason: Reason::Asked };
        assert_eq!(events, [rest]);
        assert_eq!(venue.holding(0, 0).unwrap().reserved(), 3);
        let again = Command::Cancel { id: id(0, 2) };
        assert_eq!(refuse(&mut venue, again), Refusal::Unknown);
        give(&mut venue, Command::Kill { account: 0, on: true });
        give(&mut venue, decide(id(1, 2), commit));
        assert_eq!(venue.open_orders(), 0);
        assert_eq!(venue.holding(1, 0).unwrap().lots(), if commit { 1_003 } else { 1_000 });
    }
}

#[test]
fn an_abort_that_comes_first_bars_the_order() {
    let mut venue = venue(Rules::default());
    place(&mut venue, limit(0, 2, Ask, 100, 5));
    assert_eq!(refuse(&mut venue, decide(id(1, 2), true)), Refusal::Unknown);
    assert_eq!(give(&mut venue, decide(id(1, 2), false)), [Event::Barred { id: id(1, 2) }]);
    let late = prepare(limit(1, 2, Bid, 100, 3), BY_LOG);
    assert_eq!(refuse(&mut venue, late), Refusal::Replay);
}

#[test]
fn a_hash_lock_opens_to_its_preimage_and_lapses_at_its_deadline() {
    let mut venue = venue(Rules::default());
    place(&mut venue, limit(0, 2, Ask, 100, 9));
    let (preimage, deadline) = ([5; 32], 4);
    let terms = Terms::Hash { lock: lock_of(&preimage), deadline };
    let late = Terms::Hash { lock: 1, deadline: 1 };
    assert_eq!(refuse(&mut venue, prepare(limit(1, 2, Bid, 100, 3), late)), Refusal::Decision);
    give(&mut venue, prepare(limit(1, 2, Bid, 100, 3), terms));
    give(&mut venue, prepare(limit(2, 2, Bid, 100, 3), terms));
    let wrong = Command::Reveal { id: id(1, 2), preimage: [6; 32] };
    assert_eq!(refuse(&mut venue, wrong), Refusal::Decision);
    assert_eq!(refuse(&mut venue, decide(id(1, 2), true)), Refusal::Decision);
    venue.open_block(3, &mut Vec::new());
    let events = give(&mut venue, Command::Reveal { id: id(1, 2), preimage });
    assert_eq!(trades(&events), [(0, 1, 100, 3)]);
    let mut events = Vec::new();
    venue.open_block(4, &mut events);
    assert_eq!(events[0], Event::Released { id: id(2, 2) });
    assert_eq!((queue(&venue, Ask), venue.audit()), (vec![(0, 100, 6)], Ok(())));
    let reveal = Command::Reveal { id: id(2, 2), preimage };
    assert_eq!(refuse(&mut venue, reveal), Refusal::Unknown);
}

#[test]
fn holding_costs_by_the_block_up_to_its_deposit() {
    let rules = Rules { holding_fee: 10_000, holding_most: 35_000, ..Rules::default() };
    for (blocks, charge) in [(0, 0), (1, 5), (3, 15), (4, 18), (1_000_000, 18)] {
        let mut venue = venue(rules);
        place(&mut venue, limit(0, 2, Bid, 100, 5));
        give(&mut venue, prepare(limit(1, 2, Ask, 100, 5), BY_LOG));
        assert_eq!(venue.account(1).unwrap().reserved(), 18);
        venue.open_block(1 + blocks, &mut Vec::new());
        give(&mut venue, decide(id(1, 2), false));
        assert_eq!((venue.fees(), venue.account(1).unwrap().reserved()), (charge, 0));
    }
}

#[test]
fn a_stake_is_reserved_returned_or_forfeit() {
    let mut venue = venue(Rules::default());
    assert_eq!(venue.stake(9, 5), Err(Refusal::Account));
    assert_eq!(venue.stake(0, 1_000_001), Err(Refusal::Cash));
    let before = venue.roots();
    assert_eq!(venue.stake(0, 600), Ok(()));
    assert_ne!(venue.roots(), before);
    venue.unstake(0, 100);
    venue.forfeit(0, 200);
    assert_eq!((venue.staked(0), venue.account(0).unwrap().reserved()), (300, 300));
    assert_eq!((venue.fees(), venue.account(0).unwrap().cash()), (200, 999_800));
    venue.forfeit(0, 1_000);
    assert_eq!((venue.staked(0), venue.fees(), venue.audit()), (0, 500, Ok(())));
}
