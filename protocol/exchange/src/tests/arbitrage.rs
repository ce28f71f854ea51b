//! Trades over two venues: naive, hash-time-locked, and two-phase with a log for a coordinator.

use anthill_protocol::behaviour::{Act, Edited, Tap};

use super::*;
use crate::body::{Stated, Statement};
use crate::exchange::TraderNode;
use crate::messages::{Attested, ExchangeMessage, Says};

fn across(way: &'static str, over: &'static str, nodes: u32, more: &[(&str, Value)]) -> Exchange {
    let mut set = vec![
        ("over", Value::Choice(over)),
        ("venues", Value::Count(2)),
        ("traders", Value::Count(4)),
        ("arbitrage", Value::Choice(way)),
        ("workload.flow", Value::Choice("poisson")),
        ("workload.interval", Value::Span(millis(200))),
        ("delta", Value::Span(millis(50))),
        ("taker_fee", Value::Count(10)),
    ];
    set.extend(more);
    exchange(nodes, &set)
}

/// How many attempts ended with both legs, one, or none.
fn ends(pump: &Pump<Exchange>) -> [u32; 3] {
    let mut ends = [0; 3];
    for said in pump.outputs() {
        if let Says::Concluded { both, one, .. } = said.output {
            ends[if both {
                0
            } else if one {
                1
            } else {
                2
            }] += 1;
        }
    }
    ends
}

/// Legs that have been reserved since before the last partition healed.
fn reservations(pump: &Pump<Exchange>, replicas: u32) -> usize {
    (0..replicas)
        .filter(|node| pump.node(NodeId(*node)).is_some())
        .map(|node| {
            let old = |since| since < 30_000;
            state(pump, node).venue.reservations().filter(|it| old(it.since)).count()
        })
        .sum()
}

#[test]
fn opportunities_are_found_and_taken_in_every_way() {
    for over in ["pbft", "raft"] {
        for (way, nodes) in [("naive", 8), ("htlc", 8), ("two-phase", 12)] {
            let mut pump = Pump::new(across(way, over, nodes, &[]), nodes)
                .delays(Span(1), millis(40))
                .bound(millis(40))
                .seed(5);
            let facts = pump.run(at(30_000));
            let [found, attempted, taken] =
                [ExchangeMetric::Found, ExchangeMetric::Attempted, ExchangeMetric::Taken]
                    .map(|metric| of(&facts, metric));
            assert!(
                found >= attempted && attempted > 3 && taken > 1,
                "{way} {found} {attempted} {taken}"
            );
            assert_eq!(u64::from(ends(&pump)[0]), taken, "{way}");
            assert!(of(&facts, ExchangeMetric::Profit) > 0, "{way}");
            is_sound(&mut pump, &facts);
            if way == "two-phase" {
                assert_eq!(of(&facts, ExchangeMetric::OneLeg), 0);
            }
        }
    }
}

/// The same partitions and crashes for each way: a chain is cut off for a while, the arbitrageur may go down
/// for good. What one leg alone costs naive orders and hash locks, no log decides.
fn tormented(way: &'static str, seed: u64) -> Pump<Exchange> {
    let nodes = if way == "two-phase" { 12 } else { 8 };
    let exchange = across(way, "pbft", nodes, &[("lock_timeout", Value::Span(millis(1_500)))]);
    let mut pump = Pump::new(exchange, nodes).delays(Span(1), millis(40)).seed(seed);
    let luck = |n: u64, bound: u64| anthill_protocol::draw::mix(seed, n) % bound;
    for cut in 0..3 {
        let chain = luck(cut, u64::from(nodes / 4)) as u32;
        let side: Vec<NodeId> = (4 * chain..4 * chain + 4).map(NodeId).collect();
        let from = 1_500 + 6_000 * cut + luck(10 + cut, 2_000);
        pump = pump.cut(&side, false, at(from), at(from + 500 + luck(20 + cut, 4_000)));
    }
    let arbitrageur = NodeId(nodes + 8);
    if luck(30, 2) == 0 {
        pump.run(at(3_000 + luck(31, 9_000)));
        pump.crash(arbitrageur);
    }
    pump.run(at(45_000));
    pump
}

