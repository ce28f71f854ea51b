use super::*;

#[test]
fn price_then_time_at_the_resting_price() {
    let mut venue = venue(Rules { taker_fee: 2_500, maker_fee: 1_000, ..Rules::default() });
    place(&mut venue, limit(0, 2, Ask, 101, 5));
    place(&mut venue, limit(1, 2, Ask, 100, 5));
    place(&mut venue, limit(2, 2, Ask, 100, 5));
    let events = place(&mut venue, limit(3, 2, Bid, 101, 12));
    assert_eq!(trades(&events), [(1, 3, 100, 5), (2, 3, 100, 5), (0, 3, 101, 2)]);
    // Fees of 500, 500 and 202: 1.25, 1.25, .505 for the taker and .5, .5, .202, each rounded up.
    assert_eq!(venue.account(3).unwrap().cash(), 1_000_000 - 1_202 - 5);
    assert_eq!(venue.account(0).unwrap().cash(), 1_000_000 + 202 - 1);
    assert_eq!(venue.fees(), 5 + 3);
    assert_eq!(venue.holding(3, 0).unwrap().lots(), 1_012);
    assert_eq!((venue.last(0), venue.best_ask(0), venue.best_bid(0)), (Some(101), Some(101), None));
}

#[test]
fn forces() {
    let mut venue = venue(Rules::default());
    place(&mut venue, limit(0, 2, Ask, 100, 5));
    let force = |number, force| limit(1, number, Bid, 100, 8).kind(Kind::Limit(force));
    assert_eq!(refuse(&mut venue, Command::Place(force(2, Force::Fill))), Refusal::Unfilled);
    assert_eq!(refuse(&mut venue, Command::Place(force(2, Force::Post))), Refusal::WouldTrade);
    let events = place(&mut venue, force(2, Force::Immediate));
    let rest = Event::Cancelled { id: id(1, 2), remaining: 3, reason: Reason::Unfilled };
    assert_eq!((trades(&events).len(), events[1]), (1, rest));
    place(&mut venue, force(3, Force::Post));
    assert_eq!(queue(&venue, Bid), [(1, 100, 8)]);
    // A market order takes what there is, at any price, and never rests.
    place(&mut venue, limit(1, 4, Bid, 1, 2));
    let events = place(&mut venue, Order::market(id(2, 2), Ask, 50));
    assert_eq!(trades(&events), [(1, 2, 100, 8), (1, 2, 1, 2)]);
    assert_eq!(venue.open_orders(), 0);
    // Fill-or-kill does not count the account's own orders, nor cancel them when it is refused.
    place(&mut venue, limit(3, 2, Ask, 50, 5));
    place(&mut venue, limit(4, 2, Ask, 50, 5));
    let own = limit(3, 3, Bid, 50, 6).kind(Kind::Limit(Force::Fill));
    assert_eq!(refuse(&mut venue, Command::Place(own)), Refusal::Unfilled);
    let own = limit(3, 3, Bid, 50, 5).kind(Kind::Limit(Force::Fill));
    assert_eq!(trades(&place(&mut venue, own)), [(4, 3, 50, 5)]);
}

#[test]
fn the_resting_order_of_the_same_account_is_cancelled() {
    let mut venue = venue(Rules::default());
    place(&mut venue, limit(0, 2, Ask, 100, 5));
    place(&mut venue, limit(1, 2, Ask, 100, 5));
    let events = place(&mut venue, limit(0, 3, Bid, 100, 5));
    let own = Event::Cancelled { id: id(0, 2), remaining: 5, reason: Reason::SelfTrade };
    assert_eq!(events[0], own);
    assert_eq!(trades(&events), [(1, 0, 100, 5)]);
}

#[test]
fn an_iceberg_shows_slices_and_queues_again_with_each() {
    let mut venue = venue(Rules::default());
    place(&mut venue, limit(0, 2, Ask, 100, 9).kind(Kind::Iceberg { display: 4 }));
    place(&mut venue, limit(1, 2, Ask, 100, 3));
    let events = place(&mut venue, limit(2, 2, Bid, 100, 9));
    assert_eq!(trades(&events), [(0, 2, 100, 4), (1, 2, 100, 3), (0, 2, 100, 2)]);
    place(&mut venue, limit(1, 3, Ask, 100, 3));
    let events = place(&mut venue, limit(2, 3, Bid, 100, 6));
    assert_eq!(trades(&events), [(0, 2, 100, 2), (1, 2, 100, 3), (0, 2, 100, 1)]);
    assert_eq!(venue.open_orders(), 0);
}

