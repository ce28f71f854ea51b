//! Whatever decodes: no handler panics, and nothing grows.

use anthill_protocol::recording::{Effect, Pump, Recording};
use anthill_protocol::{
    Bodies as _, Context as _, Digest, NodeId, Protocol, Signature, Time, laws,
};

use super::{chain, hotstuff, millis};
use crate::hotstuff::HotStuff;
use crate::messages::{
    Block, Certificate, GivenUp, HotStuffBody, HotStuffMessage, Place, Timeouts,
};
use crate::replica::Replica;

const ZEROS: Signature = Signature([0; 64]);

/// A recording of a node that reads the pump's bodies.
fn recording(pump: &Pump<HotStuff>, node: u32) -> Recording<HotStuff> {
    Recording::new(NodeId(node), 4).at(millis(1_000)).bodies_of(pump.bodies().clone())
}

fn handles(length: u64) -> (HotStuff, Pump<HotStuff>) {
    let mut pump = Pump::new(hotstuff(4, &[chain(length)]), 4);
    pump.run(millis(985));
    (hotstuff(4, &[chain(length)]), pump)
}

fn size(node: &Replica) -> usize {
    let mut bytes = Vec::new();
    anthill_protocol::Snapshot::save(node, &mut bytes);
    bytes.len()
}

/// Bodies that nobody honest makes: forged, with too few signatures, or of numbers out of range.
fn bodies(cx: &mut Recording<HotStuff>, node: &Replica) -> Vec<anthill_protocol::Shared> {
    let high = node.high.proof;
    let votes = |count: u32| (0..count).map(|id| (NodeId(id), ZEROS)).collect::<Vec<_>>();
    let mut made = vec![high, node.entered_by];
    made.extend(node.tree.iter().map(|known| known.block));
    for view in [0, 1, node.view, u64::MAX] {
        for count in [0, 1, 3, 4] {
            let list = Certificate::list(view, node.high.block, votes(count));
            made.push(cx.share(HotStuffBody::Certificate(list)));
            let given =
                |(who, signature)| (GivenUp { who, given: view, high: u64::MAX }, signature);
            let timeouts = Timeouts::list(view, votes(count).into_iter().map(given).collect());
            made.push(cx.share(HotStuffBody::Timeouts(timeouts)));
        }
        let sealed = Certificate::aggregate(view, node.high.block, 4, (NodeId(3), ZEROS));
        made.push(cx.share(HotStuffBody::Certificate(sealed)));
    }
    let certificates = made.clone();
    for justify in certificates {
        let read = cx.bodies();
        let Some(certificate) = read.get(justify).certificate() else { continue };
        for (view, height) in [(0, 0), (node.view, u64::MAX), (u64::MAX, 1)] {
            let place = Place { view, height, time: Time::MAX, link: node.tip.block };
            let requests = vec![(NodeId(u32::MAX), u32::MAX), (NodeId(0), 0)];
            let block = Block::new(cx.scenario(), place, justify, certificate, requests);
            made.push(cx.share(HotStuffBody::Block(block)));
        }
    }
    made
}

#[test]
fn numbers_out_of_range_are_survived() {
    for length in [2, 3] {
        let (protocol, pump) = handles(length);
        for me in 0..4 {
            let honest = pump.node(NodeId(me)).expect("up").clone();
            let mut cx = recording(&pump, me);
            let made = bodies(&mut cx, &honest);
            let mut node = honest.clone();
            for body in &made {
                for view in [0, honest.view - 1, honest.view, honest.view + 3, u64::MAX] {
                    let messages = [
                        HotStuffMessage::Propose { block: *body, timeouts: Some(made[0]) },
                        HotStuffMessage::Propose { block: *body, timeouts: None },
                        HotStuffMessage::Propose { block: made[2], timeouts: Some(*body) },
                        HotStuffMessage::Vote { view, block: Digest([7; 32]), signature: ZEROS },
                        HotStuffMessage::NewView { given: view, high: *body, signature: ZEROS },
                        HotStuffMessage::Sync { proof: *body },
                        HotStuffMessage::Fetch { block: honest.high.block, above: view },
                        HotStuffMessage::Fetch { block: Digest([7; 32]), above: 0 },
                        HotStuffMessage::Block { block: *body },
                        HotStuffMessage::Request { number: u32::MAX },
                    ];
                    for (message, from) in messages.iter().zip([0, 1, 2, 3, 9].iter().cycle()) {
                        protocol.on_message(&mut node, NodeId(*from), message, &mut cx);
                    }
                }
            }
            laws::state(&node);
            assert_eq!(
                (node.view, node.voted, node.high),
                (honest.view, honest.voted, honest.high)
            );
            assert!(size(&node) < size(&honest) + 400, "{} of {}", size(&node), size(&honest));
        }
    }
}

/// A certificate with a false signature proves nothing, and neither do too few true ones.
#[test]
fn forged_proofs_are_refused() {
    let (protocol, pump) = handles(3);
    let honest = pump.node(NodeId(2)).expect("up").clone();
    let view = honest.view + 5;
    let digest = crate::messages::given_up_digest(0, view, 0);
    for (signers, valid, enters) in
        [(3, true, true), (4, true, true), (2, true, false), (3, false, false)]
    {
        let mut cx = recording(&pump, 2);
        let mut statements = Vec::new();
        for who in 0..signers {
            let signature = recording(&pump, who).sign(&digest);
            let signature = if valid || who > 0 { signature } else { ZEROS };
            statements.push((GivenUp { who: NodeId(who), given: view, high: 0 }, signature));
        }
        let proof = cx.share(HotStuffBody::Timeouts(Timeouts::list(view, statements)));
        let mut node = honest.clone();
        protocol.on_message(&mut node, NodeId(1), &HotStuffMessage::Sync { proof }, &mut cx);
        assert_eq!(node.view == view + 1, enters, "{signers} signers, {valid}");
        // f + 1 are enough to be drawn along, and no proof of the view.
        assert_eq!(node.given_up == view, signers == 2);
        let says = |effect: &Effect<HotStuff>| {
            matches!(effect, Effect::Send { message: HotStuffMessage::NewView { given, .. }, .. }
                if *given == view)
        };
        assert_eq!(cx.effects().iter().any(says), signers == 2);
    }
}

/// What a replica retains it releases again: between runs only what its state names is left.
#[test]
fn retained_bodies_are_those_of_the_state() {
    let protocol = hotstuff(4, &[]);
    let (_, pump) = handles(3);
    let mut node = pump.node(NodeId(1)).expect("up").clone();
    let held = |node: &Replica| {
        (2 + node.tree.len() + node.waiting.len() + usize::from(node.tip.block.is_some())) as i64
    };
    let mut cx = recording(&pump, 1);
    let before = held(&node);
    for from in 0..4 {
        let other = pump.node(NodeId(from)).expect("up").clone();
        for known in &other.tree {
            let message = HotStuffMessage::Propose { block: known.block, timeouts: None };
            protocol.on_message(&mut node, NodeId(from), &message, &mut cx);
        }
        let proof = other.high.proof;
        protocol.on_message(&mut node, NodeId(from), &HotStuffMessage::Sync { proof }, &mut cx);
    }
    assert_eq!(cx.retained(), held(&node) - before);
    protocol.restart(&mut node, false, &mut cx);
    assert_eq!(cx.retained(), held(&node) - before);
}
