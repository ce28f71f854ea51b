//! `lin-kv` of native nodes: a key-value store over this project's Raft.
//!
//! A node that is asked makes the request known to all that have the log; whoever leads puts it in, and when it
//! is final every node does it, once, and the one that was asked answers. Reads go through the log too, so the
//! history is linearisable. A node that was left behind gets the log from the leader.

use std::collections::{BTreeMap, BTreeSet};

use anthill_protocol::kit::{
    Answer, Ask, Entry, Final, LogSetting, Machine, Part, ReplicatedLog as _, Within,
};
use anthill_protocol::parameter::ParameterError;
use anthill_protocol::{
    Bodies as _, Context as _, NodeId, Protocol, Shared, Snapshot, SnapshotError, Span,
};
use anthill_raft::Raft;
use serde_json::{Value, json};

use crate::body::{Command, Json, MaelstromBody, code};
use crate::messages::{MaelstromMetric, Packet};
use crate::server::unknown;
use crate::values::{MOST_VALUES, Texts};
use crate::{Cx, Maelstrom};

type Replica = <Raft as Protocol>::Node;

/// The log of so many nodes.
pub(crate) fn log(nodes: u32, heartbeat: Span, seed: u64) -> Result<Raft, ParameterError> {
    Raft::of(LogSetting { nodes, delta: heartbeat, seed })
}

/// What a node has: its part of the log, and the store.
#[derive(Debug, Snapshot)]
pub(crate) struct Store {
    log: Replica,
    machine: Values,
}

/// The machine over the log.
#[derive(Debug, Default)]
struct Values {
    values: Texts,
    /// Names of commands: the node that was asked, and its number there.
    done: BTreeSet<(u32, u32)>,
    /// Retained.
    waits: BTreeMap<(u32, u32), Shared>,
    /// Commands that this node has made.
    made: u32,
    /// Answers that it is to give, once the log's handler has returned.
    answers: Vec<(NodeId, Json)>,
}

impl Snapshot for Values {
    fn save(&self, out: &mut Vec<u8>) {
        self.values.save(out);
        self.made.save(out);
        self.done.iter().copied().collect::<Vec<(u32, u32)>>().save(out);
        self.waits.iter().map(|(name, at)| (*name, *at)).collect::<Vec<_>>().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let (values, made) = (Texts::load(bytes)?, u32::load(bytes)?);
        let done = Vec::<(u32, u32)>::load(bytes)?.into_iter().collect();
        let waits = Vec::<((u32, u32), Shared)>::load(bytes)?.into_iter().collect();
        Ok(Self { values, done, waits, made, answers: Vec::new() })
    }
}

impl Values {
    /// A command that is not done waits; whether it did not before.
    fn add(&mut self, handle: Shared, cx: &mut Cx<'_>) -> bool {
        let bodies = cx.bodies();
        let Some(command) = bodies.get(handle).command() else { return false };
        let name = (command.name.0.0, command.name.1);
        let is_full = self.waits.len() >= MOST_VALUES;
        if is_full || self.done.contains(&name) || self.waits.contains_key(&name) {
            return false;
        }
        cx.retain(handle);
        self.waits.insert(name, handle);
        true
    }

    /// Does a command, unless it was done before.
    fn take(&mut self, handle: Shared, cx: &mut Cx<'_>) {
        let bodies = cx.bodies();
        let Some(command) = bodies.get(handle).command() else { return };
        let name = (command.name.0.0, command.name.1);
        self.waits.remove(&name).into_iter().for_each(|waited| cx.release(waited));
        if self.done.insert(name) {
            let answer = answer(&mut self.values, &command.request);
            if command.name.0 == cx.id() {
                self.answers.extend(answer.map(|answer| (command.client, answer)));
            }
        }
    }
}

/// Does a request to a store, and answers it.
pub(crate) fn answer(values: &mut Texts, request: &Json) -> Option<Json> {
    let text = |name: &str| request.get(name).map(Value::to_string);
    let missing = |name| request.refusal(code::MALFORMED, &format!("`{name}` is missing"));
    let Some(key) = text("key") else { return missing("key") };
    let absent = || request.refusal(code::NO_SUCH_KEY, "key does not exist");
    let full = || request.refusal(code::UNAVAILABLE, "the store is full");
    match request.kind() {
        "read" => match values.get(&key).and_then(|value| serde_json::from_str(value).ok()) {
            Some(value) => {
                let value: Value = value;
                request.answer(json!({"type": "read_ok", "value": value}))
            }
            None => absent(),
        },
        "write" => {
            let Some(value) = text("value") else { return missing("value") };
            if !values.put(&key, &value) {
                return full();
            }
            request.answer(json!({"type": "write_ok"}))
        }
        "cas" => {
            let (Some(from), Some(to)) = (text("from"), text("to")) else {
                return missing("from` or `to");
            };
            let creates =
                request.get("create_if_not_exists").is_some_and(|it| *it == Value::Bool(true));
            match values.get(&key) {
                None if !creates => return absent(),
                Some(value) if value != from => {
                    let why = format!("expected {from}, but had {value}");
                    return request.refusal(code::PRECONDITION, &why);
                }
                _ => {}
            }
            if !values.put(&key, &to) {
                return full();
            }
            request.answer(json!({"type": "cas_ok"}))
        }
        kind => unknown(request, kind),
    }
}