#[test]
fn stops_fire_in_log_order_until_none_is_reached() {
    let mut venue = venue(Rules::default());
    for (number, price) in [(2, 100), (3, 101), (4, 102), (5, 103)] {
        place(&mut venue, limit(0, number, Ask, price, 1));
    }
    let stop = |account, trigger, price| {
        let force = Force::Immediate;
        limit(account, 2, Bid, price, 1).kind(Kind::Stop { trigger, force })
    };
    // The second fires on the trade of the third, the third on the taker's, the first on none.
    place(&mut venue, stop(1, 104, 110));
    place(&mut venue, stop(2, 101, 110));
    place(&mut venue, stop(3, 100, 110));
    place(&mut venue, stop(4, 102, 110));
    assert_eq!(venue.account(1).unwrap().reserved(), 110);
    let events = place(&mut venue, limit(5, 2, Bid, 100, 1));
    let taken = [(0, 5, 100, 1), (0, 3, 101, 1), (0, 2, 102, 1), (0, 4, 103, 1)];
    assert_eq!(trades(&events), taken);
    assert_eq!(venue.open_orders(), 1, "the first waits");
    give(&mut venue, Command::Cancel { id: id(1, 2) });
    // A stop to sell, whose limit is not met, rests where its time of waking puts it.
    place(&mut venue, limit(1, 3, Bid, 90, 1));
    let sell = limit(2, 3, Ask, 95, 1).kind(Kind::Stop { trigger: 90, force: Force::Rest });
    place(&mut venue, sell);
    place(&mut venue, limit(3, 3, Ask, 95, 1));
    place(&mut venue, Order::market(id(5, 3), Ask, 1));
    assert_eq!(queue(&venue, Ask), [(3, 95, 1), (2, 95, 1)]);
}

#[test]
fn a_number_is_good_once_in_any_order_within_the_window() {
    let mut venue = venue(Rules::default());
    place(&mut venue, limit(0, 200, Bid, 10, 1));
    place(&mut venue, limit(0, 73, Bid, 10, 1));
    let again = Command::Place(limit(0, 73, Bid, 10, 1));
    assert_eq!(refuse(&mut venue, again), Refusal::Replay);
    let old = Command::Place(limit(0, 72, Bid, 10, 1));
    assert_eq!(refuse(&mut venue, old), Refusal::Replay);
    let last = u32::MAX;
    place(&mut venue, limit(0, last, Bid, 10, 1));
    let again = Command::Deposit { id: id(0, last), cash: 1 };
    assert_eq!(refuse(&mut venue, again), Refusal::Replay);
    // A refused order has not used its number.
    let dear = Command::Place(limit(1, 9, Bid, 10_000, 1_000));
    assert_eq!(refuse(&mut venue, dear), Refusal::Cash);
    place(&mut venue, limit(1, 9, Bid, 10, 1));
}

#[test]
fn reduce_keeps_the_place_and_replace_loses_it() {
    let mut venue = venue(Rules::default());
    for account in 0..3 {
        place(&mut venue, limit(account, 2, Bid, 100, 5));
    }
    give(&mut venue, Command::Reduce { id: id(0, 2), to: 2 });
    let grow = Command::Reduce { id: id(0, 2), to: 2 };
    assert_eq!(refuse(&mut venue, grow), Refusal::Quantity);
    give(&mut venue, Command::Replace { id: id(1, 2), number: 3, price: 100, quantity: 5 });
    assert_eq!(queue(&venue, Bid), [(0, 100, 2), (2, 100, 5), (1, 100, 5)]);
    // Replacing counts on what the old order frees, and does nothing if that is not enough.
    place(&mut venue, limit(3, 2, Bid, 1_000, 1_000));
    let more = Command::Replace { id: id(3, 2), number: 3, price: 1_000, quantity: 1_001 };
    assert_eq!(refuse(&mut venue, more), Refusal::Cash);
    give(&mut venue, Command::Replace { id: id(3, 2), number: 3, price: 999, quantity: 1_001 });
    let twice = Command::Replace { id: id(3, 2), number: 4, price: 9, quantity: 1 };
    assert_eq!(refuse(&mut venue, twice), Refusal::Unknown);
}

