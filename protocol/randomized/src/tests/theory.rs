//! Costs of runs beside theory's.

use anthill_protocol::complexity::{Cost, Relation};

use super::*;
use crate::metrics::RandomizedMetric;
use crate::theory::most_rounds;

#[test]
fn a_round_costs_what_theory_says() {
    for (rules, least, faults) in [("mmr", 4, 3), ("shi", 4, 3), ("ben-or", 3, 2)] {
        for nodes in least..=10 {
            for (seed, inputs) in [(1, "zeros"), (2, "ones"), (3, "ones")] {
                let f = (nodes - 1) / faults;
                let run = run(rules, nodes, f.into()).word("inputs", inputs).instances(3);
                let run =
                    if seed == 3 { run.count("coin_threshold", u64::from(f) + 1) } else { run };
                let mut pump = run.pump(seed).delays(Span(1), D * 9);
                let facts = pump.run(Time::MAX);
                let theory = pump.protocol().complexity(nodes);
                let rounds = theory.decisions::<RandomizedMetric>(&facts.totals, nodes);
                let law = theory.law(Cost::Messages).expect("a law");
                assert_eq!(law.relation, Relation::Exactly);
                let measured = facts.totals.messages as f64 / rounds.expect("some");
                assert!(
                    (measured - law.expected).abs() < 1e-9,
                    "{rules} {nodes}: {measured} {law:?}"
                );
                let law = theory.law(Cost::Rounds).expect("a law");
                if law.relation == Relation::Exactly {
                    assert_eq!(facts.totals.of(RandomizedMetric::Rounds) as f64, law.expected);
                } else {
                    assert_eq!((rules, law.expected), ("mmr", most_rounds(3, 0.0)));
                }
            }
        }
    }
}

/// Two rounds in the mean, and for the slowest of k agreements about log2 k more.
#[test]
fn unanimous_mmr_takes_as_many_rounds_as_a_coin() {
    assert!((most_rounds(1, 0.0) - 2.0).abs() < 1e-12);
    assert!((most_rounds(1, 1.0) - 4.0).abs() < 1e-12);
    // 1/2 and 1/4: one agreement or two are open after a round.
    assert!((most_rounds(2, 0.0) - 8.0 / 3.0).abs() < 1e-12);
    for instances in [1, 8, 64] {
        let run = run("mmr", 4, 1).word("inputs", "ones").instances(instances);
        let runs = 400;
        let sum: u64 = (0..runs)
            .map(|seed| run.pump(seed).run(Time::MAX).totals.of(RandomizedMetric::Rounds))
            .sum();
        let (measured, expected) = (sum as f64 / runs as f64, most_rounds(instances as u32, 0.0));
        // The deviation of the most of some geometric variables is below two.
        assert!((measured - expected).abs() < 4.9 * 2.0 / 20.0, "{measured}, not {expected}");
    }
}

/// Any inputs: no law but the growth, which is that of a round's exchanges.
#[test]
fn split_inputs_have_a_growth_only() {
    for rules in ["mmr", "shi", "ben-or"] {
        let theory = run(rules, 7, 2).word("inputs", "halves").protocol().complexity(7);
        assert!(theory.laws.iter().all(|law| law.relation == Relation::Grows), "{theory:?}");
        assert!(theory.law(Cost::Messages).is_some());
    }
    let mean = |runs: u64| {
        let run = run("mmr", 7, 2).word("inputs", "halves");
        let most = |seed| run.pump(seed).delays(Span(1), D * 9).run(Time::MAX).totals;
        let sum: u64 = (0..runs).map(|seed| most(seed).of(RandomizedMetric::Rounds)).sum();
        sum as f64 / runs as f64
    };
    assert!(mean(300) < 4.0);
}
