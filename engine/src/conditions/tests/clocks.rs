//! A node's own clock: now + offset + rate · now, and timers that take d / (1 + rate).

use super::script::{Act, Case, MS, Seen, What};
use crate::conditions::{ClockSpec, ConditionsSpec};
use anthill_protocol::Span;

fn under(skew: u64, drift_ppm: f64) -> ConditionsSpec {
    ConditionsSpec { clock: ClockSpec { skew: Span(skew), drift_ppm }, ..Default::default() }
}

/// What the clocks of 60 nodes show beside true time, from timers that all set at the start.
fn shown(conditions: ConditionsSpec) -> Vec<[Seen; 3]> {
    let mut case = Case::under(60, conditions);
    for node in 0..60 {
        case = case.does(node, 100 * MS, &[Act::Look(0), Act::Wait(1_000 * MS, 1)]);
        case = case.does(node, 9_000 * MS, &[Act::Look(2)]);
    }
    let diaries = case.run().diaries.into_iter();
    diaries
        .map(|diary| {
            let timers: Vec<Seen> =
                diary.into_iter().filter(|seen| seen.what != What::Started).collect();
            timers.try_into().expect("three notes")
        })
        .collect()
}

#[test]
fn skew_is_a_fixed_offset_within_its_bounds() {
    let mut found = Vec::new();
    for [early, woken, late] in shown(under(2, 0.0)) {
        let offset = early.clock as i64 - early.at as i64;
        assert_eq!((early.at, woken.at, late.at), (100 * MS, 1_100 * MS, 9_000 * MS));
        for seen in [woken, late] {
            assert_eq!(seen.clock as i64 - seen.at as i64, offset);
        }
        found.push(offset);
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, [-2, -1, 0, 1, 2], "both ends included");
}

#[test]
fn drift_shows_and_stretches_timers() {
    let mut rates = Vec::new();
    for [early, woken, late] in shown(under(0, 100_000.0)) {
        // rate = shown / true − 1, in 10⁻⁹.
        let rate = (late.clock as f64 / late.at as f64 - 1.0) * 1e9;
        let shown = |at: u64| at as f64 * (1.0 + rate / 1e9);
        for seen in [early, woken, late] {
            assert!((seen.clock as f64 - shown(seen.at)).abs() < 2.0, "{seen:?}");
        }
        // A timer fires when the node's clock has moved on by its length.
        assert!((early.clock as i64 - (100 * MS) as i64).abs() < 3);
        assert!((woken.clock as i64 - early.clock as i64 - (1_000 * MS) as i64).abs() < 3);
        assert!((late.clock as i64 - (9_000 * MS) as i64).abs() < 3);
        assert_ne!(late.at, 9_000 * MS);
        rates.push(rate);
    }
    assert!(rates.iter().all(|rate| rate.abs() <= 1e8 + 1.0), "within 10 %");
    assert!(rates.iter().any(|r| *r > 8e7) && rates.iter().any(|r| *r < -8e7), "{rates:?}");
    let distinct: std::collections::BTreeSet<i64> = rates.iter().map(|r| *r as i64).collect();
    assert_eq!(distinct.len(), 60, "every node has its own");
}

/// Offset and rate are drawn apart.
#[test]
fn skew_and_drift_are_independent() {
    let both: Vec<(f64, f64)> = shown(under(50 * MS, 1_000.0))
        .into_iter()
        .map(|[early, _, late]| {
            let error = |seen: Seen| seen.clock as f64 - seen.at as f64;
            let rate = (error(late) - error(early)) / (late.at - early.at) as f64;
            (error(early) / (50 * MS) as f64, rate / 1e-3)
        })
        .collect();
    assert!(both.iter().all(|(offset, rate)| offset.abs() < 1.01 && rate.abs() < 1.01));
    // Of uniform values in ±1, of variance 1/3: 0 ± 0.043 over 60 nodes.
    let covariance = both.iter().map(|(a, b)| a * b).sum::<f64>() / 60.0;
    assert!(covariance.abs() < 0.17, "{covariance}");
}

/// A timer of any length takes some time, and one of none takes none.
#[test]
fn a_timer_of_a_nanosecond_is_not_lost() {
    let mut case = Case::under(30, under(0, 100_000.0));
    for node in 0..30 {
        case = case.does(node, 0, &[Act::Wait(1, 0), Act::Wait(0, 1)]);
    }
    for diary in case.run().diaries {
        let found: Vec<(u64, What)> = diary[1..].iter().map(|s| (s.at, s.what)).collect();
        assert_eq!(found, [(0, What::Woke(1)), (1, What::Woke(0))]);
    }
}
