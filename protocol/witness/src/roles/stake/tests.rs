//! Users join and verifiers leave, and no unit of credit is lost on the way.

use crate::roles::stake::Standing;
use crate::tests::witness;
use crate::{Witness, WitnessMetric};
use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, NodeId, RunFacts, Span, Time};

const NODES: u32 = 200;
const STAKE: u64 = 100_000_000;
const ENDOWMENT: u64 = 1_000_000_000;
const OFF: Value = Value::Choice("off");

const SHORT: [(&str, Value); 6] = [
    ("rollover_period", Value::Span(Span::from_secs(3_600))),
    ("time_to_consistency", Value::Span(Span::from_secs(300))),
    ("timeout", Value::Span(Span::from_secs(2))),
    ("leniency", Value::Span(Span::from_secs(60))),
    ("entropy_rate", Value::Number(0.0)),
    ("workload.events_until", Value::Span(Span::from_secs(900))),
];

/// A run in steps, after each of which credit adds up.
fn run(settings: &[(&'static str, Value)], loss: f64, seconds: u64) -> (Pump<Witness>, RunFacts) {
    let all: Vec<_> = SHORT.iter().chain(settings).copied().collect();
    let mut pump = Pump::new(witness(NODES, &all), NODES).delay(Span::from_millis(50)).loss(loss);
    let mut facts = pump.run(Time::ZERO);
    // Odd steps: within dialogues too.
    let mut now = Span::ZERO;
    while now < Span::from_secs(seconds) {
        now = Span(now.0 + 7_037_000_000);
        facts = pump.run(Time::ZERO + now);
        for check in pump.protocol().checks(&facts) {
            let is_chance = check.name == "honest selections rejected";
            assert!(check.ok || is_chance, "{now}: {check:?}\n{:?}", facts.totals);
        }
    }
    (pump, facts)
}

fn per_day(name: &'static str, rate: f64) -> (&'static str, Value) {
    (name, Value::Number(rate))
}

/// How the nodes stand that have begun to join or leave.
fn standings(pump: &Pump<Witness>) -> Vec<(NodeId, Standing)> {
    let of = |id: u32| Some((NodeId(id), *pump.node(NodeId(id))?.stake.as_deref()?));
    (0..NODES).filter_map(of).collect()
}

#[test]
fn who_joins_stakes_and_is_drawn() {
    let settings = [per_day("workload.join_rate", 40.0), ("workload.rate", Value::Number(20.0))];
    let (pump, facts) = run(&settings, 0.0, 2_400);
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    let joined: Vec<NodeId> = standings(&pump)
        .into_iter()
        .filter(|(_, standing)| *standing == Standing::Joined)
        .map(|(node, _)| node)
        .collect();
    assert!(joined.len() > 20, "{:?}", facts.totals);
    assert_eq!(
        (of(WitnessMetric::Joins), of(WitnessMetric::JoinsFailed)),
        (joined.len() as u64, 0)
    );
    assert_eq!(of(WitnessMetric::Staked), (99 + joined.len() as u64) * STAKE);
    assert_eq!(of(WitnessMetric::EventsUnstaked) + of(WitnessMetric::Refused), 0);
    let busy = |node: &&NodeId| !pump.node(**node).expect("up").book.is_empty();
    assert!(joined.iter().filter(busy).count() > joined.len() / 2, "they watch over funds");
    let genesis = &pump.protocol().genesis;
    assert!(joined.iter().all(|node| genesis.rank(*node).is_none()));
}

/// Credit that somebody has in no wallet is not staked: it does not begin.
#[test]
fn who_has_too_little_does_not_join() {
    let settings = [
        per_day("workload.join_rate", 200.0),
        ("workload.rate", Value::Number(60.0)),
        ("workload.least", Value::Count(50_000_000)),
        ("workload.most", Value::Count(60_000_000)),
        ("endowment", Value::Count(STAKE + 1_000)),
    ];
    let (pump, facts) = run(&settings, 0.0, 1_500);
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    assert!(of(WitnessMetric::JoinsUnfunded) > 10, "{:?}", facts.totals);
    let all = standings(&pump);
    assert!(!all.is_empty() && all.iter().all(|(_, standing)| *standing == Standing::Joined));
}

/// Whoever gives up a join has the credit back, or it expires with the fund that it came from.
#[test]
fn joins_that_are_given_up_cost_no_unit() {
    let settings = [per_day("workload.join_rate", 60.0), ("workload.rate", Value::Number(0.0))];
    let (pump, facts) = run(&settings, 0.45, 9_000);
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    assert!(
        of(WitnessMetric::JoinsFailed) > 5 && of(WitnessMetric::Joins) > 5,
        "{:?}",
        facts.totals
    );
    // All dialogues are over, and what they reserved has rolled over, expired or is staked.
    let rolling: u64 = (2..NODES)
        .filter_map(|id| pump.node(NodeId(id)))
        .flat_map(|node| node.wallet.locked.iter().map(|locked| locked.reserved))
        .sum();
    let paying: u64 = (2..NODES)
        .filter_map(|id| pump.node(NodeId(id)))
        .flat_map(|node| &node.paying)
        .map(|paying| paying.sources.iter().map(|(_, part)| *part).sum::<u64>())
        .sum();
    assert!(of(WitnessMetric::Reserved) <= rolling + paying, "{:?}", facts.totals);
    let joined = of(WitnessMetric::Joins);
    assert_eq!(of(WitnessMetric::Staked), (99 + joined) * STAKE);
    assert!(of(WitnessMetric::Held) <= u64::from(NODES - 2) * ENDOWMENT);
}

fn left(settings: &[(&'static str, Value)], seconds: u64) -> RunFacts {
    let all = [&[per_day("workload.leave_rate", 40.0), per_day("workload.rate", 0.0)], settings];
    run(&all.concat(), 0.0, seconds).1
}

#[test]
fn a_leaver_has_its_stake_back_when_the_rules_say() {
    // The last has left after a quarter of an hour.
    for (rules, out) in [(&[("r7", OFF)][..], 1_300), (&[], 900 + 3_600 + 600 + 100)] {
        let early = left(rules, out - 400).totals;
        let late = left(rules, out).totals;
        let leavers = late.of(WitnessMetric::Leaves);
        assert!((15..60).contains(&leavers), "{late:?}");
        assert_eq!(early.of(WitnessMetric::Leaves), leavers);
        assert!(early.of(WitnessMetric::StakeReleased) < leavers * STAKE, "{rules:?} {early:?}");
        assert_eq!(late.of(WitnessMetric::StakeReleased), leavers * STAKE, "{rules:?}");
        assert_eq!(late.of(WitnessMetric::Staked), (99 - leavers) * STAKE);
        assert_eq!(late.of(WitnessMetric::VerifiersGone), leavers);
    }
    // With R7 nobody has it before the funds that it watches have rolled over.
    assert_eq!(left(&[], 900 + 300).totals.of(WitnessMetric::StakeReleased), 0);
}

/// Those who have joined leave again, and nothing depends on which rules are on.
#[test]
fn joiners_leave_too() {
    for rules in ["corrected", "seed"] {
        let settings = [
            ("rules", Value::Choice(rules)),
            per_day("workload.join_rate", 100.0),
            per_day("workload.leave_rate", 150.0),
            ("workload.rate", Value::Number(1.0)),
            ("workload.events_until", Value::Span(Span::from_secs(500))),
        ];
        let (pump, facts) = run(&settings, 0.0, 6_000);
        let of = |metric: WitnessMetric| facts.totals.of(metric);
        let released = |(node, standing): &(NodeId, Standing)| {
            *standing == Standing::Released && pump.protocol().genesis.rank(*node).is_none()
        };
        assert!(standings(&pump).iter().any(released), "{:?}", facts.totals);
        let verifiers = 99 + of(WitnessMetric::Joins) - of(WitnessMetric::Leaves);
        assert_eq!(of(WitnessMetric::Staked), verifiers * STAKE, "{:?}", facts.totals);
    }
}

/// What cannot work is refused, and the key that has to change is named.
#[test]
fn conflicts_name_their_key() {
    let problem = |adversary: Option<&str>, settings: &[(&'static str, Value)]| {
        let mut values = Values::of::<Witness>();
        if let Some(name) = adversary {
            let kind = Witness::ADVERSARIES.iter().find(|kind| kind.name == name).expect("known");
            values.set_adversary(kind);
            values.set("adversary.attempts", Value::Count(10));
        }
        for (name, value) in settings {
            values.set(name, *value);
        }
        let fitted = Witness::configure(&values).and_then(|mut witness| witness.fit(2_002, 0));
        fitted.err().map(|error| error.name)
    };
    let joins = ("workload.join_rate", Value::Number(1.0));
    let endowment = |credit| ("endowment", Value::Count(credit));
    let leniency = |hours: u64| ("leniency", Value::Span(Span::from_secs(hours * 3_600)));
    let sybil = ("adversary.identities", Value::Count(100));
    assert_eq!(problem(None, &[joins, endowment(STAKE + 1_000), leniency(47)]), None);
    assert_eq!(problem(None, &[joins, endowment(STAKE + 999)]), Some("endowment"));
    assert_eq!(problem(None, &[endowment(STAKE + 999), leniency(48)]), None, "nobody joins");
    assert_eq!(problem(None, &[joins, leniency(48)]), Some("leniency"));
    assert_eq!(problem(Some("sybil"), &[sybil]), None);
    assert_eq!(problem(Some("sybil"), &[sybil, endowment(STAKE + 999)]), Some("endowment"));
    assert_eq!(problem(Some("sybil"), &[sybil, leniency(48)]), Some("leniency"));
    // 400 verifiers, of whom a draw needs 102.
    let fraction = |share| ("adversary.fraction", Value::Share(share));
    let period = |hours: u64| ("rollover_period", Value::Span(Span::from_secs(hours * 3_600)));
    assert_eq!(problem(Some("early-leaver"), &[fraction(0.7)]), None);
    assert_eq!(problem(Some("early-leaver"), &[fraction(0.8)]), Some("adversary.fraction"));
    assert_eq!(problem(Some("early-leaver"), &[period(48)]), Some("rollover_period"));
    assert_eq!(problem(Some("early-leaver"), &[period(49)]), None);
}
