//! The schedulers, against what theory says is the worst.

use super::*;

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

/// Ben-Or in lock step, all toss.
#[test]
fn ben_or_in_lock_step() {
    for (nodes, faults, expected) in
        [(7, 3, 0.015_625), (21, 2, 0.383_31), (5, 1, 0.375), (4, 1, 0.125), (9, 4, 0.003_906_25)]
    {
        let lock_step = run("ben-or", nodes, faults).count("horizon", 20);
        let lock_step = lock_step.adversary("worst-schedule");
        let last = ends_of(&lock_step, 100, false);
        // Rounds in which all toss: those after the first, of which the last one decides.
        let tossed: u32 = last.iter().map(|end| end.map_or(19, |last| last - 1)).sum();
        let (decided, rounds) = (last.iter().flatten().count() as f64, f64::from(tossed));
        let deviation = (expected * (1.0 - expected) * rounds).sqrt();
        assert!(
            (decided - expected * rounds).abs() < 4.9 * deviation,
            "{nodes}: {decided} of {rounds}"
        );
    }
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
