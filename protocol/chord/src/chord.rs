//! The protocol: its parameters, and which rule handles what.

use std::sync::{Arc, OnceLock};

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::complexity::Theory;
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Bodies, Cell, Check, Column, Configure, Context, Dice, Holds, NodeId, Parameters, Protocol,
    RunFacts, Span, Time, Totals,
};

use crate::attacks::{self, Attack};
use crate::checks;
use crate::judges;
use crate::lookup::{Lookup, Purpose};
use crate::messages::{ChordMessage, ChordMetric, ChordOutput, Successors, Timer};
use crate::node::{Node, Phase};
use crate::ring::{Space, Table, log2};

/// Nodes on a ring of ids find the owner of any key in ½ log₂ n hops (Stoica et al. 2001).
#[derive(Clone, Debug, Parameters)]
pub struct Chord {
    /// lookups of a run, spread evenly over the nodes
    #[param(default = 10_000, range = 0..=1_000_000_000)]
    lookups: u64,
    /// length of ids and keys
    #[param(default = 64, range = 1..=64)]
    pub(crate) bits: u32,
    /// all nodes are in the ring at the start, or they join one after the other
    #[param(default = "ring", choice = ["ring", "join"])]
    start: &'static str,
    /// time between two joins
    #[param(default = Span::from_millis(500), min = Span::ZERO)]
    join_interval: Span,
    /// how often a node asks its successor for its predecessor and list, and its predecessor
    /// whether it is there
    #[param(default = Span::from_secs(30))]
    pub(crate) stabilise: Span,
    /// how often a node looks one of its fingers up
    #[param(default = Span::from_secs(30))]
    pub(crate) fix_fingers: Span,
    /// length of the successor list; 0: as log2 of the number of nodes, rounded up
    #[param(default = 0, range = 0..=64)]
    successors: u32,
    /// silence after which another node is asked
    #[param(default = Span::from_secs(1))]
    pub(crate) timeout: Span,
    /// how long a lookup goes on asking
    #[param(default = Span::from_secs(30), at_least = timeout)]
    pub(crate) patience: Span,
    /// lookups use the whole successor list, not only fingers
    #[param(default = false)]
    pub(crate) shortcuts: bool,
    /// answers that lead away from the key, or claim it too early, are taken for silence
    #[param(default = true)]
    pub(crate) checked: bool,
    /// the run ends with its last lookup
    #[param(default = true)]
    stop: bool,
    /// when lookups begin
    #[workload(default = Span::ZERO, min = Span::ZERO)]
    after: Span,
    /// for how long; each node's share is spread evenly
    #[workload(default = Span::from_secs(30))]
    over: Span,
    pub(crate) attack: Option<Attack>,
    /// Of the scenario.
    pub(crate) nodes: u32,
    seed: u64,
    space: Space,
    /// Made when it is needed first.
    table: OnceLock<Arc<Table>>,
    /// A planted error: a node adopts its successor's predecessor wherever that is.
    #[cfg(test)]
    pub(crate) careless: bool,
    /// The test makes nodes crash.
    #[cfg(test)]
    pub(crate) crashes: bool,
}

impl Chord {
    pub(crate) fn space(&self) -> Space {
        self.space
    }

    pub(crate) fn table(&self) -> &Arc<Table> {
        self.table.get_or_init(|| Arc::new(Table::new(&self.space, self.nodes)))
    }

    pub(crate) fn joins_in_turn(&self) -> bool {
        self.start == "join"
    }

    /// When the last node begins to join.
    pub(crate) fn all_begun(&self) -> Time {
        let joining = if self.joins_in_turn() { self.nodes.saturating_sub(1) } else { 0 };
        Time::ZERO + self.join_interval * u64::from(joining)
    }

    /// The length of successor lists.
    pub(crate) fn most_successors(&self) -> usize {
        match self.successors {
            0 => self.least_successors() as usize,
            given => given as usize,
        }
    }

    /// log₂ n rounded up, at least 2.
    fn least_successors(&self) -> u32 {
        self.nodes.max(2).next_power_of_two().ilog2().max(2)
    }

    /// Whether lists are as long as half of all nodes failing asks for (ToN theorem IV.5).
    pub(crate) fn lists_suffice(&self) -> bool {
        self.most_successors() >= self.least_successors() as usize
    }

    /// How long nothing may have changed before the ring is one cycle: 2 log₂ n times `stabilise`, and what its
    /// answers may take.
    pub(crate) fn settling(&self) -> Span {
        let period = self.stabilise + self.timeout;
        Span((period.0 as f64 * 2.0 * log2(self.nodes.max(2))) as u64)
    }

    pub(crate) fn uses_fingers_only(&self) -> bool {
        !self.shortcuts && !self.joins_in_turn()
    }

