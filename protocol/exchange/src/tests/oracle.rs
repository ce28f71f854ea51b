//! Makers that lie to an oracle.

use super::*;
use crate::insider::KINDS;

const RULES: [&str; 5] =
    ["vwap", "weighted-mean", "weighted-median", "trimmed-mean", "third-trimmed"];

/// A deviation so large that whole ticks do not matter.
const NOISE: u64 = 10_000;

/// A quiet venue with an oracle of so many makers, of which the first lie.
fn told(rule: &'static str, makers: u64, liars: u64, seed: u64) -> (Pump<Exchange>, RunFacts) {
    let mut values = Values::of::<Exchange>();
    if liars > 0 {
        let kind = KINDS.iter().find(|kind| kind.name == "oracle-liar").expect("declared");
        values.set_adversary(kind);
        values.set("adversary.count", Value::Count(liars));
        values.set("adversary.off", Value::Count(100_000_000));
    }
    for (name, value) in [
        ("oracle", Value::Choice(rule)),
        ("makers", Value::Count(makers)),
        ("report_noise", Value::Count(NOISE)),
        ("report_every", Value::Span(millis(200))),
        ("traders", Value::Count(0)),
        // Quotes are beside the point, and cost more than reports.
        ("ordering", Value::Choice("commit-reveal")),
        ("delta", Value::Span(millis(50))),
        ("workload.flow", Value::Choice("poisson")),
    ] {
        values.set(name, value);
    }
    let mut exchange = Exchange::configure(&values).expect("consistent");
    exchange.fit(4, 1).expect("fits");
    let mut pump = Pump::new(exchange, 4).delays(Span(1), millis(40)).bound(millis(40)).seed(seed);
    let facts = pump.run(at(20_000));
    (pump, facts)
}

/// The mean move of all prices, in standard deviations of a report.
fn mean_move(facts: &RunFacts) -> f64 {
    let [above, below, prices] =
        [ExchangeMetric::OracleAbove, ExchangeMetric::OracleBelow, ExchangeMetric::OraclePrices]
            .map(|metric| of(facts, metric) as f64);
    (above - below) / prices / NOISE as f64
}

fn bent(pump: &Pump<Exchange>) -> Vec<bool> {
    let found = pump.findings().into_iter();
    found
        .filter(|it| it.judge == "the oracle is among honest reports")
        .map(|it| it.expected)
        .collect()
}

/// Every rule holds against as many liars as it says, and breaks with one more; nothing else breaks.
#[test]
fn each_rule_breaks_where_it_says() {
    for (rule, bears) in RULES.into_iter().zip([0, 0, 4, 3, 1]) {
        let (mut pump, facts) = told(rule, 10, bears, 3);
        assert!(of(&facts, ExchangeMetric::OraclePrices) > 50, "{rule}");
        assert_eq!(bent(&pump), [], "{rule}");
        assert!(mean_move(&facts).abs() < 2.0, "{rule}: {}", mean_move(&facts));
        is_sound(&mut pump, &facts);
        // Third-trimmed leaves out one more at the top than at the bottom: that end bears two.
        let most = if rule == "third-trimmed" { bears + 2 } else { bears + 1 };
        let (mut pump, facts) = told(rule, 10, most, 3);
        assert!(bent(&pump).iter().any(|expected| *expected), "{rule}");
        assert!(mean_move(&facts) > 100.0, "{rule}: {}", mean_move(&facts));
        is_sound(&mut pump, &facts);
    }
}

/// At the most that is borne liars move the price by what the order of honest reports gives: of ten with
/// three liars 0.615 deviations, or 0.554 for the median.
#[test]
fn within_the_bound_the_move_is_that_of_honest_order_statistics() {
    for (rule, expected) in [("trimmed-mean", 0.615), ("weighted-median", 0.554)] {
        let runs = 6;
        let sum: f64 = (0..runs).map(|seed| mean_move(&told(rule, 10, 3, seed).1)).sum();
        let mean = sum / f64::from(runs as u32);
        // 6 × 100 rounds; a price deviates by less than 0.4.
        assert!((mean - expected).abs() < 0.08, "{rule}: {mean}");
    }
    assert!(mean_move(&told("trimmed-mean", 10, 0, 1).1).abs() < 0.15);
}

/// Makers quote around the oracle: where it is bent they buy dear.
#[test]
fn makers_quote_around_the_oracle() {
    let exchange = exchange(
        4,
        &[
            ("oracle", Value::Choice("trimmed-mean")),
            ("makers", Value::Count(4)),
            ("report_noise", Value::Count(0)),
            ("traders", Value::Count(2)),
            ("delta", Value::Span(millis(50))),
            ("workload.flow", Value::Choice("poisson")),
            ("workload.interval", Value::Span(millis(100))),
        ],
    );
    let mut pump = Pump::new(exchange, 4).delays(Span(1), millis(40)).bound(millis(40)).seed(4);
    let facts = pump.run(at(10_000));
    assert_eq!(state(&pump, 0).oracle.price(), Some(crate::trader::FIRST_PRICE));
    assert_eq!(of(&facts, ExchangeMetric::OracleError), 0);
    assert!(of(&facts, ExchangeMetric::OraclePrices) > 5);
    let moved = of(&facts, ExchangeMetric::MakersGain) + of(&facts, ExchangeMetric::MakersLoss);
    assert!(moved > 0 && of(&facts, ExchangeMetric::Books) > 20);
    is_sound(&mut pump, &facts);
}

#[test]
fn an_oracle_without_makers_and_liars_without_an_oracle_are_refused() {
    let refused = |set: &[(&str, Value)], liars: Option<u64>| {
        let mut values = Values::of::<Exchange>();
        set.iter().for_each(|(name, value)| values.set(name, *value));
        if let Some(liars) = liars {
            values.set_adversary(KINDS.last().expect("the liars"));
            values.set("adversary.count", Value::Count(liars));
        }
        let mut exchange = Exchange::configure(&values).expect("consistent");
        exchange.fit(4, 1).expect_err("refused").to_string()
    };
    let oracle = ("oracle", Value::Choice("vwap"));
    assert!(refused(&[oracle], None).contains("protocol.oracle: nobody reports to it"));
    assert!(refused(&[], Some(1)).contains("protocol.oracle: without an oracle"));
    let makers = ("makers", Value::Count(3));
    assert!(refused(&[oracle, makers], Some(4)).contains("adversary.count: 4 of 3 makers"));
}
