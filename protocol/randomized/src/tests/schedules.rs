//! The schedulers, against what theory says is the worst.

use super::*;
use crate::checks::clear_majority;

/// Agreements under the worst schedule: the rounds they take.
fn worst(run: Run, agreements: u64) -> Vec<Option<u32>> {
    ends_of(&run.adversary("worst-schedule"), agreements, true)
}

/// MMR with CONF: the time to the last decision is a sum of two geometric ones.
#[test]
fn mmr_with_conf() {
    for (nodes, faults, agreements) in
        [(4, 1, 2_000), (5, 1, 200), (6, 1, 200), (7, 2, 200), (8, 2, 100), (10, 3, 100)]
    {
        let last = worst(run("mmr", nodes, faults), agreements);
        follows(&format!("{nodes}"), &last, 12, |after| f64::from(after + 1) * half_to(after));
    }
}

/// Delays of what passes change nothing: who lags by them still is shown both bits after others have decided.
#[test]
fn delays_are_no_part_of_the_worst_schedule() {
    for (nodes, faults, runs) in [(4, 1, 100), (7, 2, 25)] {
        let worst = run("mmr", nodes, faults).instances(8).adversary("worst-schedule");
        let last: Vec<_> = (1..=runs)
            .flat_map(|seed| {
                let mut pump = worst.pump(seed).delays(Span(1), D * 2);
                pump.run(Time::MAX);
                judged_fine(&mut pump);
                ends(&pump)
            })
            .collect();
        follows(&format!("{nodes}"), &last, 12, |after| f64::from(after + 1) * half_to(after));
    }
}

/// No threshold of the coin is better or worse.
#[test]
fn mmr_with_conf_and_shares() {
    for threshold in [2, 3, 4] {
        let last = worst(run("mmr", 4, 1).count("coin_threshold", threshold), 400);
        follows(&format!("{threshold}"), &last, 12, |after| f64::from(after + 1) * half_to(after));
    }
}

/// MMR without CONF never ends, whether the coin takes f + 1 or n - f shares.
#[test]
fn mmr_without_conf() {
    for (nodes, faults) in [(4, 1), (7, 2), (8, 2), (10, 3)] {
        for threshold in [0, faults + 1, u64::from(nodes) - faults] {
            let never = run("mmr", nodes, faults).without_conf().adversary("worst-schedule");
            let mut pump = never.count("coin_threshold", threshold).pump(7);
            pump.run(Time::MAX);
            assert_eq!(ends(&pump), [None], "n = {nodes}, {threshold}");
            let rounds = pump.outputs().iter().filter(|s| matches!(s.output, Says::Round { .. }));
            assert_eq!(rounds.count() as u64, 100 * (u64::from(nodes) - faults));
            let finding = &pump.findings()[0];
            assert_eq!((finding.judge, finding.expected), ("decided within 40 rounds", true));
        }
    }
}

/// Shi with n - f shares: 2^-floor(E/2).
#[test]
fn shi_with_n_minus_f_shares() {
    for (nodes, faults, agreements) in [(4, 1, 800), (7, 2, 104), (8, 2, 104), (10, 3, 48)] {
        let last = worst(run("shi", nodes, faults).word("inputs", "few"), agreements);
        follows(&format!("{nodes}"), &last, 12, |after| half_to(after / 2));
    }
}

/// Shi with f + 1 shares: what the first coin does not decide nothing does.
#[test]
fn shi_with_f_plus_one_shares() {
    for (nodes, faults, threshold) in [(4, 1, 2), (7, 2, 3), (7, 2, 4), (10, 3, 6)] {
        let early = run("shi", nodes, faults).word("inputs", "few").count("horizon", 12);
        let early = early.count("coin_threshold", threshold).adversary("worst-schedule");
        let last = ends_of(&early, 48, false);
        let what = format!("{nodes}, {threshold}");
        follows(&what, &last, 12, |after| if after == 1 { 1.0 } else { 0.5 });
    }
}

