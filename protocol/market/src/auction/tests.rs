use super::*;
use crate::draw::Draws;

fn quotes(list: &[(Ticks, Lots)]) -> Vec<Quote> {
    let quote = |(at, &(price, quantity))| Quote { id: OrderId::new(at, 0), price, quantity };
    (0..).zip(list).map(quote).collect()
}

#[test]
fn most_volume_then_least_imbalance_then_nearest_the_last() {
    let clearing = |bids: &[_], asks: &[_], last| {
        clear(&quotes(bids), &quotes(asks), last).map(|it| (it.price, it.volume, it.imbalance))
    };
    assert_eq!(clearing(&[(10, 5)], &[(11, 5)], None), None);
    assert_eq!(clearing(&[], &[(11, 5)], None), None);
    // All of 8..=12 trade five: nearest the last, else the middle.
    assert_eq!(clearing(&[(12, 5)], &[(8, 5)], Some(3)), Some((8, 5, 0)));
    assert_eq!(clearing(&[(12, 5)], &[(8, 5)], Some(11)), Some((11, 5, 0)));
    assert_eq!(clearing(&[(12, 5)], &[(8, 5)], Some(40)), Some((12, 5, 0)));
    assert_eq!(clearing(&[(12, 5)], &[(8, 5)], None), Some((10, 5, 0)));
    // Volume 7 at 10..=11 beats volume 5 at 12.
    assert_eq!(clearing(&[(12, 5), (11, 4)], &[(8, 3), (10, 4)], Some(12)), Some((11, 7, 2)));
    // At 11 the imbalance is 2, at 12 it is -2, in between it is 2: volume decides first.
    assert_eq!(clearing(&[(12, 5), (11, 2)], &[(8, 5), (12, 2)], Some(12)), Some((12, 5, -2)));
    assert_eq!(clearing(&[(12, 5), (11, 1)], &[(8, 5), (12, 2)], Some(12)), Some((11, 5, 1)));
}

#[test]
fn the_price_is_the_best_of_all_prices() {
    let mut draws = Draws::new(3);
    for _ in 0..3_000 {
        let mut some = |count: u64| -> Vec<_> {
            (0..draws.below(count) + 1)
                .map(|_| (draws.between(1, 30), draws.between(1, 9)))
                .collect()
        };
        let (bids, asks) = (quotes(&some(7)), quotes(&some(7)));
        let last = 15;
        let (high, low) = (
            bids.iter().map(|it| it.price).max().unwrap(),
            asks.iter().map(|it| it.price).min().unwrap(),
        );
        let lots = |quotes: &[Quote], side: Side, price| -> Lots {
            quotes.iter().filter(|it| side.accepts(it.price, price)).map(|it| it.quantity).sum()
        };
        let want = (low..=high).min_by_key(|&price| {
            let (bid, ask) = (lots(&bids, Side::Bid, price), lots(&asks, Side::Ask, price));
            (-bid.min(ask), (bid - ask).abs(), (price - last).abs(), price)
        });
        assert_eq!(clear(&bids, &asks, Some(last)).map(|it| it.price), want);
    }
}

#[test]
fn rationing_gives_out_the_volume_by_price_then_pro_rata() {
    let bids = quotes(&[(10, 3), (9, 5), (9, 10), (9, 1), (8, 50)]);
    let fills = ration(&bids, Side::Bid, 11, 5);
    assert_eq!(fills.iter().sum::<Lots>(), 11);
    assert_eq!((fills[0], fills[4]), (3, 0));
    // Eight of sixteen at 9: shares of 2.5, 5 and 0.5, so that one lot is left to the hash.
    assert_eq!(fills[2], 5);
    assert!(matches!((fills[1], fills[3]), (3, 0) | (2, 1)));
    let either: std::collections::BTreeSet<_> =
        (0..64).map(|draw| ration(&bids, Side::Bid, 11, draw)[1]).collect();
    assert_eq!(either.len(), 2, "the draw decides");
    assert_eq!(ration(&bids, Side::Bid, 69, 5), [3, 5, 10, 1, 50]);
    assert_eq!(ration(&quotes(&[(7, 2), (6, 2)]), Side::Ask, 3, 0), [1, 2]);
}
