//! What a node keeps it retains, and what it forgets it releases.

use std::collections::BTreeMap;

use anthill_protocol::parameter::Value;
use anthill_protocol::recording::{Effect, RecordedBodies, Recording};
use anthill_protocol::{NodeId, Protocol as _, Span, Time};

use super::normal::pbft;
use crate::messages::{PbftMessage, Timer};
use crate::protocol::{Node, Pbft};

enum Event {
    Message(NodeId, PbftMessage),
    Timer(Timer),
}

/// A network whose nodes' recordings last, so that their retentions add up.
struct Net {
    pbft: Pbft,
    nodes: Vec<(Node, Recording<Pbft>)>,
    queue: BTreeMap<(Time, u64), (NodeId, Event)>,
    asked: u64,
}

impl Net {
    fn new(pbft: Pbft) -> Self {
        let bodies = RecordedBodies::default();
        let total = pbft.n + pbft.clients;
        let node = |id| {
            let mut cx = Recording::new(NodeId(id), total).bodies_of(bodies.clone());
            (pbft.start(&mut cx), cx)
        };
        let nodes = (0..total).map(node).collect();
        let mut net = Self { pbft, nodes, queue: BTreeMap::new(), asked: 0 };
        (0..total).for_each(|id| net.carry_out(id, Time::ZERO));
        net
    }

    fn carry_out(&mut self, id: u32, now: Time) {
        let cx = &mut self.nodes[id as usize].1;
        for effect in cx.effects() {
            let (at, to, event) = match effect {
                Effect::Send { to, message, .. } => {
                    (now + Span::from_millis(10), *to, Event::Message(NodeId(id), *message))
                }
                Effect::Timer { at, timer } => (*at, NodeId(id), Event::Timer(*timer)),
                _ => continue,
            };
            self.asked += 1;
            self.queue.insert((at, self.asked), (to, event));
        }
        cx.clear();
    }

    /// Runs for a minute; `hears` says whether a message arrives.
    fn run(&mut self, hears: impl Fn(Time, NodeId, NodeId, &PbftMessage) -> bool) {
        while let Some(((now, _), (to, event))) = self.queue.pop_first() {
            if now > Time::ZERO + Span::from_secs(60) {
                return;
            }
            let (node, cx) = &mut self.nodes[to.index()];
            cx.set_now(now);
            match event {
                Event::Message(from, message) if hears(now, from, to, &message) => {
                    self.pbft.on_message(node, from, &message, cx);
                }
                Event::Message(..) => {}
                Event::Timer(timer) => self.pbft.on_timer(node, timer, cx),
            }
            self.carry_out(to.0, now);
        }
    }
}

#[test]
fn nothing_is_kept_without_being_retained_or_the_other_way_round() {
    let mut changed = 0;
    for (auth, seed) in ["signature", "mac"].into_iter().flat_map(|it| (0..6).map(move |s| (it, s)))
    {
        let settings = [
            ("requests", Value::Count(60)),
            ("checkpoint_interval", Value::Count(4)),
            ("auth", Value::Choice(auth)),
        ];
        let mut net = Net::new(pbft(4 + seed % 3, &settings));
        let cut = |span: core::ops::Range<u64>, now: Time| span.contains(&(now.0 / 1_000_000));
        net.run(|now, from, to, message| {
            let commits = matches!(message, PbftMessage::Commit(_));
            // The primary falls silent, another replica is away, and commits go astray.
            !((cut(100..9_000, now) && from.0 == seed % 2)
                || (cut(60..300 * u64::from(seed), now) && to.0 == 2)
                || (commits && (now.0 / 10_000_000 + u64::from(to.0)).is_multiple_of(7)))
        });
        let replicas = || {
            net.nodes.iter().filter_map(|(node, _)| match node {
                Node::Replica(it) => Some(it),
                Node::Client(_) => None,
            })
        };
        assert!(replicas().filter(|it| it.low >= 16).count() >= 3, "{auth} {seed}");
        changed += u32::from(replicas().filter(|it| it.active && it.view > 0).count() >= 3);
        for (node, cx) in &mut net.nodes {
            if let Node::Replica(_) = node {
                assert!(cx.retained() > 0, "{auth} {seed}: something is kept");
                net.pbft.restart(node, false, cx);
            }
            assert_eq!(cx.retained(), 0, "{auth} {seed}");
        }
    }
    assert!(changed > 6, "views changed in {changed} of 12 runs");
}
