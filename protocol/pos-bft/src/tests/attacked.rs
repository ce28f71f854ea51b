//! Each adversary, below a third: it may cost time, and nothing else; and what becomes of its stake.

use anthill_protocol::behaviour::twins;
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{NodeId, RunFacts, Span, Time};

use super::normal::{chain, decisions, fitted, pump, raw};
use crate::attacks::{Attack, Conduct};
use crate::messages::{ChainMetric, ChainOutput};
use crate::protocol::PosBft;

fn attacked(
    n: u32,
    (conduct, count): (Conduct, u32),
    changes: &[(&str, Value)],
) -> (Pump<PosBft>, RunFacts) {
    let mut changes = changes.to_vec();
    if !changes.iter().any(|it| it.0 == "heights") {
        changes.push(("heights", Value::Count(12)));
    }
    let mut protocol = raw(&changes);
    protocol.attack = Some(Attack::of(conduct, count));
    let mut pump = pump(fitted(protocol, n));
    let facts = pump.run(Time::ZERO + Span::from_secs(1_000));
    for check in pump.judged() {
        assert!(check.ok || check.name == "validity", "{conduct:?}: {check:?}");
        assert!(check.not_judged.is_none(), "{conduct:?}: {check:?}");
    }
    (pump, facts)
}

/// The stake of a validator at the end.
fn stake(pump: &Pump<PosBft>, node: u32) -> u64 {
    let honest = pump.node(NodeId(6)).and_then(|it| it.server()).expect("a server");
    let bodies = pump.bodies();
    let tip = honest.decided.map(|it| it.block).or(honest.tip);
    pump.protocol().outcome(tip, bodies).ledger.candidates[node as usize].stake
}

/// 3 d + timeout_prevote + timeout_precommit after a double proposal: 2.3 s more than 300 ms.
#[test]
fn a_double_proposal_costs_a_round() {
    let (pump, _) = attacked(4, (Conduct::Double, 1), &[("heights", Value::Count(8))]);
    let rounds: Vec<u32> = decisions(&pump, 1).iter().map(|it| it.1).collect();
    assert_eq!(rounds[0], 1);
    assert_eq!(decisions(&pump, 1)[0].0, 2_600.0);
}

#[test]
fn fewer_than_a_third_break_nothing() {
    let kinds = [
        Conduct::Silent,
        Conduct::Double,
        Conduct::Split,
        Conduct::Amnesiac,
        Conduct::Selective,
        Conduct::FalseRoot,
        Conduct::Grinder,
        Conduct::Forger,
    ];
    for kind in kinds {
        for (n, count) in [(4, 1), (5, 1), (6, 1), (7, 2)] {
            let (_, facts) = attacked(n, (kind, count), &[]);
            let honest = u64::from(n - count);
            assert_eq!(facts.totals.of(ChainMetric::Decided), 12 * honest, "{kind:?}");
            assert_eq!(facts.totals.of(ChainMetric::HonestSlashed), 0);
        }
    }
}

/// Two votes cost a twentieth, also of what has been unbonded since; without T5 it is gone.
#[test]
fn unbonding_does_not_save_who_voted_twice() {
    for holds in [true, false] {
        let changes = [("t5", Value::Flag(holds)), ("execution", Value::Choice("transfer"))];
        let (pump, facts) = attacked(7, (Conduct::SelfUnbonder, 1), &changes);
        // All of it is unbonded; what it has is its part of the fees.
        assert!(stake(&pump, 0) < 1_000);
        let slashed = facts.totals.of(ChainMetric::Slashed);
        let least = if holds { 50_000 } else { 0 };
        assert!((least..least + 100).contains(&slashed), "{slashed}: a twentieth of its fees, too");
        let outs =
            pump.outputs().iter().filter(|it| matches!(it.output, ChainOutput::Slashed { .. }));
        assert!(outs.count() > 0);
    }
}

