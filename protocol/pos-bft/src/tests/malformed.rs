//! Messages of liars: nothing that decodes makes a handler panic, or a state grow without bound.

use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Recording;
use anthill_protocol::{
    Context as _, NodeId, Protocol as _, Shared, Signature, Snapshot as _, Span, Time, laws,
};

use super::normal::{chain, pump};
use crate::bodies::{Certificate, ChainBody, Decision, Evidence, Kind, Proposal, Vote, statement};
use crate::messages::ChainMessage;
use crate::node::Node;
use crate::parts::Part;
use crate::protocol::PosBft;
use crate::server::Server;

/// Bodies with absurd numbers, signed by their sender as far as it can.
fn bodies(protocol: &PosBft, number: u32, cx: &mut Recording<PosBft>) -> Vec<Shared> {
    let sender = cx.id().0;
    let mut all = Vec::new();
    for (height, round) in [(1, number), (number, 0), (number, number), (2, number), (3, 1)] {
        for value in [0, 7, u64::from(number)] {
            for kind in [Kind::Prevote, Kind::Precommit] {
                let time = Time(u64::MAX);
                all.push(protocol.signed_vote((kind, height, round), (value, time), cx));
                let signature = Signature([1; 64]);
                let vote = Vote { kind, height, round, value, voter: number, time, signature };
                all.push(cx.share(ChainBody::Vote(vote)));
                let votes = vec![
                    (number, time, signature),
                    (sender, time, signature),
                    (0, time, signature),
                ];
                let it = Certificate { kind, height, round, value, votes };
                all.push(cx.share(ChainBody::Certificate(it)));
            }
        }
    }
    let mut server = Server { height: 1, ..Server::default() };
    let block = protocol.make_block(&mut server, cx).expect("a block");
    for change in [block.clone(), block.salted(number.into())] {
        all.push(cx.share(ChainBody::Block(Box::new(change))));
    }
    let parts = all.clone();
    for part in parts.iter().rev().take(8) {
        for (height, round) in [(1, 0), (2, 1), (number, number), (3, number)] {
            for valid_round in [None, Some(0), Some(number)] {
                let (value, block, proof) = (block.hash(), *part, Some(parts[0]));
                let signature = Signature([0; 64]);
                let mut it = Proposal {
                    height,
                    round,
                    valid_round,
                    value,
                    block,
                    proof,
                    proposer: sender,
                    in_parts: false,
                    signature,
                };
                it.signature = cx.sign(&statement(cx.scenario(), Kind::Proposal, it.words()));
                all.push(cx.share(ChainBody::Proposal(it)));
            }
            all.push(cx.share(ChainBody::Decision(Decision {
                height,
                block: *part,
                commit: parts[2],
            })));
            let few = number.min(500);
            for (index, len) in [(0, few), (number, 0), (number, few)] {
                all.push(cx.intern(ChainBody::Part(Part { height, block: *part, index, len })));
            }
            let (accused, first, second) = (number, *part, parts[0]);
            let pieces = [
                Evidence::Votes { accused, height, first, second },
                Evidence::Proposals { accused: 0, height, first, second },
                Evidence::Amnesia { accused: 1, height, precommit: first, prevote: second },
                Evidence::Answer { accused: 2, height, proof: first },
            ];
            all.extend(pieces.map(|piece| cx.share(ChainBody::Evidence(piece))));
        }
    }
    all
}

#[test]
fn numbers_out_of_range_are_survived() {
    survives("direct", 40_000);
}

/// A node notes what neighbours say that they have, of so many votes at most.
#[test]
fn false_gossip_is_survived() {
    survives("gossip", 90_000);
}

fn survives(relay: &'static str, most_growth: usize) {
    let mut changes = vec![("heights", Value::Count(9)), ("users", Value::Count(1))];
    changes.push(("execution", Value::Choice("transfer")));
    changes.push(("relay", Value::Choice(relay)));
    let mut running = pump(chain(5, &changes));
    running.run(Time::ZERO + Span::from_millis(1_650));
    let size = |node: &Node| {
        let mut bytes = Vec::new();
        node.save(&mut bytes);
        bytes.len()
    };
    for (to, from) in [(0, 1), (1, 0), (2, 3), (3, 2), (4, 1), (2, 4)] {
        let mut node = running.node(NodeId(to)).expect("up").clone();
        let before = size(&node);
        let mut cx = Recording::new(NodeId(to), 5).bodies_of(running.bodies().clone());
        for vote in 0..20_000 {
            let has = ChainMessage::Has { height: 2.into(), vote: vote.into() };
            running.protocol().on_message(&mut node, NodeId(from), &has, &mut cx);
        }
        for number in [0, 1, 2, 4, 63, 64, 65, 70, u32::MAX - 1, u32::MAX] {
            let at = Time::ZERO + Span::from_millis(1_650);
            let mut theirs = Recording::new(NodeId(from), 5).bodies_of(running.bodies().clone());
            let mut cx = Recording::new(NodeId(to), 5).bodies_of(running.bodies().clone()).at(at);
            let mut messages = vec![
                ChainMessage::Fetch { height: number.into() },
                ChainMessage::Receipt { nonce: u64::from(number).into() },
            ];
            for height in [0, 1, 2, 3, number] {
                let (round, vote) = (number.into(), u64::MAX.into());
                messages.push(ChainMessage::Step { height: height.into(), round });
                messages.push(ChainMessage::Has { height: height.into(), vote });
            }
            for body in bodies(running.protocol(), number, &mut theirs) {
                messages.extend([
                    ChainMessage::Proposal(body),
                    ChainMessage::Prevote(body),
                    ChainMessage::Precommit(body),
                    ChainMessage::Evidence(body),
                    ChainMessage::Part(body),
                    ChainMessage::Decided(body),
                    ChainMessage::Transaction(body),
                ]);
            }
            for message in messages {
                running.protocol().on_message(&mut node, NodeId(from), &message, &mut cx);
                laws::message(&message);
            }
            laws::state(&node);
        }
        assert!(size(&node) < before + most_growth, "{to}: {before} grew to {}", size(&node));
    }
}
