//! The schedulers, against what theory says is the worst.

use super::*;

/// Agreements under the worst schedule, with the rounds they take.
fn worst(run: Run, seed: u64) -> (Pump<Randomized>, Vec<Option<u32>>) {
    let mut pump = run.adversary("worst-schedule").pump(seed);
    pump.run(Time::MAX);
    let last = ends(&pump);
    (pump, last)
}

/// MMR with CONF: the time to the last decision is a sum of two geometric ones.
#[test]
fn mmr_with_conf() {
    for (nodes, faults, instances) in
        [(4, 1, 4_000), (5, 1, 1_000), (6, 1, 1_000), (7, 2, 1_000), (8, 2, 500), (10, 3, 500)]
    {
        let (mut pump, last) = worst(run("mmr", nodes, faults).instances(instances), 7);
        follows(&last, 12, |after| f64::from(after + 1) * half_to(after));
        judged_fine(&mut pump);
    }
}

/// No threshold of the coin is better or worse.
#[test]
fn mmr_with_conf_and_shares() {
    for threshold in [2, 3, 4] {
        let shares = run("mmr", 4, 1).instances(1_000).count("coin_threshold", threshold);
        let (mut pump, last) = worst(shares, 7);
        follows(&last, 12, |after| f64::from(after + 1) * half_to(after));
        judged_fine(&mut pump);
    }
}

/// MMR without CONF never ends, whether the coin takes f + 1 or n - f shares.
#[test]
fn mmr_without_conf() {
    for (nodes, faults) in [(4, 1), (7, 2), (8, 2), (10, 3)] {
        for threshold in [0, faults + 1, u64::from(nodes) - faults] {
            let never = run("mmr", nodes, faults).instances(20).without_conf();
            let (pump, last) = worst(never.count("coin_threshold", threshold), 7);
            assert!(last.iter().all(Option::is_none), "n = {nodes}, {threshold}: {last:?}");
            let rounds = pump.outputs().iter().filter(|s| matches!(s.output, Says::Round { .. }));
            assert_eq!(rounds.count() as u64, 20 * 100 * (u64::from(nodes) - faults));
            assert_eq!(pump.findings()[0].judge, "decided within 40 rounds");
            assert!(pump.findings()[0].expected);
        }
    }
}

/// Shi with n - f shares: 2^-floor(E/2).
#[test]
fn shi_with_n_minus_f_shares() {
    for (nodes, faults, instances) in [(4, 1, 2_000), (7, 2, 300), (8, 2, 300), (10, 3, 100)] {
        let few = run("shi", nodes, faults).word("inputs", "few").instances(instances);
        let (mut pump, last) = worst(few, 7);
        follows(&last, 12, |after| half_to(after / 2));
        judged_fine(&mut pump);
    }
}

/// Shi with f + 1 shares: what the first coin does not decide nothing does.
#[test]
fn shi_with_f_plus_one_shares() {
    for (nodes, faults, threshold) in [(4, 1, 2), (7, 2, 3), (7, 2, 4), (10, 3, 6)] {
        let early = run("shi", nodes, faults).word("inputs", "few").count("horizon", 30);
        let (pump, last) = worst(early.instances(100).count("coin_threshold", threshold), 7);
        follows(&last, 30, |after| if after == 1 { 1.0 } else { 0.5 });
        assert_eq!(pump.findings(), []);
    }
}

/// Ben-Or in lock step, all toss.
#[test]
fn ben_or_in_lock_step() {
    for (nodes, faults, expected) in
        [(7, 3, 0.015_625), (21, 2, 0.383_31), (5, 1, 0.375), (4, 1, 0.125), (9, 4, 0.003_906_25)]
    {
        let instances = if nodes > 20 { 100 } else { 200 };
        let (mut pump, last) = worst(run("ben-or", nodes, faults).instances(instances), 7);
        // Rounds in which all toss: those after the first, of which the last one decides.
        let open = |end: &Option<u32>| end.unwrap_or(100 + 1) - 1;
        let tossed: u32 = last.iter().map(|end| open(end).min(99)).sum();
        let decided = last.iter().flatten().count() as f64;
        let rounds = f64::from(tossed);
        let deviation = (expected * (1.0 - expected) * rounds).sqrt();
        assert!(
            (decided - expected * rounds).abs() < 4.9 * deviation,
            "{nodes}: {decided} of {rounds}"
        );
        for check in pump.judged() {
            assert!(check.ok || check.not_judged.is_some(), "{check:?}");
        }
    }
}

/// Fischer, Lynch and Paterson: without a coin the same scheduler goes on for ever; with one it cannot.
#[test]
fn without_a_coin_nothing_is_decided() {
    let rounds = 10_000;
    let flp = run("mmr", 4, 1).word("coin", "none").count("horizon", rounds);
    let (pump, last) = worst(flp, 7);
    assert_eq!(last, [None]);
    let ended = pump.outputs().iter().filter(|s| matches!(s.output, Says::Round { .. }));
    assert_eq!(ended.count() as u64, 3 * rounds);
    let (_, last) = worst(run("mmr", 4, 1).count("horizon", rounds), 7);
    assert!(last[0].is_some_and(|round| round <= 40));
}