impl Machine<Cx<'_>> for Values {
    fn ask(&mut self, ask: Ask<'_>, cx: &mut Cx<'_>) -> Answer {
        match ask {
            Ask::Next { .. } => Answer::Entry(self.waits.values().next().copied().map(Entry::of)),
            Ask::Oldest => {
                let first = self.waits.keys().next();
                Answer::Oldest(
                    first.map(|(node, number)| u64::from(*node) << 32 | u64::from(*number)),
                )
            }
            Ask::Last => Answer::Entry(None),
            Ask::Keep(_) => Answer::Taken,
            Ask::Take(Final { entry, .. }) => {
                entry.body.into_iter().for_each(|body| self.take(body, cx));
                Answer::Taken
            }
        }
    }
}

impl Store {
    pub(crate) fn start(maelstrom: &Maelstrom, cx: &mut Cx<'_>) -> Self {
        let mut machine = Values::default();
        let log = with_log(maelstrom, &mut machine, cx, |raft, cx| raft.start(cx));
        Self { log, machine }
    }

    pub(crate) fn restart(&mut self, maelstrom: &Maelstrom, keep_state: bool, cx: &mut Cx<'_>) {
        if !keep_state {
            // The number of its commands is what a real node would have on disk.
            let made = self.machine.made;
            let before =
                core::mem::replace(&mut self.machine, Values { made, ..Values::default() });
            before.waits.into_values().for_each(|waited| cx.release(waited));
        }
        self.machine.answers.clear();
        self.run(maelstrom, cx, |raft, log, cx| raft.restart(log, keep_state, cx));
    }

    pub(crate) fn on_timer(
        &mut self,
        maelstrom: &Maelstrom,
        timer: <Raft as Protocol>::Timer,
        cx: &mut Cx<'_>,
    ) {
        self.run(maelstrom, cx, |raft, log, cx| raft.on_timer(log, timer, cx));
    }

    pub(crate) fn on_raft(
        &mut self,
        maelstrom: &Maelstrom,
        from: NodeId,
        message: &<Raft as Protocol>::Message,
        cx: &mut Cx<'_>,
    ) {
        let Some(from) = part(maelstrom).inner(from) else { return };
        self.run(maelstrom, cx, |raft, log, cx| raft.on_message(log, from, message, cx));
    }

    /// A request, from a client or a program.
    pub(crate) fn on_json(
        &mut self,
        maelstrom: &Maelstrom,
        from: NodeId,
        json: &Json,
        cx: &mut Cx<'_>,
    ) -> Option<Json> {
        if !matches!(json.kind(), "read" | "write" | "cas") {
            return unknown(json, json.kind());
        }
        self.machine.made += 1;
        let name = (cx.id(), self.machine.made);
        let command = Command { name, client: from, request: json.clone() };
        let command = cx.share(MaelstromBody::Command(command));
        self.on_command(maelstrom, command, cx);
        tell(maelstrom, command, cx);
        None
    }

    /// Somebody was asked something.
    pub(crate) fn on_command(&mut self, maelstrom: &Maelstrom, command: Shared, cx: &mut Cx<'_>) {
        if self.machine.add(command, cx) {
            self.run(maelstrom, cx, |raft, log, cx| raft.poke(log, cx));
        }
    }

    /// What this node was asked, and is not done: whoever leads may not know it.
    pub(crate) fn again(&mut self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        let own = (cx.id().0, 0)..=(cx.id().0, u32::MAX);
        for command in self.machine.waits.range(own).map(|(_, at)| *at) {
            tell(maelstrom, command, cx);
            cx.record(MaelstromMetric::Repeated, 1);
        }
        self.run(maelstrom, cx, |raft, log, cx| raft.poke(log, cx));
    }

    /// Runs a handler of the log, and then gives the answers that it made possible.
    fn run(
        &mut self,
        maelstrom: &Maelstrom,
        cx: &mut Cx<'_>,
        handler: impl FnOnce(&Raft, &mut Replica, &mut LogCx<'_, '_>),
    ) {
        let log = &mut self.log;
        with_log(maelstrom, &mut self.machine, cx, |raft, cx| handler(raft, log, cx));
        for (to, answer) in core::mem::take(&mut self.machine.answers) {
            maelstrom.post(to, answer, cx);
        }
    }
}

type LogCx<'a, 'e> = Within<'a, Maelstrom, Raft, Cx<'e>, &'a mut Values>;

fn part(maelstrom: &Maelstrom) -> Part {
    Part { first: NodeId(0), size: maelstrom.nodes }
}

fn with_log<T>(
    maelstrom: &Maelstrom,
    machine: &mut Values,
    cx: &mut Cx<'_>,
    handler: impl FnOnce(&Raft, &mut LogCx<'_, '_>) -> T,
) -> T {
    let raft = maelstrom.raft.as_ref().expect("a store has a log");
    Within::run_on(part(maelstrom), machine, cx, |cx| handler(raft, cx)).0
}

/// All others that have the log.
fn tell(maelstrom: &Maelstrom, command: Shared, cx: &mut Cx<'_>) {
    let others = (0..maelstrom.nodes).map(NodeId).filter(|to| *to != cx.id());
    others.collect::<Vec<_>>().into_iter().for_each(|to| cx.send(to, Packet::Command { command }));
}
