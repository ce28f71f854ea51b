//! The planted error, and a hunt for it; what holds whatever happens.

use anthill_protocol::judge::Finding;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, Dice, NodeId, Span, Time};

use super::{count, goodwill, number, share, word};

/// A random small run; what its judges found that should not be.
fn random_run(seed: u64, planted: bool) -> Vec<Finding> {
    let mut dice = Dice::new(seed);
    let forgers = dice.within(3, 7);
    let kinds = [
        None,
        Some("sybil-voter"),
        Some("equivocator"),
        Some("captor"),
        Some("false-executor"),
        Some("slot-thief"),
    ];
    let kind = dice.pick(&kinds);
    let mut set = vec![
        count("forgers", forgers),
        count("window", dice.within(3, 6)),
        count("windows", 5),
        count("scams", dice.below(2)),
        count("requests", dice.below(2)),
        count("confirmations", dice.pick(&[1, 3])),
        word("bids", dice.pick(&["fixed", "best-reply", "wealth-share"])),
        word("proof", dice.pick(&["good-will", "good-will", "burn", "stake"])),
        word("beacon", dice.pick(&["ideal", "chain"])),
        number("bid", 10.0),
        number("cap", dice.pick(&[-1.0, 7_500.0])),
        number("workload.rate", 0.1),
    ];
    if kind.is_some_and(|kind| kind != "captor") {
        set.push(share("adversary.share", 0.3));
    }
    let nodes = forgers as u32 + dice.below(3) as u32;
    let mut protocol = goodwill(nodes, kind, &set);
    protocol.fit(nodes, seed).expect("enough");
    protocol.planted = planted;
    let delay = dice.pick(&[20, 2_000, 12_000]);
    let mut pump = Pump::new(protocol, nodes)
        .seed(seed)
        .delays(Span::from_millis(10), Span::from_millis(delay))
        .loss(dice.pick(&[0.0, 0.05]))
        .duplicate(dice.pick(&[0.0, 0.1]));
    if dice.one_in(3) {
        let at = |slot: u64| Time::ZERO + Span::from_secs(10) * slot;
        pump = pump.cut(&[NodeId(0)], dice.one_in(2), at(4), at(9));
    }
    pump.run(Time::ZERO + Span::from_secs(150));
    let node = NodeId(dice.below(forgers) as u32);
    if let Some(state) = pump.crash(node) {
        pump.restart(node, state, dice.one_in(2));
    }
    pump.run(Time::ZERO + Span::from_secs(10_000));
    pump.findings().into_iter().filter(|one| !one.expected).collect()
}

#[test]
fn the_planted_error_is_hunted_down() {
    let first = (0..300).find(|seed| !random_run(*seed, true).is_empty());
    let seed = first.expect("found within 300 runs");
    assert_eq!(random_run(seed, true)[0].judge, "approved donations only");
    assert!(random_run(seed, false).is_empty());
}

#[test]
fn without_it_nothing_is_found() {
    for seed in 0..60 {
        let found = random_run(seed, false);
        assert!(found.is_empty(), "{seed}: {found:?}");
    }
}
