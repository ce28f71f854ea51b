//! The log: every node has numbers of its own to be ordered; all are to take the same ones in the same places.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::kit::{
    Answer, Ask, Embeds, Entry, LogSetting, Machine, Part, ReplicatedLog, Within,
};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Context, Message, NoOutput, NodeId, Protocol, Snapshot, Span, Time};

use crate::log::{RandomizedLog, RandomizedLogMessage, RandomizedLogNode};
use crate::messages::{Bits, RandomizedMessage};
use crate::metrics::RandomizedMetric;
use crate::proof::Proof;

#[derive(Clone)]
struct Numbers {
    log: RandomizedLog,
    each: u32,
}

#[derive(Clone, Copy, Debug, Message)]
struct Wrapped(RandomizedLogMessage);

#[derive(Default, Snapshot)]
struct List {
    waits: VecDeque<u64>,
    taken: Vec<(u64, u64)>,
}

#[derive(Snapshot)]
struct Node(RandomizedLogNode, List);

impl<C> Machine<C> for List {
    fn ask(&mut self, ask: Ask<'_>, _: &mut C) -> Answer {
        match ask {
            Ask::Next { .. } => {
                let next = self.waits.front();
                Answer::Entry(next.map(|value| Entry { value: *value, body: None }))
            }
            Ask::Oldest => Answer::Oldest(self.waits.front().copied()),
            Ask::Last => Answer::Entry(None),
            Ask::Take(last) => {
                self.taken.push((last.index, last.entry.value));
                self.waits.retain(|value| *value != last.entry.value);
                Answer::Taken
            }
            Ask::Keep(_) => Answer::Taken,
        }
    }
}

impl Embeds<RandomizedLog> for Numbers {
    fn message(message: RandomizedLogMessage) -> Wrapped {
        Wrapped(message)
    }

    fn timer((): ()) {}

    fn metric(metric: RandomizedMetric) -> Option<RandomizedMetric> {
        Some(metric)
    }

    fn body(body: Proof, _: Part) -> Proof {
        body
    }

    fn inner(body: &Proof) -> &Proof {
        body
    }
}

impl Numbers {
    fn with<C: Context<Self>, T>(
        list: &mut List,
        cx: &mut C,
        handler: impl FnOnce(&mut Within<'_, Self, RandomizedLog, C, &mut List>) -> T,
    ) -> T {
        let part = Part { first: NodeId(0), size: cx.nodes() };
        Within::run_on(part, list, cx, handler).0
    }
}

impl Protocol for Numbers {
    type Node = Node;
    type Message = Wrapped;
    type Body = Proof;
    type Timer = ();
    type Metric = RandomizedMetric;
    type Output = NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        let own = |number: u32| u64::from(cx.id().0) << 32 | u64::from(number);
        let mut list = List { waits: (0..self.each).map(own).collect(), taken: Vec::new() };
        Node(Self::with(&mut list, cx, |cx| self.log.start(cx)), list)
    }

    fn on_message(
        &self,
        Node(node, list): &mut Node,
        from: NodeId,
        Wrapped(message): &Wrapped,
        cx: &mut impl Context<Self>,
    ) {
        Self::with(list, cx, |cx| self.log.on_message(node, from, message, cx));
    }

    fn on_timer(&self, _: &mut Node, (): (), _: &mut impl Context<Self>) {}

    fn restart(&self, Node(node, list): &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            list.taken.clear();
        }
        Self::with(list, cx, |cx| self.log.restart(node, keep_state, cx));
    }
}

fn others(cx: &Tap<'_, '_, Numbers>) -> Vec<NodeId> {
    (0..cx.nodes()).map(NodeId).filter(|to| *to != cx.id()).collect()
}

/// Tells everybody something else: proposals, echoes, votes and results.
#[derive(Default)]
struct Liar {
    upto: u32,
    /// Agreements and rounds in which it has voted.
    voted: BTreeSet<(u32, u32)>,
}

impl Behaviour<Numbers> for Liar {
    fn start(&mut self, _: &Numbers, cx: &mut Tap<'_, '_, Numbers>) -> Node {
        self.lie(0, cx);
        Node(RandomizedLogNode::default(), List::default())
    }

    fn on_message(
        &mut self,
        _: &Numbers,
        _: &mut Node,
        from: NodeId,
        Wrapped(message): &Wrapped,
        cx: &mut Tap<'_, '_, Numbers>,
    ) {
        match *message {
            RandomizedLogMessage::Propose { epoch, .. } if epoch >= self.upto => {
                self.lie(epoch, cx)
            }
            RandomizedLogMessage::Propose { epoch, .. } => {
                // What it knows of one proposal it says differently to each.
                for to in others(cx) {
                    let entry = Some(Entry { value: u64::from(to.0 % 2) | 7 << 40, body: None });
                    let (echo, ready) = (
                        RandomizedLogMessage::Echo { epoch, of: from, entry },
                        RandomizedLogMessage::Ready { epoch, of: from, entry },
                    );
                    cx.send(to, Wrapped(echo));
                    cx.send(to, Wrapped(ready));
                }
            }
            RandomizedLogMessage::Agree(RandomizedMessage::Bval { instance, round, .. })
                if self.voted.insert((instance, round)) =>
            {
                for to in others(cx) {
                    let bit = to.0 % 2 == 0;
                    let votes = [
                        RandomizedMessage::Bval { instance, round, bit },
                        RandomizedMessage::Bval { instance, round, bit: !bit },
                        RandomizedMessage::Aux { instance, round, bit },
                        RandomizedMessage::Conf { instance, round, bits: Bits::only(bit) },
                    ];
                    let votes = votes.map(RandomizedLogMessage::Agree);
                    votes.into_iter().for_each(|vote| cx.send(to, Wrapped(vote)));
                }
            }
            _ => {}
        }
    }
}

