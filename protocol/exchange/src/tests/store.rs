//! A key-value store over each of the logs: a machine as small as they come.
//!
//! An extra node puts values, tells all replicas of each and asks again until f + 1 of them have done it. An
//! entry is a command or, with `links`, a body that names the command and the entry before it, so that a
//! replica that was left behind finds what it missed.

use std::collections::{BTreeMap, BTreeSet};

use anthill_protocol::draw::mix;
use anthill_protocol::judge::{self, Judge, Setting};
use anthill_protocol::kit::{
    Answer, Ask, Embeds, Entry, Erased, Final, LogSetting, Machine, Part, Within,
};
use anthill_protocol::recording::Pump;
use anthill_protocol::{
    Bodies as _, Body, Claim, Context, Keys, Message, Metric, NodeId, Output, Protocol, Shared,
    Snapshot, Span, Time,
};

use crate::{AnyBody, AnyLog, AnyMessage, AnyNode, AnyTimer, LogMetric};

/// The store, and what its client asks.
#[derive(Clone)]
struct Store {
    log: AnyLog,
    replicas: u32,
    puts: u32,
    links: bool,
}

#[derive(Clone, Copy, Debug, Message)]
#[message(claims = claims)]
enum StoreMessage {
    Log(AnyMessage),
    /// The client's command.
    Put(u64),
    /// A replica has done it.
    Done(u64),
}

fn claims(it: &StoreMessage, from: NodeId, keys: &mut dyn Keys, say: &mut dyn FnMut(Claim)) {
    if let StoreMessage::Log(it) = it {
        it.claims(from, keys, say);
    }
}

#[derive(Debug, PartialEq, Eq, Snapshot)]
#[expect(clippy::large_enum_variant, reason = "a test has few of them")]
enum StoreBody {
    Log(AnyBody),
    Link { height: u32, command: u64, before: Option<Shared> },
}

impl Body for StoreBody {
    fn encoded_len(&self) -> u32 {
        if let Self::Log(body) = self { body.encoded_len() } else { 12 + Shared::NAME_LEN }
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Log(body) => body.fingerprint(),
            Self::Link { height, command, before } => {
                mix(mix((*height).into(), *command), before.map_or(0, |it| it.id()))
            }
        }
    }

    fn claims(&self, keys: &mut dyn Keys, say: &mut dyn FnMut(Claim)) {
        if let Self::Log(body) = self {
            body.claims(keys, say);
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        match self {
            Self::Log(body) => body.parts(visit),
            Self::Link { before, .. } => before.iter().copied().for_each(visit),
        }
    }
}

#[derive(Clone, Copy, Debug, Snapshot)]
enum Timer {
    Log(AnyTimer),
    Next,
    Again,
}

#[derive(Clone, Copy, Debug, Metric)]
enum StoreMetric {
    /// commands that f + 1 replicas have done
    Done,
    /// changes of the proposer
    Changes,
}

#[derive(Clone, Copy, Debug, PartialEq, Output)]
enum Said {
    Did { position: u64, command: u64, root: u64 },
}

#[derive(Snapshot)]
#[expect(clippy::large_enum_variant, reason = "nearly all nodes are replicas")]
enum Node {
    Replica(AnyNode, Map),
    Client { made: u32, open: Vec<(u64, u64)> },
}

/// The machine. What is saved of it is enough for a hash of the state.
#[derive(Clone, Debug, Default)]
struct Map {
    values: BTreeMap<u16, u16>,
    done: BTreeSet<u64>,
    waits: BTreeSet<u64>,
    position: u64,
    root: u64,
    /// The last link; retained.
    last: Option<Shared>,
    links: bool,
    client: u32,
}

