//! Adversaries: up to f of them break nothing, f + 1 break agreement, and a planted error is found.

use anthill_protocol::behaviour::silent;
use anthill_protocol::judge::Finding;
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{NodeId, Span, Time};

use super::{Planted, attacked, chain, hotstuff, millis};
use crate::hotstuff::{HotStuff, HotStuffMetric};

fn equivocators(n: u32, count: u32, length: u64, tenure: u64) -> Pump<HotStuff> {
    let set = [
        chain(length),
        ("tenure", Value::Count(tenure)),
        ("adversary.count", Value::Count(count.into())),
    ];
    Pump::new(attacked(n, Some("equivocating-leader"), &set), n)
}

/// With f of them at most one of two blocks of a view is certified; with f + 1 of n = 3f + 1 both are, and
/// once they lead `chain` + 1 views in a row both sides commit.
#[test]
fn f_equivocators_hold_and_one_more_breaks_agreement() {
    for (n, length, tenure) in
        [(4, 3, 2), (4, 2, 2), (7, 2, 1), (7, 3, 2), (10, 3, 1), (13, 3, 1), (10, 2, 1)]
    {
        let faults = (n - 1) / 3;
        let mut pump = equivocators(n, faults, length, tenure);
        let facts = pump.run(millis(120_000));
        assert_eq!(pump.findings(), [], "{n} replicas, chain {length}");
        assert!(facts.totals.of(HotStuffMetric::Blocks) > 20, "{n} replicas, chain {length}");
        let judged = pump.judged();
        assert!(judged.iter().all(|check| check.ok), "{judged:?}");

        let mut pump = equivocators(n, faults + 1, length, tenure);
        pump.run(millis(120_000));
        let found = pump.findings().into_iter().find(|finding| finding.judge == "one chain");
        let Finding { about, expected, .. } = found.expect("agreement is broken");
        assert!(expected && about.contains("Committed { height: "), "{about}");
    }
}

/// Quorums of other residues tolerate no more than f, and f + 1 need not be enough to break them.
#[test]
fn f_equivocators_hold_for_all_residues() {
    for n in [5, 6, 8, 9, 11, 12] {
        for length in [2, 3] {
            let mut pump = equivocators(n, (n - 1) / 3, length, 2)
                .delays(Span::from_millis(5), Span::from_millis(30));
            let facts = pump.run(millis(60_000));
            assert_eq!(pump.findings(), [], "{n} replicas");
            assert!(facts.totals.of(HotStuffMetric::Blocks) > 10, "{n} replicas, chain {length}");
        }
    }
}

/// Three chains among seven with two such leaders are live, too, though no bound promises it.
#[test]
fn withheld_certificates_cost_views_and_nothing_else() {
    for (n, length) in [(7, 3), (7, 2), (9, 3), (4, 2)] {
        let it = attacked(n, Some("withholding-leader"), &[chain(length)]);
        let mut pump = Pump::new(it, n);
        let facts = pump.run(millis(120_000));
        let blocks = facts.totals.of(HotStuffMetric::Blocks);
        assert!(blocks > 30, "{n} replicas, chain {length}: {blocks}");
        assert!(facts.totals.of(HotStuffMetric::ViewChanges) > 0);
        let judged = pump.judged();
        assert!(judged.iter().all(|check| check.ok), "{judged:?}");
    }
}

/// Small runs with delays about as long as a view's time, a silent replica in half of them, and a
/// partition in a third: the first that a judge objects to.
fn hunt(planted: Planted, length: u64, runs: u64) -> Option<(u64, Finding)> {
    (0..runs).find_map(|seed| {
        let n = 4 + (seed % 4) as u32;
        let view = Value::Span(Span::from_millis(100));
        let mut it = hotstuff(n, &[chain(length), ("view_timeout", view)]);
        it.planted = planted;
        let most = Span::from_millis([60, 120, 250][(seed % 3) as usize]);
        let mut pump = Pump::new(it, n).seed(seed).delays(Span::from_millis(1), most);
        if seed % 2 == 0 {
            pump = pump.hold(NodeId(seed as u32 / 2 % n), silent(Time::ZERO));
        }
        if seed % 3 == 0 {
            pump = pump.cut(&[NodeId(1), NodeId(2)], seed % 2 == 1, millis(500), millis(1_000));
        }
        pump.run(millis(5_000));
        let found = pump.findings().into_iter().next()?;
        Some((seed, found))
    })
}

/// Jolteon's safety rests on it that whoever has given up a view does not vote in it (section 3): else the
/// certificates that a leader is shown after a time-out need not contain the highest.
#[test]
fn a_vote_after_a_time_out_is_found() {
    let planted = Planted { votes_after_time_out: true };
    let (seed, found) = hunt(planted, 2, 1_000).expect("within a thousand runs");
    assert!(seed < 100, "found in run {seed}");
    assert_eq!((found.judge, found.expected), ("one chain", false));
    assert_eq!(hunt(Planted::default(), 2, 400), None);
    // Three-chains do not need the rule, and are not bound by it.
    assert_eq!(hunt(Planted::default(), 3, 400), None);
    // Without anything that goes wrong the error does not show.
    let mut it = hotstuff(7, &[chain(2)]);
    it.planted = planted;
    let mut pump = Pump::new(it, 7);
    pump.run(millis(10_000));
    assert!(pump.judged().iter().all(|check| check.ok));
}