#[test]
fn limits_refuse_what_an_order_could_become() {
    let limits =
        Limits { position: 1_010, value: 50_000, rate: 3, collar: 100_000, open: 3, orders: 5 };
    let mut venue = venue(Rules { limits, ..Rules::default() });
    place(&mut venue, limit(0, 2, Bid, 100, 6));
    place(&mut venue, limit(0, 3, Bid, 100, 4));
    let bid = |number| Command::Place(limit(0, number, Bid, 100, 1));
    assert_eq!(refuse(&mut venue, bid(4)), Refusal::Position);
    let dear = Command::Place(limit(1, 2, Ask, 100, 501));
    assert_eq!(refuse(&mut venue, dear), Refusal::Value);
    place(&mut venue, limit(1, 2, Ask, 100, 1));
    // The last price is 100: 90 to 110 are allowed.
    let low = Command::Place(limit(2, 2, Bid, 89, 1));
    assert_eq!(refuse(&mut venue, low), Refusal::Collar);
    place(&mut venue, limit(2, 2, Bid, 90, 1));
    place(&mut venue, limit(2, 3, Bid, 90, 1));
    place(&mut venue, limit(2, 4, Bid, 90, 1));
    let fourth = limit(2, 5, Bid, 90, 1);
    assert_eq!(refuse(&mut venue, Command::Place(fourth)), Refusal::Rate);
    venue.open_block(2, &mut Vec::new());
    assert_eq!(refuse(&mut venue, Command::Place(fourth)), Refusal::Full);
    give(&mut venue, Command::Cancel { id: id(2, 2) });
    place(&mut venue, fourth);
    let sixth = Command::Place(limit(3, 2, Bid, 90, 1));
    assert_eq!(refuse(&mut venue, sixth), Refusal::Full);
    let events = give(&mut venue, Command::Kill { account: 2, on: true });
    assert_eq!(events.len(), 3);
    assert_eq!(refuse(&mut venue, Command::Place(limit(2, 9, Bid, 90, 1))), Refusal::Killed);
    give(&mut venue, Command::Kill { account: 2, on: false });
    place(&mut venue, limit(2, 9, Bid, 90, 1));
}

#[test]
fn prices_far_from_the_window_cost_a_node_and_change_nothing() {
    let rules = Rules { accounts: 2, ..Rules::default() };
    let (mut narrow, mut wide) =
        (Venue::new(Rules { window: 64, ..rules }), Venue::new(Rules { window: 1 << 18, ..rules }));
    let mut draws = crate::Draws::new(2);
    let mut middle = 1 << 20;
    let mut commands = Vec::new();
    for account in 0..2 {
        commands.push(Command::Deposit { id: id(account, 0), cash: 1 << 80 });
        let lots = Command::DepositLots { id: id(account, 1), instrument: 0, lots: 1 << 40 };
        commands.push(lots);
    }
    for number in 2..20_000 {
        middle += draws.between(-3, 3) + i64::from(number % 997 == 0) * draws.between(-300, 300);
        let side = if draws.below(2) == 0 { Bid } else { Ask };
        let away = draws.between(-2, if number % 50 == 0 { 1 << 19 } else { 40 });
        let price = if side == Bid { middle - away } else { middle + away };
        let account = u32::from(side == Ask);
        commands.push(Command::Place(limit(account, number, side, price, draws.between(1, 5))));
        if number > 100 {
            let account = draws.below(2) as u32;
            let number = number - draws.below(100) as u32;
            commands.push(Command::Cancel { id: id(account, number) });
        }
    }
    for (count, command) in commands.iter().enumerate() {
        let (mut here, mut there) = (Vec::new(), Vec::new());
        let answers = (narrow.apply(command, &mut here), wide.apply(command, &mut there));
        assert_eq!((answers.0, &here), (answers.1, &there), "{command:?}");
        assert_eq!(narrow.roots(), wide.roots());
        if count % 500 == 0 {
            assert_eq!((narrow.audit(), wide.audit()), (Ok(()), Ok(())));
        }
    }
}

#[test]
fn a_block_at_once_is_its_commands_one_by_one() {
    let mut stress = crate::workload::Stress::new(3, &Rules { accounts: 6, ..Rules::default() });
    let mut commands = stress.funding();
    commands.extend((0..3_000).map(|_| stress.command()));
    let base = Venue::new(Rules { accounts: 6, ..Rules::default() });
    let (mut one, mut all, mut block) = (base.clone(), base.clone(), base);
    let (mut events, mut batched, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    let (mut refused, mut seen) = (Vec::new(), Vec::new());
    one.open_block(5, &mut events);
    all.open_block(5, &mut batched);
    for (at, command) in commands.iter().enumerate() {
        if let Err(reason) = one.apply(command, &mut events) {
            refused.push((at, reason));
        }
    }
    all.apply_all(&commands, &mut batched, |at, reason| seen.push((at, reason)));
    block.execute(5, &commands, 9, &mut whole, |_, _| {});
    assert_eq!((&events, &refused, one.roots()), (&batched, &seen, all.roots()));
    assert_eq!((&events, one.roots()), (&whole, block.roots()));
    assert!(refused.len() > 100 && events.len() > 1_000);
}
