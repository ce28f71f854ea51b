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
