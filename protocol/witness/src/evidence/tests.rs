use super::*;
use crate::odds::skip_liar_detected;
use crate::odds::tests::assert_printed;
use anthill_protocol::NodeId;
use anthill_protocol::draw::{Purpose, draw, stream, threshold};

const DAY: Span = Span::from_secs(86_400);

fn defaults() -> Tests {
    Tests::new(100, 0.9, 1e-5, DAY * 2)
}

#[test]
fn totals_match_the_reference_vectors() {
    for (skips, printed) in [
        (8, ".85015908537"),
        (12, ".43320527184"),
        (16, ".11001030452"),
        (20, "1.4462508675e-2"),
        (24, "1.0780130227e-3"),
        (28, "4.9624674243e-5"),
        (32, "1.5134445374e-6"),
    ] {
        assert_printed(total_tail(100, 0.9, skips), printed);
    }
}

#[test]
fn runs_match_the_reference_vectors() {
    let of_105 =
        [".6165581", "8.888746e-2", "9.151511e-3", "9.096299e-4", "9.009645e-5", "8.919966e-6"];
    let of_120 =
        [".6660323", ".1011432", "1.048880e-2", "1.044505e-3", "1.035952e-4", "1.026995e-5"];
    for (draws, vectors) in [(105, of_105), (120, of_120)] {
        for (run, printed) in (2..).zip(vectors) {
            assert_printed(run_tail(draws, 0.9, run), printed);
        }
    }
}

#[test]
fn enumeration_confirms_the_runs() {
    for draws in 0..=12u32 {
        for run in 0..=draws + 1 {
            let found: f64 = (0u32..1 << draws)
                .filter(|set| Skips::of((0..draws).map(|i| set >> i & 1 == 0)).longest_run >= run)
                .map(|set| set.count_ones() as i32)
                .map(|skips| 0.25f64.powi(skips) * 0.75f64.powi(draws as i32 - skips))
                .sum();
            assert!((run_tail(draws, 0.75, run) - found).abs() < 1e-14, "{draws} {run}");
        }
    }
}

#[test]
fn thresholds_are_those_of_the_specification() {
    let tests = defaults();
    assert_eq!(tests.total_threshold(), 30);
    for total in 0..30 {
        let draws = 100 + total;
        assert_eq!(tests.run_threshold(total), Some(if draws <= 117 { 7 } else { 8 }));
    }
    assert_eq!(tests.run_threshold(30), None);
    // The closest of these decisions is still far from where rounding could turn it.
    assert_printed(run_tail(117, 0.9, 7), "9.99996e-6");
}

#[test]
fn thresholds_are_the_least_that_reject() {
    for (witnesses, active_ratio, cutoff) in
        [(1, 0.5, 0.3), (30, 0.2, 1e-3), (100, 0.99, 1e-12), (500, 0.7, 1e-9), (7, 0.9, 0.9)]
    {
        let tests = Tests::new(witnesses, active_ratio, cutoff, DAY);
        let total = |skips| total_tail(witnesses, active_ratio, skips);
        assert!(total(tests.total_threshold()) < cutoff);
        assert!(total(tests.total_threshold() - 1) >= cutoff);
        for skips in 0..tests.total_threshold() {
            let tail = |run| run_tail(witnesses + skips, active_ratio, run);
            let run = tests.run_threshold(skips).unwrap();
            assert!(tail(run) < cutoff && (run == 1 || tail(run - 1) >= cutoff));
        }
        let rejected = tests.false_rejection(active_ratio);
        assert!(rejected.total_skips < cutoff && rejected.either >= rejected.total_skips);
        assert!(rejected.either <= rejected.total_skips + rejected.skip_run + 1e-15);
    }
}

#[test]
fn certain_answers_allow_no_skip() {
    let tests = Tests::new(100, 1.0, 1e-5, DAY);
    assert_eq!((tests.total_threshold(), tests.run_threshold(0)), (1, Some(1)));
    let none = FalseRejection { total_skips: 0.0, skip_run: 0.0, either: 0.0 };
    assert_eq!(tests.false_rejection(1.0), none);
}

#[test]
fn skips_are_counted() {
    let of = |draw: &str| Skips::of(draw.chars().map(|c| c == 'a'));
    assert_eq!(of(""), Skips::default());
    assert_eq!(of("aaa"), Skips::default());
    assert_eq!(of("ssasssasa"), Skips { total: 6, longest_run: 3 });
}

