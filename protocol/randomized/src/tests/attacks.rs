//! More liars than the rules tolerate, coins that are not what they need, and nodes that forget.

use super::*;

/// How many runs of twenty break agreement, whether that was to be expected, and how many decide all.
fn two_faced(run: &Run, count: u64) -> (usize, bool, usize) {
    let attack = run.clone().adversary("two-faced").count("adversary.count", count);
    let (mut broken, mut expected, mut decided) = (0, true, 0);
    for seed in 0..20 {
        let mut pump = attack.pump(seed);
        pump.run(Time::MAX);
        let found = pump.findings();
        broken += usize::from(found.iter().any(|finding| finding.judge == "agreement"));
        expected &= found.iter().all(|finding| finding.expected);
        decided += usize::from(ends(&pump).iter().all(Option::is_some));
    }
    (broken, expected, decided)
}

/// f nodes with two faces are tolerated, one more breaks agreement.
#[test]
fn one_liar_too_many() {
    for (rules, nodes, faults) in [("mmr", 4, 1), ("mmr", 7, 2), ("shi", 4, 1), ("shi", 7, 2)] {
        let run = run(rules, nodes, faults);
        assert_eq!(two_faced(&run, faults), (0, true, 20), "{rules} {nodes}");
        let (broken, expected, _) = two_faced(&run, faults + 1);
        assert!(broken > 0 && expected, "{rules} {nodes}: {broken}");
    }
    let lies = run("ben-or", 6, 1).word("tolerates", "lies");
    assert_eq!(two_faced(&lies, 1), (0, true, 20));
    // Thresholds for crashes are no good against a liar.
    let crashes = run("ben-or", 4, 1);
    let (broken, expected, _) = two_faced(&crashes, 2);
    assert!(broken > 0 && expected, "{broken}");
}

/// Nodes that say all they can justify are no obstacle.
#[test]
fn outspoken_nodes_are_tolerated() {
    for (rules, nodes, faults) in
        [("mmr", 4, 1), ("mmr", 8, 2), ("shi", 4, 1), ("shi", 9, 2), ("ben-or", 6, 1)]
    {
        let outspoken = run(rules, nodes, faults).word("tolerates", "lies").adversary("outspoken");
        for seed in 0..10 {
            let mut pump = outspoken.pump(seed).delays(Span(1), D);
            pump.run(Time::MAX);
            assert!(ends(&pump)[0].is_some(), "{rules} {nodes}");
            assert_eq!(pump.findings(), []);
        }
    }
}

/// MMR is safe because its coin is common: with private coins the same scheduler makes two nodes decide
/// differently. Shi's pre-votes are safe with any coin.
#[test]
fn private_coins() {
    let broken = |rules| {
        let private = run(rules, 4, 1).word("coin", "local").adversary("worst-schedule");
        let found = (0..40).filter(|seed| {
            let mut pump = private.pump(*seed);
            pump.run(Time::MAX);
            let found = pump.findings();
            assert!(found.iter().all(|finding| finding.expected));
            found.iter().any(|finding| finding.judge == "agreement")
        });
        found.count()
    };
    let mmr = broken("mmr");
    // 2^-4 at the least; the first decision and a coin that keeps the others apart have an even chance each.
    assert!(mmr >= 5, "{mmr} of 40");
    assert_eq!(broken("shi"), 0);
}

/// A justification is looked at: votes without one, or with another's, are refused.
#[test]
fn votes_without_justification_are_refused() {
    use crate::messages::{RandomizedMessage, Stage};
    use crate::metrics::RandomizedMetric;
    use anthill_protocol::behaviour::{Act, Edited, Tap};

    /// Says the other bit, or abstains, with the proof of what it should have said.
    fn twisted(
        to_none: bool,
        all: bool,
    ) -> impl FnMut(Act<Randomized>, &mut Tap<'_, '_, Randomized>) {
        move |act, cx| {
            let act = match act {
                Act::Send { to, slot, message: RandomizedMessage::MainVote(vote) } => {
                    let bit = if to_none { None } else { vote.bit.map(|bit| !bit).or(Some(true)) };
                    let proof = vote.proof.filter(|_| all);
                    let lane = cx_lane(cx, vote.instance);
                    let vote =
                        crate::rules::shi::signed(&lane, Stage::Main, vote.epoch, bit, proof, cx);
                    Act::Send { to, slot, message: RandomizedMessage::MainVote(vote) }
                }
                act => act,
            };
            cx.act(act);
        }
    }

    fn cx_lane(cx: &Tap<'_, '_, Randomized>, instance: u32) -> crate::lane::Lane {
        use anthill_protocol::Context;
        run("shi", 4, 1).protocol().lane(Context::id(cx), 4, instance)
    }

    for (to_none, all) in [(true, true), (false, true), (false, false)] {
        let ones = run("shi", 4, 1).word("inputs", "ones");
        let mut pump =
            ones.pump(1).hold(anthill_protocol::NodeId(3), Edited(twisted(to_none, all)));
        let facts = pump.run(Time::MAX);
        assert!(facts.totals.of(RandomizedMetric::Refused) >= 3);
        assert_eq!(ends(&pump), [Some(1)]);
    }
}

/// A crash with its state is survived by the others; without it a node may say another thing, which the
/// judges know.
#[test]
fn crashes() {
    for rules in ["mmr", "shi", "ben-or"] {
        for keeps in [true, false] {
            let mut pump = run(rules, 7, 2).pump(4).delays(Span(1), D);
            pump.run(Time(5_000_000));
            let node = anthill_protocol::NodeId(2);
            let old = pump.crash(node).expect("up");
            pump.run(Time(12_000_000));
            pump.restart(node, old, keeps);
            pump.run(Time::MAX);
            let decisions =
                pump.outputs().iter().filter(|s| matches!(s.output, Says::Decided { .. }));
            assert!(decisions.count() >= 6, "{rules}");
            assert_eq!(pump.findings(), []);
        }
    }
}
