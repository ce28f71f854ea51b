//! The nodes of one process as a [`Machine`]: a protocol's node, and the extra nodes that it looks after.
//!
//! Extra nodes, such as the clients of replicas, are shared out among the processes. Whatever a node sends
//! to one of the same process, and its timers, wait here under a number; the host says when each is due.

use std::collections::BTreeMap;

use anthill_engine::crypto::{Checker, Mode, Scheme};
use anthill_engine::scenario::Scenario;
use anthill_protocol::judge::{Panel, RunEnd, Said, Setting};
use anthill_protocol::kit::Erased;
use anthill_protocol::{
    Configure, Key, Message as _, Metric as _, MetricKind, NodeId, Protocol, Shared, Snapshot,
    Time, Wire as _,
};

use crate::bodies::{self, Store};
use crate::context::{Act, Cx, Shop};
use crate::machine::{Effects, Event, Machine, Malformed, Meter, Outgoing, Parcel, Remark};
use crate::zeros;

/// Verdicts of signatures that are remembered.
const VERDICTS: usize = 1 << 16;
/// Timers and messages that wait inside a process; more than this are a bug of the protocol.
const MOST_WAITING: usize = 1 << 20;

/// What a network of real nodes is made of, as one process sees it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The number of this process, from 0.
    pub own: u32,
    /// How many processes there are.
    pub processes: u32,
    /// The stakes of their nodes.
    pub stakes: Vec<u64>,
}

/// Builds the nodes of a process.
///
/// # Errors
/// When the scenario does not fit, or has an adversary.
pub fn build<P: Configure>(scenario: &Scenario, place: &Place) -> anyhow::Result<Box<dyn Machine>> {
    anyhow::ensure!(
        !scenario.has_adversary(),
        "real nodes follow the rules: take the adversary out"
    );
    let mut protocol = scenario.protocol::<P>()?;
    protocol.weigh(&place.stakes)?;
    let population = scenario.nodes.saturating_add(protocol.extra_nodes());
    Ok(Box::new(Live::new(protocol, scenario, place, population)))
}

struct Live<P: Protocol> {
    protocol: P,
    place: Place,
    /// Nodes of the scenario; extra ones come after them.
    nodes: u32,
    shop: Shop,
    store: Store<P::Body>,
    hosted: BTreeMap<u32, Hosted<P>>,
    waiting: BTreeMap<u64, (Time, Waiting<P>)>,
    due: std::collections::BTreeSet<(Time, u64)>,
    next: u64,
}

struct Hosted<P: Protocol> {
    state: Option<P::Node>,
    drawn: u64,
}

enum Waiting<P: Protocol> {
    Timer { node: u32, timer: P::Timer },
    Message { from: u32, to: u32, message: P::Message },
}

enum Call<'a, P: Protocol> {
    Start,
    Restart,
    Message(NodeId, P::Message),
    Timer(P::Timer),
    Request(&'a [u8]),
}

impl<P: Protocol> Live<P> {
    fn new(protocol: P, scenario: &Scenario, place: &Place, population: u32) -> Self {
        let (seed, keys) = (scenario.seed, scenario.crypto.keys.clone());
        let shop = Shop {
            scheme: Scheme::with_keys(Mode::Real, seed, keys),
            checker: Checker::new(Mode::Real, seed, VERDICTS),
            seed,
            population,
        };
        let mut live = Self {
            protocol,
            place: place.clone(),
            nodes: scenario.nodes,
            shop,
            store: Store::new(),
            hosted: BTreeMap::new(),
            waiting: BTreeMap::new(),
            due: Default::default(),
            next: 0,
        };
        let own = (0..population).filter(|node| live.runs(*node));
        live.hosted = own.map(|node| (node, Hosted { state: None, drawn: 0 })).collect();
        live
    }

    fn runs(&self, node: u32) -> bool {
        self.process_of(node) == Some(self.place.own)
    }