impl Snapshot for Map {
    fn save(&self, out: &mut Vec<u8>) {
        (self.position, self.root).save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, anthill_protocol::SnapshotError> {
        let (position, root) = Snapshot::load(bytes)?;
        Ok(Self { position, root, ..Self::default() })
    }
}

impl Map {
    fn put(&mut self, command: u64, cx: &mut Erased<'_, Store>) {
        self.waits.remove(&command);
        if !self.done.insert(command) {
            return;
        }
        self.values.insert((command >> 16) as u16, command as u16);
        self.root = mix(self.root, command);
        self.position += 1;
        let (position, root) = (self.position, self.root);
        cx.output(Said::Did { position, command, root });
        cx.send(NodeId(self.client), StoreMessage::Done(command));
    }

    /// What a link leads back to, and was not taken yet; oldest first. Nothing if it does not follow.
    fn follow(&self, last: Shared, cx: &mut Erased<'_, Store>) -> Vec<u64> {
        let bodies = cx.bodies();
        let own = self.last.map_or(0, |it| height(bodies.get(it)));
        let (mut commands, mut next) = (Vec::new(), Some(last));
        while let Some(link) = next.filter(|link| height(bodies.get(*link)) > own) {
            let StoreBody::Link { command, before, .. } = bodies.get(link) else { break };
            commands.push(*command);
            next = *before;
        }
        if next != self.last {
            return Vec::new();
        }
        commands.reverse();
        commands
    }
}

fn height(body: &StoreBody) -> u32 {
    if let StoreBody::Link { height, .. } = body { *height } else { 0 }
}

impl Machine<Erased<'_, Store>> for Map {
    fn ask(&mut self, ask: Ask<'_>, cx: &mut Erased<'_, Store>) -> Answer {
        match ask {
            Ask::Oldest => Answer::Oldest(self.waits.first().copied()),
            Ask::Keep(_) => Answer::Taken,
            Ask::Last => Answer::Entry(self.last.map(Entry::of)),
            Ask::Next { before } => {
                let bodies = cx.bodies();
                let link = |it: &Entry| it.body.map(|it| bodies.get(it));
                let is_before = |command: &u64| {
                    before.iter().any(|it| match link(it) {
                        Some(StoreBody::Link { command: other, .. }) => other == command,
                        _ => it.value == *command,
                    })
                };
                let Some(command) = self.waits.iter().copied().find(|it| !is_before(it)) else {
                    return Answer::Entry(None);
                };
                if !self.links {
                    return Answer::Entry(Some(Entry { value: command, body: None }));
                }
                let before = before.last().and_then(|it| it.body).or(self.last);
                let height = before.map_or(0, |it| height(bodies.get(it))) + 1;
                Answer::Entry(Some(Entry::of(cx.share(StoreBody::Link {
                    height,
                    command,
                    before,
                }))))
            }
            Ask::Take(Final { entry: Entry { value, body: None }, .. }) => {
                self.put(value, cx);
                Answer::Taken
            }
            Ask::Take(Final { entry: Entry { body: Some(body), .. }, .. }) => {
                let commands = self.follow(body, cx);
                if !commands.is_empty() {
                    cx.retain(body);
                    self.last.replace(body).into_iter().for_each(|old| cx.release(old));
                }
                commands.into_iter().for_each(|command| self.put(command, cx));
                Answer::Taken
            }
        }
    }
}

impl Embeds<AnyLog> for Store {
    fn message(message: AnyMessage) -> StoreMessage {
        StoreMessage::Log(message)
    }

    fn timer(timer: AnyTimer) -> Timer {
        Timer::Log(timer)
    }

    fn metric(LogMetric::Changes: LogMetric) -> Option<StoreMetric> {
        Some(StoreMetric::Changes)
    }

    fn body(body: AnyBody, _: Part) -> StoreBody {
        StoreBody::Log(body)
    }

    fn inner(body: &StoreBody) -> &AnyBody {
        if let StoreBody::Log(body) = body { body } else { AnyBody::nothing() }
    }
}

impl Store {
    fn part(&self) -> Part {
        Part { first: NodeId(0), size: self.replicas }
    }

    fn map(&self) -> Map {
        Map { links: self.links, client: self.replicas, ..Map::default() }
    }