#[test]
fn selections_are_judged_from_the_thresholds_on() {
    let tests = defaults();
    let judge = |total, longest_run| tests.judge(Skips { total, longest_run }, []);
    assert_eq!(judge(0, 0), Ok(()));
    assert_eq!(judge(29, 7), Ok(()));
    assert_eq!(judge(30, 1), Err(Rejection::TotalSkips));
    assert_eq!(judge(u32::MAX, u32::MAX), Err(Rejection::TotalSkips));
    assert_eq!(judge(17, 6), Ok(()));
    assert_eq!(judge(17, 7), Err(Rejection::SkipRun));
    assert_eq!(judge(18, 7), Ok(()));
    assert_eq!(judge(18, 8), Err(Rejection::SkipRun));
}

#[test]
fn missed_events_are_scored_by_age() {
    let tests = defaults();
    let judge = |ages: &[Span]| tests.judge(Skips::default(), ages.iter().copied());
    let score = |ages: &[Span]| tests.missing_score(ages.iter().copied());
    assert_eq!(score(&[]), 1.0);
    assert_eq!(score(&[Span::ZERO, DAY]), 0.5);
    assert_eq!(score(&[DAY * 2]), 0.01);
    assert_eq!(score(&[Span::MAX]), 0.01);
    // 0.5^16 is above 1e-5, 0.5^17 below; two of the oldest are 1e-4, three 1e-6.
    assert_eq!(judge(&[DAY; 16]), Ok(()));
    assert_eq!(judge(&[DAY; 17]), Err(Rejection::MissingEvents));
    assert_eq!(judge(&[DAY * 3; 2]), Ok(()));
    assert_eq!(judge(&[DAY * 3; 3]), Err(Rejection::MissingEvents));
    assert_eq!(judge(&[Span::ZERO; 10_000]), Ok(()));
    let nothing_young = Tests::new(100, 0.9, 1e-5, Span::ZERO);
    assert_eq!(nothing_young.missing_score([Span::ZERO]), 0.01);
}

#[test]
fn false_rejections_as_in_the_specification() {
    let at_active_ratio = defaults().false_rejection(0.9);
    assert_printed(at_active_ratio.total_skips, "9.09e-6");
    assert_printed(at_active_ratio.skip_run, "5.20e-6");
    assert_printed(at_active_ratio.either, "1.428e-5");
    for (availability, printed) in
        [(0.95, "1.4e-12"), (0.92, "8.9e-8"), (0.88, "2.6e-4"), (0.85, "8.6e-3"), (0.8, ".206")]
    {
        assert_printed(defaults().false_rejection(availability).total_skips, printed);
    }
}

#[test]
fn false_rejections_agree_with_rational_arithmetic() {
    for (availability, total_skips, skip_run, either) in [
        (0.95, "1.39970728458e-12", "7.65846484072e-8", "7.65860475379e-8"),
        (0.92, "8.90412101125e-8", "1.60499940663e-6", "1.69400155851e-6"),
        (0.90, "9.08923581449e-6", "5.19521223685e-6", "1.42802334435e-5"),
        (0.88, "2.63891867097e-4", "1.14978877297e-5", "2.75258365313e-4"),
        (0.85, "8.61761508081e-3", "3.31627438407e-5", "8.64579408345e-3"),
        (0.80, "2.05543010506e-1", "2.57792178760e-4", "2.05615126864e-1"),
    ] {
        let rejected = defaults().false_rejection(availability);
        assert_printed(rejected.total_skips, total_skips);
        assert_printed(rejected.skip_run, skip_run);
        assert_printed(rejected.either, either);
    }
}