    /// Runs a handler and carries out what it asked for.
    fn call(&mut self, id: u32, call: Call<'_, P>, now: Time, effects: &mut Effects) {
        let Some(hosted) = self.hosted.get_mut(&id) else { return };
        let (shop, store) = (&mut self.shop, &self.store);
        let mut cx = Cx { id: NodeId(id), now, drawn: hosted.drawn, shop, store, acts: Vec::new() };
        let protocol = &self.protocol;
        let state = &mut hosted.state;
        Erased::run(&mut cx, |cx| match (call, state.as_mut()) {
            (Call::Start, _) => *state = Some(protocol.start(cx)),
            (Call::Restart, Some(node)) => protocol.restart(node, true, cx),
            (Call::Message(from, message), Some(node)) => {
                protocol.on_message(node, from, &message, cx);
            }
            (Call::Timer(timer), Some(node)) => protocol.on_timer(node, timer, cx),
            (Call::Request(bytes), Some(node)) => {
                effects.answer = Some(protocol.request(node, bytes, cx));
            }
            (_, None) => {}
        });
        hosted.drawn = cx.drawn;
        let acts = core::mem::take(&mut cx.acts);
        self.store.settle(now);
        for act in acts {
            self.carry_out(id, act, now, effects);
        }
    }

    fn carry_out(&mut self, id: u32, act: Act<P>, now: Time, effects: &mut Effects) {
        match act {
            Act::Send { to, message } if self.hosted.contains_key(&to.0) => {
                message.bodies(|body| self.store.hold(body.id()));
                self.wait(now, Waiting::Message { from: id, to: to.0, message });
            }
            Act::Send { to, message } => {
                if self.process_of(to.0).is_some() {
                    effects.messages.push(outgoing::<P>(id, to.0, &message));
                }
            }
            Act::Timer { at, timer } => self.wait(at, Waiting::Timer { node: id, timer }),
            Act::Record { metric, value } => effects.records.push((metric.index(), value)),
            Act::Output(output) => {
                let mut bytes = Vec::new();
                output.write(&mut bytes);
                effects.remarks.push(Remark {
                    at: now,
                    node: id,
                    text: format!("{output:?}"),
                    bytes,
                });
            }
            Act::Retain(body) => self.store.retain(body),
            Act::Release(body) => self.store.release(body, now),
        }
    }

    fn wait(&mut self, at: Time, what: Waiting<P>) {
        assert!(self.waiting.len() < MOST_WAITING, "a protocol sets timers without end");
        self.next += 1;
        self.due.insert((at, self.next));
        self.waiting.insert(self.next, (at, what));
    }

    fn decode(&self, from: u32, to: u32, bytes: &[u8]) -> Result<P::Message, Malformed> {
        if !self.runs(to) || from >= self.shop.population {
            return Err(Malformed("a message between other nodes"));
        }
        P::Message::decode(&zeros::lengthen(bytes)?).ok_or(Malformed("no message of this protocol"))
    }

    fn absent(&self, message: &P::Message) -> Result<Vec<u64>, Malformed> {
        let (mut missing, mut wrong) = (Vec::new(), None);
        message.bodies(|body| match self.store.has(body) {
            Ok(true) => {}
            Ok(false) => missing.push(body.id()),
            Err(error) => wrong = Some(error),
        });
        wrong.map_or(Ok(missing), Err)
    }
}

fn outgoing<P: Protocol>(from: u32, to: u32, message: &P::Message) -> Outgoing {
    let (mut bytes, mut bodies) = (Vec::new(), Vec::new());
    message.encode(&mut bytes);
    message.bodies(|body| bodies.push(body.id()));
    let bytes = zeros::shorten(&bytes).into();
    Outgoing { from, to, bytes, bodies: bodies.into(), kind: message.kind() }
}

impl<P: Protocol> Machine for Live<P> {
    fn population(&self) -> u32 {
        self.shop.population
    }

    fn process_of(&self, node: u32) -> Option<u32> {
        if node < self.place.processes {
            return Some(node);
        }
        let is_extra = node >= self.nodes && node < self.shop.population;
        is_extra.then(|| (node - self.nodes) % self.place.processes)
    }

