//! Runs without faults, and with those that a log bears.

use anthill_market::Side;

use super::*;
use crate::AnyLog;
use crate::trader::FIRST_PRICE;

fn over(name: &'static str) -> (&'static str, Value) {
    ("over", Value::Choice(name))
}

/// Seven validators; Alice buys the 100 that Bob offers at 150.00.
#[test]
fn alice_buys_of_bob() {
    for name in AnyLog::NAMES {
        let exchange = exchange(7, &[over(name)]);
        let (funds, stock) = (exchange.terrain.funds, exchange.terrain.stock);
        let mut pump = Pump::new(exchange, 7).delay(millis(50)).bound(millis(50));
        let facts = pump.run(at(30_000));
        assert_eq!(of(&facts, ExchangeMetric::Trades), 1, "{name}");
        assert_eq!(
            (of(&facts, ExchangeMetric::Orders), of(&facts, ExchangeMetric::Answered)),
            (2, 2)
        );
        for replica in 0..7 {
            let venue = &state(&pump, replica).venue;
            let [alice, bob] = [0, 1].map(|account| venue.account(account).expect("an account"));
            let cash = i128::from(FIRST_PRICE) * 100;
            assert_eq!((alice.cash(), bob.cash()), (funds - cash, funds + cash), "{name}");
            let lots = [0, 1].map(|account| venue.holding(account, 0).expect("there").lots());
            assert_eq!(lots, [stock + 100, stock - 100], "{name}");
            assert_eq!(venue.depth(0, Side::Bid).chain(venue.depth(0, Side::Ask)).count(), 0);
        }
        is_sound(&mut pump, &facts);
    }
}

fn busy(name: &'static str, nodes: u32, more: &[(&'static str, Value)]) -> Exchange {
    let mut set = vec![
        over(name),
        ("traders", Value::Count(6)),
        ("workload.flow", Value::Choice("poisson")),
        ("workload.interval", Value::Span(millis(150))),
        ("workload.requests", Value::Count(40)),
        ("delta", Value::Span(millis(50))),
        ("taker_fee", Value::Count(300)),
        ("maker_fee", Value::Count(100)),
    ];
    set.extend(more);
    exchange(nodes, &set)
}

/// The states of replicas that are up at the end are equal.
#[track_caller]
fn are_equal(pump: &Pump<Exchange>, replicas: impl IntoIterator<Item = u32>) {
    let all: Vec<_> = replicas.into_iter().map(|it| state(pump, it)).collect();
    for other in &all {
        assert_eq!((other.height, other.root()), (all[0].height, all[0].root()));
        assert_eq!(other.venue.roots(), all[0].venue.roots());
    }
}

#[test]
fn all_replicas_agree_on_every_book() {
    for name in AnyLog::NAMES {
        for (nodes, auction) in [(4, "none"), (5, "batch"), (6, "none"), (7, "batch")] {
            let exchange = busy(name, nodes, &[("auction", Value::Choice(auction))]);
            let mut pump =
                Pump::new(exchange, nodes).delays(Span(1), millis(40)).bound(millis(40)).seed(7);
            let facts = pump.run(at(60_000));
            assert_eq!(of(&facts, ExchangeMetric::Answered), 240, "{name} {nodes}");
            assert!(of(&facts, ExchangeMetric::Trades) > 20, "{name} {nodes}");
            are_equal(&pump, 0..nodes);
            is_sound(&mut pump, &facts);
        }
    }
}

/// Traders without intelligence make a book with both sides, and a spread.
#[test]
fn flow_without_intelligence_fills_a_book() {
    let exchange = busy("pbft", 4, &[("workload.flow", Value::Choice("santa-fe"))]);
    let mut pump = Pump::new(exchange, 4).delays(Span(1), millis(40)).bound(millis(40)).seed(2);
    let facts = pump.run(at(60_000));
    assert_eq!(of(&facts, ExchangeMetric::Answered), 240);
    let venue = &state(&pump, 1).venue;
    let [bids, asks] = [Side::Bid, Side::Ask].map(|side| venue.depth(0, side).count());
    assert!(bids > 5 && asks > 5 && venue.uncrossed(), "{bids} {asks}");
    assert!(of(&facts, ExchangeMetric::Trades) > 10);
    is_sound(&mut pump, &facts);
}

/// In an auction the order of a block is worth nothing: it may be any, and the same follows.
#[test]
fn the_order_inside_a_batch_changes_nothing() {
    use crate::state::{FIRST_ORDER, Step};
    use anthill_market::{Order, OrderId};

    let outcome = |auction: &'static str, turn: usize| {
        let exchange = busy("pbft", 4, &[("auction", Value::Choice(auction))]);
        let state = State::genesis(&exchange.terrain, 0);
        let step = |account: u32| {
            let side = if account.is_multiple_of(2) { Side::Bid } else { Side::Ask };
            let price = FIRST_PRICE + i64::from(account * 7 % 5) - 2;
            let id = OrderId::new(account, FIRST_ORDER);
            let order = Order::limit(id, side, price, 10 + i64::from(account));
            let signer = exchange.terrain.layout.owner(0, account).expect("a trader");
            Step::Request {
                signer,
                request: 1,
                command: anthill_market::Command::Place(order),
                other: 0,
            }
        };
        let mut steps: Vec<Step> = (0..6).map(step).collect();
        steps.rotate_left(turn);
        steps.swap(0, turn % 3);
        let it = state.execute(&exchange.terrain, (9, 4, at(1)), &steps);
        assert_eq!(it.audit, 0);
        (it.state.venue.roots(), it.trades.len())
    };
    let batch = outcome("batch", 0);
    assert!(batch.1 > 1, "{batch:?}");
    assert!((1..6).all(|turn| outcome("batch", turn) == batch));
    let one_by_one = outcome("none", 0);
    assert!((1..6).any(|turn| outcome("none", turn) != one_by_one));
}

