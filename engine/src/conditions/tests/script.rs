//! A protocol that does what a script says and notes what reaches its nodes, run by both engines.

use std::cell::RefCell;

use anthill_protocol::parameter::{Parameter, ParameterError, Values};
use anthill_protocol::phold::PholdMetric;
use anthill_protocol::{
    Configure, Context, Message, NoBody, NodeId, Protocol, Snapshot, SnapshotError, Span, Time,
};

use crate::conditions::{ConditionTotals, Conditions, ConditionsSpec};
use crate::network::Network;
use crate::outcome::Outcome;
use crate::scenario::{ProtocolInfo, Scenario, parse_text};
use crate::{Control, Key, Watch, run_visited, sequential};

pub(super) const MS: u64 = 1_000_000;

/// What all messages take in [`Case::new`]'s network.
pub(super) const DELAY: u64 = 10 * MS;

/// A message of a stated size. A sealed one notices every flipped bit, a plain one none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) id: u32,
    pub(super) bytes: u32,
    pub(super) sealed: bool,
}

pub(super) fn note(id: u32, bytes: u32) -> Note {
    Note { id, bytes, sealed: false }
}

pub(super) fn sealed(id: u32, bytes: u32) -> Note {
    Note { id, bytes, sealed: true }
}

impl Message for Note {
    const KINDS: &'static [&'static str] = &["plain", "sealed"];

    fn kind(&self) -> usize {
        usize::from(self.sealed)
    }

    fn encoded_len(&self) -> u32 {
        self.bytes
    }

    /// The id, in a sealed note twice, and zeros.
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.id.to_le_bytes());
        if self.sealed {
            out.extend(self.id.to_le_bytes());
        }
        out.resize(out.len().max(self.bytes as usize), 0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            bytes
                .get(at..at + 4)
                .map_or(0, |four| u32::from_le_bytes(four.try_into().expect("four")))
        };
        let (id, seal) = (word(0), word(4));
        (seal == 0 || seal == id).then_some(Self {
            id,
            bytes: bytes.len() as u32,
            sealed: seal != 0,
        })
    }

    fn fingerprint(&self) -> u64 {
        u64::from(self.id) << 32 | u64::from(self.bytes)
    }
}

/// What a node may do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Send(u32, Note),
    /// Occupies the CPU, in ns.
    Charge(u64),
    /// Sets a timer of so many ns, with a tag.
    Wait(u64, u32),
    /// Notes the instant, with a tag.
    Look(u32),
}

/// What a node notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Started,
    /// With the state it had?
    Restarted(bool),
    Looked(u32),
    Woke(u32),
    /// From whom, and which.
    Got(u32, u32),
}

/// A note of a node's: when it was made, and what the node's own clock showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) at: u64,
    pub(super) clock: u64,
    pub(super) what: What,
}

/// Acts of one node at an instant.
#[derive(Clone, Debug)]
struct Step {
    node: u32,
    at: u64,
    acts: Vec<Act>,
}

/// The protocol. A node plans its steps when it starts, and what is left of them when it restarts.
pub(super) struct Script {
    steps: Vec<Step>,
    /// Enters every state's hash.
    salt: u64,
}

/// What a node has noted; restarts do not wipe it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Diary(pub(super) Vec<Seen>);

impl Snapshot for Diary {
    fn save(&self, out: &mut Vec<u8>) {
        out.extend(format!("{:?}", self.0).into_bytes());
    }

    fn load(_: &mut &[u8]) -> Result<Self, SnapshotError> {
        Err(SnapshotError("diaries are not read"))
    }
}

/// Tags of timers that acts set lie above the numbers of steps.
const TAG: u32 = 1 << 31;

impl Script {
    fn plan(&self, cx: &mut impl Context<Self>) {
        let now = cx.now().0;
        for (step, i) in self.steps.iter().zip(0..) {
            if step.node == cx.id().0 && step.at >= now {
                cx.set_timer(Span(step.at - now), i);
            }
        }
    }

    fn jot(diary: &mut Diary, cx: &impl Context<Self>, what: What) {
        diary.0.push(Seen { at: cx.now().0, clock: cx.local_clock().0, what });
    }
}

impl Protocol for Script {
    type Node = Diary;
    type Message = Note;
    type Body = NoBody;
    type Timer = u32;
    type Metric = PholdMetric;
    type Output = anthill_protocol::NoOutput;