    fn handle(&mut self, event: &Event, now: Time) -> Result<Effects, Malformed> {
        let mut effects = Effects::default();
        let all: Vec<u32> = self.hosted.keys().copied().collect();
        match event {
            Event::Start => {
                all.into_iter().for_each(|node| self.call(node, Call::Start, now, &mut effects));
            }
            Event::Restart => {
                // Timers died with the process; messages inside it as well.
                self.due.clear();
                for (_, what) in core::mem::take(&mut self.waiting).into_values() {
                    self.forget(&what, now);
                }
                all.into_iter().for_each(|node| self.call(node, Call::Restart, now, &mut effects));
            }
            Event::Message { from, to, bytes } => {
                let message = self.decode(*from, *to, bytes)?;
                if !self.absent(&message)?.is_empty() {
                    return Err(Malformed("a message before its bodies"));
                }
                self.call(*to, Call::Message(NodeId(*from), message), now, &mut effects);
            }
            Event::Due { number } => {
                let (at, what) =
                    self.waiting.remove(number).ok_or(Malformed("nothing of that number"))?;
                self.due.remove(&(at, *number));
                match &what {
                    Waiting::Timer { node, timer } => {
                        self.call(*node, Call::Timer(*timer), now, &mut effects);
                    }
                    Waiting::Message { from, to, message } => {
                        let call = Call::Message(NodeId(*from), *message);
                        self.call(*to, call, now, &mut effects);
                    }
                }
                self.forget(&what, now);
            }
            Event::Request { bytes } => {
                self.call(self.place.own, Call::Request(bytes), now, &mut effects);
            }
        }
        Ok(effects)
    }

    fn next_due(&self) -> Option<(Time, u64)> {
        self.due.first().copied()
    }

    fn missing(&self, from: u32, to: u32, bytes: &[u8]) -> Result<Vec<u64>, Malformed> {
        self.absent(&self.decode(from, to, bytes)?)
    }

    fn inspect(&self, parcel: &Parcel) -> Result<(u64, Vec<u64>), Malformed> {
        let read = bodies::Parcel::<P::Body>::read(parcel.interned, &parcel.bytes)?;
        let mut missing = Vec::new();
        for part in &read.parts {
            if !self.store.has(*part)? {
                missing.push(part.id());
            }
        }
        Ok((read.id, missing))
    }

    fn has(&self, body: u64) -> bool {
        self.store.find(body).is_some()
    }

    fn put(&mut self, parcel: &Parcel, now: Time) -> Result<(), Malformed> {
        let read = bodies::Parcel::read(parcel.interned, &parcel.bytes)?;
        self.store.put(read, &parcel.bytes, now)
    }

    fn sweep(&mut self, now: Time) {
        self.store.sweep(now);
    }

    fn body(&self, body: u64) -> Option<(Parcel, &[u64], u64)> {
        let kept = self.store.find(body)?;
        let parcel = Parcel { interned: kept.interned, bytes: kept.bytes.to_vec() };
        Some((parcel, &kept.parts, kept.number))
    }

    fn bodies_made(&self) -> u64 {
        self.store.made()
    }

    fn bodies_kept(&self) -> usize {
        self.store.len()
    }

    fn changes(&mut self) -> (Vec<u64>, Vec<u64>) {
        (core::mem::take(&mut self.store.came), core::mem::take(&mut self.store.left))
    }

    fn save(&self) -> Option<Vec<u8>> {
        if !P::SAVES_ALL {
            return None;
        }
        let mut out = Vec::new();
        (self.hosted.len() as u32).save(&mut out);
        for (node, hosted) in &self.hosted {
            (*node, hosted.drawn, hosted.state.is_some()).save(&mut out);
            hosted.state.iter().for_each(|state| state.save(&mut out));
        }
        self.store.retained().save(&mut out);
        self.next.save(&mut out);
        (self.waiting.len() as u32).save(&mut out);
        for (number, (at, what)) in &self.waiting {
            (*number, *at).save(&mut out);
            match what {
                Waiting::Timer { node, timer } => {
                    (0u8, *node).save(&mut out);
                    timer.save(&mut out);
                }
                Waiting::Message { from, to, message } => {
                    let bytes = outgoing::<P>(*from, *to, message).bytes.to_vec();
                    (1u8, *from, *to, bytes).save(&mut out);
                }
            }
        }
        Some(out)
    }

