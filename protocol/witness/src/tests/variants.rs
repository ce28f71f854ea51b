//! Variants of collusion, and dates that are wrong.

use super::*;

fn share(name: &'static str, share: f64) -> (&'static str, Value) {
    (name, Value::Share(share))
}

fn count(name: &'static str, count: u64) -> (&'static str, Value) {
    (name, Value::Count(count))
}

fn span(name: &'static str, seconds: u64) -> (&'static str, Value) {
    (name, Value::Span(Span::from_secs(seconds)))
}

/// Attempts of which more was accepted than there was, and those of which all was.
fn colluding(settings: &[(&'static str, Value)]) -> (u64, u64) {
    let totals = attacked(settings, "colluding-witnesses").1.totals;
    (totals.of(WitnessMetric::DoubleSpends), totals.of(WitnessMetric::AllAccepted))
}

#[test]
fn each_further_spend_needs_more_corrupt_witnesses() {
    let thrice = |fraction| colluding(&[count("adversary.spends", 3), share(FRACTION, fraction)]);
    assert_eq!((thrice(0.0), thrice(1.0)), ((0, 0), (40, 40)));
    // 6 of 20 are enough for two, 10 for three; what is accepted of less is counterfeit all the same,
    // and the sums that `attacked` checks hold.
    let (some, all) = thrice(0.4);
    assert!(0 < all && all < some && some < 40, "{some} {all}");
}

#[test]
fn every_source_has_to_be_spent_twice() {
    let of = |sources, fraction| {
        colluding(&[count("adversary.sources", sources), share(FRACTION, fraction)]).1
    };
    assert_eq!((of(2, 0.0), of(2, 1.0)), (0, 40));
    let (one, two) = (of(1, 0.3), of(2, 0.3));
    assert!(0 < two && two < one && one < 40, "{one} {two}");
}

#[test]
fn who_is_offline_signs_nothing() {
    let of = |online, fraction| {
        colluding(&[share("adversary.online", online), share(FRACTION, fraction)])
    };
    // The corrupt alone: always, and never.
    assert_eq!((of(0.0, 1.0), of(0.0, 0.3)), ((40, 40), (0, 0)));
    let (all, some) = (of(1.0, 0.35).1, of(0.6, 0.35).1);
    assert!(0 < some && some < all, "{some} {all}");
    // Whom the payer asks is there: of ten honest ones six or more nearly always.
    let most = of(0.8, 0.5).1;
    assert!(most > 25, "{most}");
}

const FRACTION: &str = "adversary.fraction";

/// Promises are void after the time to consistency, receipts after the leniency.
#[test]
fn a_receipt_kept_back_is_worth_nothing_unless_the_leniency_is_too_long() {
    let of = |leniency_s, more: &[_]| {
        let settings = [span("time_to_consistency", 60), span("leniency", leniency_s)];
        let totals = attacked(&[&settings, more].concat(), "stale-receipt").1.totals;
        // All that could be done without it was done: the fund rolled over and was spent.
        assert_eq!(totals.of(WitnessMetric::Rollovers), 40);
        assert_eq!(totals.of(WitnessMetric::Final), 40 + totals.of(WitnessMetric::DoubleSpends));
        totals.of(WitnessMetric::DoubleSpends)
    };
    assert_eq!((of(80, &[]), of(3_600, &[])), (0, 40));
    assert_eq!((of(80, &[SEED_RULES]), of(3_600, &[SEED_RULES])), (0, 40));
}

#[test]
fn contracts_with_dates_beyond_the_leniency_are_refused() {
    let refused = |offset_s, is_ahead, more: &[_]| {
        let offset = [span("leniency", 300), span("adversary.offset", offset_s)];
        let ahead = [("adversary.ahead", Value::Flag(is_ahead))];
        let totals = attacked(&[&offset[..], &ahead, more].concat(), "wrong-timestamp").1.totals;
        let refused = totals.of(WitnessMetric::Detected);
        assert_eq!(totals.of(WitnessMetric::Final), 40 - refused);
        assert_eq!(totals.of(WitnessMetric::RefusedTime) > 0, refused > 0);
        refused
    };
    for more in [&[][..], &[SEED_RULES]] {
        assert_eq!((refused(120, false, more), refused(420, false, more)), (0, 40));
        assert_eq!((refused(120, true, more), refused(420, true, more)), (0, 40));
    }
}

/// Payments in all histories, and those of them that a coalition saw, as the table of nodes has them.
#[test]
fn payments_are_in_the_histories_of_both_parties() {
    let histories = |fraction| {
        let mut values = Values::of::<Witness>();
        let kind = adversary::KINDS.iter().find(|kind| kind.name == "coalition").expect("known");
        values.set_adversary(kind);
        for (name, value) in
            [share("verifiers", 0.5), count("witnesses", 20), count("redundancy", 13)]
        {
            values.set(name, value);
        }
        values.set("workload.rate", Value::Number(20.0));
        values.set(FRACTION, Value::Share(fraction));
        let mut witness = Witness::configure(&values).expect("consistent");
        witness.fit(200, 0).expect("enough users");
        let mut pump = Pump::new(witness.clone(), 200).delay(Span::from_millis(50));
        let facts = pump.run(Time::ZERO + Span::from_secs(300));
        let sum = |column: &str| {
            let place = Witness::COLUMNS.iter().position(|c| c.name == column).expect("a column");
            let rows = (0..200).map(NodeId).map(|id| witness.row(id, pump.node(id).expect("up")));
            let cells = rows.map(|row| match row[place] {
                anthill_protocol::Cell::Count(count) => count,
                _ => panic!("{column} counts"),
            });
            cells.sum::<u64>()
        };
        let [made, seen] = [WitnessMetric::Final, WitnessMetric::Seen].map(|m| facts.totals.of(m));
        // Of the last ones the payer has not heard yet.
        let (all, known) = (sum("history"), sum("seen"));
        assert!(2 * made - 20 < all && all <= 2 * made, "{all} of {made}");
        assert!(2 * seen < known + 20 && known <= 2 * seen, "{known} of {seen}");
        (all, known)
    };
    assert_eq!(histories(0.0).1, 0);
    let (all, known) = histories(1.0);
    assert!(all > 200 && known == all, "{known} of {all}");
    let (all, known) = histories(0.04);
    assert!(0 < known && known < all, "{known} of {all}");
}
