//! Attacks on few nodes and tiny delays, against closed forms.

use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{NodeId, RunFacts, Span, Time};

use crate::Nakamoto;
use crate::metric::NakamotoMetric as M;
use crate::tests::{checked, days, nakamoto};

/// Runs a protocol with delays of 5 ms to its end.
fn run(protocol: Nakamoto, nodes: u32, until: Time) -> (Pump<Nakamoto>, RunFacts) {
    let mut pump = Pump::new(protocol, nodes).seed(7).delay(Span::from_millis(5));
    let facts = pump.run(until);
    (pump, facts)
}

fn selfish(share: f64, gamma: f64, blocks: u64) -> Nakamoto {
    let set = [
        ("adversary.share", Value::Share(share)),
        ("adversary.gamma", Value::Share(gamma)),
        ("blocks", Value::Count(blocks)),
        ("relay", Value::Choice("direct")),
    ];
    nakamoto(4, Some("selfish-mining"), &set)
}

#[test]
fn a_selfish_pool_earns_what_eyal_and_sirer_say() {
    for (share, gamma) in [(0.3, 0.0), (0.4, 0.0), (0.25, 0.5), (0.4, 0.5), (0.35, 1.0)] {
        let protocol = selfish(share, gamma, 40_000);
        let (pump, facts) = run(protocol.clone(), 4, days(4_000));
        assert!(facts.quiescent && facts.totals.of(M::Batches) >= 39, "{facts:?}");
        let revenue = checked(&protocol, &facts, "selfish_revenue");
        println!("{share} {gamma}: {revenue:?}");
        assert!(revenue.ok && !revenue.expected_violation, "{share} {gamma}: {revenue:?}");
        let sd = (revenue.interval.1 - revenue.interval.0) / 3.92;
        // The standard deviation of one run is 0.33/√N to 3.6/√N.
        assert!((0.3..4.0).contains(&(sd * 40_000f64.sqrt())), "{sd}");
        let race = checked(&protocol, &facts, "races");
        println!("{race:?}");
        assert!(race.ok && !race.expected_violation, "{race:?}");
        assert!(checked(&protocol, &facts, "chain_quality").ok);
        let breaches: Vec<_> = pump.findings().into_iter().filter(|one| !one.expected).collect();
        assert_eq!(breaches, []);
    }
}

fn double_spend(share: f64, confirmations: u64, attempts: u64) -> Nakamoto {
    let set = [
        ("adversary.share", Value::Share(share)),
        ("adversary.confirmations", Value::Count(confirmations)),
        ("adversary.attempts", Value::Count(attempts)),
        ("relay", Value::Choice("direct")),
    ];
    nakamoto(3, Some("double-spend"), &set)
}

#[test]
fn double_spends_succeed_as_often_as_rosenfeld_says() {
    for (share, confirmations) in [(0.1, 1), (0.1, 2), (0.2, 3), (0.3, 6)] {
        let protocol = double_spend(share, confirmations, 2_000);
        let (_, facts) = run(protocol.clone(), 3, days(40_000));
        assert_eq!(facts.totals.of(M::Attempts), 2_000, "{facts:?}");
        let check = checked(&protocol, &facts, "double_spend_success");
        println!("{check:?}");
        assert!(check.ok && !check.expected_violation, "{share} {confirmations}: {check:?}");
    }
}

#[test]
fn an_eclipsed_victim_is_always_cheated() {
    let set = [
        ("adversary.share", Value::Share(0.3)),
        ("adversary.confirmations", Value::Count(4)),
        ("adversary.attempts", Value::Count(50)),
    ];
    let protocol = nakamoto(6, Some("eclipse"), &set);
    let (pump, facts) = run(protocol.clone(), 6, days(2_000));
    assert_eq!(facts.totals.of(M::Attempts), 50, "{facts:?}");
    let check = checked(&protocol, &facts, "double_spend_success");
    assert!(check.ok && !check.expected_violation, "{check:?}");
    // Nobody but the victim gave up more than a block or two.
    assert!(facts.totals.of(M::DeepestReorg) >= 4);
    let found: Vec<_> = pump.findings().iter().map(|one| (one.judge, one.expected)).collect();
    assert_eq!(found, [("common prefix", true), ("confirmed payments stay", true)]);
}

#[test]
fn withheld_blocks_add_nothing_to_the_chain() {
    let set = [
        ("adversary.share", Value::Share(0.4)),
        ("blocks", Value::Count(3_000)),
        ("relay", Value::Choice("direct")),
    ];
    let protocol = nakamoto(4, Some("withheld-blocks"), &set);
    let (pump, facts) = run(protocol.clone(), 4, days(1_000));
    let growth = checked(&protocol, &facts, "chain_growth");
    assert!(growth.ok && !growth.expected_violation, "{growth:?}");
    assert!((growth.expected - 0.001).abs() < 1e-6, "0.6 of one in 600 s: {growth:?}");
    assert_eq!(facts.totals.of(M::ChainQuality), 3_000);
    assert_eq!(facts.totals.of(M::SelfishRevenue), 0);
    let stale = facts.totals.of(M::StaleRate) as f64 / facts.totals.of(M::Mined) as f64;
    assert!((0.36..0.44).contains(&stale), "{stale}");
    assert_eq!(pump.findings(), []);
}

#[test]
fn blocks_that_come_late_are_mostly_stale() {
    let set = [
        ("adversary.share", Value::Share(0.4)),
        ("adversary.hold", Value::Span(Span::from_secs(1_200))),
        ("blocks", Value::Count(500)),
    ];
    let (pump, facts) = run(nakamoto(4, Some("withheld-blocks"), &set), 4, days(100));
    let (own, chain) = (facts.totals.of(M::SelfishRevenue), facts.totals.of(M::ChainGrowth));
    assert!(own > 0 && (own as f64) < 0.35 * chain as f64, "{own} of {chain}");
    assert!(pump.findings().iter().all(|one| one.expected));
    let tips: Vec<u64> = (0..4).map(|id| pump.node(NodeId(id)).expect("up").tip.id()).collect();
    assert!(tips[..3].iter().all(|tip| *tip == tips[0]), "{tips:?}");
}
