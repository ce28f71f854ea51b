//! A planted error in each set of rules, and a hunt that finds it: random small runs.

use anthill_protocol::draw;

use super::*;

/// A random run of at most seven nodes, as its seed says.
fn drawn(rules: &'static str, seed: u64, bug: bool) -> Pump<Randomized> {
    let draw = |what: u64, bound: u64| draw::below(draw::draw(draw::mix(seed, 77), what), bound);
    let nodes = 4 + draw(0, 4) as u32;
    let most = if rules == "ben-or" { (nodes - 1) / 2 } else { (nodes - 1) / 3 };
    let faults = if draw(1, 2) == 0 { most.into() } else { 1 + draw(2, most.into()) };
    let inputs = ["halves", "few", "random"][draw(3, 3) as usize];
    let kinds: &[&str] = match rules {
        "mmr" => &["worst-schedule", "lagging-schedule", "both-schedule", "outspoken", "two-faced"],
        "shi" => &["worst-schedule", "outspoken", "two-faced"],
        _ => &["worst-schedule"],
    };
    let mut run = run(rules, nodes, faults).word("inputs", inputs);
    if draw(4, 2) == 0 {
        run = run.adversary(kinds[draw(5, kinds.len() as u64) as usize]);
    }
    let run = if bug { run.bug() } else { run };
    let pump = run.pump(seed).duplicate([0.0, 0.1][draw(6, 2) as usize]);
    match draw(7, 3) {
        0 => pump,
        1 => pump.delays(Span(1), D),
        _ => pump.delays(D, D * 10),
    }
}

/// The first run in which a judge finds something within its bound.
fn hunt(rules: &'static str, runs: u64, bug: bool) -> Option<(u64, &'static str)> {
    (0..runs).find_map(|seed| {
        let mut pump = drawn(rules, seed, bug);
        pump.run(Time::MAX);
        let found = pump.findings().into_iter().find(|finding| !finding.expected)?;
        Some((seed, found.judge))
    })
}

/// CONF carries all delivered bits, and says nothing of what its sender has heard.
#[test]
fn conf_of_delivered_bits() {
    assert_eq!(hunt("mmr", 1_000, true).expect("found").1, "decided within 40 rounds");
    assert_eq!(hunt("mmr", 200, false), None);
}

/// The coin takes f + 1 shares only.
#[test]
fn coin_of_f_plus_one() {
    assert_eq!(hunt("shi", 1_000, true).expect("found").1, "decided within 70 epochs");
    assert_eq!(hunt("shi", 200, false), None);
}

/// Half of the nodes are a majority.
#[test]
fn half_is_a_majority() {
    let found = hunt("ben-or", 1_000, true).expect("found").1;
    assert!(["one proposal a round", "agreement"].contains(&found), "{found}");
    assert_eq!(hunt("ben-or", 500, false), None);
}
