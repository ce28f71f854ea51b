//! Laws of parameters and messages, and nonsense.

use anthill_protocol::recording::Recording;
use anthill_protocol::{NodeId, Protocol, Signature, laws};

use super::*;
use crate::messages::{Bits, RandomizedMessage, Vote};

#[test]
fn parameters_are_lawful() {
    laws::parameters::<Randomized>();
    let refused = |run: Run| {
        let mut protocol = Randomized::configure(&run.values).expect("consistent");
        protocol.fit(run.nodes, 1).expect_err("does not fit").to_string()
    };
    assert!(refused(run("mmr", 4, 4)).starts_with("protocol.faults: of 4 nodes at most 3"));
    assert!(refused(run("mmr", 7, 1).count("group", 4)).starts_with("protocol.group: 7 nodes"));
    let five = run("mmr", 4, 1).count("coin_threshold", 5);
    assert!(refused(five).starts_with("protocol.coin_threshold: there are 4 shares"));
    assert!(
        refused(run("shi", 4, 1).adversary("both-schedule"))
            .starts_with("adversary.kind: it plays")
    );
    let all = run("mmr", 4, 1).adversary("outspoken").count("adversary.count", 4);
    assert!(refused(all).starts_with("adversary.count: one of 4"));
}

/// Messages of a damaged or lying member: nothing that decodes makes another one panic, grow or decide.
#[test]
fn numbers_out_of_range_are_survived() {
    let signature = Signature([7; 64]);
    for rules in ["mmr", "shi", "ben-or"] {
        let mut pump = run(rules, 4, 1).pump(3);
        pump.run(Time::MAX);
        let protocol = run(rules, 4, 1).protocol();
        let said = pump.outputs().len();
        for instance in [0, 1, u32::MAX] {
            for round in [0, 1, 2, 100, 101, 102, u32::MAX] {
                for bit in [None, Some(false), Some(true)] {
                    let vote = Vote { instance, epoch: round, bit, proof: None, signature };
                    let bits = Bits(200);
                    let messages = [
                        RandomizedMessage::Bval { instance, round, bit: true },
                        RandomizedMessage::Aux { instance, round, bit: true },
                        RandomizedMessage::Conf { instance, round, bits },
                        RandomizedMessage::Share { instance, round },
                        RandomizedMessage::Report { instance, round, bit: true },
                        RandomizedMessage::Proposal { instance, round, bit },
                        RandomizedMessage::PreVote(vote),
                        RandomizedMessage::MainVote(vote),
                    ];
                    for message in messages {
                        laws::message(&message);
                        let mut state = pump.node(NodeId(0)).expect("up").clone();
                        let mut cx = Recording::new(NodeId(0), 4)
                            .at(Time(1))
                            .bodies_of(pump.bodies().clone());
                        for from in [1, 0, 1] {
                            protocol.on_message(&mut state, NodeId(from), &message, &mut cx);
                        }
                        laws::state(&state);
                        let decided = |output: &Says| matches!(output, Says::Decided { .. });
                        assert!(!cx.outputs().iter().any(decided), "{message:?}");
                    }
                }
            }
        }
        assert_eq!(pump.outputs().len(), said);
    }
}

/// What a run's checks say holds, and they are there.
#[test]
fn checks_hold() {
    let few = |rules| run(rules, 4, 1).word("inputs", "few");
    let ones = |rules| run(rules, 5, 1).word("inputs", "ones");
    let cases = [
        (ones("mmr"), 4 + 2),
        (ones("mmr").count("coin_threshold", 4), 4 + 2),
        (ones("shi"), 3 + 12),
        (ones("ben-or"), 2),
        (run("mmr", 4, 1).adversary("both-schedule"), 1 + 2),
        (few("mmr").adversary("worst-schedule"), 1 + 3),
        (few("mmr").without_conf().adversary("worst-schedule"), 12),
        (few("shi").adversary("worst-schedule"), 1 + 4),
        (few("shi").count("coin_threshold", 2).adversary("worst-schedule"), 12),
        (few("mmr").adversary("outspoken"), 0),
    ];
    for (run, count) in cases {
        // Groups are so many agreements in one run.
        let run = run.instances(110).count("horizon", 20);
        let mut pump = run.pump(3);
        let facts = pump.run(Time::MAX);
        let checks = pump.protocol().checks(&facts);
        assert!(checks.len() >= count, "{}: {checks:?}", run.protocol().rules);
        for check in checks {
            assert!(check.ok && !check.expected_violation, "{check:?}");
        }
    }
}