    const CAN_EQUIVOCATE: bool = true;

    fn start(&self, cx: &mut impl Context<Self>) -> Diary {
        let mut diary = Diary::default();
        Self::jot(&mut diary, cx, What::Started);
        self.plan(cx);
        diary
    }

    fn restart(&self, diary: &mut Diary, keep_state: bool, cx: &mut impl Context<Self>) {
        Self::jot(diary, cx, What::Restarted(keep_state));
        self.plan(cx);
    }

    fn on_message(
        &self,
        diary: &mut Diary,
        from: NodeId,
        note: &Note,
        cx: &mut impl Context<Self>,
    ) {
        Self::jot(diary, cx, What::Got(from.0, note.id));
    }

    fn on_timer(&self, diary: &mut Diary, timer: u32, cx: &mut impl Context<Self>) {
        if timer >= TAG {
            return Self::jot(diary, cx, What::Woke(timer - TAG));
        }
        for act in &self.steps[timer as usize].acts {
            match *act {
                Act::Send(to, note) => cx.send(NodeId(to), note),
                Act::Charge(ns) => cx.charge(Span(ns)),
                Act::Wait(ns, tag) => cx.set_timer(Span(ns), TAG + tag),
                Act::Look(tag) => Self::jot(diary, cx, What::Looked(tag)),
            }
        }
    }

    fn state_hash(&self, diary: &Diary) -> u64 {
        let mut bytes = Vec::new();
        diary.save(&mut bytes);
        anthill_protocol::fold_bytes(&bytes) ^ self.salt
    }

    /// The other version of a plain note; a sealed one has none.
    fn equivocate(&self, message: &Note) -> Option<Note> {
        (!message.sealed).then_some(Note { id: message.id + 1_000, ..*message })
    }
}

impl Configure for Script {
    const NAME: &'static str = "script";
    const ABOUT: &'static str = "a test";
    const PARAMETERS: &'static [Parameter] = &[];

    fn configure(_: &Values) -> Result<Self, ParameterError> {
        Ok(Self { steps: Vec::new(), salt: 0 })
    }

    fn pending_per_node(&self, _: f64) -> f64 {
        4.0
    }
}

/// A network, a script and conditions.
pub(super) struct Case {
    pub(super) nodes: u32,
    pub(super) until: u64,
    pub(super) seed: u64,
    /// The scenario's `[network]` and what follows.
    pub(super) network: String,
    pub(super) conditions: ConditionsSpec,
    pub(super) salt: u64,
    steps: Vec<Step>,
}

impl Case {
    /// Ten seconds in a network where every message takes [`DELAY`].
    pub(super) fn new(nodes: u32) -> Self {
        Self {
            nodes,
            until: 10_000 * MS,
            seed: 7,
            network: "[network]\nmodel = \"uniform\"\nmin = \"10ms\"\nmax = \"10ms\"\n".into(),
            conditions: ConditionsSpec::default(),
            salt: 0,
            steps: Vec::new(),
        }
    }

    /// The same under conditions.
    pub(super) fn under(nodes: u32, conditions: ConditionsSpec) -> Self {
        Self { conditions, ..Self::new(nodes) }
    }

    pub(super) fn network(mut self, text: &str) -> Self {
        self.network = format!("[network]\n{text}\n");
        self
    }

    pub(super) fn until(mut self, until: u64) -> Self {
        self.until = until;
        self
    }

    pub(super) fn does(mut self, node: u32, at: u64, acts: &[Act]) -> Self {
        self.steps.push(Step { node, at, acts: acts.to_vec() });
        self
    }

    /// A node sends a note at an instant.
    pub(super) fn sends(self, from: u32, at: u64, to: u32, note: Note) -> Self {
        self.does(from, at, &[Act::Send(to, note)])
    }

    /// A node sends 100-byte notes 0, 1, … at these instants.
    pub(super) fn sends_at(mut self, from: u32, to: u32, instants: &[u64]) -> Self {
        for (at, id) in instants.iter().zip(0..) {
            self = self.sends(from, *at, to, note(id, 100));
        }
        self
    }

    pub(super) fn scenario(&self) -> Scenario {
        let text = format!(
            "nodes = {}\nuntil = \"{}ns\"\nseed = {}\n[protocol]\nname = \"script\"\n{}",
            self.nodes, self.until, self.seed, self.network
        );
        let mut scenario = parse_text("test", &text, &[ProtocolInfo::of::<Script>()])
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        scenario.conditions = self.conditions.clone();
        scenario
    }

