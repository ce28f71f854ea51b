//! What blocks cost beside theory, and rates as a summary shows them.

use anthill_protocol::Metric as _;
use anthill_protocol::complexity::{Cost, Relation};

use super::*;

/// A metric as a summary shows it.
fn figure(facts: &RunFacts, metric: M) -> f64 {
    let values = &facts.totals.values;
    let (total, nodes) = (values[metric.index()], facts.nodes.into());
    M::ALL[metric.index()].figure(total, values, nodes).expect("a figure")
}

#[test]
fn a_block_costs_what_theory_says() {
    for relay in ["inv", "compact", "direct"] {
        for nodes in [1u32, 2, 3, 7, 20] {
            let set = [("relay", Value::Choice(relay)), ("blocks", Value::Count(40))];
            let rings = |n: u32| vec![NodeId((n + 1) % nodes), NodeId((n + nodes - 1) % nodes)];
            for is_ring in [false, true].into_iter().take(1 + usize::from(nodes > 2)) {
                let mut pump = Pump::new(nakamoto(nodes, None, &set), nodes).seed(4);
                if is_ring {
                    pump = pump.topology((0..nodes).map(rings).collect());
                }
                let facts = pump.run(days(30));
                let theory = pump.protocol().complexity(nodes);
                let blocks = theory.decisions::<M>(&facts.totals, facts.nodes);
                assert_eq!(blocks, Some(40.0));
                let law = theory.law(Cost::Messages).expect("a law");
                assert_eq!(law.relation, Relation::AtLeast);
                let measured = facts.totals.messages as f64 / 40.0;
                assert!(measured >= law.expected, "{relay} {nodes}: {measured}, {}", law.expected);
                // On a ring there are hardly more.
                let others = f64::from(nodes - 1);
                assert!(!is_ring || measured <= law.expected + others / 2.0 + 3.0, "{measured}");
            }
        }
    }
}

#[test]
fn rates_are_ratios() {
    let set = [("blocks", Value::Count(300)), ("interval", Value::Span(Span::from_secs(1)))];
    let mut pump = Pump::new(nakamoto(10, None, &set), 10).seed(2).delay(Span::from_millis(100));
    let facts = pump.run(days(1));
    let of = |metric: M| facts.totals.of(metric) as f64;
    assert_eq!(of(M::ChainBlocks), 300.0);
    let stale = of(M::Mined) - 300.0;
    assert!(stale > 0.0);
    assert_eq!(figure(&facts, M::StaleRate), stale / of(M::Mined));
    assert_eq!((figure(&facts, M::ChainQuality), figure(&facts, M::SelfishRevenue)), (1.0, 0.0));
    let growth = 300.0 / (of(M::LastTip) / 1e6);
    assert!((figure(&facts, M::ChainGrowth) / growth - 1.0).abs() < 1e-12);
    // The checks show the same.
    let protocol = pump.protocol();
    let measured = checked(protocol, &facts, "chain_growth").measured;
    assert!((measured / growth - 1.0).abs() < 1e-12);
    let measured = checked(protocol, &facts, "stale_rate").measured;
    assert_eq!(measured, figure(&facts, M::StaleRate));
}

#[test]
fn an_attackers_rates_are_of_the_chain_and_of_attempts() {
    let set = [("adversary.share", Value::Share(0.3)), ("blocks", Value::Count(2_000))];
    let mut pump = Pump::new(nakamoto(4, Some("selfish-mining"), &set), 4).seed(5);
    let facts = pump.run(days(1_000));
    let parts = figure(&facts, M::ChainQuality) + figure(&facts, M::SelfishRevenue);
    assert!((parts - 1.0).abs() < 1e-12, "{parts}");
    assert!((0.0..=1.0).contains(&figure(&facts, M::RacesOnPool)));
    let set = [("adversary.share", Value::Share(0.3))];
    let mut pump = Pump::new(nakamoto(4, Some("double-spend"), &set), 4).seed(5);
    let facts = pump.run(days(1_000));
    let successes = facts.totals.of(M::DoubleSpendSuccess) as f64;
    let share = successes / facts.totals.of(M::Attempts) as f64;
    assert!(share > 0.0 && share < 1.0);
    assert_eq!(figure(&facts, M::DoubleSpendSuccess), share);
}