/// Two venues on chains of their own in one run.
#[test]
fn venues_do_not_disturb_each_other() {
    for name in AnyLog::NAMES {
        let mut pump = Pump::new(busy(name, 8, &[("venues", Value::Count(2))]), 8)
            .delays(Span(1), millis(40))
            .bound(millis(40))
            .seed(3);
        let facts = pump.run(at(60_000));
        assert_eq!(of(&facts, ExchangeMetric::Answered), 480, "{name}");
        are_equal(&pump, 0..4);
        are_equal(&pump, 4..8);
        assert_ne!(state(&pump, 0).root(), state(&pump, 4).root());
        is_sound(&mut pump, &facts);
    }
}

#[test]
fn a_crash_of_f_delays_and_changes_nothing() {
    for name in AnyLog::NAMES {
        for seed in 0..4 {
            let exchange = busy(name, 7, &[]);
            let faults = exchange.faults();
            let mut pump = Pump::new(exchange, 7).delays(Span(1), millis(40)).seed(seed);
            pump.run(at(1_500));
            // Whoever proposes first in PBFT is among them.
            let states: Vec<_> = (0..faults)
                .map(|node| (NodeId(node), pump.crash(NodeId(node)).expect("up")))
                .collect();
            pump.run(at(60_000));
            are_equal(&pump, faults..7);
            for (node, state) in states {
                pump.restart(node, state, true);
            }
            let facts = pump.run(at(90_000));
            assert_eq!(of(&facts, ExchangeMetric::Answered), 240, "{name} {seed}");
            let mut found = pump.findings();
            // The pump does not tell judges that it crashes nodes.
            found.retain(|it| it.judge != "answered in time");
            assert!(found.is_empty(), "{name}: {found:?}");
        }
    }
}

#[test]
fn lost_and_doubled_messages_are_survived() {
    for name in AnyLog::NAMES.iter().filter(|name| ["pbft", "raft", "hotstuff"].contains(name)) {
        for seed in 0..3 {
            let mut pump = Pump::new(busy(name, 4, &[]), 4)
                .delays(Span(1), millis(40))
                .loss(0.03)
                .duplicate(0.05)
                .cut(&[NodeId(1)], false, at(800), at(3_000))
                .seed(seed);
            let facts = pump.run(at(120_000));
            assert_eq!(of(&facts, ExchangeMetric::Answered), 240, "{name} {seed}");
            assert!(pump.findings().is_empty(), "{name}: {:?}", pump.findings());
        }
    }
}

/// Makers keep quotes on both sides, trade with everybody, and lean against what they hold.
#[test]
fn makers_quote_both_sides_and_keep_their_inventory_small() {
    let exchange = busy("pbft", 4, &[("makers", Value::Count(2))]);
    let stock = exchange.terrain.stock;
    let mut pump = Pump::new(exchange, 4).delays(Span(1), millis(40)).bound(millis(40)).seed(2);
    let facts = pump.run(at(20_000));
    let most = of(&facts, ExchangeMetric::Inventory);
    assert!((1..=140).contains(&most), "{most}");
    let venue = &state(&pump, 2).venue;
    let held: Vec<i64> =
        [6, 7].map(|maker| venue.holding(maker, 0).expect("a maker").lots() - stock).to_vec();
    assert!(held.iter().any(|lots| *lots != 0), "{held:?}");
    let quotes = |side| venue.queue(0, side).iter().filter(|it| it.id.account >= 6).count();
    assert!(quotes(Side::Bid) + quotes(Side::Ask) >= 2);
    is_sound(&mut pump, &facts);
}

/// Arrivals in clusters: as many in the mean, and counts that vary more.
#[test]
fn hawkes_arrivals_come_in_clusters() {
    let counts = |flow: &'static str| -> Vec<f64> {
        let more = [
            ("workload.flow", Value::Choice(flow)),
            ("workload.requests", Value::Count(0)),
            ("workload.interval", Value::Span(millis(100))),
            ("traders", Value::Count(1)),
        ];
        let mut pump = Pump::new(busy("raft", 1, &more), 1).delay(Span(1_000)).seed(9);
        pump.run(at(200_000));
        let mut counts = vec![0.0; 100];
        for said in pump.outputs() {
            if let crate::messages::Says::Asked { .. } = said.output {
                counts[(said.at.time.0 / 2_000_000_000) as usize] += 1.0;
            }
        }
        counts
    };
    let moments = |counts: &[f64]| {
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        let square = counts.iter().map(|count| (count - mean) * (count - mean)).sum::<f64>();
        (mean, square / counts.len() as f64 / mean)
    };
    let (plain, clustered) = (moments(&counts("poisson")), moments(&counts("hawkes")));
    // 20 in two seconds; the factor of Fano is 1, and 4 for long windows.
    assert!(
        (plain.0 - 20.0).abs() < 2.5 && (clustered.0 - 20.0).abs() < 5.0,
        "{plain:?} {clustered:?}"
    );
    assert!((0.5..1.7).contains(&plain.1) && clustered.1 > 2.0, "{plain:?} {clustered:?}");
}

/// The engine takes messages of up to so many bytes.
#[test]
fn messages_are_small_enough() {
    use anthill_protocol::Message;
    let size = size_of::<crate::messages::ExchangeMessage>();
    assert!(size <= crate::messages::ExchangeMessage::MAX_BYTES, "{size}");
}

#[test]
fn parameters_are_lawful() {
    anthill_protocol::laws::parameters::<Exchange>();
}
