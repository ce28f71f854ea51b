use super::*;
use crate::command::{Force, Kind, Order, Terms};
use crate::event::{Reason, Trade};
use crate::rules::{Limits, Matching};
use Side::{Ask, Bid};

mod batch;
mod holds;
mod orders;

/// A venue whose accounts have 1,000,000 units and 1,000 lots, with numbers from 2.
fn venue(rules: Rules) -> Venue {
    let mut venue = Venue::new(Rules { accounts: 6, window: 64, ..rules });
    for account in 0..6 {
        let id = OrderId::new(account, 0);
        give(&mut venue, Command::Deposit { id, cash: 1_000_000 });
        let id = OrderId::new(account, 1);
        give(&mut venue, Command::DepositLots { id, instrument: 0, lots: 1_000 });
    }
    venue.open_block(1, &mut Vec::new());
    venue
}

/// Gives a command that is accepted; checks every invariant.
fn give(venue: &mut Venue, command: Command) -> Vec<Event> {
    let mut events = Vec::new();
    assert_eq!(venue.apply(&command, &mut events), Ok(()), "{command:?}");
    assert_eq!(venue.audit(), Ok(()), "{command:?}");
    events
}

/// Gives a command that is refused, and changes nothing.
fn refuse(venue: &mut Venue, command: Command) -> Refusal {
    let (before, mut events) = (format!("{venue:?}"), Vec::new());
    let refusal = venue.apply(&command, &mut events).expect_err("refused");
    assert_eq!((before, events), (format!("{venue:?}"), Vec::new()), "{command:?}");
    refusal
}

fn id(account: u32, number: u32) -> OrderId {
    OrderId::new(account, number)
}

fn limit(account: u32, number: u32, side: Side, price: Ticks, quantity: Lots) -> Order {
    Order::limit(id(account, number), side, price, quantity)
}

fn place(venue: &mut Venue, order: Order) -> Vec<Event> {
    give(venue, Command::Place(order))
}

/// (maker, taker, price, quantity) of each trade.
fn trades(events: &[Event]) -> Vec<(u32, u32, Ticks, Lots)> {
    let trade = |event: &Event| match *event {
        Event::Traded(Trade { maker, taker, price, quantity, .. }) => {
            Some((maker.account, taker.account, price, quantity))
        }
        _ => None,
    };
    events.iter().filter_map(trade).collect()
}

/// (account, lots) of a queue.
fn queue(venue: &Venue, side: Side) -> Vec<(u32, Ticks, Lots)> {
    let queue = venue.queue(0, side);
    queue.iter().map(|order| (order.id.account, order.price, order.remaining)).collect()
}

#[test]
fn every_invariant_is_seen_when_it_breaks() {
    let mut good = venue(Rules::default());
    place(&mut good, limit(0, 2, Bid, 90, 5));
    place(&mut good, limit(1, 2, Bid, 90, 7));
    place(&mut good, limit(2, 2, Ask, 110, 4));
    let broken = |change: &dyn Fn(&mut Venue)| {
        let mut venue = good.clone();
        change(&mut venue);
        venue.audit().expect_err("broken")
    };
    let cash = broken(&|venue| venue.fees += 1);
    assert!(matches!(cash, Violation::Cash { .. }), "{cash}");
    let assets = broken(&|venue| venue.accounts.add_lots(3, 0, 1));
    assert!(matches!(assets, Violation::Assets { held: 6_001, .. }), "{assets}");
    let negative = broken(&|venue| {
        venue.accounts.add_cash(3, -2_000_000);
        venue.accounts.add_cash(4, 2_000_000);
    });
    assert_eq!(negative, Violation::Negative(3));
    let reserved = broken(&|venue| venue.accounts.add_reserved(0, 1));
    assert_eq!(reserved, Violation::Reserved { account: 0, reserved: 451, needed: 450 });
    let bidding = broken(&|venue| venue.accounts.add_bidding(1, 0, -1));
    assert_eq!(bidding, Violation::Reserved { account: 1, reserved: 6, needed: 7 });
    let position = broken(&|venue| venue.rules.limits.position = 1_005);
    assert_eq!(position, Violation::Position(1));
    let (first, second) =
        (good.index.get(id(0, 2), &good.slab), good.index.get(id(1, 2), &good.slab));
    let (first, second) = (first.unwrap(), second.unwrap());
    let order = broken(&|venue| {
        let [older, newer] = [first, second].map(|at| venue.slab.get(at).stamp);
        venue.slab.change(first, |slot| slot.stamp = newer);
        venue.slab.change(second, |slot| slot.stamp = older);
    });
    assert_eq!(order, Violation::Queue { instrument: 0, price: 90 });
    let sum = broken(&|venue| venue.books[0].bids.adjust(90, 1));
    assert_eq!(sum, Violation::Queue { instrument: 0, price: 90 });
    let root = broken(&|venue| venue.books[0].sum ^= 1);
    assert_eq!(root, Violation::Root("book"));
    let crossed = broken(&|venue| {
        let at = venue.index.get(id(2, 2), &venue.slab).unwrap();
        venue.books[0].asks.unlink(&mut venue.slab, at);
        venue.slab.change(at, |slot| slot.price = 90);
        venue.books[0].asks.push(&mut venue.slab, at);
    });
    assert_eq!(crossed, Violation::Crossed(0));
}

#[test]
fn roots_differ_by_whatever_differs() {
    let base = venue(Rules::default());
    let orders = [
        limit(0, 2, Bid, 90, 5),
        limit(0, 2, Bid, 90, 6),
        limit(0, 2, Bid, 91, 5),
        limit(0, 2, Ask, 90, 5),
        limit(0, 3, Bid, 90, 5),
        limit(1, 2, Bid, 90, 5),
        limit(0, 2, Bid, 90, 5).kind(Kind::Iceberg { display: 2 }),
        limit(0, 2, Bid, 90, 5).kind(Kind::Stop { trigger: 95, force: Force::Rest }),
        limit(0, 2, Bid, 90, 5).kind(Kind::Stop { trigger: 96, force: Force::Rest }),
        limit(0, 2, Bid, 90, 5).kind(Kind::Stop { trigger: 96, force: Force::Immediate }),
    ];
    let mut books = std::collections::BTreeSet::from([base.roots().book]);
    for order in orders {
        let mut venue = base.clone();
        place(&mut venue, order);
        assert!(books.insert(venue.roots().book), "{order:?}");
        give(&mut venue, Command::Cancel { id: order.id });
        assert_eq!(venue.roots().book, base.roots().book);
        assert_ne!(venue.roots().accounts, base.roots().accounts, "the number is used");
    }
    // The same two orders in the other order.
    let both = |first, second| {
        let mut venue = base.clone();
        place(&mut venue, first);
        place(&mut venue, second);
        venue.roots()
    };
    let (a, b) = (limit(0, 2, Bid, 90, 5), limit(1, 2, Bid, 90, 5));
    assert_ne!(both(a, b).book, both(b, a).book);
    assert_eq!(both(a, b).accounts, both(b, a).accounts);
}
