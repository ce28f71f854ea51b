//! What the order of a block is worth to whoever chooses it.

use anthill_market::{Command, Order, OrderId, Side};
use anthill_protocol::parameter::AdversaryKind;

use super::*;
use crate::insider::KINDS;
use crate::state::Step;

fn kind(name: &str) -> &'static AdversaryKind {
    KINDS.iter().find(|kind| kind.name == name).expect("declared")
}

/// A busy venue whose first `count` replicas are insiders.
fn attacked(
    name: &str,
    count: u64,
    auction: &'static str,
    seed: u64,
) -> (Pump<Exchange>, RunFacts) {
    attacked_over(("pbft", 4), name, count, auction, seed)
}

fn attacked_over(
    (over, nodes): (&'static str, u32),
    name: &str,
    count: u64,
    auction: &'static str,
    seed: u64,
) -> (Pump<Exchange>, RunFacts) {
    let mut values = Values::of::<Exchange>();
    let (auction, ordering) = match auction {
        "sealed" => ("none", "commit-reveal"),
        auction => (auction, "arrival"),
    };
    values.set("ordering", Value::Choice(ordering));
    values.set("reveal_within", Value::Span(millis(400)));
    values.set_adversary(kind(name));
    values.set("adversary.count", Value::Count(count));
    for (name, value) in [
        ("over", Value::Choice(over)),
        ("auction", Value::Choice(auction)),
        ("traders", Value::Count(8)),
        ("delta", Value::Span(millis(50))),
        ("workload.flow", Value::Choice("poisson")),
        ("workload.interval", Value::Span(millis(25))),
        ("workload.requests", Value::Count(60)),
    ] {
        values.set(name, value);
    }
    let mut exchange = Exchange::configure(&values).expect("consistent");
    exchange.fit(nodes, 1).expect("fits");
    let mut pump =
        Pump::new(exchange, nodes).delays(Span(1), millis(40)).bound(millis(40)).seed(seed);
    let facts = pump.run(at(60_000));
    (pump, facts)
}

fn net(facts: &RunFacts) -> i64 {
    of(facts, ExchangeMetric::Extraction) as i64 - of(facts, ExchangeMetric::ExtractionLost) as i64
}

#[test]
fn whoever_orders_takes_and_nothing_else_breaks() {
    for name in ["front-runner", "sandwich", "back-runner", "censor", "last-look"] {
        let (mut pump, facts) = attacked(name, 1, "none", 3);
        assert_eq!(of(&facts, ExchangeMetric::Answered), 480, "{name}");
        let moved =
            of(&facts, ExchangeMetric::Extraction) + of(&facts, ExchangeMetric::ExtractionLost);
        assert!(moved > 0 || name == "censor", "{name}");
        is_sound(&mut pump, &facts);
    }
}

/// Of a sealed order nobody knows on which side it is: nothing is gained, and orders are executed all the same.
#[test]
fn nothing_is_to_be_gained_where_orders_are_sealed() {
    for name in ["front-runner", "sandwich", "back-runner"] {
        let (mut pump, facts) = attacked(name, 1, "sealed", 3);
        let [won, lost] =
            [ExchangeMetric::Extraction, ExchangeMetric::ExtractionLost].map(|it| of(&facts, it));
        assert_eq!((won, lost), (0, 0), "{name}");
        assert!(of(&facts, ExchangeMetric::Trades) > 20, "{name}");
        assert_eq!(of(&facts, ExchangeMetric::Forfeited), 0, "{name}");
        is_sound(&mut pump, &facts);
    }
}

/// A trader that goes down does not open what it has sealed, which costs it the deposits, and nobody else
/// anything.
#[test]
fn what_is_not_opened_is_forfeit() {
    let exchange = exchange(
        4,
        &[
            ("ordering", Value::Choice("commit-reveal")),
            ("traders", Value::Count(4)),
            ("delta", Value::Span(millis(50))),
            ("deposit", Value::Count(777)),
            ("workload.flow", Value::Choice("santa-fe")),
            ("workload.interval", Value::Span(millis(40))),
        ],
    );
    let mut pump = Pump::new(exchange, 4).delays(Span(1), millis(40)).seed(4);
    pump.run(at(3_000));
    pump.crash(NodeId(4));
    let facts = pump.run(at(10_000));
    let forfeited = of(&facts, ExchangeMetric::Forfeited);
    assert!(forfeited > 0);
    let venue = &state(&pump, 1).venue;
    assert_eq!(venue.fees(), i128::from(forfeited) * 777);
    let found: Vec<_> =
        pump.findings().into_iter().filter(|it| it.judge != "answered in time").collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn front_runners_and_sandwiches_gain() {
    for name in ["front-runner", "sandwich"] {
        let gains: i64 = (0..4).map(|seed| net(&attacked(name, 1, "none", seed).1)).sum();
        assert!(gains > 0, "{name}: {gains}");
    }
}

/// Leaders take turns in HotStuff: who is one of four proposes a quarter of the blocks, and what insiders gain
/// grows in proportion to that.
#[test]
fn gains_grow_in_proportion_to_the_share_of_blocks() {
    let gain = |count| -> (f64, f64) {
        let run = |seed| attacked_over(("hotstuff", 4), "sandwich", count, "none", seed).1;
        let runs: Vec<RunFacts> = (0..8).map(run).collect();
        let sum = |metric| runs.iter().map(|facts| of(facts, metric)).sum::<u64>() as f64;
        let blocks = sum(ExchangeMetric::InsiderBlocks) / sum(ExchangeMetric::Blocks);
        (blocks, runs.iter().map(net).sum::<i64>() as f64)
    };
    let found: Vec<(f64, f64)> = (1..=4).map(gain).collect();
    let all = found[3].1;
    assert!(all > 0.0 && (found[3].0 - 1.0).abs() < 1e-9, "{found:?}");
    for (count, (blocks, gained)) in (1..).zip(&found) {
        let share = f64::from(count) / 4.0;
        assert!((blocks - share).abs() < 0.05, "{found:?}");
        assert!((gained / all - share).abs() < 0.2, "{found:?}");
    }
}

/// The same requests in any order are the same block to an auction: its proposer's order is worth exactly 0.
#[test]
fn the_order_of_a_block_is_worth_nothing_in_an_auction() {
    let (pump, _) = attacked("front-runner", 1, "batch", 3);
    let (exchange, before) = (pump.protocol(), state(&pump, 2));
    let mut steps: Vec<Step> = (0..8u32)
        .map(|account| {
            let signer = exchange.terrain.layout.owner(0, account).expect("a trader");
            let request = before.next_request(signer);
            let id = OrderId::new(account, crate::state::number_of(request));
            let side = if account % 2 == 0 { Side::Bid } else { Side::Ask };
            let order =
                Order::limit(id, side, 15_000 + i64::from(account % 3), 5 + i64::from(account));
            Step::Request { signer, request, command: Command::Place(order), other: 0 }
        })
        .collect();
    let mut ends = Vec::new();
    for turn in 0..24 {
        let outcome = before.execute(&exchange.terrain, (1, 9, before.time + millis(1)), &steps);
        assert!(!outcome.trades.is_empty());
        let worth = (0..exchange.terrain.layout.accounts()).map(|account| {
            let venue = &outcome.state.venue;
            let cash = venue.account(account).map(|it| it.cash());
            (cash, venue.holding(account, 0).map(|it| it.lots()))
        });
        ends.push((worth.collect::<Vec<_>>(), outcome.state.root()));
        steps.swap(turn % 8, (turn * 5 + 3) % 8);
    }
    assert!(ends.iter().all(|end| *end == ends[0]));
}
