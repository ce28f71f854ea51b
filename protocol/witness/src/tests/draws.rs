//! Attacks on draws, and on the timeline from which they follow.

use super::*;

/// A run of nothing but 40 attempts, whose figures are all as expected.
fn run(adversary: &str, settings: &[(&'static str, Value)]) -> RunFacts {
    let (facts, checks) = run_and_check(adversary, settings);
    let is_of_attack =
        |check: &&Check| check.name.starts_with("double spends") || check.name.starts_with("gas");
    assert!(checks.iter().any(|check| is_of_attack(&check)), "the attack has its own figure");
    facts
}

fn run_and_check(adversary: &str, settings: &[(&'static str, Value)]) -> (RunFacts, Vec<Check>) {
    let kind = adversary::KINDS.iter().find(|kind| kind.name == adversary).expect("known");
    let mut values = Values::of::<Witness>();
    values.set_adversary(kind);
    values.set("verifiers", Value::Share(0.4));
    values.set("witnesses", Value::Count(20));
    values.set("redundancy", Value::Count(13));
    values.set("workload.rate", Value::Number(0.0));
    values.set("entropy_rate", Value::Number(0.0));
    values.set("adversary.attempts", Value::Count(40));
    for (name, value) in settings {
        values.set(name, *value);
    }
    let mut witness = Witness::configure(&values).expect("consistent values");
    witness.fit(600, 0).expect("enough users");
    let mut pump = Pump::new(witness.clone(), 600).delay(Span::from_millis(50));
    // By then every attempt is decided; funds roll over for ever.
    let facts = pump.run(Time::ZERO + Span::from_secs(5 * 86_400));
    for metric in [WitnessMetric::Attempts, WitnessMetric::Decided] {
        assert_eq!(facts.totals.of(metric), 40, "{:?}", facts.totals);
    }
    let checks = witness.checks(&facts);
    for check in &checks {
        assert!(check.ok || check.expected_violation, "{check:?}\n{:?}", facts.totals);
    }
    (facts, checks)
}

fn successes(facts: &RunFacts) -> u64 {
    facts.totals.of(WitnessMetric::DoubleSpends)
}

const FEW: (&str, Value) = ("adversary.fraction", Value::Share(0.15));
const FEWER: (&str, Value) = ("adversary.fraction", Value::Share(0.05));
const R1_OFF: (&str, Value) = ("r1", OFF);
const R2_OFF: (&str, Value) = ("r2", OFF);

#[test]
fn backdated_entropy_is_stopped_by_r1_alone() {
    // So few that half of the stamps are never lies.
    let ground = [FEWER, ("adversary.tries", Value::Count(4_000))];
    for rules in [&[R1_OFF][..], &[SEED_RULES]] {
        let facts = run("backdated-entropy", &[&ground, rules].concat());
        let found = facts.totals.of(WitnessMetric::Favourable);
        assert!((10..=40).contains(&found), "{found}");
        assert_eq!(successes(&facts), found, "{:?}", facts.totals);
        for metric in [WitnessMetric::EventsMistimed, WitnessMetric::EventsUnstamped] {
            assert_eq!(facts.totals.of(metric), 0, "{:?}", facts.totals);
        }
    }
    for rules in [&[][..], &[SEED_RULES, ("r1", ON)]] {
        let facts = run("backdated-entropy", &[&ground, rules].concat());
        let found = facts.totals.of(WitnessMetric::Favourable);
        assert!(found >= 10 && successes(&facts) == 0, "{:?}", facts.totals);
        // By every verifier, for every event.
        let mistimed = facts.totals.of(WitnessMetric::EventsMistimed);
        assert!(mistimed >= found * 238, "{:?}", facts.totals);
    }
}

/// What R1 does not stop: an author half of whose 13 stamps are lies.
#[test]
fn stampers_can_collude_too() {
    let many = ("adversary.fraction", Value::Share(0.3));
    let facts = run("backdated-entropy", &[many]);
    let (found, successes) = (facts.totals.of(WitnessMetric::Favourable), successes(&facts));
    assert!(successes > 0 && successes < found, "{successes} of {found}");
}

#[test]
fn withheld_events_are_stopped_by_r2_alone() {
    for rules in [&[R2_OFF][..], &[SEED_RULES]] {
        let facts = run("event-withholder", &[&[FEW], rules].concat());
        let found = facts.totals.of(WitnessMetric::Favourable);
        assert!((4..=40).contains(&found), "{found}");
        assert_eq!(successes(&facts), found, "{:?}", facts.totals);
    }
    // With nothing to withhold there is one draw, and with R2 there is never another.
    let one = ("adversary.events", Value::Count(0));
    let counts = [&[R2_OFF, one][..], &[], &[SEED_RULES, ("r2", ON)]]
        .map(|rules| successes(&run("event-withholder", &[&[FEWER], rules].concat())));
    assert_eq!(counts, [0; 3]);
}

#[test]
fn old_events_have_to_be_explained() {
    // 1 - age / TTC = 1/1,000: one can be withheld (0.01), two (1e-4), not three.
    let old = ("adversary.age", Value::Span(Span::from_secs(172_627)));
    let (few, many) =
        (run("event-withholder", &[FEW, R2_OFF, old]), run("event-withholder", &[FEW, R2_OFF]));
    assert!(successes(&few) < successes(&many), "{} {}", successes(&few), successes(&many));
}

/// What R2 does not stop: verifiers that have paused once and are back are passed over as if they
/// were away, which is no skip.
#[test]
fn those_who_are_back_are_passed_over() {
    let hours = |hours: u64| Value::Span(Span::from_secs(3_600 * hours));
    let settings = [
        ("adversary.fraction", Value::Share(0.1)),
        ("adversary.events", Value::Count(0)),
        ("adversary.age", hours(12)),
        ("workload.pause_rate", Value::Number(4.0)),
        ("workload.pause_length", Value::Span(Span::from_secs(600))),
        ("workload.events_until", hours(12)),
    ];
    let [truthful, stale] = [false, true].map(|is_stale| {
        let settings = [&settings[..], &[("adversary.stale", Value::Flag(is_stale))]].concat();
        successes(&run_and_check("event-withholder", &settings).0)
    });
    assert!(truthful <= 4 && stale >= 30, "{truthful} {stale}");
}

#[test]
fn an_eclipsed_payee_still_wants_all_signatures() {
    let with = |fraction, rules: &[_]| {
        let fraction = ("adversary.fraction", Value::Share(fraction));
        run("eclipse", &[&[fraction], rules].concat())
    };
    let facts = with(0.3, &[]);
    assert_eq!(successes(&facts), 0);
    // The other payment of each attempt is honest.
    assert_eq!(facts.totals.of(WitnessMetric::Final), 40, "{:?}", facts.totals);
    assert!(facts.totals.of(WitnessMetric::Outdated) > 0);
    let some = successes(&with(0.65, &[]));
    assert!((10..40).contains(&some), "{some}");
    assert_eq!(successes(&with(0.0, &[SEED_RULES])), 40);
}

#[test]
fn identities_are_drawn_once_their_joining_is_settled() {
    let identities = ("adversary.identities", Value::Count(100));
    let with_claims = run_and_check("sybil", &[identities]).0;
    for facts in [run("sybil", &[identities, ("r9", OFF)]), with_claims] {
        assert!((5..40).contains(&successes(&facts)), "{:?}", facts.totals);
        assert_eq!(facts.totals.of(WitnessMetric::SybilStake), 100 * 100_000_000);
        // And what convicted those whose double spends were accepted.
        let published = facts.totals.of(WitnessMetric::Published);
        assert_eq!(published - facts.totals.of(WitnessMetric::Convictions), 100);
    }
}

#[test]
fn a_favourable_draw_is_bought_with_gas() {
    let hops = ("adversary.hops", Value::Count(5));
    let facts = run("draw-buyer", &[FEW, hops]);
    let found = facts.totals.of(WitnessMetric::Favourable);
    assert!((5..40).contains(&found), "{found}");
    assert_eq!(successes(&facts), found);
    let gas = facts.totals.of(WitnessMetric::DrawGas);
    assert!((40_000..200_000).contains(&gas) && gas.is_multiple_of(1_000), "{gas}");
}
