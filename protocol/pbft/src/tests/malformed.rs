//! Messages of liars: nothing that decodes makes a handler panic, or a state grow without bound.

use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Recording;
use anthill_protocol::{
    Context as _, Digest, NodeId, Protocol as _, Shared, Signature, Snapshot as _, Span, Time, laws,
};

use super::normal::{pbft, pump};
use crate::bodies::{
    Batch, Certificate, Change, Kind, NewView, PbftBody, Prepared, Proposal, Request, Seal, State,
    Vote, statement,
};
use crate::messages::PbftMessage;
use crate::protocol::{Node, Pbft};

const HUGE: u32 = u32::MAX;

/// Bodies with absurd numbers, sealed by their sender as far as it can.
fn bodies(number: u32, sender: u32, cx: &mut Recording<Pbft>) -> Vec<Shared> {
    let mut sign = |kind, words| {
        let digest: Digest = statement(cx.scenario(), kind, words);
        Seal::Signature(cx.sign(&digest))
    };
    let mut all = Vec::new();
    for kind in [Kind::Prepare, Kind::Commit, Kind::Checkpoint, Kind::ViewChange] {
        for (view, seq) in [(0, number), (number, number), (number, 1), (1, number)] {
            let (digest, signer) = (u64::from(number), sender);
            let mut vote =
                Vote { kind, view, seq, digest, signer, seal: Seal::Macs(number.min(99)) };
            all.push(PbftBody::Vote(vote));
            vote.seal = sign(kind, vote.words());
            all.push(PbftBody::Vote(vote));
        }
    }
    let mut share = |all: Vec<PbftBody>| -> Vec<Shared> {
        all.into_iter().map(|body| cx.share(body)).collect()
    };
    let signature = Signature([7; 64]);
    let request = Request { client: number, t: number, operation: 9, signer: NodeId(0), signature };
    let parts = share(vec![
        PbftBody::Request(request),
        PbftBody::Batch(Batch::new(vec![request; 3])),
        PbftBody::Batch(Batch::new(Vec::new())),
        PbftBody::State(State { seq: number, chain: 0, replies: vec![(number, 0); 9], last: None }),
        PbftBody::Certificate(Certificate {
            kind: Kind::Prepare,
            view: number,
            seq: number,
            digest: 0,
            primary: Some((0, signature)),
            signers: vec![u64::MAX; 3],
            signatures: vec![signature; 3],
        }),
    ]);
    let mut lists = Vec::new();
    for part in &parts {
        for view in [1, 2, number] {
            let it = Prepared {
                seq: number,
                view: 0,
                digest: 0,
                batch: Some(*part),
                proof: Some(*part),
            };
            let null = Prepared { batch: None, ..it };
            for prepared in [Vec::new(), vec![it], vec![null; 2]] {
                for low in [0, 16, number] {
                    let seal = Seal::Macs(4);
                    let lists_of = (vec![(number, 0); 2], vec![(number, 0, number); 9]);
                    let (checkpoints, proposed) = lists_of;
                    let (proof, prepared) = (Some(*part), prepared.clone());
                    let root = 0;
                    let signer = sender;
                    let mut change = Change {
                        view,
                        signer,
                        low,
                        root,
                        proof,
                        prepared,
                        checkpoints,
                        proposed,
                        seal,
                    };
                    lists.push(PbftBody::Change(change.clone()));
                    let digest = statement(0, Kind::ViewChange, change.words());
                    change.seal = Seal::Signature(sign_with(sender, &digest));
                    lists.push(PbftBody::Change(change));
                }
            }
            let seal = Seal::Macs(4);
            let (seq, digest, batch) = (view, 0, Some(*part));
            lists.push(PbftBody::Proposal(Proposal {
                view,
                seq,
                digest,
                batch,
                signer: sender,
                seal,
            }));
            let (signer, all) = (sender, vec![*part; 3]);
            let (changes, proposals) = (all.clone(), all);
            let mut new_view = NewView { view, signer, changes, proposals, seal };
            let digest = statement(0, Kind::NewView, new_view.words());
            new_view.seal = Seal::Signature(sign_with(sender, &digest));
            lists.push(PbftBody::NewView(new_view));
        }
    }
    all.extend(lists);
    let mut shared = parts;
    shared.extend(all.into_iter().map(|body| cx.share(body)));
    shared
}

fn sign_with(node: u32, digest: &Digest) -> Signature {
    Recording::<Pbft>::new(NodeId(node), 8).sign(digest)
}

#[test]
fn numbers_out_of_range_are_survived() {
    for auth in ["signature", "mac"] {
        let settings = [("auth", Value::Choice(auth)), ("checkpoint_interval", Value::Count(4))];
        let mut running = pump(pbft(4, &settings));
        running.run(Time::ZERO + Span::from_millis(333));
        let size = |node: &Node| {
            let mut bytes = Vec::new();
            node.save(&mut bytes);
            bytes.len()
        };
        for (to, from) in [(0, 1), (1, 0), (2, 3), (3, 2), (4, 1), (2, 5)] {
            let mut node = running.node(NodeId(to)).expect("up").clone();
            let before = size(&node);
            for number in [0, 1, 4, 8, 40, HUGE] {
                let mut theirs =
                    Recording::new(NodeId(from), 8).bodies_of(running.bodies().clone());
                let mut cx = Recording::new(NodeId(to), 8)
                    .bodies_of(running.bodies().clone())
                    .at(Time::ZERO + Span::from_millis(333));
                let (a, b) = (number.into(), u64::from(number).into());
                let mut messages = vec![
                    PbftMessage::Reply { view: a, t: a, result: b },
                    PbftMessage::ViewChangeAck { view: a, of: a, name: b },
                    PbftMessage::ViewChangeAck { view: a, of: 2.into(), name: b },
                    PbftMessage::Status { view: a, active: true, executed: a, low: a },
                    PbftMessage::Status {
                        view: 0.into(),
                        active: false,
                        executed: a,
                        low: 0.into(),
                    },
                    PbftMessage::Fetch { seq: a },
                ];
                for body in bodies(number, from, &mut theirs) {
                    messages.extend([
                        PbftMessage::Request(body),
                        PbftMessage::PrePrepare(body),
                        PbftMessage::Prepare(body),
                        PbftMessage::Commit(body),
                        PbftMessage::Checkpoint(body),
                        PbftMessage::ViewChange(body),
                        PbftMessage::NewView(body),
                        PbftMessage::State(body),
                    ]);
                }
                for message in messages {
                    running.protocol().on_message(&mut node, NodeId(from), &message, &mut cx);
                    laws::message(&message);
                }
                laws::state(&node);
            }
            assert!(size(&node) < before + 4_000, "{to}: {before} grew to {}", size(&node));
        }
    }
}