    /// Its network.
    pub(super) fn built_network(&self) -> Network {
        let scenario = self.scenario();
        Network::build(&scenario.network, scenario.nodes, scenario.seed)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// All that a run needs.
    pub(super) fn built(&self) -> (Scenario, Network, Option<Conditions>) {
        let (scenario, network) = (self.scenario(), self.built_network());
        let conditions = Conditions::build(&scenario, &network, Note::KINDS)
            .unwrap_or_else(|error| panic!("{error}"));
        (scenario, network, conditions)
    }

    /// What both engines say, which must be the same.
    pub(super) fn run(&self) -> Ran {
        let (mut scenario, network, conditions) = self.built();
        let script = Script { steps: self.steps.clone(), salt: self.salt };
        let control = || Control {
            watch: Some(Watch { from_ns: 0, to_ns: u64::MAX, most: 1_000_000 }),
            ..Control::default()
        };
        let oracle = RefCell::new(Vec::new());
        let outcome = sequential::run_visited(
            &script,
            &scenario,
            &network,
            conditions.as_ref(),
            &control(),
            &|_, diary: &Diary| oracle.borrow_mut().push(diary.0.clone()),
        )
        .expect("runs");
        for (shards, threads) in [(1, 1), (3, 2)] {
            scenario.engine.shards = Some(shards);
            scenario.engine.threads = Some(threads);
            let diaries = RefCell::new(Vec::new());
            let other = run_visited(
                &script,
                &scenario,
                &network,
                conditions.as_ref(),
                &control(),
                &|_, diary: &Diary| diaries.borrow_mut().push(diary.0.clone()),
            )
            .expect("runs");
            assert_eq!(*diaries.borrow(), *oracle.borrow(), "{shards} shards");
            assert_eq!(other.result.digest, outcome.result.digest, "{shards} shards");
            assert_eq!(other.result.conditions, outcome.result.conditions, "{shards} shards");
            assert_eq!(other.watched, outcome.watched, "{shards} shards");
            assert_eq!(other.series, outcome.series, "{shards} shards");
        }
        Ran { diaries: oracle.into_inner(), network, outcome }
    }
}

/// What came of a case.
pub(super) struct Ran {
    pub(super) diaries: Vec<Vec<Seen>>,
    pub(super) network: Network,
    pub(super) outcome: Outcome,
}

impl Ran {
    /// What the conditions counted.
    pub(super) fn totals(&self) -> &ConditionTotals {
        self.outcome.result.conditions.as_ref().expect("there are conditions")
    }

    /// What a node noted, without starts and clocks.
    pub(super) fn seen(&self, node: u32) -> Vec<(u64, What)> {
        let diary = self.diaries[node as usize].iter();
        diary.filter(|seen| seen.what != What::Started).map(|seen| (seen.at, seen.what)).collect()
    }

    /// The numbers of the notes that a node got, with the instants, in order.
    pub(super) fn got(&self, node: u32) -> Vec<(u32, u64)> {
        let got = |(at, what)| match what {
            What::Got(_, id) => Some((id, at)),
            _ => None,
        };
        self.seen(node).into_iter().filter_map(got).collect()
    }

    /// Their numbers alone.
    pub(super) fn ids(&self, node: u32) -> Vec<u32> {
        self.got(node).into_iter().map(|(id, _)| id).collect()
    }

    /// Their instants alone.
    pub(super) fn instants(&self, node: u32) -> Vec<u64> {
        self.got(node).into_iter().map(|(_, at)| at).collect()
    }

    /// The events, with their fingerprints.
    pub(super) fn events(&self) -> &[(Key, u64)] {
        &self.outcome.watched.as_ref().expect("asked for").events
    }

    /// The messages that arrived at a node, those that it dropped excepted.
    pub(super) fn arrivals(&self, node: u32) -> Vec<Key> {
        let keys = self.events().iter().map(|(key, _)| *key);
        keys.filter(|key| key.target.0 == node && key.source != key.target).collect()
    }

    /// How long the network alone takes for a message.
    pub(super) fn delay(&self, key: &Key) -> u64 {
        self.network.delay(key.source, key.target, key.sequence).0
    }
}

pub(super) fn ms(n: u64) -> Span {
    Span(n * MS)
}

pub(super) fn at(n: u64) -> Time {
    Time(n * MS)
}