    fn load(&mut self, mut bytes: &[u8]) -> Result<(), Malformed> {
        self.read_saved(&mut bytes).map_err(|error| Malformed(error.0))?;
        bytes.is_empty().then_some(()).ok_or(Malformed("more than was saved"))
    }

    fn query(&self, path: &str) -> Option<String> {
        let node = self.hosted.get(&self.place.own)?.state.as_ref()?;
        self.protocol.query(node, path, &self.store.view())
    }

    fn meters(&self) -> Vec<Meter> {
        let meter = |info: &anthill_protocol::MetricInfo| Meter {
            name: info.name,
            about: info.about,
            is_latency: info.kind == MetricKind::Latency,
            is_max: info.kind == MetricKind::Max,
        };
        P::Metric::ALL.iter().map(meter).collect()
    }

    fn kinds(&self) -> &'static [&'static str] {
        P::Message::KINDS
    }

    fn judge(&self, remarks: &[Remark], since: Time) -> Vec<(String, bool)> {
        // Processes stop and start, so nothing is judged that needs a network without faults.
        let nodes = self.shop.population;
        let setting = Setting {
            seed: self.shop.seed,
            crashes: true,
            loses_messages: true,
            delta: None,
            ..Setting::of(nodes, Time(since.0.saturating_add(1)))
        };
        let mut panel = Panel::new(self.protocol.judges(&setting));
        for (remark, sequence) in remarks.iter().zip(0..) {
            let Ok(output) = P::Output::read(&mut &remark.bytes[..]) else { continue };
            let node = NodeId(remark.node);
            let at = Key { time: remark.at, target: node, tie: 0, source: node, sequence };
            panel.hear(&Said { at, node, output });
        }
        let checks = panel.end(&RunEnd { time: since, nodes, excused: &[] });
        let judged = checks.into_iter().filter(|check| check.not_judged.is_none());
        judged.map(|check| (check.name.to_string(), check.ok || check.expected_violation)).collect()
    }
}

impl<P: Protocol> Live<P> {
    fn forget(&mut self, what: &Waiting<P>, now: Time) {
        if let Waiting::Message { message, .. } = what {
            message.bodies(|body| self.store.drop_hold(body.id(), now));
        }
    }

    fn read_saved(&mut self, bytes: &mut &[u8]) -> Result<(), anthill_protocol::SnapshotError> {
        use anthill_protocol::SnapshotError;
        for _ in 0..u32::load(bytes)? {
            let (node, drawn, is_up) = <(u32, u64, bool)>::load(bytes)?;
            let state = is_up.then(|| P::Node::load(bytes)).transpose()?;
            let hosted = self.hosted.get_mut(&node).ok_or(SnapshotError("another's node"))?;
            *hosted = Hosted { state, drawn };
        }
        for (body, times) in Vec::<(u64, u32)>::load(bytes)? {
            if self.store.find(body).is_none() {
                return Err(SnapshotError("a body that is not here"));
            }
            (0..times).for_each(|_| self.store.retain(body));
        }
        self.next = u64::load(bytes)?;
        for _ in 0..u32::load(bytes)? {
            let (number, at) = <(u64, Time)>::load(bytes)?;
            let what = match u8::load(bytes)? {
                0 => Waiting::Timer { node: u32::load(bytes)?, timer: P::Timer::load(bytes)? },
                _ => {
                    let (from, to, bytes) = <(u32, u32, Vec<u8>)>::load(bytes)?;
                    let message =
                        self.decode(from, to, &bytes).map_err(|it| SnapshotError(it.0))?;
                    message.bodies(|body: Shared| self.store.hold(body.id()));
                    Waiting::Message { from, to, message }
                }
            };
            self.due.insert((at, number));
            self.waiting.insert(number, (at, what));
        }
        Ok(())
    }
}
