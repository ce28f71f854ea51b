use super::*;
use crate::draw::Draws;

const FAR: Ticks = 1 << 50;

fn report(mid: Ticks) -> Report {
    Report { mid, size: 10, confidence: 500_000 }
}

fn reports(mids: &[Ticks]) -> Vec<Report> {
    mids.iter().map(|&mid| report(mid)).collect()
}

#[test]
fn halves_go_to_the_even_tick_once() {
    let cases = [(7, 2, 4), (5, 2, 2), (-5, 2, -2), (-7, 2, -4), (9, 4, 2), (11, 4, 3), (-1, 3, 0)];
    for (numerator, denominator, rounded) in cases {
        assert_eq!(round_half_even(numerator, denominator), Some(rounded), "{numerator}");
    }
    assert_eq!(round_half_even(1, 0), None);
    assert_eq!(round_half_even(i128::MAX, 1), None);
    // Rounding each of three thirds would give 0.
    assert_eq!(trimmed_mean(&reports(&[0, 0, 1, 1, 1]), 1), Some(1));
}

#[test]
fn each_rule_on_honest_reports() {
    let mut some = reports(&[100, 104, 101, 103]);
    assert_eq!(vwap(&some), Some(102));
    assert_eq!(weighted_mean(&some), Some(102));
    assert_eq!(weighted_median(&some, 1_000_000), Some(102));
    assert_eq!(trimmed_mean(&some, 1), Some(102));
    some[1].size = 30;
    assert_eq!(vwap(&some), Some(103));
    some[0].confidence = 1_500_000;
    assert_eq!(weighted_mean(&some), Some(101));
    assert_eq!(weighted_median(&some, u32::MAX), Some(100));
    assert_eq!(weighted_median(&some, 500_000), Some(102));
    for rule in [OracleRule::Vwap, OracleRule::WeightedMean, OracleRule::ThirdTrimmed] {
        assert_eq!(rule.price(&[]), None);
    }
    assert_eq!(trimmed_mean(&some, 2), None);
    assert_eq!(trimmed_mean(&some, 9), None);
}

#[test]
fn one_liar_moves_means_anywhere_by_its_own_claims() {
    let mut some = reports(&[100; 7]);
    some[3] = Report { mid: FAR, size: 1 << 40, confidence: u32::MAX };
    assert!(vwap(&some) > Some(FAR / 2));
    assert!(weighted_mean(&some) > Some(FAR / 2));
    assert_eq!(weighted_median(&some, 1_000_000), Some(100));
    assert_eq!(trimmed_mean(&some, 2), Some(100));
}

#[test]
fn each_rule_breaks_where_it_says() {
    let lies = |n: usize, liars: usize, lie: Ticks| {
        let mut some = reports(&vec![100; n]);
        some[..liars].fill(Report { mid: lie, size: 10, confidence: u32::MAX });
        some
    };
    for n in [4, 7, 10, 31, 100] {
        let f = (n - 1) / 3;
        for lie in [-FAR, FAR] {
            assert_eq!(trimmed_mean(&lies(n, f, lie), f), Some(100), "n {n}");
            assert_ne!(trimmed_mean(&lies(n, f + 1, lie), f), Some(100), "n {n}");
            let less_than_half = (n - 1) / 2;
            assert_eq!(weighted_median(&lies(n, less_than_half, lie), 500_000), Some(100));
            assert_ne!(weighted_median(&lies(n, n - n / 2, lie), 500_000), Some(100));
        }
        let out = n * 33 / 100;
        assert_eq!(third_trimmed(&lies(n, out / 2, -FAR)), Some(100));
        assert_ne!(third_trimmed(&lies(n, out / 2 + 1, -FAR)), Some(100));
        assert_eq!(third_trimmed(&lies(n, out - out / 2, FAR)), Some(100));
        assert_ne!(third_trimmed(&lies(n, out - out / 2 + 1, FAR)), Some(100));
    }
    // Two liars are within the bound of ten reporters, and enough.
    assert_ne!(third_trimmed(&lies(10, 2, -FAR)), Some(100));
}

#[test]
fn each_rule_bears_as_many_as_it_says_and_no_more() {
    for n in [4, 5, 6, 7, 10, 31, 100] {
        let f = (n - 1) / 3;
        for rule in [
            OracleRule::Vwap,
            OracleRule::WeightedMean,
            OracleRule::WeightedMedian { cap: 500_000 },
            OracleRule::TrimmedMean { f },
            OracleRule::ThirdTrimmed,
        ] {
            // The same lie on either side: where a rule trims unevenly the weaker side counts.
            let moves = |liars: usize| {
                [-FAR, FAR].into_iter().any(|mid| {
                    let mut some = reports(&vec![100; n]);
                    some[..liars].fill(Report { mid, size: 1 << 40, confidence: u32::MAX });
                    rule.price(&some) != Some(100)
                })
            };
            let bears = rule.bears(n);
            assert!(!moves(bears) && moves(bears + 1), "{rule:?} of {n}: {bears}");
        }
    }
}

/// Honest reports normal with deviation 1 (here a million ticks), all liars as high as they like:
/// the mean move of each rule is that of the order statistics left over.
#[test]
fn the_worst_moves_are_those_of_the_honest_order_statistics() {
    const DEVIATION: f64 = 1e6;
    let table = [(7, 2, 0.553, 0.495), (10, 3, 0.615, 0.554), (31, 10, 0.732, 0.629)];
    let mut draws = Draws::new(11);
    for (n, f, trimmed, median) in table.into_iter().chain([(100, 33, 0.777, 0.661)]) {
        let runs = 40_000 / n as u32 + 6_000;
        let mut sums = [0.0, 0.0];
        for _ in 0..runs {
            let mut some = reports(&vec![FAR; n]);
            for report in &mut some[f..] {
                report.mid = (draws.normal() * DEVIATION) as Ticks;
            }
            sums[0] += trimmed_mean(&some, f).unwrap() as f64 / DEVIATION;
            sums[1] += weighted_median(&some, 500_000).unwrap() as f64 / DEVIATION;
        }
        let [by_trimmed, by_median] = sums.map(|sum| sum / f64::from(runs));
        assert!((by_trimmed - trimmed).abs() < 0.02, "n {n}: {by_trimmed}");
        assert!((by_median - median).abs() < 0.02, "n {n}: {by_median}");
    }
}
