//! Messages of a damaged or lying node: nothing that decodes makes another one panic or grow.

use anthill_protocol::recording::Recording;
use anthill_protocol::{Context, Protocol};

use super::*;
use crate::messages::{ChordMessage, Successors};
use crate::node::{Node, Phase};

const HUGE: NodeId = NodeId(u32::MAX);

fn messages(node: &Node, list: anthill_protocol::Shared) -> Vec<ChordMessage> {
    use ChordMessage::*;
    let lookups = node.open.iter().map(|lookup| (lookup.number, lookup.step));
    let mut all = Vec::new();
    for (lookup, step) in lookups.chain([(0, 0), (u32::MAX, u16::MAX)]) {
        for node in [HUGE, NodeId(0), NodeId(3), NodeId(9)] {
            for last in [false, true] {
                all.push(Next { lookup, step, node, last });
                let (key, avoid) = (u64::MAX, Some(node));
                all.push(Find { lookup, step, key, last, avoid });
                all.push(Find { lookup, step, key: 0, last, avoid: None });
            }
        }
        all.extend([Mine { lookup, step }, Gone { lookup, step }]);
    }
    let asked = [node.pull, node.ping].into_iter().flatten().map(|(tag, _)| tag);
    let knocks = match node.phase {
        Phase::Knocking { tag, .. } => Some(tag),
        _ => None,
    };
    for tag in asked.chain(knocks).chain([0, u32::MAX]) {
        for predecessor in [None, Some(HUGE), Some(NodeId(3)), Some(NodeId(9))] {
            all.push(Successors { tag, predecessor, list: None });
            all.push(Successors { tag, predecessor, list: Some(list) });
            all.push(Welcome { tag, predecessor, list });
            all.extend(predecessor.map(|predecessor| Refuse { tag, predecessor }));
        }
        all.extend([true, false].map(|joining| Notify { tag, joining }));
        all.extend([Stabilise { tag, known: 0 }, Ping { tag }, Pong { tag }]);
    }
    all
}

#[test]
fn numbers_out_of_range_are_survived() {
    let nodes = 10;
    for start in ["ring", "join"] {
        let set = [GO_ON, lookups(2_000), over(20), ("start", Value::Choice(start))];
        let protocol = chord(nodes, 3, &set);
        let mut pump = Pump::new(protocol.clone(), nodes).seed(3);
        for ms in [1, 2_507, 4_013, 8_003] {
            pump.run(Time::ZERO + Span::from_millis(ms));
            for (id, from) in [(3, 0), (0, 3), (9, 8), (5, 5)] {
                let before = pump.node(NodeId(id)).expect("up").clone();
                let mut cx = Recording::<Chord>::new(NodeId(id), nodes).at(seconds(9));
                let absurd = (0..500).map(|n| NodeId(0x0100_0001_u32.wrapping_mul(n))).collect();
                let list = cx.share(Successors(absurd));
                for message in messages(&before, list) {
                    let mut node = before.clone();
                    for from in [NodeId(from), node.pull.map_or(HUGE, |pull| pull.1)] {
                        if from.0 < nodes {
                            protocol.on_message(&mut node, from, &message, &mut cx);
                        }
                    }
                    laws::state(&node);
                    assert!(node.list.len() <= protocol.most_successors());
                    assert!(node.fingers.len() <= 64 && node.open.len() <= before.open.len() + 2);
                    assert!(cx.receivers().iter().all(|to| to.0 < nodes), "{message:?}");
                }
            }
        }
    }
}

/// Timers of requests that are over, or never were, do nothing.
#[test]
fn stale_timers_are_survived() {
    use crate::messages::Timer;
    let protocol = chord(10, 3, &[]);
    let mut cx = Recording::<Chord>::new(NodeId(3), 10);
    let mut node = protocol.start(&mut cx);
    cx.clear();
    for number in [0, 1, u32::MAX] {
        protocol.on_timer(&mut node, Timer::Late(number), &mut cx);
        protocol.on_timer(&mut node, Timer::Check(number), &mut cx);
    }
    protocol.on_timer(&mut node, Timer::Join, &mut cx);
    assert!(cx.effects().is_empty());
}
