use super::*;

/// Orders with every combination of what a few bits say, at the ends of every range.
fn orders() -> Vec<Slot> {
    let mut orders = Vec::new();
    for (price, remaining, instrument) in [(1, 0, 0), (MAX_PRICE, Lots::MAX, u16::MAX)] {
        for side in [Side::Bid, Side::Ask] {
            for state in [State::Book, State::Stop, State::Held] {
                for force in [Force::Rest, Force::Immediate, Force::Fill, Force::Post] {
                    for (visible, display, holds) in
                        [(0, 0, 0), (3, 0, 0), (0, MAX_PRICE, 0), (0, 0, u32::MAX), (2, 3, 4)]
                    {
                        let dying = holds > 0;
                        let (id, stamp) = (OrderId::new(u32::MAX, 7), u64::MAX - 1);
                        orders.push(Slot {
                            id,
                            price,
                            remaining,
                            stamp,
                            visible,
                            display,
                            holds,
                            instrument,
                            side,
                            state,
                            force,
                            dying,
                        });
                    }
                }
            }
        }
    }
    orders
}

#[test]
fn an_order_is_read_as_it_was_written() {
    assert_eq!(size_of::<Packed>(), 32);
    let (mut slab, orders) = (Slab::new(), orders());
    for order in &orders {
        let at = slab.insert(*order);
        assert_eq!(slab.get(at), *order);
    }
    let open: Vec<Slot> = slab.open().map(|(_, slot)| slot).collect();
    assert_eq!(open, orders);
    // Each becomes another one, in the same place.
    for (at, order) in (0..).zip(orders.iter().rev()) {
        slab.change(at, |slot| *slot = *order);
        assert_eq!(slab.get(at), *order);
    }
    for at in 0..orders.len() as u32 {
        slab.remove(at);
    }
    assert_eq!((slab.used(), slab.open().count()), (0, 0));
    // A place that had a rare order is used again by a plain one.
    let plain = orders[0];
    let at = slab.insert(plain);
    assert_eq!((slab.get(at), slab.slots.len()), (plain, orders.len()));
}
