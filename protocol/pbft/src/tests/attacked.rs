//! Faulty primaries, colluders, crashes, losses.

use anthill_protocol::behaviour::silent;
use anthill_protocol::judge::Finding;
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure as _, NodeId, Span, Time};

use super::normal::{pbft, pump, run};
use crate::attacks::{Attack, Conduct, fit};
use crate::checks::sent;
use crate::messages::{PbftMetric, PbftOutput};
use crate::protocol::{Node, Pbft};
use crate::replica::Replica;

const AUTHS: [&str; 2] = ["signature", "mac"];

/// A protocol with an attack by so many of the first replicas.
fn attacked(n: u32, settings: &[(&str, Value)], conduct: Conduct, count: u32) -> Pbft {
    let mut pbft = pbft(n, settings);
    pbft.attack = Some(Attack::of(conduct, count));
    fit(&mut pbft).expect("fits");
    pbft
}

fn replica(pump: &Pump<Pbft>, node: u32) -> &Replica {
    match pump.node(NodeId(node)) {
        Some(Node::Replica(replica)) => replica,
        other => panic!("no replica: {other:?}"),
    }
}

/// What was found except by the judges of liveness, which a pump does not tell of losses and crashes.
pub(crate) fn unsafe_findings(pump: &Pump<Pbft>) -> Vec<Finding> {
    let is_safety = |it: &Finding| !["answered", "executed by all"].contains(&it.judge);
    pump.findings().into_iter().filter(is_safety).collect()
}

fn assert_all_judged(pump: &mut Pump<Pbft>, about: &str) {
    for check in pump.judged() {
        assert!(check.ok && !check.expected_violation, "{about}: {check:?}");
    }
}

#[test]
fn one_silent_primary_costs_one_view_change() {
    for n in 4..=14 {
        for auth in AUTHS {
            let settings = [("requests", Value::Count(8)), ("auth", Value::Choice(auth))];
            let mut pump = pump(attacked(n, &settings, Conduct::Silent, 1));
            let facts = run(&mut pump);
            let others = u64::from(n) - 1;
            assert_eq!(sent(&facts, "view-change"), others * others, "{n} {auth}");
            assert_eq!(sent(&facts, "new-view"), others, "{n} {auth}");
            assert_eq!(facts.totals.of(PbftMetric::Committed), 8, "{n} {auth}");
            assert_eq!(facts.totals.of(PbftMetric::Rounds), 1);
            // With MACs all but sender and primary acknowledge each view change to the primary.
            let acks = if auth == "mac" { (others - 1) * (others - 2) } else { 0 };
            assert_eq!(sent(&facts, "view-change-ack"), acks, "{n} {auth}");
            let checks = pump.protocol().checks(&facts);
            assert!(checks.iter().all(|it| it.ok || it.expected_violation), "{checks:?}");
            assert!(checks.iter().filter(|it| it.name.contains("view")).all(|it| it.ok));
            assert_all_judged(&mut pump, auth);
        }
    }
}

/// Timeouts of f silent primaries one after the other: T at the client, then T, 2 T, 4 T …
#[test]
fn timeouts_double_with_every_silent_primary() {
    for auth in AUTHS {
        let settings = [("requests", Value::Count(1)), ("auth", Value::Choice(auth))];
        let mut pump =
            pump(attacked(10, &settings, Conduct::Silent, 3)).delay(Span::from_millis(1));
        run(&mut pump);
        let mut times: Vec<u64> = Vec::new();
        for said in pump.outputs() {
            if let PbftOutput::View { v } = said.output {
                assert_eq!(v, 3);
                times.push(said.at.time.0);
            }
        }
        let timeout = 2_000_000_000;
        let least = timeout + timeout + 2 * timeout + 4 * timeout;
        assert!(
            times.len() == 7 && times.iter().all(|at| (least..least + 20_000_000).contains(at))
        );
        assert_all_judged(&mut pump, auth);
    }
}

/// Up to f equivocators split nobody; at n = 3f + 1 one more always does.
#[test]
fn f_hold_and_one_more_breaks() {
    for n in 4..=13 {
        for auth in AUTHS {
            let settings = [("requests", Value::Count(8)), ("auth", Value::Choice(auth))];
            let f = (n - 1) / 3;
            let mut within = pump(attacked(n, &settings, Conduct::Equivocating, f));
            let facts = run(&mut within);
            assert_eq!(within.findings(), [], "{n} {auth}");
            assert_eq!(facts.totals.of(PbftMetric::Committed), 8, "{n} {auth}");
            if n % 3 == 1 {
                let mut beyond = pump(attacked(n, &settings, Conduct::Equivocating, f + 1));
                run(&mut beyond);
                let found = beyond.findings();
                let split = found.iter().find(|finding| finding.judge == "one order");
                assert!(split.is_some_and(|finding| finding.expected), "{n} {auth}: {found:?}");
            }
        }
    }
}