/// Each judge finds one contradiction, names it, and has nothing to say of what is right.
#[test]
fn judges_find_what_they_are_for() {
    use anthill_protocol::Key;
    use anthill_protocol::judge::{Panel, RunEnd, Said, Setting};

    let found = |rules, said: &[(u32, Says)]| {
        let protocol = run(rules, 4, 1).protocol();
        let mut panel = Panel::new(protocol.judges(&Setting::of(4, Time(100))));
        for ((node, output), time) in said.iter().zip(1..) {
            let (node, time) = (NodeId(*node), Time(time));
            let at = Key { time, target: node, tie: 0, source: node, sequence: 0 };
            panel.hear(&Said { at, node, output: *output });
        }
        let end = RunEnd { time: Time(100), nodes: 4, excused: &[NodeId(3)] };
        let open = panel.end(&end).iter().filter(|check| check.not_judged.is_some()).count();
        (panel.findings().iter().map(|finding| finding.judge).collect::<Vec<_>>(), open)
    };
    let input = |lane, bit| Says::Input { lane, bit };
    let decided = |lane, bit| Says::Decided { lane, bit, round: 1 };
    let round = |round, values| Says::Round { lane: 0, round, values: Bits(values) };
    let epoch = |epoch, main| Says::Epoch { lane: 0, epoch, main };
    let fine = [
        (0, input(0, true)),
        (1, input(0, false)),
        (0, round(1, 2)),
        (1, round(1, 3)),
        (0, decided(0, true)),
        (1, decided(0, true)),
        (0, round(41, 2)),
    ];
    assert_eq!(found("mmr", &fine), (vec![], 0));
    let two =
        [(0, input(0, true)), (1, input(0, false)), (0, decided(0, true)), (1, decided(0, false))];
    assert_eq!(found("mmr", &two), (vec!["agreement"], 0));
    assert_eq!(found("shi", &two), (vec!["agreement"], 0));
    assert_eq!(found("ben-or", &two), (vec!["agreement"], 0));
    let apart =
        [(0, input(0, true)), (1, input(1, false)), (0, decided(0, true)), (1, decided(1, false))];
    assert_eq!(found("mmr", &apart), (vec![], 0));
    let unwanted = [(0, input(0, true)), (0, decided(0, false))];
    assert_eq!(found("mmr", &unwanted), (vec!["validity"], 0));
    assert_eq!(found("mmr", &[(0, round(3, 1)), (1, round(3, 2))]), (vec!["one bit a round"], 0));
    let votes = [(0, epoch(3, Some(true))), (2, epoch(3, None)), (1, epoch(3, Some(false)))];
    assert_eq!(found("shi", &votes), (vec!["one bit an epoch"], 0));
    assert_eq!(found("ben-or", &votes), (vec!["one proposal a round"], 0));
    let late = [(0, input(0, true)), (0, round(40, 3)), (0, round(41, 3)), (0, round(42, 3))];
    assert_eq!(found("mmr", &late), (vec!["decided within 40 rounds"], 0));
    let open = [(0, input(0, true)), (0, round(40, 3))];
    assert_eq!(found("mmr", &open), (vec![], 1));
    let late = [(0, input(0, true)), (0, epoch(71, None))];
    assert_eq!(found("shi", &late), (vec!["decided within 70 epochs"], 0));
    // The adversary's own node owes nothing.
    assert_eq!(found("mmr", &[(3, input(0, true))]), (vec![], 0));
}

/// Theory's exact costs are those of runs.
#[test]
fn costs() {
    use anthill_protocol::complexity::{Cost, Relation};
    for (rules, nodes) in [("mmr", 5), ("shi", 6), ("ben-or", 8)] {
        let mut pump = run(rules, nodes, 1).word("inputs", "ones").instances(200).pump(8);
        let facts = pump.run(Time::MAX);
        let theory = pump.protocol().complexity(nodes);
        let law = theory.laws.iter().find(|law| law.cost == Cost::Messages).expect("a law");
        let messages = facts.totals.messages as f64;
        match law.relation {
            Relation::Exactly => assert_eq!(messages, law.expected, "{rules}"),
            // Rounds of an agreement have variance 2.
            _ => {
                assert!((messages / law.expected - 1.0).abs() < 4.9 * (2.0 / 200.0f64).sqrt() / 2.0)
            }
        }
    }
}
