//! A network in a queue: many recordings, one delay, no engine.
//!
//! Invariants: events are handled in the order of (time, order of asking), so a run is a pure
//! function of protocol, nodes, seed and builder calls; a node's draws are the ones that the
//! engines hand out (`Purpose::Protocol` of its stream).

mod leaks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::leaks::Holdings;
use super::weather::{Cut, Weather};
use super::{Effect, Neighbours, RecordedBodies, Recording};
use crate::behaviour::{Behaviour, InTransit, Scheduled, Scheduler, Tap};
use crate::invariant::Invariants;
use crate::judge::{Finding, Panel, RunEnd, Said, Setting};
use crate::laws;
use crate::{
    Answers, Check, Key, Message, Metric, MetricKind, NodeId, Protocol, RunFacts, Span, Time,
    Totals,
};

/// A mini-simulation for tests of protocols: every message takes the same time, or is lost.
///
/// ```
/// use anthill_protocol::parameter::Values;
/// use anthill_protocol::phold::{Phold, PholdMetric};
/// use anthill_protocol::recording::Pump;
/// use anthill_protocol::{Configure, Span, Time};
///
/// let phold = Phold::configure(&Values::defaults(Phold::PARAMETERS)).unwrap();
/// let mut pump = Pump::new(phold, 100).seed(1).delay(Span::from_millis(10));
/// let facts = pump.run(Time::ZERO + Span::from_secs(1));
/// // One token per node hops every 10 ms, 99 times before the second is over.
/// assert_eq!(facts.totals.of(PholdMetric::Handled), 9_900);
/// ```
pub struct Pump<P: Protocol> {
    protocol: P,
    seed: u64,
    weather: Weather,
    topology: Option<Vec<Arc<[NodeId]>>>,
    /// Empty until the first run; `None` inside is a node that is down.
    nodes: Vec<Option<P::Node>>,
    population: u32,
    /// Draws that each node has used.
    drawn: Vec<u64>,
    /// Bodies that each node has shared.
    shared: Vec<u32>,
    bodies: RecordedBodies<P::Body>,
    holdings: Holdings,
    /// How often each node has crashed: timers die with the incarnation that set them.
    crashes: Vec<u32>,
    queue: BTreeMap<(Time, u64), Event<P>>,
    asked: u64,
    now: Time,
    totals: Totals,
    invariants: Invariants,
    violations: Vec<(&'static str, u64)>,
    /// The first messages delivered, at most `most_traced`.
    trace: Vec<Delivery>,
    most_traced: usize,
    /// Messages of each kind that were held against the laws of messages.
    lawful: Vec<u32>,
    /// The protocol's judges, from the first run on.
    panel: Panel<P::Output>,
    outputs: Vec<Said<P::Output>>,
    /// Messages and timers that each node has asked for.
    sent: Vec<u32>,
    held: BTreeMap<NodeId, Box<dyn Behaviour<P>>>,
    /// What held nodes have told each other.
    told: Vec<(NodeId, P::Message)>,
    scheduler: Option<Box<dyn Scheduler<P>>>,
    /// Within this a scheduler must let a message arrive.
    bound: Option<Span>,
    scheduled: Scheduled<P::Message, Event<P>>,
}

/// So many messages of a kind, and nodes, are held against the laws: what breaks one does so early.
const LAWFUL: u32 = 16;

/// A message that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When it was sent.
    pub sent: Time,
    /// When it arrived.
    pub at: Time,
    /// Its sender.
    pub from: NodeId,
    /// Its receiver.
    pub to: NodeId,
    /// Its kind, an index of [`Message::KINDS`].
    pub kind: usize,
}

enum Event<P: Protocol> {
    Message {
        sent: Time,
        from: NodeId,
        number: u32,
        to: NodeId,
        message: P::Message,
    },
    /// Without a timer, a held node is woken.
    Timer {
        node: NodeId,
        number: u32,
        crashes: u32,
        timer: Option<P::Timer>,
    },
}

/// A handler of a node, and what it is called with.
enum Call<P: Protocol> {
    Start,
    Message(NodeId, P::Message),
    Timer(P::Timer),
    Wake,
    Restart(bool),
}

