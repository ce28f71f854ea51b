//! Attacks on few nodes and tiny delays, against closed forms.

use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, NodeId, RunFacts, Span, Time};

use super::Plan;
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
    for (share, gamma) in [(0.4, 0.0), (0.25, 0.5), (0.35, 1.0)] {
        let protocol = selfish(share, gamma, 20_000);
        let (pump, facts) = run(protocol.clone(), 4, days(2_000));
        assert!(facts.quiescent && facts.totals.of(M::Batches) == 39, "{facts:?}");
        let revenue = checked(&protocol, &facts, "selfish_revenue");
        assert!(revenue.ok && !revenue.expected_violation, "{share} {gamma}: {revenue:?}");
        let sd = (revenue.interval.1 - revenue.interval.0) / 3.92;
        // The standard deviation of one run is 0.33/√N to 3.6/√N.
        assert!((0.3..4.0).contains(&(sd * 20_000f64.sqrt())), "{sd}");
        assert!((revenue.measured - revenue.expected).abs() < 3.5 * sd, "{revenue:?}");
        assert!(checked(&protocol, &facts, "chain_growth").ok);
        let race = checked(&protocol, &facts, "races");
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
    for (share, confirmations) in [(0.1, 1), (0.2, 3), (0.3, 6)] {
        let protocol = double_spend(share, confirmations, 1_500);
        let (_, facts) = run(protocol.clone(), 3, days(40_000));
        assert_eq!(facts.totals.of(M::Attempts), 1_500, "{facts:?}");
        let check = checked(&protocol, &facts, "double_spend_success");
        assert!(check.ok && !check.expected_violation, "{share} {confirmations}: {check:?}");
        let sd = (check.expected * (1.0 - check.expected) / 1_500.0).sqrt();
        assert!((check.measured - check.expected).abs() < 3.5 * sd, "{check:?}");
    }
}

#[test]
fn whoever_has_most_of_the_hash_rate_spends_twice_whenever_it_wants() {
    let protocol = double_spend(0.7, 6, 100);
    let (pump, facts) = run(protocol.clone(), 3, days(4_000));
    assert_eq!(facts.totals.of(M::Attempts), 100, "{facts:?}");
    assert_eq!(facts.totals.of(M::DoubleSpendSuccess), 100);
    let check = checked(&protocol, &facts, "double_spend_success");
    assert!(check.ok && check.expected_violation, "beyond the bound: {check:?}");
    let names: Vec<_> = pump.findings().iter().map(|one| one.judge).collect();
    assert_eq!(names, ["common prefix", "confirmed payments stay"]);
}

#[test]
fn an_adversary_that_gives_up_early_succeeds_less_often() {
    let mut protocol = double_spend(0.4, 1, 1_000);
    let attack = protocol.attack.as_mut().expect("an attack");
    attack.plan = Plan::DoubleSpend { confirmations: 1, attempts: 1_000, give_up: 1 };
    let (_, facts) = run(protocol.clone(), 3, days(4_000));
    let check = checked(&protocol, &facts, "double_spend_success");
    // Without giving up: 0.8. One behind is the end: from a tie it wins with 0.4.
    let expected = 0.4 + 0.6 * 0.4;
    assert!((check.measured - expected).abs() < 0.05, "{check:?}");
    assert!(check.ok && check.interval.0 < 0.4, "within what giving up may take: {check:?}");
}

/// Adversaries under losses and crashes: nothing panics, and honest nodes build valid chains.
#[test]
fn adversaries_survive_bad_weather() {
    for (kind, seed) in Nakamoto::ADVERSARIES.iter().flat_map(|kind| (0..4).map(move |s| (kind, s)))
    {
        let set = [("adversary.share", Value::Share(0.4)), ("blocks", Value::Count(150))];
        let protocol = nakamoto(5, Some(kind.name), &set);
        let mut pump = Pump::new(protocol, 5).seed(seed).loss(0.1).delay(Span::from_secs(20));
        for round in 1..8u64 {
            let at = Time::ZERO + Span::from_secs(9_000 * round);
            pump.run(at);
            let node = NodeId(((seed + round) % 5) as u32);
            let old = pump.crash(node).expect("up");
            pump.run(at + Span::from_secs(1_500));
            pump.restart(node, old, round % 2 == 0);
        }
        pump.run(days(10));
        let found = pump.findings();
        let always = ["heaviest chain", "first seen", "valid blocks"];
        let broken =
            |one: &&anthill_protocol::judge::Finding| always.contains(&one.judge) && !one.expected;
        assert!(!found.iter().any(|one| broken(&one)), "{}: {found:?}", kind.name);
    }
}

#[test]
fn an_eclipsed_victim_is_always_cheated() {
    for relay in ["inv", "compact", "direct"] {
        let set = [
            ("adversary.share", Value::Share(0.3)),
            ("adversary.confirmations", Value::Count(4)),
            ("adversary.attempts", Value::Count(50)),
            ("relay", Value::Choice(relay)),
        ];
        let protocol = nakamoto(6, Some("eclipse"), &set);
        let (pump, facts) = run(protocol.clone(), 6, days(2_000));
        assert_eq!(facts.totals.of(M::Attempts), 50, "{relay}: {facts:?}");
        let check = checked(&protocol, &facts, "double_spend_success");
        assert!(check.ok && !check.expected_violation, "{relay}: {check:?}");
        assert!(facts.totals.of(M::DeepestReorg) >= 4);
        // The victim's, and nobody else's.
        let found: Vec<_> = pump.findings().iter().map(|one| (one.judge, one.expected)).collect();
        assert_eq!(found, [("common prefix", true), ("confirmed payments stay", true)]);
        let breach = &pump.findings()[0];
        assert!(breach.about.starts_with("n4: "), "{}", breach.about);
    }
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
    let (own, chain) = (facts.totals.of(M::SelfishRevenue), facts.totals.of(M::ChainBlocks));
    assert!(own > 0 && (own as f64) < 0.35 * chain as f64, "{own} of {chain}");
    assert!(pump.findings().iter().all(|one| one.expected));
    let tips: Vec<u64> = (0..4).map(|id| pump.node(NodeId(id)).expect("up").tip.id()).collect();
    assert!(tips[..3].iter().all(|tip| *tip == tips[0]), "{tips:?}");
}