    /// The state of a node of the built ring.
    fn founder(&self, node: &mut Node, me: NodeId) {
        let (space, table) = (self.space, self.table());
        let (id, len) = (space.id(me), table.len());
        node.phase = Phase::Member;
        if len < 2 {
            return;
        }
        let place = table.successor(&space, id);
        let listed = self.most_successors().min(len - 1);
        node.list = (1..=listed).map(|after| table.node(place + after)).collect();
        node.predecessor = Some(table.node(place + len - 1));
        let head = space.id(node.list[0]);
        let mut fingers = [me; 64];
        let far = |finger: &usize| !space.up_to(id, space.target(id, *finger), head);
        let count = (0..space.bits() as usize).take_while(far).count();
        for (finger, known) in fingers[..count].iter_mut().enumerate() {
            *known = table.node(table.successor(&space, space.target(id, finger)));
        }
        node.fingers = fingers[..count].to_vec();
        node.told = node.list.first().copied();
    }

    /// The lookups of a node: all have as many, or one more.
    fn share(&self, node: NodeId) -> u64 {
        let up_to = |nodes: u64| {
            let all = u128::from(self.lookups) * u128::from(nodes);
            (all / u128::from(self.nodes.max(1))) as u64
        };
        up_to(u64::from(node.0) + 1) - up_to(node.0.into())
    }

    /// Waits for the next lookup: one in each of as many equal parts of the time.
    fn await_lookup(&self, cx: &mut impl Context<Self>) {
        let share = self.share(cx.id());
        if share == 0 {
            return;
        }
        let (now, begin) = (cx.now(), Time::ZERO + self.after);
        let part = Span((self.over.0 / share).max(1));
        let next = if now <= begin { 0 } else { (now.since(begin).0 - 1) / part.0 + 1 };
        if next < share {
            let at = begin + part * next + Span(1 + cx.random_below(part.0));
            cx.set_timer(at.since(now), Timer::LookUp);
        }
    }

    fn begin_lookup(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        self.await_lookup(cx);
        if !node.is_member() {
            cx.record(ChordMetric::Missed, 1);
            return;
        }
        let key = self.space.point(cx.random());
        cx.record(ChordMetric::Lookups, 1);
        cx.output(ChordOutput::Asked { key });
        self.look_up(node, Purpose::User, key, cx);
    }

    fn start_joining(&self, node: &mut Node, wait: Span, cx: &mut impl Context<Self>) {
        node.waits_since = cx.now() + wait;
        cx.set_timer(wait, Timer::Join);
    }
}

impl Protocol for Chord {
    type Node = Node;
    type Message = ChordMessage;
    type Body = Successors;
    type Timer = Timer;
    type Metric = ChordMetric;
    type Output = ChordOutput;

    const STOPS_EARLY: bool = true;
    const HINTS: bool = true;

    /// Whoever is asked for a key will look at its fingers of that distance, and its successor; whoever is
    /// answered, at its lookups; neighbours tell each other their lists.
    fn hint(
        &self,
        node: &Node,
        message: &ChordMessage,
        _: &impl Bodies<Successors>,
        mut fetch: impl FnMut(*const u8),
    ) {
        match message {
            ChordMessage::Find { .. } => {
                fetch(node.fingers.as_ptr().cast());
                fetch(node.list.as_ptr().cast());
            }
            ChordMessage::Next { .. } | ChordMessage::Mine { .. } | ChordMessage::Gone { .. } => {
                if let Some(lookup) = node.open.first() {
                    let from: *const u8 = core::ptr::from_ref(lookup).cast();
                    fetch(from);
                    fetch(from.wrapping_add(size_of::<Lookup>() - 1));
                }
            }
            ChordMessage::Stabilise { .. } | ChordMessage::Successors { .. } => {
                fetch(node.list.as_ptr().cast());
            }
            _ => {}
        }
    }

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        let mut node = Node { counter: cx.random() as u32, ..Node::default() };
        let (me, at_once) = (cx.id(), cx.now() == Time::ZERO);
        self.await_lookup(cx);
        if !at_once || (self.joins_in_turn() && me.0 > 0) {
            let wait = if at_once { self.join_interval * u64::from(me.0) } else { Span::ZERO };
            self.start_joining(&mut node, wait, cx);
            return node;
        }
        if self.joins_in_turn() {
            node.phase = Phase::Member;
            cx.output(ChordOutput::Joined);
            self.tell(&mut node, cx);
        } else {
            self.founder(&mut node, me);
        }
        node.runs = true;
        let waits = [self.stabilise, self.fix_fingers].map(|every| Span(cx.random_below(every.0)));
        cx.set_timer(waits[0], Timer::Stabilise);
        cx.set_timer(waits[1], Timer::FixFinger);
        node
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &ChordMessage,
        cx: &mut impl Context<Self>,
    ) {
        use ChordMessage::*;
        match *message {
            Find { lookup, step, key, last, avoid } => {
                self.answer(node, from, (lookup, step), (key, last, avoid), cx);
            }
            Next { lookup, step, node: next, last } => {
                self.on_answer(node, from, (lookup, step), Ok((next, last)), cx);
            }
            Mine { lookup, step } => self.on_answer(node, from, (lookup, step), Err(true), cx),
            Gone { lookup, step } => self.on_answer(node, from, (lookup, step), Err(false), cx),
            Stabilise { tag, known } => self.on_stabilise(node, from, (tag, known), cx),
            Successors { tag, predecessor, list } => {
                self.on_successors(node, from, (tag, predecessor), list, cx);
            }
            Notify { tag, joining } => self.on_notify(node, from, (tag, joining), cx),
            Welcome { tag, predecessor, list } => {
                self.on_welcome(node, from, (tag, predecessor), list, cx);
            }
            Refuse { tag, predecessor } => self.on_refuse(node, from, (tag, predecessor), cx),
            Ping { tag } if node.is_there_for(from) => cx.send(from, Pong { tag }),
            Ping { .. } => {}
            Pong { tag } => {
                node.ping.take_if(|ping| *ping == (tag, from));
            }
        }
    }

    fn on_timer(&self, node: &mut Node, timer: Timer, cx: &mut impl Context<Self>) {
        match timer {
            Timer::Stabilise => {
                cx.set_timer(self.stabilise, Timer::Stabilise);
                self.stabilise(node, cx);
            }
            Timer::FixFinger => {
                cx.set_timer(self.fix_fingers, Timer::FixFinger);
                if !node.fills {
                    self.fix_finger(node, cx);
                }
            }
            Timer::LookUp => self.begin_lookup(node, cx),
            Timer::Join => self.try_join(node, cx),
            Timer::Late(number) => self.on_late(node, number, cx),
            Timer::Check(tag) => self.on_check(node, tag, cx),
        }
    }

    /// Joins again; with its state it knows whom to ask. Others have taken its keys over.
    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        let known = core::mem::take(node);
        node.again = true;
        if keep_state {
            node.counter = known.counter;
            (node.list, node.fingers) = (known.list, known.fingers);
        } else {
            node.counter = cx.random() as u32;
        }
        self.await_lookup(cx);
        self.start_joining(node, Span::ZERO, cx);
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        self.attack.as_ref()?.behaviour(self, node)
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<ChordOutput>> {
        judges::all(self, setting)
    }

    fn events_per_node_second(&self) -> f64 {
        let each = |every: Span| 1.0 / every.as_secs_f64();
        let hops = log2(self.nodes.max(2));
        let lookups = self.lookups as f64 / f64::from(self.nodes.max(1)) * each(self.over);
        8.0 * each(self.stabilise) + (hops + 4.0) * (each(self.fix_fingers) + lookups)
    }

    fn complete(&self, totals: &Totals) -> bool {
        let of = |metric| totals.of(metric);
        let ended = of(ChordMetric::Found) + of(ChordMetric::Failed) + of(ChordMetric::Missed);
        self.stop && self.lookups > 0 && ended >= self.lookups
    }
}

