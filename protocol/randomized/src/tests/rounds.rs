//! Runs without an adversary: exact counts and delays.

use anthill_protocol::Message;

use super::*;
use crate::messages::RandomizedMessage;
use crate::metrics::RandomizedMetric;

fn count(facts: &anthill_protocol::RunFacts, kind: &str) -> u64 {
    let place = RandomizedMessage::KINDS.iter().position(|name| *name == kind);
    facts.totals.messages_by_kind[place.expect("a kind")]
}

/// A round of nodes that begin with one bit takes three delays and 3n(n - 1) messages.
#[test]
fn mmr_unanimous() {
    for nodes in 4..=12 {
        let faults = (nodes - 1) / 3;
        for (seed, inputs) in [(1, "zeros"), (2, "ones"), (3, "zeros"), (4, "ones")] {
            let mut pump = run("mmr", nodes, faults.into()).word("inputs", inputs).pump(seed);
            let facts = pump.run(Time::MAX);
            let last = ends(&pump)[0].expect("decided");
            let each = u64::from(nodes * (nodes - 1) * last);
            for kind in ["bval", "aux", "conf"] {
                assert_eq!(count(&facts, kind), each, "n = {nodes}, {kind}");
            }
            assert_eq!(facts.totals.messages, 3 * each);
            assert_eq!(facts.last_event, Time::ZERO + D * (3 * u64::from(last)));
            assert_eq!(facts.totals.of(RandomizedMetric::Decided), u64::from(nodes));
            assert_eq!(facts.totals.of(RandomizedMetric::Rounds), u64::from(last));
            let wanted = inputs == "ones";
            let decided = |says: &Says| match says {
                Says::Decided { bit, .. } => Some(*bit),
                _ => None,
            };
            assert!(pump.outputs().iter().filter_map(|s| decided(&s.output)).all(|b| b == wanted));
            judged_fine(&mut pump);
        }
    }
}

/// Shares of a coin are one more exchange.
#[test]
fn mmr_with_shares() {
    let mut pump = run("mmr", 7, 2).word("inputs", "ones").count("coin_threshold", 5).pump(1);
    let facts = pump.run(Time::MAX);
    let last = ends(&pump)[0].expect("decided");
    assert_eq!(count(&facts, "share"), u64::from(42 * last));
    assert_eq!(facts.totals.messages, 4 * u64::from(42 * last));
    assert_eq!(facts.last_event, Time::ZERO + D * (4 * u64::from(last)));
}

/// P(undecided after E) = 2^-E if all begin with one bit, 2^-(E-1) if all see both.
#[test]
fn mmr_distributions() {
    let mut pump = run("mmr", 4, 1).word("inputs", "ones").instances(2_000).pump(5);
    let facts = pump.run(Time::MAX);
    let last = ends(&pump);
    follows("unanimous", &last, 12, half_to);
    // What the summary shows is the same.
    let all = facts.totals.of(RandomizedMetric::Agreements);
    assert_eq!(all, 2_000);
    for (metric, after) in RandomizedMetric::UNDECIDED_AFTER.iter().zip(1..) {
        assert_eq!(facts.totals.of(*metric) as f64 / all as f64, undecided(&last, after));
    }
    judged_fine(&mut pump);
    for (nodes, faults) in [(4, 1), (5, 1), (6, 1), (7, 2), (10, 3)] {
        let both = run("mmr", nodes, faults).adversary("both-schedule");
        let last = ends_of(&both, 400, true);
        follows(&format!("{nodes}"), &last, 12, |after| half_to(after - 1));
    }
}

/// An epoch of nodes that begin with one bit decides, in two delays; then all ask for a coin.
#[test]
fn shi_unanimous() {
    for nodes in 4..=12u32 {
        let faults = (nodes - 1) / 3;
        let mut pump = run("shi", nodes, faults.into()).word("inputs", "ones").pump(1);
        let facts = pump.run(Time::MAX);
        assert_eq!(ends(&pump), [Some(1)]);
        let each = u64::from(nodes * (nodes - 1));
        for kind in ["pre-vote", "main-vote", "share"] {
            assert_eq!(count(&facts, kind), each);
        }
        assert_eq!(facts.totals.messages, 3 * each);
        assert_eq!(facts.totals.of(RandomizedMetric::Refused), 0);
        assert!(pump.outputs().iter().all(|said| match said.output {
            Says::Decided { bit, round, .. } =>
                bit && round == 1 && said.at.time == Time::ZERO + D * 2,
            _ => true,
        }));
        judged_fine(&mut pump);
    }
}

#[test]
fn ben_or_unanimous() {
    for (nodes, faults, tolerates) in
        [(3, 1, "crashes"), (8, 3, "crashes"), (6, 1, "lies"), (11, 2, "lies")]
    {
        let ones = run("ben-or", nodes, faults).word("inputs", "ones").word("tolerates", tolerates);
        let mut pump = ones.pump(1);
        let facts = pump.run(Time::MAX);
        assert_eq!(ends(&pump), [Some(1)]);
        assert_eq!(facts.totals.messages, u64::from(2 * nodes * (nodes - 1)));
        assert_eq!(facts.last_event, Time::ZERO + D * 2);
        judged_fine(&mut pump);
    }
}

/// Whatever the delays, everybody decides the same, and soon.
#[test]
fn random_delays_are_survived() {
    for rules in ["mmr", "shi", "ben-or"] {
        for nodes in [2, 3, 4, 5, 6, 7, 8, 9] {
            let faults = if rules == "ben-or" { (nodes - 1) / 2 } else { (nodes - 1) / 3 };
            for seed in 0..10 {
                let random = run(rules, nodes, faults.into()).word("inputs", "random");
                let mut pump =
                    random.instances(3).pump(seed).delays(Span(1), D * 20).duplicate(0.1);
                pump.run(Time::MAX);
                assert!(ends(&pump).iter().all(Option::is_some), "{rules} {nodes} {seed}");
                assert_eq!(pump.findings(), []);
            }
        }
    }
}

/// f nodes that never start are no obstacle, one more is.
#[test]
fn as_many_as_f_may_be_down() {
    for (rules, nodes, faults) in
        [("mmr", 7, 2), ("shi", 7, 2), ("mmr", 9, 2), ("ben-or", 7, 3), ("ben-or", 8, 3)]
    {
        for down in [faults, faults + 1] {
            let mut pump = run(rules, nodes, faults.into()).pump(9);
            pump.run(Time(1));
            for node in 0..down {
                pump.crash(anthill_protocol::NodeId(node));
            }
            pump.run(Time::MAX);
            let decisions =
                pump.outputs().iter().filter(|s| matches!(s.output, Says::Decided { .. }));
            let expected = if down == faults { nodes - faults } else { 0 };
            assert_eq!(decisions.count() as u32, expected, "{rules} {nodes} {down}");
        }
    }
}

/// Groups agree by themselves, each on its own bit.
#[test]
fn groups_are_apart() {
    let mut pump =
        run("mmr", 400, 1).count("group", 4).word("inputs", "random").instances(2).pump(2);
    pump.run(Time::MAX);
    let last = ends(&pump);
    assert_eq!(last.len(), 200);
    assert!(last.iter().all(Option::is_some));
    judged_fine(&mut pump);
}