/// Spam reaches no block.
#[test]
fn spam_is_not_let_in() {
    let changes = [("execution", Value::Choice("transfer")), ("heights", Value::Count(3))];
    let (_, facts) = attacked(4, (Conduct::Spammer, 1), &changes);
    assert_eq!(facts.totals.of(ChainMetric::Fuel), 0);
}

/// A proposer with share s that tries g blocks proposes s / ((1 - s)^g + s) of all: .350506 for a tenth and
/// sixteen. An ideal seed leaves it its tenth.
#[test]
fn grinding_a_seed_pays() {
    let share = |seed: &'static str| {
        let changes = [
            ("heights", Value::Count(2_000)),
            ("proposer", Value::Choice("random")),
            ("seed", Value::Choice(seed)),
            ("timeout_commit", Value::Span(Span::ZERO)),
        ];
        let mut protocol = raw(&changes);
        protocol.attack = Some(Attack::of(Conduct::Grinder, 1));
        protocol.given = vec![10, 30, 30, 30];
        let mut pump = pump(fitted(protocol, 4));
        pump.run(Time::ZERO + Span::from_secs(10_000));
        let honest = pump.node(NodeId(1)).and_then(|it| it.server()).expect("a server");
        let tip = honest.decided.map(|it| it.block).or(honest.tip);
        let ledger = &pump.protocol().outcome(tip, pump.bodies()).ledger;
        f64::from(ledger.candidates[0].proposed) / 2_000.0
    };
    // A grinder's turns come in long rows: the deviation of its share is √(6 s (1 - s) / N), 0.026.
    let (chain, ideal) = (share("chain"), share("ideal"));
    assert!((chain - 0.350_506).abs() < 0.1, "{chain}");
    assert!((ideal - 0.1).abs() < 0.028, "{ideal}");
}

/// Light clients follow the chain; those whose validator lies to them believe nothing of it.
#[test]
fn light_clients_do_not_believe_lunatics() {
    for count in [0, 1] {
        let changes = [
            ("heights", Value::Count(8)),
            ("users", Value::Count(8)),
            ("light", Value::Span(Span::from_secs(2))),
        ];
        let mut protocol = raw(&changes);
        protocol.attack = (count > 0).then(|| Attack::of(Conduct::Lunatic, count));
        let mut pump = pump(fitted(protocol, 12));
        let facts = pump.run(Time::ZERO + Span::from_secs(100));
        let is_fine = |it: &anthill_protocol::Check| it.ok || it.name == "validity";
        assert!(pump.judged().iter().all(is_fine), "{:?}", pump.judged());
        let believed = pump.outputs().iter().filter_map(|it| match it.output {
            ChainOutput::Trusted { .. } => Some(it.node.0),
            _ => None,
        });
        let mut believed: Vec<u32> = believed.collect();
        believed.sort_unstable();
        believed.dedup();
        // Users 4 and 8 ask validator 0.
        let all = [4, 5, 6, 7, 8, 9, 10, 11];
        let others = [5, 6, 7, 9, 10, 11];
        assert_eq!(believed, if count == 0 { all.to_vec() } else { others.to_vec() });
        assert_eq!(facts.totals.of(ChainMetric::RefusedHeaders) > 0, count > 0);
        assert!(facts.totals.of(ChainMetric::LightHeaders) > 0);
    }
}

/// Twins make a block twice: two bodies of one name. Whoever builds upon the one builds upon the other, too.
#[test]
fn twins_that_make_one_block_twice_do_not_divide_the_others() {
    let protocol = chain(16, &[("heights", Value::Count(20))]);
    let liars = [0, 4, 8, 12].map(NodeId);
    let mut pump = pump(protocol);
    for liar in liars {
        pump = pump.hold(liar, twins(|node| node.0 % 2 == 0));
    }
    pump.run(Time::ZERO + Span::from_secs(600));
    for node in (0..16).filter(|node| !liars.contains(&NodeId(*node))) {
        // The run ends at 320 decisions, those of liars among them.
        assert!(decisions(&pump, node).len() >= 16, "node {node}");
    }
}