    fn with_log<C: Context<Self>>(
        &self,
        map: &mut Map,
        cx: &mut C,
        handler: impl FnOnce(&mut Within<'_, Self, AnyLog, Erased<'_, Self>, &mut Map>),
    ) {
        let run = |cx: &mut Erased<'_, Self>| {
            // The map and the context have different lives: a handler of the log gets both.
            Within::run_on(self.part(), map, cx, |cx| handler(cx)).0
        };
        Erased::run(cx, run);
    }

    fn ask_all(&self, command: u64, cx: &mut impl Context<Self>) {
        self.part().nodes().for_each(|to| cx.send(to, StoreMessage::Put(command)));
    }
}

impl Protocol for Store {
    type Node = Node;
    type Message = StoreMessage;
    type Body = StoreBody;
    type Timer = Timer;
    type Metric = StoreMetric;
    type Output = Said;

    const SAVES_ALL: bool = false;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        if cx.id().0 >= self.replicas {
            cx.set_timer(Span::from_millis(1), Timer::Next);
            cx.set_timer(Span::from_millis(700), Timer::Again);
            return Node::Client { made: 0, open: Vec::new() };
        }
        let (mut map, mut node) = (self.map(), None);
        self.with_log(&mut map, cx, |cx| node = Some(self.log.start(cx)));
        Node::Replica(node.expect("started"), map)
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &StoreMessage,
        cx: &mut impl Context<Self>,
    ) {
        match (node, *message) {
            (Node::Replica(node, map), StoreMessage::Log(message)) => {
                let Some(from) = self.part().inner(from) else { return };
                self.with_log(map, cx, |cx| self.log.on_message(node, from, &message, cx));
            }
            (Node::Replica(node, map), StoreMessage::Put(command)) => {
                if map.done.contains(&command) {
                    cx.send(from, StoreMessage::Done(command));
                } else if map.waits.insert(command) {
                    self.with_log(map, cx, |cx| self.log.poke(node, cx));
                }
            }
            (Node::Client { open, .. }, StoreMessage::Done(command)) => {
                let Some(place) = open.iter().position(|it| it.0 == command) else { return };
                open[place].1 |= 1 << from.0;
                if open[place].1.count_ones() > self.log.faults() {
                    open.remove(place);
                    cx.record(StoreMetric::Done, 1);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&self, node: &mut Node, timer: Timer, cx: &mut impl Context<Self>) {
        match (node, timer) {
            (Node::Replica(node, map), Timer::Log(timer)) => {
                self.with_log(map, cx, |cx| self.log.on_timer(node, timer, cx));
            }
            (Node::Client { made, open }, Timer::Next) if *made < self.puts => {
                *made += 1;
                let command = u64::from(*made) << 32 | cx.random_below(1 << 20);
                open.push((command, 0));
                self.ask_all(command, cx);
                cx.set_timer(Span::from_millis(40), Timer::Next);
            }
            (Node::Client { open, .. }, Timer::Again) => {
                open.iter().for_each(|(command, _)| self.ask_all(*command, cx));
                cx.set_timer(Span::from_millis(700), Timer::Again);
            }
            _ => {}
        }
    }

    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        let Node::Replica(node, map) = node else { return };
        if !keep_state {
            map.last.take().into_iter().for_each(|last| cx.release(last));
            *map = self.map();
        }
        self.with_log(map, cx, |cx| self.log.restart(node, keep_state, cx));
    }

    fn extra_nodes(&self) -> u32 {
        1
    }

    fn judges(&self, _: &Setting) -> Vec<Judge<Said>> {
        let did =
            judge::on!(Said::Did { position, command, root } => ((), position, (command, root)));
        vec![Judge::new("one store", judge::prefix(self.replicas, did))]
    }
}

const PUTS: u32 = 60;

fn store(name: &str, nodes: u32, links: bool) -> Store {
    let setting = LogSetting { nodes, delta: Span::from_millis(50), seed: 1 };
    let log = AnyLog::named(name, setting).expect("fits");
    Store { log, replicas: nodes, puts: PUTS, links }
}

fn at(millis: u64) -> Time {
    Time::ZERO + Span::from_millis(millis)
}

/// The stores of the replicas that are up: all have done all, each once, and are equal.
#[track_caller]
fn are_equal(pump: &Pump<Store>, name: &str) {
    let mut maps = (0..pump.protocol().replicas).filter_map(|node| match pump.node(NodeId(node)) {
        Some(Node::Replica(_, map)) => Some(map),
        _ => None,
    });
    let first = maps.next().expect("one is up");
    assert_eq!((first.position, first.done.len()), (PUTS.into(), PUTS as usize), "{name}");
    for map in maps {
        assert_eq!((map.position, map.root), (first.position, first.root), "{name}");
        assert_eq!((&map.values, &map.done), (&first.values, &first.done), "{name}");
    }
    assert!(pump.findings().is_empty(), "{name}: {:?}", pump.findings());
}

#[test]
fn all_replicas_have_one_store() {
    for name in AnyLog::NAMES {
        for (nodes, links) in [(4, false), (5, true), (6, true), (7, false)] {
            let most = Span::from_millis(40);
            // PBFT may pass over what others have a checkpoint of: only links lead back to it. Some logs
            // name entries by the names of their bodies.
            let store = store(name, nodes, links || *name != "raft");
            let mut pump = Pump::new(store, nodes).delays(Span(1), most).seed(3);
            let facts = pump.run(at(60_000));
            assert_eq!(facts.totals.of(StoreMetric::Done), u64::from(PUTS), "{name} {nodes}");
            are_equal(&pump, name);
        }
    }
}

/// f of the replicas crash, among them whoever proposes; they come up again with what they had.
#[test]
fn it_survives_a_crash_of_f() {
    for name in AnyLog::NAMES {
        for seed in 0..6 {
            let nodes = 4 + (seed % 4) as u32;
            let store = store(name, nodes, true);
            let (faults, log) = (store.log.faults(), store.log.clone());
            let most = Span::from_millis(40);
            let mut pump = Pump::new(store, nodes).delays(Span::from_millis(5), most).seed(seed);
            pump.run(at(900));
            let proposer = match pump.node(NodeId(0)) {
                Some(Node::Replica(node, _)) => log.proposer(node).unwrap_or(NodeId(0)),
                _ => NodeId(0),
            };
            let gone: Vec<NodeId> = (0..faults).map(|i| NodeId((proposer.0 + i) % nodes)).collect();
            let states: Vec<_> =
                gone.iter().map(|node| (*node, pump.crash(*node).expect("up"))).collect();
            pump.run(at(60_000));
            are_equal(&pump, name);
            for (node, state) in states {
                pump.restart(node, state, true);
            }
            let facts = pump.run(at(90_000));
            assert_eq!(facts.totals.of(StoreMetric::Done), u64::from(PUTS), "{name} {seed}");
        }
    }
}

/// Lost and doubled messages, and a part that is cut off for a while.
#[test]
fn it_survives_a_network_that_loses() {
    for name in AnyLog::NAMES.iter().filter(|name| ["pbft", "hotstuff", "raft"].contains(name)) {
        for seed in 0..6 {
            let nodes = 4 + (seed % 4) as u32;
            let most = Span::from_millis(40);
            let mut pump = Pump::new(store(name, nodes, true), nodes)
                .delays(Span(1), most)
                .loss(0.02)
                .duplicate(0.05)
                .cut(&[NodeId(0)], false, at(400), at(3_000))
                .seed(seed);
            let facts = pump.run(at(120_000));
            assert_eq!(facts.totals.of(StoreMetric::Done), u64::from(PUTS), "{name} {seed}");
            assert!(pump.findings().is_empty(), "{name}: {:?}", pump.findings());
        }
    }
}