#[test]
fn both_legs_or_neither_under_partitions_and_crashes() {
    let mut reserved = 0;
    for seed in 0..6 {
        let pump = tormented("two-phase", seed);
        assert!(pump.findings().is_empty(), "seed {seed}: {:?}", pump.findings());
        assert_eq!(ends(&pump)[1], 0, "seed {seed}");
        // All has healed: no leg waits for ever, whoever has gone.
        assert_eq!(reservations(&pump, 12), 0, "seed {seed}");
        reserved +=
            pump.outputs().iter().filter(|it| matches!(it.output, Says::Leg { .. })).count();
    }
    assert!(reserved > 50, "{reserved} legs at replicas");
}

/// `cargo test --release -p anthill-exchange --lib -- --ignored --nocapture ten_thousand`
#[test]
#[ignore = "hours of processor time"]
fn both_legs_or_neither_in_ten_thousand_runs() {
    let (mut attempts, mut legs) = (0, 0);
    for seed in 0..10_000 {
        let pump = tormented("two-phase", seed);
        assert!(pump.findings().is_empty(), "seed {seed}: {:?}", pump.findings());
        assert_eq!((ends(&pump)[1], reservations(&pump, 12)), (0, 0), "seed {seed}");
        attempts += ends(&pump).iter().sum::<u32>();
        legs += pump.outputs().iter().filter(|it| matches!(it.output, Says::Leg { .. })).count();
    }
    println!(
        "10,000 runs, {attempts} attempts concluded, {legs} legs ended at replicas; one leg: 0"
    );
    assert!(attempts > 10_000 && legs > 10_000, "{attempts} {legs}");
}

#[test]
fn other_ways_leave_one_leg() {
    for way in ["naive", "htlc"] {
        assert!((0..20).any(|seed| ends(&tormented(way, seed))[1] > 0), "{way}");
    }
}

/// f + 1 replicas of the coordinator that tell one venue to commit and the other to abort.
#[test]
fn beyond_f_both_legs_or_neither_breaks() {
    let torn = |liars: u32| {
        let exchange = across("two-phase", "pbft", 12, &[]);
        let mut pump = Pump::new(exchange, 12).delays(Span(1), millis(40)).seed(5);
        for liar in 8..8 + liars {
            let lies = Edited(|act, cx: &mut Tap<'_, '_, Exchange>| match act {
                Act::Send {
                    to,
                    slot,
                    message: ExchangeMessage::Attest(Attested { statement, .. }),
                } => {
                    let commit = to.0 < 4;
                    let what = match statement.what {
                        Stated::Decision { .. } => Stated::Decision { commit },
                        other => other,
                    };
                    let statement = Statement { what, ..statement };
                    let digest = statement.digest(anthill_protocol::Context::scenario(cx));
                    let signature = anthill_protocol::Context::sign(cx, &digest);
                    let message = ExchangeMessage::Attest(Attested { statement, signature });
                    cx.act(Act::Send { to, slot, message });
                }
                act => {
                    cx.act(act);
                }
            });
            pump = pump.hold(NodeId(liar), lies);
        }
        pump.run(at(30_000));
        pump.findings()
    };
    assert!(torn(1).is_empty(), "{:?}", torn(1));
    let found = torn(2);
    assert!(found.iter().any(|it| it.judge == "both legs or neither" && it.expected), "{found:?}");
}

#[test]
fn the_arbitrageur_is_a_node_of_its_own() {
    let exchange = across("two-phase", "pbft", 12, &[]);
    let pump = Pump::new(exchange, 12);
    assert_eq!(anthill_protocol::Protocol::extra_nodes(pump.protocol()), 9);
    let mut pump = pump.delay(millis(20));
    pump.run(at(10));
    assert!(matches!(pump.node(NodeId(20)), Some(Node::Arbitrageur(_))));
    assert!(matches!(pump.node(NodeId(19)), Some(Node::Trader(TraderNode(_)))));
}