/// All draws of a small selection, one by one: four answers, up to sixteen skips in all the ways
/// in which they can precede the answers.
#[test]
fn enumeration_confirms_the_false_rejections() {
    let (witnesses, most) = (4, 16);
    let tests = Tests::new(witnesses, 0.7, 0.03, DAY);
    assert_eq!(tests.total_threshold(), 6);
    for availability in [0.7f64, 0.9] {
        let (mut total_skips, mut skip_run, mut either) = (0.0, 0.0, 0.0);
        for total in 0..most {
            let before = witnesses - 1 + total; // then comes the last answer
            let sets = (0u32..1 << before).filter(|set| set.count_ones() == total);
            let p = availability.powi(4) * (1.0 - availability).powi(total as i32);
            let limit = (1..).find(|run| run_tail(witnesses + total, 0.7, *run) < 0.03).unwrap();
            for set in sets {
                let skips = Skips::of((0..before).map(|i| set >> i & 1 == 0).chain([true]));
                assert_eq!(skips.total, total);
                let (many, long) = (total >= 6, skips.longest_run >= limit);
                total_skips += if many { p } else { 0.0 };
                skip_run += if long { p } else { 0.0 };
                either += if many || long { p } else { 0.0 };
                assert_eq!(tests.judge(skips, []).is_err(), many || long);
            }
        }
        let exact = tests.false_rejection(availability);
        let left_out = total_tail(witnesses, availability, most);
        for (formula, counted) in
            [(exact.total_skips, total_skips), (exact.skip_run, skip_run), (exact.either, either)]
        {
            let more = formula - counted;
            assert!((-1e-14..left_out + 1e-14).contains(&more), "{formula} and {counted}");
        }
    }
}

#[test]
fn simulation_confirms_the_false_rejections() {
    let tests = Tests::new(100, 0.9, 0.02, DAY);
    let (runs, availability) = (40_000, 0.88);
    let key = stream(1, Purpose::Protocol, NodeId(0));
    let mut bits = (0..).map(|counter| draw(key, counter));
    let mut counts = [0u32; 2];
    for _ in 0..runs {
        let mut open = 100;
        let selection = core::iter::from_fn(|| {
            let answered = (open > 0).then(|| bits.next())?? < threshold(availability);
            open -= u32::from(answered);
            Some(answered)
        });
        match tests.judge(Skips::of(selection), []) {
            Err(Rejection::TotalSkips) => counts[0] += 1,
            Err(_) => counts[1] += 1,
            Ok(()) => {}
        }
    }
    let exact = tests.false_rejection(availability);
    let only_run = exact.either - exact.total_skips;
    for (p, count) in [(exact.total_skips, counts[0]), (only_run, counts[1])] {
        let deviation = (p * (1.0 - p) / f64::from(runs)).sqrt();
        let measured = f64::from(count) / f64::from(runs);
        assert!((measured - p).abs() < 4.9 * deviation, "{measured} and {p}");
    }
}

/// All draws of a small selection with all pairs of lies, one by one.
#[test]
fn enumeration_confirms_the_rejection_of_liars() {
    let (witnesses, lies, most) = (4u32, 2u32, 9u32);
    let tests = Tests::new(witnesses, 0.7, 0.03, DAY);
    let (mut rejected, mut all) = (0.0, 0.0);
    for skips in 0..most {
        let before = witnesses + lies - 1 + skips; // then comes the last answer
        let p = 0.8f64.powi(6) * 0.2f64.powi(skips as i32) / 10.0; // of five answers two
        for skipped in (0u32..1 << before).filter(|set| set.count_ones() == skips) {
            let pairs = (0u32..1 << before).filter(|set| set.count_ones() == lies);
            for denied in pairs.filter(|set| set & skipped == 0) {
                let set = skipped | denied;
                let found = Skips::of((0..before).map(|i| set >> i & 1 == 0).chain([true]));
                all += p;
                rejected += if tests.judge(found, []).is_err() { p } else { 0.0 };
            }
        }
    }
    let exact = tests.rejection(0.8, lies);
    // What has more skips than were enumerated is rejected.
    assert!((exact.either - rejected - (1.0 - all)).abs() < 1e-11, "{exact:?} {rejected} {all}");
}

#[test]
fn liars_are_rejected_by_their_total_as_in_the_closed_form() {
    let threshold = defaults().total_threshold();
    for lies in [0, 4, 12, 20, 29, 30, 40] {
        let exact = defaults().rejection(0.9, lies);
        let closed = skip_liar_detected(100, 0.9, lies, threshold);
        assert!((exact.total_skips - closed).abs() < 1e-14, "{lies}");
        assert!((exact.total_skips..=1.0).contains(&exact.either), "{lies} {exact:?}");
    }
    // A total that says nothing by itself is given away by its runs.
    let silent = defaults().rejection(1.0, 29);
    assert!(silent.total_skips == 0.0 && silent.either > 1e-4, "{silent:?}");
}