impl<P: Protocol> Call<P> {
    fn honest(
        self,
        protocol: &P,
        state: Option<P::Node>,
        cx: &mut Recording<P>,
    ) -> Option<P::Node> {
        let Some(mut state) = state else { return Some(protocol.start(cx)) };
        match self {
            Self::Message(from, message) => protocol.on_message(&mut state, from, &message, cx),
            Self::Timer(timer) => protocol.on_timer(&mut state, timer, cx),
            Self::Restart(keep_state) => protocol.restart(&mut state, keep_state, cx),
            Self::Start | Self::Wake => {}
        }
        Some(state)
    }

    fn held(
        self,
        protocol: &P,
        behaviour: &mut dyn Behaviour<P>,
        state: Option<P::Node>,
        cx: &mut Recording<P>,
    ) -> Option<P::Node> {
        let cx = &mut Tap::new(cx);
        let Some(mut state) = state else { return Some(behaviour.start(protocol, cx)) };
        match self {
            Self::Message(from, message) => {
                behaviour.on_message(protocol, &mut state, from, &message, cx);
            }
            Self::Timer(timer) => behaviour.on_timer(protocol, &mut state, timer, cx),
            Self::Wake => behaviour.on_wake(protocol, &mut state, cx),
            Self::Restart(keep) => behaviour.restart(protocol, &mut state, keep, cx),
            Self::Start => {}
        }
        Some(state)
    }
}

impl<P: Protocol> Pump<P> {
    /// A complete network of `nodes` and the protocol's extra ones, seed 0, delay 10 ms, nothing lost.
    pub fn new(protocol: P, nodes: u32) -> Self {
        let nodes = nodes + protocol.extra_nodes();
        Self {
            protocol,
            seed: 0,
            weather: Weather::new(Span::from_millis(10)),
            topology: None,
            nodes: Vec::new(),
            population: nodes,
            drawn: vec![0; nodes as usize],
            shared: vec![0; nodes as usize],
            bodies: RecordedBodies::default(),
            holdings: Holdings::default(),
            crashes: vec![0; nodes as usize],
            queue: BTreeMap::new(),
            asked: 0,
            now: Time::ZERO,
            totals: Totals::none(P::Metric::ALL.len(), P::Message::KINDS.len()),
            invariants: Invariants::default(),
            violations: Vec::new(),
            trace: Vec::new(),
            most_traced: 0,
            lawful: vec![0; P::Message::KINDS.len()],
            panel: Panel::new(Vec::new()),
            outputs: Vec::new(),
            sent: vec![0; nodes as usize],
            held: BTreeMap::new(),
            told: Vec::new(),
            scheduler: None,
            bound: None,
            scheduled: Scheduled::default(),
        }
    }

    /// Keeps a trace of the first messages that arrive, so many of them.
    #[must_use]
    pub fn traced(mut self, most: usize) -> Self {
        self.most_traced = most;
        self
    }

    /// Sets the seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the delay of every message.
    #[must_use]
    pub fn delay(self, delay: Span) -> Self {
        self.delays(delay, delay)
    }

    /// Sets bounds of the delays: each message draws its own, so messages overtake each other.
    #[must_use]
    pub fn delays(mut self, least: Span, most: Span) -> Self {
        (self.weather.least, self.weather.most) = (least, most.max(least));
        self
    }

    /// Sets the probability with which a message between distinct nodes is lost.
    #[must_use]
    pub fn loss(mut self, share: f64) -> Self {
        self.weather.loss_threshold = crate::draw::threshold(share);
        self
    }

    /// Sets the probability with which a message between distinct nodes arrives twice.
    #[must_use]
    pub fn duplicate(mut self, share: f64) -> Self {
        self.weather.duplicate_threshold = crate::draw::threshold(share);
        self
    }

    /// Cuts some nodes off from all others: messages sent from one side to the other in
    /// `from..until` are lost; with `one_way` only those of the nodes of `side`.
    #[must_use]
    pub fn cut(mut self, side: &[NodeId], one_way: bool, from: Time, until: Time) -> Self {
        self.weather.cuts.push(Cut { side: side.to_vec(), one_way, from, until });
        self
    }