impl Liar {
    fn lie(&mut self, epoch: u32, cx: &mut Tap<'_, '_, Numbers>) {
        self.upto = epoch + 1;
        for to in others(cx) {
            let entry = Some(Entry { value: u64::from(to.0 % 2) | 9 << 40, body: None });
            for message in [
                RandomizedLogMessage::Propose { epoch, entry },
                RandomizedLogMessage::Done { epoch, entry },
                RandomizedLogMessage::Done { epoch: u32::MAX, entry },
            ] {
                cx.send(to, Wrapped(message));
            }
        }
    }
}

fn numbers(nodes: u32, each: u32) -> Pump<Numbers> {
    let setting = LogSetting { nodes, delta: Span::from_millis(50), seed: 1 };
    let log = RandomizedLog::of(setting).expect("fits");
    Pump::new(Numbers { log, each }, nodes)
}

fn at(millis: u64) -> Time {
    Time::ZERO + Span::from_millis(millis)
}

/// By place, what was taken there; nodes differ nowhere, and each takes in order.
#[track_caller]
fn taken(pump: &Pump<Numbers>, nodes: impl IntoIterator<Item = u32>) -> BTreeMap<u64, u64> {
    let mut all = BTreeMap::new();
    for node in nodes {
        let Some(Node(_, list)) = pump.node(NodeId(node)) else { panic!("n{node} is down") };
        assert!(list.taken.is_sorted_by(|a, b| a.0 < b.0), "n{node}");
        for (index, value) in &list.taken {
            assert_eq!(all.entry(*index).or_insert(*value), value, "n{node} at {index}");
        }
    }
    all
}

#[test]
fn all_nodes_take_all_numbers_in_one_order() {
    for (nodes, each) in [(1, 5), (4, 6), (5, 4), (7, 3)] {
        for seed in 0..4 {
            let mut pump = numbers(nodes, each).delays(Span(1), Span::from_millis(40)).seed(seed);
            pump.run(at(600_000));
            let all = taken(&pump, 0..nodes);
            assert_eq!(all.len(), (nodes * each) as usize, "{nodes} {seed}");
            for node in 0..nodes {
                let Some(Node(_, list)) = pump.node(NodeId(node)) else { panic!("down") };
                assert_eq!(list.taken.len(), all.len(), "n{node} of {nodes}, {seed}");
            }
        }
    }
}

/// f of them lie, in everything.
#[test]
fn liars_change_nothing_that_honest_nodes_agree_on() {
    for nodes in [4, 5, 7, 8] {
        let liars = (nodes - 1) / 3;
        for seed in 0..4 {
            let mut pump = numbers(nodes, 4).delays(Span(1), Span::from_millis(40)).seed(seed);
            for liar in nodes - liars..nodes {
                pump = pump.hold(NodeId(liar), Liar::default());
            }
            pump.run(at(600_000));
            let all = taken(&pump, 0..nodes - liars);
            let own = all.values().filter(|value| **value >> 40 == 0).count();
            assert_eq!(own, ((nodes - liars) * 4) as usize, "{nodes} {seed}");
        }
    }
}

/// One is down for a while, with others busy, and takes what is decided once it is back.
#[test]
fn who_was_down_follows() {
    for (seed, keep) in (0..8).map(|seed| (seed, seed % 2 == 0)) {
        let mut pump = numbers(4, 20).delays(Span(1), Span::from_millis(40)).seed(seed);
        pump.run(at(1_000));
        let state = pump.crash(NodeId(2)).expect("up");
        pump.run(at(3_000));
        let before = taken(&pump, [0, 1, 3]).len();
        pump.restart(NodeId(2), state, keep);
        pump.run(at(600_000));
        let all = taken(&pump, 0..4);
        let Some(Node(_, list)) = pump.node(NodeId(2)) else { panic!("down") };
        assert!(
            list.taken.last() == all.iter().map(|(at, it)| (*at, *it)).next_back().as_ref(),
            "{seed}"
        );
        assert!(all.len() > before && all.len() >= 60, "{seed}: {} of {}", before, all.len());
    }
}

/// More than f liars who say the same of an epoch are believed.
#[test]
fn beyond_f_nodes_may_differ() {
    let mut pump = numbers(4, 6).delays(Span(1), Span::from_millis(40)).seed(1);
    for liar in [2, 3] {
        pump = pump.hold(NodeId(liar), Liar::default());
    }
    pump.run(at(60_000));
    let lists = [0, 1].map(|node| match pump.node(NodeId(node)) {
        Some(Node(_, list)) => list.taken.clone(),
        None => panic!("down"),
    });
    assert_ne!(lists[0], lists[1]);
}