/// How many rounds in which all have tossed a schedule leaves undecided, and how many decide; within 4.9
/// deviations of what is due.
fn tosses_decide(schedule: &str, (nodes, faults): (u32, u64), horizon: u64, expected: f64) {
    let scheduled = run("ben-or", nodes, faults).count("horizon", horizon).adversary(schedule);
    let last = ends_of(&scheduled, 100, false);
    // Rounds in which all toss: those after the first, of which the last one decides.
    let most = horizon as u32 - 1;
    let tossed: u32 = last.iter().map(|end| end.map_or(most, |last| last - 1)).sum();
    let (decided, rounds) = (last.iter().flatten().count() as f64, f64::from(tossed));
    let deviation = (expected * (1.0 - expected) * rounds).sqrt();
    assert!(
        (decided - expected * rounds).abs() < 4.9 * deviation && decided > 5.0,
        "{schedule}, {nodes}: {decided} of {rounds}, {expected} of them due"
    );
}

/// Ben-Or in lock step, all toss.
#[test]
fn ben_or_in_lock_step() {
    for (group, expected) in
        [((7, 3), 0.015_625), ((21, 2), 0.383_31), ((5, 1), 0.375), ((4, 1), 0.125)]
    {
        tosses_decide("worst-schedule", group, 20, expected);
        let (nodes, faults) = group;
        let form = 2.0 * clear_majority(nodes, faults as u32);
        assert!((form - expected).abs() < 5e-6, "{nodes}: {form}");
    }
    tosses_decide("worst-schedule", (9, 4), 60, 0.003_906_25);
}

/// Who sees each toss before the next makes nodes wait twice as long: 2^n rounds of tosses for n = 2f + 1.
#[test]
fn ben_or_one_by_one() {
    for (nodes, faults, horizon) in [(3, 1, 40), (5, 2, 60), (7, 3, 120)] {
        let expected = 0.5_f64.powi(nodes as i32);
        assert_eq!(clear_majority(nodes, faults as u32), expected);
        tosses_decide("one-by-one-schedule", (nodes, faults), horizon, expected);
    }
    for group in [(5, 1), (21, 2)] {
        let expected = clear_majority(group.0, group.1 as u32);
        tosses_decide("one-by-one-schedule", group, 40, expected);
    }
}

/// Shares of what is undecided after each round are checked of the run itself.
#[test]
fn ben_or_is_checked() {
    for schedule in ["worst-schedule", "one-by-one-schedule"] {
        let scheduled = run("ben-or", 5, 1).count("horizon", 12).instances(300);
        let mut pump = scheduled.adversary(schedule).pump(11);
        let facts = pump.run(Time::MAX);
        let checks = pump.protocol().checks(&facts);
        let of_rounds = checks.iter().filter(|check| check.name.starts_with("undecided after"));
        assert!(of_rounds.clone().count() >= 4, "{checks:?}");
        assert!(of_rounds.clone().all(|check| check.ok && !check.expected_violation), "{checks:?}");
        assert_eq!(of_rounds.clone().next().map(|check| check.measured), Some(300.0));
    }
    let lies = run("ben-or", 6, 1).word("tolerates", "lies").adversary("one-by-one-schedule");
    let mut protocol = Randomized::configure(&lies.values).expect("consistent");
    assert!(protocol.fit(6, 1).is_err_and(|error| error.problem.contains("crashes")));
}

/// Fischer, Lynch and Paterson: without a coin the same scheduler goes on for ever; with one it cannot.
#[test]
fn without_a_coin_nothing_is_decided() {
    let rounds = 10_000;
    let flp = run("mmr", 4, 1).count("horizon", rounds).adversary("worst-schedule");
    let mut pump = flp.clone().word("coin", "none").pump(7);
    pump.run(Time::MAX);
    assert_eq!(ends(&pump), [None]);
    let ended = pump.outputs().iter().filter(|s| matches!(s.output, Says::Round { .. }));
    assert_eq!(ended.count() as u64, 3 * rounds);
    assert!(ends_of(&flp, 8, true).iter().all(|end| end.is_some_and(|last| last <= 40)));
}