/// A primary that is just quick enough is kept, at a fraction of the speed (Clement et al. 2009).
#[test]
fn a_slow_primary_stays() {
    let settings = [("requests", Value::Count(10)), ("clients", Value::Count(1))];
    let mut slow = pump(attacked(4, &settings, Conduct::Slow(Span::ZERO), 1));
    let facts = run(&mut slow);
    assert_eq!(facts.totals.of(PbftMetric::ViewChanges), 0);
    assert_eq!(facts.totals.of(PbftMetric::Committed), 10);
    assert!(facts.last_event >= Time::ZERO + Span::from_millis(10 * 1_500));
    assert_all_judged(&mut slow, "slow");
    let late = Conduct::Slow(Span::from_secs(60));
    let mut slower = pump(attacked(4, &settings, late, 1));
    assert_eq!(run(&mut slower).totals.of(PbftMetric::ViewChanges), 1);
    assert_all_judged(&mut slower, "too slow");
}

#[test]
fn lost_messages_cost_time_and_no_safety() {
    for seed in 0..20 {
        for auth in AUTHS {
            let settings = [
                ("requests", Value::Count(20)),
                ("checkpoint_interval", Value::Count(4)),
                ("auth", Value::Choice(auth)),
            ];
            let mut pump = pump(pbft(4 + seed as u32 % 4, &settings)).seed(seed).loss(0.1);
            let facts = run(&mut pump);
            assert_eq!(facts.totals.of(PbftMetric::Committed), 20, "{seed} {auth}");
            assert_eq!(unsafe_findings(&pump), [], "{seed} {auth}");
        }
    }
}

#[test]
fn a_replica_that_was_away_takes_over_the_state_of_others() {
    for (auth, keep) in AUTHS.into_iter().flat_map(|auth| [(auth, true), (auth, false)]) {
        let settings = [
            ("requests", Value::Count(200)),
            ("checkpoint_interval", Value::Count(4)),
            ("auth", Value::Choice(auth)),
        ];
        let mut pump = pump(pbft(4, &settings));
        pump.run(Time::ZERO + Span::from_millis(120));
        let old = pump.crash(NodeId(2)).expect("up");
        pump.run(Time::ZERO + Span::from_millis(1_000));
        let behind = replica(&pump, 1).executed;
        pump.restart(NodeId(2), old, keep);
        let facts = run(&mut pump);
        assert!(facts.totals.of(PbftMetric::Transfers) >= 1, "{auth} {keep}");
        assert!(behind > 20 && replica(&pump, 2).executed > behind, "{auth} {keep}");
        assert_eq!(facts.totals.of(PbftMetric::Committed), 200);
        assert_eq!(pump.findings(), [], "{auth} {keep}");
        assert_eq!(replica(&pump, 2).chain, replica(&pump, 1).chain);
    }
}

/// The primary dies in the middle; what it had begun survives, exactly once.
#[test]
fn a_view_change_keeps_what_was_prepared() {
    for at in (10..200).step_by(3) {
        for auth in AUTHS {
            let settings = [
                ("requests", Value::Count(40)),
                ("checkpoint_interval", Value::Count(8)),
                ("auth", Value::Choice(auth)),
            ];
            let mut pump = pump(pbft(7, &settings))
                .seed(at)
                .delays(Span::from_millis(1), Span::from_millis(12));
            pump.run(Time::ZERO + Span::from_millis(at));
            pump.crash(NodeId(0));
            let facts = run(&mut pump);
            assert_eq!(facts.totals.of(PbftMetric::Committed), 40, "{at} {auth}");
            assert_eq!(unsafe_findings(&pump), [], "{at} {auth}");
        }
    }
}

#[test]
fn fewer_than_a_quorum_do_nothing() {
    let mut pump = pump(pbft(7, &[]))
        .hold(NodeId(4), silent(Time::ZERO))
        .hold(NodeId(5), silent(Time::ZERO))
        .hold(NodeId(6), silent(Time::ZERO));
    let facts = pump.run(Time::ZERO + Span::from_secs(60));
    assert_eq!(facts.totals.of(PbftMetric::Executed), 0);
}
