//! Whole payments under the mini-simulation.

use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Time, laws};

use super::*;
use crate::objects::fund;
use anthill_protocol::{Context, NodeId, Protocol};

mod draws;
mod malformed;
mod rollovers;
mod settings;
mod variants;

#[test]
fn every_parameter_takes_its_extremes() {
    laws::parameters::<Witness>();
}

pub(super) fn witness(nodes: u32, settings: &[(&'static str, Value)]) -> Witness {
    let mut values = Values::of::<Witness>();
    values.set("verifiers", Value::Share(0.5));
    values.set("witnesses", Value::Count(20));
    values.set("redundancy", Value::Count(13));
    for (name, value) in settings {
        values.set(name, *value);
    }
    let mut witness = Witness::configure(&values).expect("consistent values");
    witness.fit(nodes, 0).expect("enough verifiers");
    witness
}

/// Nothing but 40 attempts on 400 users, half of them verifiers.
fn attacking(settings: &[(&'static str, Value)], adversary: &str) -> Witness {
    let kind = adversary::KINDS.iter().find(|kind| kind.name == adversary).expect("known");
    let mut values = Values::of::<Witness>();
    values.set_adversary(kind);
    values.set("verifiers", Value::Share(0.5));
    values.set("witnesses", Value::Count(20));
    values.set("redundancy", Value::Count(13));
    values.set("workload.rate", Value::Number(0.0));
    values.set("adversary.attempts", Value::Count(40));
    for (name, value) in settings {
        values.set(name, *value);
    }
    let mut witness = Witness::configure(&values).expect("consistent values");
    witness.fit(400, 0).expect("enough users");
    witness
}

fn run_attack(settings: &[(&'static str, Value)], adversary: &str) -> (Witness, RunFacts) {
    let witness = attacking(settings, adversary);
    let mut pump = Pump::new(witness.clone(), 400).delay(Span::from_millis(50));
    // By then every attempt is decided; funds roll over for ever.
    let facts = pump.run(Time::ZERO + Span::from_secs(900));
    (witness, facts)
}

fn attacked(settings: &[(&'static str, Value)], adversary: &str) -> (Witness, RunFacts) {
    let (witness, facts) = run_attack(settings, adversary);
    assert_eq!(facts.totals.of(WitnessMetric::Attempts), 40);
    assert_eq!(facts.totals.of(WitnessMetric::Decided), 40);
    let (spends, made) = (WitnessMetric::DoubleSpends, WitnessMetric::Counterfeit);
    assert_eq!(facts.totals.of(spends) == 0, facts.totals.of(made) == 0, "{:?}", facts.totals);
    let checks = witness.checks(&facts);
    let of_honest_draws = checks.iter().filter(|check| check.name == "honest selections rejected");
    let others = checks.len() - of_honest_draws.count();
    let of_attack = match adversary {
        "colluding-witnesses" => 1 + usize::from(is_judged(settings, &facts)),
        _ => 1,
    };
    assert_eq!(others, 5 + of_attack, "the attack has figures of its own");
    for check in checks {
        assert!(check.ok || check.expected_violation, "{check:?}\n{:?}", facts.totals);
    }
    (witness, facts)
}

/// Whether theory says how many accepted attempts are convicted: of the plain attack.
fn is_judged(settings: &[(&'static str, Value)], facts: &RunFacts) -> bool {
    let is_variant = |(name, value): &(&str, Value)| match *name {
        "adversary.spends" => *value != Value::Count(2),
        "adversary.sources" => *value != Value::Count(1),
        "adversary.online" => *value != Value::Share(1.0),
        _ => false,
    };
    let is_plain = !settings.iter().any(is_variant);
    is_plain && facts.totals.of(WitnessMetric::DoubleSpends) > 0
}

fn double_spends(settings: &[(&'static str, Value)], adversary: &str) -> u64 {
    attacked(settings, adversary).1.totals.of(WitnessMetric::DoubleSpends)
}

const OFF: Value = Value::Choice("off");
const ON: Value = Value::Choice("on");
const SEED_RULES: (&str, Value) = ("rules", Value::Choice("seed"));

/// All attempts succeed without a rule, whatever the others, and none with it.
fn assert_stopped_by(rule: &'static str, adversary: &str) {
    assert_eq!(double_spends(&[], adversary), 0);
    assert_eq!(double_spends(&[(rule, OFF)], adversary), 40);
    assert_eq!(double_spends(&[SEED_RULES], adversary), 40);
    assert_eq!(double_spends(&[SEED_RULES, (rule, ON)], adversary), 0);
}

#[test]
fn two_receipts_are_stopped_by_r3_alone() {
    assert_stopped_by("r3", "receipt-twin");
    assert_eq!(double_spends(&[("r3", OFF), ("redundancy", Value::Count(20))], "receipt-twin"), 0);
}

#[test]
fn replays_are_stopped_by_r6_alone() {
    assert_stopped_by("r6", "receipt-replay");
}

#[test]
fn spraying_needs_witnesses_that_sign_unchecked() {
    let successes =
        |fraction| double_spends(&[("adversary.fraction", Value::Share(fraction))], "lazy-witness");
    assert_eq!((successes(0.0), successes(1.0)), (0, 40));
    assert!((1..40).contains(&successes(0.4)));
    assert_eq!(double_spends(&[SEED_RULES], "lazy-witness"), 40);
}

#[test]
fn lies_at_random_are_detected_as_often_as_computed() {
    let detected = |lies, availability| {
        let settings =
            [("adversary.lies", Value::Count(lies)), ("availability", Value::Share(availability))];
        attacked(&settings, "skip-liar").1.totals.of(WitnessMetric::Detected)
    };
    assert_eq!((detected(0, 1.0), detected(30, 1.0)), (0, 40));
    assert!((1..40).contains(&detected(8, 0.9)));
}

#[test]
fn a_liar_that_stops_in_time_brings_corrupt_witnesses_in() {
    let share = ("adversary.fraction", Value::Share(0.25));
    let adaptive = [share, ("adversary.adaptive", Value::Flag(true))];
    let lying = double_spends(&adaptive, "skip-liar");
    assert!(lying > double_spends(&[share], "colluding-witnesses"), "{lying}");
    assert_eq!(attacked(&adaptive, "skip-liar").1.totals.of(WitnessMetric::Detected), 0);
    assert_eq!(
        double_spends(
            &[("adversary.adaptive", Value::Flag(true)), ("adversary.fraction", Value::Share(0.0))],
            "skip-liar"
        ),
        0
    );
}

#[test]
fn grinding_keys_finds_rare_draws() {
    let found = |fraction, tries| {
        let settings = [
            ("adversary.fraction", Value::Share(fraction)),
            ("adversary.tries", Value::Count(tries)),
        ];
        attacked(&settings, "key-grinder").1.totals.of(WitnessMetric::Favourable)
    };
    assert_eq!((found(0.0, 50), found(1.0, 1)), (0, 40));
    let (few, many) = (found(0.1, 2), found(0.1, 60));
    assert!(few < many && (1..40).contains(&many), "{few} {many}");
}

#[test]
fn collusion_succeeds_when_enough_witnesses_are_corrupt() {
    let successes = |fraction| {
        double_spends(&[("adversary.fraction", Value::Share(fraction))], "colluding-witnesses")
    };
    // 2·13 − 20 = 6 of 20 are needed: none, some, all attempts.
    assert_eq!(successes(0.0), 0);
    assert!((1..40).contains(&successes(0.3)));
    assert_eq!(successes(1.0), 40);
}

/// A jury of 20 of whom at most 7 may refuse: hardly ever at 0.2, often at 0.4.
#[test]
fn accepted_double_spends_are_convicted_unless_the_jury_is_corrupt() {
    let share = |fraction| [("adversary.fraction", Value::Share(fraction))];
    let of = |settings: &[_]| attacked(settings, "colluding-witnesses").1.totals;
    let totals = of(&share(0.2));
    let (accepted, convicted) =
        (totals.of(WitnessMetric::DoubleSpends), totals.of(WitnessMetric::Convicted));
    assert!(accepted > 0 && convicted + 4 > accepted, "{convicted} of {accepted}");
    assert!(totals.of(WitnessMetric::GuiltyNamed) >= 6 * convicted);
    let stakes = totals.of(WitnessMetric::StakeLost) / 100_000_000;
    assert!((21..=40).contains(&stakes), "each of the 40 corrupt once: {stakes}");
    assert!(totals.of(WitnessMetric::GuiltyNamed) > stakes);
    let totals = of(&share(0.5));
    assert!(totals.of(WitnessMetric::Convicted) < 20 && totals.of(WitnessMetric::ClaimsFailed) > 0);
    let [fraction] = share(0.2);
    for settings in [[fraction, ("r9", OFF)], [fraction, SEED_RULES]] {
        let totals = of(&settings);
        assert!(totals.of(WitnessMetric::DoubleSpends) > 0);
        let claimed = totals.of(WitnessMetric::Claims) + totals.of(WitnessMetric::StakeLost);
        assert_eq!(claimed, 0, "nobody has both receipts");
    }
}

#[test]
fn claiming_ones_own_stake_is_stopped_by_r8_alone() {
    let of = |settings: &[_]| {
        let mut all = vec![("adversary.fraction", Value::Share(0.4))];
        all.extend_from_slice(settings);
        let totals = claimed_by_itself(&all);
        let convicted = totals.of(WitnessMetric::Convicted);
        assert_eq!(convicted, totals.of(WitnessMetric::DoubleSpends), "corrupt jurors uphold it");
        (convicted, totals.of(WitnessMetric::StakesKept), totals.of(WitnessMetric::StakePrice))
    };
    let (convicted, kept, price) = of(&[]);
    assert!(convicted > 20 && kept == 0 && price >= convicted * 6 * 90_000_000);
    for settings in [&[("r8", OFF)][..], &[SEED_RULES]] {
        let (convicted, kept, price) = of(settings);
        assert!(convicted > 20 && kept == convicted && price == 0, "{settings:?}");
    }
    let (_, kept, _) = of(&[SEED_RULES, ("r8", ON)]);
    assert_eq!(kept, 0);
}

fn claimed_by_itself(settings: &[(&'static str, Value)]) -> anthill_protocol::Totals {
    let (witness, facts) = run_attack(settings, "self-claimer");
    for check in witness.checks(&facts) {
        assert!(check.ok || check.expected_violation, "{check:?}\n{:?}", facts.totals);
    }
    facts.totals
}

/// Whoever has its stake back has nothing to lose: with R7 nobody has while it is a witness.
#[test]
fn leaving_before_signing_is_stopped_by_r7_alone() {
    let of = |settings: &[(&'static str, Value)]| {
        let ttc = ("time_to_consistency", Value::Span(Span::from_secs(7_200)));
        let all = [&[ttc, ("adversary.fraction", Value::Share(0.35))], settings].concat();
        let witness = attacking(&all, "early-leaver");
        let mut pump = Pump::new(witness.clone(), 400).delay(Span::from_millis(50));
        let facts = pump.run(Time::ZERO + Span::from_secs(7_800));
        let checks = witness.checks(&facts);
        assert!(checks.iter().any(|check| check.name.ends_with("cost the leavers no stake")));
        for check in checks {
            assert!(check.ok || check.expected_violation, "{check:?}\n{:?}", facts.totals);
        }
        let of = |metric| facts.totals.of(metric);
        assert_eq!(of(WitnessMetric::Leaves), 70);
        assert!(of(WitnessMetric::DoubleSpends) > 10, "{:?}", facts.totals);
        let cost = (of(WitnessMetric::StakePrice), of(WitnessMetric::StakeLost));
        (of(WitnessMetric::Convicted), of(WitnessMetric::StakesKept), cost)
    };
    let (convicted, kept, (price, lost)) = of(&[]);
    assert!(convicted > 10 && kept == 0 && price >= convicted * 6 * 90_000_000 && lost > 0);
    let (convicted, kept, cost) = of(&[("r7", OFF)]);
    assert!(convicted > 10 && kept == convicted && cost == (0, 0));
    assert_eq!(of(&[SEED_RULES]), (0, 0, (0, 0)), "without R9 nobody is convicted either");
    let (convicted, kept, _) = of(&[SEED_RULES, ("r7", ON), ("r9", ON)]);
    assert!(convicted > 10, "{convicted} {kept}");
}

/// Claims lose messages as payments do, and nothing is moved twice or lost.
#[test]
fn claims_survive_losses() {
    let settings = [("adversary.fraction", Value::Share(0.3))];
    let witness = attacking(&settings, "colluding-witnesses");
    let mut pump = Pump::new(witness.clone(), 400).delay(Span::from_millis(50)).loss(0.1);
    let mut facts = pump.run(Time::ZERO + Span::from_secs(900));
    facts.disturbed = true;
    let of = |metric| facts.totals.of(metric);
    // Of 15 accepted; a jury of 20 has 13 honest ones with probability .77.
    assert!(of(WitnessMetric::Convicted) > 5, "{:?}", facts.totals);
    assert!(of(WitnessMetric::StakeLost) <= 60 * 100_000_000);
    for check in witness.checks(&facts) {
        assert!(check.ok || check.expected_violation, "{check:?}\n{:?}", facts.totals);
    }
}

#[test]
fn signing_twice_is_stopped_by_r4_alone() {
    assert_stopped_by("r4", "double-signer");
    assert_eq!(double_spends(&[("r5", OFF)], "double-signer"), 0);
}

#[test]
fn fractions_are_stopped_by_r5_alone() {
    let successes = |settings: &[_]| double_spends(settings, "fractional-overspend");
    assert_eq!(successes(&[]), 0);
    assert_eq!(successes(&[("r4", OFF)]), 0);
    assert_eq!(successes(&[("r5", OFF)]), 40);
    assert_eq!(successes(&[SEED_RULES]), 40);
}

fn assert_conserved(protocol: &Witness, facts: &RunFacts) {
    for check in protocol.checks(facts) {
        assert!(check.ok, "{check:?}\n{:?}", facts.totals);
    }
}

#[test]
fn payments_run_from_the_draw_to_the_hand_over() {
    let protocol = witness(200, &[("workload.rate", Value::Number(36.0))]);
    let mut pump = Pump::new(protocol, 200).delay(Span::from_millis(50));
    let facts = pump.run(Time::ZERO + Span::from_secs(300));
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    assert!(of(WitnessMetric::Started) > 400, "{:?}", facts.totals);
    assert!(of(WitnessMetric::Final) + 10 >= of(WitnessMetric::Started), "{:?}", facts.totals);
    assert!(of(WitnessMetric::HandedOver) + 10 >= of(WitnessMetric::Final));
    let checks = pump.protocol().checks(&facts);
    let of_draws = checks.iter().filter(|check| check.name == "honest selections rejected");
    assert_eq!(of_draws.count(), 1, "{checks:?}");
    assert_eq!(of(WitnessMetric::Rejected) + of(WitnessMetric::Refused), 0, "{:?}", facts.totals);
    assert_conserved(pump.protocol(), &facts);
}

/// What a withdrawal cost goes to its signatories, once its fund is used up.
#[test]
fn gas_is_paid_when_a_fund_is_used_up() {
    // Everybody's first fund takes a payment or two, and small ones go with the next.
    let protocol = witness(
        200,
        &[
            ("workload.rate", Value::Number(60.0)),
            ("workload.least", Value::Count(500_000)),
            ("endowment", Value::Count(1_000_000)),
        ],
    );
    let mut pump = Pump::new(protocol, 200).delay(Span::from_millis(50));
    let facts = pump.run(Time::ZERO + Span::from_secs(300));
    let of = |metric: WitnessMetric| facts.totals.of(metric);
    assert_conserved(pump.protocol(), &facts);
    let (earned, waits) = (of(WitnessMetric::Earned), of(WitnessMetric::Gas));
    assert!(earned > 100_000 && waits > 0 && waits < 1 << 40, "{earned} {waits}");
    let node = |id| pump.node(NodeId(id)).expect("up");
    assert_eq!((0..200).map(|id| node(id).earned).sum::<u64>(), earned);
    let due: u64 = (0..200).map(|id| node(id).book.all_due()).sum();
    // What waits is what witnesses will have, and what those have not deducted who are asked now.
    assert!(due <= waits && waits - due < 50_000, "{due} of {waits}");
    let verifiers = |id: &u32| pump.protocol().genesis.rank(NodeId(*id)).is_none();
    assert_eq!((0..200).filter(verifiers).map(|id| node(id).earned).sum::<u64>(), 0);
}