    /// Bounds what a scheduler may do: every message arrives within `delta`. Without a bound, at some time.
    #[must_use]
    pub fn bound(mut self, delta: Span) -> Self {
        self.bound = Some(delta);
        self
    }

    /// Lets an adversary decide when messages arrive, in place of the protocol's own scheduler. It is asked
    /// after every event.
    #[must_use]
    pub fn scheduler(mut self, scheduler: impl Scheduler<P> + 'static) -> Self {
        self.scheduler = Some(Box::new(scheduler));
        self
    }

    /// Sets the neighbours of every node, in slot order.
    ///
    /// # Panics
    /// If there is not one list per node.
    #[must_use]
    pub fn topology(mut self, lists: Vec<Vec<NodeId>>) -> Self {
        assert_eq!(lists.len(), self.population as usize, "one list of neighbours per node");
        self.topology = Some(lists.into_iter().map(Into::into).collect());
        self
    }

    /// Gives a node to an adversary, before the first run.
    #[must_use]
    pub fn hold(mut self, node: NodeId, behaviour: impl Behaviour<P> + 'static) -> Self {
        self.held.insert(node, Box::new(behaviour));
        self
    }

    /// Starts the nodes at the first call, then handles events before `until`, and says what
    /// happened so far. Ends early once the protocol is complete (asked after every event).
    pub fn run(&mut self, until: Time) -> RunFacts {
        let is_first = self.nodes.is_empty();
        if is_first {
            self.nodes.resize_with(self.population as usize, || None);
            let all = (0..self.population).map(NodeId);
            self.held.extend(all.filter_map(|id| Some((id, self.protocol.behaviour(id)?))));
            let setting = self.setting(until);
            self.panel = Panel::new(self.protocol.judges(&setting));
            if self.scheduler.is_none() {
                self.scheduler = self.protocol.scheduler(&setting);
            }
            for id in 0..self.population {
                self.call(NodeId(id), 0, Call::Start);
            }
        }
        let complete = |pump: &Self| P::STOPS_EARLY && pump.protocol.complete(&pump.totals);
        while !complete(self) {
            self.release_held();
            let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 < until) else { break };
            self.now = entry.key().0;
            let event = entry.remove();
            self.handle(event);
        }
        self.nodes.iter().flatten().take(LAWFUL as usize).for_each(laws::state);
        if let Some(node) = self.nodes.iter().flatten().next().filter(|_| is_first) {
            laws::damage(node, drop);
        }
        self.facts(until)
    }

    /// Takes a node down: messages to it are lost and its timers die.
    pub fn crash(&mut self, node: NodeId) -> Option<P::Node> {
        self.crashes[node.index()] += 1;
        self.nodes[node.index()].take()
    }

    /// Brings a node up again from the state that [`Pump::crash`] returned.
    pub fn restart(&mut self, node: NodeId, state: P::Node, keep_state: bool) {
        self.panel.restarted(node, keep_state);
        self.nodes[node.index()] = Some(state);
        self.call(node, 0, Call::Restart(keep_state));
    }

    /// The state of a node; `None` while it is down.
    pub fn node(&self, node: NodeId) -> Option<&P::Node> {
        self.nodes.get(node.index())?.as_ref()
    }

    /// The shared bodies.
    pub fn bodies(&self) -> &RecordedBodies<P::Body> {
        &self.bodies
    }

    /// The messages that arrived, in their order; empty unless [`Pump::traced`].
    pub fn trace(&self) -> &[Delivery] {
        &self.trace
    }

    /// What the nodes said, in order.
    pub fn outputs(&self) -> &[Said<P::Output>] {
        &self.outputs
    }

    /// What the judges have found, under a setting without faults: a test that makes some knows what
    /// they may break.
    pub fn findings(&self) -> Vec<Finding> {
        self.panel.findings()
    }

    /// The judges' checks, as if the run ended now; ends their work.
    pub fn judged(&mut self) -> Vec<Check> {
        let all = (0..self.population).map(NodeId);
        let excuses =
            |node: &NodeId| self.nodes[node.index()].is_none() || self.held.contains_key(node);
        let excused: Vec<NodeId> = all.filter(excuses).collect();
        let end = RunEnd { time: self.now, nodes: self.population, excused: &excused };
        self.panel.end(&end)
    }

    /// The protocol.
    pub fn protocol(&self) -> &P {
        &self.protocol
    }

    fn handle(&mut self, event: Event<P>) {
        let node = match &event {
            Event::Message { to, .. } => *to,
            Event::Timer { node, crashes, .. } => {
                if *crashes != self.crashes[node.index()] {
                    return;
                }
                *node
            }
        };
        if self.nodes[node.index()].is_none() {
            return;
        }
        self.totals.events += 1;
        if let Event::Message { sent, from, to, message, .. } = &event
            && self.trace.len() < self.most_traced
        {
            let (sent, from, to, kind) = (*sent, *from, *to, message.kind());
            self.trace.push(Delivery { sent, at: self.now, from, to, kind });
        }
        match event {
            Event::Message { from, number, message, .. } => {
                self.call(node, number, Call::Message(from, message));
            }
            Event::Timer { number, timer: Some(timer), .. } => {
                self.call(node, number, Call::Timer(timer));
            }
            Event::Timer { number, timer: None, .. } => self.call(node, number, Call::Wake),
        }
    }

    /// Runs a handler, honest or of the node's behaviour, under a recording and carries out its effects.
    fn call(&mut self, node: NodeId, number: u32, call: Call<P>) {
        let place = node.index();
        let mut cx = Recording::new(node, self.population)
            .at(self.now)
            .seed(self.seed)
            .bodies_of(self.bodies.clone());
        (cx.drawn, cx.shared) = (self.drawn[place], self.shared[place]);
        (cx.sent, cx.event) = (self.sent[place], number);
        if let Some(lists) = &self.topology {
            cx.neighbours = Neighbours::Listed(lists[place].clone());
        }
        let held = self.held.contains_key(&node);
        cx.told = if held { core::mem::take(&mut self.told) } else { Vec::new() };
        let state = self.nodes[place].take();
        self.nodes[place] = match self.held.get_mut(&node) {
            Some(behaviour) => call.held(&self.protocol, behaviour.as_mut(), state, &mut cx),
            None => call.honest(&self.protocol, state, &mut cx),
        };
        if held {
            self.told = core::mem::take(&mut cx.told);
        }
        (self.drawn[place], self.shared[place]) = (cx.drawn, cx.shared);
        self.holdings.note(node, &cx.holds);
        let mut number = self.sent[place];
        self.sent[place] = cx.sent;
        // Charges delay what follows them in the same handler, as they do under an engine.
        let mut at = self.now;
        for effect in cx.effects {
            let numbered =
                matches!(effect, Effect::Send { .. } | Effect::Timer { .. } | Effect::Wake { .. });
            match effect {
                Effect::Send { to, message, .. } => self.send(at, (node, number), to, message),
                Effect::Timer { at, timer } => {
                    let crashes = self.crashes[node.index()];
                    self.ask(at, Event::Timer { node, number, crashes, timer: Some(timer) });
                }
                Effect::Wake { at } => {
                    let crashes = self.crashes[node.index()];
                    self.ask(at, Event::Timer { node, number, crashes, timer: None });
                }
                Effect::Charge(cpu) => at = at + cpu,
                Effect::Record { metric, value } => self.record(metric, value),
                Effect::Output(output) => self.hear(node, output),
            }
            number += u32::from(numbered);
        }
        for invariant in self.invariants.take::<P::Metric>() {
            match self.violations.iter_mut().find(|(name, _)| *name == invariant) {
                Some((_, events)) => *events += 1,
                None => self.violations.push((invariant, 1)),
            }
        }
    }

    /// Lets the scheduler release messages before the next event, and all of them if there is none.
    fn release_held(&mut self) {
        let Some(scheduler) = self.scheduler.as_deref_mut() else { return };
        let mut arrivals = Vec::new();
        let next = self.queue.first_key_value().map_or(Time::MAX, |(key, _)| key.0);
        self.scheduled.release(scheduler, self.now, next, &mut arrivals);
        if arrivals.is_empty() && next == Time::MAX {
            self.scheduled.release_rest(self.now, &mut arrivals);
        }
        for (at, event) in arrivals {
            self.ask(at, event);
        }
    }

    fn send(&mut self, at: Time, (from, number): (NodeId, u32), to: NodeId, message: P::Message) {
        let seen = self.lawful.get_mut(message.kind());
        if seen.as_ref().is_none_or(|seen| **seen < LAWFUL) {
            laws::message(&message);
            seen.into_iter().for_each(|seen| *seen += 1);
        }
        if from != to {
            self.totals.messages += 1;
            let bytes = u64::from(message.encoded_len());
            self.totals.bytes_on_wire += bytes;
            self.totals.messages_by_kind[message.kind()] += 1;
            self.totals.bytes_by_kind[message.kind()] += bytes;
            if self.held.contains_key(&from) {
                self.totals.adversary_messages_by_kind[message.kind()] += 1;
                self.totals.adversary_bytes_by_kind[message.kind()] += bytes;
            }
        }
        let arrivals = self.weather.arrivals(self.seed, self.asked, at, (from, to));
        let before = self.asked;
        for due in arrivals {
            let event = Event::Message { sent: at, from, number, to, message };
            let latest = self.bound.map(|delta| at + delta);
            let transit = InTransit { sent: at, from, to, due, latest, message };
            let arrival = match self.scheduler.as_deref_mut().filter(|_| from != to) {
                Some(scheduler) => self.scheduled.send(scheduler, self.now, transit, event),
                None => Some((due, event)),
            };
            if let Some((at, event)) = arrival {
                self.ask(at, event);
            }
        }
        if self.asked == before {
            self.asked += 1;
        }
    }

    fn ask(&mut self, at: Time, event: Event<P>) {
        self.queue.insert((at, self.asked), event);
        self.asked += 1;
    }

    /// What a held node says counts for nothing.
    fn hear(&mut self, node: NodeId, output: P::Output) {
        if self.held.contains_key(&node) {
            return;
        }
        let sequence = self.outputs.len() as u32;
        let at = Key { time: self.now, target: node, tie: 0, source: node, sequence };
        let said = Said { at, node, output };
        self.panel.hear(&said);
        if let Some(scheduler) = self.scheduler.as_deref_mut() {
            scheduler.hear(&said);
        }
        self.outputs.push(said);
    }

    fn setting(&self, until: Time) -> Setting {
        let lossless = self.weather.loss_threshold == 0 && self.weather.cuts.is_empty();
        Setting {
            seed: self.seed,
            held: self.held.len() as u32,
            loses_messages: !self.weather.is_calm(),
            delta: lossless.then_some(self.weather.most.max(self.bound.unwrap_or(Span::ZERO))),
            ..Setting::of(self.population, until)
        }
    }

    fn record(&mut self, metric: P::Metric, value: u64) {
        self.invariants.note(metric, value);
        let total = &mut self.totals.values[metric.index()];
        match P::Metric::ALL[metric.index()].kind {
            MetricKind::Sum | MetricKind::PerNode | MetricKind::Per(_) => {
                *total = total.wrapping_add(value)
            }
            MetricKind::Max => *total = (*total).max(value),
            MetricKind::Latency => *total += 1,
        }
    }

    fn facts(&self, until: Time) -> RunFacts {
        let nodes = u64::from(self.population);
        let (topology, edges) = match &self.topology {
            None => ("complete", nodes * (nodes - 1)),
            Some(lists) => ("file", lists.iter().map(|list| list.len() as u64).sum()),
        };
        RunFacts {
            nodes: self.population,
            until,
            last_event: self.now,
            quiescent: self.queue.is_empty(),
            topology,
            edges,
            directed: false,
            exponential_delay: None,
            disturbed: !self.weather.is_calm() || self.crashes.iter().any(|crashes| *crashes > 0),
            adversary: !self.held.is_empty(),
            totals: self.totals.clone(),
            violations: self.violations.clone(),
            answers: Answers::default(),
        }
    }
}