impl Configure for Chord {
    const NAME: &'static str = "chord";
    const ABOUT: &'static str =
        "nodes on a ring of ids find the owner of any key in ½ log₂ n hops (Stoica et al. 2001)";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;
    const WORKLOAD: &'static [Parameter] = Self::DECLARED_WORKLOAD;
    const ADVERSARIES: &'static [AdversaryKind] = attacks::KINDS;
    const SITUATIONS: &'static [&'static str] = &["found", "timeouts", "joins", "lookup"];
    const COLUMNS: &'static [Column] = &[
        Column { name: "member", about: "whether it is on the ring", holds: Holds::Word },
        Column { name: "successors", about: "successors that it knows", holds: Holds::Figure },
        Column { name: "open", about: "lookups without an answer", holds: Holds::Sum },
    ];

    fn row(&self, _: NodeId, node: &Node) -> Vec<Cell> {
        let known = node.list.len() as u32;
        vec![node.is_member().into(), known.into(), (node.open.len() as u32).into()]
    }

    /// For a swarm: rings that are there and rings that form, maintained within a run.
    fn swarm(dice: &mut Dice, _nodes: u32) -> Vec<(&'static str, String)> {
        vec![
            ("protocol.start", dice.pick(&["\"ring\"", "\"join\""]).to_owned()),
            ("protocol.lookups", dice.pick(&["20", "100"]).to_owned()),
            ("protocol.join_interval", "\"200ms\"".to_owned()),
            ("protocol.stabilise", "\"1s\"".to_owned()),
            ("protocol.fix_fingers", "\"2s\"".to_owned()),
        ]
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let mut chord = Self::read(values)?;
        chord.attack = Attack::configure(values);
        Ok(chord)
    }

    fn fit(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
        if self.bits < 32 && nodes > 1 << self.bits {
            let needed = nodes.next_power_of_two().ilog2();
            let problem = format!("{nodes} nodes have no room; give at least {needed}");
            return Err(ParameterError { name: "bits", problem });
        }
        (self.nodes, self.seed) = (nodes, seed);
        self.space = Space::new(self.bits, seed);
        self.table = OnceLock::new();
        if let Some(attack) = &mut self.attack {
            attack.fit(nodes, &self.space)?;
        }
        Ok(())
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        checks::all(self, facts)
    }

    fn complexity(&self, nodes: u32) -> Theory {
        checks::theory(nodes)
    }

    fn pending_per_node(&self, _degree: f64) -> f64 {
        6.0
    }
}
