//! A native node: what it answers to whom, whatever the workload.
//!
//! It speaks to other nodes as programs do, so each of them may be one: `broadcast` is passed on and
//! acknowledged, sets and counters are told with `replicate`.

use anthill_protocol::{Context as _, NodeId, Protocol, Shared, Snapshot, Span};
use anthill_raft::Raft;
use serde_json::json;

use crate::body::{Json, code};
use crate::broadcast::Broadcast;
use crate::counter::Counter;
use crate::messages::Timer;
use crate::set::Set;
use crate::store::Store;
use crate::{Cx, Maelstrom};

/// A native node.
#[derive(Debug, Snapshot)]
pub struct Server {
    /// Ids that it has generated.
    ids: u32,
    work: Work,
}

#[derive(Debug, Snapshot)]
enum Work {
    /// It needs no state.
    Plain,
    Broadcast(Broadcast),
    Set(Set),
    Counter(Counter),
    Store(Box<Store>),
}

impl Server {
    pub(crate) fn start(maelstrom: &Maelstrom, cx: &mut Cx<'_>) -> Self {
        let work = match maelstrom.workload {
            "broadcast" => Work::Broadcast(Broadcast::default()),
            "g-set" => Work::Set(Set::default()),
            "pn-counter" | "g-counter" => Work::Counter(Counter::default()),
            "lin-kv" => Work::Store(Box::new(Store::start(maelstrom, cx))),
            _ => Work::Plain,
        };
        let server = Self { ids: 0, work };
        server.await_repeat(maelstrom, cx);
        server
    }

    /// Nodes tell their neighbours at instants of their own.
    fn await_repeat(&self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        if !matches!(self.work, Work::Plain) {
            let wait = 1 + cx.random_below(maelstrom.repeat.0);
            cx.set_timer(Span(wait), Timer::Again);
        }
    }

    pub(crate) fn restart(&mut self, maelstrom: &Maelstrom, keep_state: bool, cx: &mut Cx<'_>) {
        if let Work::Store(store) = &mut self.work {
            store.restart(maelstrom, keep_state, cx);
        } else if !keep_state {
            // The number of its ids is what a real node would have on disk: else they come again.
            *self = Self { ids: self.ids, ..Self::start(maelstrom, cx) };
            return;
        }
        self.await_repeat(maelstrom, cx);
    }

    pub(crate) fn on_timer(&mut self, maelstrom: &Maelstrom, timer: Timer, cx: &mut Cx<'_>) {
        match (timer, &mut self.work) {
            (Timer::Raft(timer), Work::Store(store)) => store.on_timer(maelstrom, timer, cx),
            (Timer::Again, work) => {
                match work {
                    Work::Plain => {}
                    Work::Broadcast(broadcast) => broadcast.again(maelstrom, cx),
                    Work::Set(set) => set.again(maelstrom, cx),
                    Work::Counter(counter) => counter.again(maelstrom, cx),
                    Work::Store(store) => store.again(maelstrom, cx),
                }
                cx.set_timer(maelstrom.repeat, Timer::Again);
            }
            _ => {}
        }
    }

    pub(crate) fn on_command(&mut self, maelstrom: &Maelstrom, command: Shared, cx: &mut Cx<'_>) {
        if let Work::Store(store) = &mut self.work {
            store.on_command(maelstrom, command, cx);
        }
    }

    pub(crate) fn on_raft(
        &mut self,
        maelstrom: &Maelstrom,
        from: NodeId,
        message: &<Raft as Protocol>::Message,
        cx: &mut Cx<'_>,
    ) {
        if let Work::Store(store) = &mut self.work {
            store.on_raft(maelstrom, from, message, cx);
        }
    }

    pub(crate) fn on_json(
        &mut self,
        maelstrom: &Maelstrom,
        from: NodeId,
        json: &Json,
        cx: &mut Cx<'_>,
    ) {
        let answer = match (json.kind(), &mut self.work) {
            ("echo", _) => {
                let echo = json.get("echo").cloned().unwrap_or_default();
                json.answer(json!({"type": "echo_ok", "echo": echo}))
            }
            ("generate", _) => {
                self.ids += 1;
                let id = format!("{}-{}", maelstrom.cast().name(cx.id()), self.ids);
                json.answer(json!({"type": "generate_ok", "id": id}))
            }
            // Its neighbours it knows already.
            ("topology", _) => json.answer(json!({"type": "topology_ok"})),
            ("error", _) => None,
            (_, Work::Broadcast(broadcast)) => broadcast.on_json(maelstrom, from, json, cx),
            (_, Work::Set(set)) => set.on_json(json),
            (_, Work::Counter(counter)) => counter.on_json(maelstrom, json, cx),
            (_, Work::Store(store)) => store.on_json(maelstrom, from, json, cx),
            (kind, Work::Plain) => unknown(json, kind),
        };
        maelstrom.answer(from, answer, cx);
    }
}

/// The answer to a request that no node has: but for answers, which are none.
pub(crate) fn unknown(json: &Json, kind: &str) -> Option<Json> {
    let is_answer = json.get("in_reply_to").is_some();
    let text = format!("no node here does `{kind}`");
    json.refusal(code::NOT_SUPPORTED, &text).filter(|_| !is_answer)
}

/// The answer to a request without what it must have.
pub(crate) fn malformed(json: &Json, field: &str) -> Option<Json> {
    json.refusal(code::MALFORMED, &format!("`{field}` is missing, or no whole number"))
}
